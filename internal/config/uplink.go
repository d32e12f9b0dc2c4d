package config

import (
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Uplink gives the settings of the uplink for the machines that are told.
func (c *Config) Uplink() uplink.Settings {
	p := &c.Prodsmart
	s := uplink.Settings{
		Budget: int(p.Requests().Int64()), ReportEvery: p.ReportEvery,
		EqualWait: p.AmbiguousWait, RefusedRetry: p.RefusedRetry,
		Machines: map[string]uplink.Machine{},
	}
	if p.Live {
		s.Mode = uplink.Live
	}
	if p.Waste == "all" {
		s.Waste = uplink.AllWaste
	}
	if p.WasteOnly == "send" {
		s.WasteOnly = uplink.SendWaste
	}
	if p.FirstZero == "skip" {
		s.FirstZero = uplink.SkipZero
	}
	if !p.RepeatStop {
		s.RepeatStop = uplink.RepeatOpens
	}
	if p.Backlog == "hold" {
		s.Backlog = uplink.HoldBacklog
	}
	for i := range c.Machines {
		m := &c.Machines[i]
		s.Machines[m.Spec.Code] = uplink.Machine{
			DefaultType: m.Spec.DefaultType, ReportEvery: m.ReportEvery, NoCounter: m.Spec.Count == nil,
			Freshness: weight(m.Freshness),
		}
	}
	return s
}

// weight is a number between 0.01 and 100 as the uplink wants it.
func weight(n mapping.Number) float64 {
	return float64(n.Mul(mapping.Whole(1e6)).Floor().Int64()) / 1e6
}

// parameterPatience is how many times longer than a count the uplink lets
// parameters wait that no count carries, while the budget is short.
const parameterPatience = 10

// Demand is what a machine asks for when it counts all the time or, if it has no
// counter, when its parameters change all the time. It is false for a machine
// that has stops and starts to tell alone, or nothing.
func (m *Machine) Demand() (uplink.Demand, bool) {
	d := uplink.Demand{Every: m.ReportEvery, Freshness: weight(m.Freshness)}
	if !m.Report || m.Spec.Count == nil && len(m.Spec.Parameters) == 0 {
		return d, false
	}
	if m.Spec.Count == nil {
		soonest := m.Spec.Parameters[0].Every
		for _, p := range m.Spec.Parameters {
			soonest = min(soonest, p.Every)
		}
		d.Every = max(d.Every, soonest)
		d.Freshness *= float64(d.Every) / float64(m.ReportEvery) / parameterPatience
	}
	return d, true
}

// Expect says what the budget does for the machines when all of them ask for
// all they can. The ages are in the order of the machines that have a Demand.
func (c *Config) Expect() uplink.Expectation {
	var demands []uplink.Demand
	for i := range c.Machines {
		if d, ok := c.Machines[i].Demand(); ok {
			demands = append(demands, d)
		}
	}
	var errands []uplink.Errand
	if c.Reconciles() || c.Follows() {
		errands = append(errands, uplink.ReadErrand)
	}
	return uplink.Expect(int(c.Prodsmart.Requests().Int64()), demands, errands...)
}

// Follows says that a copy of what Prodsmart holds is kept.
func (c *Config) Follows() bool { return c.Prodsmart.Live && c.Prodsmart.Follow.On }

// Reconciles says that what was told is compared with what Prodsmart holds.
func (c *Config) Reconciles() bool {
	return c.Prodsmart.Live && c.Prodsmart.ReconcileEvery > 0
}
