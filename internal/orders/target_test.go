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

// Lines of one product and day are one production order; what comes after its start
// is another one; progress goes to the lines, the earliest due first.
func TestAggregate(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		withWrites(erp.Note, rules.WriteRule{On: rules.OnStep, Step: dec("10")})(c)
		c.Settings.Target = rules.Aggregate
	}, func(r *rig) {
		r.office.put(sale("1", "100"), sale("2", "50"))
		r.wait(time.Hour)
		r.want("SU-P-100-2000-01-10-1 150xP-100 notstarted made 0")
		r.office.put(sale("3", "30"))
		r.wait(time.Hour)
		r.want("SU-P-100-2000-01-10-1 180xP-100 notstarted made 0")
		r.made("SU-P-100-2000-01-10-1", 110)
		r.wait(20 * time.Minute)
		r.office.put(sale("4", "40"))
		r.wait(time.Hour)
		r.want("SU-P-100-2000-01-10-1 180xP-100 started made 110", "SU-P-100-2000-01-10-2 40xP-100 notstarted made 0")
		told := map[string]string{}
		for _, w := range r.office.written {
			told[w.Order] = w.Produced.String() + "/" + w.Ordered.String()
		}
		if fmt.Sprint(told) != "map[1:100/100 2:10/50]" {
			r.Errorf("told: %v", told)
		}
		// One line goes: the sum falls before the start, and is asked about after it.
		r.office.edit("4", func(o *erp.Order) { o.State = erp.Cancelled })
		r.office.edit("3", func(o *erp.Order) { o.State = erp.Cancelled })
		r.wait(time.Hour)
		r.want("SU-P-100-2000-01-10-1 180xP-100 started made 110")
		if e := r.entry("SU-P-100-2000-01-10-1"); e.Status != rules.Asking {
			r.Errorf("%+v", e)
		}
	})
}

// The book of aggregates is lost after one was started: its lines are not made again.
func TestAggregateStoreLost(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Settings.Target = rules.Aggregate }, func(r *rig) {
		r.office.put(sale("1", "100"), sale("2", "50"))
		r.wait(time.Hour)
		r.made("SU-P-100-2000-01-10-1", 20)
		r.wait(20 * time.Minute)
		r.office.put(sale("3", "30"))
		r.wait(time.Hour)
		before := r.orders()
		r.down()
		r.disk.rows = map[string]rules.Row{}
		r.wait(6 * time.Hour)
		r.want(strings.Split(before, "\n")...)
	})
}

// An article below its minimum twice in a row is ordered once; what is on order counts.
func TestReplenish(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Settings.Target, c.StockEvery, c.Settings.Prefix = rules.Replenish, 2*time.Minute, "SM-"
		c.Settings.Replenishment.Needs = []rules.Need{{Article: "P-100", Pool: "shops", Min: dec("20"), Max: dec("100"), Lot: dec("24"), Cap: dec("144"), Lead: 3 * time.Hour}}
	}, func(r *rig) {
		level := func(a, b string) {
			r.office.set(func() {
				r.office.stock = []erp.Stock{{Product: "P-100", Name: "Croissant", Place: "A", Quantity: dec(a)}, {Product: "P-100", Name: "Croissant", Place: "B", Quantity: dec(b)}}
			})
		}
		level("30", "5")
		r.wait(time.Hour)
		r.want("")
		level("10", "5")
		r.wait(time.Hour)
		r.want("SM-shops-P-100-0001 96xP-100 notstarted made 0")
		if o := r.one("SM-shops-P-100-0001"); o.Lines[0].Observations != "A 45, B 51" {
			r.Errorf("%q", o.Lines[0].Observations)
		}
		level("0", "0") // 96 are on order: nothing more
		r.wait(time.Hour)
		r.want("SM-shops-P-100-0001 96xP-100 notstarted made 0")
		level("-80", "0") // below the minimum with what is on order: more in the same order, up to the cap
		r.wait(time.Hour)
		r.want("SM-shops-P-100-0001 144xP-100 notstarted made 0")
		r.made("SM-shops-P-100-0001", 144)
		r.must(r.server.CloseOrder(r.one("SM-shops-P-100-0001").ID))
		level("0", "10")
		r.wait(3 * time.Hour) // on its way for four hours
		r.want("SM-shops-P-100-0001 144xP-100 closed made 144")
		r.wait(3 * time.Hour)
		r.want("SM-shops-P-100-0001 144xP-100 closed made 144", "SM-shops-P-100-0002 96xP-100 notstarted made 0")
	})
}

// One code that means two goods is no pool.
func TestReplenishTwoGoods(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Settings.Target, c.StockEvery = rules.Replenish, 2*time.Minute
		c.Settings.Replenishment.Needs = []rules.Need{{Article: "P-100", Pool: "shops", Min: dec("20"), Max: dec("100"), Lead: time.Hour}}
	}, func(r *rig) {
		r.office.stock = []erp.Stock{{Product: "P-100", Name: "Croissant", Place: "A", Quantity: dec("1")}, {Product: "P-100", Name: "Bread", Place: "B", Quantity: dec("1")}}
		r.wait(6 * time.Hour)
		r.want("")
	})
}

// In shadow mode everything is decided and noted, and nothing is sent.
func TestShadow(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Shadow = true }, func(r *rig) {
		before := r.writes()
		r.office.put(sale("642", "480"))
		r.wait(6 * time.Hour)
		if r.writes() != before {
			r.Error("something was written")
		}
		if e := r.entry("SU-642-1"); !strings.Contains(e.Reason, "would be created as SU-642-1") {
			r.Errorf("%+v", e)
		}
		r.down()
		r.config.Shadow = false
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
	})
}

// The disk is full: nothing is sent before it takes the book again.
func TestDiskFull(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		before := r.writes()
		r.disk.set(true)
		r.office.put(sale("642", "480"))
		r.wait(3 * time.Hour)
		if r.writes() != before {
			r.Error("something was sent that is not on disk")
		}
		if s := r.mirror.Status()[0]; !strings.Contains(s.Problem, "disk is full") {
			r.Errorf("%+v", s)
		}
		r.disk.set(false)
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
	})
}

// A line's product changes: one order goes, another one comes.
func TestProductChanges(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Product = "P-200" })
		r.wait(time.Hour)
		r.want("SU-642-2 480xP-200 notstarted made 0")
	})
}

// More is wanted of something whose order is closed: told, or ordered anew.
func TestMoreAfterClosing(t *testing.T) {
	for name, reopen := range map[string]bool{"told": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, func(c *orders.Config) { c.Settings.Reopen = reopen }, func(r *rig) {
				r.finished("642", 480)
				r.wait(time.Hour)
				r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("500") })
				r.wait(time.Hour)
				if reopen {
					r.want("SU-642-1 480xP-100 closed made 480", "SU-642-1.2 20xP-100 notstarted made 0")
					return
				}
				r.want("SU-642-1 480xP-100 closed made 480")
				if e := r.entry("SU-642-1"); !e.Alert {
					r.Errorf("%+v", e)
				}
			})
		})
	}
}

// What is to be written by hand only is written when somebody says so, as it is then.
func TestManualWrite(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		c.Settings.Writes = map[erp.Kind]rules.WriteRule{erp.Note: {On: rules.Manual}, erp.Produced: {On: rules.Manual}}
	}, func(r *rig) {
		r.office.caps.Writes = []erp.Kind{erp.Note, erp.Produced}
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.made("SU-642-1", 100)
		r.wait(time.Hour)
		if n := len(r.office.written); n != 0 {
			r.Fatalf("%d were written", n)
		}
		for range 2 {
			r.must(r.mirror.Resolve(r.Context(), "su1", "SU-642-1", "write"))
			r.wait(time.Hour)
		}
		if w := r.office.written; len(w) != 2 || w[0].Kind != erp.Note || w[1].Kind != erp.Produced || !w[1].Delta.Equal(dec("100")) {
			r.Errorf("%+v", w)
		}
		r.made("SU-642-1", 50)
		r.must(r.server.CloseOrder(r.one("SU-642-1").ID))
		r.wait(time.Hour)
		if n := len(r.office.written); n != 2 {
			r.Errorf("%d were written", n)
		}
	})
}

// An order has one note and one status, however many lines are made of it, and however
// they are put together.
func TestNoteOfTwoLines(t *testing.T) {
	for _, target := range []rules.Target{rules.ProductionOrders, rules.Aggregate} {
		t.Run(string(target), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *orders.Config) {
					c.Settings.Target = target
					c.Settings.Writes = map[erp.Kind]rules.WriteRule{erp.Note: {On: rules.OnStep, Step: dec("100")}, erp.Status: {On: rules.OnClose}}
				})
				r.must(r.server.AddMachine(mes.MachineSetup{Code: "M2"}))
				order := sale("642", "480")
				order.Lines = append(order.Lines, erp.Line{ID: "l2", Product: "P-200", Quantity: dec("20"), Factor: dec("1"), Manufactured: erp.Yes},
					erp.Line{ID: "l3", Product: "P-unknown", Quantity: dec("5"), Factor: dec("1"), Manufactured: erp.Yes})
				r.office.put(order)
				r.wait(2 * time.Hour)
				said := func(want string) {
					t.Helper()
					r.wait(time.Hour)
					text := ""
					r.office.set(func() {
						for _, w := range r.office.written {
							text += fmt.Sprintf("%s %s %s/%s%s; ", w.Kind, w.Stage, w.Produced, w.Ordered, w.Line)
						}
						r.office.written = nil
					})
					if text != want {
						t.Errorf("%q, wanted %q", text, want)
					}
				}
				of := map[string]mes.OrderState{}
				for _, o := range r.server.Orders() {
					of[o.Lines[0].Product] = o
				}
				r.work(of["P-200"], "M2", 20)
				said("note started 20/505; status started 20/505; ")
				r.must(r.server.CloseOrder(of["P-200"].ID))
				said("") // the other lines are not made yet
				r.work(of["P-100"], "M1", 480)
				said("note progressed 500/505; ")
				r.must(r.server.CloseOrder(of["P-100"].ID))
				said("") // a line waits for its product
				r.office.edit("642", func(o *erp.Order) { o.Lines = o.Lines[:2] })
				said("note completed 500/500; status completed 500/500; ")
			})
		})
	}
}
