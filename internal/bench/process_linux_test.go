package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// endWithin is how long a child may take to end.
const endWithin = 10 * time.Second

// child is a process of ours.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	log   bytes.Buffer
	ended chan struct{}
	err   error // valid when ended is closed
}

// spawn starts a process that ends with the benchmark at the latest. Its
// standard error is shown if it ends by itself.
func spawn(tb testing.TB, cmd *exec.Cmd) *child {
	tb.Helper()
	c := &child{cmd: cmd, lines: make(chan string, 64), ended: make(chan struct{})}
	var err error
	if c.in, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = &c.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			c.lines <- scanner.Text()
		}
		c.err = cmd.Wait()
	}()
	tb.Cleanup(func() { c.end(tb) })
	return c
}

// act starts a role in a process of its own and waits until it is ready. It
// returns what the role said then.
func act(tb testing.TB, name, address string) (*child, string) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+name, "BENCH_ADDRESS="+address)
	c := spawn(tb, cmd)
	return c, c.line(tb, name)
}

func (c *child) line(tb testing.TB, name string) string {
	tb.Helper()
	select {
	case line := <-c.lines:
		return line
	case <-c.ended:
		tb.Fatalf("%s ended: %v\n%s", name, c.err, c.log.String())
	case <-time.After(time.Minute):
		tb.Fatalf("%s said nothing for a minute", name)
	}
	return ""
}

// total asks a role for the number of values it has seen.
func (c *child) total(tb testing.TB) uint64 {
	tb.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		tb.Fatal(err)
	}
	n, err := strconv.ParseUint(c.line(tb, "the client"), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// end closes the standard input, which ends a role, and terminates the rest.
func (c *child) end(tb testing.TB) {
	tb.Helper()
	_ = c.in.Close()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(endWithin):
		_ = c.cmd.Process.Kill()
		<-c.ended
		tb.Errorf("%s did not end within %v", c.cmd.Path, endWithin)
	}
	if !stopped(c.err) {
		tb.Errorf("%s: %v\n%s", c.cmd.Path, c.err, c.log.String())
	}
}

// stopped says that a child ended because it was told to.
func stopped(err error) bool {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err == nil
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// cpu is the processor time that a process and all its threads have used, user
// and system, to the nanosecond: the kernel's own clock of that process.
func (c *child) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	const scheduled = 2
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^c.cmd.Process.Pid)<<3|scheduled, &at); err != nil {
		tb.Fatalf("the processor time of a child can not be read: %v", err)
	}
	return time.Duration(at.Nano())
}

// busy is the processor time that the whole computer has used, in steps of ten
// milliseconds.
func busy(tb testing.TB) time.Duration {
	tb.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		tb.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var ticks int64
	for i, field := range strings.Fields(line) {
		const idle, waiting, guest = 4, 5, 9
		if i == 0 || i == idle || i == waiting || i >= guest {
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory is what a process holds in memory, now and at most.
func (c *child) memory(tb testing.TB) (now, most float64) {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	field := func(name string) float64 {
		_, rest, _ := strings.Cut(string(text), name+":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kB, err := strconv.ParseFloat(number, 64)
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		return kB * 1024 / 1e6
	}
	return field("VmRSS"), field("VmHWM")
}
