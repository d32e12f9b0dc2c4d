package opcua

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

const (
	// bufferSize is the largest chunk, in both directions. minBufferSize is
	// what every server must be able to take.
	bufferSize    = 0xffff
	minBufferSize = 8192
	// maxMessage and maxChunks bound one answer.
	maxMessage = 16 << 20
	maxChunks  = 4096
	// politeFor is how long a server may take to hear that we leave, and
	// endsWithin how long the library may take to notice a closed socket.
	// Together they stay below the two seconds that Run has.
	politeFor  = time.Second
	endsWithin = 500 * time.Millisecond
	// arrivesWithin is how much longer than its timeout a request may take
	// while a large answer is on its way, its own or one before it.
	arrivesWithin = time.Minute
)

var (
	errLost     = errors.New("the connection was closed by the server or lost")
	errNoAnswer = errors.New("no answer")
)

// channel is one TCP connection with one secure channel on it. The goroutines
// of the library that serve it end with close.
type channel struct {
	c   *Connector
	tcp *net.TCPConn // the library's end of the way to the server
	in  *inspector
	sc  *uasc.SecureChannel
	// token names the session in every request; nil before there is one.
	token *ua.NodeID
	// deaf says that the server has stopped answering.
	deaf bool

	gone    chan struct{} // closed when the library has seen the socket's end
	quit    chan struct{}
	waiting sync.WaitGroup
}

// dial opens a TCP connection and a secure channel on it. cfg is the channel's
// alone. The caller closes the channel.
func (c *Connector) dial(ctx context.Context, cfg *uasc.Config) (*channel, error) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(limited, "tcp", c.endpoint.host)
	if err != nil {
		return nil, explainDial(err, c.endpoint.host)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("dialling gave a %T, not a TCP connection", conn), conn.Close())
	}
	// The library's handshake knows deadlines but no cancellation.
	stop := context.AfterFunc(limited, func() { _ = tcp.Close() })
	ch, err := c.secure(limited, tcp, cfg)
	if !stop() && err == nil {
		ch.close()
		err = limited.Err()
	}
	if err != nil {
		_ = tcp.Close()
		if (limited.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)) && ctx.Err() == nil {
			return nil, fmt.Errorf("%s took the connection but %w to an OPC UA greeting within %s; is it an OPC UA server, and is it overloaded?", c.endpoint.host, errNoAnswer, c.cfg.Timeout)
		}
		return nil, err
	}
	return ch, nil
}

// secure greets the server and opens a secure channel. If it fails, the caller
// closes tcp.
func (c *Connector) secure(ctx context.Context, tcp *net.TCPConn, cfg *uasc.Config) (*channel, error) {
	can, err := greet(ctx, tcp, c.endpoint.url.String())
	if err != nil {
		return nil, err
	}
	ch := &channel{c: c, gone: make(chan struct{}), quit: make(chan struct{})}
	if ch.tcp, ch.in, err = inspect(ctx, tcp, cfg.SecurityPolicyURI, cfg.RemoteCertificate, &ch.waiting); err != nil {
		return nil, err
	}
	policy := cfg.SecurityPolicyURI
	failures := make(chan error, 16)
	if ch.sc, err = newChannel(c.endpoint.url.String(), ch.tcp, can, cfg, failures); err != nil {
		ch.in.close()
		_ = ch.tcp.Close()
		ch.waiting.Wait()
		return nil, fmt.Errorf("secure channel: %w", err)
	}
	ch.waiting.Go(func() { ch.listen(failures) })
	if err := ch.sc.Open(ctx); err != nil {
		ch.drop()
		return nil, explainSecure(ch.lost(err), policy)
	}
	return ch, nil
}

func newChannel(url string, tcp *net.TCPConn, can *uacp.Acknowledge, cfg *uasc.Config, failures chan<- error) (*uasc.SecureChannel, error) {
	wire, err := uacp.NewConn(tcp, can)
	if err != nil {
		return nil, err
	}
	return uasc.NewSecureChannel(url, wire, cfg, failures)
}

// greet exchanges hello and acknowledge, and returns what both sides can take.
// The library would use the server's limits for requests as its own limits for
// answers, and trust a server that claims none.
func greet(ctx context.Context, tcp *net.TCPConn, url string) (*uacp.Acknowledge, error) {
	conn, err := uacp.NewConn(tcp, &uacp.Acknowledge{ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: maxMessage})
	if err != nil {
		return nil, err
	}
	if err := conn.Handshake(ctx, url); err != nil {
		var refused *uacp.Error
		if errors.As(err, &refused) {
			return nil, explainStatus("greeting", ua.StatusCode(refused.ErrorCode))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("greeting: %w; is it an OPC UA server?", errLost)
		}
		return nil, fmt.Errorf("greeting: %w; is it an OPC UA server?", err)
	}
	takes := conn.ReceiveBufSize()
	if takes < minBufferSize {
		return nil, fmt.Errorf("greeting: the server takes chunks of %d bytes; OPC UA asks for at least %d", takes, minBufferSize)
	}
	return &uacp.Acknowledge{
		ReceiveBufSize: bufferSize,
		SendBufSize:    min(takes, bufferSize),
		MaxMessageSize: maxMessage,
		MaxChunkCount:  maxChunks,
	}, nil
}

// listen waits for the end of the socket. The other errors of the library's
// reader are given to the request they belong to as well, or are followed by
// silence, which the watch notices.
func (ch *channel) listen(failures <-chan error) {
	for {
		select {
		case err := <-failures:
			if errors.Is(err, io.EOF) {
				close(ch.gone)
				return
			}
		case <-ch.quit:
			return
		}
	}
}

// lost turns the library's words for a broken connection into ours.
func (ch *channel) lost(err error) error {
	if why := ch.in.reason(); why != nil {
		return why
	}
	var op *net.OpError
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &op) || errors.Is(err, ua.StatusBadServerNotConnected) {
		return errLost
	}
	return err
}

// close says goodbye, closes the socket and waits for the channel's goroutines.
// It takes at most politeFor + endsWithin.
func (ch *channel) close() {
	select {
	case <-ch.gone:
		ch.end()
	default:
		if err := ch.leave(); err != nil {
			ch.drop()
			return
		}
		_ = ch.tcp.CloseWrite()
		ch.end()
	}
}

// closeAfter is close, without waiting for an answer if the server has just
// failed to give one.
func (ch *channel) closeAfter(err error) {
	if errors.Is(err, errNoAnswer) {
		ch.deaf = true
	}
	ch.close()
}

// leave closes session and channel on the server. The error says that it does
// not listen.
func (ch *channel) leave() error {
	// A request that can not be written holds the library's lock: only closing
	// the socket ends that.
	force := time.AfterFunc(politeFor, func() { _ = ch.tcp.Close() })
	defer force.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), politeFor)
	defer cancel()
	// What the server answers changes nothing any more.
	bye := &ua.CloseSessionRequest{DeleteSubscriptions: true}
	switch {
	case ch.token == nil:
	case ch.deaf:
		_ = ch.sc.SendRequestWithTimeout(ctx, bye, ch.token, politeFor, nil)
	default:
		_, _ = call[*ua.CloseSessionResponse](ctx, ch, bye, politeFor)
	}
	_ = ch.sc.SendRequestWithTimeout(ctx, &ua.CloseSecureChannelRequest{}, nil, politeFor, nil)
	return ctx.Err()
}

// drop closes the socket and ends every goroutine of the channel.
func (ch *channel) drop() {
	_ = ch.tcp.Close()
	ch.in.close()
	ch.end()
}

// end waits for the socket's end and for every goroutine of the channel. A
// server that does not close its end is not waited for longer than endsWithin.
func (ch *channel) end() {
	force := time.AfterFunc(endsWithin, func() {
		_ = ch.tcp.Close()
		ch.in.close()
	})
	timer := time.NewTimer(endsWithin)
	select {
	case <-ch.gone:
	case <-timer.C:
	}
	timer.Stop()
	_ = ch.tcp.Close()
	close(ch.quit)
	ch.waiting.Wait()
	force.Stop()
	_ = ch.sc.Close() // its answer is always io.EOF
}

// patient is ctx with an end after timeout, or, as long as parts of a large
// answer come on a slow line, after timeout without one: answers wait in one
// queue. stop ends it, and is called in any case.
func (ch *channel) patient(ctx context.Context, timeout time.Duration) (limited context.Context, stop func()) {
	limited, cancel := context.WithTimeout(ctx, timeout+arrivesWithin)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		for {
			select {
			case <-limited.Done():
				return
			case <-timer.C:
			}
			if !ch.in.arriving(timeout) {
				cancel()
				return
			}
			timer.Reset(timeout)
		}
	}()
	return limited, func() {
		cancel()
		<-ended
	}
}

// call sends a request and waits for its answer, at most for timeout, or longer
// while parts of answers come. Status codes of the server come back as *refusal,
// silence as errNoAnswer, a broken connection as errLost.
func call[R ua.Response](ctx context.Context, ch *channel, req ua.Request, timeout time.Duration) (R, error) {
	var res, none R
	limited, stop := ch.patient(ctx, timeout)
	defer stop()
	ch.c.requests.Add(1)
	start := time.Now()
	err := ch.sc.SendRequestWithTimeout(limited, req, ch.token, timeout+arrivesWithin, func(r ua.Response) error {
		var ok bool
		if res, ok = r.(R); !ok {
			return fmt.Errorf("the server answered with %T", r)
		}
		return nil
	})
	what := strings.TrimSuffix(nameOfType(req), "Request")
	if err == nil {
		if _, kept := any(req).(*ua.PublishRequest); !kept {
			ch.c.roundTrip.Store(int64(time.Since(start)))
		}
		return res, nil
	}
	var code ua.StatusCode
	switch {
	case ctx.Err() != nil:
		return none, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || limited.Err() != nil:
		ch.c.timeouts.Add(1)
		return none, fmt.Errorf("%s: %w within %s", what, errNoAnswer, timeout)
	case errors.As(err, &code):
		return none, explainStatus(what, code)
	}
	return none, fmt.Errorf("%s: %w", what, ch.lost(err))
}
