package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// serve starts a service for a test and gives a configuration for it.
func serve(t *testing.T, h http.HandlerFunc) Config {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return Config{URL: srv.URL + "/orders", Timeout: 5 * time.Second}
}

func source(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, c Config) erp.OrderRead {
	t.Helper()
	r, err := source(t, c).ReadOrders(t.Context(), erp.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func told(r []erp.Problem, texts ...string) bool {
	for _, p := range r {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(p.Where+" | "+p.What, text)
		}
		if all {
			return true
		}
	}
	return false
}

// records are n orders of one line, as a page from the one at from on.
func records(from, to int) string {
	list := []string{}
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf(`{"order_id":%d,"product":"A","quantity":%d}`, i, i+1))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// TestPaging reads seven records in pages of at most three, whatever is asked.
func TestPaging(t *testing.T) {
	for _, paging := range []string{None, Page, Offset, Cursor, Next, Link} {
		var asked []string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.RawQuery)
			q := r.URL.Query()
			n := func(name string) int { v, _ := strconv.Atoi(q.Get(name)); return v }
			from := map[string]int{Page: (n("page") - 1) * 3, Offset: n("offset"), Cursor: n("cursor"), Next: n("at"), Link: n("at")}[paging]
			to := min(from+3, 7)
			if paging == None {
				to = 7
			}
			next := ""
			if to < 7 {
				next = strconv.Itoa(to)
			}
			link := next
			if next != "" {
				link = "/orders?at=" + next
				w.Header().Add("Link", `</orders?at=0>; rel="first", <`+link+`>; rel="next"`)
			}
			fmt.Fprintf(w, `{"data":{"items":%s},"cursor":%q,"next":%q,"total":7}`, records(min(from, 7), to), next, link)
		})
		c.Paging, c.List, c.Total, c.Size = paging, "data.items", "total", 100
		c.Next = map[string]string{Cursor: "cursor", Next: "next"}[paging]
		r := read(t, c)
		if !r.Complete || len(r.Orders) != 7 || len(r.Problems) > 0 || r.Orders[6].Lines[0].Quantity.String() != "7" {
			t.Errorf("%s: %+v after %q", paging, r, asked)
		}
		if !strings.Contains(asked[0], "limit=100") {
			t.Errorf("%s: %q", paging, asked)
		}
	}
}

// TestPagingThatIsNone: a service that does not page as configured is never
// taken to be complete.
func TestPagingThatIsNone(t *testing.T) {
	same := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, records(0, 3)) })
	same.Paging = Page
	if _, err := source(t, same).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Garbled) || !strings.Contains(err.Error(), `"page"`) {
		t.Errorf("the same page: %v", err)
	}
	circle := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"l":%s,"next":"/orders?x=1"}`, records(0, 3))
	})
	circle.Paging, circle.List, circle.Next = Next, "l", "next"
	if _, err := source(t, circle).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Garbled) {
		t.Errorf("a circle: %v", err)
	}
	stolen := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header.Get("X-Key") }))
	defer thief.Close()
	away := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "<"+thief.URL+">; rel=next")
		io.WriteString(w, records(0, 3))
	})
	away.Paging, away.Header, away.Key = Link, "X-Key", "hidden-word"
	if _, err := source(t, away).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Garbled) || stolen != "" {
		t.Errorf("another computer: %v, %q", err, stolen)
	}
	short := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"l":%s,"n":9}`, records(0, 3)) })
	short.List, short.Total = "l", "n"
	if r := read(t, short); r.Complete || !told(r.Problems, "counts 9 records, and 3 came") {
		t.Errorf("%+v", r)
	}
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		io.WriteString(w, records(n, n+3))
	})
	endless.Paging, endless.MaxPages = Offset, 4
	if r := read(t, endless); r.Complete || len(r.Orders) != 12 || !told(r.Problems, "more than 4 pages") || !r.Orders[0].Partial {
		t.Errorf("%+v", r)
	}
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("offset") == "3" {
			w.WriteHeader(500)
			return
		}
		io.WriteString(w, records(0, 3))
	})
	broken.Paging = Offset
	if r, err := source(t, broken).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) || len(r.Orders) > 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNestedOrdersWithGarbage(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"orders":[
		{"id":"1","no":"SO-1","status":"Released","eta":"2026-12-01","made":"2026-11-23T07:30:00+05:00","cust":{"code":7,"name":"X"},"zone.x":"z","rows":[
			{"line_id":1,"sku":"A","quantity":123456789012345678.123456,"unit":"ctn","unit_factor":"24","manufactured":true},
			{"line_id":2,"sku":"B","quantity":"1,5","unit":"kg","line_due":"2026-11-30"},
			{"line_id":3,"sku":"C","quantity":"1.234","unit":"kg"},{"line_id":4,"sku":"D","quantity":{},"unit":"kg"},{"line_id":5,"sku":"E","quantity":-2,"quantity":5,"unit":"kg"},
			{"line_id":6,"sku":["F"],"quantity":1},7,{"line_id":8,"sku":"`+strings.Repeat("x", 10<<20)+`","quantity":1}]},
		{"id":"2","status":"void","rows":[]},{"id":"3","status":"?","rows":[{"line_id":1,"sku":"`+"\xff"+`A","quantity":1e2,"unit":"kg"}]},
		{"id":"4","rows":null},{"status":"open","rows":[]},"what",null,{"id":{"a":1},"rows":[]}]}`)
	})
	c.List, c.Lines, c.Info = "orders", "rows", []string{`zone\.x`}
	c.Fields = map[string]string{"order_id": "id", "number": "no", "state": "status", "due": "eta", "ordered_at": "made", "customer_code": "cust.code", "product": "sku"}
	r := read(t, c)
	if r.Complete || len(r.Orders) != 3 {
		t.Fatalf("%+v", r.Orders)
	}
	o := r.Orders[0]
	if !o.Partial || o.Number != "SO-1" || o.State != erp.Open || o.Customer.Code != "7" || o.Info[`zone\.x`] != "z" || o.Due != erp.DayOf(2026, 11, 30) || o.Ordered.Time.Hour() != 2 || len(o.Lines) != 3 {
		t.Errorf("%+v", o)
	}
	if l := o.Lines[0]; l.Quantity.String() != "123456789012345678.123456" || l.Factor.String() != "24" || l.Manufactured != erp.Yes || l.Due != erp.DayOf(2026, 12, 1) {
		t.Errorf("%+v", l)
	}
	if o := r.Orders[1]; o.State != erp.Cancelled || o.Partial || len(o.Lines) != 0 {
		t.Errorf("%+v", o)
	}
	if o := r.Orders[2]; o.State != erp.Unknown || o.Lines[0].Product != "\ufffdA" || o.Lines[0].Quantity.String() != "100" {
		t.Errorf("%+v", o)
	}
	for _, want := range [][]string{{"line 3, quantity", "1.234"}, {"line 4, quantity"}, {"quantity", "twice"}, {"line 6, sku"}, {"line 7"}, {"line 8, sku", "65536"}, {"order 4, rows"},
		{"record 5, id", "empty"}, {"record 6", "no record"}, {"record 8, id"}, {"UTF-8"}} {
		if !told(r.Problems, want...) {
			t.Errorf("nothing tells %q", want)
		}
	}
}

func TestSigningIn(t *testing.T) {
	tokens := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if r.ParseForm(); id != "me" || secret != "hidden-word" || r.Form.Get("scope") != "read" {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":%q}`, secret)
			return
		}
		tokens++
		fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, tokens)
	})
	mux.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer token-2" && r.Header.Get("X-Key") != "hidden-word" && (user != "me" || pass != "hidden-word") {
			w.WriteHeader(401)
			fmt.Fprint(w, "not with ", r.Header)
			return
		}
		io.WriteString(w, records(0, 1))
	})
	c := serve(t, mux.ServeHTTP)
	for _, alter := range []func(*Config){
		func(c *Config) { c.User, c.Password = "me", "hidden-word" },
		func(c *Config) { c.Header, c.Key = "X-Key", "hidden-word" },
	} {
		one := c
		alter(&one)
		read(t, one)
	}
	wrong := c
	wrong.Header, wrong.Key = "X-Key", "wrong-word"
	if _, err := source(t, wrong).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || strings.Contains(err.Error(), "wrong-word") {
		t.Errorf("%v", err)
	}
	o := c
	o.TokenURL, o.ClientID, o.ClientSecret, o.Scopes = strings.TrimSuffix(c.URL, "orders")+"token", "me", "hidden-word", []string{"read"}
	s := source(t, o)
	if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || strings.Contains(err.Error(), "token-1") {
		t.Errorf("%v", err)
	}
	for range 2 { // a token that was refused is not used again, one that works is
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); err != nil {
			t.Error(err)
		}
	}
	if tokens != 2 {
		t.Errorf("%d tokens", tokens)
	}
	o.ClientSecret = "wrong-word"
	if _, err := source(t, o).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || strings.Contains(err.Error(), "wrong-word") || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("%v", err)
	}
}

func TestSince(t *testing.T) {
	asked := ""
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("from")
		io.WriteString(w, `[{"order_id":1,"lines":[{"product":"A","quantity":1}],"updated_at":"2026-01-02T10:00:00Z"},{"order_id":2,"lines":[],"updated_at":"2099-01-01"}]`)
	})
	c.Since, c.Overlap, c.Lines = "from", time.Hour, "lines"
	s := source(t, c)
	first, err := s.ReadOrders(t.Context(), erp.Ask{})
	if err != nil || !first.Complete || asked != "" || strings.Contains(first.Mark, "2099") || first.Mark == "" {
		t.Fatalf("%+v %v", first, err)
	}
	for format, want := range map[string]string{"rfc3339": "2026-01-02T09:00:00Z", "date": "2026-01-02", "unix": "1767344400", "unix_ms": "1767344400000"} {
		c.SinceFormat = format
		r, err := source(t, c).ReadOrders(t.Context(), erp.Ask{Mark: `{"changed":"2026-01-02T10:00:00Z"}`})
		if err != nil || r.Complete || asked != want || r.Orders[0].Partial {
			t.Errorf("%s: %q, not %q; %+v %v", format, asked, want, r, err)
		}
	}
	if r, err := s.ReadOrders(t.Context(), erp.Ask{Mark: first.Mark, Full: true}); err != nil || !r.Complete || asked != "" {
		t.Errorf("%q %+v %v", asked, r, err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for body, fault := range map[string]erp.Fault{
		"": erp.Garbled, "<html>sign in</html>": erp.Garbled, `{"orders":[`: erp.Garbled, `{"error":"x"}`: erp.Garbled, `[1,2`: erp.Garbled, `"text"`: erp.Garbled,
		strings.Repeat("[", 100000): erp.Garbled, `[` + strings.Repeat(" ", 2<<20) + `]`: erp.Garbled,
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		c.MaxBytes = 1 << 20
		if _, err := source(t, c).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, fault) {
			t.Errorf("%.40q: %v", body, err)
		}
	}
	for status, fault := range map[int]erp.Fault{404: erp.Misconfigured, 403: erp.Denied, 429: erp.Unavailable, 503: erp.Unavailable, 400: erp.Refused, 302: erp.Misconfigured} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			w.WriteHeader(status)
		})
		if _, err := source(t, c).ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, fault) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestDiscover(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"id":1,"docNum":"S1","status":"open","dueDate":"2026-12-01","odd.key":"o","customer":{"name":"N"},"items":[{"itemCode":"A","qty":2},{"itemCode":"B","qty":"3"}]}]`)
	})
	_, suggest, err := source(t, c).Discover(t.Context())
	if err != nil || !strings.Contains(suggest, `lines: "items"`) {
		t.Errorf("%s %v", suggest, err)
	}
	c.Lines = "items"
	fields, suggest, err := source(t, c).Discover(t.Context())
	if err != nil || len(fields) != 9 {
		t.Fatalf("%+v %v", fields, err)
	}
	for _, want := range []string{`order_id: "id"`, `number: "docNum"`, `customer_name: "customer.name"`, `due: "dueDate"`, `product: "itemCode"`, `quantity: "qty"`, `not used: "odd\\.key"`} {
		if !strings.Contains(suggest, want) {
			t.Errorf("%q is not in\n%s", want, suggest)
		}
	}
}

func TestSettingsThatCanNotWork(t *testing.T) {
	for name, alter := range map[string]func(*Config){
		"url": func(c *Config) { c.URL = "ftp://x" }, "password in url": func(c *Config) { c.URL = "http://a:b@x/" }, "paging": func(c *Config) { c.Paging = "all" }, "cursor": func(c *Config) { c.Paging = Cursor },
		"two ways": func(c *Config) { c.User, c.Header = "a", "b" }, "client": func(c *Config) { c.TokenURL = "https://x/" }, "fields": func(c *Config) { c.Fields = map[string]string{"colour": "x"} },
		"states": func(c *Config) { c.States = map[string][]string{"maybe": {"x"}} },
	} {
		c := Config{URL: "https://plant.example/orders"}
		alter(&c)
		if _, err := New(c); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRecords: whatever a service answers, no order is without a key or line
// without an article, and nothing of it stops the read.
func FuzzRecords(f *testing.F) {
	f.Add(`[{"order_id":1,"lines":[{"product":"A","quantity":"1,5","unit_factor":2,"line_due":"2026-12-01"}],"updated_at":1796115600}]`)
	f.Add(`[{"order_id":"1","order_id":2,"lines":{}},null,7]`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, lines := range []string{"", "lines"} {
			s, err := New(Config{URL: "http://x/", Lines: lines, Info: []string{"a"}})
			if err != nil {
				t.Fatal(err)
			}
			a := &assembly{Source: s, began: time.Now()}
			if !json.Valid([]byte(text)) {
				return
			}
			for _, r := range gjson.Parse(strings.ToValidUTF8(text, "?")).Array() {
				a.record("here", r)
			}
			for _, o := range a.orders(true, true) {
				if o.ID == "" {
					t.Errorf("%+v", o)
				}
				for _, l := range o.Lines {
					if l.ID == "" || l.Product == "" && l.ProductName == "" || l.Factor.Sign() < 0 {
						t.Errorf("%+v", l)
					}
				}
			}
			a.end()
		}
	})
}
