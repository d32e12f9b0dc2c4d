//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program builds the command, for what only a process of its own can show.
func program(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "prodsmart-gateway")
	if out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// ended waits for a process, which must end by itself soon.
func ended(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// TestInterrupt presses Ctrl-C while topics are listed, and while a device is
// silent: both end at once, in order, and say so.
func TestInterrupt(t *testing.T) {
	file, at := program(t), devices(t)
	browse := exec.Command(file, "browse", at["MQTT"], "--for", "10m")
	var talk bytes.Buffer
	browse.Stderr = &talk
	out, err := browse.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := browse.Start(); err != nil {
		t.Fatal(err)
	}
	rows := bufio.NewReader(out)
	if _, err := rows.ReadString('\n'); err != nil {
		t.Fatal(err, talk.String())
	}
	if err := browse.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, rows); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, browse); code != 0 || !strings.Contains(talk.String(), "Stopped after") {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
}

// TestInterruptSilent presses Ctrl-C while a device that was asked says nothing.
func TestInterruptSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := program(t)
	var talk bytes.Buffer
	probe := exec.Command(file, "probe", "tcp://"+l.Addr().String(), "40001", "--timeout", "10m")
	probe.Stderr = &talk
	if err := probe.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	if err := probe.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, probe); code != 1 || talk.String() != "stopped\n" {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
}

// TestReaderLeaves closes the pipe behind browse, as head does: the program ends
// in order and not by a signal, so that its session is closed.
func TestReaderLeaves(t *testing.T) {
	file, at := program(t), devices(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var talk bytes.Buffer
	browse := exec.Command(file, "browse", at["OPCUA"])
	browse.Stdout, browse.Stderr = w, &talk
	if err := browse.Start(); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, browse); code != 0 || talk.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, talk.String())
	}
}
