package connectortest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// backoff is the pause between two calls of Run.
const backoff = 100 * time.Millisecond

// pauses says how long to wait before Run is called again: after a call that
// took that long and had, or had not, been up.
type pauses func(took time.Duration, up bool) time.Duration

// constant is the policy of the quick suite.
func constant(time.Duration, bool) time.Duration { return backoff }

// outcome is how one call of Run ended.
type outcome struct {
	err  error
	took time.Duration
}

// supervisor calls Run again and again, as the gateway does, and watches what
// the contract says about errors and totals.
type supervisor struct {
	*Recorder
	connector connectors.Connector
	addr      string
	pauses    pauses
	before    uint64 // Stats.Samples when it began
	lag       lag
	judged    sync.Once
	cancel    context.CancelFunc
	wait      sync.WaitGroup

	mu       sync.Mutex
	ended    chan struct{} // closed and replaced whenever Run returned
	outcomes []outcome
}

// supervise starts the connector. The test's cleanup stops it and fails the
// test for every breach of the contract.
func supervise(t testing.TB, h Harness, addr string) *supervisor {
	t.Helper()
	return superviseWith(t, h.Connect(t, addr), len(h.Tags), addr, constant)
}

// superviseWith is supervise with a policy of its own.
func superviseWith(t testing.TB, c connectors.Connector, tags int, addr string, p pauses) *supervisor {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &supervisor{
		Recorder:  NewRecorder(tags),
		connector: c,
		addr:      addr,
		pauses:    p,
		before:    c.Stats().Samples,
		cancel:    cancel,
		ended:     make(chan struct{}),
	}
	s.wait.Go(func() { s.run(ctx) })
	s.wait.Go(func() { s.watchStats(ctx) })
	s.wait.Go(func() { s.lag.watch(ctx) })
	t.Cleanup(func() { s.stop(t) })
	return s
}

// run is the supervisor's loop.
func (s *supervisor) run(ctx context.Context) {
	for {
		s.Begin()
		began := time.Now()
		err := s.connector.Run(ctx, s.Emit)
		took := time.Since(began)
		s.judgeEnd(ctx, err)
		up := s.Up()
		s.End()
		s.mu.Lock()
		s.outcomes = append(s.outcomes, outcome{err, took})
		close(s.ended)
		s.ended = make(chan struct{})
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.pauses(took, up)):
		}
	}
}

// judgeEnd holds what Run returned against the contract.
func (s *supervisor) judgeEnd(ctx context.Context, err error) {
	s.Recorder.mu.Lock()
	defer s.Recorder.mu.Unlock()
	switch {
	case err == nil && ctx.Err() == nil:
		s.fault("Run returned nil although its context had not ended")
	case err != nil && err.Error() == "":
		s.fault("Run returned an error without text")
	case err != nil && !strings.Contains(err.Error(), s.addr):
		s.fault("the error %q does not name the address %s", err, s.addr)
	}
}

// watchStats sees to it that totals never fall.
func (s *supervisor) watchStats(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	var last connectors.Stats
	for {
		now := s.connector.Stats()
		if now.Requests < last.Requests || now.Samples < last.Samples || now.LastGood.Before(last.LastGood) {
			s.Recorder.mu.Lock()
			s.fault("Stats fell")
			s.Recorder.mu.Unlock()
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// stop ends the connector and reports breaches. It may be called twice.
func (s *supervisor) stop(t testing.TB) {
	t.Helper()
	s.cancel()
	s.Release()
	began := time.Now()
	s.wait.Wait()
	if took, limit := time.Since(began), endsWithin+s.slack()-slack; took > limit { // later on a busy computer
		t.Errorf("Run needed %v to end after its context had, at most %v are allowed", took, limit)
	}
	for _, fault := range s.Faults() {
		t.Error(fault)
	}
	s.judged.Do(func() { // later another may use the connector
		if got, want := s.connector.Stats().Samples-s.before, s.Samples(); got != want {
			t.Errorf("Stats.Samples is %d, emit got %d", got, want)
		}
	})
}

// runs is the number of calls of Run that have returned.
func (s *supervisor) runs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outcomes)
}

// waitEnd waits until Run has returned more than n times and gives the first
// outcome after those n.
func (s *supervisor) waitEnd(t testing.TB, limit time.Duration, n int) outcome {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		ended := s.ended
		if len(s.outcomes) > n {
			defer s.mu.Unlock()
			return s.outcomes[n]
		}
		s.mu.Unlock()
		select {
		case <-ended:
		case <-timer.C:
			t.Fatalf("Run did not return within %v", limit)
		}
	}
}

// said is the last error of a run after the first n; empty if there was none.
func (s *supervisor) said(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range slices.Backward(s.outcomes[n:]) {
		if o.err != nil {
			return o.err.Error()
		}
	}
	return ""
}
