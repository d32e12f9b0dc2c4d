package mapping

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The tests of this file are sequences in which one decision prepares the
// mistake of the next.

func kept(v any) connectors.Sample {
	s := good(v)
	s.Retained = true
	return s
}

func TestAJumpIsNotReachedByWaiting(t *testing.T) {
	t.Run("until the next message", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, 9000)
		r.after(2*time.Hour, 0, 9001)
		r.wantCount(0)
		r.after(4*sec, 0, 9002)
		r.wantCount(2)
	})
	t.Run("while the link is down", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 100)
		r.after(sec, 0, 9000)
		r.link(connectors.LinkDown)
		r.sit(2 * time.Hour)
		r.link(connectors.LinkUp)
		for v := 9000; v < 9005; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(4)
	})
	t.Run("by a wrap", func(t *testing.T) {
		r := newRig(t, countSpec(wraps))
		r.after(sec, 0, 60_000)
		r.after(sec, 0, 2000)
		r.after(2*time.Hour, 0, 2001)
		r.wantCount(0)
	})
	t.Run("but a machine that was a little early is forgiven", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, 109)
		r.after(sec, 0, 112)
		r.wantCount(12)
	})
}

func TestNoiseDoesNotBecomeParts(t *testing.T) {
	r := newRig(t, countSpec(wraps))
	r.after(sec, 0, 100)
	for i := range 4 * 3600 {
		r.after(sec, 0, 1000+(i*7919)%60_000)
	}
	r.wantCount(0)
	for v := 20_000; v < 20_010; v++ { // what was made meanwhile is plausible
		r.after(sec, 0, v)
	}
	r.wantCount(19_909)
}

func TestZerosThatLasted(t *testing.T) {
	t.Run("the former level comes back after a gap", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 200)
		for range 10 { // a server that starts with zeros
			r.after(sec, 0, 0)
		}
		r.after(10*time.Minute, 0, 204)
		r.wantCount(4)
		r.after(sec, 0, 205)
		r.wantCount(5)
	})
	t.Run("at once", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 50_000)
		for range 10 {
			r.after(sec, 0, 0)
		}
		for v := 50_004; v < 50_010; v++ {
			r.after(sec, 0, v)
		}
		r.wantCount(9)
	})
	t.Run("over a restart", func(t *testing.T) {
		spec := countSpec(resets)
		r := newRig(t, spec)
		r.after(sec, 0, 200)
		for range 10 {
			r.after(sec, 0, 0)
		}
		r.restart(10*time.Minute, spec)
		r.after(sec, 0, 204)
		r.wantCount(4)
	})
	t.Run("a fall that nobody foresaw", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 200)
		for range 5 {
			r.after(sec, 0, 0)
		}
		r.after(10*time.Minute, 0, 204)
		r.wantCount(4)
	})
	t.Run("a true reset counts on and passes the former level", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 20)
		for v := range 60 {
			r.after(sec, 0, v)
		}
		r.wantCount(59)
		r.after(10*time.Minute, 0, 159)
		r.wantCount(159)
	})
	t.Run("a true reset that counted before a gap", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 20)
		for v := range 4 {
			r.after(sec, 0, v)
		}
		r.wantCount(3)
		r.after(10*time.Minute, 0, 303)
		r.wantCount(303)
	})
	t.Run("a high level that lasted is no number of parts when it ends", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 100)
		for range 5 {
			r.after(sec, 0, 9000)
		}
		r.after(time.Minute, 0, 103)
		for v := 103; v < 108; v++ {
			r.after(sec, 0, v)
		}
		if n := r.count(); n > 7 {
			t.Fatalf("count %d of 7 made\n%s", n, r.log())
		}
	})
}

func TestEvidenceOfAResetThatWasNone(t *testing.T) {
	spec := countSpec(resets, "boot")
	spec.ResetEvidence = []int{1}
	t.Run("a counter that outlives a boot", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 500, 1, 7)
		r.after(20*time.Minute, 0, 503, 1, 8)
		r.wantCount(3)
		r.wantEvent("R5", "smaller")
	})
	t.Run("a glitch to zero long before", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 500, 1, 7)
		r.after(sec, 0, 0)
		r.after(time.Minute, 1, 8)
		r.after(sec, 0, 502)
		r.wantCount(2)
	})
	t.Run("a text that was empty in between", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 500, 1, "J-1")
		r.after(sec, 1, "")
		r.after(time.Minute, 0, 1, 1, "J-2")
		r.wantCount(1)
	})
}

func TestEvidenceDoesNotProveEverything(t *testing.T) {
	spec := countSpec(resets, "job")
	spec.ResetEvidence = []int{1}
	t.Run("a fall to what the machine can not have made", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 15_230, 1, "J-1")
		r.after(sec, 0, 15_000, 1, "J-2")
		r.alive(4 * sec)
		r.wantCount(0)
		r.wantEvent("R11", "jumped back by 230")
	})
	t.Run("an old message that comes again", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 5, 1, "J-1")
		r.after(sec, 0, 6)
		r.after(sec, 1, "J-2")
		again := good(5)
		again.Redelivered = true
		r.after(sec, 0, again)
		r.after(sec, 0, 7)
		r.wantCount(2)
	})
	t.Run("that what came before it was made after it", func(t *testing.T) {
		spec := countSpec(func(c *CounterSpec) { resets(c); c.ScaleSignal = 2 }, "job", "factor")
		spec.ResetEvidence = []int{1}
		r := newRig(t, spec)
		r.after(sec, 0, 32, 1, "J-1", 2, 1)
		r.after(sec, 0, 0)
		r.after(sec, 2, 8)
		r.after(0, 1, "J-2")
		r.after(0, 0, 3) // made with the former factor
		r.wantCount(3)
	})
	t.Run("what a gap allowed before it", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 23, 1, "J-1")
		r.after(time.Minute, 0, 24)
		r.after(sec, 0, 0, 1, "J-2") // a zero that is none
		for range 5 {
			r.after(sec, 0, 24)
		}
		r.wantCount(1)
	})
	t.Run("a counter that begins at one", func(t *testing.T) {
		one := countSpec(func(c *CounterSpec) { resets(c); c.ResetTo = Whole(1) }, "job")
		one.ResetEvidence = []int{1}
		r := newRig(t, one)
		r.after(sec, 0, 500, 1, "J-1")
		r.after(sec, 0, 3, 1, "J-2")
		r.wantCount(2)
	})
}

func TestASignOfLifeVouchesForTheLastSampleOnly(t *testing.T) {
	t.Run("which was bad", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.after(sec, 0, connectors.Sample{Reason: "timeout"})
		r.alive(time.Minute)
		r.after(sec, 0, 200)
		r.wantCount(100)
	})
	t.Run("which was older", func(t *testing.T) {
		at := func(v int, source time.Time) connectors.Sample {
			s := good(v)
			s.SourceTime = source
			return s
		}
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, at(100, epoch.Add(sec)))
		r.after(sec, 0, at(150, epoch))
		r.alive(time.Minute)
		r.after(sec, 0, at(200, r.now))
		r.wantCount(100)
	})
	t.Run("before the link was lost", func(t *testing.T) {
		r := newRig(t, countSpec(nil))
		r.after(sec, 0, 100)
		r.link(connectors.LinkDown)
		r.link(connectors.LinkUp)
		r.alive(time.Minute)
		r.after(sec, 0, 200)
		r.wantCount(100)
	})
}

func TestAResetNeedsItsSamples(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { resets(c); c.ConfirmTime, c.ConfirmDown = 0, 3 }))
	r.after(sec, 0, 50_000)
	r.after(sec, 0, 0)
	r.after(sec, 0, 0)
	r.after(sec, 0, 50_001)
	r.wantCount(1)
	r.after(sec, 0, 0)
	r.after(sec, 0, 1)
	r.after(sec, 0, 2)
	r.wantCount(3)
}

func TestStoredBitsAreNoEdges(t *testing.T) {
	r := newRig(t, countSpec(func(c *CounterSpec) { c.Kind = Edges }))
	r.after(sec, 0, false)
	r.after(sec, 0, kept(true))
	r.wantCount(0)
	r.after(sec, 0, false)
	r.after(sec, 0, true)
	r.wantCount(1)
}

func TestALatchMustBeFresh(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.Decrease, c.Latch = Reset, 2 }, "job", "final")
	spec.ResetEvidence = []int{1}
	t.Run("it holds the end of the run before", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1", 2, 485)
		r.after(sec, 0, 1, 1, "J-2", 2, 485)
		r.wantCount(1)
	})
	t.Run("it can not be", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1", 2, 400)
		r.after(sec, 0, 1, 1, "J-2", 2, 9000)
		r.wantCount(1)
	})
	t.Run("it came while the gateway was off", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 480, 1, "J-1", 2, 400)
		r.restart(time.Minute, spec)
		r.after(sec, 0, 1, 1, "J-2", 2, 483)
		r.wantCount(4)
	})
}

func TestAStoredValueSaysNothingOfNow(t *testing.T) {
	r := newRig(t, countSpec(resets))
	r.after(sec, 0, 100)
	r.after(10*time.Minute, 0, kept(100))
	r.after(sec, 0, 500) // made meanwhile, out of the gateway's sight
	r.wantCount(400)
	r.after(10*time.Minute, 0, kept(510))
	r.after(sec, 0, 900)
	r.wantCount(800)
}

func TestAClockThatWasFarAhead(t *testing.T) {
	r := newRig(t, countSpec(resets))
	s := good(100)
	s.SourceTime = epoch.AddDate(10, 0, 0)
	r.after(sec, 0, s)
	for i := range 3 {
		s := good(101 + i)
		s.SourceTime = r.now.Add(sec)
		r.after(sec, 0, s)
	}
	r.wantCount(3)
}

func TestSeveralValuesInOneBatch(t *testing.T) {
	r := newRig(t, countSpec(nil))
	r.after(sec, 0, 100)
	for i := range 20 { // published every 5 s, sampled every second
		v := 100 + 25*i
		r.after(5*sec, 0, v+5, 0, v+10, 0, v+15, 0, v+20, 0, v+25)
		r.wantCount(int64(v + 25 - 100))
	}
	r.after(sec, 0, 600, 0, 9000, 0, 602)
	r.wantCount(502)
}

func TestABurstOfQueuedValues(t *testing.T) {
	r := newRig(t, countSpec(nil))
	r.after(sec, 0, 100)
	r.now = r.now.Add(10 * time.Minute)
	for v := 130; v <= 1300; v += 30 {
		r.after(time.Millisecond, 0, v)
	}
	r.after(4*sec, 0, 1310)
	r.wantCount(1210)
	r.after(sec, 0, 9000)
	r.wantCount(1210)

	both := newRig(t, countSpec(nil))
	both.after(sec, 0, 100)
	both.after(10*time.Minute, 0, 103, 0, 903)
	both.after(sec, 0, 104)
	both.wantCount(4)

	spike := newRig(t, countSpec(nil))
	spike.after(sec, 0, 100)
	spike.after(10*time.Minute, 0, 103)
	spike.after(sec, 0, 903) // a gap of ten minutes would allow it
	spike.after(sec, 0, 104)
	spike.wantCount(4)
}

func TestTheFactorOfAGapIsTheSmaller(t *testing.T) {
	spec := countSpec(func(c *CounterSpec) { c.ScaleSignal = 1 }, "cavities")
	t.Run("it grew in a batch of its own", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 4)
		r.after(10*sec, 1, 8)
		r.after(sec, 0, 15)
		r.wantCount(20)
		r.after(sec, 0, 16)
		r.wantCount(28)
	})
	t.Run("the counter was seen after the change", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 4)
		r.after(sec, 1, 8)
		r.alive(sec)
		r.after(sec, 0, 11)
		r.wantCount(8)
	})
	t.Run("a change is saved", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 4)
		r.urgent = false
		r.after(sec, 1, 2)
		if !r.urgent {
			t.Fatal("a kill would forget the smaller factor")
		}
	})
	t.Run("it grew while the gateway was off", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 4)
		r.restart(time.Minute, spec)
		r.after(sec, 0, 15, 1, 8)
		r.wantCount(20)
	})
	t.Run("it shrank while the link was down, and comes second", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 8)
		r.link(connectors.LinkDown)
		r.sit(time.Minute)
		r.link(connectors.LinkUp)
		r.after(sec, 0, kept(15))
		r.wantCount(0)
		r.after(sec, 1, kept(4))
		r.wantCount(20)
		r.after(sec, 0, 16)
		r.wantCount(24)
	})
	t.Run("nobody repeats it after the link was down", func(t *testing.T) {
		r := newRig(t, spec)
		r.after(sec, 0, 10, 1, 8)
		r.link(connectors.LinkDown)
		r.link(connectors.LinkUp)
		r.after(sec, 0, 12)
		r.wantCount(0)
		r.sit(settling)
		r.wantCount(16)
		r.after(time.Minute, 0, 15)
		r.wantCount(40)
	})
	t.Run("it changed while a reset was waiting", func(t *testing.T) {
		s := countSpec(func(c *CounterSpec) { resets(c); c.ScaleSignal = 1 }, "cavities")
		r := newRig(t, s)
		r.after(sec, 0, 1000, 1, 4)
		r.after(sec, 0, 1)
		r.after(sec, 0, 3)
		r.after(sec, 1, 8)
		r.after(2*sec, 0, 3)
		r.wantCount(12)
	})
}
