package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of a store; the zero value is what a plant should have.
type Options struct {
	// MaxAge and MaxBytes bound journal and posts: 90 days and 256 MB if zero.
	// States and records are not bounded; they grow with the machines only.
	MaxAge   time.Duration
	MaxBytes int64
	// ReserveBytes is the room kept for a full disk: 4 MB if zero, none if
	// negative.
	ReserveBytes int64
	// BackupEvery is the time between two copies of states and records: an hour
	// if zero. There is one more after each start, after each new machine, and
	// at Close.
	BackupEvery time.Duration
	// StartFresh is the decision of a person who has read a DamagedError:
	// machines that can not be recovered are given up and begin at their first
	// contact. Without damage it does nothing. Never set it by default.
	StartFresh bool
	// Now is the clock of what is saved and of the bounds; time.Now if nil.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.MaxAge <= 0 {
		o.MaxAge = 90 * 24 * time.Hour
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 4 << 20
	}
	if o.BackupEvery <= 0 {
		o.BackupEvery = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Store is the open store of the one gateway that writes it. Its Reader's
// methods read what was committed. It is safe for concurrent use; its owner
// closes it.
type Store struct {
	*Reader
	options   Options
	lock      *os.File
	reserve   *reserve
	boot      Boot
	recovered *Recovery

	// turn holds one token; whoever took it may use the fields below.
	turn   chan struct{}
	writer *writer
	closed bool

	mu     sync.Mutex // guards health
	health Health

	tend tender
}

// Open opens the store at path for writing, and creates it if it never existed.
// The folder is created too. It takes the lock, recovers from a crash, checks
// the whole file, and brings an older one up to date.
//
// A damaged store is set aside under another name. If every machine can be read
// from it or from its backup, Open succeeds and Recovered tells; if not, it
// returns a *DamagedError, again and again until a person decides. A store that
// vanished while its companions are still there is treated the same way.
//
// Other errors: ErrLocked, ErrNewer, ErrForeign, ErrDiskFull, and whatever the
// disk says.
func Open(path string, o Options) (*Store, error) {
	return openSteps(context.Background(), path, o.withDefaults(), migrations())
}

func openSteps(ctx context.Context, path string, o Options, steps []migration) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("the data folder can not be created: %w", err)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{options: o, lock: lock, turn: make(chan struct{}, 1)}
	s.reserve = &reserve{path: path + ".reserve", size: o.ReserveBytes}
	err = s.start(ctx, path, steps)
	if isFull(err, dir) && s.reserve.release() {
		err = s.start(ctx, path, steps)
	}
	if err != nil {
		if isFull(err, dir) {
			err = fmt.Errorf("%w: %w; make room on the disk of %s", ErrDiskFull, err, dir)
		}
		return nil, errors.Join(err, s.shut())
	}
	return s, nil
}

// start opens the files and says hello in them.
func (s *Store) start(ctx context.Context, path string, steps []migration) error {
	o := opener{path: path, options: s.options, steps: steps}
	w, err := o.open(ctx)
	if err != nil {
		return err
	}
	r, err := openReader(path)
	if err != nil {
		return errors.Join(err, w.close())
	}
	s.writer, s.Reader, s.recovered = w, r, o.recovery
	if err := s.begin(ctx); err != nil {
		s.writer, s.Reader = nil, nil
		return errors.Join(err, r.Close(), w.close())
	}
	s.measure()
	s.turn <- struct{}{}
	s.tend.start(s)
	return nil
}

// Path is the file, absolute.
func (s *Store) Path() string { return s.path }

// Recovered is what was recovered from a damaged store, at this start or an
// earlier one; nil if there is nothing to tell. It is kept in the store until
// ClearRecovery, so that a crash right after the recovery hides nothing.
func (s *Store) Recovered() *Recovery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered
}

// ClearRecovery forgets the recovery. The gateway calls it once every machine
// that was Behind is in step with Prodsmart again.
func (s *Store) ClearRecovery(ctx context.Context) error {
	if err := s.Commit(ctx, Write{Meta: map[string]string{metaRecovery: ""}}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recovered = nil
	return nil
}

// SetMeta keeps a fact under a key. Keys that begin with "store." are the
// store's own.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.Commit(ctx, Write{Meta: map[string]string{key: value}})
}

// Commit keeps w in one transaction and returns nil only when it can not be
// lost any more by a kill or a power cut. It waits for its turn as long as ctx
// allows; once begun it is not interrupted. With an error nothing of w was kept
// in the eyes of any reader, and the same Write may be tried again.
//
// When the disk is full, Events, Posts and Missing of w are given up first, then
// the reserve is spent; see Health. Errors: ErrConflict, ErrDiskFull, ErrClosed,
// ErrDamaged, ctx's error, and whatever the disk says.
func (s *Store) Commit(ctx context.Context, w Write) error {
	if err := w.check(); err != nil {
		return err
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	if w.empty() {
		return nil
	}
	return s.commit(context.WithoutCancel(ctx), w)
}

// take waits for the turn to write.
func (s *Store) take(ctx context.Context) error {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.closed {
		s.give()
		return ErrClosed
	}
	return nil
}

func (s *Store) give() { s.turn <- struct{}{} }

func (s *Store) bounds() bounds {
	return bounds{age: s.options.MaxAge, bytes: s.options.MaxBytes}
}

// commit is Commit for whoever has the turn.
func (s *Store) commit(ctx context.Context, w Write) error {
	now := s.options.Now()
	lean := w
	lean.Events, lean.Posts, lean.Missing = nil, nil, nil
	known := len(s.writer.tally.revisions)
	records := s.writer.tally.volumes[recordTable].count
	var err error
	shed := s.shedding()
	if shed {
		err = s.apply(ctx, lean, now)
	} else if err = s.apply(ctx, w, now); isFull(err, s.dir()) {
		shed = true
		err = s.apply(ctx, lean, now)
	}
	if isFull(err, s.dir()) {
		// The log that is folded back needs no room for a while; failing that
		// is not worse than not trying.
		if s.reserve.release() {
			s.change(func(h *Health) { h.Reserve = false })
		}
		_ = run(ctx, s.writer.conn, "PRAGMA wal_checkpoint(PASSIVE)")
		err = s.apply(ctx, lean, now)
	}
	if shed {
		s.shed(w, now, err == nil)
	}
	if isFull(err, s.dir()) {
		err = fmt.Errorf("%w: %w; make room on the disk of %s, machine totals can not be saved", ErrDiskFull, err, s.dir())
	} else {
		err = explain(s.path, err)
	}
	s.note(err, now)
	if known != len(s.writer.tally.revisions) || records != s.writer.tally.volumes[recordTable].count {
		// A machine that no backup knows would be lost without a name.
		s.tend.wake(backupDue)
	}
	return err
}

func (s *Store) apply(ctx context.Context, w Write, now time.Time) error {
	if w.empty() {
		return nil
	}
	return s.writer.apply(ctx, w, now, s.bounds())
}

func (s *Store) dir() string { return filepath.Dir(s.path) }

// Close makes a last backup, notes the clean stop and lets go of the files and
// the lock. Commits that wait for their turn return ErrClosed. A second call
// does nothing.
func (s *Store) Close() error {
	s.tend.end()
	<-s.turn
	defer s.give()
	if s.closed {
		return nil
	}
	s.closed = true
	ctx := context.Background()
	stopped := map[string]string{metaStopped: s.options.Now().UTC().Format(time.RFC3339Nano)}
	err := s.commit(ctx, Write{Meta: stopped})
	if !s.shedding() {
		err = errors.Join(err, s.backup(ctx))
	}
	return errors.Join(err, s.shut())
}

// shut closes whatever is open.
func (s *Store) shut() error {
	var errs []error
	if s.Reader != nil {
		errs = append(errs, s.Reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}
