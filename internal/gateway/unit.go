package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// unit is one machine at work. Batches of several connections and the clock
// step it one at a time.
type unit struct {
	code   string
	told   bool // reports go to the uplink
	keeper *keeper
	notify *notifier
	report reporter
	alarm  *alarm

	mu      sync.Mutex
	machine *mapping.Machine
	out     mapping.Outcome
	// state is the state since the given time, times what was spent in each.
	state mapping.Canonical
	since time.Time
	times [mapping.States]time.Duration

	// due is the machine's next deadline in nanoseconds of the gateway's
	// running time; 0 if there is none.
	due atomic.Int64
	// trouble is the machine's Troubled after the newest step. It is found there,
	// where the machine is in the processor's cache, and not by whoever asks.
	trouble atomic.Bool
	// wait is the keeper's: whether the newest state is still to be saved.
	wait atomic.Uint32
	// queued is the keeper's too: it stands in the queue of those that may wait.
	queued bool
}

// step applies one batch and passes on what follows from it. once says that the
// source gives the batch away for good when it is saved.
func (u *unit) step(b *mapping.Batch, once bool, started time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.machine.Step(b, &u.out)
	u.settle(b.Time, once, started)
}

// settle passes on the outcome of a step: the state to the keeper first, so
// that whatever is told of it is on disk before.
func (u *unit) settle(now time.Time, once bool, started time.Time) {
	if state := u.machine.State(); state != u.state {
		u.times[u.state] += now.Sub(u.since)
		u.state, u.since = state, now
	}
	u.trouble.Store(u.machine.Troubled())
	due := int64(0)
	if d := u.machine.Deadline(); !d.IsZero() {
		due = int64(max(now.Sub(started)+d.Sub(now), 1))
	}
	if u.due.Swap(due) != due && due != 0 {
		u.alarm.set(due)
	}
	if len(u.out.Events) > 0 {
		u.notify.decided(u.out.Events)
	}
	switch {
	case u.out.Urgent, once, u.out.Dirty && len(u.out.Events) > 0:
		u.keeper.mark(u)
	case u.out.Dirty:
		u.keeper.markIdle(u)
	}
	if u.out.Changed && u.told {
		u.report.Report(u.code, u.machine.Report())
	}
}

// snapshot takes the newest state for the store. A step after it marks the unit
// anew.
func (u *unit) snapshot() (store.MachineState, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wait.Store(nothing)
	state, err := u.machine.Snapshot()
	return store.MachineState{Code: u.code, State: state}, err
}

// troubled says whether there is something to tell a person.
func (u *unit) troubled() bool { return u.trouble.Load() }

// status is the machine's, with the time spent in each state since the start.
func (u *unit) status(now time.Time) (mapping.Status, [mapping.States]time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	times := u.times
	times[u.state] += max(now.Sub(u.since), 0)
	return u.machine.Status(), times
}
