package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKills ends a writing process at random instants, again and again on the
// same store.
func TestKills(t *testing.T) {
	kills := 50
	if raceDetector {
		kills = 12
	}
	dir := memoryDir(t)
	path, marks := filepath.Join(dir, "gateway.db"), filepath.Join(dir, "marks")
	commits := 0
	for i := range kills {
		if err := os.Remove(marks); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=work", "STORE_TEST_ROUNDS=1000000", "STORE_TEST_PATH="+path, "STORE_TEST_MARKS="+marks)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.NewTimer(time.Duration(10+rand.IntN(100)) * time.Millisecond)
		<-after.C
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || out.Len() > 0 {
			t.Fatalf("the child did not run until it was killed: %v %s", err, out.String())
		}
		p := newPromise()
		b, err := os.ReadFile(marks)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, line := range strings.SplitAfter(string(b), "\n") {
			if strings.HasSuffix(line, "\n") {
				p.mark(t, line)
				commits++
			}
		}
		s, err := Open(path, small())
		if err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
		if s.Recovered() != nil {
			t.Errorf("after kill %d: taken for damaged: %s", i, s.Recovered().Cause)
		}
		if s.Boot().Number > 2 && !s.Boot().Stopped.IsZero() && len(b) > 0 {
			t.Errorf("after kill %d: taken for a clean stop", i)
		}
		if err := errors.Join(p.keep(t.Context(), s.Reader), s.Close()); err != nil {
			t.Errorf("after kill %d: %v", i, err)
		}
	}
	t.Log(fmt.Sprint(kills, " kills, ", commits, " commits"))
	if commits < kills {
		t.Errorf("only %d commits between %d kills", commits, kills)
	}
}
