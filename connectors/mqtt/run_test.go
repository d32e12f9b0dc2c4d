package mqtt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// TestRetainedValuesComeAfterLinkUp: the broker sends them while it is still
// answering further subscriptions.
func TestRetainedValuesComeAfterLinkUp(t *testing.T) {
	s := newServer(t)
	var tags []connectors.Tag
	for i := range 3*filtersPerRequest + 1 {
		topic := fmt.Sprintf("plant/m%04d/count", i)
		s.retain(t, topic, fmt.Sprint(i))
		tags = append(tags, tag(topic, ""))
	}
	r := start(t, connector(t, Config{Broker: "tcp://" + s.addr}, tags...), nil)
	r.Wait(t, patience, "all retained values", func() bool { return r.Samples() == uint64(len(tags)) })
	for i := range tags {
		if got, want := strings.Join(r.texts(i), "|"), fmt.Sprintf("%d good retained", i); got != want {
			t.Fatalf("tag %d: %s, want %s", i, got, want)
		}
	}
}

func TestOneMessageIsOneBatch(t *testing.T) {
	s := newServer(t)
	c := connector(t, Config{Broker: "tcp://" + s.addr},
		tag("press/data", "good"), tag("press/data", "scrap"), tag("press/data", "state.run"), tag("+/data", "nothing"))
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	s.send(t, "press/data", `{"good": "7", "scrap": 1, "state": {"run": true}}`, false, 1)
	s.send(t, "press/data", `{"good": "8", "scrap": 1`, false, 0)
	r.waitTexts(t, 0, "7 good", "bad: not JSON")
	r.waitTexts(t, 1, "1 good", "bad: not JSON")
	r.waitTexts(t, 2, "true good", "bad: not JSON")
	batches := r.Batches()[1:]
	if len(batches) < 2 || len(batches[0].Samples)+len(batches[1].Samples) < 6 {
		t.Fatalf("the messages came as %+v", batches)
	}
	for _, sample := range batches[0].Samples {
		if sample.Key == 0 || sample.Key != batches[0].Samples[0].Key {
			t.Errorf("keys of one message differ or are missing: %+v", batches[0].Samples)
		}
	}
	for _, sample := range batches[len(batches)-1].Samples {
		if sample.Key != 0 {
			t.Errorf("a QoS 0 message is never redelivered, but has the key %d", sample.Key)
		}
	}
}

func TestRefusedSubscription(t *testing.T) {
	s := newServer(t)
	s.retain(t, "press/count", "5")
	c := connector(t, Config{Broker: "tcp://" + s.addr}, tag("denied/a", ""), tag("press/count", ""), tag("denied/a", "x"))
	r := start(t, c, nil)
	r.waitTexts(t, 0, "bad: the broker refused the subscription")
	r.waitTexts(t, 2, "bad: the broker refused the subscription")
	r.waitTexts(t, 1, "5 good retained")
}

// committing keeps the Committed of every batch for the test to call.
type committing struct {
	mu   sync.Mutex
	done []func()
}

func (k *committing) emit(r *connectortest.Recorder) func(connectors.Batch) {
	return func(b connectors.Batch) {
		if b.Committed != nil {
			k.mu.Lock()
			k.done = append(k.done, b.Committed)
			k.mu.Unlock()
			b.Committed = nil
		}
		r.Emit(b)
	}
}

func (k *committing) take() []func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	done := k.done
	k.done = nil
	return done
}

func TestCountedMessagesAreAcknowledgedAfterCommit(t *testing.T) {
	s := newServer(t)
	c := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}, pulse("saw/pulse"), tag("saw/state", ""))
	var commits committing
	first := start(t, c, commits.emit)
	first.WaitUp(t, patience)
	for i := range 3 {
		s.send(t, "saw/pulse", fmt.Sprint(i), false, 1)
	}
	s.send(t, "saw/state", "on", false, 1)
	first.waitTexts(t, 0, "0 good", "1 good", "2 good")
	first.waitTexts(t, 1, "on good")
	done := commits.take()
	if len(done) != 3 {
		t.Fatalf("%d batches want to hear of their commit, want 3", len(done))
	}
	done[0]()
	waitFor(t, "the pulse to be acknowledged", func() bool { return s.acknowledged() == 1 })
	keys := map[string]uint64{}
	for _, b := range first.Batches() {
		for _, sample := range b.Samples {
			keys[sample.Value.Text()] = sample.Key
		}
	}
	if err := first.stop(t); err != nil {
		t.Fatal(err)
	}
	done[1]() // too late: must neither block nor acknowledge
	s.send(t, "saw/pulse", "3", false, 1)

	second := start(t, c, commits.emit)
	second.Wait(t, patience, "two redelivered messages and a new one", func() bool {
		// This broker keeps no order here and marks the new one as well.
		got := second.texts(0)
		slices.Sort(got)
		return slices.Equal(got, []string{"1 good redelivered", "2 good redelivered", "3 good redelivered"})
	})
	for _, b := range second.Batches() {
		for _, sample := range b.Samples {
			if key, known := keys[sample.Value.Text()]; known && sample.Key != key {
				t.Errorf("message %s had the key %d and comes again with %d", sample.Value.Text(), key, sample.Key)
			}
		}
	}
	for _, committed := range commits.take() {
		committed()
	}
	waitFor(t, "all pulses to be acknowledged", func() bool { return s.acknowledged() == 4 })
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestLeftoversOfAnOlderConfiguration(t *testing.T) {
	s := newServer(t)
	cfg := Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}
	old := start(t, connector(t, cfg, pulse("saw/pulse"), pulse("old/pulse")), nil)
	old.WaitUp(t, patience)
	if err := old.stop(t); err != nil {
		t.Fatal(err)
	}
	s.send(t, "old/pulse", "1", false, 1)
	s.send(t, "saw/pulse", "1", false, 1)
	c := connector(t, cfg, pulse("saw/pulse"))
	r := start(t, c, nil)
	r.waitTexts(t, 0, "1 good redelivered") // this broker marks whatever waited
	waitFor(t, "both to be acknowledged", func() bool { return s.acknowledged() == 2 })
	if c.Ignored() != 1 {
		t.Errorf("%d messages were ignored, want 1", c.Ignored())
	}
}

func TestBlockedEmitDropsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := start(t, connector(t, Config{Broker: "tcp://" + s.addr, KeepAlive: 2 * time.Second, Timeout: time.Second},
		tag("press/count", "")), nil)
	r.WaitUp(t, patience)
	r.Hold()
	var want []string
	for i := range 900 { // the broker's window is 1024
		s.send(t, "press/count", fmt.Sprint(i), false, 1)
		want = append(want, fmt.Sprintf("%d good", i))
	}
	r.Wait(t, patience, "emit to block", r.Held)
	select { // longer than keep-alive and timeout together
	case <-r.done:
		t.Fatalf("Run ended while emit was blocked: %v", r.err)
	case <-time.After(4500 * time.Millisecond):
	}
	r.Release()
	r.waitTexts(t, 0, want...)
	waitFor(t, "all to be acknowledged", func() bool { return s.acknowledged() == len(want) })
}

func TestSecondClientWithTheSameID(t *testing.T) {
	s := newServer(t)
	s.kick = true
	c := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}, tag("a", ""))
	var err error
	for range 3 {
		err = c.Run(t.Context(), func(connectors.Batch) {})
	}
	if err == nil || !strings.Contains(err.Error(), `another client may use the client id "gateway"`) {
		t.Errorf("after three short connections Run says %v", err)
	}
}

func TestTakenOver(t *testing.T) {
	s := newServer(t)
	cfg := Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}
	first := start(t, connector(t, cfg, tag("a", "")), nil)
	first.WaitUp(t, patience)
	second := start(t, connector(t, cfg, tag("a", "")), nil)
	second.WaitUp(t, patience)
	if err := first.wait(t, patience); err == nil || !strings.Contains(err.Error(), "the broker closed the connection") {
		t.Errorf("the first client's Run says %v", err)
	}
}

func TestWrongPassword(t *testing.T) {
	s := newServer(t)
	s.password = "right"
	c := connector(t, Config{Broker: "tcp://" + s.addr, User: "gateway", Password: "wr0ng-s3cret"}, tag("a", ""))
	err := c.Run(t.Context(), func(connectors.Batch) {})
	if err == nil || !strings.Contains(err.Error(), "user and password") || !strings.Contains(err.Error(), s.addr) {
		t.Errorf("Run says %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "s3cret") || strings.Contains(fmt.Sprintf("%v %+v %#v", c.cfg, c.cfg, c.cfg), "s3cret") {
		t.Error("the password can be printed")
	}
}

func TestInboxBlocksWhenFullAndLetsGoWhenClosed(t *testing.T) {
	b := newInbox()
	big := &fake{payload: make([]byte, maxWaiting-2*perMessage)}
	b.put(big)
	second := make(chan struct{})
	go func() {
		defer close(second)
		b.put(big)
	}()
	select {
	case <-second:
		t.Fatal("a second message of that size fitted")
	case <-time.After(50 * time.Millisecond):
	}
	if got := len(b.take(nil)); got != 1 {
		t.Fatalf("%d messages waited", got)
	}
	select {
	case <-second:
	case <-time.After(patience):
		t.Fatal("put did not go on after take")
	}
	third := make(chan struct{})
	go func() {
		defer close(third)
		b.put(big)
	}()
	b.close()
	select {
	case <-third:
	case <-time.After(patience):
		t.Fatal("put did not end after close")
	}
	if got := len(b.take(nil)); got != 1 {
		t.Errorf("%d messages were left, want only the one from before close", got)
	}
}

// fake is a message that came from nowhere.
type fake struct{ payload []byte }

func (*fake) Duplicate() bool   { return false }
func (*fake) Qos() byte         { return 1 }
func (*fake) Retained() bool    { return false }
func (*fake) Topic() string     { return "t" }
func (*fake) MessageID() uint16 { return 1 }
func (f *fake) Payload() []byte { return f.payload }
func (*fake) Ack()              {}

func TestCancelledBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := connector(t, Config{Broker: "tcp://127.0.0.1:1"}, tag("a", ""))
	if err := c.Run(ctx, func(connectors.Batch) {}); err != nil {
		t.Errorf("Run says %v", err)
	}
}
