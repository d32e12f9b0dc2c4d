package prodsmart

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "key-4711"
	testSecret = "s3cret/with+odd=chars&"
)

// patience bounds waits that normally end at once.
const patience = 10 * time.Second

// newClient makes a client of a pretend Prodsmart; change may alter the
// configuration.
func newClient(t testing.TB, address string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		URL: address, Insecure: true, Proxy: ProxyDirect, Timeout: patience,
		Key: NewSecret(testKey), Secret: NewSecret(testSecret),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func withToken(cfg *Config) { cfg.Auth = AuthToken }

// answering serves one handler.
func answering(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// saying serves one answer to everything.
func saying(t testing.TB, status int, contentType, body string) string {
	return answering(t, func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// rawServer serves each TCP connection with a function and closes it then.
func rawServer(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// takeRequest reads one whole request; false at the end of the connection.
func takeRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

func counterPost(count int64) Post {
	return Post{Machine: "A32", Service: CounterService, Body: CounterBody(count, nil, nil)}
}

// send makes a counter post and checks its verdict.
func send(t testing.TB, c *Client, want Verdict) Answer {
	t.Helper()
	return expect(t, c.Send(t.Context(), counterPost(500)), want)
}

func expect(t testing.TB, a Answer, want Verdict) Answer {
	t.Helper()
	if a.Verdict != want {
		t.Fatalf("verdict %s (status %d, %q), want %s", a.Verdict, a.Status, a.Text, want)
	}
	return a
}

// reset closes a connection with a TCP reset instead of an orderly end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
