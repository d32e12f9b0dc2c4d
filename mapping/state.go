package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// contradictionAfter is how long parts must keep coming from a machine that
// says it stands before they are told although its downtime is open.
const contradictionAfter = time.Minute

// stateMemory is what the state rules must not forget.
type stateMemory struct {
	// State and Type are the last known state, Since its beginning.
	State Canonical `json:"state"`
	Type  string    `json:"type,omitempty"`
	// ByCalendar says that a standing machine is Planned by the calendar.
	Since      time.Time `json:"since,omitzero"`
	ByCalendar bool      `json:"by_calendar,omitempty"`
	// Signalled is what the signals last said of themselves, before the idle time
	// and the calendar had their say, and SignalledSince since when.
	Signalled      Canonical `json:"signalled,omitempty"`
	SignalledType  string    `json:"signalled_type,omitempty"`
	SignalledSince time.Time `json:"signalled_since,omitzero"`
	// LostSince is when communication was lost; zero while it is there.
	LostSince time.Time `json:"lost_since,omitzero"`
	// StandingSince is when the machine began to stand, for the debounce;
	// StoppedAt is when it truly stopped, for the journal.
	StandingSince time.Time `json:"standing_since,omitzero"`
	StoppedAt     time.Time `json:"stopped_at,omitzero"`
	// RunningSince is when a machine with an open downtime began to run, and
	// RunMade what it made since, in raw units.
	RunningSince time.Time `json:"running_since,omitzero"`
	RunMade      Number    `json:"run_made"`
	// LastCount is when the counter last moved, or had its first contact; Moved
	// says that it ever moved.
	LastCount time.Time `json:"last_count,omitzero"`
	Moved     bool      `json:"moved,omitempty"`
	// Stop is the downtime that should be open. Class is empty for faults and
	// names the cause of planned ones.
	Stop     prodsmart.Stop `json:"stop"`
	Class    string         `json:"class,omitempty"`
	Episodes uint64         `json:"episodes"`
	// HeldSince is when parts began to come during the downtime.
	HeldSince     time.Time `json:"held_since,omitzero"`
	Contradiction bool      `json:"contradiction,omitempty"`
}

// signalState is the newest value of one signal.
type signalState struct {
	value    connectors.Value
	seen     bool // since the link came up
	good     bool
	badSince time.Time
}

// observe stores a sample and says whether anything that the state depends on
// changed.
func (s *signalState) observe(t time.Time, sample *connectors.Sample) bool {
	if sample.Quality != connectors.Good {
		changed := !s.seen || s.good
		if changed {
			s.badSince = t
		}
		s.seen, s.good = true, false
		return changed
	}
	changed := !s.good || s.value != sample.Value
	s.value, s.seen, s.good = sample.Value, true, true
	return changed
}

// judge gives the state that the signals show at t, by the order of evidence:
// state word, expressions, idle counter; then the calendar. It is called only
// while communication is there.
func (m *Machine) judge(t time.Time, out *Outcome) StateValue {
	v := m.signalled(t, out)
	if m.spec.State.IdleAfter > 0 && (m.idleOnly || v.State == Running) && !m.countBad() {
		v = m.idle(t, v)
	}
	m.memory.ByCalendar = v.State == Stopped && m.planned != ""
	if m.memory.ByCalendar {
		return StateValue{State: Planned, Type: m.planned}
	}
	return v
}

// signalled is what the state signals say by themselves, or said last if they
// say nothing now.
func (m *Machine) signalled(t time.Time, out *Outcome) StateValue {
	spec, mem := &m.spec.State, &m.memory
	before := StateValue{State: mem.Signalled, Type: mem.SignalledType}
	v := before
	switch {
	case spec.Signal != NoSignal:
		if s := &m.signals[spec.Signal]; s.good {
			var known bool
			if v, known = spec.Values[s.value.Text()]; !known {
				v = StateValue{State: spec.Otherwise}
			}
		}
	case spec.RunningWhen != nil:
		v = m.judgeExpressions(t, v, out)
	}
	if m.idleOnly { // nothing but the counter speaks
		if v = (StateValue{State: mem.State, Type: mem.Type}); mem.ByCalendar {
			v = StateValue{State: Stopped}
		}
		return v
	}
	if v != before {
		mem.Signalled, mem.SignalledType, mem.SignalledSince = v.State, v.Type, t
		out.dirty()
	}
	return v
}

// idle judges a machine by the time since its last count. A machine that began
// to run has a whole idle time for its first piece.
func (m *Machine) idle(t time.Time, v StateValue) StateValue {
	mem := &m.memory
	since := mem.LastCount
	if !m.idleOnly && mem.SignalledSince.After(since) {
		since = mem.SignalledSince
	}
	switch {
	case mem.LastCount.IsZero() && m.idleOnly:
		return StateValue{}
	case mem.LastCount.IsZero():
		return v
	case t.Sub(since) >= m.spec.State.IdleAfter:
		return StateValue{State: Stopped}
	case !m.idleOnly:
		return v
	case mem.Moved:
		return StateValue{State: Running}
	}
	return StateValue{} // nothing is known before it moves
}

// countBad says that the counter is read but not usable: silence then proves
// nothing. A counter that was not heard of since the link came up may be silent
// because nothing is made.
func (m *Machine) countBad() bool {
	s := &m.signals[m.count.own.spec.Signal]
	return s.seen && !s.good
}

func (m *Machine) judgeExpressions(t time.Time, before StateValue, out *Outcome) StateValue {
	spec := &m.spec.State
	for i, in := range spec.Inputs {
		s := &m.signals[in.Signal]
		if !s.good {
			return before // within the patience for bad values
		}
		m.inputs[i] = s.value
	}
	running, err := spec.RunningWhen.eval(m.inputs)
	stopped := !running
	if err == nil && spec.StoppedWhen != nil {
		stopped, err = spec.StoppedWhen.eval(m.inputs)
	}
	if err != nil {
		if text := err.Error(); text != m.exprError {
			m.exprError = text
			out.event(t, "state", "state", Alarm, "the condition can not be computed, the state stays as it was: "+text, nil)
		}
		return before
	}
	m.exprError = ""
	switch {
	case running:
		return StateValue{State: Running}
	case stopped, before.State == Unknown:
		return StateValue{State: Stopped}
	}
	return before
}

// evaluate brings the state and the downtime up to t.
func (m *Machine) evaluate(t time.Time, made Number, out *Outcome) {
	mem := &m.memory
	m.plan(t)
	reason, badUntil := m.lost(t)
	m.patience = badUntil
	if reason != "" {
		if mem.LostSince.IsZero() {
			mem.LostSince = t
			if !mem.Since.IsZero() { // at the beginning nothing is lost
				out.event(t, "P6", "state", Notice, "state unknown: "+reason, nil)
			}
			out.dirty()
		}
		m.lostReason = reason
		m.watchContradiction(t, made, out) // parts are not kept back for ever
		return
	}
	if !mem.LostSince.IsZero() {
		m.found(t, made, out)
	}
	v := m.judge(t, out)
	if v.State != mem.State || v.Type != mem.Type {
		text := describe(v)
		if !mem.Since.IsZero() {
			text += fmt.Sprintf(" after %v of %s", t.Sub(mem.Since).Round(time.Second), describe(StateValue{State: mem.State, Type: mem.Type}))
		}
		out.event(t, "state", "state", Info, text, nil)
		if mem.State == Planned && mem.Stop.Episode == 0 {
			mem.StandingSince = time.Time{} // a fresh stop_after
		}
		mem.State, mem.Type, mem.Since = v.State, v.Type, t
		out.dirty()
	}
	switch v.State {
	case Unknown:
	case Running:
		m.run(t, made, out)
	default:
		m.stand(t, v, made, out)
	}
}

// run handles a running machine: P1, and P3 once it has run for long enough.
// Values that are borne although they are bad neither end nor begin a downtime.
func (m *Machine) run(t time.Time, made Number, out *Outcome) {
	mem := &m.memory
	mem.StandingSince, m.reasons.standing = time.Time{}, time.Time{}
	if mem.Stop.Episode == 0 {
		return
	}
	if mem.RunningSince.IsZero() {
		mem.RunningSince, mem.RunMade = t, Number{}
		out.dirty()
	}
	mem.RunMade = mem.RunMade.Add(made)
	if !m.patience.IsZero() || t.Sub(mem.RunningSince) < m.spec.State.RunAfter || mem.RunMade.Cmp(Whole(int64(m.spec.State.RunCounts))) < 0 {
		return
	}
	m.endStop(t, "P3", out)
}

// stand handles a machine that does not run: P2, P4 and P5.
func (m *Machine) stand(t time.Time, v StateValue, made Number, out *Outcome) {
	mem := &m.memory
	mem.RunningSince, mem.RunMade = time.Time{}, Number{}
	if mem.StandingSince.IsZero() {
		mem.StandingSince, mem.StoppedAt = t, m.trueStop(t)
		out.dirty()
	}
	m.reasons.standing = mem.StoppedAt
	class := ""
	if v.State != Stopped {
		class = v.State.String() + " " + v.Type
	}
	if mem.Stop.Episode == 0 {
		if m.patience.IsZero() && t.Sub(mem.StandingSince) >= m.spec.State.StopAfter {
			m.beginStop(t, "P2", m.reasonOf(v), class, out)
		}
		return
	}
	m.watchContradiction(t, made, out)
	switch {
	case class != mem.Class:
		m.endStop(t, "P5", out)
		mem.StandingSince, mem.StoppedAt = t, t // a fresh stop_after for a fault
		if class != "" || m.spec.State.StopAfter == 0 {
			m.beginStop(t, "P5", m.reasonOf(v), class, out)
		}
	case class == "" && m.spec.State.SplitReasons:
		kind := v.Type
		if kind == "" {
			kind = m.reasons.active()
		}
		if kind != "" && kind != mem.Stop.Type {
			m.endStop(t, "P4", out)
			mem.StandingSince, mem.StoppedAt = t, t
			m.beginStop(t, "P4", kind, class, out)
		}
	}
}

// reasonOf is the downtime type of a stop that begins now: what the state itself
// names, the first reason of the stop, or the default.
func (m *Machine) reasonOf(v StateValue) string {
	if v.Type != "" {
		return v.Type
	}
	if kind := m.reasons.pick(m.memory.StoppedAt); kind != "" {
		return kind
	}
	return m.spec.DefaultType
}

// trueStop is when the machine really stopped: at once by a signal, one cycle
// after the last part by an idle counter.
func (m *Machine) trueStop(t time.Time) time.Time {
	if !m.idleOnly || m.memory.LastCount.IsZero() {
		return t
	}
	if at := m.memory.LastCount.Add(m.spec.IdealCycle); at.Before(t) {
		return at
	}
	return t
}

func (m *Machine) beginStop(t time.Time, rule, kind, class string, out *Outcome) {
	mem := &m.memory
	mem.Episodes++
	mem.Stop = prodsmart.Stop{Episode: mem.Episodes, Type: kind, Since: mem.StoppedAt}
	mem.Class, mem.HeldSince, mem.Contradiction = class, time.Time{}, false
	m.freeze()
	out.event(t, rule, "state", Info, fmt.Sprintf("downtime %s begins; the machine has stood for %v", kind, t.Sub(mem.StoppedAt).Round(time.Second)), nil)
	out.changed()
}

func (m *Machine) endStop(t time.Time, rule string, out *Outcome) {
	mem := &m.memory
	out.event(t, rule, "state", Info, fmt.Sprintf("downtime %s ends after %v", mem.Stop.Type, t.Sub(mem.Stop.Since).Round(time.Second)), nil)
	mem.Stop, mem.Class, mem.RunningSince = prodsmart.Stop{}, "", time.Time{}
	mem.HeldSince, mem.Contradiction = time.Time{}, false
	out.changed()
}

// watchContradiction is the second half of P3: parts that keep coming for a
// minute while a downtime is open, and the machine does not say that it runs,
// are told after all.
func (m *Machine) watchContradiction(t time.Time, made Number, out *Outcome) {
	mem := &m.memory
	if made.Sign() <= 0 || mem.Contradiction || mem.Stop.Episode == 0 {
		return
	}
	if mem.HeldSince.IsZero() || t.Sub(m.lastHeld) > contradictionAfter {
		mem.HeldSince = t
	}
	m.lastHeld = t
	if t.Sub(mem.HeldSince) < contradictionAfter {
		return
	}
	mem.Contradiction = true
	out.event(t, "P3", "state", Alarm, "contradiction: parts keep coming although the machine says it stands; they are told while the downtime stays open. Check the state tag", nil)
	out.changed()
}

func describe(v StateValue) string {
	if v.Type == "" {
		return v.State.String()
	}
	return v.State.String() + " (" + v.Type + ")"
}
