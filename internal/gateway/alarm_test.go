package gateway

import (
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// TestAlarmKeepsTheEarliest lets many machines set their deadlines at a time.
func TestAlarmKeepsTheEarliest(t *testing.T) {
	a := newAlarm()
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() { a.set(int64(time.Second) + int64((i*37)%100)) })
	}
	all.Wait()
	if got := a.next.Load(); got != int64(time.Second) {
		t.Errorf("the earliest is %d", got)
	}
	select {
	case <-a.kick:
	default:
		t.Error("nobody was told of an earlier deadline")
	}
	a.set(int64(time.Minute))
	select {
	case <-a.kick:
		t.Error("a later deadline wakes somebody")
	default:
	}
}

// TestAlarmWaits holds how long may be slept: to the deadline, never past it by
// more than tickEvery, and not longer than asked.
func TestAlarmWaits(t *testing.T) {
	for _, c := range []struct{ next, running, most, want time.Duration }{
		{0, time.Hour, time.Second, time.Second},
		{0, time.Hour, -time.Second, 0},
		{10 * time.Second, 9900 * time.Millisecond, time.Second, 100 * time.Millisecond},
		{10*time.Second + 1, 10 * time.Second, time.Second, tickEvery},
		{10 * time.Second, 11 * time.Second, time.Second, 0},
		{time.Hour, 0, time.Second, time.Second},
	} {
		a := newAlarm()
		if c.next != 0 {
			a.set(int64(c.next))
		}
		if got := a.wait(c.running, c.most); got != c.want {
			t.Errorf("next %v, running %v, most %v: %v, want %v", c.next, c.running, c.most, got, c.want)
		}
	}
}

// TestThrift holds that the collector's setting is ours only where nobody set
// it, and only while the gateway runs.
func TestThrift(t *testing.T) {
	percent := func() int {
		is := debug.SetGCPercent(100)
		debug.SetGCPercent(is)
		return is
	}
	before := percent()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "300")
			end := thrift()
			if is := percent(); is != before {
				t.Errorf("%s is set, and the collector was set to %d %%", name, is)
			}
			end()
		})
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	end := thrift()
	if is := percent(); is != collectAt {
		t.Errorf("the collector is set to %d %%", is)
	}
	end()
	if is := percent(); is != before {
		t.Errorf("after the end it is set to %d %%, not %d %%", is, before)
	}
}
