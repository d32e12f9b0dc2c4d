package main

import (
	"fmt"
	"io"
	"math"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// plan is what a configuration will do.
type plan struct {
	Machines    []planMachine    `json:"machines"`
	Connections []planConnection `json:"connections"`
	// PostsPerMinute is what the machines ask for when all of them count,
	// ReadsPerMinute what the comparison does. Stops and starts come on top; they
	// are few and go first.
	PostsPerMinute float64 `json:"posts_per_minute"`
	ReadsPerMinute float64 `json:"reads_per_minute"`
	// TokensPerHour is the number of calls for a token, at most.
	TokensPerHour float64 `json:"token_calls_per_hour"`
	// Budget is what this gateway may spend, Company what it has a share of.
	Budget  float64 `json:"budget_per_minute"`
	Company float64 `json:"company_budget_per_minute"`
	Fits    bool    `json:"fits"`
	// Fitting is the report_every that would fit if all machines had it,
	// MachinesFit how many machines would fit with the longest one there is.
	Fitting     float64 `json:"fitting_report_every_seconds"`
	MachinesFit int     `json:"machines_that_fit"`
	// Age is the expected largest age of what Prodsmart was told.
	Age  float64 `json:"expected_age_seconds"`
	Live bool    `json:"live"`
}

// tokensPerHour is one for each 90 minutes: a token is renewed then or later.
const tokensPerHour = 60. / 90

type planMachine struct {
	Code string `json:"code"`
	Tags int    `json:"tags"`
	// Told is false for a machine that is only read, Counted for one that has
	// stops and parameters alone.
	Told        bool    `json:"told"`
	Counted     bool    `json:"counted"`
	ReportEvery float64 `json:"report_every_seconds"`
	// Weight is its freshness against that of others; parameters without a
	// counter have a tenth of it.
	Weight float64 `json:"weight,omitempty"`
	// Age is the largest age of its count, or of its parameters if it has no
	// counter, when all machines ask for all they can.
	Age float64 `json:"expected_age_seconds,omitempty"`
}

type planConnection struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Tags int    `json:"tags"`
	// RequestsPerSecond to the device; 0 where the device sends by itself.
	RequestsPerSecond float64 `json:"requests_per_second"`
}

// reaches says what would keep a live gateway from making its client for
// Prodsmart, such as a missing file. It touches no network, and says nothing
// without the secrets.
func reaches(cfg *config.Config) error {
	if !cfg.Prodsmart.Live || cfg.Prodsmart.Key.Reveal() == "" {
		return nil
	}
	client, err := prodsmart.New(cfg.Client())
	if err != nil {
		return err
	}
	client.Close()
	_, err = webhookTLS(cfg.Prodsmart.Follow.Webhook)
	return err
}

func planOf(cfg *config.Config) (*plan, error) {
	if err := reaches(cfg); err != nil {
		return nil, err
	}
	expected := cfg.Expect()
	p := &plan{
		Live: cfg.Prodsmart.Live, Budget: expected.Budget, Company: float64(cfg.Prodsmart.Budget.Int64()), ReadsPerMinute: expected.Asked,
		Fits: !expected.Short(), Fitting: expected.Fitting.Seconds(), MachinesFit: expected.Machines,
	}
	if cfg.Prodsmart.Auth == "token" || cfg.Reconciles() || cfg.Follows() {
		p.TokensPerHour = tokensPerHour
	}
	slot := 60 / expected.Budget
	var specs []*mapping.Spec
	ages := expected.Ages
	for i := range cfg.Machines {
		m := &cfg.Machines[i]
		specs = append(specs, &m.Spec)
		planned := planMachine{Code: m.Spec.Code, Tags: len(m.Spec.Signals), Told: m.Report, Counted: m.Spec.Count != nil, ReportEvery: m.ReportEvery.Seconds()}
		if demand, ok := m.Demand(); ok {
			planned.Weight, planned.Age = demand.Freshness, ages[0].Seconds()
			if ages[0] <= demand.Every { // told at its time, as soon as there is a slot
				planned.Age += slot
			}
			p.PostsPerMinute += 60 / demand.Every.Seconds()
			ages = ages[1:]
		}
		p.Age = max(p.Age, planned.Age)
		p.Machines = append(p.Machines, planned)
	}
	p.ReadsPerMinute = max(0, math.Round(1e6*(p.ReadsPerMinute-p.PostsPerMinute))/1e6)
	for _, f := range mapping.Feeds(specs) {
		for _, c := range cfg.Connections {
			if c.Name != f.Connection {
				continue
			}
			planned := planConnection{Name: c.Name, Kind: c.Kind, Tags: len(f.Tags)}
			if c.Kind == config.KindModbus {
				requests, err := modbus.Plan(c.Modbus(), f.Tags)
				if err != nil {
					return nil, err
				}
				for _, r := range requests {
					planned.RequestsPerSecond += 1 / r.Every.Seconds()
				}
			}
			p.Connections = append(p.Connections, planned)
		}
	}
	return p, nil
}

func (p *plan) print(w io.Writer) {
	for _, c := range p.Connections {
		if c.RequestsPerSecond > 0 {
			fmt.Fprintf(w, "connection %-16s %-7s %5d tags, %s requests/s\n", c.Name, c.Kind, c.Tags, figure(c.RequestsPerSecond))
		} else {
			fmt.Fprintf(w, "connection %-16s %-7s %5d tags, sent by the device when they change\n", c.Name, c.Kind, c.Tags)
		}
	}
	for _, m := range p.Machines {
		told := fmt.Sprintf("told every %s s, at most %s s old", figure(m.ReportEvery), figure(m.Age))
		switch {
		case !m.Told:
			told = "read, not told"
		case !m.Counted && m.Age > 0:
			told = fmt.Sprintf("told when it stops and starts, its parameters at most %s s old", figure(m.Age))
		case !m.Counted:
			told = "told when it stops and starts"
		}
		fmt.Fprintf(w, "machine    %-16s         %5d tags, %s\n", m.Code, m.Tags, told)
	}
	mode := "dry-run: nothing is sent"
	if p.Live {
		mode = "live"
	}
	asked := p.PostsPerMinute + p.ReadsPerMinute
	fmt.Fprintf(w, "prodsmart  %s; %s requests/min when all machines count, budget %s/min", mode, figure(asked), figure(p.Budget))
	if p.Budget != p.Company {
		fmt.Fprintf(w, " of the company's %s", figure(p.Company))
	}
	if !p.Fits {
		fmt.Fprintf(w, "; more than the budget, so counts are up to %s s old", figure(p.Age))
	}
	fmt.Fprintln(w)
	if p.ReadsPerMinute > 0 {
		fmt.Fprintf(w, "           %s of them to read what Prodsmart has, where machines leave a slot\n", figure(p.ReadsPerMinute))
	}
	if p.TokensPerHour > 0 {
		fmt.Fprintln(w, "           and a token every 90 min or later")
	}
	if !p.Fits {
		share := ""
		if asked <= p.Company && p.Budget < p.Company {
			share = fmt.Sprintf(", or a share of %s %%, if the company's other programs can do with the rest", figure(math.Ceil(asked/p.Company*100)))
		}
		fmt.Fprintf(w, "           what would fit: report_every of %s s for all, or %d of the machines as they are%s\n", figure(math.Ceil(p.Fitting)), p.MachinesFit, share)
	}
}
