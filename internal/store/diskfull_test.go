package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// smallDisk mounts a disk of a few megabytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		missingPeer(t, "mounting a small disk needs root on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "store-test", dir).CombinedOutput(); err != nil {
		missingPeer(t, fmt.Sprintf("a small disk can not be mounted: %v %s", err, out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fillUp writes a file until nothing more fits.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			if !noSpace(err) {
				t.Fatal(err)
			}
			size /= 2
		}
	}
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "8m")
	path, ballast := filepath.Join(dir, "gateway.db"), filepath.Join(dir, "ballast")
	s := open(t, path, Options{ReserveBytes: 2 << 20})
	until(t, "the reserve is made", func() bool { return s.Health().Reserve })
	const machines = 20
	rev := uint64(0)
	write := func(i int) error {
		var w Write
		for m := range machines {
			code := fmt.Sprintf("M%02d", m)
			w.Machines = append(w.Machines, MachineState{code, encodeTotal(int64(i))})
			w.Records = append(w.Records, MachineRecord{Code: code, Record: aRecord(int64(i)), Revision: rev})
		}
		w.Events = []mapping.Event{{Time: time.Now(), Machine: "M00", Rule: "R7", Text: strings.Repeat("e", 500)}}
		w.Posts = []PostEntry{{Time: time.Now(), Machine: "M00", Service: "counter", Body: bytes.Repeat([]byte("p"), 500)}}
		err := s.Commit(t.Context(), w)
		if err == nil {
			rev++
		}
		return err
	}
	i := 1
	for ; i <= 5; i++ {
		if err := write(i); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Health()
	if before.Events != 5 || before.Posts != 5 {
		t.Fatalf("Health: %+v", before)
	}
	fillUp(t, ballast)
	// Everything that counts goes on for as long as it takes somebody to come.
	// The ballast takes each byte that comes free, as a log file would.
	full := 500
	if raceDetector {
		full = 150
	}
	for ; i <= 5+full; i++ {
		if err := write(i); err != nil {
			t.Fatalf("commit %d on a full disk: %v; %+v", i, err, s.Health())
		}
		if i%50 == 0 {
			fillUp(t, ballast)
		}
	}
	h := s.Health()
	lost := h.LostEvents
	if !h.Shedding || h.ShedSince.IsZero() || lost == 0 || h.LostPosts != lost || h.Problem != nil || h.Reserve {
		t.Errorf("Health on a full disk: %+v", h)
	}
	if uint64(h.Events)+lost != uint64(i-1) {
		t.Errorf("%d events are there and %d lost, of %d", h.Events, lost, i-1)
	}
	t.Logf("%d commits on a full disk, %d events and posts lost", full, lost)
	check := func(want int) {
		t.Helper()
		ms, err := s.Machines(t.Context())
		if err != nil || len(ms) != machines {
			t.Fatalf("Machines: %d %v", len(ms), err)
		}
		for _, m := range ms {
			total, err := decodeTotal(m.State)
			rec, _, err2 := s.Record(t.Context(), m.Code)
			if total != int64(want) || rec.Told.Count != int64(want) || err != nil || err2 != nil {
				t.Fatalf("%s: %d, told %d, want %d, %v %v", m.Code, total, rec.Told.Count, want, err, err2)
			}
		}
	}
	check(i - 1)
	// A gateway that is started again on the full disk comes up.
	if err := s.Close(); err != nil {
		t.Fatalf("Close on a full disk: %v", err)
	}
	s = open(t, path, Options{ReserveBytes: 2 << 20})
	check(i - 1)
	if err := write(i); err != nil {
		t.Fatalf("after a start on a full disk: %v", err)
	}
	i++
	fillUp(t, ballast)
	if err := write(i); err != nil {
		t.Fatal(err)
	}
	i++
	if h := s.Health(); !h.Shedding {
		t.Fatalf("Health: %+v", h)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "the reserve is made again", func() bool { h := s.Health(); return h.Reserve && !h.Shedding })
	if err := write(i); err != nil {
		t.Fatal(err)
	}
	check(i)
	js, err := s.Journal(t.Context(), Query{Kind: "store"})
	if err != nil || len(js) != 1 || js[0].Level != mapping.Alarm || !strings.Contains(js[0].Text, "The disk was full") {
		t.Errorf("the gap is not in the journal: %+v %v", js, err)
	}
	checkVolumes(t, s)
}

// TestStartOnAFullDisk finds no room for SQLite's own files: with the reserve
// the store opens, without it Open says why it can not.
func TestStartOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, "4m")
	path, ballast := filepath.Join(dir, "gateway.db"), filepath.Join(dir, "ballast")
	o := Options{ReserveBytes: 512 << 10}
	s := open(t, path, o)
	until(t, "the reserve is made", func() bool { return s.Health().Reserve })
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("first")}}})
	closeStore(t, s)
	fillUp(t, ballast)
	s = open(t, path, o)
	if h := s.Health(); h.Reserve {
		t.Errorf("Health: %+v", h)
	}
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("second")}}})
	closeStore(t, s)
	fillUp(t, ballast)
	if _, err := Open(path, o); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open without a byte of room: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, o)
	if ms, err := s.Machines(t.Context()); err != nil || len(ms) != 1 || string(ms[0].State) != "second" {
		t.Errorf("Machines: %v %v", ms, err)
	}
	if s.Recovered() != nil {
		t.Errorf("a full disk is no damage: %+v", s.Recovered())
	}
}

// TestNoRoomAtAll has no reserve and states that grow: in the end the store
// says so, keeps what it has, and goes on once there is room.
func TestNoRoomAtAll(t *testing.T) {
	dir := smallDisk(t, "4m")
	path, ballast := filepath.Join(dir, "gateway.db"), filepath.Join(dir, "ballast")
	s := open(t, path, Options{ReserveBytes: -1})
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("first")}}})
	fillUp(t, ballast)
	big := Write{Machines: []MachineState{{"A", bytes.Repeat([]byte("x"), 3<<20)}}, Events: []mapping.Event{{Time: time.Now(), Text: "e"}}}
	for range 3 {
		err := s.Commit(t.Context(), big)
		if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("Commit: %v", err)
		}
	}
	h := s.Health()
	if h.Problem == nil || h.Since.IsZero() || h.LostEvents != 0 {
		t.Errorf("Health: %+v", h)
	}
	if ms, err := s.Machines(t.Context()); err != nil || len(ms) != 1 || string(ms[0].State) != "first" {
		t.Errorf("Machines: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "there is room again", func() bool { return !s.Health().Shedding })
	commit(t, s, Write{Machines: []MachineState{{"A", []byte("second")}}, Events: big.Events})
	if h := s.Health(); h.Problem != nil {
		t.Errorf("Health: %+v", h)
	}
}
