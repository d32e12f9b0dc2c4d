package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestS1TheFactorIsAppliedToTheDelta(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.ScaleSignal = 1 }, "cavities")
	r := newRig(t, spec)
	r.after(sec, 0, 10) // without a factor nothing can be counted
	r.after(sec, 0, 12, 1, 4)
	r.wantCount(0)
	r.after(sec, 0, 13)
	r.wantCount(4)
	r.after(sec, 0, 14, 1, 3) // S4: blocked somewhere in between: the smaller
	r.wantCount(7)
	r.after(sec, 0, 15)
	r.wantCount(10)
	r.after(sec, 0, 16, 1, 8)
	r.wantCount(13)
	r.after(sec, 1, connectors.Sample{Quality: connectors.Bad})
	r.after(sec, 0, 17)
	r.wantCount(21)
	r.after(sec, 1, -2)
	r.after(sec, 0, 18)
	r.wantCount(29)
}

func TestS2TheRemainderIsCarried(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.Scale = Ratio(1, 12) }))
	r.after(sec, 0, 0)
	for bottles := 1; bottles <= 120; bottles++ {
		r.after(sec, 0, bottles)
		r.wantCount(int64(bottles / 12))
	}
	r.restart(sec, countSpec(func(c *CounterSpec) { c.Scale = Ratio(1, 12) }))
	for bottles := 121; bottles <= 1200; bottles++ {
		r.after(sec, 0, bottles)
	}
	r.wantCount(100)
}

func TestS2DecimalsMeanWhatTheySay(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.Scale = Whole(10) }))
	r.after(sec, 0, 0.0)
	r.after(sec, 0, 0.3)
	r.wantCount(3)
	r.after(sec, 0, float32(0.7))
	r.wantCount(7)
	r.after(sec, 0, "1.1")
	r.wantCount(11)
}

func TestPulses(t *testing.T) {
	t.Run("edges", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { c.Kind = Edges }))
		for _, bit := range []bool{true, true, false, true, false, true, true} {
			r.after(sec, 0, bit)
		}
		r.wantCount(2)
		r.now = r.now.Add(sec)
		r.step(Batch{Time: r.now, Connection: "c", Link: connectors.LinkDown})
		r.step(Batch{Time: r.now, Connection: "c", Link: connectors.LinkUp})
		r.after(sec, 0, false)
		r.after(sec, 0, true)
		r.wantCount(3)
	})
	t.Run("the first after a lost link is no edge", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { c.Kind = Edges }))
		r.after(sec, 0, false)
		r.step(Batch{Time: r.now, Connection: "c", Link: connectors.LinkUp})
		r.after(sec, 0, true)
		r.wantCount(0)
	})
	t.Run("bounce", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { c.Kind, c.MinCycle = Edges, sec }))
		for range 5 {
			r.after(sec/10, 0, false)
			r.after(sec/10, 0, true)
		}
		r.wantCount(1)
	})
	t.Run("messages", func(t *testing.T) {
		spec := countSpec(func(c *CounterSpec) { c.Kind = Messages })
		r := newRig(t, spec)
		retained := good("part")
		retained.Retained = true
		r.after(sec, 0, retained)
		message := func(key uint64, again bool) connectors.Sample {
			s := good("part")
			s.Key, s.Redelivered = key, again
			return s
		}
		r.after(sec, 0, message(11, false), 0, message(12, false))
		r.wantCount(2)
		r.restart(sec, spec)
		r.after(sec, 0, message(12, true)) // counted, but the broker did not learn it
		r.wantCount(2)
		r.after(sec, 0, message(13, true)) // sent before, but never counted
		r.wantCount(3)
		r.after(sec, 0, message(12, false)) // the number is used again
		r.wantCount(4)
	})
}

func TestDerivedTotalsNeverFall(t *testing.T) {
	spec := plainSpec("total", "waste")
	spec.Count = &CountSpec{CounterSpec: plainCounter(0), Is: TotalParts, Post: GoodParts}
	spec.Waste = []WasteSpec{{Code: "SCRAP", CounterSpec: plainCounter(1)}}
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, 10)
	r.after(10*sec, 0, 120, 1, 10)
	r.wantCount(20)
	r.after(10*sec, 0, 120, 1, 13) // three turn out to be rejects
	r.wantCount(20)
	r.after(sec, 0, 122, 1, 13)
	r.wantCount(20)
	r.after(sec, 0, 125, 1, 13)
	r.wantCount(22)
	if w := r.m.Report().Waste[0]; w.Quantity != 3 {
		t.Fatalf("waste %d, want 3", w.Quantity)
	}
	for i := range 700 {
		r.after(sec, 1, 14+i)
	}
	r.wantEvent("derived", "waste exceeds production")
	r.wantCount(22)
}

func TestGoodPlusWasteIsTheTotal(t *testing.T) {
	spec := plainSpec("good", "waste")
	spec.Count = &CountSpec{CounterSpec: plainCounter(0), Is: GoodParts, Post: TotalParts}
	spec.Waste = []WasteSpec{{Code: "SCRAP", CounterSpec: plainCounter(1)}}
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, 10)
	r.after(sec, 0, 103, 1, 12)
	r.wantCount(5)
}

func TestDifferenceOfTwoCounters(t *testing.T) {
	spec := plainSpec("count", "infeed", "outfeed")
	spec.Count = &CountSpec{CounterSpec: plainCounter(0)}
	outfeed := plainCounter(2)
	infeed := plainCounter(1)
	infeed.Minus = &outfeed
	spec.Waste = []WasteSpec{{Code: "LOST", CounterSpec: infeed}}
	r := newRig(t, spec)
	r.after(sec, 0, 5, 1, 100, 2, 90)
	r.after(sec, 1, 105, 2, 93)
	if w := r.m.Report().Waste[0].Quantity; w != 2 {
		t.Fatalf("waste %d, want 2", w)
	}
	r.after(sec, 2, 95)
	if w := r.m.Report().Waste[0].Quantity; w != 2 {
		t.Fatalf("waste %d, want 2: it fell", w)
	}
}

func TestRestartAtAnyMomentCountsOnce(t *testing.T) {
	spec := countSpec(resets)
	r := newRig(t, spec)
	raw := 1000
	r.after(sec, 0, raw)
	for i := range 200 {
		raw += i % 4
		if i%50 == 49 {
			raw = 0
		}
		r.after(sec, 0, raw)
		r.restart(sec, spec)
		if i%50 == 49 {
			r.after(sec, 0, raw)
			r.after(3*sec, 0, raw)
		}
	}
	want := int64(0)
	for i := range 200 {
		if i%50 != 49 {
			want += int64(i % 4)
		}
	}
	r.wantCount(want)
}

func TestWallClockBackOverARestart(t *testing.T) {
	spec := countSpec(nil)
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.restart(-time.Hour, spec)
	r.after(sec, 0, 130)
	r.wantCount(30)
}
