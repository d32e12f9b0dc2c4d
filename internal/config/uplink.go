package config

import (
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Uplink gives the settings of the uplink for the machines that are told.
func (c *Config) Uplink() uplink.Settings {
	p := &c.Prodsmart
	s := uplink.Settings{
		Budget: int(p.Budget.Int64()), ReportEvery: p.ReportEvery,
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
	for i := range c.Machines {
		m := &c.Machines[i]
		s.Machines[m.Spec.Code] = uplink.Machine{
			DefaultType: m.Spec.DefaultType, ReportEvery: m.ReportEvery, NoCounter: m.Spec.Count == nil,
		}
	}
	return s
}
