package uplink

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// fixedPace spends one slot after the other and does as a Retry-After says, as
// rivals do.
type fixedPace struct {
	slot time.Time
	gap  time.Duration // 0 means slotTime
}

func (p *fixedPace) ready(now time.Time) bool { return !p.slot.After(now) }

func (p *fixedPace) take(now time.Time) { p.slot = now.Add(or(p.gap, slotTime)) }

func (p *fixedPace) answered(now time.Time, a prodsmart.Answer) {
	switch a.Verdict {
	case prodsmart.Limited:
		p.slot = later(p.slot, now.Add(a.RetryAfter))
	case prodsmart.Unsent:
		p.slot = later(p.slot, now.Add(longestBackoff))
	}
}

// fifo sends what happened in the order in which it did, as store-and-forward
// does: every piece a request. If it merges, a machine's counter that waits
// takes the newer count into its place.
type fifo struct {
	fixedPace
	merges bool
	queue  []request
	// Where a machine's counter waits: its number, 0 if it does not.
	waits   []int
	first   int // the number of queue[0]
	flying  bool
	stopped []bool
}

func newFIFO(machines int, merges bool) func(time.Time) scheduler {
	return func(now time.Time) scheduler {
		return &fifo{fixedPace: fixedPace{slot: now.Add(slotTime)}, merges: merges, first: 1, waits: make([]int, machines), stopped: make([]bool, machines)}
	}
}

func (q *fifo) report(now time.Time, machine int, m machineState) {
	if m.stopped != q.stopped[machine] {
		q.stopped[machine] = m.stopped
		q.queue = append(q.queue, request{machine: machine, edge: true, stopped: m.stopped, episode: m.episode})
		q.waits[machine] = 0 // later pieces do not overtake it
		return
	}
	r := request{machine: machine, count: m.count, from: now}
	if at := q.waits[machine]; q.merges && at >= q.first {
		q.queue[at-q.first] = r
		return
	}
	q.queue = append(q.queue, r)
	q.waits[machine] = q.first + len(q.queue) - 1
}

func (q *fifo) next(now time.Time) (request, time.Time, bool) {
	if q.flying || len(q.queue) == 0 {
		return request{}, time.Time{}, false
	}
	if !q.ready(now) {
		return request{}, q.slot, false
	}
	r := q.queue[0]
	if q.waits[r.machine] == q.first {
		q.waits[r.machine] = 0
	}
	q.flying = true
	q.take(now)
	return r, now, true
}

func (q *fifo) done(now time.Time, _ request, a prodsmart.Answer) {
	q.flying = false
	q.answered(now, a)
	if a.Verdict == prodsmart.Accepted {
		q.queue = q.queue[1:]
		q.first++
	}
}

// ring tells one machine after the other, whoever has something to tell, all that
// it has. In it a stop or start waits for its turn.
type ring struct {
	fixedPace
	now    []machineState
	told   []machineState
	turn   int
	flying bool
}

func newRing(machines int) func(time.Time) scheduler {
	return func(now time.Time) scheduler {
		return &ring{fixedPace: fixedPace{slot: now.Add(slotTime)}, now: make([]machineState, machines), told: make([]machineState, machines)}
	}
}

// knowing is a ring that was told how many requests a minute to make.
func knowing(machines int, perMinute float64) func(time.Time) scheduler {
	return func(now time.Time) scheduler {
		r := newRing(machines)(now).(*ring)
		r.gap = time.Duration(float64(time.Minute) / perMinute)
		return r
	}
}

func (g *ring) report(_ time.Time, machine int, m machineState) { g.now[machine] = m }

func (g *ring) next(now time.Time) (request, time.Time, bool) {
	if g.flying {
		return request{}, time.Time{}, false
	}
	if !g.ready(now) {
		return request{}, g.slot, false
	}
	for range g.now {
		m, told := g.now[g.turn], g.told[g.turn]
		r := request{machine: g.turn, count: m.count, from: now}
		switch {
		case m.count > told.count && !told.stopped:
		case told.stopped && (!m.stopped || m.episode != told.episode):
			r.edge, r.episode = true, told.episode
		case m.stopped && !told.stopped:
			r.edge, r.stopped, r.episode = true, true, m.episode
		default:
			g.turn = (g.turn + 1) % len(g.now)
			continue
		}
		g.flying = true
		g.take(now)
		return r, now, true
	}
	return request{}, time.Time{}, false
}

func (g *ring) done(now time.Time, r request, a prodsmart.Answer) {
	g.flying = false
	g.answered(now, a)
	if a.Verdict != prodsmart.Accepted {
		return
	}
	told := &g.told[r.machine]
	if r.edge {
		told.stopped, told.episode = r.stopped, r.episode
	} else {
		told.count = r.count
	}
	if m := g.now[r.machine]; m.stopped == told.stopped && (!m.stopped || m.episode == told.episode) { // nothing urgent is left
		g.turn = (r.machine + 1) % len(g.now)
	}
}
