package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("STORE_TEST_CHILD"); role != "" {
		os.Exit(child(role))
	}
	goleak.VerifyTestMain(m)
}

// small are options that keep tests quick.
func small() Options { return Options{ReserveBytes: 64 << 10} }

func open(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func commit(t *testing.T, s *Store, w Write) {
	t.Helper()
	if err := s.Commit(t.Context(), w); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(15 * time.Second)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

func aRecord(count int64) uplink.Record {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return uplink.Record{
		Told: uplink.Told{Counted: true, Count: count, Waste: map[string]int64{"SCRAP": 3}, Parameters: map[string]uint64{"t": 7}, At: at,
			Stop: prodsmart.Stop{Episode: 4, Type: "JAM", Since: at}},
		Telling: uplink.Telling{Active: true, Service: prodsmart.CounterService, Count: count + 1, Since: at, Attempts: 1},
		Doubt:   uplink.Doubt{Open: true, Highest: count + 1, Sent: 1, At: at},
	}
}

func TestWhatIsCommittedComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "da ta#1?", "gateway.db")
	s := open(t, path, small())
	at := time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)
	event := mapping.Event{Time: at, Machine: "PRESS-01", Rule: "R5", Subject: "count", Level: mapping.Alarm, Text: "a jump ü", Raw: "10", Previous: "9", Added: "1/3"}
	post := PostEntry{Time: at, Machine: "PRESS-01", Service: "counter", Body: []byte(`{"count":1}`), Verdict: "accepted", Status: 204, Text: "ok", Took: 1234 * time.Microsecond}
	commit(t, s, Write{
		Machines: []MachineState{{"PRESS-01", []byte{0, 1, 2}}, {"EMPTY", nil}},
		Records:  []MachineRecord{{Code: "PRESS-01", Record: aRecord(41)}},
		Events:   []mapping.Event{event}, Posts: []PostEntry{post},
		Meta: map[string]string{"site": "izmir"},
	})
	commit(t, s, Write{Machines: []MachineState{{"PRESS-01", []byte("second")}}})
	closeStore(t, s)

	s = open(t, path, small())
	ctx := t.Context()
	ms, err := s.Machines(ctx)
	if err != nil || len(ms) != 2 {
		t.Fatalf("Machines: %v, %v", ms, err)
	}
	if ms[0].Code != "EMPTY" || len(ms[0].State) != 0 || ms[0].Revision != 1 || string(ms[1].State) != "second" || ms[1].Revision != 2 {
		t.Errorf("Machines: %+v", ms)
	}
	rec, rev, err := s.Record(ctx, "PRESS-01")
	if err != nil || rev != 1 || !reflect.DeepEqual(rec, aRecord(41)) {
		t.Errorf("Record: %+v, %d, %v", rec, rev, err)
	}
	if rec, rev, err := s.Record(ctx, "NONE"); err != nil || rev != 0 || !reflect.DeepEqual(rec, uplink.Record{}) {
		t.Errorf("Record of an unknown machine: %+v, %d, %v", rec, rev, err)
	}
	js, err := s.Journal(ctx, Query{})
	if err != nil || len(js) != 1 || js[0].Event != event {
		t.Errorf("Journal: %+v, %v", js, err)
	}
	ps, err := s.Posts(ctx, Query{})
	post.ID = 1
	if err != nil || len(ps) != 1 || !reflect.DeepEqual(ps[0], post) {
		t.Errorf("Posts: %+v, %v", ps, err)
	}
	if v, ok, err := s.Meta(ctx, "site"); v != "izmir" || !ok || err != nil {
		t.Errorf("Meta: %q %v %v", v, ok, err)
	}
	if _, ok, err := s.Meta(ctx, "nothing"); ok || err != nil {
		t.Errorf("Meta of nothing: %v %v", ok, err)
	}
	if b := s.Boot(); b.Number != 2 || b.Stopped.IsZero() || b.Created.IsZero() {
		t.Errorf("Boot: %+v", b)
	}
	if s.Recovered() != nil {
		t.Errorf("Recovered: %+v", s.Recovered())
	}
}

func TestRecordsAreComparedAndSet(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), small())
	save := func(rev uint64, count int64, state string) error {
		return s.Commit(t.Context(), Write{
			Machines: []MachineState{{"A", []byte(state)}},
			Records:  []MachineRecord{{Code: "A", Record: aRecord(count), Revision: rev}},
			Events:   []mapping.Event{{Time: time.Now(), Text: state}},
		})
	}
	for i, err := range []error{save(0, 1, "one"), save(1, 2, "two")} {
		if err != nil {
			t.Fatalf("save %d: %v", i, err)
		}
	}
	for _, rev := range []uint64{0, 1, 3, 99} {
		err := save(rev, 9, "wrong")
		if !errors.Is(err, ErrConflict) || !errors.Is(err, uplink.ErrConflict) || !strings.Contains(err.Error(), `"A"`) {
			t.Errorf("revision %d: %v", rev, err)
		}
	}
	rec, rev, err := s.Record(t.Context(), "A")
	if err != nil || rev != 2 || rec.Told.Count != 2 {
		t.Errorf("after conflicts: %+v %d %v", rec, rev, err)
	}
	ms, _ := s.Machines(t.Context())
	if len(ms) != 1 || string(ms[0].State) != "two" || ms[0].Revision != 2 {
		t.Errorf("a conflict must keep nothing of the write: %+v", ms)
	}
	js, _ := s.Journal(t.Context(), Query{})
	if len(js) != 2 {
		t.Errorf("a conflict must keep nothing of the write: %d events", len(js))
	}
	if h := s.Health(); h.Problem != nil {
		t.Errorf("a conflict is no problem of the store: %v", h.Problem)
	}
	if err := save(2, 3, "three"); err != nil {
		t.Errorf("after conflicts: %v", err)
	}
}

func TestWritesWithoutACodeAreRefused(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), small())
	for _, w := range []Write{{Machines: []MachineState{{}}}, {Records: []MachineRecord{{}}}} {
		if err := s.Commit(t.Context(), w); err == nil || !strings.Contains(err.Error(), "machine code") {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), small())
	closeStore(t, s)
	if err := s.Commit(t.Context(), Write{Meta: map[string]string{"a": "b"}}); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := s.Machines(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Machines: %v", err)
	}
	if _, err := s.Journal(t.Context(), Query{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Journal: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestCloseLeavesNothingOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	path := filepath.Join(t.TempDir(), "gateway.db")
	for range 3 {
		s := open(t, path, small())
		commit(t, s, Write{Machines: []MachineState{{"A", nil}}})
		closeStore(t, s)
		links, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if to, err := os.Readlink("/proc/self/fd/" + l.Name()); err == nil && strings.HasPrefix(to, filepath.Dir(path)) {
				t.Errorf("still open after Close: %s", to)
			}
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the log is still there after Close: %v", err)
		}
	}
}

func TestCommitWaitsNoLongerThanItsContext(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), small())
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Commit(ctx, Write{Machines: []MachineState{{"A", nil}}})
	s.give()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
}

func TestManyWritersAndReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	s := open(t, path, small())
	const writers, rounds = 6, 25
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			code := fmt.Sprint("M", i)
			for n := range rounds {
				err := s.Commit(t.Context(), Write{
					Machines: []MachineState{{code, fmt.Append(nil, n)}},
					Records:  []MachineRecord{{Code: code, Record: aRecord(int64(n)), Revision: uint64(n)}},
					Posts:    []PostEntry{{Time: time.Now(), Machine: code, Service: "counter"}},
				})
				if err != nil {
					t.Errorf("%s: %v", code, err)
				}
				rec, rev, err := s.Record(t.Context(), code)
				if err != nil || rev != uint64(n+1) || rec.Told.Count != int64(n) {
					t.Errorf("%s: read after commit %d: %d %d %v", code, n, rec.Told.Count, rev, err)
				}
			}
		})
	}
	wg.Wait()
	if h := s.Health(); h.Posts != writers*rounds || h.Problem != nil || h.LastCommit.IsZero() {
		t.Errorf("Health: %+v", h)
	}
}

func TestOnlyOneWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.db")
	s := open(t, path, small())
	_, err := Open(path, small())
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.PID != os.Getpid() {
		t.Fatalf("second Open in this process: %v", err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=open", "STORE_TEST_PATH="+path)
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("in use by process %d", os.Getpid())
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("Open in another process: %v, %s", err, out)
	}
	closeStore(t, s)
	open(t, path, small())
}
