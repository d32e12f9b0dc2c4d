package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The tests of this file are sequences of states, losses and clocks.

func (r *rig) wantEpisodes(want uint64) {
	r.t.Helper()
	if got := r.m.memory.Episodes; got != want {
		r.t.Fatalf("%d downtimes, want %d; events:\n%s", got, want, r.log())
	}
}

func (r *rig) wantState(want Canonical) {
	r.t.Helper()
	if got := r.m.State(); got != want {
		r.t.Fatalf("state %v, want %v; events:\n%s", got, want, r.log())
	}
}

func TestASplitComesToRest(t *testing.T) {
	t.Run("two reasons shortly after one another", func(t *testing.T) {
		r := newRig(t, bitSpec(func(s *Spec) {
			s.State.SplitReasons, s.State.StopAfter = true, 0
			s.Reasons = []ReasonSpec{{Signal: 2, Bits: map[int]string{0: "JAM", 1: "TOOL"}}}
		}))
		r.after(sec, 0, 100, 1, false, 2, 1)
		r.wantStop("JAM")
		r.after(sec, 2, 3)
		r.wantStop("TOOL")
		for i := range 20 {
			r.after(sec, 0, 100, 1, false, 2, 3|i<<4)
		}
		r.wantEpisodes(2)
	})
	t.Run("a state that names its own type", func(t *testing.T) {
		r := newRig(t, bitSpec(func(s *Spec) {
			s.State.SplitReasons = true
			s.State.Values = map[string]StateValue{"6": {State: Running}, "9": {State: Stopped, Type: "ABORT"}, "8": {State: Stopped, Type: "HALT"}}
		}))
		r.after(sec, 0, 100, 1, 9, 2, 12)
		r.sit(time.Minute)
		r.wantStop("ABORT")
		for i := range 20 {
			r.after(sec, 0, 100, 1, 9, 2, 12+i%2)
		}
		r.wantEpisodes(1)
		r.after(sec, 1, 8)
		r.wantStop("HALT")
		r.wantEpisodes(2)
	})
}

func TestAnAlarmFloodKeepsTheFirst(t *testing.T) {
	spec := bitSpec(func(s *Spec) {
		types := map[string]string{"1": "FIRST"}
		for i := range 200 {
			types[connectors.Int(int64(100+i)).Text()] = []string{"LATER", "LAST"}[i%2]
		}
		s.Reasons[0].Types = types
		s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "op"}})
		s.Reasons = append(s.Reasons, ReasonSpec{Signal: 3, Types: map[string]string{"MOLD": "MOLD"}, Operator: true})
	})
	flood := func(r *rig) {
		for i := range 200 { // a busy day before
			r.after(sec, 0, 100+i, 1, true, 2, 100+i)
		}
		r.after(sec, 2, 0)
		r.after(10*sec, 2, 1)
		r.after(sec, 1, false)
		for i := range 200 {
			r.after(sec/5, 2, 100+i)
		}
	}
	t.Run("fault", func(t *testing.T) {
		r := newRig(t, spec)
		flood(r)
		r.sit(time.Minute)
		r.wantStop("FIRST")
	})
	t.Run("and lets a person speak", func(t *testing.T) {
		r := newRig(t, spec)
		flood(r)
		r.after(sec, 3, "MOLD")
		r.sit(time.Minute)
		r.wantStop("MOLD")
		if n := len(r.m.reasons.seen); n > rememberedReasons {
			t.Fatalf("%d reasons are remembered", n)
		}
	})
}

func TestTwoReasonsOfOneSignal(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) {
		s.Reasons = []ReasonSpec{
			{Signal: 2, Types: map[string]string{"12": "JAM"}},
			{Signal: 2, Types: map[string]string{"50": "MOLD"}, Operator: true},
		}
	}))
	r.after(sec, 0, 100, 1, false, 2, 12)
	r.sit(time.Minute)
	r.wantStop("JAM")
}

// wall gives a time as after a restart, or from a set clock: without the
// running time.
func wall(t time.Time) time.Time { return t.Round(0) }

func TestIdleTimeOverARestart(t *testing.T) {
	spec := countSpec(nil)
	spec.State.IdleAfter = 50 * sec
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.after(10*sec, 0, 101) // the last thing that was saved
	r.restart(time.Hour, spec)
	r.after(sec, 0, 101)
	r.sit(48 * sec)
	r.wantStop("") // the hour says nothing
	r.sit(sec)
	r.wantStop("UNSPEC")
}

func TestIdleBadValueKeepsTheState(t *testing.T) {
	spec := countSpec(nil)
	spec.State.IdleAfter = 90 * sec
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.after(sec, 0, 101)
	r.wantState(Running)
	r.after(sec, 0, connectors.Sample{Reason: "timeout"})
	r.sit(30 * sec)
	r.wantState(Running)
}

func TestABadValueNeitherBeginsNorEndsADowntime(t *testing.T) {
	bad := connectors.Sample{Reason: "timeout"}
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.after(50*sec, 1, bad)
	r.sit(20 * sec)
	r.wantStop("")
	r.after(sec, 1, false)
	r.wantStop("UNSPEC")
	r.after(sec, 1, true)
	r.after(2*sec, 1, bad)
	r.sit(20 * sec)
	r.wantStop("UNSPEC")
	r.after(sec, 1, true)
	r.wantStop("")
}

func TestInitialTotalRaisedLater(t *testing.T) {
	spec := countSpec(nil)
	spec.State.IdleAfter = 50 * sec
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.after(sec, 0, 101)
	spec = countSpec(func(c *CounterSpec) { c.InitialTotal = Whole(1000) })
	spec.State.IdleAfter = 50 * sec
	r.restart(sec, spec)
	r.after(sec, 0, 102)
	r.wantState(Running)
}

func TestAMachineThatStartsHasAnIdleTimeForItsFirstPiece(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) { s.State.IdleAfter = 50 * sec }))
	r.after(sec, 0, 100, 1, true)
	r.after(sec, 0, 101)
	r.after(sec, 1, false)
	r.sit(55 * sec)
	r.after(sec, 1, true) // the last piece is a minute old
	r.wantState(Running)
	r.sit(20 * sec)
	r.wantStop("")
	r.after(sec, 0, 102)
	r.sit(time.Minute + 50*sec)
	r.wantStop("UNSPEC")
}

func TestHysteresisOutlivesAnIdleTime(t *testing.T) {
	spec := countSpec(nil, "power")
	spec.State.Inputs = []Input{{Name: "power", Signal: 1}}
	spec.State.RunningWhen = mustExpr(t, "power > 2", "power")
	spec.State.StoppedWhen = mustExpr(t, "power < 1", "power")
	spec.State.IdleAfter = 30 * sec
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, 2.5)
	r.after(sec, 0, 101, 1, 1.5)
	r.sit(40 * sec)
	r.wantState(Stopped)
	r.restart(sec, spec)
	r.after(sec, 0, 102, 1, 1.5)
	r.wantState(Running)
}

func TestPartsAreNotKeptBackWhileTheStateIsUnknown(t *testing.T) {
	spec := bitSpec(func(s *Spec) { s.Signals[1].Connection = "d" })
	r := newRig(t, spec)
	r.after(sec, 0, 100)
	r.other(sec, connectors.LinkUp, 1, false)
	r.sit(time.Minute)
	r.wantStop("UNSPEC")
	r.other(sec, connectors.LinkDown, 1, nil)
	for i := range 65 {
		r.after(sec, 0, 101+i)
	}
	r.wantCount(65)
	r.wantStop("UNSPEC")
	r.wantEvent("P3", "contradiction")
}

func TestPartsOfALossAreNoContradiction(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	for i := range 5 { // it ran in each outage
		r.link(connectors.LinkDown)
		r.sit(30 * sec)
		r.link(connectors.LinkUp)
		r.after(0, 0, 110+10*i, 1, false)
	}
	r.wantCount(0)
	if r.m.Report().Contradiction {
		t.Fatal(r.log())
	}
}

func TestAStoredStateOfADeadDevice(t *testing.T) {
	spec := bitSpec(func(s *Spec) {
		s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "online"}})
		s.Online, s.OnlineIs = 3, []string{"online"}
		s.State.StopAfter = 0
	})
	r := newRig(t, spec)
	r.after(sec, 0, kept(100), 1, kept(false))
	r.wantStop("")
	r.after(sec, 3, kept("offline"))
	r.sit(time.Minute)
	r.wantStop("")
	r.wantState(Unknown)

	silent := newRig(t, spec) // nobody ever says whether it is alive
	silent.after(sec, 0, 100, 1, false)
	silent.sit(settling)
	silent.wantStop("UNSPEC")
}

func TestABreakThatEndsBeforeItsDowntimeBegan(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) {
		s.State.StopAfter = 10 * time.Minute
		s.Calendar = breakAt(6*60+5, 6*60+10)
	}))
	r.after(sec, 0, 100, 1, true)
	r.after(7*time.Minute, 1, false)
	r.sit(12*time.Minute + 50*sec) // 06:19:51, standing since 06:07:01
	r.wantStop("")
	r.sit(10 * sec)
	r.wantStop("UNSPEC")
}
