package orders_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// cellar is an office whose stock, and whose single orders, can not all be read.
type cellar struct {
	*office
	doubts, doubtful []erp.Problem
	skipped          string
	spoilt           []string
}

func (c *cellar) ReadStock(ctx context.Context, ask erp.Ask) (erp.StockRead, error) {
	read, err := c.office.ReadStock(ctx, ask)
	c.set(func() { read.Problems, read.Skipped, read.Spoilt = c.doubts, c.skipped, c.spoilt })
	return read, err
}

func (c *cellar) FindOrder(ctx context.Context, company, id string) (erp.Order, []erp.Problem, error) {
	o, _, err := c.office.FindOrder(ctx, company, id)
	return o, c.doubtful, err
}

// TestGarbageInStock: what can not be read of the stock is told where that is set in
// Prodsmart too, also in shadow mode. What can not be read of the orders, of the stock
// or of a single order is told once, as long as it stays, whatever is read in between.
func TestGarbageInStock(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(c *orders.Config) {
				c.Settings.StockOwner, c.StockEvery, c.Shadow, c.Unseen = rules.SourceOwns, 7*time.Minute, shadow, 24*time.Hour
			})
			c := &cellar{office: r.office, doubts: []erp.Problem{{Where: "product P-200, warehouse W1", What: `"many" is no number`, Lost: true}},
				doubtful: []erp.Problem{{Where: "order 642, note", What: "too long"}}}
			r.config.Open = func(string, func(string) error) (erp.Source, error) { return c, nil }
			r.office.caps.ByID, r.office.partly = true, true
			r.office.stock = []erp.Stock{{Product: "P-100", Place: "W1", Quantity: dec("100")}}
			r.office.problems = []erp.Problem{{Where: "order 9, line 1, quantity", What: "a record"}}
			r.office.put(sale("642", "480"))
			r.wait(time.Hour)
			if !shadow {
				r.stock("P-100", "100")
			}
			r.office.set(func() { r.office.empty = true }) // no change comes any more: it is asked for by its key
			r.wait(50 * time.Hour)
			c.set(func() { c.skipped = "a shift was closed" })
			r.wait(time.Hour)
			r.down()
			for _, want := range []string{`product P-200, warehouse W1: "many" is no number`, "order 9, line 1, quantity: a record", "order 642, note: too long", "this stock is not used: a shift was closed"} {
				if n := strings.Count(r.journal(), want); n == 0 || n > 1 && !strings.Contains(want, "shift") {
					t.Errorf("shadow %v: %q is told %d times:\n%s", shadow, want, n, r.journal())
				}
			}
		})
	}
}
