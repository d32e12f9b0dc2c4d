package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// commitEvery is the longest time a state waits for the disk: disk cost
	// follows posts and changes, not samples.
	commitEvery = 250 * time.Millisecond
	// keptEvents bounds the journal entries that wait while the store fails.
	keptEvents = 10_000
	// longestRetry is the longest pause between two tries of a failing store.
	longestRetry = 5 * time.Second
)

// vault is what the keeper needs of the store.
type vault interface {
	Commit(ctx context.Context, w store.Write) error
	Record(ctx context.Context, machine string) (uplink.Record, uint64, error)
}

// keeper brings states, events and posts to disk in groups, and is the uplink's
// ledger. A record is saved together with every state that changed before it, so
// what is told is never ahead of what is kept.
type keeper struct {
	vault vault
	// failed is told of each failing commit and, with nil, of the first that
	// works again. It must not block.
	failed func(error)

	mu     sync.Mutex
	units  []*unit // with a newer state
	events []mapping.Event
	lost   int // events given up
	posts  []store.PostEntry
	after  []func()
	saves  []*save

	kick chan struct{}
}

// save is a record that somebody waits for.
type save struct {
	record store.MachineRecord
	done   chan error
}

func newKeeper(v vault, failed func(error)) *keeper {
	return &keeper{vault: v, failed: failed, kick: make(chan struct{}, 1)}
}

func (k *keeper) mark(u *unit) {
	k.mu.Lock()
	k.units = append(k.units, u)
	k.mu.Unlock()
}

func (k *keeper) note(events []mapping.Event) {
	k.mu.Lock()
	k.events = append(k.events, events...)
	k.trim()
	k.mu.Unlock()
}

// trim gives up the oldest events when too many wait; k.mu is held.
func (k *keeper) trim() {
	if over := len(k.events) - keptEvents; over > 0 {
		k.lost += over
		k.events = append(k.events[:0], k.events[over:]...)
	}
	if over := len(k.posts) - keptEvents; over > 0 {
		k.lost += over
		k.posts = append(k.posts[:0], k.posts[over:]...)
	}
}

func (k *keeper) posted(p store.PostEntry) {
	k.mu.Lock()
	k.posts = append(k.posts, p)
	k.trim()
	k.mu.Unlock()
}

// committed calls f after everything that was stepped before is on disk.
func (k *keeper) committed(f func()) {
	k.mu.Lock()
	k.after = append(k.after, f)
	k.mu.Unlock()
	k.hurry()
}

func (k *keeper) hurry() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// Load is the ledger's.
func (k *keeper) Load(ctx context.Context, machine string) (uplink.Record, uint64, error) {
	return k.vault.Record(ctx, machine)
}

// Save is the ledger's: it waits for the next commit, which it brings forward.
func (k *keeper) Save(ctx context.Context, machine string, r uplink.Record, rev uint64) (uint64, error) {
	s := &save{record: store.MachineRecord{Code: machine, Record: r, Revision: rev}, done: make(chan error, 1)}
	k.mu.Lock()
	k.saves = append(k.saves, s)
	k.mu.Unlock()
	k.hurry()
	select {
	case err := <-s.done:
		return rev + 1, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run commits until ctx ends, and once more after that.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	fails := 0
	var until time.Time
	for {
		select {
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer stop()
			return k.flush(last)
		case <-tick.C:
		case <-k.kick:
		}
		if fails > 0 && time.Now().Before(until) {
			k.refuse()
			continue
		}
		switch err := k.flush(ctx); {
		case err == nil && fails > 0:
			fails = 0
			k.failed(nil)
		case err != nil && ctx.Err() == nil:
			until = time.Now().Add(min(commitEvery<<min(fails, 8), longestRetry))
			fails++
			k.failed(err)
		}
	}
}

var errStoreFailing = errors.New("the store fails; it is tried again in a few seconds")

// refuse answers those who wait for a record while the store is given a pause.
func (k *keeper) refuse() {
	k.mu.Lock()
	saves := k.saves
	k.saves = nil
	k.mu.Unlock()
	for _, s := range saves {
		s.done <- errStoreFailing
	}
}

// flush brings everything that waits to disk in one transaction. If that fails
// everything but the saves goes on waiting.
func (k *keeper) flush(ctx context.Context) error {
	k.mu.Lock()
	units, events, posts, after, saves := k.units, k.events, k.posts, k.after, k.saves
	k.units, k.events, k.posts, k.after, k.saves = nil, nil, nil, nil, nil
	k.mu.Unlock()
	w := store.Write{Events: events, Posts: posts}
	for _, u := range units {
		state, err := u.snapshot()
		if err != nil {
			return k.putBack(units, events, posts, after, saves, err)
		}
		w.Machines = append(w.Machines, state)
	}
	for _, s := range saves {
		w.Records = append(w.Records, s.record)
	}
	if err := k.vault.Commit(ctx, w); err != nil {
		return k.putBack(units, events, posts, after, saves, err)
	}
	for _, s := range saves {
		s.done <- nil
	}
	for _, f := range after {
		f()
	}
	return nil
}

// putBack undoes the taking of flush after a failure. A conflict is the business
// of whoever saved; the rest is tried again at once.
func (k *keeper) putBack(units []*unit, events []mapping.Event, posts []store.PostEntry, after []func(), saves []*save, err error) error {
	k.mu.Lock()
	for _, u := range units {
		if !u.dirty.Swap(true) {
			k.units = append(k.units, u)
		}
	}
	k.events = append(events, k.events...)
	k.posts = append(posts, k.posts...)
	k.after = append(after, k.after...)
	k.trim()
	k.mu.Unlock()
	for _, s := range saves {
		s.done <- err
	}
	if errors.Is(err, uplink.ErrConflict) {
		k.hurry()
		return nil
	}
	return err
}
