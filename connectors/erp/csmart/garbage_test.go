package csmart

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// answers is a service without a socket: the text of data by module.
type answers map[string]string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	module := r.URL.Query().Get("module")
	text := a["whole "+module]
	if text == "" {
		text = `{"error":"","data":` + a[module] + `}`
	}
	if module == "Login" {
		text = `{"error":"","data":{"domain":"meble","token":"tok"}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func answered(t testing.TB, a answers) (*Source, erp.OrderRead, error) {
	s, err := New(Config{Domain: "meble", Email: "x@y", Password: password}, Deps{HTTP: &http.Client{Transport: a}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.ReadOrders(t.Context(), erp.Ask{})
	return s, r, err
}

func TestGarbageCostsOnlyItself(t *testing.T) {
	const good = `{"id":"1","number":"ZS/1","status":"nowe","items":[{"id":"9","code":"A","quantity":"2"}]}`
	long := strings.Repeat("x", 10<<20)
	for name, c := range map[string]struct {
		record, where string
		complete      bool
		lines         int // of the order 5; -1 if it is not there
	}{
		"a number":           {`7`, "SalesOrders, data[0]", false, -1},
		"null":               {`null`, "SalesOrders, data[0]", false, -1},
		"no key":             {`{"status":"nowe"}`, "SalesOrders, data[0]", false, -1},
		"a list for a key":   {`{"id":[],"number":""}`, "SalesOrders, data[0]", false, -1},
		"a long key":         {`{"id":"` + strings.Repeat("7", 70) + `"}`, "SalesOrders, data[0], id", false, -1},
		"no lines":           {`{"id":"5","status":"nowe"}`, "order 5, lines", true, 0},
		"lines are a text":   {`{"id":"5","status":"nowe","items":"two"}`, "order 5, lines", true, 0},
		"lines are a record": {`{"id":"5","status":"nowe","items":{"code":"A"}}`, "order 5, lines", true, 0},
		"a line is a text":   {`{"id":"5","status":"nowe","items":["A",{"id":"3","code":"B","quantity":1}]}`, "order 5, line 1", true, 1},
		"a line without":     {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B"}]}`, "order 5, line 1, line.quantity", true, 0},
		"words for a count":  {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":"dwa"}]}`, "order 5, line 1, line.quantity", true, 0},
		"far too many":       {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":1e999999999}]}`, "order 5, line 1, line.quantity", true, 0},
		"a record for one":   {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":{}}]}`, "order 5, line 1, line.quantity", true, 0},
		"a wrong price":      {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":1,"price":"?"}]}`, "order 5, line 1, line.price", true, 1},
		"a long code":        {`{"id":"5","status":"nowe","items":[{"id":"3","code":"` + long + `","quantity":1}]}`, "order 5, line 1, line.product", true, 1},
		"a wrong date":       {`{"id":"5","status":"nowe","delivery_date":"2026-13-45","items":[{"id":"3","code":"B","quantity":1}]}`, "order 5, due", true, 1},
		"no date":            {`{"id":"5","status":"nowe","delivery_date":"0000-00-00","number":[],"items":[{"id":"3","code":"B","quantity":1}]}`, "SalesOrders, data[0], number", true, 1},
		"twice":              {`{"id":"1","number":"ZS/1","status":"nowe","items":[{"id":"9","code":"A","quantity":"2"}]}`, "order ZS/1", true, -1},
		"not UTF-8":          {"{\"id\":\"5\",\"status\":\"nowe\",\"note\":\"\xff\",\"items\":[{\"id\":\"3\",\"code\":\"B\",\"quantity\":1}]}", "SalesOrders, ", true, 1},
		"a key twice":        {`{"id":"5","id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":1}]}`, "SalesOrders, data[0].id", true, 1},
		"the same line id":   {`{"id":"5","status":"nowe","items":[{"id":"3","code":"B","quantity":1},{"id":"3","code":"B","quantity":1},{"quantity":"x"}]}`, "order 5, line 3", true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, r, err := answered(t, answers{orders: "[" + c.record + "," + good + "]", "Products": "[]"})
			if err != nil || r.Complete != c.complete || !slices.ContainsFunc(r.Orders, func(o erp.Order) bool { return o.ID == "1" && len(o.Lines) == 1 }) {
				t.Fatalf("%+v, %v", r, err)
			}
			if len(r.Problems) == 0 || !strings.HasPrefix(r.Problems[0].Where, c.where) || len(r.Problems[0].What) > 700 {
				t.Errorf("%.1000s, not %s", told(r.Problems), c.where)
			}
			i := slices.IndexFunc(r.Orders, func(o erp.Order) bool { return o.ID == "5" })
			if (i < 0) != (c.lines < 0) || i >= 0 && len(r.Orders[i].Lines) != c.lines {
				t.Errorf("%.2000v", r.Orders)
			}
		})
	}
}

func TestOrdersThatStandTwice(t *testing.T) {
	_, r, err := answered(t, answers{orders: `[{"id":"1","status":"nowe","items":[{"id":"9","code":"A","quantity":"2"}]},{"id":"1","status":"nowe","items":[{"id":"9","code":"A","quantity":"3"}]},
		{"number":"7","status":"nowe","items":[{"id":"9","code":"A","quantity":"2"}]}]`})
	if err != nil || len(r.Orders) != 1 || r.Orders[0].ID != "7" || !r.Complete || !strings.Contains(told(r.Problems), "none of them counts (1  true)") || !strings.Contains(told(r.Problems), "1 orders have no id") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnswersWithoutData(t *testing.T) {
	for _, text := range []string{`{"error":""}`, `[]`, `7`, `null`, `{"error":"","data":"brak"}`, `{"error":"","data":{"a":{}}}`, `{"error":"","data":false}`, `{"error":""`, "<br />\n<b>Notice</b>: x\n{}", ""} {
		if _, r, err := answered(t, answers{"whole " + orders: text + " "}); !erp.Is(err, erp.Garbled) || len(r.Orders) > 0 {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{`{"error":"Brak uprawnień","data":null}`, `{"error":["x"],"data":[]}`, `{"error":true,"data":[]}`} {
		if _, _, err := answered(t, answers{"whole " + orders: text}); !erp.Is(err, erp.Refused) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, data := range []string{`[]`, `null`, `""`, `{}`} {
		if _, r, err := answered(t, answers{orders: data}); err != nil || !r.Complete || len(r.Orders) > 0 {
			t.Errorf("%q: %+v, %v", data, r, err)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	_, r, err := answered(t, answers{orders: `[` + strings.Repeat(`{"id":"1","items":[]},`, 5000) + `{"id":"2","items":[]}]`})
	if err != nil || len(r.Problems) > mostNotes+1 || r.Complete || !strings.Contains(r.Problems[len(r.Problems)-1].What, "problems more are not told") {
		t.Errorf("%d problems, %v, %v", len(r.Problems), r.Complete, err)
	}
}

func FuzzReadOrders(f *testing.F) {
	f.Add(`{"error":"","data":[{"id":"1245","number":"ZS/45/2026","status":"nowe","date":"2026-11-20","delivery_date":"04.12.2026","account_id":"77","items":[{"lp":"1","product_id":"310","quantity":"1 230,50","unit":"szt"}]}]}`, `{"0":{"id":"310","code":"STOL-120"}}`)
	f.Add(`{"error":[],"data":{"0":{"id":1,"items":""}}}`, `""`)
	f.Fuzz(func(t *testing.T, whole, products string) {
		s, r, err := answered(t, answers{"whole " + orders: whole + " ", "Products": products, "Accounts": products})
		if err != nil {
			return
		}
		keys := map[string]bool{}
		for _, o := range r.Orders {
			if o.ID == "" || len(o.ID) > longest || keys[o.ID] {
				t.Fatalf("key %q", o.ID)
			}
			keys[o.ID] = true
			lines := map[string]bool{}
			for _, l := range o.Lines {
				if l.ID == "" || lines[l.ID] {
					t.Fatalf("order %q, line %q", o.ID, l.ID)
				}
				lines[l.ID] = true
			}
		}
		if _, _, err := s.Discover(t.Context()); err == nil && !strings.Contains(whole, `"data"`) {
			t.Fatal("fields of nothing")
		}
	})
}

// TestSample reads the record that is taken for the likeliest: without a list of
// products the line's name tells what is to be made.
func TestSample(t *testing.T) {
	_, r, err := answered(t, answers{orders: `[{ "id": "1245", "number": "ZS/45/2026", "name": "ZS/45/2026", "status": "nowe", "date": "2026-11-20", "delivery_date": "2026-12-04",
		"account_id": "77", "account_name": "Meble Nowak", "nip": "5250000000", "currency": "PLN", "total": "12300.00", "description": "", "modified": "2026-11-20 14:03:11",
		"items": [ { "id": "9001", "product_id": "310", "code": "STOL-120", "name": "Stol 120", "quantity": "20.000", "unit": "szt", "price": "500.00", "vat": "23" } ] }]`, "Products": "[]"})
	if err != nil || len(r.Orders) != 1 || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	price := decimal.RequireFromString("500")
	want := erp.Order{
		ID: "1245", Number: "ZS/45/2026", State: erp.Open, Word: "nowe", Revision: "2026-11-20 14:03:11", Ordered: erp.DayOf(2026, 11, 20), Due: erp.DayOf(2026, 12, 4), Currency: "PLN",
		Customer: erp.Customer{Code: "5250000000", Name: "Meble Nowak"},
		Lines:    []erp.Line{{ID: "9001", Product: "STOL-120", ProductName: "Stol 120", Quantity: decimal.RequireFromString("20"), Unit: "szt", Factor: decimal.NewFromInt(1), Price: &price, Note: "Stol 120"}},
	}
	if got := r.Orders[0]; fmt.Sprintf("%+v", got.Lines[0].Quantity) != "20" || !got.Lines[0].Price.Equal(price) {
		t.Errorf("%+v", got)
	} else if got.Lines[0].Quantity, got.Lines[0].Price = want.Lines[0].Quantity, &price; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nnot\n%+v", got, want)
	}
}
