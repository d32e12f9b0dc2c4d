package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

var writeFixture = flag.Bool("write-fixture", false, "write testdata/v1.db anew; a published fixture is never changed")

const fixture = "testdata/v1.db"

// TestWriteFixture makes the stored file that later versions must still open.
func TestWriteFixture(t *testing.T) {
	if !*writeFixture {
		t.Skip("only with -write-fixture")
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	o := small()
	o.Now = func() time.Time { return at }
	path := filepath.Join(t.TempDir(), "gateway.db")
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Commit(t.Context(), Write{
		Machines: []MachineState{{"PRESS-01", encodeTotal(1234)}},
		Records:  []MachineRecord{{Code: "PRESS-01", Record: aRecord(1230)}},
		Events:   []mapping.Event{{Time: at, Machine: "PRESS-01", Rule: "R2", Subject: "count", Text: "first contact"}},
		Posts:    []PostEntry{{Time: at, Machine: "PRESS-01", Service: "counter", Body: []byte(`{"count":1230}`), Verdict: "accepted", Status: 200}},
		Meta:     map[string]string{"site": "izmir"},
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(fixture, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func copyFixture(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gateway.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkFixture finds in an open store all that was put into the fixture.
func checkFixture(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	ms, err := s.Machines(ctx)
	if err != nil || len(ms) != 1 || !bytes.Equal(ms[0].State, encodeTotal(1234)) {
		t.Errorf("Machines: %v %v", ms, err)
	}
	if rec, rev, err := s.Record(ctx, "PRESS-01"); err != nil || rev != 1 || rec.Told.Count != 1230 || rec.Telling.Count != 1231 {
		t.Errorf("Record: %+v %d %v", rec, rev, err)
	}
	if js, err := s.Journal(ctx, Query{}); err != nil || len(js) != 1 || js[0].Text != "first contact" {
		t.Errorf("Journal: %v %v", js, err)
	}
	if ps, err := s.Posts(ctx, Query{}); err != nil || len(ps) != 1 || ps[0].Status != 200 {
		t.Errorf("Posts: %v %v", ps, err)
	}
	if v, _, err := s.Meta(ctx, "site"); v != "izmir" || err != nil {
		t.Errorf("Meta: %q %v", v, err)
	}
	if s.Recovered() != nil {
		t.Errorf("Recovered: %+v", s.Recovered())
	}
}

// fixtureClock is close enough to the fixture that age takes nothing from it.
func fixtureClock() Options {
	o := small()
	o.Now = func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }
	return o
}

func TestTheFirstVersionOpens(t *testing.T) {
	checkFixture(t, open(t, copyFixture(t), fixtureClock()))
}

func stepTo(version int, statements string, fail error) migration {
	return migration{to: version, run: func(ctx context.Context, c *sql.Conn) error {
		return errors.Join(run(ctx, c, statements), fail)
	}}
}

func TestMigration(t *testing.T) {
	path := copyFixture(t)
	now := newest(migrations())
	steps := append(migrations(),
		stepTo(now+1, "CREATE TABLE two (a INTEGER) STRICT", nil),
		stepTo(now+2, "DROP TABLE machine", errors.New("it broke")),
	)
	last := len(steps) - 1
	ctx := t.Context()
	_, err := openSteps(ctx, path, fixtureClock().withDefaults(), steps)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("version %d failed and was undone: it broke", now+2)) {
		t.Fatalf("a step that fails: %v", err)
	}
	// The step before it holds, the failed one left nothing.
	s, err := openSteps(ctx, path, fixtureClock().withDefaults(), steps[:last])
	if err != nil {
		t.Fatal(err)
	}
	checkFixture(t, s)
	closeStore(t, s)
	steps[last] = stepTo(now+2, "ALTER TABLE meta ADD COLUMN three INTEGER", nil)
	if s, err = openSteps(ctx, path, fixtureClock().withDefaults(), steps); err != nil {
		t.Fatal(err)
	}
	checkFixture(t, s)
	closeStore(t, s)
	// A program that knows fewer versions refuses, and names the copy.
	before := fmt.Sprintf("%s.before-v%d", path, now+1)
	_, err = Open(path, fixtureClock())
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), fmt.Sprintf("version %d", now+2)) || !strings.Contains(err.Error(), before) {
		t.Errorf("Open of a newer store: %v", err)
	}
	if _, err := OpenReader(path); !errors.Is(err, ErrNewer) {
		t.Errorf("OpenReader of a newer store: %v", err)
	}
	// The copy is what there was.
	if err := os.Rename(before, path); err != nil {
		t.Fatal(err)
	}
	checkFixture(t, open(t, path, fixtureClock()))
}

func TestANewStoreHasTheNewestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	next := newest(migrations()) + 1
	s, err := openSteps(t.Context(), path, small().withDefaults(), append(migrations(), stepTo(next, "CREATE TABLE two (a INTEGER) STRICT", nil)))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if exists(fmt.Sprintf("%s.before-v%d", path, next)) {
		t.Error("a store that was just made was copied")
	}
	if _, err := Open(path, small()); !errors.Is(err, ErrNewer) {
		t.Errorf("Open: %v", err)
	}
}

// FuzzDamagedFile overwrites a part of a good store with anything: Open must
// never panic, never hang, and never come up with a total that was not saved.
func FuzzDamagedFile(f *testing.F) {
	good, err := os.ReadFile(fixture)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("SQLite format 4"), true)
	f.Add(uint32(60), []byte{0, 0, 0, 9}, true)
	f.Add(uint32(100), bytes.Repeat([]byte{0xff}, 300), false)
	f.Add(uint32(bytes.Index(good, []byte(`"total"`))), []byte(`"total":9`), true)
	f.Fuzz(func(t *testing.T, at uint32, with []byte, backup bool) {
		path := filepath.Join(t.TempDir(), "gateway.db")
		b := bytes.Clone(good)
		copy(b[int(at)%len(b):], with)
		files := map[string][]byte{path: b}
		if backup {
			files[path+".backup"] = good
		}
		for p, b := range files {
			if err := os.WriteFile(p, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(path, fixtureClock())
		if err != nil {
			return // said, not guessed
		}
		ms, err := s.Machines(t.Context())
		if err != nil || len(ms) != 1 || !bytes.Equal(ms[0].State, encodeTotal(1234)) {
			t.Errorf("Machines: %v %v, recovered %+v", ms, err, s.Recovered())
		}
		if rec, _, err := s.Record(t.Context(), "PRESS-01"); err != nil || rec.Told.Count != 1230 {
			if r := s.Recovered(); r == nil || !r.Machines[0].Behind() {
				t.Errorf("Record: %+v %v, recovered %+v", rec, err, r)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
