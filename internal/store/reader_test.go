package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

func TestReaderBesideTheWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.db")
	if _, err := OpenReader(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store that is not there: %v", err)
	}
	s := open(t, path, small())
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("1")}}})
	read := func(want string) {
		t.Helper()
		r, err := OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		ms, err := r.Machines(t.Context())
		if err != nil || len(ms) != 1 || string(ms[0].State) != want {
			t.Errorf("Machines: %+v, %v", ms, err)
		}
		if _, err := r.db.Exec("DELETE FROM machine"); err == nil {
			t.Error("a reader could write")
		}
	}
	read("1")
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("2")}}})
	read("2")
	closeStore(t, s)
	read("2")
	open(t, path, small())
}

func TestReaderInAFolderItMayNotWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become nobody")
	}
	dir, err := os.MkdirTemp("/tmp", "store-ro-") // t.TempDir's parents are closed to nobody
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "gateway.db")
	s := open(t, path, small())
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("1")}}})
	closeStore(t, s)
	for _, f := range []string{dir, path} {
		if err := os.Chmod(f, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "reader.test")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, b, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin)
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=read", "STORE_TEST_PATH="+path)
	asNobody(cmd)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "A=1") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestQueries(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := small()
	o.Now = func() time.Time { return t0.Add(time.Hour) }
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), o)
	var w Write
	for i := range 20 {
		w.Events = append(w.Events, mapping.Event{Time: t0.Add(time.Duration(i/2) * time.Minute), Machine: []string{"A", "B"}[i%2], Rule: fmt.Sprint("R", i%4), Text: fmt.Sprint(i)})
		w.Posts = append(w.Posts, PostEntry{Time: t0.Add(time.Duration(19-i) * time.Minute), Machine: "A", Service: []string{"counter", "startstop"}[i%2], Text: fmt.Sprint(i)})
	}
	commit(t, s, w)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"},
		{Query{Machine: "B", Limit: 3}, "1 3 5"},
		{Query{Machine: "B", Limit: 3, Newest: true}, "15 17 19"},
		{Query{From: t0.Add(time.Minute), To: t0.Add(3 * time.Minute)}, "2 3 4 5"},
		{Query{Kind: "R3"}, "3 7 11 15 19"},
		{Query{Machine: "A", Kind: "R0", From: t0.Add(2 * time.Minute), Newest: true, Limit: 2}, "12 16"},
		{Query{After: 18}, "18 19"},
		{Query{After: 17, Limit: 1}, "17"},
		{Query{Machine: "C"}, ""},
	} {
		got, err := s.Journal(t.Context(), c.q)
		if err != nil {
			t.Errorf("%+v: %v", c.q, err)
		}
		var texts []string
		for _, e := range got {
			texts = append(texts, e.Text)
		}
		if g := strings.Join(texts, " "); g != c.want {
			t.Errorf("Journal(%+v) = %s, want %s", c.q, g, c.want)
		}
	}
	ps, err := s.Posts(t.Context(), Query{Kind: "startstop", Limit: 2})
	if err != nil || len(ps) != 2 || ps[0].Text != "19" || ps[1].Text != "17" {
		t.Errorf("Posts: %+v %v", ps, err)
	}
	// Page by page, every entry once.
	var seen []string
	for q := (Query{Limit: 7}); ; {
		page, err := s.Posts(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			seen = append(seen, p.Text)
		}
		q.After = page[len(page)-1].ID
	}
	if g := strings.Join(seen, " "); g != "19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0" {
		t.Errorf("pages: %s", g)
	}
}

// TestAReaderFindsARelativePath is for commands, whose paths are those of the
// configuration.
func TestAReaderFindsARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	s := open(t, filepath.Join("data", "gateway.db"), small())
	r, err := OpenReader(filepath.Join("data", "gateway.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Missing(t.Context(), Query{}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(r.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}
