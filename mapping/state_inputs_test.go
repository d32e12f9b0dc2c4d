package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestExpressions(t *testing.T) {
	power := func(t *testing.T) *rig {
		spec := countSpec(nil, "power")
		spec.State.Inputs = []Input{{Name: "power", Signal: 1}}
		spec.State.RunningWhen = mustExpr(t, "power > 2", "power")
		spec.State.StoppedWhen = mustExpr(t, "power < 1", "power")
		return newRig(t, spec)
	}
	t.Run("hysteresis", func(t *testing.T) {
		r := power(t)
		for _, step := range []struct {
			kw   float64
			want Canonical
		}{{1.5, Stopped}, {2.5, Running}, {1.5, Running}, {0.8, Stopped}, {1.9, Stopped}, {3, Running}} {
			r.after(sec, 0, 1, 1, step.kw)
			if s := r.m.Status().State; s != step.want {
				t.Fatalf("%v kW: %v, want %v", step.kw, s, step.want)
			}
		}
	})
	t.Run("a value that can not be compared", func(t *testing.T) {
		r := power(t)
		r.after(sec, 0, 1, 1, 3.0)
		r.after(sec, 1, "much")
		r.after(sec, 1, "much")
		if s := r.m.Status().State; s != Running {
			t.Fatalf("state %v", s)
		}
		r.wantEvent("state", "can not be computed")
	})
	t.Run("two signals", func(t *testing.T) {
		spec := countSpec(nil, "mode", "status")
		spec.State.Inputs = []Input{{Name: "mode", Signal: 1}, {Name: "status", Signal: 2}}
		spec.State.RunningWhen = mustExpr(t, "mode in [1, 2] and status == 4", "mode", "status")
		r := newRig(t, spec)
		r.after(sec, 0, 1, 1, 1, 2, 4)
		if s := r.m.Status().State; s != Running {
			t.Fatalf("state %v", s)
		}
		r.after(sec, 1, 3)
		if s := r.m.Status().State; s != Stopped {
			t.Fatalf("state %v", s)
		}
	})
	t.Run("an unknown name", func(t *testing.T) {
		if _, err := CompileExpr("pwoer > 2", []string{"power"}); err == nil {
			t.Fatal("no error")
		}
	})
}

func TestIdleWithinARunningState(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) { s.State.IdleAfter, s.State.StopAfter = 30*sec, 0 }))
	r.after(sec, 0, 100, 1, true)
	r.after(sec, 0, 101)
	r.sit(29 * sec)
	r.wantStop("")
	r.sit(sec)
	r.wantStop("UNSPEC")
	r.after(sec, 0, 102)
	r.sit(5 * sec)
	r.wantStop("")
}

func TestIdleSilenceOfABadCounterProvesNothing(t *testing.T) {
	spec := countSpec(nil)
	spec.State.IdleAfter = 30 * sec
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.after(sec, 0, 101)
	r.after(sec, 0, connectors.Sample{Reason: "timeout"})
	r.sit(10 * time.Minute)
	r.wantStop("")
	if s := r.m.Status().State; s != Unknown {
		t.Fatalf("state %v", s)
	}
}

func TestSetupAndPlannedWords(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) {
		s.State.Values = map[string]StateValue{"6": {State: Running}, "2": {State: Setup, Type: "SETUP"}}
	}))
	r.after(sec, 0, 100, 1, 6)
	r.after(sec, 1, 2)
	r.sit(time.Minute)
	r.wantStop("SETUP")
	r.after(sec, 1, 9)
	r.wantStop("")
	r.sit(time.Minute)
	r.wantStop("UNSPEC")
	r.after(sec, 1, 2)
	r.wantStop("SETUP")
}

func breakAt(from, to int) Calendar {
	return Calendar{Location: time.UTC, Windows: []Window{{Type: "BREAK", Days: [7]bool{true, true, true, true, true, true, true}, From: from, To: to}}}
}

func TestCalendar(t *testing.T) {
	spec := bitSpec(func(s *Spec) { s.Calendar = breakAt(6*60+10, 6*60+25) })
	t.Run("over a fault", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 100, 1, false, 2, 12)
		r.sit(9 * time.Minute)
		r.wantStop("JAM")
		r.sit(time.Minute)
		r.wantStop("BREAK")
		r.sit(14 * time.Minute)
		r.wantStop("BREAK")
		r.sit(59 * sec)
		r.wantStop("")
		r.sit(time.Minute)
		r.wantStop("JAM")
	})
	t.Run("running through it", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 100, 1, true)
		r.sit(30 * time.Minute)
		r.wantStop("")
	})
	t.Run("started again within it", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 100, 1, false)
		r.sit(12 * time.Minute)
		r.wantStop("BREAK")
		r.after(sec, 1, true)
		r.sit(5 * sec)
		r.wantStop("")
	})
	t.Run("daylight saving", func(t *testing.T) {
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		c := breakAt(22*60, 6*60)
		c.Location = berlin
		// The night to 29 March 2026 has seven hours between 22:00 and 06:00.
		kind, until := c.at(time.Date(2026, 3, 28, 23, 0, 0, 0, berlin))
		if kind != "BREAK" || until.Sub(time.Date(2026, 3, 28, 22, 0, 0, 0, berlin)) != 7*time.Hour {
			t.Fatalf("%q until %v", kind, until)
		}
		kind, until = c.at(time.Date(2026, 3, 29, 12, 0, 0, 0, berlin))
		if kind != "" || !until.Equal(time.Date(2026, 3, 29, 22, 0, 0, 0, berlin)) {
			t.Fatalf("%q until %v", kind, until)
		}
	})
	t.Run("dates", func(t *testing.T) {
		c := breakAt(10*60, 11*60)
		c.Windows[0].Except = map[string]bool{"2026-01-05": true}
		if kind, _ := c.at(time.Date(2026, 1, 5, 10, 30, 0, 0, time.UTC)); kind != "" {
			t.Fatalf("%q on an excepted day", kind)
		}
		c.Windows[0].Except, c.Windows[0].Only = nil, map[string]bool{"2026-01-05": true}
		if kind, _ := c.at(time.Date(2026, 1, 5, 10, 30, 0, 0, time.UTC)); kind != "BREAK" {
			t.Fatalf("%q on the only day", kind)
		}
		if kind, next := c.at(time.Date(2026, 2, 5, 10, 30, 0, 0, time.UTC)); kind != "" || next.IsZero() {
			t.Fatalf("%q, %v after the only day", kind, next)
		}
	})
}

func TestParameters(t *testing.T) {
	spec := countSpec(nil, "temp")
	spec.Parameters = []ParameterSpec{{Name: "temperature", Code: "T1", Signal: 1, Every: 10 * sec, Deadband: Ratio(1, 2)}}
	r := newRig(t, spec)
	version := func(want uint64, value string) {
		t.Helper()
		p := r.m.Report().Parameters
		if len(p) != 1 || p[0].Version != want || p[0].Value != value {
			t.Fatalf("%+v, want version %d of %s", p, want, value)
		}
	}
	r.after(sec, 0, 1, 1, 20.0)
	version(1, "20")
	r.after(sec, 1, 25.5)
	version(1, "20")
	r.sit(10 * sec)
	version(2, "25.5")
	r.after(20*sec, 1, 25.9)
	version(2, "25.5")
	r.after(sec, 1, 26.0)
	version(3, "26")
	r.after(20*sec, 1, connectors.Sample{Reason: "timeout"})
	r.after(sec, 1, math32(0.1))
	version(4, "0.1")
	r.after(20*sec, 1, true)
	version(5, `"yes"`)
	r.after(20*sec, 1, `a "b"`)
	version(6, `"a \"b\""`)
}

func math32(f float32) float32 { return f }

func mustExpr(t *testing.T, source string, names ...string) *Expr {
	t.Helper()
	e, err := CompileExpr(source, names)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFeedsShareTags(t *testing.T) {
	a, b := bitSpec(nil), bitSpec(func(s *Spec) { s.Code = "M2"; s.Signals[0].Tag.Address = "other" })
	b.Signals[2].Connection = "d"
	feeds := Feeds([]*Spec{&a, &b})
	if len(feeds) != 2 || len(feeds[0].Tags) != 4 || len(feeds[1].Tags) != 1 {
		t.Fatalf("%+v", feeds)
	}
	var got []int
	feeds[0].Split(connectors.Batch{Samples: []connectors.Sample{{Tag: 3}, {Tag: 1}, {Tag: 99}}}, func(machine int, b *Batch) {
		got = append(got, machine, len(b.Readings))
	})
	if want := []int{0, 1, 1, 2}; len(got) != 4 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] {
		t.Fatalf("machine and readings %v, want %v", got, want)
	}
	got = nil
	feeds[0].Split(connectors.Batch{Alive: true}, func(machine int, b *Batch) { got = append(got, machine) })
	if len(got) != 2 {
		t.Fatalf("a sign of life reached %v", got)
	}
}
