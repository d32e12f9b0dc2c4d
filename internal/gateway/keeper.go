package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// commitEvery is the longest time that anything waits for the disk which the
	// device would not show again.
	commitEvery = 250 * time.Millisecond
	// idleEvery and idleStates bound what is written of machines that merely went
	// on counting, the longest waiting first: disk cost follows posts and changes,
	// not samples. Should that be lost, the machine's own counter brings it again.
	idleEvery  = time.Second
	idleStates = 50
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

	byCode map[string]*unit // does not change once the gateway runs

	mu     sync.Mutex
	units  []*unit // with a newer state
	idle   []*unit // with a newer state that may wait, or that was saved meanwhile
	events []mapping.Event
	lost   int // events given up
	posts  []store.PostEntry
	gaps   []store.Missing
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
	return &keeper{vault: v, failed: failed, byCode: map[string]*unit{}, kick: make(chan struct{}, 1)}
}

// know is called for every unit before run.
func (k *keeper) know(u *unit) { k.byCode[u.code] = u }

// How the newest state of a unit waits for the disk.
const (
	nothing uint32 = iota // it does not
	canWait               // for its turn, or for a post
	due                   // for the next commit
)

// mark asks for the unit's state to be saved with the next commit.
func (k *keeper) mark(u *unit) {
	if u.wait.Load() == due {
		return
	}
	k.mu.Lock()
	k.take(u)
	k.mu.Unlock()
}

// take puts a unit among those of the next commit; k.mu is held. Whoever finds a
// unit due under k.mu finds it in the list too.
func (k *keeper) take(u *unit) {
	if u.wait.Swap(due) != due {
		k.units = append(k.units, u)
	}
}

// markIdle asks for the unit's state to be saved when its turn comes.
func (k *keeper) markIdle(u *unit) {
	if u.wait.Load() != nothing {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if u.wait.CompareAndSwap(nothing, canWait) && !u.queued {
		u.queued = true
		k.idle = append(k.idle, u)
	}
}

// idleTurn moves up to n units whose state could wait to those of the next
// commit.
func (k *keeper) idleTurn(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := 0
	for ; taken < len(k.idle) && n > 0; taken++ {
		u := k.idle[taken]
		u.queued = false
		if u.wait.Load() == canWait {
			k.take(u)
			n--
		}
	}
	k.idle = append(k.idle[:0], k.idle[taken:]...)
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
	if over := len(k.gaps) - keptEvents; over > 0 {
		k.lost += over
		k.gaps = append(k.gaps[:0], k.gaps[over:]...)
	}
}

// missing takes an entry for the report of what Prodsmart does not show.
func (k *keeper) missing(m store.Missing) {
	k.mu.Lock()
	k.gaps = append(k.gaps, m)
	k.trim()
	k.mu.Unlock()
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
		if err != nil {
			return 0, err
		}
		return rev + 1, nil
	case <-ctx.Done():
	}
	// Either it is not saved, or the caller learns the new revision: who was told
	// that it failed would find the entry changed by somebody else.
	k.mu.Lock()
	at := slices.Index(k.saves, s)
	if at >= 0 {
		k.saves = slices.Delete(k.saves, at, at+1)
	}
	k.mu.Unlock()
	if at >= 0 {
		return 0, ctx.Err()
	}
	if err := <-s.done; err != nil { // a commit that has begun is not interrupted
		return 0, err
	}
	return rev + 1, nil
}

// run commits until ctx ends, and once more after that.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	fails := 0
	var until, idled time.Time
	for {
		select {
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer stop()
			k.idleTurn(len(k.byCode))
			return k.flush(last)
		case now := <-tick.C:
			if now.Sub(idled) >= idleEvery {
				idled = now
				k.idleTurn(idleStates)
			}
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
	for _, s := range k.saves {
		// What is told of a machine is never ahead of what is kept of it.
		if u := k.byCode[s.record.Code]; u != nil && u.wait.Load() == canWait {
			k.take(u)
		}
	}
	units, events, posts, gaps, after, saves := k.units, k.events, k.posts, k.gaps, k.after, k.saves
	k.units, k.events, k.posts, k.gaps, k.after, k.saves = nil, nil, nil, nil, nil, nil
	k.mu.Unlock()
	w := store.Write{Events: events, Posts: posts, Missing: gaps}
	for _, s := range saves {
		w.Records = append(w.Records, s.record)
	}
	for i, u := range units {
		state, err := u.snapshot()
		if err != nil {
			for _, rest := range units[i:] {
				rest.wait.Store(nothing) // so that it can be put back
			}
			return k.putBack(units, events, posts, gaps, after, saves, err)
		}
		w.Machines = append(w.Machines, state)
	}
	if err := k.vault.Commit(ctx, w); err != nil {
		return k.putBack(units, events, posts, gaps, after, saves, err)
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
func (k *keeper) putBack(units []*unit, events []mapping.Event, posts []store.PostEntry, gaps []store.Missing, after []func(), saves []*save, err error) error {
	k.mu.Lock()
	for _, u := range units {
		k.take(u)
	}
	k.events = append(events, k.events...)
	k.posts = append(posts, k.posts...)
	k.gaps = append(gaps, k.gaps...)
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
