package gateway

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// Status is everything that pages and metrics show, at one moment.
type Status struct {
	At, Started time.Time
	Site        string
	Machines    []MachineStatus
	Links       []LinkStatus
	Uplink      uplink.Status
	Store       store.Health
	// GivenUp counts journal entries and posts that waited for a failing store
	// until there were too many of them.
	GivenUp    int
	Conditions []health.Condition
	Posts      []PostCount
	Events     []EventCount
	Reconcile  ReconcileStatus
	Follow     FollowStatus
	// Orders are the sources of orders, as configured.
	Orders []OrderStatus
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

// EventCount is the number of journal entries of one level about a machine since
// the start; Machine is empty for what concerns all.
type EventCount struct {
	Machine string
	Level   mapping.Severity
	Count   uint64
}

// Status gives the present status. It may be called at any time while the
// gateway runs.
func (g *Gateway) Status() Status {
	s := Status{At: time.Now(), Started: g.started, Site: g.config.Site, Uplink: g.uplink.Status(), Store: g.store.Health(), GivenUp: g.keeper.givenUp(), Conditions: g.health.List(), Reconcile: g.compare.snapshot(), Follow: g.follow.snapshot(), Orders: g.orders.snapshot()}
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
	posts, events := g.notify.counted()
	for key, n := range posts {
		s.Posts = append(s.Posts, PostCount{Service: key.Service, Verdict: key.Verdict, Count: n})
	}
	for _, u := range g.units { // those without any are counted too
		for level := mapping.Info; level <= mapping.Alarm; level++ {
			key := eventKey{u.code, level}
			events[key] += 0
		}
	}
	for key, n := range events {
		s.Events = append(s.Events, EventCount{Machine: key.Machine, Level: key.Level, Count: n})
	}
	return s
}

// Ready is closed once the first connection delivered.
func (g *Gateway) Ready() <-chan struct{} { return g.isReady }
