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

// Expect says what the budget does for the machines when all of them count. The
// ages are in the order of the machines that are told.
func (c *Config) Expect() uplink.Expectation {
	var demands []uplink.Demand
	for i := range c.Machines {
		if m := &c.Machines[i]; m.Report && m.Spec.Count != nil {
			demands = append(demands, uplink.Demand{Every: m.ReportEvery, Freshness: weight(m.Freshness)})
		}
	}
	var errands []uplink.Errand
	if c.Prodsmart.Live && c.Prodsmart.ReconcileEvery > 0 {
		errands = append(errands, uplink.ReadErrand)
	}
	return uplink.Expect(int(c.Prodsmart.Requests().Int64()), demands, errands...)
}
