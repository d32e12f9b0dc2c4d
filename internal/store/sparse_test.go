package store

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
)

// TestSparseDamage changes single bytes all over a store, few or many. Opening it
// gives what was written, from the file or from the backup, or says that it can
// not; it never gives a wrong count. That may go unnoticed only as long as nothing
// that is read was hit.
func TestSparseDamage(t *testing.T) {
	const n, rounds = 10, 60
	recovered, unnoticed := 0, 0
	for seed := range uint64(rounds) {
		path := filepath.Join(t.TempDir(), "gateway.db")
		filled(t, path, n)
		rng := rand.New(rand.NewPCG(seed, 1))
		every := 1 << (4 + seed%10) // from a byte in 16 to one in 8,192
		damage(t, path, func(b []byte) []byte {
			for i := rng.IntN(every); i < len(b); i += 1 + rng.IntN(2*every) {
				b[i] ^= byte(1 + rng.IntN(255))
			}
			return b
		})
		s, err := Open(path, small())
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrForeign) {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		if s.Recovered() != nil {
			recovered++
		} else {
			unnoticed++
		}
		ms, err := s.Machines(t.Context())
		if err != nil || len(ms) != n {
			t.Errorf("seed %d: %d machines, %v", seed, len(ms), err)
		}
		for i, m := range ms {
			total, err := decodeTotal(m.State)
			rec, _, err2 := s.Record(t.Context(), m.Code)
			if err != nil || err2 != nil || total != int64(1000+i) || !reflect.DeepEqual(rec, aRecord(int64(900+i))) {
				t.Errorf("seed %d: %s has %d, %+v, %v, %v", seed, m.Code, total, rec, err, err2)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%d of %d recovered, %d unnoticed", recovered, rounds, unnoticed)
	if recovered < rounds/4 {
		t.Errorf("only %d of %d recovered", recovered, rounds)
	}
}
