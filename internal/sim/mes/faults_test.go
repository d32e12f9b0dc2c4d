package mes

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConnectionsLost(t *testing.T) {
	b := start(t, Options{})
	b.s.AddFault(Fault{Kind: FaultDropBefore, Times: 1})
	if _, _, _, err := b.do("POST", "/api/machines/M1/counter", "basic", `{"count":5}`); err == nil {
		t.Error("dropped before, but answered")
	}
	if got := seen(b.m1()); got != "count 0 made 0" {
		t.Error(got)
	}
	b.s.AddFault(Fault{Kind: FaultDropAfter, Service: "counter", Machine: "M1", Times: 1})
	if _, _, _, err := b.do("POST", "/api/machines/M1/counter", "basic", `{"count":5}`); err == nil {
		t.Error("dropped after, but answered")
	}
	if got := seen(b.m1()); got != "count 5 made 5" {
		t.Error(got)
	}
	b.post("counter", `{"count":5}`, 400)
	b.post("counter", `{"count":4}`, 400)
	b.post("counter", `{"count":6}`, 200)
	b.post("counter", `{"count":6}`, 400)
	var kinds []string
	for _, v := range b.s.Violations() {
		kinds = append(kinds, fmt.Sprint(v.Kind, " ", v.Excused))
	}
	if got := strings.Join(kinds, ", "); got != "equal true, lower false, equal false" {
		t.Errorf("violations: %s", got)
	}
	if calls := b.s.Calls(4); len(calls) != 2 || calls[0].Number != 5 || calls[0].Body != `{"count":6}` || !calls[0].Applied {
		t.Errorf("calls: %+v", calls)
	}
}

func TestFaultAnswers(t *testing.T) {
	b := start(t, Options{})
	one := func(f Fault) (int, string, http.Header) {
		t.Helper()
		f.Times = 1
		if _, err := b.s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		status, text, h, err := b.do("POST", "/api/machines/M1/counter", "basic", `{"count":5}`)
		if err != nil {
			t.Fatal(err)
		}
		return status, text, h
	}
	if status, _, h := one(Fault{Kind: FaultLimit, RetryAfter: 1500 * time.Millisecond}); status != 429 || h.Get("Retry-After") != "2" {
		t.Error(status, h)
	}
	if status, _, h := one(Fault{Kind: FaultLimitBare}); status != 429 || h.Get("Retry-After") != "" {
		t.Error(status, h)
	}
	if status, _, _ := one(Fault{Kind: FaultStatus, Status: 502}); status != 502 {
		t.Error(status)
	}
	if status, text, h := one(Fault{Kind: FaultPage}); status != 200 || !strings.Contains(h.Get("Content-Type"), "html") || !strings.Contains(text, "sign in") {
		t.Error(status, text, h)
	}
	if m := b.m1(); m.Counted {
		t.Error("a call that did not reach Prodsmart was applied")
	}
	if status, text, _ := one(Fault{Kind: FaultMalformed}); status != 200 || json.Valid([]byte(text)) {
		t.Error(status, text)
	}
	if m := b.m1(); m.Counter != 5 {
		t.Error("not applied")
	}
	began := time.Now()
	if status, _, _ := one(Fault{Kind: FaultLatency, Delay: 60 * time.Millisecond}); status != 400 || time.Since(began) < 60*time.Millisecond {
		t.Error(status, time.Since(began))
	}
	b.s.AddFault(Fault{Kind: FaultSlowBody, Delay: 30 * time.Millisecond, Times: 1})
	began = time.Now()
	if got := b.post("counter", `{"count":123}`, 200); got != "123" || time.Since(began) < 90*time.Millisecond {
		t.Error(got, time.Since(began))
	}
	b.s.AddFault(Fault{Kind: FaultStatus, For: time.Minute})
	b.post("counter", `{"count":124}`, 503)
	b.clock.Move(time.Minute)
	b.post("counter", `{"count":124}`, 200)
	for _, bad := range []Fault{{Kind: "x"}, {Kind: FaultStatus, Status: 200}, {Kind: FaultPage, Service: "x"}, {Kind: FaultPage, Chance: 2}, {Kind: FaultPage, Delay: -1}} {
		if _, err := b.s.AddFault(bad); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func TestSetupErrors(t *testing.T) {
	if _, err := New(Config{Profile: Profile{Options: Options{EqualCount: "maybe"}}}); err == nil || !strings.Contains(err.Error(), "equal_count") {
		t.Errorf("%v", err)
	}
	if _, err := New(Config{Machines: []MachineSetup{{Code: "A"}, {Code: "A"}}}); err == nil {
		t.Error("a machine twice")
	}
	if _, err := ProfileNamed("x"); err == nil {
		t.Error("unknown profile")
	}
	b := start(t, Options{})
	if _, err := b.s.Serve(strings.TrimPrefix(b.url, "http://")); err == nil {
		t.Error("served twice on one port")
	}
	if err := errors.Join(b.s.SetOptions(Options{}), b.s.Reset()); err != nil {
		t.Error(err)
	}
}
