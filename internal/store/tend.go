package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Health is how the store is; all counts are since it was opened.
type Health struct {
	// LastCommit is when something was last kept. Problem is the error of the
	// last Commit if it failed, Since when the failing began.
	LastCommit time.Time
	Problem    error
	Since      time.Time
	// Shedding says that the disk is full and that the history is not written;
	// ShedSince since when. LostEvents, entries of Missing included, and
	// LostPosts were not written.
	Shedding              bool
	ShedSince             time.Time
	LostEvents, LostPosts uint64
	// Reserve says that the room for a full disk is there. Without it, a full
	// disk stops the gateway.
	Reserve bool
	// FreeBytes is the room left on the disk, -1 if unknown.
	FreeBytes int64
	// BackupAt is when the backup was made; BackupProblem is why the last try
	// failed, nil if it did not.
	BackupAt      time.Time
	BackupProblem error
	// TidyProblem is why the bounds can not be held, nil if they can.
	TidyProblem error
	// Rows and bytes of the history, and the sizes of the files.
	Events, EventBytes, Posts, PostBytes int64
	FileBytes, LogBytes                  int64
}

// Health tells how the store is. It is cheap and never waits for the disk.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

func (s *Store) change(f func(h *Health)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.health)
}

func (s *Store) shedding() bool { return s.Health().Shedding }

// shed notes that the disk is full and, if the rest of w was kept, that its
// history is lost. If it was not, the caller still has all of w.
func (s *Store) shed(w Write, now time.Time, kept bool) {
	s.change(func(h *Health) {
		if !h.Shedding {
			h.Shedding, h.ShedSince = true, now
		}
		if !kept {
			return
		}
		h.LostEvents += uint64(len(w.Events) + len(w.Missing))
		h.LostPosts += uint64(len(w.Posts))
	})
}

// note remembers how a commit went. A conflict is the caller's business.
func (s *Store) note(err error, now time.Time) {
	t := s.writer.tally
	s.change(func(h *Health) {
		if err == nil {
			h.LastCommit, h.Problem, h.Since = now, nil, time.Time{}
			h.Events, h.EventBytes = t.volumes[journalTable].count, t.volumes[journalTable].bytes
			h.Posts, h.PostBytes = t.volumes[postTable].count, t.volumes[postTable].bytes
			return
		}
		if errors.Is(err, ErrConflict) {
			return
		}
		if h.Problem == nil {
			h.Since = now
		}
		h.Problem = err
	})
}

// duty is something the tender was asked to do soon.
type duty int

const backupDue duty = 1

// tender is the one goroutine of a store: it makes backups, holds the bounds
// when nothing is written, and makes the reserve again. Store.Close waits for
// it.
type tender struct {
	cancel context.CancelFunc
	done   chan struct{}
	asked  chan duty
	once   sync.Once
	// tried is when the last backup was begun; only the goroutine reads it.
	tried time.Time
}

func (t *tender) start(s *Store) {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.done = cancel, make(chan struct{})
	if t.asked == nil {
		t.asked = make(chan duty, 1)
	}
	t.wake(backupDue)
	go func() {
		defer close(t.done)
		s.tendUntil(ctx)
	}()
}

// wake asks for a duty; one request that waits is enough.
func (t *tender) wake(d duty) {
	select {
	case t.asked <- d:
	default:
	}
}

func (t *tender) end() {
	t.once.Do(func() {
		t.cancel()
		<-t.done
	})
}

// tendEvery is the pace of the tender; between two small steps of the same work
// it leaves the disk to others for pause.
const (
	tendEvery = time.Second
	pause     = 20 * time.Millisecond
)

func (s *Store) tendUntil(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case <-s.tend.asked:
			due = true
		case <-timer.C:
			select {
			case <-s.tend.asked:
				due = true
			default:
			}
		}
		more := s.tendOnce(ctx, due)
		if more {
			timer.Reset(pause)
		} else {
			timer.Reset(tendEvery)
		}
	}
}

// tendOnce does one round and reports whether there is more to do at once.
func (s *Store) tendOnce(ctx context.Context, backup bool) (more bool) {
	now := s.options.Now()
	if s.backupWanted(backup, now) {
		s.tend.tried = now
		err := s.backup(ctx)
		if ctx.Err() != nil {
			return false
		}
		s.change(func(h *Health) { h.BackupProblem = err })
	}
	if err := s.take(ctx); err != nil {
		return false
	}
	defer s.give()
	s.measure()
	s.restoreReserve(now)
	if s.shedding() {
		return false
	}
	// A step is not interrupted: a rollback would cost as much as its end.
	more, err := s.writer.tidy(context.WithoutCancel(ctx), now, s.bounds())
	s.change(func(h *Health) { h.TidyProblem = explain(s.path, err) })
	return more && err == nil
}

// backupWanted reports whether it is time. While the disk is full the copy would
// take the room that states need; after a failure it waits a minute.
func (s *Store) backupWanted(asked bool, now time.Time) bool {
	h := s.Health()
	if h.Shedding {
		return false
	}
	return asked || now.Sub(h.BackupAt).Abs() >= s.options.BackupEvery &&
		now.Sub(s.tend.tried).Abs() >= min(time.Minute, s.options.BackupEvery)
}

// measure looks at the disk.
func (s *Store) measure() {
	free, err := freeBytes(s.dir())
	if err != nil {
		free = -1
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0 // the log is not there after a clean start
		}
		return info.Size()
	}
	file, log := size(s.path), size(s.path+"-wal")
	held := s.reserve.there()
	s.change(func(h *Health) {
		h.FreeBytes, h.FileBytes, h.LogBytes, h.Reserve = free, file, log, held
	})
}

// backup copies states and records to NAME.backup, atomically. It reads in a
// snapshot and holds up no commit. A row that does not fit its checksum ends
// it: a damaged store never replaces a good backup.
func (s *Store) backup(ctx context.Context) error {
	now := s.options.Now().UTC()
	db, c, err := single(ctx, dsn(s.path, "mode=ro", "_query_only=1", "_busy_timeout=5000"))
	if err != nil {
		return explain(s.path, err)
	}
	im, err := readImage(ctx, c)
	err = errors.Join(err, c.Close(), db.Close())
	if err != nil {
		return fmt.Errorf("the backup was left as it is: %w", explain(s.path, err))
	}
	im.meta[metaBackup] = now.Format(time.RFC3339Nano)
	if err := writeImage(ctx, s.path+".backup", im); err != nil {
		return fmt.Errorf("the backup %s.backup can not be written: %w", s.path, err)
	}
	s.change(func(h *Health) { h.BackupAt = now })
	return nil
}
