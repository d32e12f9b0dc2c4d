package connectortest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo serves lines back until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a line and reads the answer within limit.
func ask(c net.Conn, line string, limit time.Duration) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	return hear(c, limit)
}

func hear(c net.Conn, limit time.Duration) (string, error) {
	if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

func TestProxyPasses(t *testing.T) {
	p := NewProxy(t, echo(t))
	c := dial(t, p.Addr())
	for _, line := range []string{"one", "two"} {
		if got, err := ask(c, line, 5*time.Second); err != nil || got != line+"\n" {
			t.Fatalf("asked %q, got %q, %v", line, got, err)
		}
	}
	if p.Accepted() != 1 || p.Open() != 1 {
		t.Errorf("accepted %d, open %d, want 1 and 1", p.Accepted(), p.Open())
	}
}

func TestProxyPassesTheEnd(t *testing.T) {
	p := NewProxy(t, echo(t))
	c := dial(t, p.Addr())
	if _, err := io.WriteString(c, "last"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "last" {
		t.Errorf("got %q, %v; want what was sent before the end, then the end", got, err)
	}
}

func TestProxyCutResets(t *testing.T) {
	p := NewProxy(t, echo(t))
	c := dial(t, p.Addr())
	if _, err := ask(c, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if _, err := hear(c, 5*time.Second); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after Cut the read says %v, want a reset", err)
	}
	if got, err := ask(dial(t, p.Addr()), "again", 5*time.Second); err != nil || got != "again\n" {
		t.Errorf("a new connection after Cut got %q, %v", got, err)
	}
}

func TestProxySwallowsAndGoesOn(t *testing.T) {
	p := NewProxy(t, echo(t))
	old := dial(t, p.Addr())
	if _, err := ask(old, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Swallow()
	fresh := dial(t, p.Addr())
	for name, c := range map[string]net.Conn{"old": old, "fresh": fresh} {
		if got, err := ask(c, name, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s connection got %q, %v while swallowed, want nothing", name, got, err)
		}
	}
	p.Pass()
	for name, c := range map[string]net.Conn{"old": old, "fresh": fresh} {
		if got, err := hear(c, 5*time.Second); err != nil || got != name+"\n" {
			t.Errorf("%s connection got %q, %v after Pass, want what was held back", name, got, err)
		}
	}
}

func TestProxyCutsWhatItSwallows(t *testing.T) {
	p := NewProxy(t, echo(t))
	p.Swallow()
	c := dial(t, p.Addr())
	for deadline := time.Now().Add(5 * time.Second); p.Open() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the connection was never accepted")
		}
	}
	p.Cut()
	if _, err := hear(c, 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a swallowed connection was not cut: %v", err)
	}
}

func TestProxyRefuses(t *testing.T) {
	p := NewProxy(t, echo(t))
	old := dial(t, p.Addr())
	if _, err := ask(old, "hello", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Refuse()
	if got, err := ask(old, "still", 5*time.Second); err != nil || got != "still\n" {
		t.Errorf("the old connection got %q, %v, want an answer", got, err)
	}
	if c, err := net.DialTimeout("tcp", p.Addr(), 5*time.Second); err == nil {
		defer func() { _ = c.Close() }()
		if _, err := hear(c, 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a new connection was not closed: %v", err)
		}
	}
	p.Pass()
	if got, err := ask(dial(t, p.Addr()), "again", 5*time.Second); err != nil || got != "again\n" {
		t.Errorf("after Pass got %q, %v", got, err)
	}
}

func TestProxyWithoutPeer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peer := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	p := NewProxy(t, peer)
	c, err := net.DialTimeout("tcp", p.Addr(), 5*time.Second)
	if err != nil {
		return // the reset came before the connection was seen
	}
	defer func() { _ = c.Close() }()
	if _, err := hear(c, 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection to an absent peer was not closed: %v", err)
	}
}
