package uplink_test

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// settling is how long everything may take to come right once nothing
	// fails any more.
	settling = 45 * time.Minute
	// prompt bounds how long a start or stop takes while nothing fails, the end
	// of the pauses after failures included.
	prompt = 5 * time.Minute
)

// finish lets every machine run and make pieces and waste, so that nothing is
// held back: waste goes with a piece, a doubt ends with one.
func (p *plant) finish() {
	for range 2 {
		p.makePieces(p.refuses || p.workers || p.midnight)
		p.work(settling, false)
		if p.strangeWaste || p.strangeParameter {
			for range 30 { // the bad ones are found one after the other
				p.makePieces(false)
				p.work(15*time.Second, false)
			}
		}
		for _, m := range p.machines {
			p.life.Release(m.code)
		}
		p.work(2*time.Minute, false)
	}
}

// makePieces lets every machine run and make one, with waste and parameters if
// they are to grow.
func (p *plant) makePieces(grow bool) {
	for _, m := range p.machines {
		r := m.report
		if r.Stop.Episode != 0 {
			m.episodes[len(m.episodes)-1].end = time.Now()
		}
		r.Stop = prodsmart.Stop{}
		r.Waste, r.Parameters = slices.Clone(r.Waste), slices.Clone(r.Parameters)
		if m.counted {
			r.Count++
		}
		if grow {
			p.growAll(&r)
		}
		m.report = r
		p.life.Report(m.code, r)
		p.life.Release(m.code)
	}
}

// growAll gives every waste code and every parameter something new. It is for
// refusals that could not be understood and counters that were set back: a code
// that is at Prodsmart already is refused until it grows, with all others.
func (p *plant) growAll(r *prodsmart.Report) {
	for i := range r.Waste {
		r.Waste[i].Quantity++
		if p.wasteInCount {
			r.Count++
		}
	}
	for i := range r.Parameters {
		renew(&r.Parameters[i])
	}
}

// mistaken says that a post of the machine's counter was applied and answered
// with a refusal.
func (p *plant) mistaken(m *reference) bool {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	for path := range p.line.mistaken {
		if strings.HasSuffix(path, "/"+m.code+"/counter") {
			return true
		}
	}
	return false
}

// checkOpen: at rest, what is open is what should be.
func (p *plant) checkOpen() {
	for _, m := range p.machines {
		s, known := p.server.Machine(m.code)
		if !known {
			continue
		}
		var open []string
		for _, d := range s.Downtimes {
			if d.Open() && !d.ByWorker {
				open = append(open, d.Type)
			}
		}
		want := m.report.Stop
		switch {
		case want.Episode == 0 && len(open) == 0:
		case p.meddled(m) && len(open) == 0:
		case want.Episode != 0 && p.mayMiss(m, m.episodes[len(m.episodes)-1]) && len(open) == 0:
		case want.Episode != 0 && len(open) == 1 && (p.asked(want.Type, open[0]) || p.meddled(m) && open[0] == defaultType):
		default:
			p.fail(p.t, "%s: at rest the machine says %+v, open are %q", m.code, want, open)
		}
	}
}

// asked says whether a downtime of a type is what was asked for. A type that is
// not assigned, or requires a worker, gives way to the default type.
func (p *plant) asked(want, got string) bool {
	if want == "UNASSIGNED" || want == "NEEDS WORKER" {
		return got == defaultType || want == "NEEDS WORKER" && got == want
	}
	return want == got
}

// mayMiss says that an episode can be missing because of what the tenant is:
// a type that is not assigned is swallowed; a stop whose answer was lost is not
// repeated where that would open a second downtime.
func (p *plant) mayMiss(m *reference, e episode) bool {
	if e.Type == "UNASSIGNED" && p.profile.Options.UnknownType == mes.UnknownTypeIgnore {
		return true
	}
	return p.lostStops && !p.clearBetween(e.Since, e.Since.Add(prompt))
}

// checkAll: Prodsmart shows what happened.
func (p *plant) checkAll() {
	for _, m := range p.machines {
		s, known := p.server.Machine(m.code)
		if !known {
			continue
		}
		if m.counted {
			p.checkCounts(m, s)
			p.checkParameters(m, s)
		}
		p.checkDowntimes(m, s)
	}
	for _, v := range p.server.Violations() {
		if v.Kind == mes.ViolationLower && !v.Excused {
			p.fail(p.t, "%s %s: %s", stamp(v.Time), v.Machine, v.Text)
		}
	}
	p.checkBudget()
}

// misconfigured says that waste and parameters of the machine are refused with
// reason, which the gateway has told.
func (p *plant) misconfigured(m *reference) bool {
	o := p.profile.Options
	strange := p.strangeWaste && (o.UnknownWaste == "" || o.UnknownWaste == mes.UnknownWasteReject) ||
		p.strangeParameter && (o.UnknownParameter == "" || o.UnknownParameter == mes.UnknownParameterReject ||
			o.UnknownCode == "" || o.UnknownCode == mes.UnknownCodeReject)
	return strange && m == p.machines[0]
}

func (p *plant) checkCounts(m *reference, s mes.Machine) {
	if s.Counter != float64(m.report.Count) {
		p.fail(p.t, "%s: the machine made %d, Prodsmart's counter is %v", m.code, m.report.Count, s.Counter)
	}
	wasted := 0.0
	for _, w := range m.report.Waste {
		wasted += s.WasteOf[w.Code]
		if p.misconfigured(m) && (w.Code == "X" || p.settings.Waste == uplink.AllWaste) || w.Code == "X" && p.profile.Options.UnknownWaste == mes.UnknownWasteIgnore {
			continue
		}
		if s.WasteOf[w.Code] != float64(w.Quantity) {
			p.fail(p.t, "%s: waste %s is %d, in Prodsmart %v", m.code, w.Code, w.Quantity, s.WasteOf[w.Code])
		}
	}
	p.checkCredit(m, s, wasted)
}

// checkCredit: the productions were credited with what the counter moved by.
func (p *plant) checkCredit(m *reference, s mes.Machine, wasted float64) {
	o := p.profile.Options
	want, credited := s.Counter, s.Uncredited
	for _, r := range s.Productions {
		credited += r.Quantity
	}
	if o.FirstCount == mes.FirstBaseline {
		return // the first count is no production, and not told apart here
	}
	if o.WasteIn == mes.WasteIncluded {
		want -= wasted
	}
	if o.Ratio == mes.RatioScaled && p.ratio != 0 {
		want *= p.ratio
	}
	if o.SeveralProductions == mes.SeveralAll {
		want *= float64(len(s.Productions))
	}
	loses := p.workers && (o.NoProduction == "" || o.NoProduction == mes.NoProductionStore)
	switch {
	case o.CounterScope != "" && o.CounterScope != mes.ScopeLifetime:
		// A counter that was set back credits the whole total once more.
	case p.misconfigured(m) && o.WasteIn == mes.WasteIncluded:
	case loses && credited > want+0.001, !loses && math.Abs(credited-want) > 0.001:
		p.fail(p.t, "%s: credited %v, the counter moved by %v", m.code, credited, want)
	}
}

func (p *plant) checkParameters(m *reference, s mes.Machine) {
	for _, v := range m.report.Parameters {
		if v.Version == 0 || v.Name == "x" && p.misconfigured(m) || v.Name == "x" && p.profile.Options.UnknownParameter == mes.UnknownParameterIgnore ||
			v.Name == "x" && p.profile.Options.UnknownCode == mes.UnknownCodeIgnore {
			continue
		}
		if got := string(s.Values[v.Name]); got != v.Value {
			p.fail(p.t, "%s: parameter %s is %s, in Prodsmart %q", m.code, v.Name, v.Value, got)
		}
	}
}

// checkBudget: no 60 s hold more requests than the budget. Those for tokens are
// made up for afterwards.
func (p *plant) checkBudget() {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	all, tokens := p.line.arrivals, p.line.tokens
	for i, first := 0, 0; i < len(all); i++ {
		for all[i].Sub(all[first]) >= time.Minute {
			first++
		}
		extra := 0
		for _, t := range tokens {
			if !t.Before(all[first]) && !t.After(all[i]) {
				extra += 2 // the call for it, and the one that was turned away
			}
		}
		if n := i - first + 1; n > p.settings.Budget+extra {
			p.fail(p.t, "%d requests in the minute up to %s, the budget is %d and %d were for tokens", n, stamp(all[i]), p.settings.Budget, extra)
			return
		}
	}
}

// checkLively: there was something to be wrong.
func (p *plant) checkLively() {
	told := 0
	for _, m := range p.server.Machines() {
		told += len(m.Downtimes)
	}
	if n := len(p.line.arrivals); n < 80 || told < 5 {
		p.fail(p.t, "only %d requests and %d downtimes", n, told)
	}
}

// history prints what went over the line, and what the gateway said of it.
func (p *plant) history() {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	lines := slices.Clone(p.line.log)
	for _, e := range p.events {
		over := ""
		if e.Over {
			over = " over"
		}
		lines = append(lines, stamp(e.Time)+" EVENT "+e.Machine+" "+string(e.Code)+over+": "+e.Text)
	}
	for _, l := range p.lives {
		lines = append(lines, stamp(l.from)+" LIFE begins", stamp(l.to)+" LIFE ends")
	}
	for _, m := range p.machines {
		for _, e := range m.episodes {
			lines = append(lines, stamp(e.Since)+" MACHINE "+m.code+" stops "+e.Type+" until "+stamp(e.end))
		}
		lines = append(lines, "99 END "+m.code+" "+string(prodsmart.CounterBody(m.report.Count, m.report.Waste, m.report.Parameters)))
	}
	slices.Sort(lines)
	p.t.Logf("%+v", p.profile.Options)
	p.t.Log("\n" + strings.Join(lines, "\n"))
}
