package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhatIsLostIsNotReplacedByZero(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, path, 5)
	hurt := func(b []byte) []byte { b[find(t, b, `"total":1003`)+9]++; return b }
	damage(t, path, hurt)
	damage(t, path+".backup", hurt)
	var aside string
	for range 3 { // it stays so however often the gateway is started
		_, err := Open(path, small())
		var d *DamagedError
		if !errors.As(err, &d) || !errors.Is(err, ErrDamaged) {
			t.Fatalf("Open: %v", err)
		}
		want := []string{`the state of machine "M003"`}
		if got := d.Recovery.Lost(); !reflect.DeepEqual(got, want) {
			t.Errorf("Lost: %q", got)
		}
		for _, part := range []string{"damaged", want[0], "start fresh", path} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in the message %q", part, err)
			}
		}
		if aside == "" {
			aside = d.Recovery.SetAside[0]
		} else if d.Recovery.SetAside[0] != aside {
			t.Errorf("set aside again: %v", d.Recovery.SetAside)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a store was made without a decision: %v", err)
		}
	}
	o := small()
	o.StartFresh = true
	s := open(t, path, o)
	if r := s.Recovered(); r == nil || !r.Fresh || len(r.Machines) != 5 {
		t.Errorf("Recovered: %+v", r)
	}
	ms, err := s.Machines(t.Context())
	if err != nil || len(ms) != 4 {
		t.Errorf("Machines: %d, %v", len(ms), err)
	}
	// Neither original may be gone.
	for _, p := range []string{aside, aside + ".backup"} {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingReadableAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, path, 3)
	for _, p := range []string{path, path + ".backup"} {
		damage(t, p, func(b []byte) []byte { return bytes.Repeat([]byte{7}, len(b)) })
	}
	_, err := Open(path, small())
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "no machine could be read") {
		t.Fatalf("Open: %v", err)
	}
	// A person puts a good copy in its place.
	good := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, good, 3)
	if err := os.Rename(good, path); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, small())
	if ms, err := s.Machines(t.Context()); err != nil || len(ms) != 3 {
		t.Errorf("Machines: %v %v", ms, err)
	}
	if s.Recovered() != nil {
		t.Errorf("a copy that a person restored is no recovery: %+v", s.Recovered())
	}
}

func TestTheNewerRowWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, path, 3)
	s, err := Open(path, small())
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the backup at start", func() bool { return !s.Health().BackupAt.IsZero() })
	// Newer than the backup, in the file only.
	commit(t, s, Write{Machines: []MachineState{{"M000", encodeTotal(5000)}, {"M001", encodeTotal(5001)}}})
	crash(t, s)
	damage(t, path+"-wal", func(b []byte) []byte { return b[:len(b)-100] }) // tears the last commit off
	s = open(t, path, small())
	ms, _ := s.Machines(t.Context())
	if s.Recovered() != nil || len(ms) != 3 {
		t.Fatalf("a torn log is no damage: %+v", s.Recovered())
	}
	commit(t, s, Write{Machines: []MachineState{{"M000", encodeTotal(6000)}, {"M001", encodeTotal(6001)}}})
	crash(t, s)
	edit(t, path, "UPDATE machine SET revision = revision + 1 WHERE code = 'M001'")
	s = open(t, path, small())
	r := s.Recovered()
	if r == nil || r.Machines[0].State != FromFile || r.Machines[0].Behind() || r.Machines[1].State != FromBackup || !r.Machines[1].Behind() {
		t.Fatalf("Recovered: %+v", r)
	}
	ms, err = s.Machines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{6000, 1001, 1002} {
		if got, err := decodeTotal(ms[i].State); got != want || err != nil {
			t.Errorf("%s: %d, want %d, %v", ms[i].Code, got, want, err)
		}
	}
}

// TestDamageBesideANewerLog has its newest commits in the log only: they count,
// and file and log are set aside byte for byte.
func TestDamageBesideANewerLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, path, 30)
	s := open(t, path, small())
	commit(t, s, Write{Machines: []MachineState{{"M000", encodeTotal(6000)}}})
	crash(t, s)
	damage(t, path, func(b []byte) []byte { b[find(t, b, `"total":1020`)+9]++; return b })
	found := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil || len(b) == 0 {
			t.Fatalf("%s: %d bytes, %v", suffix, len(b), err)
		}
		found[suffix] = b
	}
	s = open(t, path, small())
	r := s.Recovered()
	if r == nil || r.Machines[0].State != FromFile || r.Machines[20].State != FromBackup {
		t.Fatalf("Recovered: %+v", r)
	}
	ms, err := s.Machines(t.Context())
	if err != nil || len(ms) != 30 {
		t.Fatalf("Machines: %d %v", len(ms), err)
	}
	for i, want := range map[int]int64{0: 6000, 1: 1001, 20: 1020} {
		if got, err := decodeTotal(ms[i].State); got != want || err != nil {
			t.Errorf("%s: %d, want %d, %v", ms[i].Code, got, want, err)
		}
	}
	for suffix, want := range found {
		if got, err := os.ReadFile(r.SetAside[0] + suffix); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the file set aside with %q is not what was found: %v", suffix, err)
		}
	}
}

// crash drops a store without its clean stop and its last backup, and leaves
// file and log as a killed process does.
func crash(t *testing.T, s *Store) {
	t.Helper()
	s.tend.end()
	<-s.turn
	s.closed = true
	s.give()
	left := map[string][]byte{}
	for _, p := range []string{s.path, s.path + "-wal"} {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		left[p] = b
	}
	if err := s.shut(); err != nil {
		t.Fatal(err)
	}
	for p, b := range left {
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInterruptedRecovery ends a recovery before each of its steps on the disk.
func TestInterruptedRecovery(t *testing.T) {
	stem := ".damaged-20260102T030405Z"
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, before := range map[string]func(t *testing.T, path string){
		"marked only": func(*testing.T, string) {},
		"log set aside": func(t *testing.T, path string) {
			if err := os.Rename(path+"-wal", path+stem+"-wal"); err != nil {
				t.Fatal(err)
			}
		},
		"all set aside": func(t *testing.T, path string) {
			o := opener{path: path}
			if err := o.setAside(path + stem); err != nil {
				t.Fatal(err)
			}
		},
		"half built": func(t *testing.T, path string) {
			o := opener{path: path}
			if err := errors.Join(o.setAside(path+stem), os.WriteFile(path+newSuffix, []byte("half"), 0o600)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gateway.db")
			filled(t, path, 4)
			edit(t, path, "UPDATE machine SET sum = 1 WHERE code = 'M002'")
			if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := (mark{At: at, Cause: "test", Stem: path + stem}).write(path); err != nil {
				t.Fatal(err)
			}
			before(t, path)
			s := open(t, path, small())
			r := s.Recovered()
			if r == nil || r.Cause != "test" || len(r.Machines) != 4 || r.Machines[2].State != FromBackup {
				t.Fatalf("Recovered: %+v", r)
			}
			if ms, err := s.Machines(t.Context()); err != nil || len(ms) != 4 {
				t.Errorf("Machines: %v %v", ms, err)
			}
			if exists(markPath(path)) {
				t.Error("the mark was left")
			}
		})
	}
}

func TestDamageWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	filled(t, path, 3)
	s := open(t, path, small())
	until(t, "the backup at start", func() bool { return !s.Health().BackupAt.IsZero() })
	good, err := os.ReadFile(path + ".backup")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), s.writer.conn, "UPDATE machine SET sum = 1 WHERE code = 'M001'")
	s.give()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Machines(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "M001") {
		t.Errorf("Machines: %v", err)
	}
	if err := s.backup(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("backup: %v", err)
	}
	if now, err := os.ReadFile(path + ".backup"); err != nil || !bytes.Equal(now, good) {
		t.Errorf("a damaged row reached the backup: %v", err)
	}
	crash(t, s)
	s = open(t, path, small())
	if r := s.Recovered(); r == nil || r.Machines[1].State != FromBackup {
		t.Errorf("Recovered: %+v", r)
	}
}

func TestOtherPeoplesFilesAreNotTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	edit(t, path, "CREATE TABLE customers (name)", "INSERT INTO customers VALUES ('x')")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, small()); !errors.Is(err, ErrForeign) {
		t.Errorf("Open: %v", err)
	}
	if _, err := OpenReader(path); !errors.Is(err, ErrForeign) {
		t.Errorf("OpenReader: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	if _, err := Open(t.TempDir(), small()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("Open of a folder: %v", err)
	}
}
