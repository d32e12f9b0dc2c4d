package orders_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// What was cancelled and deleted is made again when it is open again, and what a planner
// deleted is not.
func TestOpenAgain(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"), sale("643", "10"))
		r.wait(time.Hour)
		r.office.edit("642", func(o *erp.Order) { o.State = erp.Cancelled })
		r.wait(time.Hour)
		r.want("SU-643-1 10xP-100 notstarted made 0")
		before := r.server.Calls(0)
		r.office.edit("642", func(o *erp.Order) { o.State = erp.Open })
		r.wait(3 * time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-643-1 10xP-100 notstarted made 0")
		if n := len(r.server.Calls(0)) - len(before); n > 300 {
			r.Errorf("%d requests in three hours", n)
		}
		r.must(r.server.DeleteOrder(r.one("SU-643-1").ID))
		r.wait(time.Hour)
		r.office.edit("643", func(o *erp.Order) { o.State = erp.Cancelled })
		r.wait(time.Hour)
		r.office.edit("643", func(o *erp.Order) { o.State = erp.Open })
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
	})
}

// The lines of an aggregate stay in it while something keeps them from being made anew:
// the products of Prodsmart can not be read, or the order is held or closed.
func TestAggregateStays(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Settings.Target = rules.Aggregate }, func(r *rig) {
		r.office.put(sale("1", "100"), sale("2", "50"))
		r.wait(time.Hour)
		r.want("SU-P-100-2000-01-10-1 150xP-100 notstarted made 0")
		r.down()
		r.fault(mes.Fault{Service: "products", Kind: mes.FaultStatus, Status: 500})
		r.wait(2 * time.Hour)
		r.want("SU-P-100-2000-01-10-1 150xP-100 notstarted made 0")
		r.server.ClearFaults()
		r.office.edit("1", func(o *erp.Order) { o.State = erp.Held })
		r.wait(2 * time.Hour)
		r.want("SU-P-100-2000-01-10-1 150xP-100 notstarted made 0")
		r.made("SU-P-100-2000-01-10-1", 120)
		for _, id := range []string{"1", "2"} {
			r.office.edit(id, func(o *erp.Order) { o.State = erp.Closed })
		}
		r.wait(26 * time.Hour)
		r.want("SU-P-100-2000-01-10-1 150xP-100 started made 120")
		if e := r.entry("SU-P-100-2000-01-10-1"); !e.Alert || !strings.Contains(e.Reason, "shipped from stock") {
			r.Errorf("%+v", e)
		}
	})
}

// What was over before goods are written back was booked by hand.
func TestSwitchedOnLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.finished("642", 480)
		r.wait(2 * time.Hour)
		r.down()
		withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose})(&r.config)
		r.must(r.server.AddMachine(mes.MachineSetup{Code: "M2"}))
		r.office.put(sale("643", "10"))
		r.wait(time.Hour)
		r.work(r.one("SU-643-1"), "M2", 10)
		r.must(r.server.CloseOrder(r.one("SU-643-1").ID))
		r.wait(2 * time.Hour)
		r.office.set(func() {
			if w := r.office.written; len(w) != 1 || w[0].Order != "643" {
				t.Errorf("%+v", w)
			}
		})
	})
}

// An operator's word about a read that shrank counts once.
func TestBelieved(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("1", "5"), sale("2", "5"))
		r.wait(time.Hour)
		r.office.set(func() { delete(r.office.orders, "1") })
		r.wait(3 * time.Hour)
		r.want("SU-1-1 5xP-100 notstarted made 0", "SU-2-1 5xP-100 notstarted made 0")
		r.must(r.mirror.Resolve(r.Context(), "su1", "", "believe"))
		r.wait(time.Hour)
		r.want("SU-2-1 5xP-100 notstarted made 0")
		r.office.put(sale("3", "5"), sale("4", "5"))
		r.wait(time.Hour)
		r.office.set(func() { delete(r.office.orders, "2"); delete(r.office.orders, "3") })
		r.wait(3 * time.Hour)
		r.want("SU-2-1 5xP-100 notstarted made 0", "SU-3-1 5xP-100 notstarted made 0", "SU-4-1 5xP-100 notstarted made 0")
	})
}

// A replenishment that a planner deleted is not made again under another number before
// the stock was there again.
func TestReplenishDeleted(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Settings.Target, c.StockEvery, c.Settings.Prefix = rules.Replenish, 2*time.Minute, "SM-"
		c.Settings.Replenishment.Needs = []rules.Need{{Article: "P-100", Pool: "shops", Min: dec("20"), Max: dec("100"), Lead: 3 * time.Hour}}
	}, func(r *rig) {
		level := func(a string) {
			r.office.set(func() {
				r.office.stock = []erp.Stock{{Product: "P-100", Name: "Croissant", Place: "A", Quantity: dec(a)}}
			})
		}
		level("10")
		r.wait(time.Hour)
		r.want("SM-shops-P-100-0001 90xP-100 notstarted made 0")
		r.must(r.server.DeleteOrder(r.one("SM-shops-P-100-0001").ID))
		r.wait(12 * time.Hour)
		r.want("")
		level("50")
		r.wait(time.Hour)
		level("10")
		r.wait(time.Hour)
		r.want("SM-shops-P-100-0002 90xP-100 notstarted made 0")
	})
}

// Reads of the stock that are half an hour apart, the usual pause, are enough to decide;
// what is sold out has no row; a shop that was away is waited for.
func TestReplenishRarely(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Settings.Target, c.StockEvery, c.Settings.Prefix = rules.Replenish, 30*time.Minute, "SM-"
		c.Settings.Replenishment.Needs = []rules.Need{{Article: "P-100", Pool: "shops", Min: dec("20"), Max: dec("100"), Lead: 3 * time.Hour}}
	}, func(r *rig) {
		other := erp.Stock{Product: "P-200", Name: "Bread", Place: "A", Quantity: dec("7")}
		r.office.set(func() {
			r.office.stock = []erp.Stock{{Product: "P-100", Name: "Croissant", Place: "A", Quantity: dec("30")}, other}
			r.office.slow = 3 * time.Second
		})
		r.wait(3 * time.Hour)
		r.want("")
		r.office.set(func() { r.office.stock = []erp.Stock{other} })
		r.wait(3 * time.Hour)
		r.want("SM-shops-P-100-0001 100xP-100 notstarted made 0")
	})
}

// Where the source's stock is the true one, what is sold out there has none in
// Prodsmart, and what can not be read keeps its stock.
func TestSoldOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Settings.StockOwner, c.StockEvery = rules.SourceOwns, 5*time.Minute })
		c := &cellar{office: r.office}
		r.config.Open = func(string, func(string) error) (erp.Source, error) { return c, nil }
		r.office.stock = []erp.Stock{{Product: "P-100", Quantity: dec("100")}, {Product: "P-200", Place: "A", Quantity: dec("20")}, {Product: "P-200", Place: "B", Quantity: dec("5")}}
		r.wait(time.Hour)
		r.stock("P-100", "100")
		r.stock("P-200", "25")
		r.office.set(func() { r.office.stock, c.spoilt = r.office.stock[1:2], []string{"P-200"} })
		r.wait(time.Hour)
		r.stock("P-100", "0")
		r.stock("P-200", "25")
		r.office.set(func() { r.office.stock, c.spoilt = nil, nil }) // nothing at all is no stock taking
		r.wait(time.Hour)
		r.stock("P-200", "25")
	})
}

// A list of stock that was cut short once empties nothing; what stays away is sold out.
func TestStockThatIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Settings.StockOwner, c.StockEvery = rules.SourceOwns, 5*time.Minute })
		var all []erp.Stock
		for i := range 8 {
			code := fmt.Sprint("S-", i)
			r.product(code)
			all = append(all, erp.Stock{Product: code, Quantity: dec("10")})
		}
		r.office.stock = all
		r.wait(2 * time.Hour)
		r.stock("S-7", "10")
		r.office.set(func() { r.office.stock = all[:1] })
		r.wait(12 * time.Minute)
		r.office.set(func() { r.office.stock = all })
		r.wait(2 * time.Hour)
		r.stock("S-7", "10")
		for _, c := range r.server.Calls(0) {
			if c.Method == "POST" && c.Path == "/api/stock" && strings.Contains(c.Body, `"stock":0`) {
				t.Error(c.Body)
			}
		}
		r.office.set(func() { r.office.stock = all[:1] })
		r.wait(3 * time.Hour)
		r.stock("S-7", "0")
		if n := strings.Count(r.journal(), "many articles have no stock"); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}

// Goods in a draft are in no stock there: they are added to what is set in Prodsmart
// until the draft is posted.
func TestStockWithDrafts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) {
			withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose})(c)
			c.Settings.StockOwner, c.StockEvery = rules.SourceOwns, 5*time.Minute
		})
		r.office.drafts = true
		r.office.stock = []erp.Stock{{Product: "P-100", Quantity: dec("100")}}
		r.finished("642", 40)
		r.wait(12 * time.Hour)
		r.stock("P-100", "140")
		r.office.set(func() {
			if n := len(r.office.written); n != 1 {
				t.Errorf("%d documents", n)
			}
			r.office.drafts, r.office.stock = false, []erp.Stock{{Product: "P-100", Quantity: dec("140")}}
		})
		r.wait(12 * time.Hour)
		r.stock("P-100", "140")
		if !strings.Contains(r.journal(), "was posted") {
			t.Error(r.journal())
		}
	})
}

// A count of goods adds what nobody posted yet, and not what was posted a moment ago.
func TestCountsWithDrafts(t *testing.T) {
	for posted, want := range map[bool]string{false: "40", true: "0"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose}))
			r.office.drafts, r.office.caps.Counts = true, true
			r.finished("642", 40)
			r.wait(time.Hour)
			r.office.set(func() { r.office.drafts = !posted })
			r.office.put(sale("643", "5"))
			r.wait(time.Hour)
			r.must(r.server.AddMachine(mes.MachineSetup{Code: "M2"}))
			r.work(r.one("SU-643-1"), "M2", 5)
			r.must(r.server.CloseOrder(r.one("SU-643-1").ID))
			r.wait(2 * time.Hour)
			r.office.set(func() {
				if n := len(r.office.written); n != 2 || r.office.written[1].Unposted.String() != want {
					t.Errorf("posted %v: %+v", posted, r.office.written)
				}
			})
		})
	}
}

// An order that Prodsmart fails on again and again keeps no other.
func TestOneOrderFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		bad := fmt.Sprintf("/api/production-orders/%d", r.one("SU-642-1").ID)
		r.fault(mes.Fault{Kind: mes.FaultStatus, Status: 500, Path: bad})
		before := len(r.server.Calls(0))
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("500") })
		r.office.put(sale("643", "10"))
		r.wait(6 * time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-643-1 10xP-100 notstarted made 0")
		tries := 0
		for _, c := range r.server.Calls(0)[before:] {
			if strings.HasPrefix(c.Path, bad) {
				tries++
			}
		}
		if tries > 30 {
			t.Errorf("it was tried %d times in six hours", tries)
		}
		if s := r.mirror.Status()[0]; !strings.Contains(s.Problem, "SU-642-1") && !strings.Contains(r.journal(), "SU-642-1") {
			t.Errorf("%+v", s)
		}
		r.server.ClearFaults()
		r.wait(2 * time.Hour)
		r.want("SU-642-1 500xP-100 notstarted made 0", "SU-643-1 10xP-100 notstarted made 0")
	})
}

// While nobody knows what the state of an order means, nothing of it is changed.
func TestStateBecomesUnknown(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.office.edit("642", func(o *erp.Order) {
			o.State, o.Word = erp.Unknown, "X#7"
			o.Lines[0].Quantity = dec("10")
			o.Lines = append(o.Lines, erp.Line{ID: "l2", Product: "P-200", Quantity: dec("20"), Factor: dec("1"), Manufactured: erp.Yes})
		})
		r.wait(3 * time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
		if e := r.entry("SU-642-1"); !e.Alert || !strings.Contains(e.Reason, `"X#7"`) {
			r.Errorf("%+v", e)
		}
		r.office.edit("642", func(o *erp.Order) { o.Lines = o.Lines[1:] })
		r.wait(3 * time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
		r.office.edit("642", func(o *erp.Order) { *o = sale("642", "470") })
		r.wait(time.Hour)
		r.want("SU-642-1 470xP-100 notstarted made 0")
		if e := r.entry("SU-642-1"); e.Alert {
			r.Errorf("%+v", e)
		}
	})
}

// Lines that have nothing but their place in the order keep their production orders when
// a line above them goes, or comes.
func TestLinesCountedAnew(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		lines := func(products ...string) func(o *erp.Order) {
			return func(o *erp.Order) {
				o.Lines = nil
				for i, p := range products {
					o.Lines = append(o.Lines, erp.Line{ID: fmt.Sprint(i + 1), Loose: true, Product: p, Quantity: dec("10"), Factor: dec("1"), Manufactured: erp.Yes})
				}
			}
		}
		order := sale("642", "1")
		lines("P-100", "P-200", "P-300")(&order)
		r.office.put(order)
		r.wait(time.Hour)
		r.made("SU-642-3", 4)
		r.office.edit("642", lines("P-100", "P-300"))
		r.wait(time.Hour)
		r.want("SU-642-1 10xP-100 notstarted made 0", "SU-642-3 10xP-300 started made 4")
		r.office.edit("642", lines("P-200", "P-100", "P-300"))
		r.wait(time.Hour)
		r.want("SU-642-1 10xP-100 notstarted made 0", "SU-642-3 10xP-300 started made 4", "SU-642-4 10xP-200 notstarted made 0")
	})
}

// A client order waits for the products of all its lines; its prices are those of
// Prodsmart's units.
func TestClientOrderWaits(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Settings.Target = rules.ClientOrders }, func(r *rig) {
		price := dec("48")
		order := sale("642", "10")
		order.Lines[0].Unit, order.Lines[0].Factor, order.Lines[0].Price = "box", dec("24"), &price
		order.Lines = append(order.Lines, erp.Line{ID: "l2", Product: "P-900", Quantity: dec("3"), Factor: dec("1")},
			erp.Line{ID: "l3", Product: "BAG", Quantity: dec("1"), Factor: dec("1"), Manufactured: erp.No})
		r.office.put(order)
		r.wait(2 * time.Hour)
		if n := len(r.sales()); n != 0 {
			r.Errorf("%d client orders", n)
		}
		r.product("P-900")
		r.wait(2 * time.Hour)
		sold := r.sales()
		if len(sold) != 1 || len(sold[0].Products) != 2 || sold[0].Products[0].Quantity.String() != "240" || sold[0].Products[0].Price.String() != "2" {
			r.Fatalf("%+v", sold)
		}
		r.office.edit("642", func(o *erp.Order) {
			o.Lines = append(o.Lines, erp.Line{ID: "l4", Product: "P-901", Quantity: dec("1"), Factor: dec("1"), Manufactured: erp.Yes})
		})
		r.wait(2 * time.Hour)
		r.product("P-901")
		r.wait(2 * time.Hour)
		if sold := r.sales(); len(sold) != 1 || len(sold[0].Products) != 3 {
			r.Errorf("%+v", sold)
		}
	})
}

// A question about a quantity goes with it, and what is closed on both sides is over.
func TestQuestionGoes(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "30"))
		r.wait(time.Hour)
		r.made("SU-642-1", 10)
		r.wait(time.Hour)
		quantity := func(q string) { r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec(q) }) }
		quantity("20")
		r.wait(time.Hour)
		if e := r.entry("SU-642-1"); e.Status != rules.Asking {
			r.Errorf("%+v", e)
		}
		quantity("30")
		r.wait(time.Hour)
		if e := r.entry("SU-642-1"); e.Status != rules.Mirrored || e.Alert || e.Ask != nil {
			r.Errorf("%+v", e)
		}
		r.must(r.server.CloseOrder(r.one("SU-642-1").ID))
		r.wait(time.Hour)
		r.office.edit("642", func(o *erp.Order) { o.State = erp.Closed })
		r.wait(time.Hour)
		if e := r.entry("SU-642-1"); e.Status != rules.Over || e.Alert {
			r.Errorf("%+v", e)
		}
	})
}

// An answer that lacks the number of an edited order makes no second order of it.
func TestEditedWithoutItsNumber(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		set := func(o erp.Order) {
			r.office.set(func() { r.office.orders = map[string]erp.Order{"1": o} })
			r.wait(2 * time.Hour)
		}
		order := sale("v1", "24")
		order.Aliases, order.Number = []string{"N1"}, "N1"
		set(order)
		second := order
		second.ID, second.Aliases, second.Number = "v2", nil, ""
		second.State, second.Word = erp.Unknown, ""
		second.Lines = []erp.Line{{ID: "a1", Loose: true, Product: "P-100", Quantity: dec("24"), Factor: dec("1"), Manufactured: erp.Yes},
			{ID: "a2", Loose: true, Product: "P-200", Quantity: dec("30"), Factor: dec("1"), Manufactured: erp.Yes}}
		set(second)
		second.Aliases, second.Number, second.State = []string{"N1", "v1"}, "N1", erp.Open
		set(second)
		r.want("SU-v1-1 24xP-100 notstarted made 0", "SU-v1-2 30xP-200 notstarted made 0")
		r.down()
		r.wait(2 * time.Hour)
		r.want("SU-v1-1 24xP-100 notstarted made 0", "SU-v1-2 30xP-200 notstarted made 0")
	})
}
