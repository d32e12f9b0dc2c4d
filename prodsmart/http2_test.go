package prodsmart

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const turnedAway = "HOST turned the request away without an answer (HTTP/2: GOAWAY, REFUSED_STREAM or PROTOCOL_ERROR)"

// misbehaviour is what a peer does with a whole request, and what the client
// makes of it.
type misbehaviour struct {
	serve func(*peer2, uint32)
	want  Verdict
	text  string
}

func misbehaviours() map[string]misbehaviour {
	resets := func(code uint32) func(*peer2, uint32) {
		return func(p *peer2, stream uint32) { p.numbers(frameReset, stream, code) }
	}
	goes := func(last, code uint32) func(*peer2, uint32) {
		return func(p *peer2, _ uint32) { p.numbers(frameGoAway, 0, last, code) }
	}
	return map[string]misbehaviour{
		"answers":        {(*peer2).accept, Accepted, "500"},
		"cut":            {func(p *peer2, _ uint32) { p.conn.Close() }, Ambiguous, "HOST closed the connection before it answered"},
		"refused":        {resets(codeRefused), Ambiguous, turnedAway},
		"protocol error": {resets(codeProtocol), Ambiguous, turnedAway},
		"internal error": {resets(codeInternal), Ambiguous, "HOST broke the request off (stream error: stream ID 1; INTERNAL_ERROR"},
		"goes":           {goes(0, codeNone), Ambiguous, turnedAway},
		"goes in anger":  {goes(0, codeCalm), Ambiguous, "HOST broke the request off (http2: Transport received GOAWAY from server ErrCode:ENHANCE_YOUR_CALM"},
		"goes after it": {func(p *peer2, stream uint32) {
			goes(stream, codeNone)(p, stream)
			p.accept(stream)
		}, Accepted, "500"},
		"goes and cuts": {func(p *peer2, stream uint32) {
			goes(stream, codeNone)(p, stream)
			p.conn.Close()
		}, Ambiguous, "HOST broke the request off (http2: server sent GOAWAY and closed the connection"},
		"half an answer": {func(p *peer2, stream uint32) {
			p.say(frameHeaders, flagWhole, stream, []byte{0x88})
			p.say(frameData, 0, stream, []byte("500"))
			p.conn.Close()
		}, Accepted, "500 (the answer broke off here)"},
		"no sense": {func(p *peer2, _ uint32) { _, _ = io.WriteString(p.conn, "HTTP/1.1 200 OK\r\n\r\n500") }, Ambiguous, ""},
	}
}

// Each of these peers takes a whole request before it misbehaves, so that it may
// have applied it: nothing may be made twice, also where the standard library
// would do so.
func TestHTTP2PeersThatMayHaveApplied(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	for name, row := range misbehaviours() {
		for _, kept := range []bool{false, true} {
			var requests, connections atomic.Int32
			c := newClient(t, ca.serve2(t, func(p *peer2) {
				connections.Add(1)
				for {
					stream, ok := p.take()
					if !ok {
						return
					}
					if requests.Add(1) == 1 && kept {
						p.accept(stream)
						continue
					}
					row.serve(p, stream)
				}
			}), func(cfg *Config) { cfg.CAFile = ca.file })
			want := int32(1)
			if kept {
				send(t, c, Accepted)
				want = 2
			}
			a := c.Send(t.Context(), counterPost(500))
			text := row.text
			if kept {
				text = strings.Replace(text, "stream ID 1", "stream ID 3", 1)
			}
			if kept && name == "goes in anger" {
				text = turnedAway
			}
			text = strings.ReplaceAll(text, "HOST", c.host)
			if a.Verdict != row.want || !strings.HasPrefix(a.Text, text) {
				t.Errorf("%s, kept %v: %s (%s), want %s (%s)", name, kept, a.Verdict, a.Text, row.want, text)
			}
			if n := requests.Load(); n != want {
				t.Errorf("%s, kept %v: %d requests were made over %d connections, want %d", name, kept, n, connections.Load(), want)
			}
		}
	}
}

// A list that is turned away is not asked for again either: each request is
// counted against the budget by whoever makes it.
func TestHTTP2ListIsAskedForOnce(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	var lists atomic.Int32
	var toldOf []Request
	c := newClient(t, ca.serve2(t, func(p *peer2) {
		stream, ok := p.take()
		if !ok {
			return
		}
		p.say(frameHeaders, flagWhole, stream, []byte{0x88})
		p.say(frameData, flagEnd, stream, []byte(`{"token":"tok-1"}`))
		for {
			if stream, ok = p.take(); !ok {
				return
			}
			lists.Add(1)
			p.numbers(frameReset, stream, codeRefused)
		}
	}), func(cfg *Config) {
		cfg.CAFile = ca.file
		cfg.OnRequest = func(r Request) { toldOf = append(toldOf, r) }
	})
	_, err := c.Downtimes(t.Context(), DowntimeQuery{})
	var failed *Error
	if !errors.As(err, &failed) || failed.Answer.Verdict != Ambiguous || lists.Load() != 1 {
		t.Errorf("%v after %d requests", err, lists.Load())
	}
	if len(toldOf) != 2 || !toldOf[0].Extra || toldOf[1].Extra || toldOf[1].Endpoint != DowntimesEndpoint {
		t.Errorf("%+v", toldOf)
	}
}

// A kept connection that the server ended costs nothing; if there is no other
// to be had, nothing has left.
func TestHTTP2ConnectionEndsWhileIdle(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	for name, end := range map[string]func(*peer2){
		"goes": func(p *peer2) { p.numbers(frameGoAway, 0, 1, codeNone) },
		"cuts": func(p *peer2) { p.conn.Close() },
	} {
		var requests atomic.Int32
		c := newClient(t, ca.serve2(t, func(p *peer2) {
			if stream, ok := p.take(); ok {
				requests.Add(1)
				p.accept(stream)
				end(p)
				_, _ = io.Copy(io.Discard, p.r)
			}
		}), func(cfg *Config) { cfg.CAFile = ca.file })
		ended := watchEnds(c)
		send(t, c, Accepted)
		<-ended
		send(t, c, Accepted)
		<-ended
		if requests.Load() != 2 {
			t.Errorf("%s: %d requests", name, requests.Load())
		}
		c.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("nothing there")}
		}
		send(t, c, Unsent)
	}
}

// watchEnds tells of each connection that the client closed.
func watchEnds(c *Client) <-chan struct{} {
	ended := make(chan struct{}, 9)
	dial := c.transport.DialContext
	c.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &endingConn{Conn: conn, ended: ended}, err
	}
	return ended
}

type endingConn struct {
	net.Conn
	once  sync.Once
	ended chan<- struct{}
}

func (c *endingConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.ended <- struct{}{} })
	return err
}

// Whoever gives up, or runs out of time, while the server is silent learns that
// the request may have been applied.
func TestHTTP2SilentServer(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	taken := make(chan struct{}, 9)
	address := ca.serve2(t, func(p *peer2) {
		for {
			if _, ok := p.take(); !ok {
				return
			}
			taken <- struct{}{}
		}
	})
	c := newClient(t, address, func(cfg *Config) { cfg.CAFile = ca.file })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-taken
		cancel()
	}()
	if a := expect(t, c.Send(ctx, counterPost(1)), Ambiguous); a.Text != "given up by the gateway while "+c.host+" had not answered" {
		t.Error(a.Text)
	}
	c = newClient(t, address, func(cfg *Config) { cfg.CAFile, cfg.Timeout = ca.file, 300*time.Millisecond })
	if a := send(t, c, Ambiguous); a.Text != c.host+" did not answer within 300ms" {
		t.Error(a.Text)
	}
	expect(t, c.Send(cancelled(), counterPost(1)), Unsent)
}

// A kept connection that is dead without an end that anybody could see is given
// up with the first request that meets it.
func TestHTTP2DeadConnection(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	var connections atomic.Int32
	release := make(chan struct{})
	defer close(release)
	c := newClient(t, ca.serve2(t, func(p *peer2) {
		first := connections.Add(1) == 1
		for {
			stream, ok := p.take()
			if !ok {
				return
			}
			p.accept(stream)
			if first {
				<-release
			}
		}
	}), func(cfg *Config) { cfg.CAFile, cfg.Timeout = ca.file, 800*time.Millisecond })
	send(t, c, Accepted)
	if a := send(t, c, Ambiguous); a.Text != c.host+" closed the connection before it answered" {
		t.Error(a.Text)
	}
	send(t, c, Accepted)
	if connections.Load() != 2 {
		t.Errorf("%d connections", connections.Load())
	}
}

// Many posts at a time share one connection, and a server that shuts down in
// good order while they come in neither loses nor doubles one.
func TestHTTP2UnderLoad(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	var applied, connections atomic.Int32
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("speaks %s", r.Proto)
		}
		applied.Add(1)
		_, _ = io.WriteString(w, "500")
	})
	server := httptest.NewUnstartedServer(handler)
	server.TLS = serverConfig(ca.certify(t, nil))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *Config) { cfg.CAFile = ca.file })
	send(t, c, Accepted)
	var accepted, doubtful atomic.Int32
	accepted.Add(1)
	var all sync.WaitGroup
	post := func(n int) {
		for range n {
			switch a := c.Send(t.Context(), counterPost(1)); a.Verdict {
			case Accepted:
				accepted.Add(1)
			case Ambiguous:
				doubtful.Add(1)
			case Unsent:
			default:
				t.Errorf("%s: %s", a.Verdict, a.Text)
			}
		}
	}
	for range 8 {
		all.Go(func() { post(25) })
	}
	all.Wait()
	if accepted.Load() != 201 || connections.Load() != 1 {
		t.Errorf("%d of 201 were accepted over %d connections", accepted.Load(), connections.Load())
	}
	for range 8 {
		all.Go(func() { post(50) })
	}
	for applied.Load() < 250 {
		time.Sleep(time.Millisecond)
	}
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	all.Wait()
	if got := applied.Load(); got < accepted.Load() || got > accepted.Load()+doubtful.Load() {
		t.Errorf("%d applied, %d accepted, %d doubtful", got, accepted.Load(), doubtful.Load())
	}
}

// A server that does not know HTTP/2 is spoken to in HTTP/1.1, and so is each
// where the environment says so.
func TestHTTP1OverTLS(t *testing.T) {
	for _, offered := range []bool{false, true} {
		if offered {
			t.Setenv("GODEBUG", "http2client=0")
		}
		speaksHTTP1(t, offered)
	}
}

func speaksHTTP1(t *testing.T, offered bool) {
	ca := newAuthority(t, "Plant Root")
	var proto atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		_, _ = io.WriteString(w, "500")
	}))
	server.TLS = serverConfig(ca.certify(t, nil))
	server.EnableHTTP2 = offered
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, func(cfg *Config) { cfg.CAFile = ca.file })
	send(t, c, Accepted)
	if proto.Load() != "HTTP/1.1" {
		t.Error(proto.Load())
	}
}
