package mapping

import (
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Status is what pages and metrics show of a machine at this moment. Unlike the
// report it counts on during a downtime.
type Status struct {
	State Canonical
	// Type is the downtime type of setup and planned states.
	Type string
	// Since is when the state began; for Unknown, when communication was lost.
	Since time.Time
	// Lost says why the state is unknown.
	Lost string
	// Known, Count and Waste are the totals as of now.
	Known bool
	Count int64
	Waste []prodsmart.Waste
	// Stop is the downtime that should be open.
	Stop       prodsmart.Stop
	Parameters []prodsmart.Parameter
	// Pending counts levels that wait for confirmation.
	Pending int
	// Saturated names counters that stand at their end, Exceeding totals that
	// are below what was posted: "count", "waste SCRAP".
	Saturated, Exceeding []string
	// Contradiction says that parts come from a machine that says it stands.
	Contradiction bool
	// Expression is why the condition of the state can not be computed, empty if
	// it can, or was not computed yet.
	Expression string
	// Bad are the signals without a usable value although their connection is
	// up.
	Bad []Signal
}

// State is the machine's present state.
func (m *Machine) State() Canonical {
	if !m.memory.LostSince.IsZero() {
		return Unknown
	}
	return m.memory.State
}

// Status gives the machine's present status.
func (m *Machine) Status() Status {
	mem := &m.memory
	s := Status{State: m.State(), Type: mem.Type, Since: mem.Since, Known: m.known, Stop: mem.Stop}
	if s.State == Unknown {
		s.Type, s.Lost = "", m.lostReason
		if !mem.LostSince.IsZero() {
			s.Since = mem.LostSince
		}
	}
	if m.count != nil {
		s.Count = m.count.posted
	}
	for i := range m.waste {
		s.Waste = append(s.Waste, prodsmart.Waste{Code: m.waste[i].code, Quantity: m.waste[i].posted})
	}
	for i := range m.params {
		if m.params[i].state.Version > 0 {
			s.Parameters = append(s.Parameters, m.params[i].report())
		}
	}
	for _, c := range m.counters {
		if c.state.Pending != nil {
			s.Pending++
		}
		if c.saturated {
			s.Saturated = append(s.Saturated, c.subject)
		}
	}
	if m.count != nil && m.count.lackingTold {
		s.Exceeding = append(s.Exceeding, "count")
	}
	for i := range m.waste {
		if m.waste[i].lackingTold {
			s.Exceeding = append(s.Exceeding, "waste "+m.waste[i].code)
		}
	}
	s.Contradiction, s.Expression = mem.Contradiction, m.exprError
	for i := range m.signals {
		if m.signals[i].seen && !m.signals[i].good && m.linked(i) {
			s.Bad = append(s.Bad, m.spec.Signals[i])
		}
	}
	return s
}

// Troubled says that the status has something that a person should look at:
// Saturated, Exceeding, Contradiction, Expression or Bad. It costs much less than
// Status.
func (m *Machine) Troubled() bool {
	if m.memory.Contradiction || m.exprError != "" || m.count != nil && m.count.lackingTold {
		return true
	}
	for _, c := range m.counters {
		if c.saturated {
			return true
		}
	}
	for i := range m.waste {
		if m.waste[i].lackingTold {
			return true
		}
	}
	for i := range m.signals {
		if m.signals[i].seen && !m.signals[i].good && m.linked(i) {
			return true
		}
	}
	return false
}

// Usable says that a signal has a value now that can be used.
func (m *Machine) Usable(s Signal) bool {
	i := slices.Index(m.spec.Signals, s)
	return i >= 0 && m.signals[i].good
}
