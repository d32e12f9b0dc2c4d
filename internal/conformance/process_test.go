//go:build unix

package conformance

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// patience bounds what a peer may take for a step; a busy computer starts
// programs slowly.
const patience = time.Minute

// process is a peer's program that says "ready" and obeys commands.
type process struct {
	t       testing.TB
	command func() *exec.Cmd

	cmd      *exec.Cmd
	in       io.WriteCloser
	lines    chan string
	reading  sync.WaitGroup
	mu       sync.Mutex
	complain strings.Builder
}

// Write collects what the program complains about.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.complain.Write(b)
}

// run starts the program and ends it with the test.
func run(t testing.TB, command func() *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, command: command}
	t.Cleanup(func() {
		_ = p.stop()
		if t.Failed() {
			t.Logf("the peer said: %s", p.complain.String())
		}
	})
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) start() error {
	p.cmd, p.lines = p.command(), make(chan string, 100)
	p.cmd.Stderr = p
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	lines := p.lines
	p.in = in
	p.reading.Go(func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if line := s.Text(); line == "ready" || line == "done" || strings.HasPrefix(line, "done ") { // the rest is chatter
				lines <- line
			}
		}
	})
	_, err = p.expect("ready")
	return err
}

// expect waits for the next answer, and gives what follows the word.
func (p *process) expect(want string) (string, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		word, rest, _ := strings.Cut(line, " ")
		if !ok || word != want {
			return "", fmt.Errorf("the peer ended, or said %q, before it was %s", line, want)
		}
		return rest, nil
	case <-timer.C:
		return "", fmt.Errorf("the peer was not %s after %v", want, patience)
	}
}

// say gives a command and waits until it is done.
func (p *process) say(format string, args ...any) error {
	_, err := p.ask(format, args...)
	return err
}

// ask is say that gives the answer.
func (p *process) ask(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		return "", err
	}
	return p.expect("done")
}

// saying is say as a step of a fault.
func (p *process) saying(format string, args ...any) func() error {
	return func() error { return p.say(format, args...) }
}

// stop kills the program, as a power cut does, and waits. It may be called
// twice.
func (p *process) stop() error {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	_ = p.cmd.Process.Kill()
	p.reading.Wait()
	_ = p.cmd.Wait()
	p.cmd = nil
	return nil
}

// frozen is the fault of a program that hangs.
func (p *process) frozen() connectortest.Fault {
	return connectortest.Fault{
		Begin: func() error { return p.cmd.Process.Signal(syscall.SIGSTOP) },
		End:   func() error { return p.cmd.Process.Signal(syscall.SIGCONT) },
	}
}

// given holds the ports that free gave out, because a peer takes its port only
// when it is started.
var given sync.Map

// free finds a port of 127.0.0.1 that nobody uses. It is below those that the
// system gives to outgoing connections, so that none takes it before the peer.
func free(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := fmt.Sprint(10000 + rand.IntN(20000))
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
