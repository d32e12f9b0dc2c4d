package uplink

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// rival is a way to schedule a plant of some machines.
type rival struct {
	name string
	of   func(machines int) func(time.Time) scheduler
}

// rivals are the schedulers that are compared, the Desk first.
func rivals() []rival {
	return []rival{
		{"desk", func(n int) func(time.Time) scheduler {
			return func(now time.Time) scheduler { return newDeskSide(now, n, saturation(n, nil)) }
		}},
		{"fifo", func(n int) func(time.Time) scheduler { return newFIFO(n, false) }},
		{"fifo-merging", func(n int) func(time.Time) scheduler { return newFIFO(n, true) }},
		{"round-robin", newRing},
	}
}

// afterOutage is the scheduler for catchUp: a Desk has the settings that nobody
// changed.
func (r rival) afterOutage() func(time.Time) scheduler {
	if r.name == "desk" {
		return deskAsConfigured
	}
	return r.of(outageMachines)
}

// limited gives a plant the company's limit.
func (p *plant) limited(t testing.TB, o mes.LimitOptions) {
	t.Helper()
	limit, err := mes.NewLimit(o)
	if err != nil {
		t.Fatal(err)
	}
	p.limit = limit
}

// warmUp lets a plant live until everybody was told a few times.
func (p *plant) warmUp() {
	p.run(4*time.Duration(len(p.machines))*slotTime + time.Minute)
	p.gauge.reset(p.now)
}

// saturated lets machines that change all the time spend the budget, below the
// company's limit of 120 with the given window.
func saturated(t testing.TB, machines int, d time.Duration, window mes.Window) result {
	t.Helper()
	p := saturatedPlant(machines, nil)
	p.limited(t, mes.LimitOptions{Window: window})
	p.warmUp()
	p.run(d)
	return p.gauge.result(p.now)
}

// mixedWeights are those of a plant where one machine in ten matters most.
func mixedWeights(i int) float64 {
	switch {
	case i%10 == 0:
		return 5
	case i%2 == 0:
		return 2
	}
	return 1
}

// loneEdges lets one machine after the other stop or start in a saturated plant,
// far enough from each other that their posts are told before the next.
func (p *plant) loneEdges() {
	p.trouble = func() time.Time {
		p.turnOver(p.random.IntN(len(p.machines)))
		return p.now.Add(10*slotTime + time.Duration(p.random.Int64N(int64(10*slotTime))))
	}
	p.troubleAt = p.now.Add(10 * slotTime)
}

// storm stops k machines of a saturated plant at one moment and gives the slot in
// which the i-th stop was told, for each.
func storm(t testing.TB, machines, k int) []float64 {
	t.Helper()
	p := saturatedPlant(machines, nil)
	p.warmUp()
	p.run(slotTime / 2)
	for i := range k {
		p.turnOver(i)
	}
	p.run(time.Duration(10*k+20) * slotTime)
	if len(p.gauge.open) > 0 {
		t.Fatalf("%d of %d stops are not told", len(p.gauge.open), k)
	}
	return p.gauge.edges
}

// recovery is what it took to be in step after an outage.
type recovery struct {
	// posts were used where need is the least that tells everything: one counter
	// a machine and the open transitions.
	posts, need int
	took        time.Duration
}

// outageMachines make a piece every two minutes, which half of the budget could
// tell one by one.
const outageMachines = 100

// deskAsConfigured is a Desk with the settings that nobody changed.
func deskAsConfigured(now time.Time) scheduler { return newDeskSide(now, outageMachines, Settings{}) }

// catchUp lets Prodsmart be out of reach for a time in which machines count, stop
// and start, then stands the plant still and waits until all is told.
func catchUp(t testing.TB, side func(now time.Time) scheduler, outage time.Duration) recovery {
	t.Helper()
	p := newPlant(outageMachines, side)
	p.pieceTime = 2 * time.Minute
	p.piece = p.now.Add(time.Second)
	gap := outage / (2 * outageMachines)
	p.trouble = func() time.Time {
		p.turnOver(p.random.IntN(outageMachines))
		return p.now.Add(gap)
	}
	p.run(30 * time.Minute)
	for len(p.flights) > 0 {
		p.run(time.Second)
	}
	p.down, p.troubleAt = true, p.now.Add(gap)
	p.run(outage)
	p.down, p.piece, p.troubleAt = false, time.Time{}, time.Time{}
	told := make([]int64, outageMachines)
	for i := range told {
		told[i] = p.gauge.known[i].count
	}
	p.gauge.reset(p.now)
	began := p.now
	for !p.wake.IsZero() || len(p.flights) > 0 {
		p.run(10 * time.Second)
		if p.now.Sub(began) > 30*24*time.Hour {
			t.Fatal("it never comes to rest")
		}
	}
	r := recovery{posts: p.gauge.accepted, took: p.gauge.last.Sub(began)}
	for i, m := range p.machines {
		if m.count > told[i] {
			r.need++
		}
		if m.stopped {
			r.need++
		}
	}
	return r
}

// shared is what a gateway gets of a limit that others spend from.
type shared struct {
	// left is what the others leave of the budget, used what was told, both in
	// requests a minute; perHour are our 429 and theirs.
	left, used, perHour, theirs float64
	// largest is the largest age to that of N machines at the left rate.
	largest float64
}

// The company's limit, and the machines that share it with a foreign client.
const companyLimit, sharers = 120, 100

// leftBy is what a foreign client that takes a part of the limit in per cent
// leaves of the budget.
func leftBy(percent int) int { return min(slotsAMinute, companyLimit-companyLimit*percent/100) }

// withForeign lets a saturated plant share the limit with a client that takes a
// part of it in per cent.
func withForeign(t testing.TB, side func(time.Time) scheduler, percent int, window mes.Window, pattern mes.ForeignPattern, d time.Duration) shared {
	t.Helper()
	p := newPlant(sharers, side)
	p.produce(sharers)
	p.limited(t, mes.LimitOptions{Window: window, Seed: 7, Foreign: mes.Foreign{PerMinute: companyLimit * percent / 100, Pattern: pattern, Retries: true}})
	p.run(2 * time.Hour)
	p.gauge.reset(p.now)
	before := p.limit.Counts(p.now)
	p.run(d)
	r, counts := p.gauge.result(p.now), p.limit.Counts(p.now)
	s := shared{left: float64(leftBy(percent))}
	s.used = float64(r.accepted) / d.Minutes()
	s.perHour = float64(r.limited) / d.Hours()
	s.theirs = float64(counts.ForeignRefused-before.ForeignRefused) / d.Hours()
	s.largest = r.largest.Minutes() * s.left / sharers
	return s
}
