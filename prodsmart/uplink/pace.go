package uplink

import (
	"math"
	"time"
)

const (
	// lowestPace is the least part of the budget that a 429 leaves.
	lowestPace = 0.05
	// A 429 leaves at most paceCut of the pace and at least half of it.
	paceCut = 0.9
	// cubicGrowth is in parts of the budget per cubed minute: from a tenth to
	// the whole takes 12 minutes.
	cubicGrowth = 0.9 / (12 * 12 * 12)
)

// pacer deals out the request budget: one slot at a time, evenly spread. Slots
// are never caught up on, so no 60 s hold more of them than the budget, whether
// the limit looks back 60 s or counts from minute to minute.
//
// The company's limit is shared with others, of whom nothing is known but the
// 429 that they cause. At that moment the window is full, so what we had of it
// is what they left us, and the pace falls to that. Then it rises along a cubic
// curve, as congestion control does on lines shared with strangers: steeply back
// to where the 429 came, slowly around there, and steeply again if it turns out
// to be free.
type pacer struct {
	budget   int
	unpaced  bool
	pace     float64 // part of the budget, at most 1
	next     time.Time
	recent   []time.Time // requests of the last 60 s, oldest first; only counted
	slowedAt time.Time
	// settles is when the window holds nothing of the time before slowedAt.
	settles time.Time
	// The curve: from when the pace rises, from what, and the pace that was too
	// much.
	risesAt         time.Time
	fallen, tooMuch float64
}

// newPacer begins with a whole slot of silence, so that a restart is no way
// around the budget.
func newPacer(now time.Time, budget int, unpaced bool) pacer {
	p := pacer{budget: budget, unpaced: unpaced, pace: 1}
	p.next = now.Add(p.interval())
	return p
}

// interval is the time between two slots at the present pace. It is rounded up to
// a nanosecond.
func (p *pacer) interval() time.Duration {
	if p.unpaced {
		return 0
	}
	return time.Duration(math.Ceil(float64(minute) / (float64(p.budget) * p.pace)))
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

// slower reacts to a 429 on a request of the given time that asks for a pause.
// Several that were on their way together count once. Until a minute was spent at
// the lowered pace, more of them only pause: the window is still full of what came
// before, and what we had of it says nothing of the pace.
func (p *pacer) slower(now, sent time.Time, pause time.Duration) {
	if !p.slowedAt.IsZero() && sent.Before(p.slowedAt) {
		return
	}
	p.risesAt = later(p.risesAt, now.Add(pause))
	if now.Before(p.settles) {
		return
	}
	p.forget(now)
	left := float64(len(p.recent)-1) / float64(p.budget) // the refused one had no place
	p.tooMuch = p.pace
	p.fallen = max(lowestPace, p.pace/2, min(p.pace*paceCut, left))
	p.pace = p.fallen
	p.slowedAt, p.settles = now, p.risesAt.Add(minute)
}

// faster reacts to an accepted request, and says whether the full pace was
// reached by it.
func (p *pacer) faster(now time.Time) bool {
	if p.pace >= 1 || now.Before(p.risesAt) {
		return false
	}
	bend := math.Cbrt((p.tooMuch - p.fallen) / cubicGrowth)
	along := now.Sub(p.risesAt).Minutes() - bend
	p.pace = min(1, max(p.pace, p.tooMuch+cubicGrowth*along*along*along))
	return p.pace >= 1
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
