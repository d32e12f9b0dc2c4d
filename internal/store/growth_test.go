package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// clock is a time that a test moves while a store reads it.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }
func startClock(t time.Time) (c *clock)  { c = &clock{}; c.at.Store(t.UnixMicro()); return c }
func history(c *clock, n, size int) (w Write) {
	for i := range n {
		at := c.now().Add(time.Duration(i) * time.Second)
		code := fmt.Sprintf("PRESS-%02d", i%10)
		w.Posts = append(w.Posts, PostEntry{Time: at, Machine: code, Service: "counter", Body: []byte(strings.Repeat("b", size)), Verdict: "accepted", Status: 200})
		if i%10 == 0 {
			w.Events = append(w.Events, mapping.Event{Time: at, Machine: code, Rule: "R7", Subject: "count", Text: strings.Repeat("t", size)})
		}
	}
	return w
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// TestAYear writes a year of history into small bounds: the file stays below
// them at every moment, and the journal is not pushed out by the posts.
func TestAYear(t *testing.T) {
	c := startClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	path := filepath.Join(memoryDir(t), "gateway.db")
	const limit = 2 << 20
	o := Options{ReserveBytes: -1, MaxBytes: limit, MaxAge: 90 * 24 * time.Hour, BackupEvery: 24 * time.Hour, Now: c.now}
	s := open(t, path, o)
	step := 3 * time.Hour
	if raceDetector || testing.Short() {
		step = 72 * time.Hour
	}
	var longest time.Duration
	var commits int
	for end := c.now().AddDate(1, 0, 0); c.now().Before(end); c.advance(step) {
		w := history(c, 40, 60)
		w.Machines = []MachineState{{"PRESS-01", encodeTotal(c.now().Unix())}}
		begun := time.Now()
		commit(t, s, w)
		commits++
		longest = max(longest, time.Since(begun))
		if size := fileSize(t, path); size > limit+512<<10 {
			t.Fatalf("at %s the file has %d bytes, %d are allowed for the history", c.now(), size, limit)
		}
		if size := fileSize(t, path+"-wal"); size > 4<<20 {
			t.Fatalf("at %s the log has %d bytes", c.now(), size)
		}
	}
	h := s.Health()
	t.Logf("%d commits, the longest took %v; file %d, log %d, events %d, posts %d", commits, longest, fileSize(t, path), fileSize(t, path+"-wal"), h.Events, h.Posts)
	if h.EventBytes+h.PostBytes > limit {
		t.Errorf("the history has %d bytes", h.EventBytes+h.PostBytes)
	}
	js, err := s.Journal(t.Context(), Query{Limit: 1})
	if err != nil || len(js) != 1 || c.now().Sub(js[0].Time) > o.MaxAge+step {
		t.Errorf("the oldest event: %+v %v", js, err)
	}
	if age := c.now().Sub(js[0].Time); age < 80*24*time.Hour {
		t.Errorf("the journal reaches back only %v: the posts pushed it out", age)
	}
	checkVolumes(t, s)
	if step > 3*time.Hour {
		return // the bound was not reached
	}
	if fileSize(t, path) < limit*3/4 {
		t.Errorf("the file has only %d bytes: the bound is not made use of", fileSize(t, path))
	}
}

// checkVolumes compares what is counted with what is there.
func checkVolumes(t *testing.T, s *Store) {
	t.Helper()
	for _, table := range []string{journalTable, postTable} {
		var kept, there volume
		// One statement, so that both are read in one moment.
		err := s.db.QueryRow("SELECT v.count, v.bytes, (SELECT count(*) FROM "+table+"), (SELECT coalesce(sum(size), 0) FROM "+table+
			") FROM volume v WHERE kind = ?", table).Scan(&kept.count, &kept.bytes, &there.count, &there.bytes)
		if err != nil || kept != there {
			t.Errorf("%s: counted %+v, there are %+v, %v", table, kept, there, err)
		}
	}
}

// TestOldHistoryGoesWithoutNewOne lets time pass while nothing is written: the
// store tends itself, and gives the room back.
func TestOldHistoryGoesWithoutNewOne(t *testing.T) {
	c := startClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	path := filepath.Join(memoryDir(t), "gateway.db")
	s := open(t, path, Options{ReserveBytes: -1, Now: c.now})
	n := 4000
	if raceDetector {
		n = 1500
	}
	commit(t, s, history(c, n, 1000))
	commit(t, s, Write{Machines: []MachineState{{"A", encodeTotal(1)}}})
	full := fileSize(t, path) + fileSize(t, path+"-wal")
	c.advance(91 * 24 * time.Hour)
	until(t, "the old history is removed", func() bool {
		checkVolumes(t, s)
		js, err := s.Journal(t.Context(), Query{Limit: 1})
		ps, err2 := s.Posts(t.Context(), Query{Limit: 1})
		return err == nil && err2 == nil && len(js)+len(ps) == 0
	})
	if raceDetector {
		return // too little for the room to be worth giving back
	}
	until(t, "the room is given back", func() bool { return fileSize(t, path) < full/2 })
}

func TestVictim(t *testing.T) {
	b := bounds{bytes: 100}
	for _, c := range []struct {
		journal, post int64
		table         string
		over          int64
	}{
		{50, 50, "", 0},
		{0, 100, "", 0},
		{100, 0, "", 0},
		{20, 90, postTable, 10},
		{90, 20, journalTable, 10},
		{60, 60, postTable, 10},
		{60, 50, journalTable, 10},
		{0, 500, postTable, 400},
	} {
		tl := tally{volumes: map[string]volume{journalTable: {1, c.journal}, postTable: {1, c.post}}}
		if table, over := b.victim(tl); table != c.table || over != c.over {
			t.Errorf("journal %d, posts %d: %q %d, want %q %d", c.journal, c.post, table, over, c.table, c.over)
		}
	}
}
