package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// reserve is a file that holds room on the disk, to be given up when there is
// no other.
type reserve struct {
	path string
	size int64
}

// there reports whether the room is held.
func (r *reserve) there() bool {
	if r.size <= 0 {
		return false
	}
	info, err := os.Stat(r.path)
	return err == nil && info.Size() >= r.size
}

// release gives the room up and reports whether there was any.
func (r *reserve) release() bool {
	return os.Remove(r.path) == nil
}

// hold takes the room again. The content is not zeros and repeats nowhere
// nearby, so that no file system stores it in less than its size.
func (r *reserve) hold() error {
	if r.size <= 0 || r.there() {
		return nil
	}
	temp := r.path + newSuffix
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = scribble(f, r.size)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, removeStale(temp))
	}
	return publish(temp, r.path)
}

func scribble(f *os.File, size int64) error {
	buf := make([]byte, 64<<10)
	x := uint64(0x9e3779b97f4a7c15)
	for size > 0 {
		n := min(size, int64(len(buf)))
		for i := range buf {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			buf[i] = byte(x >> 32)
		}
		if _, err := f.Write(buf[:n]); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// probeSpace writes a little into dir and says how that went.
func probeSpace(dir string) error {
	path := filepath.Join(dir, "gateway.probe"+newSuffix)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = scribble(f, 64<<10)
	return errors.Join(err, f.Close(), os.Remove(path))
}

// restoreReserve takes the room again once there is plenty, and ends the
// shedding. The caller has the turn.
func (s *Store) restoreReserve(now time.Time) {
	h := s.Health()
	held := s.reserve.there()
	if (!held || h.Shedding) && h.FreeBytes >= 0 && h.FreeBytes >= 2*max(s.reserve.size, 512<<10) {
		err := s.reserve.hold()
		held = s.reserve.there()
		if err == nil && probeSpace(filepath.Dir(s.path)) == nil && h.Shedding {
			s.resume(h, now)
		}
	}
	if held != h.Reserve {
		s.change(func(h *Health) { h.Reserve = held })
	}
}

// resume writes the history again, beginning with the gap in it.
func (s *Store) resume(h Health, now time.Time) {
	s.change(func(h *Health) { h.Shedding, h.ShedSince = false, time.Time{} })
	s.tend.wake(backupDue)
	gap := mapping.Event{
		Time: now, Rule: "store", Subject: "journal", Level: mapping.Alarm,
		Text: fmt.Sprintf("The disk was full from %s on: up to here %d journal entries and %d posts since the start were not written. Totals and what Prodsmart was told are complete.",
			h.ShedSince.UTC().Format(time.RFC3339), h.LostEvents, h.LostPosts),
	}
	// Should this fail, the next commit fails the same way and says so.
	if err := s.writer.apply(context.Background(), Write{Events: []mapping.Event{gap}}, now, s.bounds()); err != nil {
		s.shed(Write{Events: []mapping.Event{gap}}, now, true)
	}
}
