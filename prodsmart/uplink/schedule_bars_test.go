package uplink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestSaturatedAges holds the bars for machines that ask for more than the budget:
// the clock is virtual, so nothing here depends on the computer.
func TestSaturatedAges(t *testing.T) {
	for _, n := range []int{1, 20, 100, 500, 2000} {
		for _, window := range []mes.Window{mes.WindowSliding, mes.WindowFixed} {
			bound := time.Duration(n) * slotTime
			r := saturated(t, n, time.Hour+2*bound, window)
			if r.largest > bound*105/100 || r.mean > bound*105/200 {
				t.Errorf("%d machines: largest age %s, mean %s; the bound is %s", n, r.largest, r.mean, bound)
			}
			if r.largest < bound || r.mean < bound/2 {
				t.Errorf("%d machines: largest age %s, mean %s; nobody can be below %s and half of it", n, r.largest, r.mean, bound)
			}
			if r.limited > 0 || r.slots < 99 || r.fairness > 1.01 {
				t.Errorf("%d machines: %d times 429, %.1f %% of the slots, mean ages differ by a factor of %.3f", n, r.limited, r.slots, r.fairness)
			}
		}
	}
}

// TestWeightedAges: a machine in ten with five times the weight, four with twice.
func TestWeightedAges(t *testing.T) {
	for _, n := range []int{20, 100, 500} {
		p := saturatedPlant(n, mixedWeights)
		p.warmUp()
		p.run(2 * time.Hour)
		if ratio := p.gauge.weighted(mixedWeights); ratio < 1 || ratio > 1.3 {
			t.Errorf("%d machines: the largest weighted age is %.3f of the lower bound", n, ratio)
		}
		if r := p.gauge.result(p.now); r.slots < 99 {
			t.Errorf("%d machines: %.1f %% of the slots used", n, r.slots)
		}
		if heavy, light := p.gauge.known[0].largest, p.gauge.known[1].largest; light < 3*heavy {
			t.Errorf("%d machines: the heavy one is %s old, a light one %s", n, heavy, light)
		}
	}
}

// TestLoneEdgesLeaveWithinTwoSlots: a stop with pieces to tell is two posts, and a
// slot may just have begun.
func TestLoneEdgesLeaveWithinTwoSlots(t *testing.T) {
	for _, n := range []int{20, 100, 500} {
		for _, latency := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond} {
			p := saturatedPlant(n, nil)
			p.latency = func() time.Duration { return latency }
			p.warmUp()
			p.loneEdges()
			p.run(2 * time.Hour)
			r := p.gauge.result(p.now)
			if r.edges < 700 || r.edgeMost > 2 || r.edgeMean > 1.25 || r.missed > 0 {
				t.Errorf("%d machines, latency %s: %d stops and starts, largest latency %.2f slots, mean %.2f, %d missed", n, latency, r.edges, r.edgeMost, r.edgeMean, r.missed)
			}
		}
	}
}

// TestAStormIsToldInItsOrder holds the bound of docs/scheduling.md: post p of the
// edges leaves in slot p + 1 + (p-1)/4 at the latest, and each stop here is two.
func TestAStormIsToldInItsOrder(t *testing.T) {
	for _, k := range []int{1, 2, 10, 60} {
		for i, waited := range storm(t, 100, k) {
			p := 2 * (i + 1)
			if bound := float64(p + 1 + (p-1)/4); waited > bound {
				t.Errorf("stop %d of %d waited for %.2f slots, bound %.0f", i+1, k, waited, bound)
			}
		}
	}
}

// TestCatchUpCostsOnePostAMachine and its open transitions, however long the
// outage was.
func TestCatchUpCostsOnePostAMachine(t *testing.T) {
	for _, outage := range []time.Duration{time.Minute, 4 * time.Hour, 72 * time.Hour} {
		r := catchUp(t, deskAsConfigured, outage)
		// The way is tried at least every 30 s, and after the first good answer
		// every slot is used.
		if longest := longestBackoff + 10*time.Second + time.Duration(r.need)*slotTime; r.posts != r.need || r.took > longest {
			t.Errorf("after %s: %d posts for %d, in step after %s", outage, r.posts, r.need, r.took)
		}
	}
}

// TestRivalsAreWorse says what the comparison of docs/benchmarks.md is about: a
// queue of samples grows without end, and neither a merging queue nor a ring
// knows what is urgent.
func TestRivalsAreWorse(t *testing.T) {
	for _, rival := range rivals() {
		p := newPlant(100, rival.of(100))
		p.produce(100)
		p.warmUp()
		p.run(2 * time.Hour)
		ages := p.gauge.result(p.now)
		p.gauge.reset(p.now)
		p.loneEdges()
		p.run(2 * time.Hour)
		edges := p.gauge.result(p.now)
		switch desk := rival.name == "desk"; {
		case desk && (edges.edgeMost > 2 || ages.largest > 63*time.Second):
			t.Errorf("desk: %+v %+v", ages, edges)
		case !desk && edges.edgeMean < 10:
			t.Errorf("%s is as fast with stops and starts: %+v", rival.name, edges)
		case rival.name == "fifo" && ages.largest < 100*time.Minute:
			t.Errorf("fifo is not behind: %+v", ages)
		}
	}
}

// TestSharingTheLimit: what others leave is used, and 429 stay few.
func TestSharingTheLimit(t *testing.T) {
	for _, percent := range []int{0, 30, 60, 90} {
		for _, window := range []mes.Window{mes.WindowSliding, mes.WindowFixed} {
			s := withForeign(t, rivals()[0].of(sharers), percent, window, mes.ForeignEven, 4*time.Hour)
			if s.used < 0.9*s.left || s.perHour > 60 || percent == 0 && s.perHour > 0 {
				t.Errorf("%d %% foreign, %s window: %+v", percent, window, s)
			}
		}
	}
}

// TestNobodyStarvesInAnEndlessStorm: four of ten machines stop and start without
// end, more than all slots could tell; the others get the fifth slot, and so does
// the counter of one that starts in the storm.
func TestNobodyStarvesInAnEndlessStorm(t *testing.T) {
	const machines, calm = 50, 30
	p := saturatedPlant(machines, nil)
	p.warmUp()
	p.trouble = func() time.Time {
		p.turnOver(calm + p.random.IntN(machines-calm))
		return p.now.Add(slotTime / 3)
	}
	p.turnOver(0)
	p.run(10 * slotTime)
	p.troubleAt = p.now
	p.run(time.Hour)
	p.turnOver(0)
	p.run(time.Hour)
	p.gauge.reset(p.now)
	p.run(10 * time.Hour)
	p.gauge.result(p.now)
	// They have every fifth slot, and share it now and then with a machine that
	// storms.
	bound := 5 * calm * slotTime * 125 / 100
	for i := range calm {
		if got := p.gauge.known[i].largest; got > bound {
			t.Errorf("machine %d: largest age %s, bound %s", i, got, bound)
		}
	}
}

// TestClassesShareTheSlots: parameters without a counter, orders and reads wait no
// longer than their targets and the load allow: 1.3 times the sum of all weights.
func TestClassesShareTheSlots(t *testing.T) {
	const machines, period = 100, 5 * time.Second
	targets := map[string]time.Duration{"parameters": 10 * period, "order": 6 * time.Second, "read": time.Minute}
	d := newDeskSide(midnight, machines, Settings{Budget: slotsAMinute, ReportEvery: period})
	sum := machines / period.Seconds()
	for _, target := range targets {
		sum += 1 / target.Seconds()
	}
	load := sum * slotTime.Seconds() // by how much all targets stretch
	var count int64
	last, most := map[string]time.Time{}, map[string]time.Duration{}
	now := midnight
	for end := now.Add(3 * time.Hour); now.Before(end); now = now.Add(100 * time.Millisecond) {
		count++
		for i := range machines {
			d.report(now, i, machineState{count: count})
		}
		d.desk.Report(now, "P", prodsmart.Report{Known: true, Parameters: []prodsmart.Parameter{{Name: "t", Code: "t", Value: "1", Version: uint64(count)}}})
		for e := range errandKinds {
			if len(d.desk.errands[e].waiting) == 0 {
				d.desk.Ask(now, e)
			}
		}
		w, _, ok := d.desk.Next(now)
		if !ok {
			continue
		}
		name := fmt.Sprint(w.account())
		if w.Ticket == 0 {
			d.desk.Done(now, w, prodsmart.Answer{Verdict: prodsmart.Accepted})
		} else {
			d.desk.Returned(now, w, prodsmart.Answer{Verdict: prodsmart.Accepted})
		}
		if name != "counter" && now.Sub(midnight) > time.Hour {
			most[name] = max(most[name], now.Sub(last[name]))
		}
		last[name] = now
	}
	for name, target := range targets {
		if bound := time.Duration(1.3 * load * float64(target)); most[name] < target || most[name] > bound {
			t.Errorf("%s: up to %s between two of them, bound %s", name, most[name], bound)
		}
	}
}
