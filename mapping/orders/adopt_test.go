package orders_test

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestStoreLostAndOtherKeys: the store is lost, and the system gave an order another key
// since it was made: it is the same by its number, in the text or the code of what
// Prodsmart has.
func TestStoreLostAndOtherKeys(t *testing.T) {
	for name, c := range map[string]struct {
		text, code string
		aliases    []string
		made       bool // a second time
	}{
		"by the text":        {"PRO-1, Bahor Savdo", "X-1", []string{"PRO-1"}, false},
		"by the text alone":  {"PRO-1", "X-1", []string{"a0", "PRO-1"}, false},
		"by the code":        {"a planner wrote this", "SU-PRO-1-1", []string{"PRO-1"}, false},
		"by an old key":      {"a planner wrote this", "X-1", []string{"PRO-1", "a1"}, false},
		"another number":     {"PRO-10, Bahor Savdo", "SU-PRO-10-1", []string{"PRO-1"}, true},
		"no number to go by": {"PRO-1, Bahor Savdo", "SU-PRO-1-1", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := orders.Open(settings(nil), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			b.SetCatalog(orders.Catalog{"P-1": true}, start())
			have := prodsmart.ProductionOrder{ID: 7, Code: c.code, RunningStatus: "notstarted", Due: start().Add(7*24*time.Hour + 5*time.Hour), Active: prodsmart.Yes, Description: c.text + " [src:sales:a1:l1]",
				Products: []prodsmart.OrderProduct{{Product: "P-1", Ordered: exact("20")}}}
			b.Rebuild([]prodsmart.ProductionOrder{have}, start())
			o := sale()
			o.ID, o.Number, o.Aliases, o.Lines[0].ID, o.Lines[0].Loose = "a2", "PRO-1", c.aliases, "l2", true
			b.Observe(erp.OrderRead{Orders: []erp.Order{o}, Complete: true}, start().Add(time.Minute))
			made := false
			for _, task := range b.Next(start().Add(time.Minute)) {
				made = made || task.Act == orders.Create
			}
			if made != c.made {
				t.Errorf("made again: %v; %+v", made, b.Entries())
			}
		})
	}
}
