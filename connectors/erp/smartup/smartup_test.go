package smartup

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
)

func account() Config {
	return Config{User: "gateway@plant", Password: "hush-hush", ProjectCode: "trade", FilialID: "12"}
}

// within runs a test in virtual time, with a pretend Smartup behind pipes.
func within(t *testing.T, c Config, o smartup.Options, test func(t *testing.T, sim *smartup.Server, s *Source)) {
	synctest.Test(t, func(t *testing.T) {
		sim := smartup.New(smartup.Config{User: "gateway@plant", Password: "hush-hush", ProjectCode: "trade", FilialID: "12", Options: o})
		network := pipe.New()
		stop := network.Serve(sim)
		defer stop()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		c.Address = "http://127.0.0.1"
		s, err := New(c, Deps{HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, s)
	})
}

func worked() smartup.Order {
	return smartup.Order{DealID: "642", Status: "B#N", DeliveryDate: time.Date(2000, 1, 4, 0, 0, 0, 0, time.UTC), PersonCode: "c7", PersonName: "Bahor Savdo", FilialCode: "f1",
		Lines: []smartup.Line{{UnitID: "9001", ProductCode: "P-100", Quantity: "480", Kind: "P"}, {UnitID: "9002", ProductCode: "G-7", Quantity: "10", Kind: "G"}}}
}

func read(t *testing.T, s *Source, ask erp.Ask) erp.OrderRead {
	t.Helper()
	r, err := s.ReadOrders(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWorkedExample(t *testing.T) {
	for name, o := range map[string]smartup.Options{"as documented": {}, "numbers and null": {PlainNumbers: true}, "limits as a list": {LimitsAsList: true}} {
		t.Run(name, func(t *testing.T) {
			within(t, account(), o, func(t *testing.T, sim *smartup.Server, s *Source) {
				sim.Create(worked())
				r := read(t, s, erp.Ask{})
				if len(r.Orders) != 1 || len(r.Problems) != 0 || r.Complete {
					t.Fatalf("%+v", r)
				}
				got := r.Orders[0]
				if got.ID != "642" || got.Number != "642" || got.Company != "" || got.State != erp.Open || got.Word != "B#N" || got.Customer.Name != "Bahor Savdo" ||
					got.Due != erp.DayOf(2000, 1, 4) || !got.Ordered.Time.Equal(time.Now()) || got.Partial || len(got.Lines) != 2 {
					t.Errorf("%+v", got)
				}
				l := got.Lines[0]
				if l.ID != "9001" || l.Product != "P-100" || !l.Quantity.Equal(decimal.NewFromInt(480)) || l.Manufactured != erp.Yes || !l.Factor.Equal(decimal.NewFromInt(1)) || !l.Loose {
					t.Errorf("%+v", l)
				}
				if got.Lines[1].Manufactured != erp.No {
					t.Errorf("%+v", got.Lines[1])
				}
				if left := s.Left()[0]; left.Used != 1 || left.Left != 499 {
					t.Errorf("%+v", left)
				}
			})
		})
	}
}

func TestGiftsStatesAndNotes(t *testing.T) {
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		o := worked()
		o.NoDelivery, o.Note = true, "call first PS 1/5 01.01"
		o.Gifts = []smartup.Line{{ProductCode: "P-5", Quantity: "1,5", Kind: "P"}}
		sim.Create(o)
		got := read(t, s, erp.Ask{}).Orders[0]
		gift := got.Lines[2]
		if !got.Due.IsZero() || got.Note != "call first" || gift.ID != "gift-1" || !gift.Free || gift.Note != "gift" || gift.Quantity.String() != "1.5" {
			t.Errorf("%+v", got)
		}
		for word, want := range map[string]erp.State{"D": erp.Held, "B#W": erp.Open, "B#S": erp.Closed, "A": erp.Closed, "C": erp.Cancelled, "B#X": erp.Unknown} {
			if err := sim.SetStatus("642", word); err != nil {
				t.Fatal(err)
			}
			if o, _, err := s.FindOrder(t.Context(), "", "642"); err != nil || o.State != want || o.Word != word {
				t.Errorf("%s: %v, %v", word, o.State, err)
			}
		}
		sim.Delete("642")
		if _, _, err := s.FindOrder(t.Context(), "", "642"); !erp.Is(err, erp.Gone) {
			t.Error(err)
		}
	})
}

func TestNothingIsReadFromBrokenAnswers(t *testing.T) {
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		for kind, want := range map[smartup.FaultKind]erp.Fault{smartup.Status500: erp.Unavailable, smartup.DropBefore: erp.Unavailable, smartup.DropAfter: erp.Unavailable,
			smartup.Page: erp.Garbled, smartup.Text: erp.Garbled, smartup.Empty: erp.Garbled, smartup.HalfAnswer: erp.Garbled, smartup.NoRoot: erp.Garbled} {
			sim.AddFault(smartup.Fault{Kind: kind})
			if r, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, want) || len(r.Orders) > 0 || r.Complete {
				t.Errorf("%s: %v", kind, err)
			} else if strings.Contains(err.Error(), "hush") {
				t.Errorf("%s: the password is told: %v", kind, err)
			}
		}
		if r := read(t, s, erp.Ask{}); len(r.Orders) != 1 {
			t.Errorf("%+v", r)
		}
	})
}

func TestGarbageCostsOnlyItself(t *testing.T) {
	good := `{"deal_id":"1","status":"B#N","order_products":[{"product_unit_id":"7","product_code":"P","order_quant":"5","inventory_kind":"P"}]}`
	for name, c := range map[string]struct{ record, where string }{
		"no id":          {`{"status":"B#N"}`, "order[0], deal_id"},
		"a number":       {`5`, "order[0], deal_id"},
		"a long text":    {`{"deal_id":"2","status":"B#N","note":"` + strings.Repeat("x", 10<<20) + `","order_products":[]}`, "order 2, note"},
		"no quantity":    {`{"deal_id":"2","order_products":[{"product_unit_id":"8","order_quant":null}]}`, "order 2, line 8, order_quant"},
		"a wrong number": {`{"deal_id":"2","order_products":[{"product_unit_id":"8","order_quant":"many"}]}`, "order 2, line 8, order_quant"},
		"a huge number":  {`{"deal_id":"2","order_products":[{"product_unit_id":"8","order_quant":1e999999}]}`, "order 2, line 8, order_quant"},
		"no lines":       {`{"deal_id":"2","order_products":"none"}`, "order 2, order_products"},
		"a wrong date":   {`{"deal_id":"2","delivery_date":"31.02.2026","order_products":[]}`, "order 2, delivery_date"},
		"twice":          {`{"deal_id":"2","deal_id":"2","order_products":[]}`, "order[0].deal_id"},
		"no UTF-8":       {"{\"deal_id\":\"2\",\"note\":\"\xff\",\"order_products\":[]}", "order[0].note"},
	} {
		t.Run(name, func(t *testing.T) {
			reads := answer(t, `{"order":[`+c.record+`,`+good+`]}`)
			if len(reads.Orders) == 0 || reads.Orders[len(reads.Orders)-1].ID != "1" || len(reads.Orders[len(reads.Orders)-1].Lines) != 1 {
				t.Fatalf("%+v", reads)
			}
			if !slices.ContainsFunc(reads.Problems, func(p erp.Problem) bool { return p.Where == c.where }) {
				t.Errorf("%+v", reads.Problems)
			}
		})
	}
}

// against is a source whose calls a handler answers.
func against(t *testing.T, h http.Handler) *Source {
	t.Helper()
	network := pipe.New()
	t.Cleanup(network.Serve(h))
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	c := account()
	c.Address = "http://127.0.0.1"
	s, err := New(c, Deps{HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what a read makes of an answer.
func answer(t *testing.T, body string) erp.OrderRead {
	t.Helper()
	return read(t, against(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })), erp.Ask{})
}

func TestOutageLongerThanTheWindow(t *testing.T) {
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		first := read(t, s, erp.Ask{})
		time.Sleep(24 * time.Hour)
		second := read(t, s, erp.Ask{Mark: first.Mark})
		if second.Gap != nil || len(second.Orders) != 1 {
			t.Errorf("the day before is read again: %+v", second)
		}
		time.Sleep(10 * 24 * time.Hour)
		late := read(t, s, erp.Ask{Mark: second.Mark})
		if late.Gap == nil || late.Gap.From.Day() != 2 || late.Gap.To.Day() != 5 || late.Gap.To.Month() != time.January {
			t.Errorf("%+v", late.Gap)
		}
	})
}

func TestBudgetSlowsStopsAndResumes(t *testing.T) {
	for _, word := range []string{"429", "text", "json"} {
		t.Run(word, func(t *testing.T) {
			within(t, account(), smartup.Options{Exhausted: word}, func(t *testing.T, sim *smartup.Server, s *Source) {
				sim.Spend(smartup.Frequent, 410)
				read(t, s, erp.Ask{})
				if s.Stretch() != 2 {
					t.Errorf("stretch %d with 89 left", s.Stretch())
				}
				sim.Spend(smartup.Frequent, 200)
				before := len(sim.Calls())
				for range 3 {
					if _, err := s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Exhausted) || err.(*erp.Error).Until.Hour() != 19 {
						t.Fatalf("%v", err)
					}
				}
				if n := len(sim.Calls()) - before; n != 1 {
					t.Errorf("%d calls after the end, 1 is enough", n)
				}
				time.Sleep(24 * time.Hour)
				read(t, s, erp.Ask{})
			})
		})
	}
}

func TestCallsAreCountedOverRestarts(t *testing.T) {
	kept := ""
	calls := 0
	transport := answers(func(*http.Request) (*http.Response, error) {
		calls++
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"order":[]}`))}, nil
	})
	c := account()
	c.Frequent, c.Reserve = 3, 1
	for i := range 5 {
		s, err := New(c, Deps{HTTP: &http.Client{Transport: transport}, Kept: kept, Keep: func(text string) error { kept = text; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); erp.Is(err, erp.Exhausted) != (i >= 2) {
			t.Errorf("read %d: %v", i, err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls of 3, 1 of which is kept for writing back", calls)
	}
}

func TestStockIsSummed(t *testing.T) {
	c := account()
	c.ExcludeWarehouses = []string{"SCRAP"}
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.SetBalance([]smartup.Balance{{Warehouse: "FG", Product: "P-1", Batch: "a", Quantity: "10", Condition: "F"}, {Warehouse: "FG", Product: "P-1", Batch: "b", Quantity: "2.5", Condition: "B"},
			{Warehouse: "FG", Product: "P-1", Quantity: "99", Condition: "T"}, {Warehouse: "SCRAP", Product: "P-1", Quantity: "7", Condition: "F"}, {Warehouse: "FG", Product: "P-2", Quantity: "x", Condition: "F"}})
		r, err := s.ReadStock(t.Context(), erp.Ask{})
		if err != nil || len(r.Stock) != 1 || r.Stock[0].Quantity.String() != "12.5" || len(r.Problems) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestProductsAndBarcodes(t *testing.T) {
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.AddProduct(smartup.Product{Code: "P-1", Name: "Juice", Measure: "l", Kinds: []string{"G", "P"}, Barcodes: "111;222"})
		sim.Create(smartup.Order{Lines: []smartup.Line{{Barcode: "222", Quantity: "1", Kind: "P"}}})
		if got := read(t, s, erp.Ask{}).Orders[0].Lines[0].Product; got != "P-1" {
			t.Errorf("%q", got)
		}
		r, err := s.ReadProducts(t.Context(), erp.Ask{})
		if err != nil || !r.Complete || len(r.Products) != 1 || r.Products[0].Manufactured != erp.Yes || r.Products[0].Active != erp.Yes {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestSettingsThatCanNotWork(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"plain": func(c *Config) { c.Address = "http://smartup.example" },
		"closes": func(c *Config) {
			c.Write = WriteConfig{Kinds: []erp.Kind{erp.Status}, Status: map[erp.Stage]string{erp.Completed: "A"}}
		},
		"goods":  func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Produced} },
		"meta":   func(c *Config) { c.Write.Kinds = []erp.Kind{erp.Meta} },
		"window": func(c *Config) { c.Window = -1 },
	} {
		c := account()
		spoil(&c)
		if _, err := New(c, Deps{}); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// answers is a system that needs no socket: the fuzzer is many times as fast.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func FuzzOrders(f *testing.F) {
	for _, seed := range []string{`{"order":[]}`, `{"order":[{"deal_id":"1","order_products":[{"order_quant":"1,5"}]}],"limits":[{"left_limit_quant":""}]}`, `[]`, `{"error_code":"A02-24-042"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		transport := answers(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		s, err := New(account(), Deps{HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.ReadOrders(context.Background(), erp.Ask{})
		for _, o := range r.Orders {
			if err != nil || o.ID == "" || slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.ID == "" }) {
				t.Errorf("%+v, %v", o, err)
			}
		}
	})
}

// A page that is not there says nothing of an order: the address is wrong, or the server
// is being replaced.
func TestMissingPageIsNoMissingOrder(t *testing.T) {
	s := against(t, http.NotFoundHandler())
	if _, _, err := s.FindOrder(t.Context(), "", "642"); !erp.Is(err, erp.Unavailable) || !strings.Contains(err.Error(), "check the url") {
		t.Error(err)
	}
}

// Orders are read while the articles are not, which are asked for once an hour then.
func TestOrdersDoNotWaitForArticles(t *testing.T) {
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.AddProduct(smartup.Product{Code: "P-1", Name: "Juice", Measure: "l", Kinds: []string{"P"}, Barcodes: "111"})
		sim.Create(smartup.Order{Lines: []smartup.Line{{Barcode: "111", Quantity: "1", Kind: "P"}}})
		sim.AddFault(smartup.Fault{Kind: smartup.Status500, Object: "inventory", Times: 100})
		for range 10 {
			r := read(t, s, erp.Ask{})
			if len(r.Orders) != 1 || r.Orders[0].Lines[0].Product != "" || len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What, "the articles can not be read") {
				t.Fatalf("%+v", r)
			}
			time.Sleep(5 * time.Minute)
		}
		if n := sim.Used(smartup.Reference, time.Now()); n > 1 {
			t.Errorf("%d calls for articles", n)
		}
		sim.ClearFaults()
		time.Sleep(time.Hour)
		if got := read(t, s, erp.Ask{}).Orders[0].Lines[0].Product; got != "P-1" {
			t.Errorf("%q", got)
		}
	})
}

// The company's window became smaller than it was, or than it is configured.
func TestNarrowerWindow(t *testing.T) {
	c := account()
	c.Window = 31
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		if _, err := s.ReadOrders(t.Context(), erp.Ask{Full: true}); !erp.Is(err, erp.Unavailable) || !strings.Contains(err.Error(), "of 7 days, not of 31") {
			t.Fatal(err)
		}
		if r := read(t, s, erp.Ask{Full: true}); len(r.Orders) != 1 || !strings.Contains(r.Mark, `"days":7`) {
			t.Errorf("%+v", r)
		}
	})
	// The mark of a read before tells of the old window.
	within(t, account(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		old := erp.Ask{Full: true, Mark: `{"day":"` + time.Now().Format(time.DateOnly) + `","days":31}`}
		if _, err := s.ReadOrders(t.Context(), old); !erp.Is(err, erp.Unavailable) {
			t.Fatal(err)
		}
		if r := read(t, s, old); len(r.Orders) != 1 || !strings.Contains(r.Mark, `"days":7`) {
			t.Errorf("%+v", r)
		}
	})
}

// Orders that need the families of articles are read soon after the articles could not be.
func TestFamiliesAreAskedForAgain(t *testing.T) {
	c := account()
	c.FamilyType = "F"
	within(t, c, smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		sim.Create(worked())
		sim.AddFault(smartup.Fault{Kind: smartup.Status500, Object: "inventory"})
		if _, err := s.ReadOrders(t.Context(), erp.Ask{}); err == nil {
			t.Fatal("without the families")
		}
		time.Sleep(2 * time.Minute)
		if r := read(t, s, erp.Ask{}); len(r.Orders) != 1 {
			t.Errorf("%+v", r)
		}
	})
}
