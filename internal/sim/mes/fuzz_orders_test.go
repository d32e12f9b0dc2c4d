package mes

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzOrders sends any body to all services of orders and records. What is
// refused changes nothing, and all that is told is JSON.
func FuzzOrders(f *testing.F) {
	f.Add(plan("WO-1", fullOrder))
	f.Add(putRecord)
	f.Add(`{"short-message":"s","message":"m"}`)
	f.Add(`{"code":null,"products":[{}],"location":{},"workers-assigned":[null],"custom-fields":[{"name":1}]}`)
	f.Add(plan("X", `,"pieces-by-box":1e308,"products":[{"product":"A","quantity-ordered":1e12},{"product":"B","quantity-ordered":"0.1"}]`))
	f.Add(plan("\\ud800", `,"start-date":"0000-01-01T00:00:00+14:00","id":7,"status":5,"unheard-of":"\u2028"`))
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range []Profile{Documented(), Lenient()} {
			fuzzOrders(t, p, body)
		}
	})
}

func fuzzOrders(t *testing.T, p Profile, body string) {
	p.Options.Limit, p.Options.ListCredentials = -1, ListCredentialsEither
	s, err := New(Config{Key: "key", Secret: "secret", Profile: p, Machines: []MachineSetup{{Code: "M1", InProduction: true}},
		Channels: []ChannelSetup{{"o", kindOrder}, {"p", kindProduction}}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, body string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.SetBasicAuth("key", "secret")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	id, err := s.PlanOrder(json.RawMessage(plan("first", "")))
	if err != nil {
		t.Fatal(err)
	}
	one := ordersPath + fmt.Sprint(id)
	m, _ := s.Machine("M1")
	record := fmt.Sprint("/api/productions/", m.Productions[0].ID)
	state := func() string { m, _ := s.Machine("M1"); return inOneLine(s.Orders()) + inOneLine(m) }
	for _, c := range [][2]string{{"POST", ordersPath}, {"PUT", one}, {"POST", one + "/notify"}, {"POST", one + "/activate"},
		{"PUT", record}, {"POST", ordersPath}, {"DELETE", one}, {"DELETE", record}} {
		before := state()
		status, text := call(c[0], c[1], body)
		switch {
		case status == 400 || status == 405:
			if state() != before {
				t.Fatalf("%v: %d, and it changed\n%s\nto\n%s", c, status, before, state())
			}
		case status != 200 && status != 201 && status != 204:
			t.Fatalf("%v: %d %s", c, status, text)
		case text != "" && !proper(text):
			t.Fatalf("%v: %q", c, text)
		}
		for _, path := range []string{ordersPath + "?workers=true", "/api/productions?worker-name=true", "/api/changes/o?workers=true", "/api/changes/p"} {
			if status, text := call("GET", path, ""); status != 200 || !proper(text) {
				t.Fatalf("%v, then %s: %d %q", c, path, status, text)
			}
		}
	}
}

// proper says that a text is JSON and that all of it can be shown.
func proper(text string) bool { return json.Valid([]byte(text)) && utf8.ValidString(text) }
