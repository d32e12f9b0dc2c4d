package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = 10 * time.Second

// rules lets everybody in and to every topic except those under denied/. kick
// ends each connection right after its greeting.
type rules struct {
	broker.HookBase
	mu       sync.Mutex
	password string
	kick     bool
	acked    int
	clients  int
}

func (r *rules) ID() string { return "rules" }

func (r *rules) Provides(b byte) bool {
	return bytes.Contains([]byte{
		broker.OnConnectAuthenticate, broker.OnACLCheck, broker.OnSessionEstablished, broker.OnQosComplete,
	}, []byte{b})
}

func (r *rules) OnConnectAuthenticate(_ *broker.Client, pk packets.Packet) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.password == "" || string(pk.Connect.Password) == r.password
}

func (r *rules) OnACLCheck(_ *broker.Client, topic string, _ bool) bool {
	return !strings.HasPrefix(topic, "denied/")
}

func (r *rules) OnSessionEstablished(cl *broker.Client, _ packets.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients++
	if r.kick {
		cl.Stop(io.EOF)
	}
}

func (r *rules) OnQosComplete(*broker.Client, packets.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked++
}

func (r *rules) acknowledged() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acked
}

// server is a broker in this process.
type server struct {
	*rules
	addr  string
	hold  net.Listener
	run   *broker.Server
	kept  map[string]string
	order []string
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{rules: &rules{}, addr: "127.0.0.1:0", kept: map[string]string{}}
	s.Start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func (s *server) Addr() string { return s.addr }

func (s *server) Start(t testing.TB) {
	t.Helper()
	run := broker.New(&broker.Options{
		InlineClient: true,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err := run.AddHook(s.rules, nil); err != nil {
		t.Fatal(err)
	}
	listener := listeners.NewTCP(listeners.Config{ID: "tcp", Address: s.addr})
	if err := run.AddListener(listener); err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Address()
	if err := run.Serve(); err != nil {
		t.Fatal(err)
	}
	s.run = run
	for _, topic := range s.order {
		s.retain(t, topic, s.kept[topic])
	}
}

func (s *server) Stop(t testing.TB) {
	t.Helper()
	if s.run == nil {
		return
	}
	if err := s.run.Close(); err != nil {
		t.Error(err)
	}
	s.run = nil
}

// retain sets a topic's retained message, now and after the next Start.
func (s *server) retain(t testing.TB, topic, payload string) {
	t.Helper()
	if _, known := s.kept[topic]; !known {
		s.order = append(s.order, topic)
	}
	s.kept[topic] = payload
	s.send(t, topic, payload, true, 1)
}

// send publishes a message if the broker runs.
func (s *server) send(t testing.TB, topic, payload string, retain bool, qos byte) {
	t.Helper()
	if s.run == nil {
		return
	}
	if err := s.run.Publish(topic, []byte(payload), retain, qos); err != nil {
		t.Error(err)
	}
}

// tag is one without a type and bit.
func tag(topic, path string) connectors.Tag {
	return connectors.Tag{Address: topic, Path: path, Bit: connectors.NoBit}
}

// pulse is a tag whose messages count.
func pulse(topic string) connectors.Tag {
	t := tag(topic, "")
	t.EachMessage = true
	return t
}

func connector(t testing.TB, cfg Config, tags ...connectors.Tag) *Connector {
	t.Helper()
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running is one Run under a test's control.
type running struct {
	*connectortest.Recorder
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// start calls Run once; the test's cleanup ends it.
func start(t testing.TB, c *Connector, emit func(*connectortest.Recorder) func(connectors.Batch)) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Recorder: connectortest.NewRecorder(len(c.tags)), cancel: cancel, done: make(chan struct{})}
	sink := r.Emit
	if emit != nil {
		sink = emit(r.Recorder)
	}
	r.Begin()
	go func() {
		defer close(r.done)
		r.err = c.Run(ctx, sink)
		r.End()
	}()
	t.Cleanup(func() {
		if err := r.stop(t); err != nil {
			t.Logf("Run had ended: %v", err)
		}
		for _, fault := range r.Faults() {
			t.Error(fault)
		}
	})
	return r
}

// stop cancels and gives what Run returned.
func (r *running) stop(t testing.TB) error {
	t.Helper()
	r.cancel()
	r.Release()
	return r.wait(t, 3*time.Second)
}

// wait waits for the end of Run.
func (r *running) wait(t testing.TB, limit time.Duration) error {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(limit):
		t.Fatalf("Run did not return within %v", limit)
	}
	return r.err
}

// texts lists the samples of a tag as "value quality flags".
func (r *running) texts(tag int) []string {
	var list []string
	for _, b := range r.Batches() {
		for _, s := range b.Samples {
			if s.Tag == tag {
				list = append(list, show(s))
			}
		}
	}
	return list
}

func show(s connectors.Sample) string {
	text := fmt.Sprintf("%s %s", s.Value.Text(), s.Quality)
	if s.Quality != connectors.Good {
		text = s.Quality.String() + ": " + s.Reason
	}
	if s.Retained {
		text += " retained"
	}
	if s.Redelivered {
		text += " redelivered"
	}
	return text
}

// waitTexts waits until the samples of a tag are those.
func (r *running) waitTexts(t testing.TB, tag int, want ...string) {
	t.Helper()
	r.Wait(t, patience, fmt.Sprintf("samples %q of tag %d", want, tag), func() bool {
		return strings.Join(r.texts(tag), "|") == strings.Join(want, "|")
	})
}
