package mapping

import (
	"fmt"
	"hash/fnv"
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
	countBy   table[use] // by signal
	count     *derived
	waste     []wasteTotal
	reasons   firstOut
	reasonsOf table[int32] // by signal
	params    []parameter
	paramsOf  table[int32] // parameters by signal
	evidence  []proof      // of the signals that are
	evidenced time.Time    // newest evidence of a reset
	online    map[string]bool
	order     *runningOrder // nil if no tag names it

	// early says that some signals are looked at before the counters of their
	// batch, factored that a counter has a scale signal, ending that one can
	// come to its end.
	early, factored, ending bool
	// fresh says that parameters was made after their last change. Reports share
	// it, so it is replaced, not written.
	fresh      bool
	parameters []prodsmart.Parameter

	signals         []signalState
	evidenceOfState []int
	idleOnly        bool
	inputs          []connectors.Value
	memory          stateMemory
	known           bool

	planned      string
	plannedFrom  time.Time
	plannedUntil time.Time
	patience     time.Time
	openAt       time.Time // when a counter that is taken away counts as current
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
	upAt time.Time
}

// proof is a signal's role as evidence of a reset.
type proof struct {
	signal    int
	seen      bool
	text      string // last seen
	mentioned mentions
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
	finalValue
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
		for _, k := range m.reasonsOf.of(r.Signal) {
			m.reasons.sample(t, int(k), r.Sample, out)
		}
		for _, k := range m.paramsOf.of(r.Signal) {
			m.fresh = !m.params[k].sample(t, r.Sample, out) && m.fresh
			judge = judge || m.params[k].waiting
		}
		if m.order != nil && r.Signal == m.order.signal && m.order.sample(t, r.Sample) {
			judge = true
		}
	}
	judge = judge || m.order != nil && m.order.unsettled()
	m.seen = t
	if made.Sign() > 0 {
		m.memory.LastCount, m.memory.Moved = t, true
		judge = true
	}
	if judge || out.Dirty || !m.judged || (!m.deadline.IsZero() && !t.Before(m.deadline)) || m.setBack(t) {
		m.passTime(t, made, out)
	}
}

// passTime does what time alone brings about, and sets the next deadline.
func (m *Machine) passTime(t time.Time, made Number, out *Outcome) {
	for k := range m.params {
		m.fresh = !m.params[k].tick(t, out) && m.fresh
	}
	// The totals come first: a downtime that begins now freezes them as they
	// are at its beginning.
	m.settleTotals(t, out)
	m.settleOrder(t, out)
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
		if m.order != nil && m.connOf[m.order.signal] == i {
			m.order.relinked()
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
		if c.up {
			c.upAt = b.Time
			for _, counter := range m.counters {
				if s := counter.spec.ScaleSignal; s != NoSignal && m.connOf[s] == i {
					counter.awaitFactor(b.Time)
				}
			}
		}
	}
	return changed
}

// applyEvidence takes up scale factors, latches and evidence of resets before
// the counters of the same batch are judged. It says whether there was evidence.
func (m *Machine) applyEvidence(b *Batch, out *Outcome) bool {
	if !m.early {
		return false
	}
	proved := false
	for i := range b.Readings {
		r := &b.Readings[i]
		for _, u := range m.countBy.of(r.Signal) {
			switch u.role {
			case scaleFactor:
				u.counter.scaled(b.Time, r.Sample, out)
			case finalValue:
				u.counter.latched(b.Time, r.Sample, out)
			}
		}
		if e := m.proofOf(r.Signal); e != nil && r.Sample.Quality == connectors.Good && m.proves(b.Time, e, r, out) {
			m.evidenced, proved = b.Time, true
		}
	}
	return proved
}

// proofOf is a signal's role as evidence of a reset; nil if it has none.
func (m *Machine) proofOf(signal int) *proof {
	for i := range m.evidence {
		if m.evidence[i].signal == signal {
			return &m.evidence[i]
		}
	}
	return nil
}

// proves says whether a sample of a signal that is evidence of resets proves
// one.
func (m *Machine) proves(t time.Time, e *proof, r *Reading, out *Outcome) bool {
	last, text, seen := e.text, fingerprint(r.Sample.Value.Text()), e.seen
	if seen && text == last {
		return false
	}
	e.text, e.seen = text, true
	out.dirty()
	if !seen || (r.Sample.Value.Kind() == connectors.KindBool && !r.Sample.Value.AsBool()) {
		return false // the first value, or the falling edge of a reset bit
	}
	if e.mentioned.may(t) {
		out.event(t, "R5", "reset evidence", Info, fmt.Sprintf("%s changed from %q to %q", m.spec.Signals[r.Signal].Tag.Address, shorten(last), shorten(text)), nil)
	}
	return true
}

// fingerprint stands for a text in the store, whatever its length.
func fingerprint(text string) string {
	if len(text) <= maxNumberText {
		return text
	}
	h := fnv.New64a()
	h.Write([]byte(text))
	return fmt.Sprintf("%s#%x", shorten(text), h.Sum64())
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
	if m.factored {
		for _, c := range m.counters {
			if s, at, over := c.waited(b.Time); over {
				add(c, c.sample(at, s, m.evidenced, proved, out))
			}
		}
	}
	for i := range b.Readings {
		r := &b.Readings[i]
		for _, u := range m.countBy.of(r.Signal) {
			if u.role == rawValue {
				add(u.counter, u.counter.sample(b.Time, r.Sample, m.evidenced, proved, out))
			}
		}
	}
	if !proved && !b.Alive {
		m.watchEnds(b, out)
		return made
	}
	for _, c := range m.counters {
		if proved {
			add(c, c.proved(b.Time, out))
		}
		if b.Alive && m.connections[m.connOf[c.spec.Signal]].name == b.Connection {
			add(c, c.alive(b.Time, out))
		}
	}
	m.watchEnds(b, out)
	return made
}

func (m *Machine) watchEnds(b *Batch, out *Outcome) {
	if !m.ending {
		return
	}
	for _, c := range m.counters {
		if c.ends {
			c.saturation(b.Time, m.memory.State == Running && m.memory.LostSince.IsZero(), out)
		}
	}
}

func (m *Machine) linked(signal int) bool { return m.connections[m.connOf[signal]].up }

// plan looks into the calendar again when the next edge has come, or when
// somebody set the clock back.
func (m *Machine) plan(t time.Time) {
	if m.plannedUntil.IsZero() || !t.Before(m.plannedUntil) || m.setBack(t) {
		m.planned, m.plannedUntil = m.spec.Calendar.at(t)
		m.plannedFrom = t.Round(0)
	}
}

// setBack says that the wall clock shows less than when the calendar was last
// looked at.
func (m *Machine) setBack(t time.Time) bool {
	return !m.plannedUntil.IsZero() && t.Round(0).Before(m.plannedFrom)
}

// freeze keeps the totals of the beginning of a downtime.
func (m *Machine) freeze() {
	for i := range m.waste {
		m.waste[i].frozen = m.waste[i].posted
	}
	if m.count != nil {
		m.count.frozen = m.count.posted
	}
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
	at(m.openAt)
	if m.count != nil {
		at(m.count.due())
	}
	for i := range m.waste {
		at(m.waste[i].due())
	}
	for _, c := range m.counters {
		at(c.saturationDue())
		if c.waiting != nil {
			at(c.factorDue)
		}
	}
	for i := range m.params {
		at(m.params[i].due())
	}
	if m.order != nil {
		at(m.order.deadline())
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
