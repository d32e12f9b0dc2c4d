package prodsmart

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// recorded is a client that gets these answers by method and path, and the bodies and
// queries of what it asked.
func recorded(t *testing.T, answers map[string]string) (*Client, *[]string) {
	t.Helper()
	var calls []string
	return newClient(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/authorization" {
			_, _ = io.WriteString(w, `{"token":"t"}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		q.Del("access_token")
		call := r.Method + " " + r.URL.Path
		calls = append(calls, strings.TrimRight(call+"?"+q.Encode(), "?")+strings.TrimRight(" "+string(body), " "))
		answer, there := answers[call]
		if q.Get("page") > "1" {
			answer = "[]"
		}
		if !there {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, answer)
	})), &calls
}

// A product is read by itself and in the list, and written with all that both showed,
// under the code that it had, with its section as a text.
func TestProductLosesNothing(t *testing.T) {
	answers := map[string]string{
		"GET /api/products/P1":       `{"id":24,"code":"P1","name":"Bolt","section":"CUT","families":[{"code":"FG"}],"operations":[{"code":"OP10","name":"Cut","checklists":[{"code":"In"}],"odd":1}],"new":true}`,
		"GET /api/products":          `[{"id":23,"code":"P0","name":"Nut","unit-cost":9},{"id":24,"code":"P1","name":"Bolt","families":[{"code":"FG"}],"section":"CUT","unit-cost":2.50,"components":[{"code":"M1","quantity":2}],"stock-max":7,"notification":null}]`,
		"PUT /api/products/P1":       `{"id":24,"code":"P1-B","name":"Bolt","section":"SAW","operations":[{"code":"OP10","name":"Cut"}]}`,
		"GET /api/products/unlisted": `{"id":25,"code":"unlisted","name":"x"}`,
	}
	c, calls := recorded(t, answers)
	p, err := c.Products().Edit(t.Context(), "P1", func(p *Product) error {
		p.Code, p.Section = "P1-B", Reference{Name: "SAW"}
		return nil
	})
	if err != nil || p.Section.label() != "SAW" {
		t.Fatalf("%+v, %v", p, err)
	}
	want := []string{
		"GET /api/products/P1", "GET /api/products?page=1&product-family-code=FG",
		`PUT /api/products/P1 {"code":"P1-B","components":[{"code":"M1","quantity":2}],"families":[{"code":"FG"}],"id":24,"name":"Bolt","new":true,"operations":[{"code":"OP10","name":"Cut","checklists":[{"code":"In"}],"odd":1}],"section":"SAW","stock-max":7,"unit-cost":2.50}`,
	}
	if strings.Join(*calls, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(*calls, "\n"), strings.Join(want, "\n"))
	}
	// What was answered can be changed again.
	answers["PUT /api/products/P1-B"] = `{"code":"P1-B","name":"Screw"}`
	*calls = nil
	p.Name = "Screw"
	if p, err = c.Products().Update(t.Context(), p); err != nil || !strings.Contains((*calls)[0], `"unit-cost":2.50`) {
		t.Errorf("%v: %q", err, *calls)
	}
	// Nothing is written of what the list does not show, nor without a change.
	*calls = nil
	if _, err := c.Products().Edit(t.Context(), "unlisted", func(p *Product) error { p.Name = "y"; return nil }); !errors.Is(err, ErrNotRead) {
		t.Error(err)
	}
	if _, err := c.Products().Edit(t.Context(), "P1", func(p *Product) error { return nil }); err != nil {
		t.Error(err)
	}
	for _, call := range *calls {
		if strings.HasPrefix(call, "PUT") {
			t.Error(call)
		}
	}
	// What Prodsmart answers otherwise is told.
	answers["PUT /api/products/P1"] = `{"code":"P1","name":"Bolt","operations":[]}`
	_, err = c.Products().Edit(t.Context(), "P1", func(p *Product) error { p.Name = "Rivet"; return nil })
	var failed *NotTaken
	if !errors.As(err, &failed) || failed.What != "product" || len(failed.Fields) != 2 {
		t.Error(err)
	}
}

// A section is written as it was read: as a text, or as an object.
func TestSections(t *testing.T) {
	for raw, want := range map[string]string{`{"section":null}`: `{"section":"SAW"}`, `{}`: `{"section":"SAW"}`, `{"section":"CUT"}`: `{"section":"SAW"}`,
		`{"section":{"name":"CUT"}}`: `{"section":{"name":"SAW"}}`, `{"section":{}}`: `{"section":"SAW"}`} {
		p := decodeDocument[Product](json.RawMessage(raw), &notes{zone: time.UTC})
		if got := string(encodeDocument(p, toUpdate)); got != raw {
			t.Errorf("%s became %s without a change", raw, got)
		}
		p.Section = Reference{Name: "SAW"}
		if got := string(encodeDocument(p, toUpdate)); got != want {
			t.Errorf("%s became %s", raw, got)
		}
	}
}

// A day with day and month in an unknown order is read where it can be meant in one way
// only, and is never written back as it was shown.
func TestDaysThatExpire(t *testing.T) {
	zone := time.FixedZone("", -8*3600)
	for shown, want := range map[string]string{"31/12/2026": "2026-12-31T20:00:00Z", "12/31/2026": "2026-12-31T20:00:00Z", "05/05/2026": "2026-05-05T20:00:00Z",
		"2026-05-06T00:00:00Z": "2026-05-06T00:00:00Z", "01/02/2026": "", "32/13/2026": "", "01/02/2026 - 13:00": ""} {
		p := decodeDocument[Partner](json.RawMessage(`{"id":1,"code":"A","expiration-date":"`+shown+`"}`), &notes{zone: zone})
		if got := stamp(p.Expires); got != want || (want == "") != (len(p.Unread) > 0) || (want == "") != p.expiresUnread() {
			t.Errorf("%s: %s, %q", shown, got, p.Unread)
		}
		if got := string(encodeDocument(p, toUpdate)); strings.Contains(got, "/") || want != "" && !strings.Contains(got, want) {
			t.Errorf("%s is written %s", shown, got)
		}
		p.Expires = time.Time{}
		if got := string(encodeDocument(p, toUpdate)); want != "" && !strings.Contains(got, `"expiration-date":null`) {
			t.Errorf("%s is not cleared: %s", shown, got)
		}
	}
}

// A record can be asked for by all that Prodsmart filters by, and written back as it was
// read; not if something of it could not be read.
func TestProductionRecords(t *testing.T) {
	record := `{"id":5,"production-order":{"code":"WO","id":7},"operation":{"code":"OP","product":"P"},"worker":{"number":3},"machine":{"code":"M"},
		"parameters":[{"temperature":25}],"quantity":0,"checked-out":false,"start-time":"2026-01-10T07:00:00.000+01:00"}`
	c, calls := recorded(t, map[string]string{"GET /api/productions": "[" + record + "]", "PUT /api/productions/5": record})
	at := time.Date(2026, 1, 10, 8, 0, 0, 0, time.UTC)
	q := ProductionQuery{Order: "WO", OrderID: 7, Worker: "3", WorkerNames: true, RunningAfter: at, Span: Span{StartAfter: at.Add(-3 * time.Hour)}}
	list, err := c.Productions(t.Context(), q)
	if err != nil || len(list) != 1 || !q.Fits(list[0]) {
		t.Fatal(list, err)
	}
	want := url.Values{"page": {"1"}, "production-order-code": {"WO"}, "production-order-id": {"7"}, "worker": {"3"}, "worker-name": {"true"}, "start-time": {"2026-01-10T07:59:59Z"}}
	if got := (*calls)[0]; got != "GET /api/productions?"+want.Encode() {
		t.Error(got)
	}
	for _, other := range []ProductionQuery{{OrderID: 8}, {Worker: "4"}, {Span: Span{StartAfter: at}}} {
		if other.Fits(list[0]) {
			t.Errorf("%+v", other)
		}
	}
	if over := (Production{Start: at.Add(-time.Hour), End: at.Add(-time.Minute)}); q.Fits(over) {
		t.Error("it was over")
	}
	change, err := list[0].Change()
	if err == nil {
		_, err = c.UpdateProduction(t.Context(), 5, change)
	}
	if got := (*calls)[1]; err != nil || got != `PUT /api/productions/5 {"finished":false,"operation":{"code":"OP","product-code":"P"},"parameters":[{"name":"temperature","value":25}],"production-order":{"code":"WO"},"quantity":0,"start-time":"2026-01-10T06:00:00Z","worker":{"number":3}}` {
		t.Error(got, err)
	}
	if _, err := c.UpdateProduction(t.Context(), 5, ProductionChange{Lot: "L"}); !errors.Is(err, ErrNotRead) {
		t.Error(err)
	}
	list[0].Unread = []string{"quantity: none"}
	if _, err := list[0].Change(); !errors.Is(err, ErrNotRead) {
		t.Error(err)
	}
}

// A time that the zone of the company has twice can not be read, and is left as it is.
func TestATimeThatIsThereTwice(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	raw := `{"id":7,"start-date":"2026-10-25T02:30:00","due-date":"2026-10-26T02:30:00"}`
	o := decodeDocument[ProductionOrder](json.RawMessage(raw), &notes{zone: zone})
	if got := string(encodeDocument(o, toUpdate)); len(o.Unread) != 1 || got != `{"due-date":"2026-10-26T01:30:00Z","id":7,"start-date":"2026-10-25T02:30:00"}` {
		t.Errorf("%s, %q", got, o.Unread)
	}
}
