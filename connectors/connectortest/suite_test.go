package connectortest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestSuiteAcceptsAGoodConnector runs the suite against a protocol of a few
// lines, so that a failure elsewhere is the connector's and not the suite's.
func TestSuiteAcceptsAGoodConnector(t *testing.T) {
	Run(t, Harness{
		Tags: []connectors.Tag{{Address: "0"}, {Address: "1"}, {Address: "2"}},
		Serve: func(t testing.TB) Peer {
			p := &toyPeer{addr: "127.0.0.1:0"}
			p.Start(t)
			t.Cleanup(func() { p.Stop(t) })
			return p
		},
		Connect: func(_ testing.TB, addr string) connectors.Connector {
			return &toyConnector{addr: addr}
		},
		ReportsMissing: true,
	})
}

func TestRecorderSeesBreaches(t *testing.T) {
	now := time.Now()
	good := connectors.Sample{Value: connectors.Int(1), Quality: connectors.Good}
	for want, emit := range map[string]func(*Recorder){
		"samples came before LinkUp": func(r *Recorder) {
			r.Begin()
			r.Emit(connectors.Batch{Time: now, Samples: []connectors.Sample{good}})
		},
		"emit was called after Run had returned": func(r *Recorder) {
			r.Emit(connectors.Batch{Time: now, Link: connectors.LinkUp})
		},
		"the connector emitted LinkDown; only the supervisor may": func(r *Recorder) {
			r.Begin()
			r.Emit(connectors.Batch{Time: now, Link: connectors.LinkDown})
		},
		"a bad sample of tag 0 has no reason": func(r *Recorder) {
			r.Begin()
			r.Emit(connectors.Batch{Time: now, Link: connectors.LinkUp, Samples: []connectors.Sample{{}}})
		},
		"a good sample of tag 0 has no value": func(r *Recorder) {
			r.Begin()
			r.Emit(connectors.Batch{Time: now, Link: connectors.LinkUp,
				Samples: []connectors.Sample{{Quality: connectors.Good}}})
		},
		"a batch has no time": func(r *Recorder) {
			r.Begin()
			r.Emit(connectors.Batch{Link: connectors.LinkUp})
		},
	} {
		r := NewRecorder(1)
		emit(r)
		if got := strings.Join(r.Faults(), "; "); got != want {
			t.Errorf("faults are %q, want %q", got, want)
		}
	}
}

// toyPeer sends its values as lines "tag value" to whoever connects, and an
// empty line as a sign of life.
type toyPeer struct {
	mu       sync.Mutex
	addr     string
	listener net.Listener
	values   [2]string
	conns    map[net.Conn]bool
	wait     sync.WaitGroup
}

func (p *toyPeer) Addr() string { return p.addr }

func (p *toyPeer) Set(_ testing.TB, tag int, v connectors.Value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[tag] = v.Text()
	for c := range p.conns {
		_, _ = fmt.Fprintf(c, "%d %s\n", tag, v.Text())
	}
}

func (p *toyPeer) Start(t testing.TB) {
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.addr, p.listener, p.conns = listener.Addr().String(), listener, map[net.Conn]bool{}
	p.wait.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			p.wait.Go(func() { p.serve(c) })
		}
	})
}

func (p *toyPeer) serve(c net.Conn) {
	p.mu.Lock()
	p.conns[c] = true
	for tag, v := range p.values {
		_, _ = fmt.Fprintf(c, "%d %s\n", tag, v)
	}
	p.mu.Unlock()
	for {
		p.mu.Lock()
		_, err := fmt.Fprintln(c)
		if err != nil {
			delete(p.conns, c)
			p.mu.Unlock()
			_ = c.Close()
			return
		}
		p.mu.Unlock()
		pause(50 * time.Millisecond)
	}
}

func (p *toyPeer) Stop(testing.TB) {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
}

// toyConnector reads what toyPeer writes.
type toyConnector struct {
	addr  string
	mu    sync.Mutex
	stats connectors.Stats
}

func (c *toyConnector) Stats() connectors.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *toyConnector) Run(ctx context.Context, emit func(connectors.Batch)) error {
	err := c.run(ctx, emit)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("toy %s: %w", c.addr, err)
}

func (c *toyConnector) run(ctx context.Context, emit func(connectors.Batch)) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	lines, up := bufio.NewReader(conn), false
	for {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if !up {
			up = true
			c.emit(emit, connectors.Batch{Link: connectors.LinkUp,
				Samples: []connectors.Sample{{Tag: Missing, Reason: "no such tag"}}})
		}
		tag, text, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found {
			continue
		}
		sample := connectors.Sample{Quality: connectors.Good}
		if sample.Tag, err = strconv.Atoi(tag); err != nil {
			return err
		}
		sample.Value = connectors.String(text)
		c.emit(emit, connectors.Batch{Samples: []connectors.Sample{sample}})
	}
}

func (c *toyConnector) emit(emit func(connectors.Batch), b connectors.Batch) {
	b.Time = time.Now()
	c.mu.Lock()
	c.stats.Requests++
	c.stats.Samples += uint64(len(b.Samples))
	if b.Link == connectors.LinkSame {
		c.stats.LastGood = b.Time
	}
	c.mu.Unlock()
	emit(b)
}

func (c *toyConnector) Conditions() []connectors.Condition { return nil }
