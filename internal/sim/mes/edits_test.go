package mes

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// control makes one call of the control interface.
func (b *bench) control(method, path, body string, want int) string {
	b.Helper()
	w := httptest.NewRecorder()
	b.s.Control().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	text, _ := io.ReadAll(w.Body)
	if w.Code != want {
		b.Fatalf("%s %s %s: %d %s, want %d", method, path, body, w.Code, text, want)
	}
	return strings.TrimSpace(string(text))
}

func TestDowntimesByHand(t *testing.T) {
	b := start(t, Options{StopEffect: EffectPause})
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	b.clock.Move(time.Minute)
	d := fmt.Sprint("/downtimes/", b.m1().Downtimes[0].ID)
	b.control("PATCH", d, `{"type":"JAM"}`, 200)
	if got := b.m1().Downtimes[0]; got.Type != "JAM" || !got.Open() || got.Start != b.clock.Now().Add(-time.Minute) {
		t.Errorf("%+v", got)
	}
	b.control("PATCH", d, `{"end":"2026-03-04T09:00:00Z"}`, 400)
	b.control("PATCH", d, `{"start":"2026-03-04T09:00:00Z","end":"2026-03-04T09:30:00Z"}`, 200)
	m := b.m1()
	if got := m.Downtimes[0]; got.End.Sub(got.Start) != 30*time.Minute || got.ClosedBy != 1 || m.Productions[0].Paused {
		t.Errorf("%+v %+v", got, m.Productions[0])
	}
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	b.control("DELETE", fmt.Sprint("/downtimes/", b.m1().Downtimes[1].ID), "", 200)
	if m = b.m1(); len(m.Downtimes) != 1 || m.Productions[0].Paused {
		t.Errorf("%+v", m)
	}
	b.control("DELETE", d, "", 200)
	for _, path := range []string{d, "/downtimes/x", "/productions/99", "/productions/x"} {
		b.control("DELETE", path, "", 400)
		b.control("PATCH", path, "{}", 400)
	}
	b.control("PATCH", d, `{"what":1}`, 400)
}

func TestProductionsByHand(t *testing.T) {
	b := start(t, Options{})
	b.post("counter", `{"count":10,"waste":[{"code":"SCRAP","quantity":2}]}`, 200)
	p := fmt.Sprint("/productions/", b.m1().Productions[0].ID)
	b.control("PATCH", p, `{"quantity":7,"waste":{"SCRAP":0,"BENT":3},"order":"WO-1","operation":"OP","product":"P","worker":9}`, 200)
	b.post("counter", `{"count":11,"waste":[{"code":"SCRAP","quantity":3}]}`, 200)
	if got := b.m1().Productions[0]; got.Quantity != 8 || fmt.Sprint(got.Waste) != "map[BENT:3 SCRAP:1]" || got.Work != (Work{9, "WO-1", "OP", "P"}) {
		t.Errorf("%+v", got)
	}
	if order := b.get("/api/productions", "")[0]["production-order"].(map[string]any); order["code"] != "WO-1" || order["id"] == 0.0 {
		t.Errorf("%v", order)
	}
	b.control("PATCH", p, `{"end":"2026-03-04T09:00:00Z"}`, 400)
	b.control("PATCH", p, `{"start":"2026-03-04T08:00:00Z","end":"2026-03-04T09:00:00Z"}`, 200)
	b.post("counter", `{"count":12}`, 200)
	if got := b.m1(); got.Productions[0].Open() || got.Productions[0].Quantity != 8 || got.Counter != 12 {
		t.Errorf("%+v", got)
	}
	b.control("DELETE", p, "", 200)
	if got := len(b.m1().Productions); got != 0 {
		t.Errorf("%d productions", got)
	}
}

func TestForeignWriter(t *testing.T) {
	b := start(t, Options{})
	b.post("counter", `{"count":10}`, 200)
	foreign := "/machines/M1/foreign/"
	if got := b.control("POST", foreign+"counter", `{"count":15}`, 200); got != `{"status":200,"body":"15"}` {
		t.Error(got)
	}
	if got := b.control("POST", foreign+"counter", `{"count":15}`, 200); !strings.Contains(got, `"status":400`) {
		t.Error(got)
	}
	if got := len(b.s.Violations()); got != 0 {
		t.Errorf("%d violations of another writer", got)
	}
	b.post("counter", `{"count":11}`, 400)
	b.post("counter", `{"count":16}`, 200)
	b.post("counter", `{"count":12}`, 400)
	if v := b.s.Violations(); len(v) != 2 || !v[0].Excused || v[1].Excused {
		t.Errorf("%+v", v)
	}
	b.control("POST", foreign+"startstop", `{"type":"STOP","running":0}`, 200)
	b.control("POST", foreign+"parameters", `{"parameters":[{"code":"temperature","value":4}]}`, 200)
	if m := b.m1(); m.Counter != 16 || m.Productions[0].Quantity != 16 || len(m.openDowntimes()) != 1 || string(m.Values["Temp"]) != "4" {
		t.Errorf("%+v", m)
	}
	if got := b.control("POST", foreign+"downtimes", `{}`, 200); !strings.Contains(got, `"status":404`) {
		t.Error(got)
	}
	calls := b.s.Calls(1)
	if calls[0].By != "foreign" || !calls[0].Applied || calls[2].By != "" {
		t.Errorf("%+v", calls)
	}
	b.s.SetOptions(Options{Limit: 1})
	b.post("counter", `{"count":19}`, 200)
	if got := b.control("POST", foreign+"counter", `{"count":20}`, 200); !strings.Contains(got, `"status":429`) {
		t.Error(got)
	}
}

func TestWorkers(t *testing.T) {
	b := start(t, Options{})
	b.control("POST", "/machines/M1/downtime", `{"type":"BREAK","worker":4}`, 200)
	b.clock.Move(time.Minute)
	if got := b.control("DELETE", "/machines/M1/downtime", `{"worker":5}`, 200); got != `{"ended":1}` {
		t.Error(got)
	}
	if d := b.m1().Downtimes[0]; d.Open() || d.StartedBy != 4 || d.ClosedBy != 5 || !d.ByWorker {
		t.Errorf("%+v", d)
	}
	b.control("DELETE", "/machines/M9/downtime", "", 400)
	b.control("POST", "/machines/M1/production", `{"worker":4,"order":"WO-9","operation":"OP10","product":"P1"}`, 200)
	if p := b.m1().Productions[1]; p.Work != (Work{4, "WO-9", "OP10", "P1"}) {
		t.Errorf("%+v", p)
	}
	if got := b.get("/api/productions", "production-order-code=WO-9"); len(got) != 1 {
		t.Error(got)
	}
	// A downtime takes nothing away from the work that began after it.
	b.clock.Move(time.Minute)
	if got := b.get("/api/productions", ""); got[0]["work-time"] != "00H01m00s" || got[1]["work-time"] != "00H01m00s" {
		t.Error(got)
	}
}
