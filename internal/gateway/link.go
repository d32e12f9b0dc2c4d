package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

const (
	// firstPause and longestPause bound the wait before a connection is tried
	// again: fresh data must flow within 10 s after the device answers.
	firstPause   = 500 * time.Millisecond
	longestPause = 4 * time.Second
	// refusedPause is the longest wait, with its share of chance 8 s, where a
	// login or a name was refused.
	refusedPause = 6400 * time.Millisecond
	// steadyAfter is how long a connection must have been up for its next
	// failure to be a first one.
	steadyAfter = 10 * time.Second
	// remindEvery is how often a connection that stays down is mentioned, and
	// flapQuiet how long one that comes and goes is not mentioned again.
	remindEvery = 10 * time.Minute
	flapQuiet   = time.Minute
)

// link keeps one connection alive. It is the only place that connects again.
type link struct {
	name      string
	connector connectors.Connector
	feed      *mapping.Feed
	ingest    func(*mapping.Feed, connectors.Batch)
	health    *health.Tracker
	log       *slog.Logger

	mu        sync.Mutex
	status    LinkStatus
	everUp    bool
	mentioned bool // this outage was logged
	// judged says of each tag what came of it since the link came up; nil while
	// the link is down. heard and bad are the numbers of those that were heard of,
	// and that are bad now.
	judged     []judgement
	heard, bad int
	// badSince is BadSince as it was when the link went down; it goes on if the
	// values are still all bad when the link is up again.
	badSince time.Time

	telling sync.Mutex // held before mu
	told    map[place]string
}

// LinkStatus is what pages and metrics show of a connection.
type LinkStatus struct {
	Name string
	// Up says that values can flow; Since when it is so or not.
	Up    bool
	Since time.Time
	// Problem is why it is down, Attempts how often it was tried since.
	Problem  string
	Attempts int
	// Reconnects counts the times it came up, less the first.
	Reconnects int
	// BadSince is since when the link is up and every value that came is bad;
	// zero while at least one is not, or none came. Stats.LastGood is when the
	// newest good value came.
	BadSince time.Time
	Stats    connectors.Stats
	// Conditions are what the connector found out by itself.
	Conditions []connectors.Condition
}

// run tries until ctx ends.
func (l *link) run(ctx context.Context) {
	var asking sync.WaitGroup
	asking.Go(func() { l.ask(ctx) })
	defer asking.Wait()
	pause := firstPause
	var reminded time.Time
	for {
		began := time.Now()
		err := l.connector.Run(ctx, l.emit)
		wasUp := l.lost(err)
		if ctx.Err() != nil {
			return
		}
		if wasUp && time.Since(began) > steadyAfter {
			pause = firstPause
		}
		l.complain(err, &reminded)
		l.tell()
		longest := longestPause
		if l.refused() {
			longest = refusedPause
		}
		wait := pause + time.Duration(rand.Int64N(int64(pause/4)))
		pause = min(2*pause, longest)
		if time.Since(began) > longestPause && longest == longestPause {
			wait = firstPause // a slow failure was its own pause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (l *link) emit(b connectors.Batch) {
	if b.Link == connectors.LinkUp {
		l.found(b.Time)
	}
	l.judge(b)
	l.ingest(l.feed, b)
}

func (l *link) found(now time.Time) {
	l.mu.Lock()
	s := &l.status
	first := !l.everUp
	if !first && !s.Up {
		s.Reconnects++
	}
	down := now.Sub(s.Since)
	attempts, mentioned := s.Attempts, l.mentioned
	l.everUp = true
	s.Up, s.Since, s.Problem, s.Attempts, l.mentioned = true, now, "", 0, false
	l.mu.Unlock()
	l.health.Clear(health.LinkDown, l.name)
	switch {
	case first && mentioned:
		l.log.Info("connection is up", "connection", l.name, "after", down.Round(time.Second), "attempts", attempts)
	case first:
		l.log.Info("connection is up", "connection", l.name)
	case mentioned:
		l.log.Info("connection is up again", "connection", l.name, "after", down.Round(time.Second), "attempts", attempts)
	}
}

// lost notes the end of an attempt, tells the machines, and says whether the
// connection had been up.
func (l *link) lost(err error) bool {
	now := time.Now()
	l.mu.Lock()
	s := &l.status
	wasUp := s.Up
	if wasUp || s.Since.IsZero() {
		s.Since = now
	}
	s.Up = false
	if !s.BadSince.IsZero() {
		l.badSince = s.BadSince
	}
	s.BadSince, l.judged, l.heard, l.bad = time.Time{}, nil, 0, 0
	s.Attempts++
	if err != nil {
		s.Problem = err.Error()
	}
	l.mu.Unlock()
	if wasUp {
		l.ingest(l.feed, connectors.Batch{Time: now, Link: connectors.LinkDown})
	}
	return wasUp
}

// complain mentions an outage, at once unless one was mentioned a moment ago,
// and then every remindEvery.
func (l *link) complain(err error, reminded *time.Time) {
	if err == nil {
		return
	}
	l.health.Set(health.LinkDown, l.name, err.Error())
	status := l.snapshot()
	quiet := flapQuiet
	l.mu.Lock()
	if l.mentioned {
		quiet = remindEvery
	}
	now := time.Now()
	due := reminded.IsZero() || now.Sub(*reminded) >= quiet
	l.mentioned = l.mentioned || due
	l.mu.Unlock()
	if !due {
		return
	}
	*reminded = now
	l.log.Warn("connection is down; it is tried again every few seconds", "connection", l.name, "problem", err,
		"since", status.Since.Format(time.RFC3339), "attempts", status.Attempts)
}

func (l *link) snapshot() LinkStatus {
	l.mu.Lock()
	s := l.status
	l.mu.Unlock()
	s.Name, s.Stats, s.Conditions = l.name, l.connector.Stats(), l.connector.Conditions()
	return s
}
