package opcua

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// runQuick is run with a pulse that beats often.
func runQuick(t *testing.T, cfg Config, tags []connectors.Tag) *running {
	t.Helper()
	return runWith(t, cfg, tags, func(c *Connector) { c.pulseEvery = 200 * time.Millisecond })
}

// condition waits until a kind of trouble holds, or does not, and returns what
// it says.
func (r *running) condition(t *testing.T, kind connectors.Trouble, holds bool) string {
	t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		all := r.c.Conditions()
		i := slices.IndexFunc(all, func(c connectors.Condition) bool { return c.Trouble == kind })
		if i >= 0 && holds {
			return all[i].Detail
		}
		if i < 0 && !holds {
			return ""
		}
	}
	t.Fatalf("condition %d holds: want %v, have %v", kind, holds, r.c.Conditions())
	return ""
}

// TestDeadSubscription: the server answers, tells the time in its subscription
// and lets values be read; only changes are not told.
func TestDeadSubscription(t *testing.T) {
	t.Parallel()
	p := startPLC(t)
	names := []string{"a", "b", "Counter"}
	for _, n := range names {
		p.is(n, uint32(1))
	}
	r := runQuick(t, dialling(p.addr), tagsOf(names...))
	r.WaitValue(t, within, 2, connectors.Uint(1))
	p.with(func() { p.frozen = true })
	p.is("Counter", uint32(2))
	start := time.Now()
	want(t, r.end(t), "the subscription is dead", node("Counter"))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestFilteredNode: a node whose changes the server holds back ends two sessions
// and no third; a subscription that is really dead is found all the same.
func TestFilteredNode(t *testing.T) {
	t.Parallel()
	p := startPLC(t)
	names := []string{"a", "Level"}
	for _, n := range names {
		p.is(n, uint32(1))
	}
	p.with(func() { p.filtered = "Level" })
	r := runQuick(t, dialling(p.addr), tagsOf(names...))
	level := uint32(1)
	drift := func() {
		r.WaitValue(t, within, 1, connectors.Uint(uint64(level)))
		level++
		p.is("Level", level)
	}
	drift()
	want(t, r.end(t), "the subscription is dead", node("Level"))
	r = begin(t, r.c, len(names))
	drift()
	want(t, r.end(t), "the subscription is dead", node("Level"), "2 times", "deadband")
	r = begin(t, r.c, len(names))
	drift()
	p.with(func() { p.reads = map[string]int{} })
	p.seen(t, "many pulses", func() bool { return p.reads["a"] >= 20 })
	p.with(func() {
		if n := p.reads["Level"]; n != 0 {
			t.Errorf("the filtered node was read %d times", n)
		}
	})
	p.is("a", uint32(2))
	r.WaitValue(t, within, 0, connectors.Uint(2))
	p.with(func() { p.frozen = true })
	p.is("a", uint32(3))
	want(t, r.end(t), "the subscription is dead", node("a"))
}

// TestCanariesAreSmall: what is large is not read again and again.
func TestCanariesAreSmall(t *testing.T) {
	t.Parallel()
	p := startPLC(t)
	p.is("Array", make([]uint32, 10_000))
	p.is("Text", strings.Repeat("x", 2*canaryBytes))
	p.is("Small", uint32(1))
	tags := tagsOf("Array", "Text", "Small")
	tags[0].Path = "[3]"
	r := runQuick(t, dialling(p.addr), tags)
	r.WaitValue(t, within, 0, connectors.Uint(0))
	p.seen(t, "many pulses", func() bool { return p.reads["Small"] >= 10 })
	p.with(func() {
		if p.reads["Array"] != 0 || p.reads["Text"] != 1 {
			t.Errorf("the array was read %d times, the long text %d times", p.reads["Array"], p.reads["Text"])
		}
	})
}

// TestChangesAreNoDeadSubscription: values that change all the time do not make
// a subscription look dead.
func TestChangesAreNoDeadSubscription(t *testing.T) {
	t.Parallel()
	p := startPLC(t)
	p.is("Counter", uint32(0))
	r := runQuick(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(0))
	n := uint32(0)
	for end := time.Now().Add(suspectAtLeast + time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		n++
		p.is("Counter", n)
	}
	r.WaitValue(t, within, 0, connectors.Uint(uint64(n)))
}

// TestNamespacesMove: a program download without a restart gives the ids of
// before to other nodes.
func TestNamespacesMove(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	r := runQuick(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() { p.namespaces = append(slices.Clone(p.namespaces), "urn:more") })
	r.Wait(t, within, "some pulses", func() bool { return r.c.Stats().Requests > 20 })
	p.with(func() { p.namespaces = []string{p.namespaces[0], "urn:more", plantURI} })
	want(t, r.end(t), "another order")
}

// TestNamespacesMoveWhilePolling: looking for lost nodes, which learns the
// namespaces again, does not hide that they moved.
func TestNamespacesMoveWhilePolling(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	cfg := dialling(p.addr)
	cfg.Read = ReadPoll
	r := run(t, cfg, tagsOf("Counter", "Lost"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	r.waitReason(t, 1, "BadNodeIdUnknown")
	p.with(func() { p.namespaces = []string{p.namespaces[0], "urn:more", plantURI} })
	want(t, r.end(t), "another order")
}

func TestClock(t *testing.T) {
	p := startPLC(t)
	p.with(func() { p.skew = -time.Hour })
	p.is("Counter", uint32(1))
	r := runQuick(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	if text := r.condition(t, connectors.ClockWrong, true); !strings.Contains(text, "1h0m0s behind") {
		t.Errorf("the condition says %q", text)
	}
	if st := r.c.Stats(); (st.Skew+time.Hour).Abs() > time.Second || time.Since(st.SkewAt) > within || st.Data == 0 {
		t.Errorf("stats are %+v", st)
	}
	p.with(func() { p.skew = 100 * time.Second }) // better, not good
	r.Wait(t, within, "the clock to be read again", func() bool { return r.c.Stats().Skew > 0 })
	r.condition(t, connectors.ClockWrong, true)
	p.with(func() { p.skew = time.Second })
	r.condition(t, connectors.ClockWrong, false)
	p.is("Counter", uint32(2))
	r.WaitValue(t, within, 0, connectors.Uint(2))
}

func TestSlowerThanWished(t *testing.T) {
	p := startPLC(t)
	p.with(func() { p.sampling = 5000 })
	p.is("Counter", uint32(1))
	r := run(t, dialling(p.addr), tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	if text := r.condition(t, connectors.TooSlow, true); !strings.Contains(text, "1 of 1") || !strings.Contains(text, node("Counter")+" each 5s, not each 100ms") {
		t.Errorf("the condition says %q", text)
	}
}

// TestTwoKindsOfSlow: slow publishing does not hide slow sampling.
func TestTwoKindsOfSlow(t *testing.T) {
	c, err := New(dialling("127.0.0.1:4840"), nil)
	if err != nil {
		t.Fatal(err)
	}
	item := monitored{plannedItem: plannedItem{every: time.Second, tags: []int{0}}, state: itemLive, sampling: 5 * time.Second}
	s := &session{c: c, interval: time.Minute, items: []monitored{item}}
	s.tellRevised()
	text := condition(c, connectors.TooSlow)
	if !strings.Contains(text, "publishes each 1m0s at best") || !strings.Contains(text, "samples 1 of 1 nodes slower") {
		t.Errorf("the condition says %q", text)
	}
	s.interval, s.items[0].sampling = c.cfg.Publishing, time.Second
	s.tellRevised()
	if text := condition(c, connectors.TooSlow); text != "" {
		t.Errorf("what is over is still said: %q", text)
	}
}

// TestHangsUpAtLargeRequests: the next attempts ask for less.
func TestHangsUpAtLargeRequests(t *testing.T) {
	p := startPLC(t)
	p.with(func() { p.largest = 50 })
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint("n", i))
		p.is(names[i], uint32(i))
	}
	r := follow(t, dialling(p.addr), tagsOf(names...))
	for i := range names {
		r.WaitValue(t, within, i, connectors.Uint(uint64(i)))
	}
}

// TestNoSubscriptions: a server without subscriptions is read, unless the
// configuration insists.
func TestNoSubscriptions(t *testing.T) {
	for name, service := range map[string]uint16{
		"subscriptions": id.CreateSubscriptionRequest_Encoding_DefaultBinary,
		"items":         id.CreateMonitoredItemsRequest_Encoding_DefaultBinary,
	} {
		t.Run(name, func(t *testing.T) {
			p := startPLC(t)
			p.with(func() { p.refuse[service] = ua.StatusBadServiceUnsupported })
			p.is("Counter", uint32(1))
			tags := tagsOf("Counter", "Late", "Pulse")
			tags[2].EachMessage = true
			r := run(t, dialling(p.addr), tags)
			r.WaitValue(t, within, 0, connectors.Uint(1))
			r.waitReason(t, 1, "BadNodeIdUnknown")
			r.waitReason(t, 2, reasonNoMessages)
			p.is("Counter", uint32(2))
			p.is("Late", uint32(3))
			r.WaitValue(t, within, 0, connectors.Uint(2))
			r.WaitValue(t, within, 1, connectors.Uint(3))
			if st := r.c.Stats(); st.Data == 0 || st.SkewAt.IsZero() {
				t.Errorf("stats are %+v", st)
			}
			facts, err := surveyOf(t, dialling(p.addr)).Examine(t.Context(), tags)
			if err != nil || !slices.Contains(facts, connectors.Fact{Name: "values come", Value: "by reading; the server has no subscriptions"}) {
				t.Errorf("facts are %v, %v", facts, err)
			}
		})
	}
	p := startPLC(t)
	p.with(func() {
		p.refuse[id.CreateSubscriptionRequest_Encoding_DefaultBinary] = ua.StatusBadServiceUnsupported
	})
	cfg := dialling(p.addr)
	cfg.Read = ReadSubscribe
	c, err := New(cfg, tagsOf("Counter"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, c.Run(context.Background(), func(connectors.Batch) {}), "BadServiceUnsupported")
}

// TestPollPeriods: each tag is read as often as it wishes.
func TestPollPeriods(t *testing.T) {
	p := startPLC(t)
	p.is("Fast", uint32(1))
	p.is("Slow", uint32(1))
	tags := tagsOf("Fast", "Slow")
	tags[1].Every = time.Minute
	cfg := dialling(p.addr)
	cfg.Read = ReadPoll
	r := run(t, cfg, tags)
	r.Wait(t, within, "ten readings", func() bool { return count(r, 0) >= 10 })
	if n := count(r, 1); n != 1 {
		t.Errorf("the slow tag was read %d times", n)
	}
}

// TestOneNodeCostsNoOther: a server that refuses whole requests for the sake of
// one node serves the others all the same, and the one is named.
func TestOneNodeCostsNoOther(t *testing.T) {
	for _, read := range []string{ReadSubscribe, ReadPoll} {
		t.Run(read, func(t *testing.T) {
			p := startPLC(t)
			p.with(func() { p.poison = "n13" })
			var names []string
			for i := range 40 {
				names = append(names, fmt.Sprint("n", i))
				p.is(names[i], uint32(i))
			}
			cfg := dialling(p.addr)
			cfg.Read = read
			r := run(t, cfg, tagsOf(names...))
			for i := range names {
				if i != 13 {
					r.WaitValue(t, within, i, connectors.Uint(uint64(i)))
				}
			}
			r.waitReason(t, 13, "BadInternalError")
		})
	}
}
