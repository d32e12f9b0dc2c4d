package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestMissing(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	o := small()
	now := at
	o.Now = func() time.Time { return now }
	path := filepath.Join(t.TempDir(), "gateway.db")
	s := open(t, path, o)
	want := []Missing{
		{ID: 1, Time: at, Machine: "A", Code: "not_in_prodsmart", Type: "JAM", From: at.Add(-time.Hour), To: at.Add(-30 * time.Minute), Text: "a downtime"},
		{ID: 2, Time: at.Add(time.Second), Machine: "B", Code: "backlog_late", To: at, Pieces: 40, Order: `O-1 "x"`, Text: "pieces"},
	}
	if err := s.Commit(t.Context(), Write{Missing: want}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    Query
		want []Missing
	}{
		{Query{}, want},
		{Query{Machine: "B"}, want[1:]},
		{Query{Kind: "not_in_prodsmart"}, want[:1]},
		{Query{From: at.Add(time.Second)}, want[1:]},
		{Query{Limit: 1, Newest: true}, want[1:]},
		{Query{After: 1}, want[1:]},
		{Query{Machine: "C"}, nil},
	} {
		if got, err := s.Missing(t.Context(), c.q); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %+v, %v", c.q, got, err)
		}
	}
	// They outlive a journal that is full, and go with their age.
	var posts []PostEntry
	for i := range 3000 {
		posts = append(posts, PostEntry{Time: at, Machine: "A", Service: "counter", Body: fmt.Appendf(nil, `{"count":%d}`, i), Text: string(make([]byte, 1000))})
	}
	if err := s.Commit(t.Context(), Write{Posts: posts}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Missing(t.Context(), Query{}); err != nil || len(got) != 2 {
		t.Errorf("beside a full journal: %v, %v", got, err)
	}
	now = at.Add(o.withDefaults().MaxAge + 2*time.Second)
	if err := s.Commit(t.Context(), Write{Missing: []Missing{{Time: now, Machine: "C", Code: "stop_late"}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Missing(t.Context(), Query{}); err != nil || len(got) != 1 || got[0].Machine != "C" {
		t.Errorf("after their age: %v, %v", got, err)
	}
}

func TestMissingIsBounded(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	o := small()
	o.Now = func() time.Time { return at }
	s := open(t, filepath.Join(t.TempDir(), "gateway.db"), o)
	batch := make([]Missing, 5000)
	for i := range 12 {
		for j := range batch {
			batch[j] = Missing{Time: at.Add(time.Duration(i*len(batch)+j) * time.Microsecond), Machine: "A", Code: "stop_late"}
		}
		if err := s.Commit(t.Context(), Write{Missing: batch}); err != nil {
			t.Fatal(err)
		}
	}
	var all []Missing
	for q := (Query{Limit: 10_000}); ; q.After = all[len(all)-1].ID {
		part, err := s.Missing(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, part...); len(part) < q.Limit {
			break
		}
	}
	if len(all) != maxMissing || !all[0].Time.Equal(at.Add(10000*time.Microsecond)) {
		t.Errorf("%d entries, the oldest %+v", len(all), all[0])
	}
}

func TestMissingAfterAnUpdate(t *testing.T) {
	path := copyFixture(t)
	s := open(t, path, fixtureClock())
	checkFixture(t, s)
	if err := s.Commit(t.Context(), Write{Missing: []Missing{{Time: fixtureClock().Now(), Machine: "A", Code: "stop_late"}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Missing(t.Context(), Query{}); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if !exists(path + ".before-v2") {
		t.Error("the store was not copied before it was changed")
	}
}

// TestMissingOnAFullDisk: the room kept for a full disk is for totals.
func TestMissingOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, "8m")
	ballast := filepath.Join(dir, "ballast")
	s := open(t, filepath.Join(dir, "gateway.db"), Options{ReserveBytes: 2 << 20})
	until(t, "the reserve is made", func() bool { return s.Health().Reserve })
	const commits = 500
	for i := range commits {
		if i == 5 || i%50 == 49 {
			fillUp(t, ballast)
		}
		err := s.Commit(t.Context(), Write{
			Machines: []MachineState{{"A", encodeTotal(int64(i))}},
			Missing:  []Missing{{Time: time.Now(), Machine: "A", Code: "not_in_prodsmart", Text: string(make([]byte, 300))}},
		})
		if err != nil {
			t.Fatalf("commit %d: %v", i, err)
		}
	}
	kept, err := s.Missing(t.Context(), Query{})
	if h := s.Health(); err != nil || h.LostEvents == 0 || uint64(len(kept))+h.LostEvents != commits {
		t.Errorf("%d entries are there and %d lost, of %d: %v", len(kept), h.LostEvents, commits, err)
	}
}
