package mqtt

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// only wants one condition of that kind whose subject and words are those.
func only(t *testing.T, c *Connector, kind connectors.Trouble, subject, words string) {
	t.Helper()
	list := c.Conditions()
	if len(list) != 1 || list[0].Trouble != kind || list[0].Subject != subject || !strings.Contains(list[0].Detail, words) {
		t.Errorf("conditions are %+v, want one of kind %d about %q with ...%s...", list, kind, subject, words)
	}
}

// TestARefusedAvailabilityTopicIsTold: its device would look alive for ever.
func TestARefusedAvailabilityTopicIsTold(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "gateway",
		Availability: []Availability{{Topic: "denied/{device}"}}}, tag("plant/saw", ""))
	if list := c.decoder.filters(); len(list) != 2 || list[0].topic != "denied/saw" {
		t.Fatalf("the filters are %+v", list)
	}
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	s.send(t, "plant/saw", "1", false, 1)
	r.waitTexts(t, 0, "1 good")
	only(t, c, connectors.SourceIncomplete, "denied/saw", "refused the availability topic")
	if err := r.stop(t); err != nil {
		t.Fatal(err)
	}
	if list := c.Conditions(); len(list) != 0 {
		t.Errorf("without a connection the conditions are %+v", list)
	}
}

// TestMosquittoForgetsTheSession: what machines sent for counting while nobody
// listened is lost, which is told for a while.
func TestMosquittoForgetsTheSession(t *testing.T) {
	t.Parallel()
	m := newMosquitto(t, anonymous, "persistence true", "persistence_location DIR/")
	c := connector(t, m.config(), pulse("saw/pulse"))
	for range 2 {
		r := start(t, c, nil)
		r.WaitUp(t, patience)
		if list := c.Conditions(); len(list) != 0 {
			t.Errorf("the session is the broker's, but the conditions are %+v", list)
		}
		if err := r.stop(t); err != nil {
			t.Fatal(err)
		}
		m.end(t, syscall.SIGTERM) // it saves its sessions
		m.start(t)
	}
	m.end(t, syscall.SIGTERM)
	m.lines = []string{anonymous} // which does not read what was saved
	m.start(t)
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	only(t, c, connectors.SourceIncomplete, "", "had forgotten the session")
	if list := c.state.conditions(time.Now().Add(forgotFor), "gateway"); len(list) != 0 {
		t.Errorf("later the conditions are %+v", list)
	}
	m.send(t, "saw/pulse", "1")
	r.waitTexts(t, 0, "1 good")
}

// TestABrokerWithoutAConnectionLeft closes what is too much without a word, as
// Mosquitto does at its max_connections.
func TestABrokerWithoutAConnectionLeft(t *testing.T) {
	t.Parallel()
	f := newFront(t, newServer(t).addr)
	c := connector(t, Config{Broker: "tcp://" + f.addr, ClientID: "gateway"}, tag("a", ""))
	enter(t, c)
	f.full.Store(true)
	stranger := connector(t, Config{Broker: "tcp://" + f.addr, ClientID: "stranger"}, tag("a", ""))
	for n := range 3 {
		for _, one := range []*Connector{c, stranger} {
			if err := one.Run(t.Context(), func(connectors.Batch) {}); err == nil {
				t.Error("Run says nothing")
			}
		}
		if n == 0 && len(c.Conditions()) != 0 {
			t.Errorf("after one closure the conditions are %+v", c.Conditions())
		}
	}
	only(t, c, connectors.SessionsExhausted, "", "3 connections in a row")
	if list := stranger.Conditions(); len(list) != 0 {
		t.Errorf("where nothing has worked before, the conditions are %+v", list)
	}
	f.full.Store(false)
	enter(t, c)
	if list := c.Conditions(); len(list) != 0 {
		t.Errorf("it works, but the conditions are %+v", list)
	}
}

// enter runs a connector until it is up, and stops it.
func enter(t *testing.T, c *Connector) {
	t.Helper()
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	waitFor(t, "a working connection", c.state.isOpen)
	if err := r.stop(t); err != nil {
		t.Fatal(err)
	}
}

// front is a port before a broker that closes every connection at once while it
// is full.
type front struct {
	addr string
	full atomic.Bool
}

func newFront(t *testing.T, broker string) *front {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: listener.Addr().String()}
	var work sync.WaitGroup
	pass := func(from, to net.Conn) {
		_, _ = io.Copy(to, from)
		_ = from.Close()
		_ = to.Close()
	}
	work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if f.full.Load() {
				_ = conn.Close()
				continue
			}
			behind, err := net.Dial("tcp", broker)
			if err != nil {
				_ = conn.Close()
				continue
			}
			work.Go(func() { pass(conn, behind) })
			work.Go(func() { pass(behind, conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		work.Wait()
	})
	return f
}
