package opcua

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLateNodes(t *testing.T) {
	for name, missing := range map[string]ua.StatusCode{"refused": ua.StatusBadNodeIDUnknown, "reported": 0} {
		t.Run(name, func(t *testing.T) {
			p := startPLC(t)
			p.with(func() { p.missing = missing })
			p.is("Here", uint32(1))
			r := run(t, dialling(p.addr), tagsOf("Here", "Late"))
			r.WaitValue(t, within, 0, connectors.Uint(1))
			r.waitReason(t, 1, "BadNodeIdUnknown")
			p.is("Here", uint32(2))
			r.WaitValue(t, within, 0, connectors.Uint(2))
			p.is("Late", uint32(5))
			r.WaitValue(t, within, 1, connectors.Uint(5))

			// The node goes and comes back, as in a program download.
			p.with(func() { p.missing = ua.StatusBadNodeIDUnknown })
			p.put("Here", nil)
			r.waitReason(t, 0, "BadNodeIdUnknown")
			p.is("Here", uint32(3))
			r.WaitValue(t, within, 0, connectors.Uint(3))
			if first := slices.IndexFunc(r.Batches(), func(b connectors.Batch) bool { return b.Link == connectors.LinkDown }); first >= 0 {
				t.Error("the link went down")
			}
		})
	}
}

func TestRefusedTagsAreToldAgain(t *testing.T) {
	p := startPLC(t)
	r := run(t, dialling(p.addr), tagsOf("Missing"))
	r.Wait(t, within, "three bad samples", func() bool { return r.c.Stats().Samples >= 3 })
}

func TestNamespaces(t *testing.T) {
	p := newPLC(t)
	p.with(func() { p.namespaces = []string{"http://opcfoundation.org/UA/", "urn:other"} })
	p.is("Counter", uint32(1))
	p.Start(t)
	tags := tagsOf("Counter")
	r := run(t, dialling(p.addr), tags)
	r.waitReason(t, 0, "namespace is not on the server")
	p.with(func() { p.namespaces = append(p.namespaces, plantURI) })
	r.WaitValue(t, within, 0, connectors.Uint(1))
	r.stop()
	r.done.Wait()

	p.with(func() { p.namespaces = []string{"http://opcfoundation.org/UA/", plantURI, "urn:other"} })
	p.is("Counter", uint32(2))
	again := run(t, dialling(p.addr), tags)
	again.WaitValue(t, within, 0, connectors.Uint(2))
}

func TestLimitPerCall(t *testing.T) {
	names := make([]string, 25)
	for i := range names {
		names[i] = fmt.Sprint("n", i)
	}
	for _, told := range []bool{true, false} {
		p := startPLC(t)
		p.with(func() { p.perCall, p.tellLimit = 4, told })
		for i, n := range names {
			p.is(n, uint32(i))
		}
		r := run(t, dialling(p.addr), tagsOf(names...))
		for i := range names {
			r.WaitValue(t, within, i, connectors.Uint(uint64(i)))
		}
		p.with(func() {
			if refused := slices.ContainsFunc(p.calls, func(n int) bool { return n > 4 }); refused == told {
				t.Errorf("limit told %v: calls of %v items", told, p.calls)
			}
		})
	}
}

func TestEachMessageCounts(t *testing.T) {
	p := startPLC(t)
	p.is("Pulse", uint32(1))
	p.is("Level", uint32(1))
	tags := tagsOf("Pulse", "Level")
	tags[0].EachMessage = true
	r := run(t, dialling(p.addr), tags)
	r.WaitValue(t, within, 1, connectors.Uint(1))
	r.Hold()
	for range 50 {
		p.is("Pulse", uint32(1))
		p.is("Level", uint32(1))
	}
	r.Release()
	r.Wait(t, within, "51 pulses", func() bool { return count(r, 0) >= 51 })
	p.is("Level", uint32(2))
	r.WaitValue(t, within, 1, connectors.Uint(2))
	if n := count(r, 1); n != 2 {
		t.Errorf("the level was told %d times, want 2", n)
	}
	p.with(func() {
		for _, it := range p.asked {
			each := it.ItemToMonitor.NodeID.StringID() == "Pulse"
			if q := it.RequestedParameters.QueueSize; each && q < 1000 {
				t.Errorf("the queue for pulses is %d", q)
			}
		}
	})
}

func count(r *running, tag int) int {
	n := 0
	for _, b := range r.Batches() {
		for _, s := range b.Samples {
			if s.Tag == tag {
				n++
			}
		}
	}
	return n
}

func TestOverflowIsStillGood(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(0))
	cfg := dialling(p.addr)
	cfg.Queue = 2
	r := run(t, cfg, tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(0))
	p.with(func() { p.hang = true }) // so that the changes meet in one publishing
	for i := range uint32(20) {
		p.is("Counter", i+1)
	}
	p.with(func() { p.hang = false })
	r.WaitValue(t, within, 0, connectors.Uint(20))
	for _, b := range r.Batches() {
		for _, s := range b.Samples {
			if s.Quality != connectors.Good {
				t.Errorf("an overflow made %+v", s)
			}
		}
	}
}

// TestAlive: a connection vouches for its tags only when each has been heard of,
// and about once a second.
func TestAlive(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := startPLC(t)
	p.is("Here", uint32(1))
	p.is("Slow", "") // accepted, but it has no value yet
	r := run(t, dialling(p.addr), tagsOf("Here", "Slow"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	r.waitReason(t, 1, "BadWaitingForInitialData")
	alive := func() (times []time.Time) {
		for _, b := range r.Batches() {
			if b.Alive {
				times = append(times, b.Time)
			}
		}
		return times
	}
	waited := time.Now()
	r.Wait(t, within, "three signs of life", func() bool { return len(alive()) >= 3 })
	times := alive()
	if times[0].Before(waited.Add(-50 * time.Millisecond)) {
		t.Error("the connection vouched for a tag without value")
	}
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d < aliveEvery {
			t.Errorf("two signs of life within %v", d)
		}
	}
	if r.c.Stats().LastGood.Before(times[2]) {
		t.Error("a sign of life is not in LastGood")
	}
}

func TestSilentSubscription(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := startPLC(t)
	p.is("Counter", uint32(1))
	p.with(func() { p.mute = true }) // the server's clock in our subscription stands, too
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	began := time.Now()
	want(t, r.end(t), "was silent", "3s", p.addr)
	if d := time.Since(began); d > 3*silenceAtLeast { // a busy machine adds to it
		t.Errorf("noticed after %v", d)
	}
	p.seen(t, "the end of the session", func() bool { return p.closed == 1 })
}

// TestHangingServer: the server takes everything and answers nothing.
func TestHangingServer(t *testing.T) {
	t.Parallel() // most of it is waiting
	p := startPLC(t)
	p.is("Counter", uint32(1))
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() { p.hang = true })
	began := time.Now()
	r.stop()
	r.done.Wait()
	if d := time.Since(began); r.err != nil || d > 2*time.Second {
		t.Errorf("Run ended after %v with %v", d, r.err)
	}
	r = run(t, dialling(p.addr), tagsOf("Counter"))
	want(t, r.end(t), "GetEndpoints: no answer within 3s")
}

func TestSessionLost(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() { p.refuse[id.PublishRequest_Encoding_DefaultBinary] = ua.StatusBadNoSubscription })
	p.is("Counter", uint32(2))
	want(t, r.end(t), "BadNoSubscription", "has forgotten this connection")
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		request uint16
		code    ua.StatusCode
		says    []string
	}{
		{id.CreateSessionRequest_Encoding_DefaultBinary, ua.StatusBadTooManySessions, []string{"CreateSession", "BadTooManySessions", "close other clients"}},
		{id.ActivateSessionRequest_Encoding_DefaultBinary, ua.StatusBadUserAccessDenied, []string{"ActivateSession", "BadUserAccessDenied", "check user and password"}},
		{id.CreateSubscriptionRequest_Encoding_DefaultBinary, ua.StatusBadTooManySubscriptions, []string{"CreateSubscription", "no further subscription"}},
		{id.ReadRequest_Encoding_DefaultBinary, ua.StatusBadUnexpectedError, []string{"Read", "BadUnexpectedError"}},
		{id.CreateMonitoredItemsRequest_Encoding_DefaultBinary, ua.StatusBadSessionIDInvalid, []string{"CreateMonitoredItems", "BadSessionIdInvalid"}},
	} {
		p := startPLC(t)
		p.with(func() { p.refuse[tc.request] = tc.code })
		r := run(t, dialling(p.addr), tagsOf("Counter"))
		want(t, r.end(t), append(tc.says, p.addr)...)
	}
}

// TestNoRoomForItems: a server that has no room for monitored items is no reason
// to give up what it has room for.
func TestNoRoomForItems(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	p.with(func() {
		p.refuse[id.CreateMonitoredItemsRequest_Encoding_DefaultBinary] = ua.StatusBadTooManyMonitoredItems
	})
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.waitReason(t, 0, "BadTooManyMonitoredItems")
	p.with(func() { clear(p.refuse) })
	r.WaitValue(t, within, 0, connectors.Uint(1))
}

func TestPublishTimeoutOfTheServer(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() { p.refuse[id.PublishRequest_Encoding_DefaultBinary] = ua.StatusBadTimeout })
	p.is("Counter", uint32(2))
	p.seen(t, "three publish requests", func() bool { return p.denied >= 3 })
	p.with(func() { clear(p.refuse) })
	p.is("Counter", uint32(3))
	r.WaitValue(t, within, 0, connectors.Uint(3))
	if r.Faults() != nil || !r.Up() {
		t.Error("the link went down")
	}
}

func TestBitsShareAnItem(t *testing.T) {
	p := startPLC(t)
	p.is("Word", uint16(0b101))
	tags := tagsOf("Word", "Word", "Word")
	tags[0].Bit, tags[1].Bit = 0, 1
	r := run(t, dialling(p.addr), tags)
	r.WaitValue(t, within, 0, connectors.Bool(true))
	r.WaitValue(t, within, 1, connectors.Bool(false))
	r.WaitValue(t, within, 2, connectors.Uint(5))
	p.with(func() {
		if len(p.asked) != 2 {
			t.Errorf("%d items for one node and the heartbeat", len(p.asked))
		}
	})
}

func TestStats(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	if st := r.c.Stats(); st.Samples != 0 || !st.LastGood.IsZero() {
		t.Errorf("before the first value: %+v", st)
	}
	r.WaitValue(t, within, 0, connectors.Uint(1))
	if st := r.c.Stats(); st.Requests < 6 || st.Samples != 1 || st.LastGood.IsZero() || st.RoundTrip <= 0 || st.RoundTrip > within {
		t.Errorf("after the first value: %+v", st)
	}
}

// TestReconnects leaves nothing behind; goleak looks after the goroutines.
func TestReconnects(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	c, err := New(dialling(p.addr), tagsOf("Counter"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*within)
	defer cancel()
	for range 1000 {
		err := c.Run(ctx, func(b connectors.Batch) {
			if b.Link != connectors.LinkUp {
				return
			}
			p.with(func() {
				for cl := range p.clients {
					_ = cl.tcp.SetLinger(0)
					_ = cl.tcp.Close()
				}
			})
		})
		if !errors.Is(err, errLost) {
			t.Fatalf("Run ended with %v", err)
		}
	}
	p.Stop(t)
	goleak.VerifyNone(t)
}

// TestTooLargeValue: an array that is too long to be taken costs one session,
// and then only its own tags.
func TestTooLargeValue(t *testing.T) {
	p := startPLC(t)
	names := []string{"a", "Large", "b"}
	p.is("a", uint32(1))
	p.is("Large", make([]uint32, ua.MaxVariantArrayLength+1))
	p.is("b", uint32(2))
	r := run(t, dialling(p.addr), tagsOf(names...))
	want(t, r.end(t), "BadEncodingLimitsExceeded", node("Large")+" is too large")
	r = begin(t, r.c, len(names))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	r.WaitValue(t, within, 2, connectors.Uint(2))
	r.waitReason(t, 1, "BadEncodingLimitsExceeded")
}
