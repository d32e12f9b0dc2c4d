package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(filepath.Join(b.TempDir(), "gateway.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkCommitMachines is the group commit of a hundred dirty machines.
func BenchmarkCommitMachines(b *testing.B) {
	s := benchStore(b)
	var w Write
	for i := range 100 {
		w.Machines = append(w.Machines, MachineState{fmt.Sprintf("PRESS-%03d", i), encodeTotal(int64(i))})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Commit(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "states/s")
}

// BenchmarkSaveRecord is what stands between a decision and its post, and
// again between the answer and the next decision.
func BenchmarkSaveRecord(b *testing.B) {
	s := benchStore(b)
	var rev uint64
	var longest time.Duration
	for b.Loop() {
		begun := time.Now()
		err := s.Commit(b.Context(), Write{
			Machines: []MachineState{{"PRESS-01", encodeTotal(int64(rev))}},
			Records:  []MachineRecord{{"PRESS-01", aRecord(int64(rev)), rev}},
			Posts:    []PostEntry{{Time: begun, Machine: "PRESS-01", Service: "counter", Body: []byte(`{"count":1}`)}},
		})
		if err != nil {
			b.Fatal(err)
		}
		rev++
		longest = max(longest, time.Since(begun))
	}
	b.ReportMetric(float64(longest.Microseconds()), "max-us")
}

// BenchmarkOpen is a start with a history at its bound, the check included.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "gateway.db")
	s, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := startClock(time.Now())
	for h := s.Health(); h.EventBytes+h.PostBytes < 240<<20; h = s.Health() {
		if err := s.Commit(b.Context(), history(c, 5000, 300)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
