// Package gate is a door in front of a TCP server: it lets connections pass,
// cuts them, holds their bytes back or is shut, while the port stays the same.
// It is where cables are pulled in the pretend plant. It knows no protocol, and
// it is no proxy for production.
package gate

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Options say what a gate does besides passing bytes on.
type Options struct {
	// Frame reads one message of the client's; nil passes bytes as they come.
	Frame func(*bufio.Reader) ([]byte, error)
	// Keep says whether a message is passed on; it is asked only with Frame.
	Keep func(frame []byte) bool
	// SpareServer lets the server see an orderly end where the client sees a
	// reset: for a server that stops listening when a greeting is reset.
	SpareServer bool
}

// Gate is one door. Its methods may be called from any goroutine.
type Gate struct {
	addr    string
	target  string
	options Options

	mu      sync.Mutex
	ln      net.Listener
	open    chan struct{} // closed while bytes may pass
	frozen  bool
	closed  bool
	pairs   map[*pair]struct{}
	flowing time.Time
	done    sync.WaitGroup
}

type pair struct {
	client, server net.Conn
	spare          bool
	held           bool // came while the gate was frozen
	gone           chan struct{}
	once           sync.Once
}

// errClosed is returned by calls after Close.
var errClosed = errors.New("the gate was closed for good")

// Open listens on addr (port 0 chooses one) and passes connections on to
// target; an empty target is given later, by Aim. Whoever opens a gate closes
// it.
func Open(addr, target string, o Options) (*Gate, error) {
	open := make(chan struct{})
	close(open)
	g := &Gate{addr: addr, target: target, options: o, open: open, pairs: map[*pair]struct{}{}}
	if err := g.Reopen(); err != nil {
		return nil, err
	}
	return g, nil
}

// Aim sets the target of connections that come from now on. Without one they
// are reset.
func (g *Gate) Aim(target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.target = target
}

// Addr is host:port as clients dial it. It never changes after Open.
func (g *Gate) Addr() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addr
}

// Reopen ends Shut: the same port is listened on again. It does nothing when
// the gate is open.
func (g *Gate) Reopen() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	if g.ln != nil {
		return nil
	}
	ln, err := net.Listen("tcp", g.addr)
	if err != nil {
		return fmt.Errorf("gate at %s: %w; is another program using the port?", g.addr, err)
	}
	g.ln, g.addr = ln, ln.Addr().String()
	g.done.Add(1)
	go g.accept(ln)
	return nil
}

// Shut refuses new connections and resets the present ones.
func (g *Gate) Shut() {
	g.mu.Lock()
	ln := g.ln
	g.ln = nil
	g.mu.Unlock()
	if ln != nil {
		ln.Close()
	}
	g.Cut()
}

// Cut resets all connections (RST, no orderly end) and goes on accepting.
func (g *Gate) Cut() {
	g.mu.Lock()
	pairs := make([]*pair, 0, len(g.pairs))
	for p := range g.pairs {
		pairs = append(pairs, p)
	}
	clear(g.pairs)
	g.flowing = time.Time{}
	g.mu.Unlock()
	for _, p := range pairs {
		p.end(true)
	}
}

// Freeze accepts connections and passes nothing in either direction until
// Pass. What was held back is passed on then, late, as TCP would.
func (g *Gate) Freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flowing = time.Time{}
	if !g.frozen {
		g.frozen = true
		g.open = make(chan struct{})
	}
}

// Pass ends Freeze.
func (g *Gate) Pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen {
		g.frozen = false
		close(g.open)
	}
}

// Clients is the number of connections.
func (g *Gate) Clients() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.pairs)
}

// FlowingSince is when the server's first bytes reached a client after the
// last disturbance; zero if there is no client or none was answered since.
func (g *Gate) FlowingSince() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.flowing
}

// Close shuts the gate for good and waits for everything it started.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.Shut()
	g.Pass()
	g.done.Wait()
}

func (g *Gate) accept(ln net.Listener) {
	defer g.done.Done()
	for {
		c, err := ln.Accept()
		if err != nil {
			return // the listener was closed by Shut
		}
		g.mu.Lock()
		if g.closed || g.ln != ln {
			g.mu.Unlock()
			reset(c)
			continue
		}
		g.done.Add(1)
		g.mu.Unlock()
		go g.serve(c, ln)
	}
}

func (g *Gate) serve(c net.Conn, ln net.Listener) {
	defer g.done.Done()
	g.mu.Lock()
	target := g.target
	g.mu.Unlock()
	server, err := net.DialTimeout("tcp", target, 2*time.Second)
	if err != nil {
		reset(c)
		return
	}
	p := &pair{client: c, server: server, spare: g.options.SpareServer, gone: make(chan struct{})}
	g.mu.Lock()
	if g.closed || g.ln != ln {
		g.mu.Unlock()
		p.end(true)
		return
	}
	g.pairs[p], p.held = struct{}{}, g.frozen
	g.mu.Unlock()

	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); g.requests(p) }()
	go func() { defer both.Done(); g.answers(p) }()
	both.Wait()

	g.mu.Lock()
	delete(g.pairs, p)
	if len(g.pairs) == 0 {
		g.flowing = time.Time{}
	}
	g.mu.Unlock()
}

// requests passes the client's bytes on until either side is gone.
func (g *Gate) requests(p *pair) {
	defer p.end(false)
	if g.options.Frame == nil {
		if g.greet(p) {
			g.copy(p, p.client, p.server, nil)
		}
		return
	}
	r := bufio.NewReader(p.client)
	for {
		frame, err := g.options.Frame(r)
		if err != nil || !g.wait(p) {
			return
		}
		if g.options.Keep != nil && !g.options.Keep(frame) {
			continue
		}
		if _, err := p.server.Write(frame); err != nil {
			return
		}
	}
}

// greet passes the client's first bytes on. A client that gave up while the gate
// was frozen was never there: the cable that carried nothing would not have
// carried its connection either.
func (g *Gate) greet(p *pair) bool {
	buf := make([]byte, 16<<10)
	n, err := p.client.Read(buf)
	if err != nil {
		return false
	}
	g.mu.Lock()
	held := p.held || g.frozen
	g.mu.Unlock()
	if !held {
		_, err = p.server.Write(buf[:n])
		return err == nil
	}
	if !g.wait(p) || p.client.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	more, err := p.client.Read(buf[n:])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || p.client.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	_, err = p.server.Write(buf[:n+more])
	return err == nil
}

func (g *Gate) answers(p *pair) {
	defer p.end(false)
	g.copy(p, p.server, p.client, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if _, here := g.pairs[p]; here && g.flowing.IsZero() && !g.frozen {
			g.flowing = time.Now()
		}
	})
}

func (g *Gate) copy(p *pair, from, to net.Conn, passed func()) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !g.wait(p) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
			if passed != nil {
				passed()
			}
		}
		if err != nil {
			return
		}
	}
}

// wait returns true once bytes may pass, false if the connection ended first.
func (g *Gate) wait(p *pair) bool {
	for {
		g.mu.Lock()
		open, frozen := g.open, g.frozen
		g.mu.Unlock()
		if !frozen {
			return true
		}
		select {
		case <-open:
		case <-p.gone:
			return false
		}
	}
}

// end closes both sides, at once and by a reset if hard. The first call
// decides. What one side sent before its own orderly end still arrives.
func (p *pair) end(hard bool) {
	p.once.Do(func() {
		close(p.gone)
		if hard && p.spare {
			reset(p.client)
			p.server.Close()
			return
		}
		if hard {
			reset(p.client)
			reset(p.server)
			return
		}
		p.client.Close()
		p.server.Close()
	})
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		// An error would say that the connection is gone already.
		_ = tcp.SetLinger(0)
	}
	c.Close()
}
