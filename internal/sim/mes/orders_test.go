package mes

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const ordersPath = "/api/production-orders/"

// plan is a small body of an order; more are further fields, with a comma.
func plan(code, more string) string {
	return `{"code":"` + code + `","start-date":"2026-03-04T12:00:00Z","due-date":"2026-03-05T12:00:00Z",` +
		`"products":[{"product":"P1","quantity-ordered":10}]` + more + `}`
}

// call makes a call with a token, demands a status and gives the answer.
func (b *bench) call(method, path, body string, want int) string {
	b.Helper()
	path, query, _ := strings.Cut(path, "?")
	got, text, h, err := b.do(method, path+"?access_token="+b.token(201)+"&"+query, "", body)
	if err != nil || got != want {
		b.Fatalf("%s %s %s: %d %s %v, want %d", method, path, body, got, text, err, want)
	}
	if h.Get("Content-Type") == "application/json" && !json.Valid([]byte(text)) {
		b.Fatalf("%s %s: not JSON: %s", method, path, text)
	}
	return text
}

// object is call for an answer that is an object.
func (b *bench) object(method, path, body string, want int) map[string]any {
	b.Helper()
	var o map[string]any
	text := b.call(method, path, body, want)
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		b.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return o
}

// order creates an order and gives its path.
func (b *bench) order(code, more string) string {
	b.Helper()
	return ordersPath + fmt.Sprint(b.object("POST", ordersPath, plan(code, more), 201)["id"])
}

// company is a bench with two workers in the group All, one in Night.
func company(t *testing.T, o Options) *bench {
	b := start(t, o)
	b.s.config.Workers = []WorkerSetup{{Number: 1, Name: "Ana"}, {Number: 2, Name: "Bo", Groups: []string{"Night"}}}
	return b
}

const fullOrder = `,"shipping":"SHP-1","serial-number":"S1","description":"d","notes":"n","pieces-by-box":"20",
	"parameters":[{"name":"Custom Field","value":"123"}],"worker-groups":[{"name":"All"}],"machines":[{"code":"M1"}],
	"ended":false,"location":"SITE1","active":true,"unheard-of":{"x":1}`

func TestOrderShapes(t *testing.T) {
	b := company(t, Options{})
	created := b.object("POST", ordersPath+"?workers=true", plan("WO-77", fullOrder), 201)
	one := ordersPath + fmt.Sprint(created["id"])
	place := b.object("GET", one, "", 200)["location"].(map[string]any)["id"]
	common := func(id any) string {
		return fmt.Sprintf(`"code":"WO-77","description":"d","due-date":"2026-03-05T12:00:00Z","ended":false,"id":%v`, id)
	}
	location := fmt.Sprintf(`"location":{"code":"SITE1","id":%q,"name":"SITE1"},"machines":[{"code":"M1"}]`, place)
	lines := `"products":[{"observations":"","product":"P1","quantity-ordered":10,"quantity-produced":0}],"running-status":"notstarted"`
	listed := `{"active":true,` + common(created["id"]) + `,` + location + `,"notes":"n","pieces-by-box":20,` + lines +
		`,"serial-number":"S1","shipping":"SHP-1","start-date":"2026-03-04T12:00:00Z","status":"scheduled","unheard-of":{"x":1}`
	read := `{` + strings.Replace(common(created["id"]), `"description"`, `"custom-fields":[{"Custom Field":"123"}],"description"`, 1) + `,"is-active":true,` + location +
		`,"material-staging-complete":false,"notes":"n","pieces-by-box":20,` + lines +
		`,"shipping":{"code":"SHP-1"},"start-date":"2026-03-04T12:00:00Z","status":"scheduled","unheard-of":{"x":1}`
	workers := `,"workers-assigned":[{"number":1},{"number":2}]}`
	for _, tt := range []struct{ name, got, want string }{
		{"POST", inOneLine(created), listed + workers},
		{"GET", b.call("GET", one, "", 200), read + "}"},
		{"GET with workers", b.call("GET", one+"?workers=true", "", 200), read + workers},
		{"list", b.call("GET", ordersPath, "", 200), "[" + listed + "}]"},
		{"list with workers", b.call("GET", "/api/v1/production-orders?workers=true", "", 200), "[" + listed + workers + "]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, tt.got, tt.want)
		}
	}
	// What GET gave is not what PUT takes: the location must be its code.
	b.call("PUT", one, b.call("GET", one, "", 200), 400)
	again := b.object("GET", one+"?workers=true", "", 200)
	again["location"] = "SITE1"
	if got := b.call("PUT", one+"?workers=true", inOneLine(again), 200); got != read+workers {
		t.Errorf("PUT\ngot  %s\nwant %s", got, read+workers)
	}
	delete(again, "workers-assigned")
	if got := b.call("PUT", one+"?workers=true", inOneLine(again), 200); !strings.HasSuffix(got, `"workers-assigned":[]}`) {
		t.Errorf("workers that were not sent stay: %s", got)
	}
}

func TestOrderRefusals(t *testing.T) {
	b := company(t, Options{})
	without := func(key string) string {
		var o map[string]any
		if err := json.Unmarshal([]byte(plan("X", "")), &o); err != nil {
			t.Fatal(err)
		}
		delete(o, key)
		return inOneLine(o)
	}
	for _, body := range []string{"", "[]", "{", plan("", ""), without("start-date"), without("due-date"), without("products"),
		plan("X", `,"products":[]`), plan("X", `,"products":[{"product":"P","quantity-ordered":0}]`),
		plan("X", `,"products":[{"product":"P","quantity-ordered":"NaN"}]`), plan("X", `,"products":[{"product":"P","quantity-ordered":"1e999"}]`),
		plan("X", `,"products":[{"quantity-ordered":1}]`), plan("X", `,"products":[{"product":"P","quantity-ordered":1},{"product":"P","quantity-ordered":1}]`),
		plan("X", `,"start-date":"2026-03-04 12:00"`), plan("X", `,"machines":[{"code":"M9"}]`), plan("X", `,"machines":["",{}]`),
		plan("X", `,"workers-assigned":[{"number":9}]`), plan("X", `,"workers-assigned":[{"number":1.5}]`), plan("X", `,"active":"yes"`),
		plan("X", `,"location":{"code":"S"}`), plan("X", `,"custom-fields":{}`), plan("X", `,"description":7`),
	} {
		if got := b.call("POST", ordersPath, body, 400); got == "" {
			t.Errorf("%s: no reason", body)
		}
	}
	if got := b.call("GET", ordersPath, "", 200); got != "[]" {
		t.Error(got)
	}
	one := b.order("A", `,"workers-assigned":[{"number":"2"}],"products":[{"product":"P","quantity-ordered":"12.5"}]`)
	for _, body := range []string{"", "{}", plan("", ""), plan("A", `,"location":7`)} {
		b.call("PUT", one, body, 400)
	}
	if got := b.s.Orders()[0]; got.Lines[0].Ordered != 12.5 || got.Workers[0] != 2 {
		t.Errorf("%+v", got)
	}
	b.call("PATCH", one, "{}", 405)
	b.call("DELETE", ordersPath, "", 405)
	b.call("GET", one+"/notify", "", 405)
	for _, path := range []string{one + "/close", one + "/notify/x", ordersPath + "/", ordersPath + "x/y/z"} {
		b.call("GET", path, "", 404)
	}
	for _, path := range []string{ordersPath + "99999", ordersPath + "abc", ordersPath + "99999/activate"} {
		b.call("POST", path, "{}", 404)
	}
	if got := b.status("GET", ordersPath, "", ""); got != 401 {
		t.Errorf("without a token: %d", got)
	}
	if got := b.status("GET", one, "basic", ""); got != 401 {
		t.Errorf("with Basic: %d", got)
	}
}

// standings are the states of all orders.
func standings(b *bench) string {
	out := ""
	for _, o := range b.s.Orders() {
		out += fmt.Sprint(o.Status, " ", o.RunningStatus, " ", o.Made, "; ")
	}
	return strings.TrimSuffix(out, "; ")
}

func TestOrderStanding(t *testing.T) {
	b := company(t, Options{})
	b.s.FinishProductions("M1")
	one := b.order("A", `,"products":[{"product":"P1","quantity-ordered":10},{"product":"P2","quantity-ordered":4}]`)
	id := b.s.Orders()[0].ID
	is := func(want string) {
		t.Helper()
		if got := standings(b); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	is("scheduled notstarted [0 0]")
	b.clock.Move(2*time.Hour + time.Second)
	is("onschedule notstarted [0 0]")
	if _, err := b.s.StartOrder(id, "M1", Work{Operation: "OP10"}); err != nil {
		t.Fatal(err)
	}
	is("onschedule notstarted [0 0]")
	b.post("counter", `{"count":3}`, 200)
	is("onschedule started [3 0]")
	b.clock.Move(24 * time.Hour)
	is("delayed started [3 0]")
	b.post("counter", `{"count":12}`, 200)
	is("delayed started [12 0]")
	b.s.FinishProductions("M1")
	b.post("counter", `{"count":20}`, 200)
	is("delayed started [12 0]")
	p2, _ := b.s.StartOrder(id, "M1", Work{Product: "P2"})
	b.post("counter", `{"count":24}`, 200)
	is("completed started [12 4]")
	if got := b.object("GET", one, "", 200); got["status"] != "completed" || got["running-status"] != "started" {
		t.Errorf("%v", got)
	}
	// What is done by hand to a record shows in its order.
	b.control("PATCH", fmt.Sprint("/productions/", p2), `{"quantity":1}`, 200)
	is("delayed started [12 1]")
	b.control("DELETE", fmt.Sprint("/productions/", p2), "", 200)
	is("delayed started [12 0]")
	b.control("POST", fmt.Sprint("/orders/", id, "/close"), "", 200)
	is("delayed closed [12 0]")
	b.control("PATCH", fmt.Sprint("/orders/", id), `{"ended":false,"archived":true}`, 200)
	is("delayed archived [12 0]")
	b.call("DELETE", one, "", 204)
	is("")
	b.call("GET", one, "", 404)
}

// TestOrderOfARecord: a record that names a code before there is an order of
// it belongs to the order; of several orders of one code, to the oldest one that
// is not closed.
func TestOrderOfARecord(t *testing.T) {
	b := company(t, Options{})
	b.s.FinishProductions("M1")
	b.s.StartProduction("M1", Work{Order: "A"})
	b.post("counter", `{"count":3}`, 200)
	first := b.order("A", "")
	b.order("A", "")
	if got, want := standings(b), "onschedule started [3]; scheduled notstarted [0]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b.call("PUT", first, plan("A", `,"ended":true`), 200)
	b.s.FinishProductions("M1")
	b.s.StartProduction("M1", Work{Order: "A", Product: "other"})
	b.post("counter", `{"count":5}`, 200)
	if got, want := standings(b), "onschedule closed [3]; onschedule started [2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b.call("DELETE", first, "", 204)
	b.order("A", "")
	if got, want := standings(b), "onschedule started [2]; scheduled notstarted [0]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOrderVerbs(t *testing.T) {
	b := company(t, Options{})
	one := b.order("A", `,"notes":"first","active":false`)
	if got := b.call("POST", one+"/activate", "", 200); got != "" {
		t.Error(got)
	}
	b.call("POST", one+"/activate", "{}", 204)
	b.call("POST", one+"/notify", `{"short-message":"`+strings.Repeat("ş", 140)+`"}`, 200)
	b.call("POST", one+"/notify", `{"short-message":"`+strings.Repeat("ş", 141)+`"}`, 400)
	for _, body := range []string{"", "{}", "{", `{"short-message":7}`, `{"message":"m"}`} {
		b.call("POST", one+"/notify", body, 400)
	}
	if got := b.call("POST", one+"/notify", `{"short-message":"s","message":"second"}`, 200); got != "" {
		t.Error(got)
	}
	if o := b.s.Orders()[0]; o.Notes != "first\nsecond" || len(o.Messages) != 2 || !o.Active {
		t.Errorf("%+v", o)
	}
	for _, how := range []string{`{"ended":true}`, `{"ended":false,"archived":true}`} {
		b.control("PATCH", fmt.Sprint("/orders/", b.s.Orders()[0].ID), how, 200)
		if got := b.call("POST", one+"/activate", "{}", 405); !strings.Contains(got, "closed or archived") {
			t.Error(got)
		}
	}
}

func TestOrderFilters(t *testing.T) {
	b := company(t, Options{})
	b.s.FinishProductions("M1")
	b.order("A", `,"machines":[{"code":"M1"}]`)
	b.order("B", `,"start-date":"2026-04-01T00:00:00Z","due-date":"2026-04-02T00:00:00Z","active":false`)
	b.order("C", `,"products":[{"product":"P2","quantity-ordered":1}]`)
	b.order("D", `,"ended":true`)
	ids := b.s.Orders()
	b.s.StartOrder(ids[2].ID, "M1", Work{})
	b.post("counter", `{"count":3}`, 200)
	b.s.ArchiveOrder(ids[1].ID)
	for query, want := range map[string]string{
		"": "ABCD", "page=1": "ABCD", "page=2": "",
		"start-date-before=2026-03-10T00:00:00Z": "ACD", "startDateAfter=2026-03-10T00:00:00Z": "B",
		"due_date_before=2026-03-05T12:00:01%2B00": "ACD", "due-date-after=2026-03-05T12:00:00Z": "B",
		"running-status=notstarted": "A", "running-status=started": "C", "runningStatus=closed": "D", "running-status=archived": "B",
		"active=true": "ACD", "active=false": "B", "product=P1": "ABD", "product=P2": "C", "machine=M1": "A", "machine=none": "",
		"active=true&product=P1": "AD", "no-such=1": "ABCD",
	} {
		got := ""
		for _, o := range b.get(ordersPath, query) {
			got += fmt.Sprint(o["code"])
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"page=0", "active=perhaps", "start-date-after=yesterday", "running-status=deleted", "workers=7"} {
		b.call("GET", ordersPath+"?"+query, "", 400)
	}
}

func TestOrderPages(t *testing.T) {
	b := company(t, Options{})
	b.control("POST", "/seed", `{"orders":60,"seed":5}`, 200)
	seen := map[any]bool{}
	for page, want := range map[int]int{1: 25, 2: 25, 3: 10, 4: 0} {
		list := b.get(ordersPath, fmt.Sprint("page=", page))
		for _, o := range list {
			seen[o["id"]] = true
		}
		if len(list) != want {
			t.Errorf("page %d: %d, want %d", page, len(list), want)
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d orders on all pages", len(seen))
	}
	other := company(t, Options{})
	other.control("POST", "/seed", `{"orders":60,"seed":5}`, 200)
	if inOneLine(b.s.Orders()) != inOneLine(other.s.Orders()) {
		t.Error("one seed, two plans")
	}
	b.control("POST", "/seed", `{"orders":-1}`, 400)
}
