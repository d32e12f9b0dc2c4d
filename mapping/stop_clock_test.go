package mapping

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// clocked steps with times that have a running time besides the wall clock, as
// production does, so that the two can differ.
type clocked struct {
	*rig
	base time.Time     // with its running time
	set  time.Duration // by how much the wall clock was set
}

func newClocked(t *testing.T, spec Spec) *clocked {
	m, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &clocked{rig: &rig{t: t, m: m}, base: time.Now()}
}

// at gives the time d after the start, as far as a test can set the clock: only
// a time without its running time can be moved.
func (c *clocked) at(d time.Duration) time.Time {
	if c.set != 0 {
		return wall(c.base.Add(d)).Add(c.set)
	}
	return c.base.Add(d)
}

func TestTheClockIsSetBackInABreak(t *testing.T) {
	now := time.Now().UTC()
	minute := now.Hour()*60 + now.Minute()
	cal := breakAt(minute, (minute+30)%1440)
	spec := bitSpec(func(s *Spec) { s.Calendar, s.State.StopAfter = cal, 0 })
	c := newClocked(t, spec)
	c.base = time.Now().Add(time.Minute)
	step := func(d time.Duration, link connectors.Link, run any) {
		b := Batch{Time: c.at(d), Connection: "c", Link: link}
		if run != nil {
			s := good(run)
			b.Readings = []Reading{{Signal: 1, Sample: &s}}
		}
		c.m.Step(&b, &c.out)
		c.events = append(c.events, c.out.Events...)
	}
	step(0, connectors.LinkUp, false)
	c.wantStop("BREAK")
	c.set = -time.Hour
	c.m.Step(&Batch{Time: c.at(sec)}, &c.out)
	c.wantStop("UNSPEC")
}

func TestTheClockIsSetBackOverARestart(t *testing.T) {
	spec := bitSpec(nil)
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, true)
	r.after(sec, 1, false)
	r.sit(50 * sec)
	r.restart(-time.Hour, spec)
	r.after(sec, 0, 100, 1, false)
	r.sit(61 * sec)
	r.wantStop("UNSPEC")
	r.restart(-time.Hour, spec)
	r.after(sec, 0, 100, 1, true)
	r.sit(5 * sec)
	r.wantStop("")

	// Parts come before the state is known again.
	two := bitSpec(func(s *Spec) { s.Signals[1].Connection = "d" })
	r = newRig(t, two)
	r.after(sec, 0, 100)
	r.other(sec, connectors.LinkUp, 1, false)
	r.after(50*sec, 0, 101)
	r.restart(-time.Hour, two)
	r.after(sec, 0, 102)
	r.other(sec, connectors.LinkUp, 1, false)
	r.sit(30 * sec)
	r.wantStop("")

	idle := countSpec(nil)
	idle.State.IdleAfter = 50 * sec
	r = newRig(t, idle)
	r.after(sec, 0, 100)
	r.after(sec, 0, 101)
	r.restart(-time.Hour, idle)
	r.after(sec, 0, 101)
	r.sit(51 * sec)
	r.wantStop("UNSPEC")
}

func TestParametersAfterTheClockWasSetBack(t *testing.T) {
	spec := countSpec(nil, "temp")
	spec.Parameters = []ParameterSpec{{Name: "t", Signal: 1, Every: 10 * sec}}
	r := newRig(t, spec)
	r.after(sec, 0, 1, 1, 20)
	r.restart(-time.Hour, spec)
	r.after(sec, 1, 21)
	if p := r.m.Report().Parameters; len(p) != 1 || p[0].Value != "21" {
		t.Fatalf("%+v", p)
	}
}

func TestParametersAreAlwaysJSON(t *testing.T) {
	spec := countSpec(nil, "x")
	spec.Parameters = []ParameterSpec{{Name: "x", Signal: 1, Scale: Ratio(1000, 3)}}
	r := newRig(t, spec)
	for _, v := range []any{1e308, math.MaxFloat64, math.Inf(1), math.NaN(), math.SmallestNonzeroFloat64, -0.0, "\xff\x00", connectors.Uint(math.MaxUint64), connectors.Int(math.MinInt64), connectors.Float32(math.MaxFloat32)} {
		r.after(sec, 0, 1, 1, v)
		for _, p := range r.m.Report().Parameters {
			if !json.Valid([]byte(p.Value)) {
				t.Fatalf("%v became %s", v, p.Value)
			}
		}
	}
}

func TestExtremeValuesDoNoHarm(t *testing.T) {
	extremes := []any{
		connectors.Uint(math.MaxUint64), connectors.Int(math.MinInt64), connectors.Int(math.MaxInt64), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.NaN(), math.Inf(-1), "1e100", "-1e-100", "1/3", "0x10", "010/3", "1e999", "", "abc", true,
	}
	for name, change := range map[string]func(*CounterSpec){
		"resets": resets, "wraps": wraps, "accepts": func(c *CounterSpec) { c.OnJump = Accept },
		"both": func(c *CounterSpec) { wraps(c); c.Decrease, c.Latch, c.ScaleSignal = WrapOrReset, 1, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			spec := countSpec(change, "latch", "factor", "job")
			spec.ResetEvidence = []int{3}
			r := newRig(t, spec)
			last := int64(0)
			for i, a := range extremes {
				for _, b := range append([]any{5, 6}, extremes...) {
					r.after(sec, 0, a, 1, b, 2, 1, 3, i)
					r.after(sec, 0, b, 1, a, 2, b)
					if n := r.count(); n < last {
						t.Fatalf("the total fell from %d to %d", last, n)
					} else {
						last = n
					}
				}
			}
			r.restart(sec, spec)
		})
	}
}

func TestAMachineWithoutACount(t *testing.T) {
	spec := bitSpec(func(s *Spec) { s.Count = nil })
	r := newRig(t, spec)
	r.after(sec, 1, false)
	r.sit(time.Minute)
	r.wantStop("UNSPEC")
	if rep := r.m.Report(); rep.Known || rep.Count != 0 {
		t.Fatalf("%+v", rep)
	}
	r.restart(sec, spec)
	r.after(sec, 1, true)
	r.sit(5 * sec)
	r.wantStop("")
	if _, err := New(bitSpec(func(s *Spec) { s.Count, s.State.RunCounts = nil, 3 })); err == nil {
		t.Fatal("run_counts without a count was taken: no downtime would ever end")
	}
}

func TestAMachineWithoutAState(t *testing.T) {
	spec := countSpec(nil)
	spec.Calendar = breakAt(6*60, 7*60)
	r := newRig(t, spec)
	for i := range 10 {
		r.after(sec, 0, 100+i)
	}
	r.sit(time.Hour)
	r.wantCount(9)
	r.wantStop("")
	r.wantState(Unknown)
}

func TestSeveralCountersOfOneSignal(t *testing.T) {
	spec := countSpec(nil)
	double := plainCounter(0)
	double.Scale = Whole(2)
	spec.Waste = []WasteSpec{{Code: "W", CounterSpec: double}}
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.after(sec, 0, 103)
	r.wantCount(3)
	if w := r.m.Report().Waste[0].Quantity; w != 6 {
		t.Fatalf("waste %d", w)
	}
}

func TestABatchIsNotKept(t *testing.T) {
	r := newRig(t, fullSpec())
	samples := [5]connectors.Sample{good(1000), good(true), good("12"), good(7), good("text")}
	b := Batch{Time: epoch.Add(sec), Connection: "c"}
	for i := range samples {
		b.Readings = append(b.Readings, Reading{Signal: i, Sample: &samples[i]})
	}
	r.step(b)
	before, err := r.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		samples[i] = good("overwritten")
	}
	clear(b.Readings)
	after, err := r.m.Snapshot()
	if err != nil || !slices.Equal(before, after) {
		t.Fatalf("%v\n%s\n%s", err, before, after)
	}
	r.after(sec, 1, false)
	r.wantState(Stopped)
}

func TestMidnightAndPriorities(t *testing.T) {
	loc, err := time.LoadLocation("America/Sao_Paulo") // changed clocks at midnight until 2018
	if err != nil {
		t.Fatal(err)
	}
	c := breakAt(23*60, 60)
	c.Location = loc
	c.Windows = append(c.Windows, Window{Type: "NIGHT", Days: [7]bool{true, true, true, true, true, true, true}, From: 22 * 60, To: 22 * 60})
	for at := time.Date(2018, 11, 2, 0, 0, 0, 0, loc); at.Before(time.Date(2018, 11, 7, 0, 0, 0, 0, loc)); at = at.Add(17 * time.Minute) {
		kind, next := c.at(at)
		if !next.After(at) || next.Sub(at) > 25*time.Hour {
			t.Fatalf("at %v: next edge %v", at, next)
		}
		if h := at.Hour(); (kind == "BREAK") != (h == 23 || h == 0) || kind == "" {
			t.Fatalf("at %v: %q", at, kind)
		}
	}
	early := breakAt(0, 6*60) // there is no midnight on 4 November 2018
	early.Location = loc
	for at, want := range map[time.Time]string{
		time.Date(2018, 11, 3, 23, 30, 0, 0, loc): "", time.Date(2018, 11, 4, 1, 0, 0, 0, loc): "BREAK",
		time.Date(2018, 11, 4, 5, 59, 0, 0, loc): "BREAK", time.Date(2018, 11, 4, 6, 0, 0, 0, loc): "",
	} {
		if kind, _ := early.at(at); kind != want {
			t.Fatalf("at %v: %q, want %q", at, kind, want)
		}
	}
	only := Calendar{Location: loc, Windows: []Window{{Type: "X", Days: [7]bool{true, true, true, true, true, true, true}, From: 600, To: 660, Only: map[string]bool{"2030-01-01": true}}}}
	for at := time.Date(2018, 11, 3, 22, 31, 0, 0, loc); at.Before(time.Date(2018, 11, 5, 0, 0, 0, 0, loc)); at = at.Add(7 * time.Minute) {
		if _, next := only.at(at); !next.After(at) {
			t.Fatalf("at %v: next look at %v", at, next)
		}
	}
}

func TestNumbersOfFloats(t *testing.T) {
	for text, v := range map[string]connectors.Value{
		"1e30": connectors.Float64(1e30), "-1e90": connectors.Float64(-1e90), "0.1": connectors.Float32(0.1),
		"9007199254740993": connectors.Uint(9007199254740993), "18446744073709551615": connectors.Uint(math.MaxUint64),
		"16777216": connectors.Float32(1 << 24), "0": connectors.Float64(math.Copysign(0, -1)),
	} {
		want, err := ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := numberOf(v); err != nil || got.Cmp(want) != 0 {
			t.Errorf("%s was read as %s, %v", text, got, err)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-1", "0.1", "1/12", "1e100", "-1e-100", "1/0", "010/3", "0x1p5", "1_000", "1e1e9", "+5", ".", "/", "--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNumber(text)
		if err != nil {
			return
		}
		again, err := ParseNumber(n.String())
		if err != nil && len(n.String()) <= maxNumberText {
			t.Fatalf("%q was read as %s, which is not read: %v", text, n, err)
		}
		if err == nil && again.Cmp(n) != 0 {
			t.Fatalf("%q was read as %s and then as %s", text, n, again)
		}
		var stored Number
		if data, err := n.MarshalText(); err != nil || stored.UnmarshalText(data) != nil || stored.Cmp(n) != 0 {
			t.Fatalf("%q came back as %s from the store", text, stored)
		}
		if f := n.Floor(); f.Cmp(n) > 0 || f.Add(Whole(1)).Cmp(n) <= 0 {
			t.Fatalf("the floor of %s is %s", n, f)
		}
	})
}
