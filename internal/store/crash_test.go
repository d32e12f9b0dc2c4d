package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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
	path := filepath.Join(memoryDir(t), "gateway.db")
	commits := 0
	for i := range kills {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Stderr = &out
		cmd.Env = append(os.Environ(), "STORE_TEST_CHILD=work", "STORE_TEST_ROUNDS=1000000", "STORE_TEST_PATH="+path, "STORE_TEST_MARKS=-")
		marks, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		// Each third one dies at any time, also while it opens the store; the others soon
		// after they have committed something.
		lines, p, had := bufio.NewReader(marks), newPromise(), 0
		if i%3 > 0 {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the child did not commit anything: %v %s", err, out.String())
			}
			p.mark(t, line)
			had++
		}
		after := time.NewTimer(time.Duration(rand.IntN(60)) * time.Millisecond)
		<-after.C
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for line, err := lines.ReadString('\n'); err == nil; line, err = lines.ReadString('\n') {
			p.mark(t, line)
			had++
		}
		if err := cmd.Wait(); err == nil || out.Len() > 0 {
			t.Fatalf("the child did not run until it was killed: %v %s", err, out.String())
		}
		commits += had
		s, err := Open(path, small())
		if err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
		if s.Recovered() != nil {
			t.Errorf("after kill %d: taken for damaged: %s", i, s.Recovered().Cause)
		}
		if s.Boot().Number > 2 && !s.Boot().Stopped.IsZero() && had > 0 {
			t.Errorf("after kill %d: taken for a clean stop", i)
		}
		if err := errors.Join(p.keep(t.Context(), s.Reader), s.Close()); err != nil {
			t.Errorf("after kill %d: %v", i, err)
		}
	}
	t.Log(fmt.Sprint(kills, " kills, ", commits, " commits"))
}
