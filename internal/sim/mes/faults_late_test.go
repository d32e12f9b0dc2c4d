package mes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sleeper is a Sleep that takes no time and adds up what it should have taken.
func sleeper(slept *time.Duration) func(context.Context, time.Duration) {
	var mu sync.Mutex
	return func(_ context.Context, d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		*slept += d
	}
}

// strike adds a fault for the next call.
func (b *bench) strike(f Fault) {
	b.Helper()
	f.Times = 1
	if _, err := b.s.AddFault(f); err != nil {
		b.Fatal(err)
	}
}

// lost makes a call to the counter, gives it up as soon as it is recorded, and
// demands that no whole answer came.
func (b *bench) lost(body string) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", b.url+counterPath, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth("key", "secret")
	before := b.s.seenCalls()
	answered := make(chan error)
	go func() {
		resp, err := b.client.Do(r)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		answered <- err
	}()
	for deadline := time.Now().Add(4 * time.Second); b.s.seenCalls() == before && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-answered; err == nil {
		b.Fatalf("%s: answered", body)
	}
}

func (s *Server) seenCalls() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// told sums up the calls after one, by whom and with what status.
func (b *bench) told(after uint64) string {
	var list []string
	for _, c := range b.s.Calls(after) {
		list = append(list, strings.TrimSpace(fmt.Sprint(c.By, " ", c.Body, " ", c.Status, " ", c.Applied)))
	}
	return strings.Join(list, ", ")
}

func TestLateAnswers(t *testing.T) {
	b := start(t, Options{})
	var slept time.Duration
	b.s.config.Sleep = sleeper(&slept)
	b.strike(Fault{Kind: FaultLateAnswer, Delay: time.Hour})
	if got := b.post("counter", `{"count":5}`, 200); got != "5" || slept != time.Hour {
		t.Error(got, slept)
	}
	// An answer that came, however late, excuses nothing.
	b.post("counter", `{"count":5}`, 400)
	// One that came too late does. It is applied all the same.
	b.s.config.Sleep = wait
	b.strike(Fault{Kind: FaultLateAnswer, Delay: time.Hour})
	b.lost(`{"count":6}`)
	b.post("counter", `{"count":6}`, 400)
	if v := b.s.Violations(); len(v) != 2 || v[0].Excused || !v[1].Excused {
		t.Errorf("%+v", v)
	}
	if got := seen(b.m1()); got != "count 6 made 6" {
		t.Error(got)
	}
}

func TestNever(t *testing.T) {
	b := start(t, Options{})
	b.strike(Fault{Kind: FaultNeverBefore})
	b.lost(`{"count":5}`)
	if got := seen(b.m1()); got != "count 0 made 0" {
		t.Error(got)
	}
	b.strike(Fault{Kind: FaultNeverAfter})
	b.lost(`{"count":5}`)
	if got := seen(b.m1()); got != "count 5 made 5" {
		t.Error(got)
	}
	b.strike(Fault{Kind: FaultNeverAfter, Delay: time.Millisecond})
	if _, _, _, err := b.do("POST", counterPath, "basic", `{"count":6}`); err == nil {
		t.Error("answered, though the connection should have been reset after the delay")
	}
	b.post("counter", `{"count":6}`, 400)
	if v := b.s.Violations(); len(v) != 1 || !v[0].Excused {
		t.Errorf("%+v", v)
	}
}

func TestTwice(t *testing.T) {
	b := start(t, Options{})
	b.strike(Fault{Kind: FaultTwice})
	b.post("counter", `{"count":5}`, 200)
	b.strike(Fault{Kind: FaultTwiceSecond})
	b.post("counter", `{"count":6}`, 400)
	b.strike(Fault{Kind: FaultTwice, Delay: 10 * time.Second})
	b.post("counter", `{"count":7}`, 200)
	b.clock.Move(5 * time.Second)
	b.post("counter", `{"count":8}`, 200)
	if got, want := b.told(0), `{"count":5} 200 true, network {"count":5} 400 false, {"count":6} 200 true, network {"count":6} 400 false, {"count":7} 200 true, {"count":8} 200 true`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	b.clock.Move(5 * time.Second)
	if got, want := b.told(6), `network {"count":7} 400 false`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if v := b.s.Violations(); len(v) != 0 {
		t.Errorf("%+v", v)
	}
	if got := b.s.Limit().Taken; got != 7 {
		t.Errorf("%d requests taken from the limit, want 7", got)
	}
	if got := b.s.Busiest(); got != 4 {
		t.Errorf("%d requests of the client, want 4", got)
	}
}

// TestDeliveredLate has a stop that is told twice: the second time when the
// machine runs again. Each has the time at which it arrived, though nobody
// looked then.
func TestDeliveredLate(t *testing.T) {
	b := start(t, Options{})
	begin := b.clock.Now()
	b.strike(Fault{Kind: FaultTwice, Delay: time.Minute})
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	b.clock.Move(10 * time.Second)
	b.post("startstop", `{"type":"STOP","running":1}`, 200)
	b.strike(Fault{Kind: FaultLateApply, Delay: 3 * time.Minute})
	b.lost(`{"count":9}`)
	b.strike(Fault{Kind: FaultLateApply, Delay: 2 * time.Minute})
	b.lost(`{"count":8}`)
	if got := seen(b.m1()); got != "count 0 made 0 down 1 open 0 last STOP" {
		t.Error(got)
	}
	b.clock.Move(time.Hour)
	m := b.m1()
	if got := seen(m); got != "count 9 made 9 down 2 open 1 last STOP" {
		t.Error(got)
	}
	if got := m.Downtimes[1].Start.Sub(begin); got != time.Minute {
		t.Errorf("the second downtime begins after %s, want 1m", got)
	}
	last := b.s.Calls(5)
	if len(last) != 2 || last[0].Time.Sub(begin) != 130*time.Second || last[1].Time.Sub(begin) != 190*time.Second {
		t.Errorf("%+v", last)
	}
	b.strike(Fault{Kind: FaultLateApply, Delay: time.Minute})
	b.lost(`{"count":10}`)
	if err := b.s.Reset(); err != nil {
		t.Fatal(err)
	}
	b.clock.Move(time.Hour)
	if got := seen(b.m1()); got != "count 0 made 0" {
		t.Errorf("after a reset: %s", got)
	}
}

func TestWrongAnswers(t *testing.T) {
	b := start(t, Options{})
	one := func(f Fault, body string) (int, string, http.Header, error) {
		b.strike(f)
		return b.do("POST", counterPath, "basic", body)
	}
	if status, text, _, err := one(Fault{Kind: FaultCached}, `{"count":1}`); status != 200 || text != "" || err != nil {
		t.Errorf("nothing said before: %d %q %v", status, text, err)
	}
	if got := b.status("POST", "/api/machines/S%C3%A4ge%202%2Fa/counter", "basic", `{"count":77}`); got != 200 {
		t.Fatal(got)
	}
	b.post("counter", `{"count":5}`, 200)
	if status, text, _, _ := one(Fault{Kind: FaultCached}, `{"count":6}`); status != 200 || text != "77" || b.m1().Counter != 5 {
		t.Errorf("cached: %d %q, count %v", status, text, b.m1().Counter)
	}
	if status, text, _, _ := one(Fault{Kind: FaultOtherAnswer}, `{"count":6}`); status != 200 || text != "77" || b.m1().Counter != 6 {
		t.Errorf("of another machine: %d %q, count %v", status, text, b.m1().Counter)
	}
	if status, text, h, _ := one(Fault{Kind: FaultPageAfter}, `{"count":7}`); status != 200 || !strings.Contains(text, "sign in") || !strings.Contains(h.Get("Content-Type"), "html") || b.m1().Counter != 7 {
		t.Errorf("page: %d %q, count %v", status, text, b.m1().Counter)
	}
	if status, text, h, err := one(Fault{Kind: FaultTruncated}, `{"count":1234}`); err == nil || status != 200 || text != "12" || h.Get("Content-Length") != "14" || b.m1().Counter != 1234 {
		t.Errorf("truncated: %d %q %v %v, count %v", status, text, h, err, b.m1().Counter)
	}
	if status, text, _, _ := one(Fault{Kind: FaultPageAfter}, `{"count":3}`); status != 400 || !strings.Contains(text, "greater") {
		t.Errorf("a refusal comes through: %d %q", status, text)
	}
}

// TestFaultKinds switches every kind on by the control interface.
func TestFaultKinds(t *testing.T) {
	b := start(t, Options{})
	var slept time.Duration
	b.s.config.Sleep = sleeper(&slept)
	for i, kind := range slices.DeleteFunc(faultKinds(), FaultKind.ofWebhooks) {
		b.control("POST", "/faults", fmt.Sprintf(`{"kind":%q,"times":1,"delay":1000000}`, kind), 200)
		before := len(b.s.Calls(0))
		status, text, _, err := b.do("POST", counterPath, "basic", fmt.Sprintf(`{"count":%d}`, i+1))
		whole := err == nil && status == 200 && json.Valid([]byte(text))
		slow := kind == FaultLatency || kind == FaultLateAnswer || kind == FaultSlowBody
		if right := whole && text == fmt.Sprint(i+1); right != (slow || kind == FaultTwice) {
			t.Errorf("%s: %d %q %v", kind, status, text, err)
		}
		if len(b.s.Calls(0)) <= before {
			t.Errorf("%s: not recorded", kind)
		}
		b.clock.Move(time.Second)
	}
	if slept < 5*time.Millisecond {
		t.Errorf("slept %s", slept)
	}
	if left := b.s.Faults(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}
