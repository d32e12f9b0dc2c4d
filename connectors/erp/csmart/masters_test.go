package csmart

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
)

func generic(c *Config) { c.Generic = "CUSTOM" }

// TestArticlesDoNotVanish: a list of products that is empty, or can not be read, makes
// no other article of a line: its production order would be cancelled.
func TestArticlesDoNotVanish(t *testing.T) {
	within(t, csmart.Options{NoCode: true, NoLineID: true}, generic, func(t *testing.T, b *bench) {
		first, r := b.read()
		key := r.Orders[0].Lines[0].ID
		for range 3 {
			time.Sleep(2 * time.Hour)
			b.sim.AddFault(csmart.Fault{Kind: csmart.NoData, Module: "Products"})
			if text, r := b.read(); text != first || r.Orders[0].Lines[0].ID != key {
				t.Fatalf("%s, not %s", text, first)
			}
		}
	})
	// A user who may not see products, or an empty list at the first read.
	for _, kind := range []csmart.FaultKind{csmart.Failed, csmart.NoData} {
		within(t, csmart.Options{NoCode: true}, generic, func(t *testing.T, b *bench) {
			b.sim.AddFault(csmart.Fault{Kind: kind, Module: "Products"})
			if text, _ := b.read(); text != "ZS/45/2026 open 2026-12-04, 1230.5 szt " {
				t.Errorf("%s: %s", kind, text)
			}
		})
		within(t, csmart.Options{NoCode: true, NoLineID: true}, generic, func(t *testing.T, b *bench) {
			b.sim.AddFault(csmart.Fault{Kind: kind, Module: "Products"})
			text, r := b.read()
			if text != "ZS/45/2026 open 2026-12-04" || !r.Orders[0].Partial || !strings.Contains(told(r.Problems), b.stol+" is not in the list of products") {
				t.Errorf("%s: %s, %s", kind, text, told(r.Problems))
			}
		})
	}
}

// TestNewArticlesAreLookedFor: not for an hour, and not again and again.
func TestNewArticlesAreLookedFor(t *testing.T) {
	within(t, csmart.Options{NoCode: true}, generic, func(t *testing.T, b *bench) {
		began := time.Now()
		b.read()
		time.Sleep(5 * time.Minute)
		fresh := b.sim.AddProduct(csmart.Product{Code: "KRZESLO", Name: "Krzesło", Unit: "szt"})
		b.create("ZS/46/2026", csmart.Item{Product: fresh, Name: "Krzesło", Quantity: "4", Unit: "szt"})
		b.create("ZS/47/2026", csmart.Item{Product: "777", Name: "?", Quantity: "4", Unit: "szt"}, csmart.Item{Product: "0", Name: "Szyld", Quantity: "1", Unit: "szt"})
		for range 5 {
			text, _ := b.read()
			if !strings.HasSuffix(text, "4 szt KRZESLO; ZS/47/2026 open 2026-12-04, 4 szt , 1 szt CUSTOM") {
				t.Fatal(text)
			}
			time.Sleep(5 * time.Minute)
		}
		if n := b.sim.Count("Products", "List", began); n != 2 {
			t.Errorf("%d reads of products", n)
		}
	})
}

// TestUnitsWithoutProducts: what the units of articles are is not known then.
func TestUnitsWithoutProducts(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.AddFault(csmart.Fault{Kind: csmart.Status500, Module: "Products"})
		if _, r := b.read(); r.Orders[0].Lines[0].Factor.Sign() != 0 || !strings.Contains(told(r.Problems), "whose unit is not under units") {
			t.Errorf("%+v", r)
		}
		time.Sleep(5 * time.Minute)
		if _, r := b.read(); r.Orders[0].Lines[0].Factor.String() != "1" || len(r.Problems) > 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestListsThatAreNotReadAreToldAsLong: not at one read of twelve.
func TestListsThatAreNotReadAreToldAsLong(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.Edit(b.order, func(o *csmart.Order) { o.TaxNo = "" })
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: "Products"})
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: "Accounts"})
		for range 3 {
			if _, r := b.read(); !strings.Contains(told(r.Problems), "Products: ") || !strings.Contains(told(r.Problems), "Accounts: ") {
				t.Error(told(r.Problems))
			}
			time.Sleep(5 * time.Minute)
		}
		time.Sleep(time.Hour)
		if _, r := b.read(); strings.Contains(told(r.Problems), "Products: ") {
			t.Error(told(r.Problems))
		}
		if n := b.sim.Count("Products", "List", time.Now()); n != 2 {
			t.Errorf("%d reads of products", n)
		}
	})
}

// TestNoLinesAtAll: orders that are over do not hide that no order has lines.
func TestNoLinesAtAll(t *testing.T) {
	within(t, csmart.Options{NoItems: true}, nil, func(t *testing.T, b *bench) {
		b.sim.Edit(b.create("ZS/1/2026"), func(o *csmart.Order) { o.Status = "zrealizowane" })
		if _, r := b.read(); !strings.Contains(told(r.Problems), "ask the vendor for lines") {
			t.Error(told(r.Problems))
		}
	})
}

func TestMidnightIsADay(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		for text, want := range map[string]erp.When{
			"2026-12-04 00:00:00": erp.DayOf(2026, 12, 4), "04.12.2026 00:00": erp.DayOf(2026, 12, 4), "2026-12-04T00:00:00+01:00": erp.DayOf(2026, 12, 4),
			"2026-12-04 00:00:01": erp.Moment(time.Date(2026, 12, 3, 23, 0, 1, 0, time.UTC)), "2026-12-04": erp.DayOf(2026, 12, 4), "0000-00-00 00:00:00": {},
		} {
			b.sim.Edit(b.order, func(o *csmart.Order) { o.Delivery = text })
			if _, r := b.read(); r.Orders[0].Due != want || len(r.Problems) > 0 {
				t.Errorf("%s: %+v, %s", text, r.Orders[0].Due, told(r.Problems))
			}
		}
	})
}

func TestErrorsThatAreNoTexts(t *testing.T) {
	for text, want := range map[string]string{`["za dużo", "x"]`: "CSMART says: za dużo, x", `{"name":"brak"}`: "CSMART says: brak", `[[]]`: "an error without a text", `true`: "CSMART says: true"} {
		if _, _, err := answered(t, answers{"whole " + orders: `{"error":` + text + `,"data":[]}`}); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, _, err := answered(t, answers{"whole " + orders: `{"error":{},"data":[]}`}); err != nil {
		t.Error(err)
	}
}
