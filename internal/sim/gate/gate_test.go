package gate

import (
	"bufio"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that sends every line back.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	return ln.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func hear(c net.Conn, wait time.Duration) (string, error) {
	c.SetReadDeadline(time.Now().Add(wait))
	return bufio.NewReader(c).ReadString('\n')
}

func TestGate(t *testing.T) {
	target := echo(t)
	g, err := Open("127.0.0.1:0", target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	addr := g.Addr()
	if !g.FlowingSince().IsZero() {
		t.Error("flows without a client")
	}

	c := dial(t, addr)
	say(t, c, "one\n")
	if got, err := hear(c, 2*time.Second); got != "one\n" {
		t.Fatalf("pass: %q %v", got, err)
	}
	// The client may hear before the gate notes that it did.
	for deadline := time.Now().Add(2 * time.Second); g.FlowingSince().IsZero() && time.Now().Before(deadline); <-time.After(time.Millisecond) {
	}
	if g.Clients() != 1 || g.FlowingSince().IsZero() {
		t.Errorf("clients %d, flowing since %v", g.Clients(), g.FlowingSince())
	}

	g.Freeze()
	say(t, c, "two\n")
	if got, err := hear(c, 150*time.Millisecond); err == nil {
		t.Fatalf("frozen, but answered %q", got)
	}
	mute := dial(t, addr)
	say(t, mute, "accepted\n")
	if got, err := hear(mute, 100*time.Millisecond); err == nil {
		t.Fatalf("frozen, but a new connection was answered %q", got)
	}
	g.Pass()
	if got, err := hear(c, 2*time.Second); got != "two\n" {
		t.Fatalf("late answer: %q %v", got, err)
	}

	g.Cut()
	if _, err := hear(c, 2*time.Second); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut: %v, want a reset", err)
	}
	if !g.FlowingSince().IsZero() {
		t.Error("flows after a cut")
	}
	c = dial(t, addr)
	say(t, c, "three\n")
	if got, err := hear(c, 2*time.Second); got != "three\n" {
		t.Fatalf("after cut: %q %v", got, err)
	}

	g.Shut()
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("shut, but a connection was accepted")
	}
	if err := g.Reopen(); err != nil {
		t.Fatal(err)
	}
	if g.Addr() != addr {
		t.Errorf("reopened at %s, was %s", g.Addr(), addr)
	}
	c = dial(t, addr)
	say(t, c, "four\n")
	if got, err := hear(c, 2*time.Second); got != "four\n" {
		t.Fatalf("after reopening: %q %v", got, err)
	}
	g.Close()
	if err := g.Reopen(); err == nil {
		t.Error("reopened after Close")
	}
}

func TestGateKeepsFrames(t *testing.T) {
	g, err := Open("127.0.0.1:0", echo(t), Options{
		Frame: func(r *bufio.Reader) ([]byte, error) { return r.ReadBytes('\n') },
		Keep:  func(b []byte) bool { return b[0] != '#' },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c := dial(t, g.Addr())
	say(t, c, "#lost\nkept\n")
	if got, err := hear(c, 2*time.Second); got != "kept\n" {
		t.Fatalf("got %q %v", got, err)
	}
}

func TestGateOrderlyEnd(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "last words\n")
			c.Close()
		}
	}()
	g, err := Open("127.0.0.1:0", "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.Aim(ln.Addr().String())
	for range 50 {
		c := dial(t, g.Addr())
		c.SetReadDeadline(time.Now().Add(2 * time.Second))
		b, err := io.ReadAll(c)
		if string(b) != "last words\n" || err != nil {
			t.Fatalf("got %q %v", b, err)
		}
	}
}

func TestGateErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := ln.Addr().String()
	if _, err := Open(taken, "127.0.0.1:1", Options{}); err == nil {
		t.Error("opened on a port in use")
	}
	ln.Close()
	g, err := Open("127.0.0.1:0", taken, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c, err := net.Dial("tcp", g.Addr())
	if err != nil {
		return // the reset came before the connection was established
	}
	defer c.Close()
	if _, err := hear(c, 2*time.Second); err == nil {
		t.Error("nobody behind the gate, but answered")
	}
}

// TestGaveUpWhileFrozen holds two greetings back: only that of the client that
// is still there arrives.
func TestGaveUpWhileFrozen(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	greetings := make(chan string, 2)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				text, err := bufio.NewReader(c).ReadString('\n')
				if err == nil {
					greetings <- text
				}
			}()
		}
	}()
	g, err := Open("127.0.0.1:0", ln.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.Freeze()
	gone, patient := dial(t, g.Addr()), dial(t, g.Addr())
	say(t, gone, "gone\n")
	say(t, patient, "patient\n")
	for deadline := time.Now().Add(5 * time.Second); g.Clients() < 2; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the gate did not accept")
		}
	}
	gone.Close()
	g.Pass()
	select {
	case text := <-greetings:
		if text != "patient\n" {
			t.Errorf("heard %q", text)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("nothing was heard")
	}
	select {
	case text := <-greetings:
		t.Errorf("heard %q as well", text)
	case <-time.After(100 * time.Millisecond):
	}
	orderly := dial(t, g.Addr())
	say(t, orderly, "orderly\n")
	orderly.Close()
	select {
	case text := <-greetings:
		if text != "orderly\n" {
			t.Errorf("heard %q", text)
		}
	case <-time.After(5 * time.Second):
		t.Error("what was sent before an orderly end did not arrive")
	}
}
