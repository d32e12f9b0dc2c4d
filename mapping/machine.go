package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Batch is what one connection learnt at one instant of one machine's signals.
// A batch without readings and without a connection is a tick: time passed.
type Batch struct {
	Time       time.Time
	Connection string
	Link       connectors.Link
	Alive      bool
	Readings   []Reading
}

// Reading is a sample of the machine's signal of that index. The sample is only
// read during Step.
type Reading struct {
	Signal int
	Sample *connectors.Sample
}

// Machine applies the rules to one machine. It is not safe for concurrent use.
// The same batches in the same order lead to the same totals, reports and
// events, whether live or replayed.
type Machine struct {
	spec        Spec
	connections []connection
	connOf      []int // connection of each signal

	counters  []*counter // count and waste, each before its minus
	countBy   [][]use    // by signal
	count     *derived
	waste     []wasteTotal
	reasons   firstOut
	reasonOf  []int // reason by signal, -1 for none
	params    []parameter
	paramsOf  [][]int   // parameters by signal
	evidence  []proof   // by signal
	evidenced time.Time // newest evidence of a reset
	online    map[string]bool

	signals         []signalState
	evidenceOfState []int
	idleOnly        bool
	inputs          []connectors.Value
	memory          stateMemory
	known           bool
	frozenCount     int64
	frozenWaste     []int64

	planned      string
	plannedUntil time.Time
	patience     time.Time
	lostReason   string
	lastHeld     time.Time
	exprError    string
	seen         time.Time
	deadline     time.Time
	judged       bool // deadline is valid
}

type connection struct {
	name string
	up   bool
}

// proof is a signal's role as evidence of a reset.
type proof struct {
	mapped bool
	text   string // last seen; empty before the first
}

// use is what a signal is to a counter.
type use struct {
	counter *counter
	role    role
}

type role uint8

const (
	rawValue role = iota
	scaleFactor
)

// Spec is the specification the machine was made with; it must not be changed.
func (m *Machine) Spec() *Spec { return &m.spec }

// Step applies one batch. out is emptied and filled.
func (m *Machine) Step(b *Batch, out *Outcome) {
	out.reset(m.spec.Code)
	t := b.Time
	judge := m.applyLink(b, out)
	proved := m.applyEvidence(b, out)
	made := m.applyCounters(b, proved, out)
	for i := range b.Readings {
		r := &b.Readings[i]
		if m.signals[r.Signal].observe(t, r.Sample) {
			judge = true
		}
		if k := m.reasonOf[r.Signal]; k >= 0 {
			m.reasons.sample(t, k, r.Sample, out)
		}
		for _, k := range m.paramsOf[r.Signal] {
			m.params[k].sample(t, r.Sample, out)
			judge = judge || m.params[k].waiting
		}
	}
	m.seen = t
	if made.Sign() > 0 {
		m.memory.LastCount = t
		judge = true
	}
	if judge || out.Dirty || !m.judged || (!m.deadline.IsZero() && !t.Before(m.deadline)) {
		m.passTime(t, made, out)
	}
}

// passTime does what time alone brings about, and sets the next deadline.
func (m *Machine) passTime(t time.Time, made Number, out *Outcome) {
	for k := range m.params {
		m.params[k].tick(t, out)
	}
	// The totals come first: a downtime that begins now freezes them as they
	// are at its beginning.
	m.settleTotals(t, out)
	m.evaluate(t, made, out)
	m.deadline, m.judged = m.nextDeadline(t), true
}

// applyLink takes up a change of the connection and says whether the state must
// be judged again.
func (m *Machine) applyLink(b *Batch, out *Outcome) bool {
	if b.Link == connectors.LinkSame && len(b.Readings) == 0 {
		return false
	}
	changed := false
	for i := range m.connections {
		c := &m.connections[i]
		if c.name != b.Connection {
			continue
		}
		if b.Link == connectors.LinkSame {
			if !c.up { // samples prove a link that nobody announced
				c.up, changed = true, true
			}
			continue
		}
		c.up, changed = b.Link == connectors.LinkUp, true
		for s := range m.signals {
			if m.connOf[s] == i {
				m.signals[s].seen, m.signals[s].good = false, false
			}
		}
		for _, counter := range m.counters {
			if m.connOf[counter.spec.Signal] != i {
				continue
			}
			if c.up {
				counter.linkUp()
			} else {
				counter.linkDown()
			}
		}
	}
	return changed
}

// applyEvidence takes up scale factors and evidence of resets before the
// counters of the same batch are judged. It says whether there was evidence.
func (m *Machine) applyEvidence(b *Batch, out *Outcome) bool {
	proved := false
	for i := range b.Readings {
		r := &b.Readings[i]
		for _, u := range m.countBy[r.Signal] {
			if u.role == scaleFactor {
				u.counter.scaled(r.Sample, out, b.Time)
			}
		}
		e := &m.evidence[r.Signal]
		if !e.mapped || r.Sample.Quality != connectors.Good {
			continue
		}
		last, text := e.text, r.Sample.Value.Text()
		if text == last {
			continue
		}
		e.text = text
		out.dirty()
		if last == "" || (r.Sample.Value.Kind() == connectors.KindBool && !r.Sample.Value.AsBool()) {
			continue // the first value, or the falling edge of a reset bit
		}
		m.evidenced, proved = b.Time, true
		out.event(b.Time, "R5", "reset evidence", Info, fmt.Sprintf("%s changed from %q to %q", m.spec.Signals[r.Signal].Tag.Address, shorten(last), shorten(text)), nil)
	}
	return proved
}

// applyCounters gives the counters their samples and returns the raw units that
// the part counter added.
func (m *Machine) applyCounters(b *Batch, proved bool, out *Outcome) Number {
	var made Number
	add := func(c *counter, n Number) {
		if m.count != nil && c == m.count.own {
			made = made.Add(n)
		}
	}
	for i := range b.Readings {
		r := &b.Readings[i]
		for _, u := range m.countBy[r.Signal] {
			if u.role == rawValue {
				add(u.counter, u.counter.sample(b.Time, r.Sample, m.evidenced, proved, m.latch(u.counter, b), out))
			}
		}
	}
	if !proved && !b.Alive {
		m.watchEnds(b, out)
		return made
	}
	for _, c := range m.counters {
		if proved {
			add(c, c.proved(b.Time, m.latch(c, b), out))
		}
		if b.Alive && m.connections[m.connOf[c.spec.Signal]].name == b.Connection {
			add(c, c.alive(b.Time, out))
		}
	}
	m.watchEnds(b, out)
	return made
}

func (m *Machine) watchEnds(b *Batch, out *Outcome) {
	for _, c := range m.counters {
		c.factorChange = false
		if len(c.spec.SaturatesAt) > 0 || !c.spec.SaturatesFrom.IsZero() {
			c.saturation(b.Time, m.memory.State == Running && m.memory.LostSince.IsZero(), out)
		}
	}
}

// latch is the value of the counter's latch signal, in this batch or before;
// nil if there is none.
func (m *Machine) latch(c *counter, b *Batch) *Number {
	if c.spec.Latch == NoSignal {
		return nil
	}
	value, good := m.signals[c.spec.Latch].value, m.signals[c.spec.Latch].good
	for i := range b.Readings {
		if r := &b.Readings[i]; r.Signal == c.spec.Latch && r.Sample.Quality == connectors.Good {
			value, good = r.Sample.Value, true
		}
	}
	if n, err := numberOf(value); good && err == nil {
		return &n
	}
	return nil
}

// countedOnce says whether the counter ever moved, or the machine was seen
// running before.
func (m *Machine) countedOnce() bool {
	own := m.count.own
	return own.state.Total.Cmp(own.spec.InitialTotal) > 0
}

func (m *Machine) linked(signal int) bool { return m.connections[m.connOf[signal]].up }

func (m *Machine) plannedAt(t time.Time) (string, time.Time) {
	if m.plannedUntil.IsZero() || !t.Before(m.plannedUntil) || t.Before(m.seen) {
		return m.spec.Calendar.at(t)
	}
	return m.planned, m.plannedUntil
}

// freeze keeps the totals of the beginning of a downtime.
func (m *Machine) freeze() {
	m.frozenWaste = m.frozenWaste[:0]
	for i := range m.waste {
		m.frozenWaste = append(m.frozenWaste, m.waste[i].posted)
	}
	if m.count != nil {
		m.frozenCount = m.count.posted
	}
}

// Report is what Prodsmart should know now. The caller owns it.
func (m *Machine) Report() prodsmart.Report {
	held := m.memory.Stop.Episode != 0 && !m.memory.Contradiction
	r := prodsmart.Report{Known: m.known, Stop: m.memory.Stop, Contradiction: m.memory.Contradiction}
	if m.count != nil {
		r.Count = m.count.posted
		if held {
			r.Count = m.frozenCount
		}
	}
	for i := range m.waste {
		w := prodsmart.Waste{Code: m.waste[i].code, Quantity: m.waste[i].posted}
		if held {
			w.Quantity = m.frozenWaste[i]
		}
		r.Waste = append(r.Waste, w)
	}
	for i := range m.params {
		if m.params[i].state.Version > 0 {
			r.Parameters = append(r.Parameters, m.params[i].report())
		}
	}
	return r
}

// Deadline is the next instant at which time alone changes something; the
// caller then steps with an empty batch of that time. Zero if there is none.
func (m *Machine) Deadline() time.Time { return m.deadline }

func (m *Machine) nextDeadline(t time.Time) time.Time {
	var next time.Time
	at := func(d time.Time) {
		if d.After(t) && (next.IsZero() || d.Before(next)) {
			next = d
		}
	}
	at(m.patience)
	at(m.plannedUntil)
	for i := range m.params {
		at(m.params[i].due())
	}
	mem := &m.memory
	if !mem.LostSince.IsZero() {
		return next
	}
	if !mem.LastCount.IsZero() && m.spec.State.IdleAfter > 0 {
		at(mem.LastCount.Add(m.spec.State.IdleAfter))
	}
	if !mem.StandingSince.IsZero() && mem.Stop.Episode == 0 {
		at(mem.StandingSince.Add(m.spec.State.StopAfter))
	}
	if !mem.RunningSince.IsZero() {
		at(mem.RunningSince.Add(m.spec.State.RunAfter))
	}
	return next
}
