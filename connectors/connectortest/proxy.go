package connectortest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// mode is what a Proxy does with connections and bytes.
type mode uint8

const (
	passing mode = iota
	swallowing
	refusing
	halfOpen
)

// Proxy stands between a connector and its peer and misbehaves as networks do.
// It listens on a free port of 127.0.0.1 and dials the peer anew for every
// connection, so the peer may be stopped and started behind it.
type Proxy struct {
	listener net.Listener
	peer     string
	wait     sync.WaitGroup

	mu       sync.Mutex
	mode     mode
	changed  chan struct{} // closed when mode changes or the proxy ends
	closed   bool
	delay    time.Duration
	rewrite  func([]byte)
	links    map[*link]struct{}
	accepted int
}

// link is one connection through the proxy.
type link struct {
	client net.Conn
	peer   net.Conn      // nil until dialled
	gone   chan struct{} // closed by cut
	once   sync.Once
	dead   bool // forgotten by Drop
}

// cut ends the link with a reset on both sides. peer is passed because the
// caller holds the lock that guards it.
func (l *link) cut(peer net.Conn) {
	l.once.Do(func() { close(l.gone) })
	reset(l.client)
	if peer != nil {
		reset(peer)
	}
}

// reset closes a connection so that the other end sees a reset, not an end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// NewProxy starts a proxy in front of peer (host:port). It ends with the test.
func NewProxy(t testing.TB, peer string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("proxy: listen: %v", err)
	}
	return newProxy(t, listener, peer)
}

// newProxy is NewProxy with a listener from elsewhere, which it closes.
func newProxy(t testing.TB, listener net.Listener, peer string) *Proxy {
	t.Helper()
	p := &Proxy{
		listener: listener,
		peer:     peer,
		changed:  make(chan struct{}),
		links:    map[*link]struct{}{},
	}
	p.wait.Add(1)
	go p.accept()
	t.Cleanup(p.Close)
	return p
}

// Addr is where the connector must connect to, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted is the number of connections taken so far, in any mode.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Open is the number of connections that exist now.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Pass forwards again. Connections that were swallowed and still exist go on
// with the bytes that were held back, as TCP does after a black hole.
func (p *Proxy) Pass() { p.set(passing) }

// Swallow keeps and accepts connections but forwards nothing in either
// direction, not even their end, until Pass. It is a black hole: a pulled cable
// or a firewall that drops.
func (p *Proxy) Swallow() { p.set(swallowing) }

// Refuse closes every new connection at once. Existing ones go on.
func (p *Proxy) Refuse() { p.set(refusing) }

// Cut resets all connections that exist now. The mode stays as it is.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut(l.peer)
	}
}

// Close ends the proxy and waits for its goroutines. The test's cleanup calls
// it; calling it earlier does no harm.
func (p *Proxy) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.changed)
	}
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.wait.Wait()
}

// HalfOpen swallows what the peer sends, until Pass; what the client sends
// arrives.
func (p *Proxy) HalfOpen() { p.set(halfOpen) }

// Drop forgets all connections that exist now, as a router does that has lost
// its table: nothing passes on them any more, not even their end. New ones work.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.dead = true
	}
}

// Forget resets the connections that Drop left behind.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.dead {
			l.cut(l.peer)
		}
	}
}

// Delay holds everything that the peer sends for d; 0 ends that.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Rewrite lets f change what the peer sends, chunk by chunk in place; nil ends
// that. f is called by several goroutines at a time.
func (p *Proxy) Rewrite(f func([]byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewrite = f
}

func (p *Proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.mode == m {
		return
	}
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept() {
	defer p.wait.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.accepted++
		if p.closed || p.mode == refusing {
			p.mu.Unlock()
			_ = client.Close()
			continue
		}
		l := &link{client: client, gone: make(chan struct{})}
		p.links[l] = struct{}{}
		p.wait.Add(1)
		p.mu.Unlock()
		go p.serve(l)
	}
}

// serve lives as long as one link.
func (p *Proxy) serve(l *link) {
	defer p.wait.Done()
	defer func() {
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	if !p.gate(l, false) {
		return
	}
	peer, err := net.DialTimeout("tcp", p.peer, 5*time.Second)
	if err != nil {
		l.cut(nil)
		return
	}
	p.mu.Lock()
	l.peer = peer
	p.mu.Unlock()
	defer func() { _ = peer.Close() }()
	defer func() { _ = l.client.Close() }()

	var pumps sync.WaitGroup
	pumps.Go(func() { p.pump(l, peer, l.client) })
	pumps.Go(func() { p.pump(l, l.client, peer) })
	select {
	case <-l.gone: // cut while the peer was being dialled
		l.cut(peer)
	default:
	}
	pumps.Wait()
}

// pump copies one direction. A chunk read in the moment of Swallow is held, not
// lost.
func (p *Proxy) pump(l *link, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	answers := from != l.client
	for {
		if !p.gate(l, answers) {
			return
		}
		n, err := from.Read(buffer)
		if answers && n > 0 {
			p.disturb(l, buffer[:n])
		}
		if !p.gate(l, answers) {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				l.cut(from)
				reset(to)
				return
			}
		}
		switch {
		case err == io.EOF:
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			return
		case err != nil: // a reset is passed on as one
			l.cut(from)
			reset(to)
			return
		}
	}
}

// disturb holds back and changes what the peer sent.
func (p *Proxy) disturb(l *link, chunk []byte) {
	p.mu.Lock()
	delay, rewrite := p.delay, p.rewrite
	p.mu.Unlock()
	if rewrite != nil {
		rewrite(chunk)
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.gone:
		}
	}
}

// gate waits while the proxy swallows; answers says that it is about what the
// peer sends. It is false when the link was cut or the proxy ended.
func (p *Proxy) gate(l *link, answers bool) bool {
	for {
		p.mu.Lock()
		hold := p.mode == swallowing || p.mode == halfOpen && answers || l.dead
		closed, changed := p.closed, p.changed
		p.mu.Unlock()
		if closed {
			return false
		}
		if !hold {
			select {
			case <-l.gone:
				return false
			default:
				return true
			}
		}
		select {
		case <-changed:
		case <-l.gone:
			return false
		}
	}
}
