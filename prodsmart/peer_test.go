package prodsmart

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Each of these peers takes a whole request before it misbehaves, so that it
// may have been applied.
func TestPeersThatMayHaveApplied(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	for name, row := range map[string]struct {
		serve func(net.Conn)
		want  Verdict
		text  string
	}{
		"closes":          {func(net.Conn) {}, Ambiguous, "HOST closed the connection before it answered"},
		"resets":          {reset, Ambiguous, "HOST closed the connection before it answered"},
		"half a head":     {says("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"), Ambiguous, "HOST closed the connection before it answered"},
		"half a status":   {says("HTTP/1."), Ambiguous, ""},
		"speaks SSH":      {says("SSH-2.0-OpenSSH_9.2\r\n"), Ambiguous, "what answers at HOST does not speak HTTP"},
		"binary":          {says("\x00\x01\x02\xff\xfe\r\n\r\n\x00"), Ambiguous, "what answers at HOST does not speak HTTP"},
		"status of words": {says("HTTP/1.1 yes OK\r\n\r\n"), Ambiguous, "what answers at HOST does not speak HTTP"},
		"status of zero":  {says("HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"), Ambiguous, "what answers at HOST does not speak HTTP"},
		"endless head":    {says(head + strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\r\n", 100)), Ambiguous, ""},
		"early hints":     {says("HTTP/1.1 103 Early Hints\r\n\r\n" + head + "Content-Length: 3\r\n\r\n500"), Accepted, "500"},
		"half a body":     {says(head + "Content-Length: 100\r\n\r\n500"), Accepted, "500 (the answer broke off here)"},
		"no body":         {says(head + "Content-Length: 100\r\n\r\n"), Accepted, "(the answer broke off after its status)"},
		"broken chunks":   {says(head + "Transfer-Encoding: chunked\r\n\r\n3\r\n500\r\nzz\r\n"), Accepted, "500 (the answer broke off here)"},
		"half a page":     {says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n"), Ambiguous, "HOST answered with a web page"},
		"false gzip":      {says(head + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n500"), Accepted, "(the answer broke off after its status)"},
		"half a refusal":  {says("HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\ncount must grow"), Refused, "count must grow"},
		"old and closing": {says("HTTP/1.0 200 OK\r\n\r\n500"), Accepted, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			c := newClient(t, rawServer(t, func(conn net.Conn) {
				if takeRequest(bufio.NewReader(conn)) {
					requests.Add(1)
					row.serve(conn)
				}
			}))
			a := send(t, c, row.want)
			if want := strings.ReplaceAll(row.text, "HOST", c.host); !strings.HasPrefix(a.Text, want) {
				t.Errorf("text %q, want %q", a.Text, want)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}

func says(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

// A peer that hangs before its head, or drips its body, holds nobody up.
func TestHangingPeers(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	head := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n500"
	hang := func(text string) string {
		return rawServer(t, func(conn net.Conn) {
			takeRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, text)
			<-release
		})
	}
	short := func(cfg *Config) { cfg.Timeout = 100 * time.Millisecond }

	silent := newClient(t, hang(""), short)
	a := send(t, silent, Ambiguous)
	if want := silent.host + " did not answer within 100ms"; a.Text != want || a.Status != 0 {
		t.Errorf("text %q, want %q", a.Text, want)
	}
	dripping := newClient(t, hang(head))
	dripping.bodyTimeout = 50 * time.Millisecond
	if a := send(t, dripping, Accepted); a.Text != "500 (the answer broke off here)" || a.Took >= patience {
		t.Errorf("%q after %s", a.Text, a.Took)
	}
}

// The transport may not repeat a POST whose bytes left over a kept connection,
// however that connection ends.
func TestNothingIsSentTwice(t *testing.T) {
	for name, end := range map[string]func(net.Conn){"closes": func(net.Conn) {}, "resets": reset} {
		t.Run(name, func(t *testing.T) {
			var requests, connections atomic.Int32
			c := newClient(t, rawServer(t, func(conn net.Conn) {
				connections.Add(1)
				r := bufio.NewReader(conn)
				if !takeRequest(r) {
					return
				}
				requests.Add(1)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n500")
				if takeRequest(r) {
					requests.Add(1)
					end(conn)
				}
			}))
			send(t, c, Accepted)
			send(t, c, Ambiguous)
			if requests.Load() != 2 || connections.Load() != 1 {
				t.Errorf("%d requests over %d connections, want 2 over 1", requests.Load(), connections.Load())
			}
			send(t, c, Accepted)
		})
	}
}

// A kept connection that the server closed while nothing was under way costs
// nothing: the request finds it closed before its first byte left, or is told
// to be ambiguous; it is never made twice.
func TestIdleConnectionClosed(t *testing.T) {
	var requests atomic.Int32
	c := newClient(t, rawServer(t, func(conn net.Conn) {
		if takeRequest(bufio.NewReader(conn)) {
			requests.Add(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n500")
		}
	}))
	const posts = 50
	accepted := 0
	for range posts {
		switch a := c.Send(t.Context(), counterPost(1)); a.Verdict {
		case Accepted:
			accepted++
		case Ambiguous, Unsent:
		default:
			t.Fatalf("%s: %s", a.Verdict, a.Text)
		}
	}
	if n := int(requests.Load()); n != accepted || accepted == 0 {
		t.Errorf("%d posts were accepted, %d applied", accepted, n)
	}
}

// deadConn stops taking bytes once it is dead, without an end that a reader
// could see.
type deadConn struct {
	net.Conn
	dead *atomic.Bool
}

func (c deadConn) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(b)
}

// A kept connection that takes no byte is replaced; if there is no other to be
// had, nothing has left.
func TestDeadConnection(t *testing.T) {
	var dead, down atomic.Bool
	var dials, requests atomic.Int32
	c := newClient(t, answering(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	c.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if down.Load() {
			return nil, syscall.ECONNREFUSED
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if dials.Add(1) == 1 {
			return deadConn{conn, &dead}, err
		}
		return deadConn{conn, &down}, err
	}
	send(t, c, Accepted)
	dead.Store(true)
	send(t, c, Accepted)
	down.Store(true)
	send(t, c, Unsent)
	if dials.Load() != 2 || requests.Load() != 2 {
		t.Errorf("%d connections, %d requests", dials.Load(), requests.Load())
	}
}

// A request that the server stops taking half way may have left.
func TestHalfTaken(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	c := newClient(t, rawServer(t, func(conn net.Conn) {
		_, _ = bufio.NewReader(conn).Peek(1)
		<-release
	}), func(cfg *Config) { cfg.Timeout = 200 * time.Millisecond })
	large := Post{Machine: "A32", Service: ParametersService, Body: []byte(strings.Repeat(" ", 32<<20))}
	expect(t, c.Send(t.Context(), large), Ambiguous)
}

func TestUnsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	noHook := func(cfg *Config) { cfg.OnRequest = func(Request) { t.Error("a request left") } }

	c := newClient(t, closed, noHook)
	if a := send(t, c, Unsent); a.Text != c.host+" refused the connection; check the address and port, and whether it is up" {
		t.Error(a.Text)
	}
	if a := expect(t, c.Send(cancelled(), counterPost(1)), Unsent); a.Text != "given up by the gateway before the request to "+c.host+" left" {
		t.Error(a.Text)
	}
}

// Whoever gives up while the server is silent learns that it may have been
// applied.
func TestCallerGivesUp(t *testing.T) {
	taken, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	c := newClient(t, rawServer(t, func(conn net.Conn) {
		takeRequest(bufio.NewReader(conn))
		close(taken)
		<-release
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-taken
		cancel()
	}()
	a := expect(t, c.Send(ctx, counterPost(1)), Ambiguous)
	if a.Text != "given up by the gateway while "+c.host+" had not answered" {
		t.Error(a.Text)
	}
}
