package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// splitSpec is a machine whose part counter and whose waste counter are read
// over two connections.
func splitSpec(change func(*Spec)) Spec {
	s := plainSpec("total", "waste")
	s.Signals[1].Connection = "d"
	s.Count = &CountSpec{CounterSpec: plainCounter(0), Is: TotalParts, Post: GoodParts}
	s.Waste = []WasteSpec{{Code: "SCRAP", CounterSpec: plainCounter(1)}}
	if change != nil {
		change(&s)
	}
	return s
}

// other steps the machine with one value of the other connection.
func (r *rig) other(d time.Duration, link connectors.Link, signal int, v any) {
	r.t.Helper()
	r.now = r.now.Add(d)
	b := Batch{Time: r.now, Connection: "d", Link: link}
	if v != nil {
		s := good(v)
		b.Readings = []Reading{{Signal: signal, Sample: &s}}
	}
	r.step(b)
}

func TestWhatIsTakenAwayMustBeKnown(t *testing.T) {
	t.Run("before its first value", func(t *testing.T) {
		r := newRig(t, splitSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, 105)
		r.wantCount(0)
		r.other(sec, connectors.LinkUp, 1, 7)
		r.after(sec, 0, 106)
		r.wantCount(6)
	})
	t.Run("on a link that brings none", func(t *testing.T) {
		r := newRig(t, splitSpec(nil))
		r.after(sec, 0, 100)
		r.other(sec, connectors.LinkUp, 1, nil)
		r.after(time.Minute, 0, 200)
		r.wantCount(0)
		r.other(sec, connectors.LinkSame, 1, 7)
		r.wantCount(100)
	})
	t.Run("while its link is down", func(t *testing.T) {
		r := newRig(t, splitSpec(nil))
		r.after(sec, 0, 100)
		r.other(sec, connectors.LinkUp, 1, 7)
		r.other(sec, connectors.LinkDown, 1, nil)
		r.after(time.Minute, 0, 200)
		r.wantCount(0)
		r.other(sec, connectors.LinkUp, 1, nil)
		r.after(sec, 0, 201)
		r.wantCount(0)
		r.other(sec, connectors.LinkSame, 1, 17)
		r.wantCount(91)
		if w := r.m.Report().Waste[0].Quantity; w != 10 {
			t.Fatalf("waste %d", w)
		}
	})
	t.Run("a source that does not repeat it", func(t *testing.T) {
		r := newRig(t, splitSpec(nil))
		r.after(sec, 0, 100)
		r.other(sec, connectors.LinkUp, 1, 7)
		r.other(sec, connectors.LinkDown, 1, nil)
		r.after(time.Minute, 0, 200)
		r.other(sec, connectors.LinkUp, 1, nil)
		r.sit(time.Minute)
		r.wantCount(100)
	})
	t.Run("somebody is told in the end", func(t *testing.T) {
		r := newRig(t, splitSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, 105)
		r.sit(time.Hour)
		r.wantEvent("derived", "held back")
	})
	t.Run("what goes out of a difference", func(t *testing.T) {
		spec := plainSpec("infeed", "outfeed")
		spec.Signals[1].Connection = "d"
		in, out := plainCounter(0), plainCounter(1)
		in.Minus = &out
		spec.Waste = []WasteSpec{{Code: "LOST", CounterSpec: in}}
		r := newRig(t, spec)
		r.after(sec, 0, 100)
		r.other(sec, connectors.LinkUp, 1, 90)
		r.other(sec, connectors.LinkDown, 1, nil)
		r.after(time.Minute, 0, 300)
		r.other(sec, connectors.LinkUp, 1, 288)
		r.after(sec, 0, 300)
		if w := r.m.Report().Waste[0].Quantity; w != 2 {
			t.Fatalf("waste %d, want 2", w)
		}
	})
}

func TestAnotherConfigurationOfATotal(t *testing.T) {
	twoWastes := func(s *Spec) {
		s.Signals = append(s.Signals, Signal{Connection: "d", Tag: connectors.Tag{Address: "setup"}})
		s.Waste = append(s.Waste, WasteSpec{Code: "SETUP", CounterSpec: plainCounter(2)})
	}
	run := func(t *testing.T, spec Spec) *rig {
		r := newRig(t, spec)
		r.after(sec, 0, 100)
		r.other(sec, connectors.LinkUp, 1, 7)
		if len(spec.Signals) > 2 {
			r.other(0, connectors.LinkSame, 2, 0)
		}
		r.after(time.Minute, 0, 200)
		r.other(10*sec, connectors.LinkSame, 1, 17)
		if len(spec.Signals) > 2 {
			r.other(10*sec, connectors.LinkSame, 2, 20)
		}
		return r
	}
	for name, c := range map[string]struct {
		before, after Spec
	}{
		"a waste code goes":           {splitSpec(twoWastes), splitSpec(nil)},
		"a waste code comes":          {splitSpec(nil), splitSpec(twoWastes)},
		"total instead of good":       {splitSpec(nil), splitSpec(func(s *Spec) { s.Count.Post = TotalParts })},
		"good with waste added to it": {splitSpec(func(s *Spec) { s.Count.Is = GoodParts }), splitSpec(func(s *Spec) { s.Count.Is, s.Count.Post = GoodParts, TotalParts })},
		"a waste code that had begun": {splitSpec(func(s *Spec) { s.Count.Is, s.Count.Post = GoodParts, TotalParts }), splitSpec(func(s *Spec) {
			s.Count.Is, s.Count.Post = GoodParts, TotalParts
			twoWastes(s)
			s.Waste[1].InitialTotal = Whole(50)
		})},
		"an initial total is of today": {splitSpec(nil), splitSpec(func(s *Spec) { s.Count.InitialTotal = Whole(5000) })},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c.before)
			before := r.count()
			r.restart(sec, c.after)
			r.after(sec, 0, 200)
			r.other(sec, connectors.LinkUp, 1, 17)
			if len(c.after.Signals) > 2 {
				r.other(sec, connectors.LinkSame, 2, 20)
			}
			r.wantCount(before)
			r.after(sec, 0, 203)
			if n := r.count(); n < before || n > before+3 {
				t.Fatalf("%d after %d and three parts\n%s", n, before, r.log())
			}
		})
	}
}

func TestInitialTotalIsWhatIsPosted(t *testing.T) {
	r := newRig(t, splitSpec(func(s *Spec) { s.Count.InitialTotal, s.Waste[0].InitialTotal = Whole(5000), Whole(100) }))
	r.after(sec, 0, 100)
	r.other(sec, connectors.LinkUp, 1, 7)
	r.wantCount(5000)
	r.after(sec, 0, 103)
	r.wantCount(5003)
}

func TestFrozenTotalsOfANewConfiguration(t *testing.T) {
	spec := bitSpec(nil)
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, true)
	r.after(sec, 0, 104, 1, false)
	r.sit(time.Minute)
	r.wantStop("UNSPEC")
	more := bitSpec(func(s *Spec) {
		s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "scrap"}})
		s.Waste = []WasteSpec{{Code: "SCRAP", CounterSpec: plainCounter(3)}}
		s.Waste[0].InitialTotal = Whole(30)
	})
	r.restart(time.Minute, more)
	rep := r.m.Report()
	if rep.Count != 4 || len(rep.Waste) != 1 || rep.Waste[0].Quantity != 30 {
		t.Fatalf("%+v", rep)
	}
	// The machine's counter itself comes back after a configuration without it.
	none := bitSpec(func(s *Spec) { s.Count = nil })
	r.restart(time.Minute, none)
	r.restart(time.Minute, spec)
	if r.m.Report().Known {
		t.Fatal("a count is known that nobody has read")
	}
}

func TestNothingFloodsTheJournal(t *testing.T) {
	spec := func(change func(*CounterSpec)) Spec { return countSpec(change, "other") }
	withEvidence := spec(resets)
	withEvidence.ResetEvidence = []int{1}
	for name, c := range map[string]struct {
		spec Spec
		give func(i int) []any
	}{
		"two devices on one topic": {spec(nil), func(i int) []any { return []any{0, 100 + i/2 + i%2*9000} }},
		"zeros every other time":   {spec(resets), func(i int) []any { return []any{0, (5000 + i/2) * (1 - i%2)} }},
		"jitter around a value":    {spec(func(c *CounterSpec) { c.Decrease, c.Backstep = Reset, Whole(3) }), func(i int) []any { return []any{0, 100 - i%2} }},
		"a step back that stays":   {spec(func(c *CounterSpec) { c.Decrease, c.Backstep = Reset, Whole(3) }), func(i int) []any { return []any{0, 100 - min(i, 1)} }},
		"quality that flaps": {spec(nil), func(i int) []any {
			if i%2 == 0 {
				return []any{0, 100}
			}
			return []any{0, connectors.Sample{Reason: "timeout"}}
		}},
		"texts that are no numbers": {spec(nil), func(i int) []any { return []any{0, time.Duration(i).String()} }},
		"a clock as evidence":       {withEvidence, func(i int) []any { return []any{0, 100 + i, 1, i} }},
		"a factor that is no number": {spec(func(c *CounterSpec) { c.ScaleSignal = 1 }), func(i int) []any {
			return []any{0, 100 + i, 1, time.Duration(i).String()}
		}},
		"a factor that is measured": {spec(func(c *CounterSpec) { c.ScaleSignal = 1 }), func(i int) []any { return []any{0, 100 + i, 1, 1000 + i} }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.spec)
			for i := range 600 {
				r.after(sec, c.give(i)...)
			}
			if n := len(r.events); n > 40 {
				t.Fatalf("%d events in ten minutes:\n%s", n, r.log())
			}
		})
	}
}

func TestDeadlinesOfCounters(t *testing.T) {
	t.Run("a deficit is told in time", func(t *testing.T) {
		r := newRig(t, splitSpec(func(s *Spec) { s.Signals[1].Connection = "c" }))
		r.after(sec, 0, 100, 1, 7)
		r.after(sec, 0, 101)
		r.after(sec, 1, 9)
		r.sit(11 * time.Minute)
		r.wantEvent("derived", "waste exceeds production")
	})
	t.Run("saturation of a counter that says nothing", func(t *testing.T) {
		r := newRig(t, bitSpec(func(s *Spec) { s.Count.SaturatesAt = []Number{Whole(32_767)} }))
		r.after(sec, 0, 32_766, 1, true)
		r.after(sec, 0, 32_767)
		r.after(sec, 2, 0)
		r.sit(2 * time.Minute)
		r.wantEvent("R12", "saturated")
	})
}

func TestHostileSnapshots(t *testing.T) {
	keys := `"keys":[`
	for range 500 {
		keys += "1,"
	}
	keys += "2]"
	for _, text := range []string{
		`{"v":1,"counters":{"count":{"source":"x","based":true,"raw":"99999999999999999999999","at":"0001-01-01T00:00:00Z","total":"-5","pending":{"seen":-1}}},"posted":{"count":-9},"state":{"state":77,"stop":{"episode":18446744073709551615}}}`,
		`{"v":1,"counters":{"count":{"source":"x",` + keys + `}}}`,
		`{"v":1,"parameters":{"temperature":{"value":"","version":3}}}`,
		`{"v":1,"counters":{"count":{"total":"1e999999999"}}}`,
		`{"v":1,"counters":{"count":{"total":"1/0"}}}`,
	} {
		m, err := New(countSpec(func(c *CounterSpec) { c.Kind = Messages }))
		if err != nil {
			t.Fatal(err)
		}
		var out Outcome
		if m.Restore([]byte(text), epoch, &out) != nil {
			continue
		}
		if m.State() >= States {
			t.Fatalf("state %d", m.State())
		}
		for i := range 5 {
			s := good(i)
			s.Key = uint64(i + 3)
			m.Step(&Batch{Time: epoch.Add(time.Duration(i) * sec), Connection: "c", Readings: []Reading{{Sample: &s}}}, &out)
		}
		if m.Status().State >= States {
			t.Fatalf("state %d", m.Status().State)
		}
		if _, err := m.Snapshot(); err != nil {
			t.Fatal(err)
		}
		if n := len(m.counters[0].state.Keys); n > rememberedKeys {
			t.Fatalf("%d keys are remembered", n)
		}
	}
}
