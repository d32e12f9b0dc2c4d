package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

const (
	// tickEvery is how exactly the machines' deadlines are kept.
	tickEvery = 50 * time.Millisecond
	// clockEvery is how soon somebody setting the clock is noticed, clockJump the
	// difference between wall clock and running time that is taken for it.
	clockEvery = time.Second
	clockJump  = 2 * time.Second
)

// alarm is the earliest deadline of all machines, so that nothing is done while
// none is due.
type alarm struct {
	// next is in nanoseconds of the gateway's running time; 0 if there is none.
	// It may be earlier than any deadline, never later.
	next atomic.Int64
	kick chan struct{}
}

func newAlarm() *alarm { return &alarm{kick: make(chan struct{}, 1)} }

// set notes a deadline.
func (a *alarm) set(due int64) {
	if a.lower(due) {
		select {
		case a.kick <- struct{}{}:
		default:
		}
	}
}

// lower makes due the next deadline if it is the earliest, and says whether it
// is.
func (a *alarm) lower(due int64) bool {
	for {
		next := a.next.Load()
		if next != 0 && next <= due {
			return false
		}
		if a.next.CompareAndSwap(next, due) {
			return true
		}
	}
}

// wait is how long nothing is due, at most the given time; rounded up so that
// deadlines close to each other cost one look.
func (a *alarm) wait(running, most time.Duration) time.Duration {
	next := time.Duration(a.next.Load())
	if next == 0 {
		return max(most, 0)
	}
	next = (next + tickEvery - 1) / tickEvery * tickEvery
	return max(min(next-running, most), 0)
}

// tick lets time pass for machines that hear nothing.
func (g *Gateway) tick(ctx context.Context) {
	timer := time.NewTimer(clockEvery)
	defer timer.Stop()
	last := time.Now()
	for {
		timer.Reset(g.alarm.wait(time.Since(g.started), clockEvery-time.Since(last)))
		select {
		case <-ctx.Done():
			return
		case <-g.alarm.kick:
			continue
		case <-timer.C:
		}
		now := time.Now()
		jump := now.Round(0).Sub(last.Round(0)) - now.Sub(last)
		last = now
		jumped := jump.Abs() > clockJump
		if jumped {
			g.notify.clock(jump)
		}
		g.stepDue(now, jumped)
	}
}

// stepDue steps the machines whose deadline has come, or all of them.
func (g *Gateway) stepDue(now time.Time, all bool) {
	running := int64(now.Sub(g.started))
	if next := g.alarm.next.Load(); !all && (next == 0 || next > running) {
		return
	}
	// What a machine sets from here on is either seen below or sets the alarm.
	g.alarm.next.Store(0)
	for _, u := range g.units {
		due := u.due.Load()
		if all || due != 0 && due <= running {
			u.step(&mapping.Batch{Time: now}, false, g.started)
			due = u.due.Load() // one that did not change set no alarm
		}
		if due != 0 {
			g.alarm.lower(due)
		}
	}
}
