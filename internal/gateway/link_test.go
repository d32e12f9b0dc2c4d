package gateway

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// scripted is a connector whose attempts do what run says.
type scripted struct {
	run func(ctx context.Context, emit func(connectors.Batch)) error

	mu    sync.Mutex
	began []time.Time
	holds []connectors.Condition
}

// hold says what the connector knows from now on.
func (s *scripted) hold(c ...connectors.Condition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds = c
}

func (s *scripted) Run(ctx context.Context, emit func(connectors.Batch)) error {
	s.mu.Lock()
	s.began = append(s.began, time.Now())
	s.mu.Unlock()
	return s.run(ctx, emit)
}

func (s *scripted) Stats() connectors.Stats { return connectors.Stats{} }

func (s *scripted) Conditions() []connectors.Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]connectors.Condition(nil), s.holds...)
}

func (s *scripted) attempts() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.began...)
}

// wire is a link with what it said and gave.
type wire struct {
	*link
	connector *scripted
	mu        sync.Mutex
	text      bytes.Buffer
	batches   []connectors.Batch
	end       context.CancelFunc
	done      sync.WaitGroup
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// lines counts the log lines with a text.
func (w *wire) lines(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), text)
}

func (w *wire) links() (up, down int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.batches {
		switch b.Link {
		case connectors.LinkUp:
			up++
		case connectors.LinkDown:
			down++
		}
	}
	return up, down
}

func newWire(run func(ctx context.Context, emit func(connectors.Batch)) error) *wire {
	w := &wire{connector: &scripted{run: run}}
	w.link = &link{
		name: "gw", connector: w.connector, feed: &mapping.Feed{Connection: "gw", Tags: make([]connectors.Tag, 4)},
		ingest: func(_ *mapping.Feed, b connectors.Batch) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.batches = append(w.batches, b)
		},
		health: health.NewTracker(time.Now, func(health.Change) {}), log: slog.New(slog.NewTextHandler(w, nil)),
	}
	var ctx context.Context
	ctx, w.end = context.WithCancel(context.Background())
	w.done.Go(func() { w.link.run(ctx) })
	return w
}

func (w *wire) stop() {
	w.end()
	w.done.Wait()
}

var errRefused = errors.New("tcp 10.0.0.9:502: connection refused")

const downLine, upLine = "connection is down", "connection is up"

// TestLinkThatNeverComes tries for an hour.
func TestLinkThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(context.Context, func(connectors.Batch)) error { return errRefused })
		time.Sleep(time.Hour)
		status := w.snapshot()
		if status.Up || status.Problem != errRefused.Error() || status.Attempts != len(w.connector.attempts()) || status.Reconnects != 0 {
			t.Errorf("%+v", status)
		}
		began := w.connector.attempts()
		if n := len(began); n < 3600/6 || n > 3600/4+10 {
			t.Errorf("%d attempts in an hour", n)
		}
		for i := 1; i < len(began); i++ {
			if pause := began[i].Sub(began[i-1]); pause < firstPause || pause > longestPause*5/4 {
				t.Fatalf("pause %v", pause)
			}
		}
		if n := w.lines(downLine); n < 6 || n > 7 {
			t.Errorf("%d lines in an hour", n)
		}
		if up, down := w.links(); up != 0 || down != 0 {
			t.Errorf("%d up and %d down of a link that never was", up, down)
		}
		if len(w.health.List()) != 1 {
			t.Errorf("conditions %v", w.health.List())
		}
		lines := w.lines("\n")
		w.stop()
		if w.lines("\n") != lines {
			t.Error("the end was logged as a failure")
		}
	})
}

// TestLinkComesBack fails at first, holds, breaks, and holds again.
func TestLinkComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempt := 0
		w := newWire(func(ctx context.Context, emit func(connectors.Batch)) error {
			switch attempt++; attempt {
			case 1, 2, 3, 5:
				return errRefused
			case 4:
				emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
				time.Sleep(time.Hour)
				return errors.New("connection reset")
			}
			emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
			<-ctx.Done()
			return nil
		})
		time.Sleep(10 * time.Second)
		if s := w.snapshot(); !s.Up || s.Problem != "" || s.Attempts != 0 || s.Reconnects != 0 {
			t.Errorf("%+v", s)
		}
		if w.lines(downLine) != 1 || w.lines(upLine) != 1 || w.lines("attempts=3") != 1 || w.lines("up again") != 0 || len(w.health.List()) != 0 {
			t.Errorf("said %s", w.text.String())
		}
		time.Sleep(time.Hour)
		began := w.connector.attempts()
		if pause := began[4].Sub(began[3]) - time.Hour; pause > firstPause*5/4 {
			t.Errorf("a connection that had held for an hour waited %v", pause)
		}
		if pause := began[5].Sub(began[4]); pause > 2*firstPause*5/4 {
			t.Errorf("and then %v: its pauses did not begin anew", pause)
		}
		if up, down := w.links(); up != 2 || down != 1 {
			t.Errorf("%d up, %d down", up, down)
		}
		if s := w.snapshot(); s.Reconnects != 1 {
			t.Errorf("came back once, counted %d", s.Reconnects)
		}
		if w.lines(downLine) != 2 || w.lines("connection is up again") != 1 {
			t.Errorf("said %s", w.text.String())
		}
		w.stop()
		if up, down := w.links(); up != 2 || down != 2 {
			t.Errorf("after the end %d up, %d down: from then on nothing is known", up, down)
		}
	})
}

// TestLinkThatFlaps comes and goes, and then goes for good.
func TestLinkThatFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := newWire(func(_ context.Context, emit func(connectors.Batch)) error {
			if time.Since(began) > 10*time.Minute {
				return errRefused
			}
			emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
			time.Sleep(time.Second)
			return errors.New("connection reset")
		})
		time.Sleep(10 * time.Minute)
		if n := w.lines(downLine); n < 5 || n > 11 {
			t.Errorf("%d lines in ten minutes of coming and going", n)
		}
		before := w.lines(downLine)
		time.Sleep(flapQuiet + 2*longestPause)
		if n := w.lines(downLine); n != before+1 {
			t.Errorf("a connection that stays down was mentioned %d times more", n-before)
		}
		w.stop()
	})
}

// TestLinkEndsAtOnce ends while the connection waits for its next attempt, and
// while it is up.
func TestLinkEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(context.Context, func(connectors.Batch)) error { return errRefused })
		synctest.Wait()
		began := time.Now()
		w.stop()
		if time.Since(began) > 0 {
			t.Errorf("the end took %v", time.Since(began))
		}
		if n := len(w.connector.attempts()); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}
