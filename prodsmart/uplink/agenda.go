package uplink

import (
	"container/heap"
	"time"
)

// agenda holds the plans of all lanes so that the most urgent one is found
// without looking at the others. Of two plans with the same class and target the
// one that waits longer is the more urgent at any time, so each such group is a
// heap, and only the groups' heads are compared.
type agenda struct {
	// later holds the plans that may not leave yet.
	later  lanes
	groups []*group
}

type group struct {
	class  class
	target time.Duration
	lanes  lanes
}

// put makes p the plan of a lane.
func (a *agenda) put(l *lane, p plan) {
	if l.in != nil {
		heap.Remove(l.in, l.place)
		l.in = nil
	}
	l.plan = p
	if p.kind != idle {
		l.in = &a.later
		heap.Push(l.in, l)
	}
}

// advance moves the plans to their groups that may leave now.
func (a *agenda) advance(now time.Time) {
	for len(a.later.list) > 0 && !a.later.list[0].plan.at.After(now) {
		l := heap.Pop(&a.later).(*lane)
		l.in = a.group(l.plan)
		heap.Push(l.in, l)
	}
}

func (a *agenda) group(p plan) *lanes {
	for _, g := range a.groups {
		if g.class == p.class && g.target == p.target {
			return &g.lanes
		}
	}
	g := &group{class: p.class, target: p.target, lanes: lanes{due: true}}
	a.groups = append(a.groups, g)
	return &g.lanes
}

// soonest is when the next plan may leave that may not now; zero if there is
// none. It follows advance.
func (a *agenda) soonest() time.Time {
	if len(a.later.list) == 0 {
		return time.Time{}
	}
	return a.later.list[0].plan.at
}

// first is the most urgent lane of the groups that admit lets in; nil if there
// is none.
func (a *agenda) first(now time.Time, admit func(class) bool) *lane {
	var best *lane
	for _, g := range a.groups {
		if len(g.lanes.list) == 0 || !admit(g.class) {
			continue
		}
		if l := g.lanes.list[0]; best == nil || l.plan.before(best.plan, now) || !best.plan.before(l.plan, now) && l.index < best.index {
			best = l
		}
	}
	return best
}

// firstAged is the lane that waits longest, measured by its target, of the
// regular ones and of the counters after a start that wait for afterPatience.
func (a *agenda) firstAged(now time.Time, admit func(class) bool) *lane {
	var best *lane
	for _, g := range a.groups {
		if g.class == edge || len(g.lanes.list) == 0 || !admit(g.class) {
			continue
		}
		l := g.lanes.list[0]
		if g.class == after && now.Sub(l.plan.since) < afterPatience {
			continue
		}
		if best == nil || l.plan.aged(best.plan, now) {
			best = l
		}
	}
	return best
}

// lanes is a heap of lanes: by when their plans may leave, or if they are due, by
// since when they wait.
type lanes struct {
	list []*lane
	due  bool
}

// Len is heap.Interface's.
func (h *lanes) Len() int { return len(h.list) }

// Less is heap.Interface's.
func (h *lanes) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	x, y := a.plan.at, b.plan.at
	if h.due {
		x, y = a.plan.since, b.plan.since
	}
	if x.Equal(y) {
		return a.index < b.index
	}
	return x.Before(y)
}

// Swap is heap.Interface's.
func (h *lanes) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].place, h.list[j].place = i, j
}

// Push is heap.Interface's.
func (h *lanes) Push(x any) {
	l := x.(*lane)
	l.place = len(h.list)
	h.list = append(h.list, l)
}

// Pop is heap.Interface's.
func (h *lanes) Pop() any {
	last := len(h.list) - 1
	l := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	return l
}
