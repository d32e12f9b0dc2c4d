package orders

import (
	"context"
	"sync"
	"time"
)

// pace lets so many requests through in any minute, in the order in which they came.
type pace struct {
	mu sync.Mutex
	// began are the moments of the last ones, a ring; none lets all through.
	began []time.Time
	next  int
}

func newPace(perMinute int) *pace { return &pace{began: make([]time.Time, max(0, perMinute))} }

// wait returns when a request may begin. The error is that of ctx.
func (p *pace) wait(ctx context.Context) error {
	if len(p.began) == 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	at := p.began[p.next].Add(time.Minute)
	if at.Before(now) {
		at = now
	}
	p.began[p.next] = at
	p.next = (p.next + 1) % len(p.began)
	p.mu.Unlock()
	if at.Equal(now) {
		return ctx.Err()
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
