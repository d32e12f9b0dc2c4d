package gateway

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// watchEvery is how often conditions are compared with the machines and the
// store.
const watchEvery = time.Second

// Status is everything that pages and metrics show, at one moment.
type Status struct {
	At, Started time.Time
	Site        string
	Machines    []MachineStatus
	Links       []LinkStatus
	Uplink      uplink.Status
	Store       store.Health
	Conditions  []health.Condition
	Posts       []PostCount
}

// MachineStatus is one machine as configured and as it is.
type MachineStatus struct {
	Code, Name, Line string
	mapping.Status
	// StateTimes is the time spent in each state since the gateway started.
	StateTimes [mapping.States]time.Duration
	// Age is the time since the oldest change that Prodsmart was not told.
	Age time.Duration
}

// PostCount is the number of posts with one outcome since the start.
type PostCount struct {
	Service, Verdict string
	Count            uint64
}

// Status gives the present status. It may be called at any time while the
// gateway runs.
func (g *Gateway) Status() Status {
	s := Status{At: time.Now(), Started: g.started, Site: g.config.Site, Uplink: g.uplink.Status(), Store: g.store.Health(), Conditions: g.health.List()}
	ages := map[string]time.Duration{}
	for i := range s.Uplink.Machines {
		ages[s.Uplink.Machines[i].Machine] = s.Uplink.Machines[i].Age
	}
	for i, u := range g.units {
		spec := &g.config.Machines[i].Spec
		m := MachineStatus{Code: spec.Code, Name: spec.Name, Line: spec.Line, Age: ages[spec.Code]}
		m.Status, m.StateTimes = u.status(s.At)
		s.Machines = append(s.Machines, m)
	}
	for _, l := range g.links {
		s.Links = append(s.Links, l.snapshot())
	}
	for key, n := range g.notify.postCounts() {
		s.Posts = append(s.Posts, PostCount{Service: key.Service, Verdict: key.Verdict, Count: n})
	}
	return s
}

// Ready is closed once the first connection delivered.
func (g *Gateway) Ready() <-chan struct{} { return g.isReady }

// watch keeps the conditions true that nobody announces.
func (g *Gateway) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	troubled := make([]bool, len(g.units))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i, u := range g.units {
			before := troubled[i]
			if troubled[i] = u.troubled(); troubled[i] || before {
				g.watchMachine(u)
			}
		}
		g.watchRecovery(ctx)
		disk := g.store.Health()
		g.hold(disk.Shedding, health.DiskFull, "", fmt.Sprintf(
			"The disk of %s is full; totals are still kept, %d journal entries and %d posts are not.", g.config.Data, disk.LostEvents, disk.LostPosts))
	}
}

func (g *Gateway) watchMachine(u *unit) {
	s, _ := u.status(time.Now())
	g.hold(len(s.Saturated) > 0, health.CounterSaturated, u.code, "At its end: "+strings.Join(s.Saturated, ", ")+".")
	g.hold(len(s.Exceeding) > 0, health.WasteExceeds, u.code, "Below what was told: "+strings.Join(s.Exceeding, ", ")+".")
	g.hold(s.Contradiction, health.Contradiction, u.code, "Parts keep coming although the machine says it stands.")
	bad := make([]string, len(s.Bad))
	for i, signal := range s.Bad {
		bad[i] = signal.Connection + " " + signal.Tag.Address
	}
	g.hold(len(bad) > 0, health.TagBad, u.code, "No usable value of "+strings.Join(bad, ", ")+".")
}

// hold makes a condition true or false.
func (g *Gateway) hold(holds bool, code health.Code, subject, detail string) {
	if holds {
		g.health.Set(code, subject, detail)
		return
	}
	g.health.Clear(code, subject)
}
