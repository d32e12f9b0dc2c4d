package connectortest

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
)

// connected gives the two ends of a connection, which end with the test.
func connected(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	b, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

func TestWhatIsLeftBehindIsNamed(t *testing.T) {
	if _, err := os.Stat(folder); err != nil {
		t.Skip("this system does not list the descriptors of a process")
	}
	connected(t) // what the first connection needs for good is there
	// What other tests left to be collected would go meanwhile.
	runtime.GC()
	runtime.GC()
	before := settled(NewProxy(t, "127.0.0.1:1"))
	a, b := connected(t)
	stop, began := make(chan struct{}), make(chan struct{})
	defer close(stop)
	go func() {
		close(began)
		<-stop
	}()
	<-began
	now := present()
	extra := now.beyond(before, 0)
	if len(extra) != 2 || !strings.HasPrefix(extra[0], "1 goroutines more") || !strings.HasPrefix(extra[1], "2 open descriptors more") {
		t.Fatalf("a goroutine and two sockets show as %q", extra)
	}
	for _, want := range []string{
		a.LocalAddr().String() + "->" + b.LocalAddr().String() + ", state 01",
		b.LocalAddr().String() + "->" + a.LocalAddr().String() + ", state 01",
	} {
		if !strings.Contains(extra[1], want) {
			t.Errorf("%q is not named in %s", want, extra[1])
		}
	}
	if strings.Count(extra[1], "\n") != 2 {
		t.Errorf("not two descriptors are named: %s", extra[1])
	}
	if extra := now.beyond(before, 2); len(extra) != 0 {
		t.Errorf("beyond a margin of 2 are %q", extra)
	}
	if g, f := counts(); g != len(now.stacks) || f != len(now.files) {
		t.Errorf("counted are %d goroutines and %d descriptors, listed %d and %d", g, f, len(now.stacks), len(now.files))
	}
}

// TestPooledPipesAreNoRemains: Go copies from socket to socket through a pipe,
// and keeps that for the next copy.
func TestPooledPipesAreNoRemains(t *testing.T) {
	connected(t)
	proxy := NewProxy(t, "127.0.0.1:1")
	runtime.GC()
	runtime.GC()
	before := settled(proxy)
	func() {
		a, b := connected(t)
		c, d := connected(t)
		if _, err := a.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if n, err := io.Copy(c, b); n != 1 || err != nil {
			t.Fatalf("%d bytes were copied: %v", n, err)
		}
		b.Close()
		c.Close()
		d.Close()
	}()
	if now := present(); len(now.files) != 0 && len(now.pipes()) == len(before.pipes()) {
		t.Skip("this Go copies without pipes")
	}
	if extra := settledTo(proxy, before, 0).beyond(before, 0); len(extra) != 0 {
		t.Errorf("left are %v", extra)
	}
}

func TestEndpointsAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000000000000000000001000000:0050": "[::1]:80",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
		"nonsense":                              "nonsense",
		"01:0050":                               "01:0050",
	} {
		if got := endpoint(text); got != want {
			t.Errorf("%s reads as %s, want %s", text, got, want)
		}
	}
}
