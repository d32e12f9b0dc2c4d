package uplink

import "time"

// account says on whose behalf a request is spent, for metrics and pages.
type account uint8

const (
	edgeClass account = iota
	counterClass
	parametersClass
	orderClass
	readClass
	tokenClass
	classes
)

func (a account) String() string {
	return [...]string{"edge", "counter", "parameters", "order", "read", "token"}[a]
}

// ClassStatus is what one class of requests had of the budget.
type ClassStatus struct {
	// Name is edge (stops, starts and the counters that belong to them), counter,
	// parameters, order, read or token, the most urgent first.
	Name string
	// Sent counts the requests that left since the start.
	Sent uint64
	// Waiting requests could leave now if there was a slot, the one that waits
	// longest for Oldest.
	Waiting int
	Oldest  time.Duration
}

func (w Work) account() account { return accountOf(plan{kind: w.kind, class: w.class}, w.Errand) }

func accountOf(p plan, e Errand) account {
	switch {
	case p.kind == runErrand && e == ReadErrand:
		return readClass
	case p.kind == runErrand:
		return orderClass
	case p.class != regular:
		return edgeClass
	case p.kind == tellParameters:
		return parametersClass
	}
	return counterClass
}

// classStatus is what the classes have had and wait for.
func (d *Desk) classStatus(now time.Time) []ClassStatus {
	list := make([]ClassStatus, classes)
	for a := range list {
		list[a].Name, list[a].Sent = account(a).String(), d.sent[a]
	}
	wait := func(a account, since time.Time) {
		list[a].Waiting++
		list[a].Oldest = max(list[a].Oldest, now.Sub(since))
	}
	for _, l := range d.lanes {
		if l.plan.kind != idle && !l.plan.at.After(now) {
			wait(accountOf(l.plan, 0), l.plan.since)
		}
	}
	for e := range errandKinds {
		for _, t := range d.errands[e].waiting {
			wait(accountOf(plan{kind: runErrand, class: regular}, e), t.since)
		}
	}
	return list
}
