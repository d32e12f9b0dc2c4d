package mapping

import (
	"math"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func countSpec(change func(*CounterSpec), signals ...string) Spec {
	s := plainSpec(append([]string{"raw"}, signals...)...)
	c := plainCounter(0)
	if change != nil {
		change(&c)
	}
	s.Count = &CountSpec{CounterSpec: c}
	return s
}

func resets(c *CounterSpec) { c.Decrease = Reset }

func wraps(c *CounterSpec) { c.Decrease, c.Modulus = Wrap, Whole(65536) }

const sec = time.Second

func TestR1UnusableValuesAddNothing(t *testing.T) {
	for name, bad := range map[string]connectors.Sample{
		"bad quality":       {Quality: connectors.Bad, Reason: "BadCommunicationError"},
		"uncertain quality": {Quality: connectors.Uncertain, Value: connectors.Int(105)},
		"not a number":      good("abc"),
		"not finite":        good(math.NaN()),
		"infinite":          good(math.Inf(1)),
		"negative":          good(-1),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, countSpec(resets))
			r.after(sec, 0, 100)
			r.after(sec, 0, bad)
			r.after(sec, 0, bad)
			r.after(sec, 0, 103)
			r.wantCount(3)
			r.wantEvent("R1", "nothing is counted")
		})
	}
}

func TestR1UncertainCountsWhereAllowed(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.AllowUncertain = true }))
	r.after(sec, 0, 100)
	r.after(sec, 0, connectors.Sample{Quality: connectors.Uncertain, Value: connectors.Int(102)})
	r.wantCount(2)
}

func TestR1ValueAboveModulus(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.Decrease, c.Modulus = Wrap, Whole(1000) }))
	r.after(sec, 0, 998)
	r.after(sec, 0, 1001)
	r.wantCount(0)
	r.wantEvent("R1", "check wraps_at")
}

func TestR2FirstContactIsTheBaseline(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.InitialTotal = Whole(500) }))
	if r.m.Report().Known {
		t.Fatal("a count is known before the first value")
	}
	r.after(sec, 0, 88_000)
	if !r.m.Report().Known {
		t.Fatal("no count is known after the first value")
	}
	r.wantCount(500)
	r.after(sec, 0, 88_002)
	r.wantCount(502)
}

func TestR3ChangedSourceKeepsTheTotal(t *testing.T) {
	r := newRig(t, countSpec(resets))
	r.after(sec, 0, 100)
	r.after(sec, 0, 104)
	changed := countSpec(resets)
	changed.Signals[0].Tag.Address = "another"
	r.restart(sec, changed)
	r.after(sec, 0, 7)
	r.wantCount(4)
	r.after(sec, 0, 9)
	r.wantCount(6)
	r.wantEvent("R3", "total 4 is kept")
}

func TestR3ChangedScaleIsNoOtherSource(t *testing.T) {
	r := newRig(t, countSpec(resets))
	r.after(sec, 0, 100)
	r.restart(sec, countSpec(func(c *CounterSpec) { c.Decrease, c.Scale = Reset, Whole(4) }))
	r.after(sec, 0, 101)
	r.wantCount(4)
}

func TestR4OlderSamplesAreIgnored(t *testing.T) {
	at := func(v int, source time.Time) connectors.Sample {
		s := good(v)
		s.SourceTime = source
		return s
	}
	r := newRig(t, countSpec(resets))
	r.after(sec, 0, at(100, epoch.Add(sec)))
	r.after(sec, 0, at(104, epoch.Add(2*sec)))
	r.after(sec, 0, at(101, epoch.Add(1500*time.Millisecond)))
	r.after(sec, 0, at(102, epoch.Add(1600*time.Millisecond)))
	r.after(4*sec, 0, at(106, epoch.Add(8*sec)))
	r.wantCount(6)
	r.wantEvent("R4", "older")
}

func TestR4DeviceClockBehindIsAcceptedAfterTheGap(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.MaxGap = 10 * sec }))
	s := good(100)
	s.SourceTime = epoch.Add(sec)
	r.after(sec, 0, s)
	for i := range 15 {
		s := good(101 + i)
		s.SourceTime = epoch.Add(time.Duration(i-60) * sec)
		r.after(sec, 0, s)
	}
	r.wantEvent("R4", "no longer used")
	r.wantCount(15)
}

func TestR4WildClockIsNotUsed(t *testing.T) {
	r := newRig(t, countSpec(resets))
	for i := range 4 {
		s := good(100 + i)
		s.SourceTime = time.Date(1970, 1, 1, 0, 0, 10-i, 0, time.UTC)
		r.after(sec, 0, s)
	}
	r.wantCount(3)
}

func TestR4RetainedOldValue(t *testing.T) {
	r := newRig(t, countSpec(resets))
	r.after(sec, 0, 100)
	r.after(sec, 0, 105)
	s := good(2)
	s.Retained = true
	r.after(sec, 0, s)
	r.after(sec, 0, s)
	r.alive(10 * sec)
	r.after(sec, 0, 107)
	r.wantCount(7)
}

func TestR5EvidenceProvesAReset(t *testing.T) {
	spec := countSpec(resets, "job")
	spec.ResetEvidence = []int{1}
	t.Run("together", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1")
		r.after(sec, 0, 482)
		r.after(sec, 0, 1, 1, "J-2")
		r.wantCount(3)
		r.wantEvent("R5", "proved")
	})
	t.Run("evidence first", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1")
		r.after(sec, 1, "J-2")
		r.after(sec, 0, 1)
		r.wantCount(1)
		r.wantEvent("R5", "proved")
	})
	t.Run("fall first", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1")
		r.after(sec, 0, 1)
		r.wantCount(0)
		r.after(sec, 1, "J-2")
		r.wantCount(1)
		r.wantEvent("R5", "proved")
	})
	t.Run("while the link was down", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 50, 1, "J-1")
		r.after(time.Minute, 0, 9, 1, "J-2")
		r.wantCount(9)
		r.after(time.Minute, 0, 12, 1, "J-3") // reset or not: the smaller number
		r.wantCount(12)
		r.wantEvent("R5", "9 are missing if it was reset")
	})
	t.Run("counter goes on", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 3, 1, "J-1")
		r.after(sec, 0, 4, 1, "J-2")
		r.wantCount(1)
		r.wantEvent("R7", "went on")
	})
	t.Run("one piece of evidence, one reset", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1")
		r.after(sec, 0, 3, 1, "J-2")
		r.wantCount(3)
		r.after(sec, 0, 0) // a glitch right after it
		r.after(sec, 0, 4)
		r.wantCount(4)
	})
	t.Run("evidence too old", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1")
		r.after(sec, 1, "J-2")
		r.after(30*sec, 0, 1)
		r.wantCount(0)
		r.wantEvent("R10", "waiting")
	})
}

func TestR5ResetBitCountsOnlyItsRisingEdge(t *testing.T) {
	spec := countSpec(resets, "reset")
	spec.ResetEvidence = []int{1}
	r := newRig(t, spec)
	r.after(sec, 0, 480, 1, false)
	r.after(sec, 0, 0, 1, true)
	r.wantCount(0)
	r.after(sec, 0, 2, 1, true)
	r.after(sec, 0, 0, 1, false)
	r.after(sec, 0, 3)
	r.wantCount(3)
}

func TestR5LatchedFinalValueIsAdded(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.Decrease, c.Latch = Reset, 2 }, "job", "final")
	spec.ResetEvidence = []int{1}
	r := newRig(t, spec)
	r.after(sec, 0, 480, 1, "J-1", 2, 400)
	r.after(sec, 0, 1, 1, "J-2", 2, 483)
	r.wantCount(4)
	r.wantEvent("R5", "latched final value 483 adds 3")
}

func TestR6AliveKeepsTheBoundTight(t *testing.T) {
	r := newRig(t, countSpec(nil))
	r.after(sec, 0, 100)
	r.alive(8 * time.Hour)
	r.after(sec, 0, 120) // more than 5/s × 1 s + 2
	r.wantCount(0)
	r.wantEvent("R11", "jumped by 20")
}

func TestR7CatchesUpAfterAGap(t *testing.T) {
	r := newRig(t, countSpec(nil))
	r.after(sec, 0, 100)
	r.after(10*time.Minute, 0, 700)
	r.wantCount(600)
}

func TestR8Wraps(t *testing.T) {
	t.Run("unsigned", func(t *testing.T) {
		r := newRig(t, countSpec(wraps))
		r.after(sec, 0, 65_534)
		r.after(sec, 0, 1)
		r.wantCount(3)
		r.wantEvent("R8", "rolled over")
	})
	t.Run("signed", func(t *testing.T) {
		r := newRig(t, countSpec(wraps))
		r.after(sec, 0, 32_767)
		r.after(sec, 0, -32_767)
		r.wantCount(2)
	})
	t.Run("while the link was down", func(t *testing.T) {
		r := newRig(t, countSpec(wraps))
		r.after(sec, 0, 65_000)
		r.after(10*time.Minute, 0, 64)
		r.wantCount(600)
	})
	t.Run("whole rounds may be missing", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { wraps(c); c.MaxRate = Whole(10); c.MaxGap = 36 * time.Minute }))
		r.after(sec, 0, 0)
		r.after(3*time.Hour, 0, 108_000%65_536)
		r.wantCount(42_464)
		r.wantEvent("R8", "count uncertain")
	})
	t.Run("a reset near the top is no wrap for wrap_or_reset", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { wraps(c); c.Decrease = WrapOrReset; c.MaxRate = Whole(50) }))
		r.after(sec, 0, 65_500)
		r.after(sec, 0, 0) // 36 as a wrap: the peak allows it, the usual rate does not
		r.wantCount(0)
		r.after(sec, 0, 1)
		r.after(2*sec, 0, 3)
		r.wantCount(3)
		r.wantEvent("R10", "confirmed")
	})
	t.Run("a wrap for wrap_or_reset", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { wraps(c); c.Decrease = WrapOrReset }))
		r.after(sec, 0, 65_535)
		r.after(sec, 0, 1)
		r.wantCount(2)
	})
}

func TestR9BackstepKeepsTheHighWaterMark(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.Decrease, c.Backstep = Reset, Whole(3) }))
	r.after(sec, 0, 100)
	r.after(sec, 0, 97)
	if r.m.Status().Pending != 0 {
		t.Fatal("a step back waits for its confirmation")
	}
	r.after(sec, 0, 99)
	r.wantCount(0)
	r.after(sec, 0, 102)
	r.wantCount(2)
	r.wantEvent("R9", "backstep")
}

func TestR10ResetIsConfirmed(t *testing.T) {
	t.Run("by samples", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 50_000)
		r.after(sec, 0, 0)
		r.after(sec, 0, 1)
		r.wantCount(0)
		r.after(sec, 0, 2)
		r.after(sec, 0, 3)
		r.wantCount(3)
		r.wantEvent("R10", "confirmed")
	})
	t.Run("by a source that says nothing while nothing changes", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 50_000)
		r.after(sec, 0, 1)
		r.alive(4 * sec)
		r.wantCount(1)
	})
	t.Run("not by time alone", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 50_000)
		r.after(sec, 0, 1)
		r.pass(r.now.Add(time.Hour))
		r.wantCount(0)
	})
	t.Run("the zero glitch", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 50_000)
		r.after(sec, 0, 50_001)
		r.after(sec, 0, 0)
		for v := 50_003; v <= 50_007; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(7)
		r.wantEvent("R10", "glitch")
	})
	t.Run("to another value than zero", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { c.Decrease, c.ResetTo = Reset, Whole(1) }))
		r.after(sec, 0, 900)
		r.after(sec, 0, 1)
		r.alive(4 * sec)
		r.after(sec, 0, 3)
		r.wantCount(2)
	})
}

func TestR11JumpsAreRebased(t *testing.T) {
	t.Run("up", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		for v := 9000; v < 9006; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(5)
		r.wantEvent("R11", "jumped by 8900")
	})
	t.Run("up, accepted", func(t *testing.T) {
		r := newRig(t, countSpec(func(c *CounterSpec) { c.OnJump = Accept }))
		r.after(sec, 0, 100)
		for v := 9000; v < 9006; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(8905)
	})
	t.Run("back to an old snapshot", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 15_230)
		r.after(sec, 0, 15_232)
		for v := 15_000; v < 15_006; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(7)
		r.wantEvent("R11", "jumped back by 232")
	})
	t.Run("a spike", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, 100+65_536)
		r.after(sec, 0, 102)
		r.wantCount(2)
		r.wantEvent("R11", "glitch")
	})
	t.Run("a decrease that nobody foresaw", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 500)
		for v := range 6 {
			r.after(sec, 0, v)
		}
		r.wantCount(5)
	})
	t.Run("noise does not flood the journal", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		for i := range 300 {
			r.after(sec/10, 0, 1000*(1+i*7919%101))
		}
		if len(r.events) > 12 {
			t.Fatalf("%d events for 30 s of noise:\n%s", len(r.events), r.log())
		}
	})
}

func TestR12Saturation(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.SaturatesAt = []Number{Whole(32_767)} }, "run")
	spec.State.Signal = 1
	spec.State.Values = map[string]StateValue{"true": {State: Running}}
	r := newRig(t, spec)
	r.after(sec, 0, 32_765, 1, true)
	r.after(sec, 0, 32_767)
	for range 70 {
		r.after(sec, 0, 32_767)
	}
	r.wantEvent("R12", "saturated")
	if n := len(r.events); n > 6 {
		t.Fatalf("%d events:\n%s", n, r.log())
	}
}

func TestR12FloatThatCanNotCount(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.SaturatesFrom = Whole(1 << 24) }, "run")
	spec.State.Signal = 1
	spec.State.Values = map[string]StateValue{"true": {State: Running}}
	r := newRig(t, spec)
	r.after(sec, 0, float32(1<<24), 1, true)
	r.alive(70 * sec)
	r.wantEvent("R12", "saturated")
}
