package uplink

import "time"

const (
	fullPace   = 1000 // permille
	lowestPace = 100
	// paceStep is what every minute without a 429 gives back.
	paceStep = 50
)

// pacer deals out the request budget: one slot at a time, evenly spread. Slots
// are never caught up on, so no 60 s hold more of them than the budget.
type pacer struct {
	budget   int
	unpaced  bool
	pace     int // permille of the budget
	next     time.Time
	recent   []time.Time // requests of the last 60 s, oldest first; only counted
	slowedAt time.Time
	raisedAt time.Time
}

// newPacer begins with a whole slot of silence, so that a restart is no way
// around the budget.
func newPacer(now time.Time, budget int, unpaced bool) pacer {
	p := pacer{budget: budget, unpaced: unpaced, pace: fullPace}
	p.next = now.Add(p.interval())
	return p
}

// interval is the time between two slots at the present pace. It is rounded up
// by a nanosecond rather than down.
func (p *pacer) interval() time.Duration {
	if p.unpaced {
		return 0
	}
	perMinute := int64(p.budget) * int64(p.pace)
	return time.Duration((int64(minute)*fullPace + perMinute - 1) / perMinute)
}

// ready is when the next slot begins.
func (p *pacer) ready(now time.Time) time.Time {
	if p.unpaced {
		return now
	}
	return p.next
}

func (p *pacer) take(now time.Time) {
	if p.unpaced {
		return
	}
	p.forget(now)
	p.recent = append(p.recent, now)
	p.next = now.Add(p.interval())
}

// moved corrects the newest slot: its request left later than it was taken.
func (p *pacer) moved(now time.Time) {
	if p.unpaced || len(p.recent) == 0 {
		return
	}
	if last := len(p.recent) - 1; now.After(p.recent[last]) {
		p.recent[last] = now
		p.next = later(p.next, now.Add(p.interval()))
	}
}

// spend accounts for n requests made by somebody else.
func (p *pacer) spend(now time.Time, n int) {
	if p.unpaced {
		return
	}
	p.forget(now)
	for range n {
		p.recent = append(p.recent, now)
	}
	p.next = later(p.next, now).Add(time.Duration(n) * p.interval())
}

// forget drops what left the window. A request exactly 60 s old is outside.
func (p *pacer) forget(now time.Time) {
	old := 0
	for old < len(p.recent) && !p.recent[old].Add(minute).After(now) {
		old++
	}
	p.recent = p.recent[:copy(p.recent, p.recent[old:])]
}

// slower reacts to a 429 on a request of the given time. Several that were on
// their way together count once.
func (p *pacer) slower(now, sent time.Time) {
	if !p.slowedAt.IsZero() && sent.Before(p.slowedAt) {
		return
	}
	p.slowedAt, p.raisedAt = now, now
	p.pace = max(lowestPace, p.pace*7/10)
}

// faster reacts to an accepted request, and says whether the full pace was
// reached by it.
func (p *pacer) faster(now time.Time) bool {
	if p.pace == fullPace || now.Sub(p.raisedAt) < minute {
		return false
	}
	p.raisedAt = now
	p.pace = min(fullPace, p.pace+paceStep)
	return p.pace == fullPace
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
