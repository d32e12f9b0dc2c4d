package mapping

import (
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
}

// Status gives the machine's present status.
func (m *Machine) Status() Status {
	mem := &m.memory
	s := Status{State: mem.State, Type: mem.Type, Since: mem.Since, Known: m.known, Stop: mem.Stop}
	if !mem.LostSince.IsZero() || mem.State == Unknown {
		s.State, s.Type, s.Lost = Unknown, "", m.lostReason
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
	}
	return s
}
