package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// bitSpec is a machine with a counter on signal 0, a run bit on signal 1 and a
// fault code on signal 2.
func bitSpec(change func(*Spec)) Spec {
	s := countSpec(nil, "run", "fault")
	s.State.Signal = 1
	s.State.Values = map[string]StateValue{"true": {State: Running}}
	s.State.StopAfter, s.State.RunAfter = time.Minute, 5*sec
	s.Reasons = []ReasonSpec{{Signal: 2, Types: map[string]string{"12": "JAM", "13": "TOOL"}}}
	if change != nil {
		change(&s)
	}
	return s
}

func (r *rig) wantStop(kind string) {
	r.t.Helper()
	if got := r.m.Report().Stop.Type; got != kind {
		r.t.Fatalf("downtime %q, want %q; events:\n%s", got, kind, r.log())
	}
}

// sit lets time pass without news.
func (r *rig) sit(d time.Duration) {
	r.now = r.now.Add(d)
	r.pass(r.now)
}

func (r *rig) link(l connectors.Link) {
	r.step(Batch{Time: r.now, Connection: "c", Link: l})
}

func TestStopNeedsItsTime(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, true)
	r.after(sec, 1, false)
	r.sit(59 * sec)
	r.wantStop("")
	r.sit(sec)
	r.wantStop("UNSPEC")
	if since := r.m.Report().Stop.Since; !since.Equal(epoch.Add(2 * sec)) {
		t.Fatalf("the downtime began at %v", since)
	}
}

func TestMicrostopIsNoDowntime(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, true)
	for range 5 {
		r.after(sec, 1, false)
		r.sit(40 * sec)
		r.after(sec, 1, true)
	}
	r.sit(5 * time.Minute)
	r.wantStop("")
}

func TestAJogDoesNotEndADowntime(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	r.after(sec, 1, true)
	r.after(3*sec, 1, false)
	r.sit(10 * sec)
	r.wantStop("UNSPEC")
	r.after(sec, 1, true)
	r.sit(5 * sec)
	r.wantStop("")
	if n := r.m.memory.Episodes; n != 1 {
		t.Fatalf("%d downtimes", n)
	}
}

func TestRunCountsMustBeMade(t *testing.T) {
	r := newRig(t, bitSpec(func(s *Spec) { s.State.RunCounts = 3 }))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	r.after(sec, 1, true)
	r.after(10*sec, 0, 102)
	r.wantStop("UNSPEC")
	r.after(sec, 0, 103)
	r.wantStop("")
}

func TestCountsAreHeldDuringADowntime(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	r.after(sec, 0, 102)
	r.wantCount(0)
	r.after(sec, 1, true, 0, 104)
	r.sit(5 * sec)
	r.wantCount(4)
}

func TestContradictionIsToldAfterAMinute(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	for i := range 30 {
		r.after(2*sec, 0, 101+i)
		r.wantCount(0)
	}
	r.after(2*sec, 0, 131)
	r.wantCount(31)
	r.wantStop("UNSPEC")
	r.wantEvent("P3", "contradiction")
	r.after(sec, 1, true)
	r.sit(5 * sec)
	if r.m.Report().Contradiction {
		t.Fatal("the contradiction outlived its downtime")
	}
}

func TestSinglePartsInALongDowntimeAreNoContradiction(t *testing.T) {
	r := newRig(t, bitSpec(nil))
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Minute)
	for i := range 10 {
		r.after(10*time.Minute, 0, 101+i)
	}
	r.wantCount(0)
}

func TestFirstOutReason(t *testing.T) {
	t.Run("the first of a flood", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, true, 2, 0)
		r.after(sec, 2, 12)
		r.after(2*sec, 1, false)
		r.after(sec, 2, 13)
		r.sit(time.Minute)
		r.wantStop("JAM")
	})
	t.Run("too long before the stop gives way to one that came with it", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, true, 2, 12)
		r.after(time.Minute, 2, 0)
		r.after(time.Minute, 1, false, 2, 13)
		r.sit(time.Minute)
		r.wantStop("TOOL")
	})
	t.Run("late but before the downtime", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, false, 2, 0)
		r.after(50*sec, 2, 13)
		r.sit(10 * sec)
		r.wantStop("TOOL")
		r.after(sec, 2, 12)
		r.wantStop("TOOL")
	})
	t.Run("an operator's word", func(t *testing.T) {
		spec := bitSpec(func(s *Spec) {
			s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "op"}})
			s.Reasons = append(s.Reasons, ReasonSpec{Signal: 3, Types: map[string]string{"MOLD": "MOLD"}, Operator: true})
		})
		r := newRig(t, spec)
		r.after(sec, 0, 100, 1, false, 2, 12, 3, "")
		r.after(30*sec, 3, "MOLD")
		r.sit(30 * sec)
		r.wantStop("MOLD")
	})
	t.Run("alarm bits", func(t *testing.T) {
		r := newRig(t, bitSpec(func(s *Spec) {
			s.Reasons = []ReasonSpec{{Signal: 2, Bits: map[int]string{0: "GUARD", 3: "JAM", 5: "TOOL"}}}
		}))
		r.after(sec, 0, 100, 1, true, 2, 0)
		r.after(sec, 1, false, 2, 1<<5|1<<3)
		r.after(sec, 2, 1<<5|1<<3|1)
		r.sit(time.Minute)
		r.wantStop("JAM")
	})
	t.Run("a code without a type", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, false, 2, 99)
		r.sit(time.Minute)
		r.wantStop("UNSPEC")
		r.wantEvent("reason", `"99"`)
	})
	t.Run("split", func(t *testing.T) {
		r := newRig(t, bitSpec(func(s *Spec) { s.State.SplitReasons = true }))
		r.after(sec, 0, 100, 1, false, 2, 12)
		r.sit(time.Minute)
		r.after(sec, 2, 13)
		r.wantStop("TOOL")
		if n := r.m.Report().Stop.Episode; n != 2 {
			t.Fatalf("episode %d", n)
		}
	})
}

func TestUnknownOpensAndClosesNothing(t *testing.T) {
	t.Run("while running", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, true)
		r.link(connectors.LinkDown)
		r.sit(10 * time.Hour)
		r.wantStop("")
		r.link(connectors.LinkUp)
		r.after(sec, 1, false)
		r.sit(59 * sec)
		r.wantStop("")
		r.sit(sec)
		r.wantStop("UNSPEC")
	})
	t.Run("while standing, the time in between does not count", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, false)
		r.sit(30 * sec)
		r.link(connectors.LinkDown)
		r.sit(10 * time.Minute)
		r.link(connectors.LinkUp)
		r.after(0, 0, 100, 1, false)
		r.sit(29 * sec)
		r.wantStop("")
		r.sit(sec)
		r.wantStop("UNSPEC")
	})
	t.Run("parts in between prove that it ran", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, false)
		r.sit(59 * sec)
		r.link(connectors.LinkDown)
		r.sit(10 * time.Minute)
		r.link(connectors.LinkUp)
		r.after(0, 0, 130, 1, false)
		r.sit(59 * sec)
		r.wantStop("")
	})
	t.Run("in a downtime", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, false)
		r.sit(time.Minute)
		r.link(connectors.LinkDown)
		r.sit(time.Hour)
		r.wantStop("UNSPEC")
		r.link(connectors.LinkUp)
		r.after(sec, 1, true)
		r.sit(5 * sec)
		r.wantStop("")
	})
	t.Run("bad values are borne for a while", func(t *testing.T) {
		r := newRig(t, bitSpec(nil))
		r.after(sec, 0, 100, 1, true)
		r.after(sec, 1, connectors.Sample{Reason: "BadNoCommunication"})
		r.sit(59 * sec)
		if s := r.m.Status(); s.State != Running {
			t.Fatalf("state %v", s.State)
		}
		r.sit(sec)
		if s := r.m.Status(); s.State != Unknown {
			t.Fatalf("state %v", s.State)
		}
		r.wantEvent("P6", "no usable value of run")
	})
	t.Run("a last will", func(t *testing.T) {
		spec := bitSpec(func(s *Spec) {
			s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "online"}})
			s.Online, s.OnlineIs = 3, []string{"online"}
		})
		r := newRig(t, spec)
		r.after(sec, 0, 100, 1, false, 3, "online")
		r.after(sec, 3, "offline")
		r.sit(time.Hour)
		r.wantStop("")
		r.after(sec, 3, "online")
		r.sit(time.Minute)
		r.wantStop("UNSPEC")
	})
}

func TestRestartInADowntime(t *testing.T) {
	spec := bitSpec(nil)
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, false, 2, 12)
	r.sit(time.Minute)
	r.restart(time.Hour, spec)
	r.wantStop("JAM")
	r.after(sec, 0, 100, 1, false)
	r.sit(time.Hour)
	if n := r.m.Report().Stop.Episode; n != 1 {
		t.Fatalf("episode %d", n)
	}
	r.after(sec, 0, 130, 1, true)
	r.wantCount(0)
	r.sit(5 * sec)
	r.wantCount(30)
}
