package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// filled makes a store of n machines with records and a little history, closed
// cleanly, so that the backup is as new as the file.
func filled(t *testing.T, path string, n int) {
	t.Helper()
	s, err := Open(path, small())
	if err != nil {
		t.Fatal(err)
	}
	var w Write
	for i := range n {
		code := fmt.Sprintf("M%03d", i)
		w.Machines = append(w.Machines, MachineState{code, encodeTotal(int64(1000 + i))})
		w.Records = append(w.Records, MachineRecord{Code: code, Record: aRecord(int64(900 + i))})
		w.Events = append(w.Events, mapping.Event{Time: time.Now(), Machine: code, Rule: "R1", Text: strings.Repeat("x", 200)})
	}
	w.Meta = map[string]string{"site": "izmir"}
	if err := errors.Join(s.Commit(t.Context(), w), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// damage changes bytes of a file.
func damage(t *testing.T, path string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, b []byte, what string) int {
	t.Helper()
	i := bytes.Index(b, []byte(what))
	if i < 0 {
		t.Fatalf("%q is not in the file", what)
	}
	return i
}

// edit runs SQL on a store that no gateway has open.
func edit(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedStores(t *testing.T) {
	const n = 30
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		// fromBackup is how many machines have their state from the backup.
		fromBackup int
		cause      string
	}{
		"a bit of a state": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte { b[find(t, b, `"total":1007`)+9]++; return b })
		}, 1, "checksum"},
		"the wrong machine's state": {func(t *testing.T, path string) {
			edit(t, path, "UPDATE machine SET body = (SELECT body FROM machine WHERE code = 'M001') WHERE code = 'M002'")
		}, 1, "checksum"},
		"a zeroed page": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte {
				i := find(t, b, `"total":1007`) / 4096 * 4096
				copy(b[i:i+4096], make([]byte, 4096))
				return b
			})
		}, -1, ""},
		"an index of the journal": {func(t *testing.T, path string) {
			edit(t, path, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'post_at') WHERE name = 'journal_at'")
		}, 0, ""},
		"the header": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte { copy(b, make([]byte, 200)); return b })
		}, n, "does not begin like a store"},
		"cut short": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte { return b[:len(b)/2/4096*4096] })
		}, -1, ""},
		"a stub": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte { return b[:50] })
		}, n, "only 50 bytes"},
		"empty": {func(t *testing.T, path string) {
			damage(t, path, func([]byte) []byte { return nil })
		}, n, "empty"},
		"gone": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, n, "gone"},
		"an empty database": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			edit(t, path, "PRAGMA user_version = 1")
		}, n, "holds no store"},
		"noise": {func(t *testing.T, path string) {
			damage(t, path, func(b []byte) []byte {
				for i := 4096; i < len(b); i++ {
					b[i] ^= 0x5a
				}
				return b
			})
		}, n, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gateway.db")
			filled(t, path, n)
			c.damage(t, path)
			before, berr := os.ReadFile(path)
			s := open(t, path, small())
			r := s.Recovered()
			if r == nil {
				t.Fatal("the damage was not found")
			}
			if c.cause != "" && !strings.Contains(r.Cause, c.cause) {
				t.Errorf("cause %q, want %q", r.Cause, c.cause)
			}
			old := 0
			for _, m := range r.Machines {
				if m.State == FromBackup {
					old++
				}
				if m.Behind() != (m.State == FromBackup || m.Record != FromFile) {
					t.Errorf("Behind: %+v", m)
				}
			}
			if c.fromBackup >= 0 && old != c.fromBackup || len(r.Machines) != n {
				t.Errorf("%d of %d machines come from the backup, want %d: %+v", old, len(r.Machines), c.fromBackup, r)
			}
			ms, err := s.Machines(t.Context())
			if err != nil || len(ms) != n {
				t.Fatalf("Machines: %d %v", len(ms), err)
			}
			for i, m := range ms {
				total, err := decodeTotal(m.State)
				rec, _, err2 := s.Record(t.Context(), m.Code)
				if err != nil || err2 != nil || total != int64(1000+i) || !reflect.DeepEqual(rec, aRecord(int64(900+i))) {
					t.Errorf("%s: %d %+v %v %v", m.Code, total, rec, err, err2)
				}
			}
			if v, _, _ := s.Meta(t.Context(), "site"); v != "izmir" {
				t.Errorf("site is %q", v)
			}
			if berr == nil {
				kept, err := os.ReadFile(r.SetAside[0])
				if err != nil || !bytes.Equal(kept, before) {
					t.Errorf("the file set aside is not what was found: %v", err)
				}
			}
			// The note outlives a restart, until somebody clears it.
			closeStore(t, s)
			s = open(t, path, small())
			if !reflect.DeepEqual(s.Recovered(), r) {
				t.Errorf("after a restart: %+v, want %+v", s.Recovered(), r)
			}
			if err := s.ClearRecovery(t.Context()); err != nil || s.Recovered() != nil {
				t.Errorf("ClearRecovery: %v", err)
			}
			closeStore(t, s)
			if s = open(t, path, small()); s.Recovered() != nil {
				t.Error("the note came back")
			}
		})
	}
}
