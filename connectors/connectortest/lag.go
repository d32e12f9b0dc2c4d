package connectortest

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// slack is what an idle computer adds to the time until silence is found.
	slack = 750 * time.Millisecond
	// lagEvery is how often a computer's lag is measured, lagWeight how much
	// later than this process those can be that it waits for, and mostSlack
	// the most that is granted: beyond, nothing is proved any more.
	lagEvery  = 20 * time.Millisecond
	lagWeight = 4
	mostSlack = 5 * time.Second
)

// lag measures how late a busy computer is: the time by which naps were too
// long, in all. It may be used by several goroutines.
type lag struct{ late atomic.Int64 }

// watch measures until the context ends.
func (l *lag) watch(ctx context.Context) {
	timer := time.NewTimer(lagEvery)
	defer timer.Stop()
	for {
		began := time.Now()
		timer.Reset(lagEvery)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			l.add(time.Since(began) - lagEvery)
		}
	}
}

// add notes by how much a nap was too long. What every computer needs to wake
// up is no lag.
func (l *lag) add(late time.Duration) {
	if late > lagEvery/4 {
		l.late.Add(int64(late))
	}
}

// slack is what may be added to the time until silence is found.
func (s *supervisor) slack() time.Duration {
	return min(slack+lagWeight*time.Duration(s.lag.late.Load()), mostSlack)
}
