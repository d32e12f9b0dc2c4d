package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// buildGateway builds the program as it is shipped, apart from its version.
func buildGateway(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "prodsmart-gateway")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// life is one process of the gateway.
type life struct {
	began, ended time.Time
	log          string
	cmd          *exec.Cmd
	gone         chan struct{} // closed when the process has ended
	err          error         // how it ended; valid when gone is closed
}

// startLife starts the program; its output goes to a file of its own.
func startLife(program, config, log string) (*life, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	l := &life{log: log, gone: make(chan struct{}), began: time.Now()}
	l.cmd = exec.Command(program, "run", "-c", config)
	l.cmd.Env = append(os.Environ(), "PRODSMART_KEY="+killKey, "PRODSMART_SECRET="+killSecret)
	l.cmd.Stdout, l.cmd.Stderr = out, out
	if err := l.cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go func() {
		defer close(l.gone)
		l.err = errors.Join(l.cmd.Wait(), out.Close())
	}()
	return l, nil
}

// alive is nil while the process lives, and what its log says if it does not.
func (l *life) alive() error {
	select {
	case <-l.gone:
		text, _ := os.ReadFile(l.log)
		return fmt.Errorf("the gateway ended by itself (%v):\n%s", l.err, text)
	default:
		return nil
	}
}

// says reports whether the log holds a text.
func (l *life) says(text string) bool {
	log, err := os.ReadFile(l.log)
	return err == nil && bytes.Contains(log, []byte(text))
}

// kill ends the process at once and waits until it is gone, its locks included.
func (l *life) kill() error {
	if err := l.alive(); err != nil {
		return err
	}
	if err := l.cmd.Process.Kill(); err != nil {
		return err
	}
	<-l.gone
	l.ended = time.Now()
	return nil
}

// terminate asks the process to end, and returns how long it took.
func (l *life) terminate(within time.Duration) (time.Duration, error) {
	if err := l.alive(); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-l.gone:
		l.ended = time.Now()
		return time.Since(began), l.err
	case <-late.C:
		return within, errors.Join(fmt.Errorf("still there after %v", within), l.kill())
	}
}
