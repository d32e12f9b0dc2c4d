package repzo

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
)

func TestCallsAreCountedOverRestarts(t *testing.T) {
	kept, calls := "", 0
	transport := answers(func(*http.Request) (*http.Response, error) {
		calls++
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"data":[]}`))}, nil
	})
	for i := range 5 {
		s, err := New(Config{Key: "k", PerDay: 3, Reserve: 1}, Deps{HTTP: &http.Client{Transport: transport}, Kept: kept, Keep: func(text string) error { kept = text; return nil }})
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

func TestSeparateVersions(t *testing.T) {
	within(t, Config{SeparateVersions: true}, repzo.Options{}, func(t *testing.T, d *company) {
		first := d.approved("1")
		r := d.read(t, erp.Ask{})
		time.Sleep(time.Minute)
		second, err := d.Edit(first, func(*repzo.Order) {})
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]erp.State{}
		for _, o := range d.read(t, erp.Ask{Mark: r.Mark}).Orders {
			states[o.ID] = o.State
			if len(o.Aliases) > 0 {
				t.Errorf("%+v", o)
			}
		}
		if len(states) != 2 || states[first] != erp.Cancelled || states[second] != erp.Open {
			t.Error(states)
		}
		if o, _, err := d.s.FindOrder(t.Context(), "", first); err != nil || o.ID != first {
			t.Error(o, err)
		}
	})
}

// calls are those of a path and the records in it.
func calls(d *company, path string) (n int) {
	for _, c := range d.Calls() {
		if c.Path == path || strings.HasPrefix(c.Path, path+"/") {
			n++
		}
	}
	return n
}

func TestCodesOfClients(t *testing.T) {
	for wanted, want := range map[bool]string{true: "K-17", false: ""} {
		within(t, Config{ClientCodes: wanted}, repzo.Options{}, func(t *testing.T, d *company) {
			client := d.AddClient("Shop", "K-17")
			d.Create(repzo.Order{Client: client, ClientName: "Shop", Status: "approved"})
			got := d.read(t, erp.Ask{}).Orders[0].Customer
			if got.Code != cmp.Or(want, client) || got.Name != "Shop" {
				t.Errorf("%+v", got)
			}
		})
	}
	// A few are read one by one, and once a day; many with the list.
	for n, want := range map[int]int{3: 3, 30: 1} {
		within(t, Config{ClientCodes: true}, repzo.Options{}, func(t *testing.T, d *company) {
			for i := range n {
				d.Create(repzo.Order{Client: d.AddClient("Shop", fmt.Sprint("K-", i)), Status: "approved"})
			}
			for range 3 {
				for _, o := range d.read(t, erp.Ask{}).Orders {
					if !strings.HasPrefix(o.Customer.Code, "K-") {
						t.Errorf("%+v", o.Customer)
					}
				}
				time.Sleep(time.Hour)
			}
			if got := calls(d, "/client"); got != want {
				t.Errorf("%d calls for %d clients", got, n)
			}
		})
	}
}

// A variant that is in no list is looked for once, not with each read; a retired one is
// known, and its warehouse does not count.
func TestStrangersAndRetiredVariants(t *testing.T) {
	within(t, Config{Families: "category"}, repzo.Options{HideDisabled: true}, func(t *testing.T, d *company) {
		d.Create(repzo.Order{Client: "c", Status: "approved", Items: []repzo.Item{{Variant: "386d438002ee0872ff00ffff", Quantity: "1"}}})
		for range 6 {
			d.read(t, erp.Ask{Full: true})
			time.Sleep(6 * time.Minute)
		}
		if got := calls(d, "/variant"); got > 4 {
			t.Errorf("%d calls for one variant that is not there", got)
		}
		old := d.AddProduct(repzo.Product{Name: "Old", SKU: "OLD", Variants: []repzo.Variant{{Name: "x"}}})[0]
		d.Retire(old)
		p, err := d.s.ReadProducts(t.Context(), erp.Ask{})
		if i := slices.IndexFunc(p.Products, func(p erp.Product) bool { return p.Code == "OLD" }); err != nil || i < 0 || p.Products[i].Active != erp.No {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestOldOrdersAreLeftOut(t *testing.T) {
	within(t, Config{FullDays: 30}, repzo.Options{}, func(t *testing.T, d *company) {
		d.approved("1")
		time.Sleep(40 * 24 * time.Hour)
		recent := d.approved("2")
		if r := d.read(t, erp.Ask{}); len(r.Orders) != 1 || r.Orders[0].ID != recent || r.Complete {
			t.Errorf("%+v", r)
		}
	})
}

func TestAListThatMovesProvesNothing(t *testing.T) {
	page := func(n, total string, ids ...string) string {
		var list []string
		for _, id := range ids {
			list = append(list, `{"_id":"`+id+`","status":"approved","items":[],"updatedAt":"2022-12-17T18:33:43.378Z"}`)
		}
		return `{"data":[` + strings.Join(list, ",") + `],"current_page":` + n + `,"total_pages":2,"total_result":` + total + `}`
	}
	for name, c := range map[string]struct {
		second string
		whole  bool
	}{"still": {page("2", "4", "c", "d"), true}, "one more": {page("2", "5", "c", "d"), false}, "one twice": {page("2", "4", "b", "c"), false}, "one less": {page("2", "4", "c"), false}} {
		pages := map[string]string{"1": page("1", "4", "a", "b"), "2": c.second}
		transport := answers(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(pages[r.URL.Query().Get("page")]))}, nil
		})
		s, err := New(Config{Key: "k", PageNumbers: true}, Deps{HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.ReadOrders(t.Context(), erp.Ask{})
		if err != nil || r.Complete != c.whole || (r.Mark != "") != c.whole || len(r.Orders) < 3 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestGarbageInStockAndProducts(t *testing.T) {
	within(t, Config{}, repzo.Options{}, func(t *testing.T, d *company) {
		water := d.AddProduct(repzo.Product{Name: "Water", SKU: "W", Variants: []repzo.Variant{{Name: "still"}}})[0]
		if _, err := d.s.ReadProducts(t.Context(), erp.Ask{}); err != nil {
			t.Fatal(err)
		}
		row := func(variant, quantity string) string {
			return `{"_id":"` + variant + strings.Trim(quantity, `"`) + `","warehouse_id":"` + d.main + `","variant_id":"` + variant + `","qty":` + quantity + `}`
		}
		d.SetStock(d.main, d.chips, decimal.NewFromInt(1))
		d.s.PageNumbers = true
		d.s.Warehouses = []string{"W1"}
		if _, err := d.s.places(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.AddFault(repzo.Fault{Kind: repzo.Raw, Path: "/inventory", Text: `{"data":[` + strings.Join([]string{row(water, "5"), row(d.chips, `"many"`), row("nobody", "3"), row(water, "2.5"), "7"}, ",") + `],"current_page":1,"total_pages":1}`})
		r, err := d.s.ReadStock(t.Context(), erp.Ask{})
		if err != nil || len(r.Stock) != 1 || r.Stock[0].Product != "W" || r.Stock[0].Place != "W1" || r.Stock[0].Quantity.String() != "7.5" || len(r.Problems) != 3 {
			t.Errorf("%+v, %v", r, err)
		}
		d.AddFault(repzo.Fault{Kind: repzo.WrongTypes, Path: "/variant"})
		p, err := d.s.ReadProducts(t.Context(), erp.Ask{})
		if err != nil || p.Complete || len(p.Problems) != 2 || len(p.Products) != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		if known, _ := d.s.goods.look(water); known.code != "W" {
			t.Error("what was known of the products is lost")
		}
	})
	within(t, Config{Warehouses: []string{"Nowhere"}}, repzo.Options{}, func(t *testing.T, d *company) {
		if _, err := d.s.ReadStock(t.Context(), erp.Ask{}); err == nil || !strings.Contains(err.Error(), `warehouse "Nowhere"`) {
			t.Error(err)
		}
	})
}
