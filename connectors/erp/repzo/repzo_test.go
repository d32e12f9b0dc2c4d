package repzo

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
)

// company is a pretend Repzo with a product in cartons of 24, and a source of it.
type company struct {
	*repzo.Server
	s                           *Source
	carton, piece, main, chips  string
	category, started, finished string
}

// within runs a test in virtual time, with a pretend Repzo behind pipes.
func within(t *testing.T, c Config, o repzo.Options, test func(t *testing.T, d *company)) {
	synctest.Test(t, func(t *testing.T) {
		d := &company{Server: repzo.New(repzo.Config{Key: "hush-hush", Options: o})}
		network := pipe.New()
		stop := network.Serve(d.Server)
		defer stop()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		c.Address, c.Key = "http://127.0.0.1", "hush-hush"
		d.carton, d.piece, d.main, d.category = d.AddUnit("CRTN", "24"), d.AddUnit("PCS", "1"), d.AddWarehouse("Main", "W1", "main"), d.AddCategory("Snacks")
		d.started, d.finished = d.AddStatus("In production", "IN", false), d.AddStatus("Produced", "DONE", false)
		d.chips = d.AddProduct(repzo.Product{Name: "Chips", SKU: "010-UNI-UN0058", Category: d.category, Unit: d.piece, Variants: []repzo.Variant{{Name: "salt", Price: 1642}}})[0]
		var err error
		if d.s, err = New(c, Deps{HTTP: &http.Client{Transport: transport}}); err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

func (d *company) item(quantity string) repzo.Item {
	return repzo.Item{Variant: d.chips, Unit: d.carton, Quantity: quantity}
}

// approved is an order of one line.
func (d *company) approved(quantity string) string {
	return d.Create(repzo.Order{Client: "c1", ClientName: "Shop", Status: "approved", Items: []repzo.Item{d.item(quantity)}})
}

func (d *company) read(t *testing.T, ask erp.Ask) erp.OrderRead {
	t.Helper()
	r, err := d.s.ReadOrders(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dialects are companies that answer alike things differently.
func dialects() map[string]repzo.Options {
	return map[string]repzo.Options{"wire": {}, "documentation": {Documentation: true}, "texts": {TextNumbers: true}, "populated": {Populate: true}, "no keyset": {NoKeyset: true}, "small pages": {MostPerPage: 2}}
}

func TestOrdersInEachDialect(t *testing.T) {
	for name, o := range dialects() {
		t.Run(name, func(t *testing.T) {
			within(t, Config{}, o, func(t *testing.T, d *company) {
				var ids []string
				for range 5 {
					ids = append(ids, d.approved("50"))
				}
				r := d.read(t, erp.Ask{})
				if len(r.Orders) != 5 || len(r.Problems) > 0 || !r.Complete || r.Mark == "" {
					t.Fatalf("%+v", r)
				}
				for _, got := range r.Orders {
					l := got.Lines[0]
					if !slices.Contains(ids, got.ID) || got.State != erp.Open || got.Aliases[0] != got.Number || got.Customer.Code != "c1" || !l.Loose || l.Product != "010-UNI-UN0058" ||
						l.Quantity.String() != "50" || l.Factor.String() != "24" || l.Unit != "CRTN" || l.Price.String() != "39.408" {
						t.Errorf("%+v", got)
					}
					if found, _, err := d.s.FindOrder(t.Context(), "", got.ID); err != nil || !reflect.DeepEqual(found, got) {
						t.Errorf("%+v, %v", found, err)
					}
				}
			})
		})
	}
}

func TestStates(t *testing.T) {
	within(t, Config{CancelStatuses: []string{"VOID"}}, repzo.Options{HideDisabled: true}, func(t *testing.T, d *company) {
		void := d.AddStatus("Void", "VOID", false)
		id := d.Create(repzo.Order{Items: []repzo.Item{d.item("1")}})
		r := d.read(t, erp.Ask{})
		for i, c := range []struct {
			do   func() error
			want erp.State
			word string
		}{
			{func() error { return nil }, erp.Held, "pending"}, {func() error { return d.Approve(id) }, erp.Open, "approved"}, {func() error { return d.Label(id, void) }, erp.Cancelled, "approved, VOID"},
			{func() error { return d.Label(id, d.started) }, erp.Open, "approved"}, {func() error { return d.Convert(id) }, erp.Closed, "approved, converted"},
			{func() error { return d.Reject(id) }, erp.Cancelled, "rejected"}, {func() error { return d.Disable(id) }, erp.Cancelled, "rejected, disabled"},
		} {
			time.Sleep(time.Hour)
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				r = d.read(t, erp.Ask{Mark: r.Mark})
			}
			if len(r.Orders) != 1 || r.Orders[0].State != c.want || r.Orders[0].Word != c.word || r.Complete != (i == 0) {
				t.Errorf("%s: %+v", c.word, r)
			}
		}
		if r := d.read(t, erp.Ask{Full: true}); len(r.Orders) != 0 || !r.Complete {
			t.Errorf("%+v", r)
		}
		o, _, err := d.s.FindOrder(t.Context(), "", id)
		if err != nil || o.State != erp.Cancelled {
			t.Errorf("%+v, %v", o, err)
		}
		d.Erase(id)
		if _, _, err := d.s.FindOrder(t.Context(), "", id); !erp.Is(err, erp.Gone) {
			t.Error(err)
		}
	})
	within(t, Config{IgnoreConverted: true}, repzo.Options{}, func(t *testing.T, d *company) {
		_ = d.Convert(d.approved("1")) // long ago: it is not asked for
		known := d.approved("2")
		r := d.read(t, erp.Ask{})
		if len(r.Orders) != 1 || r.Orders[0].ID != known || r.Orders[0].OnlyKnown {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Hour)
		_ = d.Convert(known)
		r = d.read(t, erp.Ask{Mark: r.Mark})
		if len(r.Orders) != 2 {
			t.Errorf("%+v", r)
		}
		for _, o := range r.Orders {
			if o.State != erp.Open || o.OnlyKnown {
				t.Errorf("it was invoiced since the last read: %+v", o)
			}
		}
		// Days later it is one of the many that were invoiced long ago.
		time.Sleep(72 * time.Hour)
		d.approved("3")
		r = d.read(t, erp.Ask{Mark: r.Mark})
		time.Sleep(time.Hour)
		if err := d.Label(known, d.started); err != nil {
			t.Fatal(err)
		}
		r = d.read(t, erp.Ask{Mark: r.Mark})
		if i := slices.IndexFunc(r.Orders, func(o erp.Order) bool { return o.ID == known }); i < 0 || !r.Orders[i].OnlyKnown {
			t.Errorf("%+v", r)
		}
	})
}

func TestAnEditIsTheSameOrder(t *testing.T) {
	for name, o := range map[string]repzo.Options{"another id": {Renumber: true}, "the same id": {SameID: true}, "old ones hidden": {HideOld: true}} {
		t.Run(name, func(t *testing.T) {
			within(t, Config{}, o, func(t *testing.T, d *company) {
				first := d.approved("50")
				r := d.read(t, erp.Ask{})
				time.Sleep(time.Hour)
				second, err := d.Edit(first, func(o *repzo.Order) { o.Items[0].Quantity = "60" })
				if err != nil {
					t.Fatal(err)
				}
				number := r.Orders[0].Number
				r = d.read(t, erp.Ask{Mark: r.Mark})
				if len(r.Orders) != 1 || r.Orders[0].ID != second || !slices.Contains(r.Orders[0].Aliases, number) || r.Orders[0].Revision != "2" || r.Orders[0].Lines[0].Quantity.String() != "60" || len(r.Problems) > 0 {
					t.Fatalf("%+v", r)
				}
				for _, key := range []string{first, second, number} {
					found, _, err := d.s.FindOrder(t.Context(), "", key)
					if err != nil || found.ID != second || found.State != erp.Open || key != found.ID && !slices.Contains(found.Aliases, key) {
						t.Errorf("%s: %+v, %v", key, found, err)
					}
				}
			})
		})
	}
}

func TestChangesAreReadOnce(t *testing.T) {
	for unit, c := range map[string]Config{"ms": {}, "s": {UpdatedUnit: "s"}} {
		within(t, c, repzo.Options{UpdatedUnit: unit}, func(t *testing.T, d *company) {
			a := d.approved("1")
			time.Sleep(time.Hour)
			last := d.approved("3")
			r := d.read(t, erp.Ask{})
			time.Sleep(24 * time.Hour)
			b := d.approved("2")
			// The last one is in the overlap.
			if r = d.read(t, erp.Ask{Mark: r.Mark}); len(r.Orders) != 2 || r.Orders[0].ID != last || r.Orders[1].ID != b || r.Complete || r.Gap != nil {
				t.Errorf("%s: %+v", unit, r)
			}
			time.Sleep(30 * 24 * time.Hour)
			_ = d.Reject(a)
			if r = d.read(t, erp.Ask{Mark: r.Mark, Full: true}); len(r.Orders) != 3 || r.Orders[0].ID != a || r.Orders[0].State != erp.Cancelled || !r.Complete || len(r.Problems) > 0 {
				t.Errorf("%s, after an outage: %+v", unit, r)
			}
		})
	}
}

func TestAFilterThatDoesNotFilterIsTold(t *testing.T) {
	for unit, want := range map[string]string{"none": "did not change since", "s": "does not show it"} {
		within(t, Config{}, repzo.Options{UpdatedUnit: unit}, func(t *testing.T, d *company) {
			for range 2 {
				d.approved("1")
				time.Sleep(time.Hour)
			}
			r := d.read(t, erp.Ask{})
			d.approved("2")
			time.Sleep(time.Minute)
			r = d.read(t, erp.Ask{Mark: r.Mark, Full: true})
			if len(r.Orders) != 3 || len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What, want) {
				t.Errorf("%s: %+v", unit, r)
			}
		})
	}
}

func TestLines(t *testing.T) {
	within(t, Config{Families: "category"}, repzo.Options{}, func(t *testing.T, d *company) {
		free, doubt, bare := d.item("1"), d.item("2"), d.item("3")
		free.Free, doubt.Base, bare.Unit = true, "50", ""
		d.Create(repzo.Order{Status: "approved", Delivery: "2000-01-09", Items: []repzo.Item{free, doubt, bare}, Returns: []repzo.Item{d.item("9")}})
		r := d.read(t, erp.Ask{})
		o := r.Orders[0]
		if len(o.Lines) != 3 || !o.Lines[0].Free || o.Lines[1].Quantity.String() != "50" || o.Lines[1].Factor.String() != "1" || !o.Lines[2].Factor.IsZero() ||
			o.Due != erp.DayOf(2000, 1, 9) || !slices.Equal(o.Lines[0].Groups, []string{"Snacks"}) {
			t.Errorf("%+v", o)
		}
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "48") || r.Problems[0].Order != o.ID || r.Problems[0].Line != o.Lines[1].ID {
			t.Errorf("%+v", r.Problems)
		}
	})
	within(t, Config{}, repzo.Options{}, func(t *testing.T, d *company) {
		d.Create(repzo.Order{Status: "approved", Class: "return", Items: []repzo.Item{d.item("1")}})
		if r := d.read(t, erp.Ask{}); len(r.Orders) != 0 || len(r.Problems) != 0 || !r.Complete {
			t.Errorf("%+v", r)
		}
	})
}

func TestCodesOfMetadata(t *testing.T) {
	within(t, Config{Codes: []string{"integration_meta.erp", "variant.sku"}}, repzo.Options{}, func(t *testing.T, d *company) {
		v := d.AddProduct(repzo.Product{Name: "Water", Variants: []repzo.Variant{{Name: "still", SKU: "no", Meta: map[string]string{"erp": "E-7"}}, {Name: "fizzy", SKU: "E-7"}}})
		d.Create(repzo.Order{Status: "approved", Items: []repzo.Item{{Variant: v[0], Unit: d.piece, Quantity: "1"}}})
		if r := d.read(t, erp.Ask{}); r.Orders[0].Lines[0].Product != "E-7" {
			t.Errorf("%+v", r)
		}
		p, err := d.s.ReadProducts(t.Context(), erp.Ask{})
		// The chips have no such code at all, and the two waters share one.
		if err != nil || len(p.Products) != 1 || p.Products[0].Name != "Water still" || len(p.Problems) != 2 || p.Complete {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestProductsAndStock(t *testing.T) {
	for name, o := range dialects() {
		t.Run(name, func(t *testing.T) {
			c := Config{Families: "category"}
			if o.Documentation {
				c.Warehouses = []string{"Main"} // these warehouses have no type
			}
			within(t, c, o, func(t *testing.T, d *company) {
				p, err := d.s.ReadProducts(t.Context(), erp.Ask{})
				if err != nil || len(p.Products) != 1 || !p.Complete || len(p.Problems) > 0 {
					t.Fatalf("%+v, %v", p, err)
				}
				if got := p.Products[0]; got.Code != "010-UNI-UN0058" || got.Name != "Chips" || got.Unit != "PCS" || got.Active != erp.Yes || !slices.Equal(got.Families, []string{"Snacks"}) {
					t.Errorf("%+v", got)
				}
				van := d.AddWarehouse("Van", "V", "van")
				d.SetStock(d.main, d.chips, decimal.RequireFromString("-2.5"))
				d.SetStock(van, d.chips, decimal.NewFromInt(7))
				r, err := d.s.ReadStock(t.Context(), erp.Ask{})
				if err != nil || len(r.Stock) != 1 || r.Stock[0].Quantity.String() != "-2.5" || r.Stock[0].Product != "010-UNI-UN0058" || len(r.Problems) > 0 {
					t.Errorf("%+v, %v", r, err)
				}
			})
		})
	}
}

func TestBudgetSlowsStopsAndResumes(t *testing.T) {
	within(t, Config{PerDay: 300, Reserve: 20}, repzo.Options{}, func(t *testing.T, d *company) {
		time.Sleep(6 * time.Hour)
		reads, slowed := 0, false
		for {
			_, err := d.s.ReadOrders(t.Context(), erp.Ask{Mark: `{"updated":"2000-01-01T00:00:00Z"}`})
			slowed = slowed || d.s.Stretch() == 2
			if erp.Is(err, erp.Exhausted) {
				if until := err.(*erp.Error).Until; !until.Equal(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)) {
					t.Error(until)
				}
				break
			}
			if err != nil || reads > 300 {
				t.Fatal(reads, err)
			}
			reads++
		}
		if !slowed || d.s.Stretch() != 0 || d.s.Left()[0].Left < 18 {
			t.Errorf("%+v", d.s.Left())
		}
		most := map[time.Time]int{}
		for _, c := range d.Calls() {
			most[c.Time.Truncate(time.Minute)]++
			if c.Status != 200 || most[c.Time.Truncate(time.Minute)] > 40 {
				t.Fatalf("%+v", c)
			}
		}
		time.Sleep(24 * time.Hour)
		d.read(t, erp.Ask{})
	})
}

func TestTooManyCalls(t *testing.T) {
	within(t, Config{}, repzo.Options{}, func(t *testing.T, d *company) {
		d.AddFault(repzo.Fault{Kind: repzo.TooMany, Times: 3})
		for i, want := range []time.Duration{time.Minute, time.Minute, 15 * time.Minute} {
			_, err := d.s.ReadOrders(t.Context(), erp.Ask{})
			if !erp.Is(err, erp.Unavailable) || time.Until(err.(*erp.Error).Until) != want {
				t.Fatalf("%d: %v", i, err)
			}
			calls := len(d.Calls())
			if _, err := d.s.ReadOrders(t.Context(), erp.Ask{}); !erp.Is(err, erp.Unavailable) || len(d.Calls()) != calls {
				t.Errorf("%d: called again: %v", i, err)
			}
			time.Sleep(want)
		}
		d.read(t, erp.Ask{})
	})
}
