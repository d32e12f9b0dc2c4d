package opcua

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// within bounds what is waited for on loopback.
const within = 15 * time.Second

// running is a connector in one call of Run.
type running struct {
	*connectortest.Recorder
	c    *Connector
	stop context.CancelFunc
	done sync.WaitGroup
	err  error // of Run, valid after done
}

// run calls Run once. It ends with the test at the latest.
func run(t *testing.T, cfg Config, tags []connectors.Tag) *running {
	t.Helper()
	return runWith(t, cfg, tags, func(*Connector) {})
}

// runWith is run with a connector that the test has changed.
func runWith(t *testing.T, cfg Config, tags []connectors.Tag, change func(*Connector)) *running {
	t.Helper()
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	c.retryEvery = 200 * time.Millisecond
	change(c)
	return begin(t, c, len(tags))
}

// begin calls Run of a connector for some tags once. It ends with the test at
// the latest.
func begin(t *testing.T, c *Connector, tags int) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Recorder: connectortest.NewRecorder(tags), c: c, stop: cancel}
	r.Begin()
	r.done.Go(func() { r.err = c.Run(ctx, r.Emit) })
	t.Cleanup(func() {
		cancel()
		r.Release()
		r.done.Wait()
		r.End()
		for _, f := range r.Faults() {
			t.Error(f)
		}
	})
	return r
}

// end waits for Run's own end.
func (r *running) end(t *testing.T) error {
	t.Helper()
	timer := time.AfterFunc(within, r.stop)
	r.done.Wait()
	if !timer.Stop() {
		t.Fatal("Run did not end by itself")
	}
	return r.err
}

func (r *running) waitReason(t *testing.T, tag int, reason string) {
	t.Helper()
	r.Wait(t, within, reason, func() bool {
		s, ok := r.Latest(tag)
		return ok && s.Quality == connectors.Bad && s.Reason == reason
	})
}
