package connectortest

import (
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// What a connector must hold.
const (
	// FreshWithin is the longest time from the peer's recovery to new values.
	FreshWithin = 10 * time.Second
	// offWithin is the longest Run against a peer that is not there.
	offWithin = 10 * time.Second
	// silentWithin is the longest time until a black hole ends Run.
	silentWithin = 15 * time.Second
	// endsWithin is the longest time from the end of the context to Run's.
	endsWithin = 2 * time.Second
	// blockedFor is how long emit blocks.
	blockedFor = 2500 * time.Millisecond
	// cuts is the number of resets in a row.
	cuts = 25
)

// Run holds a connector against the contract of connectors.Connector: first
// values, changes, every way a network or a peer fails, back-pressure, clean
// ends. It takes about half a minute, most of it waiting, so its scenarios run
// side by side, each with a server, a proxy and a connector of its own. The one
// that counts goroutines runs first and alone; do not run other tests beside
// it. Harnesses should use the timeouts a plant would use, not longer.
func Run(t *testing.T, h Harness) {
	if len(h.Tags) != Missing+1 {
		t.Fatalf("the harness has %d tags, want Counter, Flag and Missing", len(h.Tags))
	}
	t.Run("ManyCuts", func(t *testing.T) { manyCuts(t, h) })

	// Not t.Parallel: that runs only as many at a time as there are cores,
	// and these wait for time-outs, not for cores.
	var all sync.WaitGroup
	for name, scenario := range map[string]func(*testing.T, Harness){
		"ValuesAndChanges":   valuesAndChanges,
		"OffAtStart":         offAtStart,
		"RefusedAtStart":     refusedAtStart,
		"MuteAtStart":        muteAtStart,
		"ServerRestart":      serverRestart,
		"ConnectionReset":    connectionReset,
		"BlackHole":          blackHole,
		"MissingTag":         missingTag,
		"CancelHealthy":      cancelHealthy,
		"CancelWhileOff":     cancelWhileOff,
		"CancelInBlackHole":  cancelInBlackHole,
		"CancelWhileMute":    cancelWhileMute,
		"BlockedEmit":        blockedEmit,
		"CutWhileEmitBlocks": cutWhileEmitBlocks,
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { scenario(t, h) }) })
	}
	all.Wait()
}

// bench is what every scenario starts with.
type bench struct {
	Peer
	*Proxy
}

// newBench starts a server with first values and a proxy in front of it.
func newBench(t *testing.T, h Harness) bench {
	t.Helper()
	peer := h.Serve(t)
	peer.Set(t, Counter, connectors.Uint(100))
	peer.Set(t, Flag, connectors.Bool(true))
	return bench{Peer: peer, Proxy: NewProxy(t, peer.Addr())}
}

// start runs a connector through the proxy and waits for the first values.
func (b bench) start(t *testing.T, h Harness) *supervisor {
	t.Helper()
	s := supervise(t, h, b.Proxy.Addr())
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(100))
	s.WaitValue(t, FreshWithin, Flag, connectors.Bool(true))
	return s
}

// fresh sets a new value and waits for it.
func (b bench) fresh(t *testing.T, s *supervisor, v uint64) {
	t.Helper()
	b.Set(t, Counter, connectors.Uint(v))
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(v))
}

func valuesAndChanges(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	before := s.connector.Stats()
	if before.LastGood.IsZero() || before.Requests == 0 {
		t.Errorf("after the first values Stats are %+v", before)
	}
	for v := uint64(101); v <= 105; v++ {
		b.fresh(t, s, v)
	}
	b.Set(t, Flag, connectors.Bool(false))
	s.WaitValue(t, FreshWithin, Flag, connectors.Bool(false))
	if after := s.connector.Stats(); !after.LastGood.After(before.LastGood) {
		t.Errorf("LastGood did not move: %v, then %v", before.LastGood, after.LastGood)
	}
	if s.runs() != 0 {
		t.Errorf("Run returned %d times on a healthy connection", s.runs())
	}
}

func offAtStart(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.Stop(t)
	s := supervise(t, h, b.Peer.Addr())
	end := s.waitEnd(t, offWithin, 0)
	t.Logf("off: %v after %v", end.err, end.took)
	b.Start(t)
	s.WaitUp(t, FreshWithin)
	b.fresh(t, s, 200)
}

func refusedAtStart(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.Refuse()
	s := supervise(t, h, b.Proxy.Addr())
	end := s.waitEnd(t, offWithin, 0)
	t.Logf("refused: %v after %v", end.err, end.took)
	b.Pass()
	s.WaitUp(t, FreshWithin)
	b.fresh(t, s, 200)
}

func muteAtStart(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.Swallow()
	s := supervise(t, h, b.Proxy.Addr())
	end := s.waitEnd(t, silentWithin, 0)
	t.Logf("mute: %v after %v", end.err, end.took)
	b.Pass()
	s.WaitUp(t, FreshWithin)
	b.fresh(t, s, 200)
}

func serverRestart(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	n := s.runs()
	b.Stop(t)
	end := s.waitEnd(t, silentWithin, n)
	t.Logf("server stopped: %v", end.err)
	b.Start(t)
	s.WaitUp(t, FreshWithin)
	b.fresh(t, s, 200)
	b.fresh(t, s, 201)
}

func connectionReset(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	n := s.runs()
	b.Cut()
	b.Set(t, Counter, connectors.Uint(200))
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(200))
	t.Logf("reset: %v", s.waitEnd(t, silentWithin, n).err)
	b.fresh(t, s, 201)
}

func blackHole(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	n := s.runs()
	b.Swallow()
	began := time.Now()
	end := s.waitEnd(t, silentWithin, n)
	t.Logf("black hole: %v after %v", end.err, time.Since(began))
	b.Set(t, Counter, connectors.Uint(200))
	b.Pass()
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(200))
	b.fresh(t, s, 201)
}

func missingTag(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	if h.ReportsMissing {
		s.Wait(t, FreshWithin, "a bad sample of the missing tag", func() bool {
			m, ok := s.Latest(Missing)
			return ok && m.Quality == connectors.Bad && m.Reason != ""
		})
	}
	b.fresh(t, s, 101)
	for _, batch := range s.Batches() {
		for _, sample := range batch.Samples {
			if sample.Tag == Missing && sample.Quality != connectors.Bad {
				t.Fatalf("the missing tag has the value %s", sample.Value.Text())
			}
		}
	}
	if s.runs() != 0 {
		t.Errorf("a missing tag ended Run: %v", s.waitEnd(t, 0, 0).err)
	}
}

func cancelHealthy(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	endsByContext(t, s)
}

func cancelWhileOff(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.Stop(t)
	s := supervise(t, h, b.Peer.Addr())
	s.waitEnd(t, offWithin, 0)
	s.stop(t) // Run may just have failed by itself: only the time counts
}

func cancelInBlackHole(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	b.Swallow()
	pause(1500 * time.Millisecond) // so that requests are under way
	endsByContext(t, s)
}

func cancelWhileMute(t *testing.T, h Harness) {
	b := newBench(t, h)
	b.Swallow()
	s := supervise(t, h, b.Proxy.Addr())
	for deadline := time.Now().Add(FreshWithin); b.Accepted() == 0; pause(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connector never connected")
		}
	}
	pause(200 * time.Millisecond)
	endsByContext(t, s)
}

// endsByContext cancels; Run must return nil within endsWithin.
func endsByContext(t *testing.T, s *supervisor) {
	t.Helper()
	before := s.runs()
	s.stop(t)
	if s.runs() > before {
		if err := s.waitEnd(t, 0, s.runs()-1).err; err != nil {
			t.Errorf("Run returned %v although only its context had ended", err)
		}
	}
}

func blockedEmit(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	s.Hold()
	for v := uint64(300); v < 310; v++ {
		b.Set(t, Counter, connectors.Uint(v))
		pause(blockedFor / 10)
	}
	s.Wait(t, FreshWithin, "emit to block", s.Held)
	s.Release()
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(309))
	b.fresh(t, s, 310)
	if !increasing(s.Batches()) {
		t.Error("the values of the counter arrived out of order")
	}
}

func cutWhileEmitBlocks(t *testing.T, h Harness) {
	b := newBench(t, h)
	s := b.start(t, h)
	s.Hold()
	b.Set(t, Counter, connectors.Uint(300))
	s.Wait(t, FreshWithin, "emit to block", s.Held)
	n := s.runs()
	b.Cut()
	pause(blockedFor)
	b.Set(t, Counter, connectors.Uint(301))
	s.Release()
	s.waitEnd(t, silentWithin, n)
	s.WaitValue(t, FreshWithin, Counter, connectors.Uint(301))
	b.fresh(t, s, 302)
}

// increasing says whether the counter, which the test only raises, never fell.
func increasing(batches []connectors.Batch) bool {
	var last string
	for _, b := range batches {
		for _, s := range b.Samples {
			if s.Tag != Counter || s.Quality != connectors.Good {
				continue
			}
			text := s.Value.Text()
			if len(text) < len(last) || len(text) == len(last) && text < last {
				return false
			}
			last = text
		}
	}
	return true
}

// manyCuts resets the connection again and again. What stays behind shows as
// goroutines and descriptors, compared with those after three cuts so that what
// server and proxy need for themselves does not count.
func manyCuts(t *testing.T, h Harness) {
	b := newBench(t, h)
	v := uint64(1000)
	cycle := func(n int) {
		s := supervise(t, h, b.Proxy.Addr())
		for range n {
			v++
			b.fresh(t, s, v)
			ended := s.runs()
			b.Cut()
			s.waitEnd(t, silentWithin, ended)
		}
		v++
		b.fresh(t, s, v)
		s.stop(t)
	}
	cycle(3)
	few := settled(b.Proxy)
	cycle(cuts)
	for _, extra := range settledTo(b.Proxy, few, 3).beyond(few, 3) {
		t.Errorf("%d cuts left, against 3, %s", cuts, extra)
	}
}

// pause is how long a fault lasts. It synchronises nothing.
func pause(d time.Duration) {
	<-time.After(d)
}
