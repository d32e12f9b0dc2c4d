package uplink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// pipes is a network of one server: connections are pairs of net.Pipe, so that
// HTTP is spoken in virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

var errNoRoute = errors.New("connect: no route to host")

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "prodsmart", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, errNoRoute
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// weather is how the line behaves at a time.
type weather uint8

const (
	fair weather = iota
	// storm lets each call meet its own fault, or none.
	storm
	// The outages: no connection, no answer, 503 to everything.
	unreachable
	silent
	unavailable
)

// line stands between the gateway and Prodsmart, as proxies, firewalls and bad
// lines do. What it does to a call follows from the seed, the call's path and
// its number there, so that a run can be repeated.
type line struct {
	*pipes
	server http.Handler
	seed   uint64
	// refuses answers some counter and parameters posts with 400, out of the
	// blue; once does not repeat start/stop calls.
	refuses, once bool

	mu       sync.Mutex
	weather  weather
	calls    map[string]uint64
	arrivals []time.Time
	tokens   []time.Time // those of arrivals that the gateway does not plan
	log      []string
	// lost holds the start/stop calls per machine that may have had no clear
	// answer.
	lost map[string][]time.Time
	// mistaken holds the paths of counters whose post was applied and, being
	// repeated, answered with a refusal.
	mistaken map[string]bool
}

func (l *line) set(w weather) {
	l.mu.Lock()
	l.weather = w
	l.mu.Unlock()
}

// dial opens a connection for the client.
func (l *line) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	l.mu.Lock()
	w := l.weather
	l.mu.Unlock()
	if w == unreachable {
		return nil, errNoRoute
	}
	return l.pipes.dial(ctx)
}

// lateness is how long after its client gave up a call may still be applied.
// The gateway pauses for 5 s after an unclear answer; a call that is applied
// later than that has been overtaken, and nothing but reading back shows it.
const lateness = 4 * time.Second

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	path := r.URL.Path
	l.mu.Lock()
	now := time.Now()
	l.arrivals = append(l.arrivals, now)
	if strings.HasSuffix(path, "/authorization") {
		l.tokens = append(l.tokens, now)
	}
	l.calls[path]++
	number, sky := l.calls[path], l.weather
	if part := strings.Split(path, "/"); sky != fair && strings.HasSuffix(path, "/startstop") {
		machine := part[len(part)-2]
		l.lost[machine] = append(l.lost[machine], now)
	}
	l.mu.Unlock()
	c := &lineCall{line: l, random: rand.New(rand.NewPCG(l.seed, hash(path, number))), w: w, r: r, body: body}
	c.did("arrives")
	switch sky {
	case fair:
		c.pass()
	case storm:
		c.brave()
	case unreachable:
		panic(http.ErrAbortHandler)
	case silent:
		<-r.Context().Done()
	case unavailable:
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
	}
}

// lineCall is one call on its way.
type lineCall struct {
	*line
	random *rand.Rand
	w      http.ResponseWriter
	r      *http.Request
	body   []byte
}

func (c *lineCall) did(what string) {
	c.mu.Lock()
	c.log = append(c.log, fmt.Sprintf("%s %s %s %s", stamp(time.Now()), c.r.URL.Path, c.body, what))
	c.mu.Unlock()
}

// request is the call with its body, whatever becomes of its connection.
func (c *lineCall) request() *http.Request {
	r := c.r.WithContext(context.WithoutCancel(c.r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	return r
}

// pass lets Prodsmart answer.
func (c *lineCall) pass() {
	r := c.request()
	c.server.ServeHTTP(c.w, r.WithContext(c.r.Context()))
}

// apply lets Prodsmart answer where nobody hears it.
func (c *lineCall) apply() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, c.request())
	c.did(fmt.Sprintf("applied: %d %.60s", w.Code, w.Body))
	return w
}

func (c *lineCall) show(w *httptest.ResponseRecorder) {
	for k, v := range w.Header() {
		c.w.Header()[k] = v
	}
	c.w.WriteHeader(w.Code)
	_, _ = c.w.Write(w.Body.Bytes()) // the client may be gone
}

// rest waits, at most the lateness longer than the client does.
func (c *lineCall) rest(d time.Duration) {
	end := time.Now().Add(d)
	select {
	case <-time.After(d):
		return
	case <-c.r.Context().Done():
	}
	time.Sleep(min(lateness, time.Until(end)))
}

// brave lets a call meet its fault.
func (c *lineCall) brave() {
	edge := strings.HasSuffix(c.r.URL.Path, "/startstop")
	switch fate := c.random.IntN(1000); {
	case fate < 40:
		c.did("dropped before")
		panic(http.ErrAbortHandler)
	case fate < 100:
		c.apply()
		c.did("dropped after")
		panic(http.ErrAbortHandler)
	case fate < 130:
		c.did("502 before")
		http.Error(c.w, "Bad Gateway", http.StatusBadGateway)
	case fate < 160:
		c.apply()
		c.did("504 after")
		http.Error(c.w, "Gateway Timeout", http.StatusGatewayTimeout)
	case fate < 200: // late, though heard
		c.rest(time.Duration(c.random.Int64N(int64(3 * time.Second))))
		c.show(c.apply())
	case fate < 230: // applied late, perhaps after the client gave up
		c.rest(time.Duration(c.random.Int64N(int64(20 * time.Second))))
		c.show(c.apply())
	case fate < 250: // applied at once, the answer comes after the timeout
		w := c.apply()
		<-c.r.Context().Done()
		c.show(w)
	case fate < 265:
		c.did("never answered")
		<-c.r.Context().Done()
	case fate < 290 && !(edge && c.once):
		c.twice(edge)
	default:
		c.answerWrongly(fate, edge)
	}
}

// twice is a proxy that repeats a call. It shows the second answer, as if the
// first had got lost; a refusal of a repeated start or stop, which nobody could
// tell from a real one, it keeps to itself.
func (c *lineCall) twice(edge bool) {
	c.did("twice")
	first := c.apply()
	second := c.apply()
	if edge && second.Code >= 300 {
		second = first
	}
	if first.Code < 300 && second.Code >= 300 {
		c.mu.Lock()
		c.mistaken[c.r.URL.Path] = true
		c.mu.Unlock()
	}
	c.show(second)
}

func (c *lineCall) answerWrongly(fate int, edge bool) {
	switch {
	case fate < 305:
		c.did("429")
		c.w.Header().Set("Retry-After", fmt.Sprint(1+c.random.IntN(10)))
		http.Error(c.w, "Too many requests", http.StatusTooManyRequests)
	case fate < 312:
		c.did("429 bare")
		http.Error(c.w, "Too many requests", http.StatusTooManyRequests)
	case fate < 327:
		c.did("page")
		c.w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(c.w, "<!DOCTYPE html><html><title>Sign in</title></html>")
	case fate < 342: // the answer to somebody else's call
		if w := c.apply(); w.Code >= 300 {
			c.show(w) // nobody could tell that it was not applied
			return
		}
		c.did("wrong answer")
		_, _ = io.WriteString(c.w, []string{"7", `{"count": 123456789}`, "OK", ""}[c.random.IntN(4)])
	case fate < 355: // broken off
		if w := c.apply(); w.Code >= 300 {
			c.show(w)
			return
		}
		c.did("truncated")
		c.w.Header().Set("Content-Length", "50")
		_, _ = io.WriteString(c.w, `{"count"`)
	case fate < 359:
		c.did("401")
		http.Error(c.w, "Unauthorized", http.StatusUnauthorized)
	case fate < 380 && c.refuses && !edge:
		c.did("400 out of the blue")
		http.Error(c.w, "Bad Request", http.StatusBadRequest)
	default:
		c.pass()
	}
}

// hash makes one number of all that chance depends on.
func hash(of ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, of...)
	return h.Sum64()
}

// stamp is a time of the virtual day.
func stamp(t time.Time) string { return t.UTC().Format("02 15:04:05.000") }
