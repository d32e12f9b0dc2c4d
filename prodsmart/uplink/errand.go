package uplink

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Errand is the kind of a request that is no machine's. It spends from the same
// budget.
type Errand uint8

// The kinds, the more urgent first.
const (
	// OrderErrand is a request of the order mirror.
	OrderErrand Errand = iota
	// ReadErrand reads back what Prodsmart holds. It can wait.
	ReadErrand
	errandKinds
)

// String is the name used in metrics and on pages.
func (e Errand) String() string {
	if e == ReadErrand {
		return "read"
	}
	return "order"
}

// target is the time between two errands of a kind that is theirs even if the
// machines could use all slots; it stretches as the machines' do.
func (e Errand) target() time.Duration {
	if e == ReadErrand {
		return time.Minute
	}
	return 6 * time.Second
}

// queue holds the errands of one kind in order of arrival. One of them at a time
// is on its way, so that they never keep the places of machines.
type queue struct {
	waiting []ticket
	flying  uint64 // the number of the work; 0 if none is on its way
	left    time.Time
}

// ticket stands for an errand that waits.
type ticket struct {
	number uint64
	since  time.Time
}

// plan is what the kind has to say: nothing while one is on its way.
func (q *queue) plan(e Errand) plan {
	if len(q.waiting) == 0 || q.flying != 0 {
		return plan{}
	}
	return plan{kind: runErrand, class: regular, since: later(q.waiting[0].since, q.left), target: e.target()}
}

// Ask lets an errand wait for a slot and gives the number by which its Work is
// known.
func (d *Desk) Ask(now time.Time, e Errand) uint64 {
	d.tickets++
	q := &d.errands[e]
	q.waiting = append(q.waiting, ticket{d.tickets, now})
	return d.tickets
}

// Withdraw ends the waiting of an errand. It is false if it does not wait any
// more: its Work was given out.
func (d *Desk) Withdraw(e Errand, number uint64) bool {
	q := &d.errands[e]
	for i := range q.waiting {
		if q.waiting[i].number == number {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// bestErrand is the most urgent kind that waits; false if none does.
func (d *Desk) bestErrand(now time.Time) (Errand, plan, bool) {
	var best Errand
	var its plan
	for e := range errandKinds {
		if p := d.errands[e].plan(e); p.kind != idle && (its.kind == idle || p.before(its, now)) {
			best, its = e, p
		}
	}
	return best, its, its.kind != idle
}

// beginErrand takes a slot for the errand that waits longest.
func (d *Desk) beginErrand(now time.Time, e Errand) Work {
	q := &d.errands[e]
	d.seq++
	w := Work{Errand: e, Ticket: q.waiting[0].number, seq: d.seq, kind: runErrand, class: regular, sent: now, since: q.waiting[0].since}
	q.waiting = append(q.waiting[:0], q.waiting[1:]...)
	q.flying, q.left = d.seq, now
	d.leave(now, w)
	return w
}

// GiveUp is Returned for an errand that was not made, or given up for a reason
// that says nothing of Prodsmart.
func (d *Desk) GiveUp(w Work) {
	if q := &d.errands[w.Errand]; q.flying == w.seq {
		q.flying = 0
		d.gate.dropped(w.seq)
	}
}

// Returned is Done for an errand. What it says of the way to Prodsmart concerns
// all; that one service is denied or broken is its caller's to know.
func (d *Desk) Returned(now time.Time, w Work, a prodsmart.Answer) {
	q := &d.errands[w.Errand]
	if q.flying != w.seq {
		return
	}
	q.flying = 0
	trying := d.gate.why != "" && d.gate.probe == w.seq
	if (a.Verdict == prodsmart.Unauthorized || a.Verdict == prodsmart.Ambiguous) && !trying {
		return
	}
	if a.Verdict == prodsmart.Unauthorized && d.gate.why != Rejected {
		a.Verdict = prodsmart.Refused // it got there; whether machines are let in, their posts find out
	}
	events, recovered := d.gate.saw(now, w, a)
	d.events = append(d.events, events...)
	switch a.Verdict {
	case prodsmart.Limited:
		d.throttled(now, w, a)
	case prodsmart.Accepted:
		d.quicken(now)
	}
	if recovered {
		d.wakeAll(now)
	}
}
