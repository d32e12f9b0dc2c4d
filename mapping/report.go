package mapping

import (
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Report is what Prodsmart should know now. Reports may share their slices: the
// caller must not change them.
func (m *Machine) Report() prodsmart.Report {
	held := m.memory.Stop.Episode != 0 && !m.memory.Contradiction
	r := prodsmart.Report{Known: m.known, Stop: m.memory.Stop, Contradiction: m.memory.Contradiction}
	if m.count != nil {
		r.Count = m.count.posted
		if held {
			r.Count = m.count.frozen
		}
	}
	if len(m.waste) > 0 {
		r.Waste = make([]prodsmart.Waste, len(m.waste))
	}
	for i := range m.waste {
		r.Waste[i] = prodsmart.Waste{Code: m.waste[i].code, Quantity: m.waste[i].posted}
		if held {
			r.Waste[i].Quantity = m.waste[i].frozen
		}
	}
	if !m.fresh {
		m.fresh, m.parameters = true, m.newParameters()
	}
	r.Parameters = m.parameters
	if m.order != nil {
		o := &m.order.state
		r.Order, r.OrderCount, r.OrderSince = o.Text, o.Count, o.Since
	}
	return r
}

// newParameters are the parameters that have a value.
func (m *Machine) newParameters() []prodsmart.Parameter {
	var list []prodsmart.Parameter
	for i := range m.params {
		if m.params[i].state.Version > 0 {
			if list == nil {
				list = make([]prodsmart.Parameter, 0, len(m.params))
			}
			list = append(list, m.params[i].report())
		}
	}
	return slices.Clip(list)
}
