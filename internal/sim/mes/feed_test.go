package mes

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// pop reads a channel once.
func (b *bench) pop(name, query string) []map[string]any {
	b.Helper()
	var list []map[string]any
	text := b.call("GET", "/api/changes/"+name+"?"+query, "", 200)
	if err := json.Unmarshal([]byte(text), &list); err != nil || list == nil {
		b.Fatalf("%s: %v", text, err)
	}
	return list
}

// channels is a bench with one channel of a type, named c.
func channels(t *testing.T, o Options, kind string) *bench {
	b := company(t, o)
	b.s.config.Zone = time.FixedZone("", 3600)
	if err := b.s.AddChannel(ChannelSetup{"c", kind}); err != nil {
		t.Fatal(err)
	}
	return b
}

func codesOf(list []map[string]any) string {
	out := ""
	for _, e := range list {
		out += fmt.Sprint(e["code"])
	}
	return out
}

func TestChannelOfOrders(t *testing.T) {
	b := channels(t, Options{}, kindOrder)
	one := b.order("A", fullOrder)
	b.order("B", "")
	id := strings.TrimPrefix(one, ordersPath)
	list := b.pop("c", "")
	want := `{"code":"A","description":"d","due-date":"2026-03-05T13:00:00.000+01:00","ended":false,"id":` + id +
		`,"is-active":true,"machines":[{"code":"M1"}],"material-staging-complete":false,"notes":"n","products":[{"observations":"","product":"P1","quantity-ordered":10,"quantity-produced":0}],` +
		`"running-status":"notstarted","shipping":{"code":"SHP-1"},"start-date":"2026-03-04T13:00:00.000+01:00","status":"scheduled","unheard-of":{"x":1}}`
	if got := inOneLine(list[0]); got != want || len(list) != 2 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := b.pop("c", ""); len(got) != 0 {
		t.Errorf("popped twice: %v", got)
	}
	b.call("PUT", one, plan("A", `,"workers-assigned":[{"number":2}]`), 200)
	raw := b.call("GET", "/api/changes/c?workers=true", "", 200)
	if !strings.Contains(raw, `"workers-assigned":[{"number":2}]`) || !strings.Contains(raw, `"quantity-ordered":10.0`) {
		t.Error(raw)
	}
	b.call("DELETE", one, "", 204)
	gone := b.pop("c", "")
	if len(gone) != 1 || gone[0]["running-status"] != "deleted" || gone[0]["status"] != "scheduled" {
		t.Errorf("%v", gone)
	}
}

// TestChannelCollapses: many changes of one order are one, as the order is when
// the channel is read, at the place of the newest change.
func TestChannelCollapses(t *testing.T) {
	b := channels(t, Options{}, kindOrder)
	first := b.order("A", "")
	b.order("B", "")
	b.s.FinishProductions("M1")
	b.s.StartProduction("M1", Work{Order: "A"})
	for n := range 5 {
		b.post("counter", fmt.Sprintf(`{"count":%d}`, n+1), 200)
	}
	b.call("PUT", first, plan("A", `,"notes":"x"`), 200)
	list := b.pop("c", "")
	line := list[1]["products"].([]any)[0].(map[string]any)
	if codesOf(list) != "BA" || line["quantity-produced"] != 5.0 || list[1]["notes"] != "x" || list[1]["running-status"] != "started" {
		t.Errorf("%v", list)
	}
	b.post("counter", `{"count":9}`, 200)
	b.clock.Move(23 * time.Hour) // the newest change counts, not the first
	if got := b.pop("c", ""); codesOf(got) != "A" {
		t.Errorf("%v", got)
	}
}

func TestChannelPopsAndForgets(t *testing.T) {
	b := channels(t, Options{Limit: -1}, kindOrder)
	for n := range 60 {
		b.order(fmt.Sprintf("%02d", n), "")
	}
	first := b.pop("c", "")
	if len(first) != 25 || first[0]["code"] != "00" || first[24]["code"] != "24" {
		t.Errorf("%d %s", len(first), codesOf(first))
	}
	b.clock.Move(10 * time.Hour)
	b.order("late", "")
	if got := b.s.Channels(); got[0].Waiting != 36 || !got[0].Oldest.Equal(b.clock.Now().Add(-10*time.Hour)) {
		t.Errorf("%+v", got)
	}
	// What is a day old is gone, and nobody was told.
	b.control("POST", "/clock", fmt.Sprintf(`{"advance":%d}`, 14*time.Hour), 200)
	if got := b.pop("c", ""); codesOf(got) != "late" {
		t.Errorf("%v", got)
	}
	b.control("POST", "/clock", `{"advance":-1}`, 400)
}

// TestChannelAnswerLost: what was popped is gone although nobody got it.
func TestChannelAnswerLost(t *testing.T) {
	b := channels(t, Options{}, kindOrder)
	b.order("A", "")
	token := b.token(201)
	b.control("POST", "/faults", `{"kind":"drop_after","service":"changes","times":1}`, 200)
	// net/http asks again by itself if a kept connection breaks, and so would
	// not see what it lost.
	b.client.CloseIdleConnections()
	if _, text, _, err := b.do("GET", "/api/changes/c", token, ""); err == nil {
		t.Errorf("an answer: %s", text)
	}
	if got := b.pop("c", ""); len(got) != 0 {
		t.Errorf("%v", got)
	}
	b.order("B", "")
	b.control("POST", "/faults", `{"kind":"status","service":"changes","times":1}`, 200)
	b.call("GET", "/api/changes/c", "", 503)
	if got := b.pop("c", ""); codesOf(got) != "B" {
		t.Errorf("%v", got)
	}
	calls := b.s.Calls(0)
	if last := calls[len(calls)-1]; last.Service != "changes" || !last.Applied {
		t.Errorf("%+v", last)
	}
}

func TestChannelOfProductions(t *testing.T) {
	b := channels(t, Options{}, kindProduction)
	id := fmt.Sprint(b.m1().Productions[0].ID)
	b.post("counter", `{"count":4,"waste":[{"code":"SCRAP","quantity":1}],"parameters":[{"name":"Temp","value":25}]}`, 200)
	waste := b.m1().Productions[0].Waste["SCRAP"]
	list := b.pop("c", "")
	p := list[0]
	if got := strings.Join(slices.Sorted(maps.Keys(p)), " "); got != "checked-out consumptions end-time id machine operation produced-waste production-order quantity rework show-check-in-checklist-and-c-f start-time total-time-factor work-time worker" {
		t.Error(got)
	}
	if len(list) != 1 || fmt.Sprint(p["id"]) != id || p["quantity"] != 4.0 || p["checked-out"] != false || waste != 1 {
		t.Errorf("%v", list)
	}
	b.control("DELETE", "/productions/"+id, "", 200)
	if gone := b.pop("c", ""); len(gone) != 1 || gone[0]["status"] != "deleted" || fmt.Sprint(gone[0]["id"]) != id {
		t.Errorf("%v", gone)
	}
	b.s.StartProduction("M1", Work{})
	b.s.FinishProductions("M1")
	if list = b.pop("c", ""); len(list) != 1 || list[0]["checked-out"] != true {
		t.Errorf("%v", list)
	}
}

func TestChannelOfDowntimes(t *testing.T) {
	b := channels(t, Options{OtherStop: OtherStopReclassify}, kindDowntime)
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	b.post("startstop", `{"type":"JAM","running":0}`, 200)
	b.clock.Move(9*time.Hour + 13*time.Minute)
	list := b.pop("c", "")
	if len(list) != 1 || list[0]["downtime-type"] != "JAM" || list[0]["time-spent"] != "09:13:00" || list[0]["event-type"] != nil {
		t.Errorf("%v", list)
	}
	id := fmt.Sprint(b.m1().Downtimes[0].ID)
	b.control("PATCH", "/downtimes/"+id, `{"type":"STOP"}`, 200)
	if list = b.pop("c", ""); len(list) != 1 || list[0]["downtime-type"] != "STOP" {
		t.Errorf("%v", list)
	}
	b.control("DELETE", "/downtimes/"+id, "", 200)
	if list = b.pop("c", ""); len(list) != 1 || list[0]["event-type"] != "downTime_deleted" {
		t.Errorf("%v", list)
	}
}

func TestChannelsOfOtherThings(t *testing.T) {
	for kind, tt := range map[string]struct {
		entity        map[string]any
		told, deleted string
	}{
		kindProduct: {map[string]any{"id": 5, "code": "P1"}, `{"code":"P1","notification":null}`, `{"code":"P1","notification":"product_deleted"}`},
		kindStock:   {map[string]any{"product-code": "P1", "stock": 5}, `{"product-code":"P1","stock":5}`, `{"product-code":"P1","stock":5}`},
		kindPunchClock: {map[string]any{"id": 5, "type": 0, "worker": worker(2)}, `{"entry":0,"id":5,"worker":{"number":2}}`,
			`{"entry":0,"id":5,"notification":"punchClock_deleted","worker":{"number":2}}`},
	} {
		b := channels(t, Options{}, kind)
		for deleted, want := range map[bool]string{false: tt.told, true: tt.deleted} {
			b.s.lock()
			b.s.changed(kind, 5, tt.entity, deleted)
			b.s.mu.Unlock()
			if got := inOneLine(b.pop("c", "")); got != "["+want+"]" {
				t.Errorf("%s: %s, want %s", kind, got, want)
			}
		}
	}
}

func TestChannelsByHand(t *testing.T) {
	b := company(t, Options{})
	b.control("POST", "/channels", `{"name":"any name ş","type":"STOCK"}`, 200)
	b.control("POST", "/channels", `{"name":"any name ş","type":"PRODUCT"}`, 400)
	for _, body := range []string{`{"type":"STOCK"}`, `{"name":"a/b","type":"STOCK"}`, `{"name":"x","type":"ORDER"}`, `{`} {
		b.control("POST", "/channels", body, 400)
	}
	b.control("POST", "/channels", `{"name":"o","type":"PRODUCTION_ORDER"}`, 200)
	b.control("POST", "/channels", `{"name":"p","type":"PRODUCTION_ORDER"}`, 200)
	b.control("POST", "/channels", `{"name":"q","type":"PRODUCTION"}`, 400)
	b.order("A", "")
	if got := b.control("GET", "/channels", "", 200); strings.Count(got, `"waiting":1`) != 2 {
		t.Error(got)
	}
	if got := codesOf(b.pop("o", "")) + codesOf(b.pop("p", "")); got != "AA" {
		t.Errorf("two channels: %s", got)
	}
	if got := b.call("GET", "/api/changes/any%20name%20%C5%9F", "", 200); got != "[]" {
		t.Error(got)
	}
	b.control("DELETE", "/channels/p", "", 200)
	b.control("DELETE", "/channels/p", "", 400)
	b.call("GET", "/api/changes/p", "", 404)
	b.call("GET", "/api/changes/", "", 404)
	b.call("POST", "/api/changes/o", "", 405)
	if got := b.status("GET", "/api/changes/o", "basic", ""); got != 401 {
		t.Error(got)
	}
	if _, err := New(Config{Channels: []ChannelSetup{{"c", "WRONG"}}}); err == nil {
		t.Error("a channel of no type")
	}
	s, err := New(Config{Channels: []ChannelSetup{{"c", kindOrder}}})
	if err != nil || len(s.Channels()) != 1 {
		t.Errorf("%v", err)
	}
	if err := s.Reset(); err != nil || len(s.Channels()) != 1 {
		t.Errorf("after a reset: %v", err)
	}
}
