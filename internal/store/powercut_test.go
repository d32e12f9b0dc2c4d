package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// needPeer gives the path of a program, or skips; with PEERS=required a program
// that is not there is a failure.
func needPeer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missingPeer(t, err.Error())
	}
	return path
}

func missingPeer(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PEERS") == "required" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// memoryDir is a folder on a disk that costs no time, if there is one.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "store-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// promise is what a program was told to be safe: per machine, the totals of its
// last state and its last told record, and the state it was about to save.
type promise struct {
	state, told, next map[string]int64
}

func (p promise) clone() promise {
	return promise{maps.Clone(p.state), maps.Clone(p.told), maps.Clone(p.next)}
}

func newPromise() promise {
	return promise{map[string]int64{}, map[string]int64{}, map[string]int64{}}
}

func (p promise) mark(t *testing.T, line string) {
	var word, code string
	var n int64
	if _, err := fmt.Sscanf(line, "%s %s %d", &word, &code, &n); err != nil {
		t.Fatalf("mark %q: %v", line, err)
	}
	switch word {
	case "state":
		p.state[code] = n
	case "told":
		p.told[code] = n
	}
}

// keep checks an open store against the promise.
func (p promise) keep(ctx context.Context, r *Reader) error {
	ms, err := r.Machines(ctx)
	if err != nil {
		return err
	}
	state := map[string]int64{}
	for _, m := range ms {
		if state[m.Code], err = decodeTotal(m.State); err != nil {
			return err
		}
	}
	for code, want := range p.state {
		if state[code] < want {
			return fmt.Errorf("%s: the state says %d, a commit of %d had returned", code, state[code], want)
		}
	}
	for code, n := range state {
		if next, ok := p.next[code]; ok && n > next {
			return fmt.Errorf("%s: the state says %d, only %d was ever written", code, n, next)
		}
		rec, _, err := r.Record(ctx, code)
		if err != nil {
			return err
		}
		switch {
		case rec.Told.Count < p.told[code]:
			return fmt.Errorf("%s: told is %d, a commit of %d had returned", code, rec.Told.Count, p.told[code])
		case rec.Told.Count > n || rec.Telling.Count > n || rec.Doubt.Highest > n:
			return fmt.Errorf("%s: told %d and telling %d are ahead of the state %d", code, rec.Told.Count, rec.Telling.Count, n)
		}
	}
	return nil
}

// cut is one state a disk can be in after the power went.
type cut struct {
	what  string
	files map[string][]byte
	promise
	whole bool
}

// survive lays the files out and opens the store in them.
func (c cut) survive(ctx context.Context, dir string) (err error) {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for n, b := range c.files {
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, "gateway.db")
	if c.whole {
		s, err := Open(path, small())
		if err != nil {
			return err
		}
		if s.Recovered() != nil {
			err = fmt.Errorf("taken for damaged: %s", s.Recovered().Cause)
		}
		return errors.Join(err, c.keep(ctx, s.Reader), s.Close())
	}
	// The same without the backup and the reserve that an open store makes.
	o := opener{path: path, options: small().withDefaults(), steps: migrations()}
	w, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if o.recovery != nil {
		return fmt.Errorf("taken for damaged: %s", o.recovery.Cause)
	}
	r, err := openReader(path)
	if err != nil {
		return err
	}
	return errors.Join(c.keep(ctx, r), r.Close())
}

// TestPowerCut records every write of a run and cuts the power after each of
// them, with the last one torn, with what was not synced lost, and with what
// was not synced arriving in pieces.
func TestPowerCut(t *testing.T) {
	strace := needPeer(t, "strace")
	dir := memoryDir(t)
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	cmd := exec.Command(strace, "-f", "-y", "-xx", "-s", "10000000", "-o", log,
		"-e", "trace=open,creat,openat,openat2,pwrite64,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mmap,link,fallocate", os.Args[0])
	rounds := 40
	switch {
	case raceDetector:
		rounds = 6
	case testing.Short():
		rounds = 12
	}
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=work", fmt.Sprint("STORE_TEST_ROUNDS=", rounds),
		"STORE_TEST_PATH="+filepath.Join(run, "gateway.db"), "STORE_TEST_MARKS="+filepath.Join(run, "marks"))
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			missingPeer(t, string(out))
		}
		t.Fatalf("the run under strace: %v\n%s", err, out)
	}
	ops := readDiskLog(t, log, run)
	cuts := make(chan cut, 4)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for c := range cuts {
				if err := c.survive(t.Context(), filepath.Join(dir, fmt.Sprint("cut", i))); err != nil {
					t.Errorf("%s: %v", c.what, err)
				}
			}
		})
	}
	writes, tried := cutEverywhere(t, ops, cuts)
	close(cuts)
	wg.Wait()
	t.Logf("%d operations, %d writes, %d cuts tried", len(ops), writes, tried)
	if writes < 20*rounds {
		t.Errorf("only %d writes were seen in the log of %d rounds", writes, rounds)
	}
}

// cutEverywhere plays the operations and sends each state the disk can be left
// in; of those at plain writes a chance part, unless PEERS asks for all.
func cutEverywhere(t *testing.T, ops []diskOp, cuts chan<- cut) (writes, tried int) {
	d, p := newDisk(), newPromise()
	upcoming := nextStates(t, ops)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	thinning := 6 // of ten
	switch {
	case raceDetector:
		thinning = 9
	case os.Getenv("PEERS") == "required" && !testing.Short():
		thinning = 0
	}
	send := func(i int, what string, files map[string][]byte) {
		delete(files, "marks")
		p.next = upcoming[i]
		tried++
		cuts <- cut{fmt.Sprintf("power cut at operation %d of %d (%v), %s", i, len(ops), ops[i], what), files, p.clone(), tried%32 == 0}
	}
	for i, o := range ops {
		if o.kind == "write" {
			writes++
		}
		thin := o.kind == "write" && rnd.IntN(10) < thinning
		if o.kind == "write" && !thin {
			for _, n := range []int{len(o.data) / 2, len(o.data) - 512} {
				if n > 0 {
					send(i, fmt.Sprintf("torn after %d bytes", n), d.inOrder(o, n))
				}
			}
		}
		if !o.changes() {
			send(i, "before it, nothing unsynced kept", d.syncedOnly())
		}
		d.do(o)
		if o.kind == "mark" {
			p.mark(t, string(o.data))
		}
		if !thin {
			send(i, "after it", d.inOrder(diskOp{}, 0))
			send(i, "unsynced sectors by chance", d.anyOrder(rnd))
		}
		if !o.changes() {
			send(i, "after it, nothing unsynced kept", d.syncedOnly())
		}
	}
	return writes, tried
}

// nextStates gives for each operation the highest state per machine that can
// have been written by then: the next one marked.
func nextStates(t *testing.T, ops []diskOp) []map[string]int64 {
	out := make([]map[string]int64, len(ops))
	p := newPromise()
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].kind == "mark" && strings.HasPrefix(string(ops[i].data), "state") {
			p.state = maps.Clone(p.state)
			p.mark(t, string(ops[i].data))
		}
		out[i] = p.state
	}
	return out
}
