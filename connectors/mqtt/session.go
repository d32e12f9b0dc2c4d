package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// client is what is used of the library. Sending messages is not part of it.
type client interface {
	Connect() paho.Token
	SubscribeMultiple(filters map[string]byte, callback paho.MessageHandler) paho.Token
	Unsubscribe(filters ...string) paho.Token
	Disconnect(quiesce uint)
}

// filtersPerRequest bounds one subscribe packet.
const filtersPerRequest = 200

// The steps of ending a session add up to less than the two seconds that Run
// may take.
const (
	ackWithin        = 400 * time.Millisecond
	disconnectWithin = 400 * time.Millisecond
	endWithin        = 1200 * time.Millisecond
)

// lostWithin is how long the reason of a broken connection may come after a
// request failed by it.
const lostWithin = 500 * time.Millisecond

// session is one connection to the broker, from dialling to the end.
type session struct {
	client client
	inbox  *inbox
	acks   *acker
	lost   chan error // gets one error when an established connection breaks
	// resumed says that the broker had kept the session, and with it perhaps
	// messages. connect sets it.
	resumed bool

	mu     sync.Mutex
	conn   *guard // nil before the connection is there
	ended  bool
	opened error // why the connection could not be opened
}

// newSession prepares a connection; dial does the rest. close must be called.
func newSession(ctx context.Context, c *Connector, secure *tls.Config) *session {
	s := &session{inbox: newInbox(), acks: newAcker(), lost: make(chan error, 1)}
	o := paho.NewClientOptions()
	o.AddBroker("tcp://" + c.at.addr())
	o.SetClientID(c.cfg.ClientID)
	o.SetUsername(c.cfg.User)
	o.SetPassword(c.cfg.Password)
	o.SetCleanSession(!c.persistent)
	o.SetProtocolVersion(4)
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetConnectTimeout(c.cfg.Timeout)
	o.SetWriteTimeout(c.cfg.Timeout)
	o.SetKeepAlive((c.cfg.KeepAlive + time.Second - 1).Truncate(time.Second))
	o.SetPingTimeout(c.cfg.Timeout)
	o.SetOrderMatters(true)
	o.SetAutoAckDisabled(true)
	o.SetStore(noStore{})
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { s.inbox.put(m) })
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { s.lost <- loss(err, c.cfg.Timeout) })
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		return s.open(ctx, c, secure)
	})
	s.client = paho.NewClient(o)
	return s
}

// open makes the network connection for the library.
func (s *session) open(ctx context.Context, c *Connector, secure *tls.Config) (net.Conn, error) {
	conn, err := dial(ctx, c, secure)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.opened = err
		return nil, err
	}
	s.conn = newGuard(conn, c.cfg.Timeout, &c.meter)
	if s.ended {
		_ = conn.Close()
	}
	return s.conn, nil
}

func dial(ctx context.Context, c *Connector, secure *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.at.addr())
	if err != nil || secure == nil {
		return conn, err
	}
	encrypted := tls.Client(conn, c.state.watched(secure))
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	c.state.certified(encrypted.ConnectionState(), secure)
	return encrypted, nil
}

// cut ends the network connection at once, also one that is still to come.
func (s *session) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// connect dials and greets. It ends early when cut is called.
func (s *session) connect() (phase, error) {
	token := s.client.Connect()
	<-token.Done() // bounded by the connect timeout
	err := token.Error()
	if err == nil {
		greeted, ok := token.(*paho.ConnectToken)
		s.resumed = ok && greeted.SessionPresent()
		return listening, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened != nil {
		return dialling, s.opened
	}
	return greeting, bare(err)
}

// bare takes the library's own prefix off a network error.
func bare(err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		if causes := several.Unwrap(); len(causes) == 2 && errors.Is(causes[0], packets.ConnErrors[packets.ErrNetworkError]) {
			return causes[1]
		}
	}
	return err
}

// subscribe asks for all filters and gives those that were not granted as
// asked, with the reason.
func (s *session) subscribe(ctx context.Context, filters []filter, timeout time.Duration) (map[string]string, error) {
	refused := map[string]string{}
	for len(filters) > 0 {
		part := filters[:min(len(filters), filtersPerRequest)]
		if n := slices.IndexFunc(part, func(f filter) bool { return f.first != part[0].first }); n > 0 {
			part = part[:n]
		}
		filters = filters[len(part):]
		wanted := make(map[string]byte, len(part))
		for _, f := range part {
			wanted[f.topic] = f.qos
		}
		granted, err := s.request(ctx, wanted, timeout)
		for began := time.Now(); err == nil && packetIDInUse(granted) && time.Since(began) < timeout; {
			granted, err = s.request(ctx, wanted, timeout)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range part {
			if reason := f.judge(granted); reason != "" {
				refused[f.topic] = reason
			}
		}
	}
	return refused, nil
}

// packetIDInUse recognises a broker that takes the number of a request for that
// of a message under way in the other direction, and refuses it. The next
// request has the next number.
func packetIDInUse(granted map[string]byte) bool {
	for _, code := range granted {
		return code == 0x91
	}
	return false
}

// request sends one subscribe packet and waits for the answer.
func (s *session) request(ctx context.Context, wanted map[string]byte, timeout time.Duration) (map[string]byte, error) {
	s.conn.asked.Store(int64(len(wanted)))
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	token := s.client.SubscribeMultiple(wanted, nil)
	select {
	case <-token.Done():
	case <-timer.C:
		return nil, fmt.Errorf("subscribe: %w", context.DeadlineExceeded)
	case err := <-s.lost:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := token.Error(); err != nil {
		select {
		case lost := <-s.lost: // says why; the token only says that
			return nil, lost
		case <-time.After(lostWithin):
			return nil, err
		}
	}
	answer, ok := token.(*paho.SubscribeToken)
	if !ok {
		return nil, errMalformed
	}
	return answer.Result(), nil
}

// unsubscribe ends subscriptions without waiting. The broker's answer is of no
// use: if a subscription is still there, its messages say so.
func (s *session) unsubscribe(filters []string) {
	if len(filters) > 0 {
		s.acks.add(func() { s.client.Unsubscribe(filters...) })
	}
}

// close ends the session within endWithin plus ackWithin and waits for its
// goroutines. Acknowledgements that are due go out first.
func (s *session) close() {
	s.inbox.close()
	s.acks.close()
	select {
	case <-s.acks.done:
	case <-time.After(ackWithin):
	}
	timer := time.AfterFunc(disconnectWithin, s.cut)
	s.client.Disconnect(uint(endWithin.Milliseconds()))
	timer.Stop()
	s.cut()
	<-s.acks.done
}

// noStore keeps nothing: the broker keeps what is not acknowledged, and nothing
// is sent that would need to be sent again.
type noStore struct{}

func (noStore) Open()                             {}
func (noStore) Put(string, packets.ControlPacket) {}
func (noStore) Get(string) packets.ControlPacket  { return nil }
func (noStore) All() []string                     { return nil }
func (noStore) Del(string)                        {}
func (noStore) Close()                            {}
func (noStore) Reset()                            {}
