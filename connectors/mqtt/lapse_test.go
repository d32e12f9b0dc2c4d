package mqtt

import (
	"net"
	"strings"
	"sync"
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
	s := newServer(t)
	c := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}, tag("a", ""))
	enter(t, c)
	s.Stop(t)
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	var closing sync.WaitGroup
	closing.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	full := sync.OnceFunc(func() {
		_ = listener.Close()
		closing.Wait()
	})
	defer full()
	stranger := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "stranger"}, tag("a", ""))
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
	full()
	s.Start(t)
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
