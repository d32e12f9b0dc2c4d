package repzo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
)

// answers is a system that needs no socket: the fuzzer is many times as fast.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// says is a source whose system answers any call for orders with a body, and others with
// an empty list.
func says(t *testing.T, c Config, body []byte) *Source {
	t.Helper()
	c.Key = "hush-hush"
	transport := answers(func(r *http.Request) (*http.Response, error) {
		text := body
		if r.URL.Path != "/proforma" || r.URL.Query().Has("from__id") {
			text = []byte(`{"data":[]}`)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}, nil
	})
	s, err := New(c, Deps{HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// real is an approved order as the vendor's integrations met it, shortened.
const real = `{ "_id": "639dc3af162ee0872ff7356c", "client_id": "639ae1df506dfca71557a7f7", "client_name": "...", "status": "approved", "latest": true, "version": 1,
  "disabled": false, "time": 1671283619190, "issue_date": "2022-12-17", "delivery_date": null, "currency": "JOD",
  "serial_number": { "identifier": "1032", "formatted": "PRO-1032-1602", "count": 1602 }, "sync_id": "29816665-1664-4a06-8300-2414fd111840",
  "items": [ { "_id": "639dc3af162ee0872ff7356f", "qty": 50, "base_unit_qty": 1200,
      "variant": { "product_id": "6398bd37", "product_name": "...", "variant_id": "6398bd37", "variant_name": "010-UNI-UN0058", "variant_sku": "", "product_sku": "010-UNI-UN0058", "product_barcode": "6253005346534" },
      "measureunit": { "_id": "63981cb0", "name": "CRTN", "factor": 24 }, "tax": { "name": "...", "rate": 0.1, "type": "additive" },
      "price": 1642, "total_before_tax": 1970400, "line_total": 2167440 } ],
  "total": 2167440, "createdAt": "2022-12-17T13:27:11.321Z", "updatedAt": "2022-12-17T18:33:43.378Z" }`

func TestWorkedExample(t *testing.T) {
	r, err := says(t, Config{}, []byte(`{"data":[`+real+`],"total_result":1,"current_page":1,"total_pages":1}`)).ReadOrders(t.Context(), erp.Ask{})
	if err != nil || len(r.Orders) != 1 || len(r.Problems) > 0 || !r.Complete || r.Mark != `{"updated":"2022-12-17T18:33:43.378Z"}` {
		t.Fatalf("%+v, %v", r, err)
	}
	o := r.Orders[0]
	if o.ID != "639dc3af162ee0872ff7356c" || o.Number != "PRO-1032-1602" || !slices.Equal(o.Aliases, []string{"PRO-1032-1602"}) || o.State != erp.Open || o.Ordered != erp.DayOf(2022, time.December, 17) ||
		o.Created.UnixMilli() != 1671283619190 || !o.Due.IsZero() || o.Customer.Code != "639ae1df506dfca71557a7f7" || o.Currency != "JOD" || o.Partial || len(o.Lines) != 1 {
		t.Errorf("%+v", o)
	}
	l := o.Lines[0]
	if l.ID != "639dc3af162ee0872ff7356f" || l.Product != "010-UNI-UN0058" || l.Quantity.String() != "50" || l.Unit != "CRTN" || l.Factor.String() != "24" || l.Price.String() != "39.408" || l.Free || l.Return {
		t.Errorf("%+v", l)
	}
}

func TestGarbageCostsOnlyItself(t *testing.T) {
	line := func(fields string) string {
		return `{"_id":"a2","serial_number":{"formatted":"P-2"},"status":"approved","items":[{"_id":"x8","variant":{"variant_sku":"A"},` + fields + `}]}`
	}
	for name, c := range map[string]struct{ record, where string }{
		"no id":              {`{"status":"approved"}`, "data[0], _id"},
		"a list as id":       {`{"_id":["a"]}`, "data[0], _id"},
		"a number":           {`5`, "data[0], _id"},
		"a long text":        {`{"_id":"a2","status":"approved","comment":"` + strings.Repeat("x", 10<<20) + `","items":[]}`, "order a2, comment"},
		"no quantity":        {line(`"qty":null`), "order P-2, line x8, qty"},
		"a wrong quantity":   {line(`"qty":"many"`), "order P-2, line x8, qty"},
		"a huge quantity":    {line(`"qty":1e999999`), "order P-2, line x8, qty"},
		"a wrong base":       {line(`"qty":1,"base_unit_qty":[1]`), "order P-2, line x8, base_unit_qty"},
		"a negative factor":  {line(`"qty":1,"measureunit":{"factor":-24}`), "order P-2, line x8, measureunit.factor"},
		"a wrong price":      {line(`"qty":1,"price":{}`), "order P-2, line x8, price"},
		"no lines":           {`{"_id":"a2","items":"none"}`, "order a2, items"},
		"no record":          {`{"_id":"a2","items":[7]}`, "order a2, line 1"},
		"a wrong date":       {`{"_id":"a2","delivery_date":"2026-02-31","items":[]}`, "order a2, delivery_date"},
		"a wrong answer":     {`{"_id":"a2","disabled":"perhaps","items":[]}`, "order a2, disabled"},
		"twice":              {`{"_id":"a2","_id":"a2","items":[]}`, "data[0]._id"},
		"no UTF-8":           {"{\"_id\":\"a2\",\"comment\":\"\xff\",\"items\":[]}", "data[0].comment"},
		"no readable number": {`{"_id":"a2","serial_number":[1],"items":[]}`, "order a2, serial_number"},
		"one number twice":   {`{"_id":"a2","serial_number":{"formatted":"P-3"},"items":[]}`, "order P-3"},
		"superseded":         {`{"_id":"a2","serial_number":{"formatted":"P-2"},"latest":false,"items":[]}`, "order P-2"},
	} {
		t.Run(name, func(t *testing.T) {
			good := `{"_id":"a3","serial_number":{"formatted":"P-3"},"status":"approved","items":[{"_id":"7","variant":{"variant_sku":"B"},"qty":-5,"measureunit":{"name":"PCS","factor":1}}]}`
			r, err := says(t, Config{PageNumbers: true}, []byte(`{"data":[`+c.record+`,`+good+`],"current_page":1,"total_pages":1}`)).ReadOrders(t.Context(), erp.Ask{})
			i := slices.IndexFunc(r.Orders, func(o erp.Order) bool { return o.ID == "a3" })
			if err != nil || i < 0 || len(r.Orders[i].Lines) != 1 || r.Orders[i].Lines[0].Quantity.String() != "-5" {
				t.Fatalf("%+v, %v", r, err)
			}
			if !slices.ContainsFunc(r.Problems, func(p erp.Problem) bool { return p.Where == c.where && (p.Order != "" || !p.Lost || !r.Complete) }) {
				t.Errorf("%+v", r.Problems)
			}
		})
	}
}

func TestNothingIsReadFromBrokenAnswers(t *testing.T) {
	within(t, Config{Timeout: 30 * time.Second}, repzo.Options{}, func(t *testing.T, d *company) {
		d.approved("1")
		for kind, want := range map[repzo.FaultKind]erp.Fault{repzo.Status500: erp.Unavailable, repzo.DropBefore: erp.Unavailable, repzo.DropAfter: erp.Unavailable, repzo.Slow: erp.Unavailable,
			repzo.Page: erp.Garbled, repzo.Text: erp.Garbled, repzo.Empty: erp.Garbled, repzo.HalfAnswer: erp.Garbled, repzo.NoList: erp.Garbled, repzo.Unsuccessful: erp.Refused} {
			// The client itself asks again when a connection was closed that it had used before.
			d.AddFault(repzo.Fault{Kind: kind, Delay: time.Hour, Times: 3})
			if r, err := d.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, want) || len(r.Orders) > 0 || r.Complete || r.Mark != "" {
				t.Errorf("%s: %v", kind, err)
			} else if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "?") {
				t.Errorf("%s: too much is told: %v", kind, err)
			}
			d.ClearFaults()
		}
		d.AddFault(repzo.Fault{Kind: repzo.WrongTypes})
		if r := d.read(t, erp.Ask{}); len(r.Orders) != 0 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "a number that can not be read") || r.Complete {
			t.Errorf("%+v", r)
		}
		if r := d.read(t, erp.Ask{}); len(r.Orders) != 1 || len(r.Problems) != 0 {
			t.Errorf("%+v", r)
		}
		d.AddFault(repzo.Fault{Kind: repzo.Raw, Text: `{"data":[],"total_result":0,"total_pages":0,"current_page":1}`})
		if r := d.read(t, erp.Ask{}); len(r.Orders) != 0 || !r.Complete {
			t.Errorf("an empty list is for the guards of the mirror: %+v", r)
		}
	})
}

func TestAWrongKeyAndSettings(t *testing.T) {
	within(t, Config{}, repzo.Options{}, func(t *testing.T, d *company) {
		d.s.Key = "other"
		if _, err := d.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Denied) || !strings.Contains(err.Error(), "API key") {
			t.Error(err)
		}
	})
	for name, spoil := range map[string]func(*Config){
		"plain": func(c *Config) { c.Address = "http://repzo.example" }, "no key": func(c *Config) { c.Key = "" }, "codes": func(c *Config) { c.Codes = []string{"sku"} },
		"families": func(c *Config) { c.Families = "tags" }, "unit": func(c *Config) { c.UpdatedUnit = "days" }, "page": func(c *Config) { c.PerPage = 50000 }, "overlap": func(c *Config) { c.Overlap = time.Second },
		"note": func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Note} }, "status": func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Status} }, "goods": func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Produced} },
		"job": func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Task} }, "prefix": func(c *Config) { c.Write.MetaPrefix = "a.b" },
	} {
		c := Config{Key: "k"}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(&c)
		if _, err := New(c, Deps{}); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesThatNeverEnd(t *testing.T) {
	for name, body := range map[string]string{"no keys": `{"data":[{"status":"approved"}]}`, "the same page": `{"data":[` + real + `]}`, "wrong counts": `{"data":[` + real + `],"current_page":1,"total_pages":99,"total_result":99}`} {
		calls := 0
		transport := answers(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		s, err := New(Config{Key: "k"}, Deps{HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.ReadOrders(t.Context(), erp.Ask{})
		if err != nil || r.Complete || r.Mark != "" || calls > 5 {
			t.Errorf("%s: %d calls, %+v, %v", name, calls, r, err)
		}
	}
}

func FuzzOrders(f *testing.F) {
	for _, seed := range []string{`{"data":[` + real + `]}`, `{"data":[{"_id":"1","serial":"a","items":[{"variant":"7","quantity":"1"}]}],"meta":{}}`, `{"result":[]}`, `[]`, `{"success":false,"error":{"message":"x"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := says(t, Config{CancelStatuses: []string{"VOID"}, Families: "groups", PerMinute: 10000}, body).ReadOrders(context.Background(), erp.Ask{Mark: `{"updated":"2022-12-17T18:33:43Z"}`, Full: true})
		ids := map[string]bool{}
		for _, o := range r.Orders {
			if err != nil || o.ID == "" || ids[o.ID] || slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.ID == "" }) {
				t.Errorf("%+v, %v", o, err)
			}
			ids[o.ID] = true
		}
	})
}
