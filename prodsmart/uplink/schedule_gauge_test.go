package uplink

import (
	"math"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// gauge measures what Prodsmart shows of a plant. The age of a machine is that of
// the moment from which Prodsmart's number is, as if it changed all the time.
type gauge struct {
	from  time.Time // begin of the measurement
	known []known
	// posts by verdict.
	accepted, limited, unsent int
	// edges are the slots that stops and starts waited for their post.
	edges []float64
	open  map[edgeKey]openEdge
	// last is when the newest request left.
	last time.Time
}

type edgeKey struct {
	machine int
	episode uint64
	stopped bool
}

// openEdge is a stop or start that was not told. It is past if its downtime was
// over before it was told; who tells the present only, never tells it then.
type openEdge struct {
	since time.Time
	past  bool
}

// known is what Prodsmart knows of a machine.
type known struct {
	since time.Time // the moment that its number is from
	// area is the sum of the ages over time, in s^2, up to until.
	area  float64
	until time.Time
	// largest is the largest age it had.
	largest time.Duration
	count   int64
}

func newGauge(now time.Time, machines int) gauge {
	g := gauge{from: now, known: make([]known, machines), open: map[edgeKey]openEdge{}}
	for i := range g.known {
		g.known[i] = known{since: now, until: now}
	}
	return g
}

// reset begins the measurement anew; what Prodsmart knows stays.
func (g *gauge) reset(now time.Time) {
	g.from = now
	g.accepted, g.limited, g.unsent, g.edges = 0, 0, 0, nil
	clear(g.open)
	for i := range g.known {
		g.known[i].area, g.known[i].until, g.known[i].largest = 0, now, 0
	}
}

func (g *gauge) sent(now time.Time, f flight) {
	g.last = now
	switch f.answer.Verdict {
	case prodsmart.Accepted:
		g.accepted++
	case prodsmart.Limited:
		g.limited++
	default:
		g.unsent++
	}
	key := edgeKey{f.machine, f.episode, f.stopped}
	if e, ok := g.open[key]; ok && f.edge && f.answer.Verdict == prodsmart.Accepted {
		delete(g.open, key)
		g.edges = append(g.edges, float64(now.Sub(e.since))/float64(slotTime))
	}
}

// happened notes that a machine stopped or started.
func (g *gauge) happened(now time.Time, machine int, m machineState) {
	e := openEdge{since: now}
	if begin := (edgeKey{machine, m.episode, true}); !m.stopped && !g.open[begin].since.IsZero() {
		e.past = true
		g.open[begin] = openEdge{g.open[begin].since, true}
	}
	g.open[edgeKey{machine, m.episode, m.stopped}] = e
}

// told takes an accepted request.
func (g *gauge) told(now time.Time, r request) {
	if r.edge {
		return
	}
	k := &g.known[r.machine]
	k.grow(now)
	if r.from.After(k.since) {
		k.since = r.from
	}
	k.count = max(k.count, r.count)
}

// grow brings the area up to now.
func (k *known) grow(now time.Time) {
	a, b := k.until.Sub(k.since).Seconds(), now.Sub(k.since).Seconds()
	k.area += (b*b - a*a) / 2
	k.until, k.largest = now, max(k.largest, now.Sub(k.since))
}

// result is what a gauge says in the end.
type result struct {
	largest, mean time.Duration
	// fairness is the largest mean age of a machine to the smallest.
	fairness float64
	// slots is the part of the slots that was used, in per cent.
	slots float64
	// edgeMost and edgeMean are in slots; edges how many were told.
	edgeMost, edgeMean float64
	edges              int
	// missed downtimes were over and not told.
	missed            int
	accepted, limited int
	hours             float64
}

func (g *gauge) result(now time.Time) result {
	r := result{accepted: g.accepted, limited: g.limited}
	spent := now.Sub(g.from)
	r.hours = spent.Hours()
	r.slots = 100 * float64(g.accepted+g.limited+g.unsent) / (spent.Minutes() * slotsAMinute)
	least, most, sum := math.Inf(1), 0.0, 0.0
	for i := range g.known {
		k := &g.known[i]
		k.grow(now)
		r.largest = max(r.largest, k.largest)
		mean := k.area / spent.Seconds()
		least, most, sum = min(least, mean), max(most, mean), sum+mean
	}
	r.fairness = most / least
	r.mean = time.Duration(sum / float64(len(g.known)) * float64(time.Second))
	for key, e := range g.open { // those that wait have waited so far
		if !e.past {
			g.edges = append(g.edges, float64(now.Sub(e.since))/float64(slotTime))
		} else if key.stopped {
			r.missed++
		}
	}
	clear(g.open)
	if r.edges = len(g.edges); r.edges > 0 {
		r.edgeMost = slices.Max(g.edges)
		for _, e := range g.edges {
			r.edgeMean += e / float64(len(g.edges))
		}
	}
	return r
}

// weighted is the largest weight*age of all machines to the sum of weights times a
// slot, below which nobody can come.
func (g *gauge) weighted(weight func(i int) float64) float64 {
	sum, most := 0.0, 0.0
	for i := range g.known {
		sum += weight(i)
		most = max(most, weight(i)*float64(g.known[i].largest))
	}
	return most / (sum * float64(slotTime))
}
