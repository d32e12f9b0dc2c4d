package smartup

import (
	"fmt"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
)

func buying() Config {
	c := writing()
	c.Write.Goods, c.Write.Supplier, c.Write.PurchaseStatus, c.Write.PurchasePrice = Purchase, "OWN", "1", "2.50"
	return c
}

// Goods that were produced are bought from the own production, and a receipt of them
// waits for the accountants.
func TestPurchase(t *testing.T) {
	within(t, buying(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
		w, err := s.Prepare(t.Context(), write(erp.Produced))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Write(t.Context(), w)
		if err != nil || !r.Draft {
			t.Fatalf("%+v, %v", r, err)
		}
		bought, got := sim.Documents(Purchase), sim.Documents("input")
		if len(bought) != 1 || len(got) != 1 || got[0].Status != "D" || got[0].ExternalID != w.ID {
			t.Fatalf("%+v, %+v", bought, got)
		}
		for name, want := range map[string]any{"supplier_code": "OWN", "status_code": "1", "posted": "N", "warehouse_code": "FG", "note": "SU-642-1"} {
			if bought[0].Body[name] != want {
				t.Errorf("%s is %v", name, bought[0].Body[name])
			}
		}
		if line := bought[0].Body["purchase_items"].([]any)[0].(map[string]any); line["product_code"] != "P-100" || line["quantity"] != "94" || fmt.Sprint(line["price"]) != "2.5" {
			t.Errorf("%v", line)
		}
		if line := got[0].Body["input_items"].([]any)[0].(map[string]any); line["purchase_id"] != bought[0].ID || line["quantity"] != "94" {
			t.Errorf("%v", line)
		}
		if again, err := s.Write(t.Context(), w); err != nil || again.Key != r.Key || len(sim.Documents(Purchase))+len(sim.Documents("input")) != 2 {
			t.Errorf("%+v, %v", again, err)
		}
		sim.Post("input", w.ID, "C")
		if r, there, err := s.Look(t.Context(), w); !there || r.Draft || err != nil {
			t.Errorf("%+v, %v, %v", r, there, err)
		}
	})
}

// Whatever is lost on the way, there is one purchase and one receipt in the end.
func TestPurchaseOnABadLine(t *testing.T) {
	for _, fault := range []smartup.FaultKind{smartup.Commit500, smartup.DropAfter, smartup.Page, smartup.HalfAnswer, smartup.Status500, smartup.DropBefore} {
		for _, object := range []string{Purchase, "input"} {
			for after := range 3 {
				t.Run(fmt.Sprint(fault, object, after), func(t *testing.T) {
					within(t, buying(), smartup.Options{}, func(t *testing.T, sim *smartup.Server, s *Source) {
						sim.AddFaultAfter(smartup.Fault{Kind: fault, Object: object}, after)
						w, err := s.Prepare(t.Context(), write(erp.Produced))
						if err != nil {
							t.Fatal(err)
						}
						for range 5 {
							if _, err = s.Write(t.Context(), w); err == nil {
								break
							}
							if !erp.Is(err, erp.Unclear) && !erp.Is(err, erp.Unavailable) && !erp.Is(err, erp.Garbled) {
								t.Fatal(err)
							}
							if _, done, err := s.Look(t.Context(), w); done && err == nil {
								break
							}
						}
						if len(sim.Documents(Purchase)) != 1 || len(sim.Documents("input")) != 1 {
							t.Errorf("%d purchases, %d receipts, %v", len(sim.Documents(Purchase)), len(sim.Documents("input")), err)
						}
					})
				})
			}
		}
	}
}

func TestPurchaseNeedsItsCodes(t *testing.T) {
	for name, spoil := range map[string]func(*Config){"supplier": func(c *Config) { c.Write.Supplier = "" }, "status": func(c *Config) { c.Write.PurchaseStatus = "" }, "price": func(c *Config) { c.Write.PurchasePrice = "cheap" }} {
		c := buying()
		spoil(&c)
		if _, err := New(c, Deps{}); !erp.Is(err, erp.Misconfigured) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
