package orders_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// scenario runs a story in virtual time and compares its journal.
func scenario(t *testing.T, configure func(*orders.Config), story func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, configure)
		story(r)
		r.down()
		r.golden()
	})
}

// The same order, delivered again and again, and after a restart, is one production
// order.
func TestDeliveredTwice(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.down()
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
	})
}

// A create whose answer is lost after it was done is found, and adopted.
func TestCreateWithoutAnAnswer(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.wait(62 * time.Minute)
		r.fault(mes.Fault{Kind: mes.FaultDropAfter, Service: "production-orders", Times: 1})
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		if !strings.Contains(r.journal(), "is adopted") {
			r.Error(r.journal())
		}
		r.want("SU-642-1 480xP-100 notstarted made 0")
		if e := r.entry("SU-642-1"); e.ID == 0 || e.Status != rules.Mirrored {
			r.Errorf("%+v", e)
		}
	})
}

// A kill between the intent and the answer is resolved before anything is made.
func TestKilledWhileCreating(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.wait(62 * time.Minute)
		r.fault(mes.Fault{Kind: mes.FaultNeverAfter, Service: "production-orders", Times: 1})
		r.office.put(sale("642", "480"))
		for len(r.server.Orders()) == 0 {
			r.wait(time.Second)
		}
		r.down() // the answer is on its way
		r.wait(time.Hour)
		if !strings.Contains(r.journal(), "is adopted") {
			r.Error(r.journal())
		}
		r.want("SU-642-1 480xP-100 notstarted made 0")
	})
}

// The book is lost: it is made again from the markers. What differs then may be a
// planner's change, so an operator is asked.
func TestStoreLost(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"), sale("643", "10"))
		r.wait(time.Hour)
		r.made("SU-643-1", 10)
		r.must(r.server.CloseOrder(r.one("SU-643-1").ID))
		r.wait(time.Hour)
		r.down()
		r.disk.rows = map[string]rules.Row{}
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("500") })
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-643-1 10xP-100 closed made 10")
		r.must(r.mirror.Resolve(r.Context(), "su1", "SU-642-1", "apply"))
		r.wait(time.Hour)
		r.want("SU-642-1 500xP-100 notstarted made 0", "SU-643-1 10xP-100 closed made 10")
	})
}

// The quantity changes before and after the start: taken over; taken over and told
// when it rises, asked about when it falls.
func TestQuantityChanges(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		quantity := func(q string) {
			r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec(q) })
			r.wait(time.Hour)
		}
		quantity("400")
		r.want("SU-642-1 400xP-100 notstarted made 0")
		r.made("SU-642-1", 100)
		r.wait(20 * time.Minute)
		quantity("450")
		r.want("SU-642-1 450xP-100 started made 100")
		if m := r.one("SU-642-1").Messages; len(m) != 1 || !strings.Contains(m[0], "450 instead of 400") {
			r.Errorf("told: %q", m)
		}
		quantity("200")
		r.want("SU-642-1 450xP-100 started made 100")
		if e := r.entry("SU-642-1"); e.Status != rules.Asking || e.Ask == nil || !e.Alert {
			r.Errorf("nobody is asked: %+v", e)
		}
		r.must(r.mirror.Resolve(r.Context(), "su1", "SU-642-1", "apply"))
		r.wait(time.Hour)
		r.want("SU-642-1 200xP-100 started made 100")
		quantity("50")
		r.want("SU-642-1 200xP-100 started made 100")
		if e := r.entry("SU-642-1"); !e.Alert || !strings.Contains(e.Reason, "100 are made") {
			r.Errorf("below what was made: %+v", e)
		}
	})
}

// A planner's edit stays when the source changes something else.
func TestPlannersEditStays(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		id := r.one("SU-642-1").ID
		r.must(r.server.EditOrder(id, raw(map[string]any{"start-date": "2000-01-05T06:00:00Z", "machines": []any{map[string]string{"code": "M1"}}, "notes": "by the planner"})))
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("500"); o.Note = "changed there" })
		r.wait(time.Hour)
		o := r.one("SU-642-1")
		if o.Lines[0].Ordered != 500 || len(o.Machines) != 1 || o.Notes != "by the planner" || !o.Start.Equal(time.Date(2000, 1, 5, 6, 0, 0, 0, time.UTC)) {
			r.Errorf("%+v", o.Order)
		}
		// The planner changes what the source owns: it is not repaired.
		r.must(r.server.EditOrder(id, raw(map[string]any{"due-date": "2000-01-20T06:00:00Z"})))
		r.wait(24 * time.Hour)
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("510") })
		r.wait(time.Hour)
		if o := r.one("SU-642-1"); o.Lines[0].Ordered != 510 || o.Due.Day() != 20 {
			r.Errorf("%+v", o.Order)
		}
		// Fields that the gateway never writes, and that one reading or another does not show.
		r.must(r.server.EditOrder(id, raw(map[string]any{"serial-number": "S1", "custom-fields": []any{map[string]string{"Colour": "red"}}, "material-staging-complete": true})))
		r.wait(time.Hour)
		for _, quantity := range []string{"520", "530"} {
			r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec(quantity) })
			r.wait(time.Hour)
		}
		if o := r.one("SU-642-1"); o.Lines[0].Ordered != 530 || o.SerialNumber != "S1" || len(o.Custom) != 1 || !o.Staged {
			r.Errorf("%+v", o.Order)
		}
	})
}

// Cancelled before the start: deleted; after it: told, kept.
func TestCancelled(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"), sale("643", "10"), sale("644", "10"))
		r.wait(time.Hour)
		r.made("SU-643-1", 3)
		r.wait(20 * time.Minute)
		for _, id := range []string{"642", "643"} {
			r.office.edit(id, func(o *erp.Order) { o.State = erp.Cancelled })
		}
		r.wait(time.Hour)
		r.want("SU-643-1 10xP-100 started made 3", "SU-644-1 10xP-100 notstarted made 0")
		if m := r.one("SU-643-1").Messages; len(m) != 1 || !strings.Contains(m[0], "Cancelled in the ERP") {
			r.Errorf("told: %q", m)
		}
		if e := r.entry("SU-643-1"); e.Status != rules.Conflict || !e.Alert {
			r.Errorf("%+v", e)
		}
	})
}

// Nothing is removed because of an empty or half list, or an error.
func TestSpoiledReads(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		for _, id := range []string{"1", "2", "3", "4"} {
			r.office.put(sale(id, "5"))
		}
		r.wait(time.Hour)
		before := r.orders()
		for _, spoil := range []func(){
			func() { r.office.empty = true }, func() { r.office.empty, r.office.half = false, true },
			func() {
				r.office.half, r.office.fail = false, &erp.Error{Fault: erp.Garbled, What: "answered with a page of HTML instead of data"}
			},
		} {
			r.office.set(spoil)
			r.wait(6 * time.Hour)
			r.want(strings.Split(before, "\n")...)
		}
		if s := r.mirror.Status()[0]; !strings.Contains(s.Problem, "HTML") {
			r.Errorf("%+v", s)
		}
		r.office.set(func() { r.office.fail = nil })
		r.wait(time.Hour)
		r.want(strings.Split(before, "\n")...)
		r.office.set(func() { delete(r.office.orders, "2") })
		r.wait(time.Hour)
		r.want("SU-1-1 5xP-100 notstarted made 0", "SU-3-1 5xP-100 notstarted made 0", "SU-4-1 5xP-100 notstarted made 0")
	})
}

// A line waits for a product that Prodsmart does not have yet.
func TestProductMissing(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		o := sale("642", "480")
		o.Lines[0].Product = "P-900"
		r.office.put(o)
		r.wait(time.Hour)
		r.want("")
		if e := r.entry("l1"); e.Status != rules.Waiting || !strings.Contains(e.Reason, "P-900") || !e.Alert {
			r.Errorf("%+v", e)
		}
		r.product("P-900")
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-900 notstarted made 0")
	})
}

// Trading goods, a gift, a line of nothing and a return.
func TestSelection(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		o := sale("642", "480")
		line := func(id, quantity string, change func(*erp.Line)) {
			l := erp.Line{ID: id, Product: "P-200", Quantity: dec(quantity), Factor: dec("1"), Manufactured: erp.Yes}
			change(&l)
			o.Lines = append(o.Lines, l)
		}
		line("g", "10", func(l *erp.Line) { l.Manufactured = erp.No })
		line("gift", "5", func(l *erp.Line) { l.Free = true })
		line("zero", "0", func(*erp.Line) {})
		line("back", "7", func(l *erp.Line) { l.Return = true })
		r.office.put(o)
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-642-3 5xP-200 notstarted made 0")
		if e := r.entry("g"); e.Status != rules.Skipped || e.Reason != "trading goods" {
			r.Errorf("%+v", e)
		}
	})
}

// All line ids change and the contents do not: nothing changes in Prodsmart.
func TestLineIDsChange(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		o := sale("642", "480")
		o.Lines = append(o.Lines, erp.Line{ID: "l2", Product: "P-100", Quantity: dec("20"), Factor: dec("1"), Manufactured: erp.Yes})
		r.office.put(o)
		r.wait(time.Hour)
		calls := len(r.server.Calls(0))
		_ = calls
		r.office.edit("642", func(o *erp.Order) {
			o.Lines[0].ID, o.Lines[1].ID = "x9", "x8"
			o.Lines[0], o.Lines[1] = o.Lines[1], o.Lines[0]
		})
		before := r.writes()
		r.wait(24 * time.Hour)
		if n := r.writes() - before; n != 0 {
			r.Errorf("%d writes because of other line ids", n)
		}
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-642-2 20xP-100 notstarted made 0")
		r.office.edit("642", func(o *erp.Order) { o.Lines[1].Quantity = dec("490") })
		r.wait(time.Hour)
		r.want("SU-642-1 490xP-100 notstarted made 0", "SU-642-2 20xP-100 notstarted made 0")
	})
}

// A product in two lines: two production orders, one summed line of a client order.
func TestDuplicateProduct(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Settings.Target = rules.Both }, func(r *rig) {
		o := sale("642", "480")
		o.Lines = append(o.Lines, erp.Line{ID: "l2", Product: "P-100", Quantity: dec("20"), Factor: dec("1"), Manufactured: erp.Yes})
		r.office.put(o)
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-642-2 20xP-100 notstarted made 0")
		sales := r.sales()
		if len(sales) != 1 || sales[0].Code != "SU-642" || len(sales[0].Products) != 1 || sales[0].Products[0].Quantity.String() != "500" || sales[0].Partner.Code != "C1" {
			r.Errorf("%+v", sales)
		}
		r.office.edit("642", func(o *erp.Order) { o.Lines[1].Quantity = dec("30") })
		r.wait(time.Hour)
		if sales := r.sales(); len(sales) != 1 || sales[0].Products[0].Quantity.String() != "510" {
			r.Errorf("%+v", sales)
		}
		r.office.edit("642", func(o *erp.Order) { o.State = erp.Cancelled })
		r.wait(time.Hour)
		if sales := r.sales(); len(sales) != 0 {
			r.Errorf("%+v", sales)
		}
	})
}

// A missing due date is assumed, and that is said.
func TestDueDateMissing(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		o := sale("642", "480")
		o.Due = erp.When{}
		r.office.put(o)
		r.wait(time.Hour)
		got := r.one("SU-642-1")
		if !got.Due.Equal(time.Date(2000, 1, 4, 17, 0, 0, 0, time.UTC)) || !strings.Contains(got.Description, "assumed due date") {
			r.Errorf("%+v", got.Order)
		}
	})
}

// A write-back that is answered by 500 after it was done is found, and not repeated.
func TestWriteBackWithoutAnAnswer(t *testing.T) {
	scenario(t, withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose}), func(r *rig) {
		r.office.loseWrites = 1
		r.finished("642", 480)
		r.wait(time.Hour)
		if w := r.office.written; len(w) != 1 || w[0].Delta.String() != "480" || w[0].Kind != erp.Produced || len(w[0].ID) > 20 {
			r.Errorf("%+v", w)
		}
	})
}

// Production is corrected downwards after it was written back: parked, or a negative
// document where that is allowed.
func TestCorrectedDownwards(t *testing.T) {
	for name, negative := range map[string]bool{"parked": false, "negative": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose, Negative: negative}), func(r *rig) {
				r.finished("642", 480)
				r.wait(time.Hour)
				machine, _ := r.server.Machine("M1")
				less := 450.0
				r.must(r.server.EditProduction(machine.Productions[0].ID, mes.ProductionEdit{Quantity: &less}))
				r.wait(48 * time.Hour)
				if want := map[bool]int{false: 1, true: 2}[negative]; len(r.office.written) != want {
					r.Errorf("%+v", r.office.written)
				}
				book, err := r.mirror.Book(r.Context(), "su1")
				r.must(err)
				last := book.Writes[len(book.Writes)-1]
				if want := map[bool]rules.Sent{false: rules.Parked, true: rules.Confirmed}[negative]; last.State != want || last.Write.Delta.String() != "-30" {
					r.Errorf("%+v", last)
				}
			})
		})
	}
}

// Stock is pushed while a write-back is pending: with the pieces that are pending.
func TestStockWhileWriteBackIsPending(t *testing.T) {
	scenario(t, func(c *orders.Config) {
		withWrites(erp.Produced, rules.WriteRule{On: rules.OnClose})(c)
		c.Settings.StockOwner, c.StockEvery = rules.SourceOwns, 5*time.Minute
	}, func(r *rig) {
		r.office.stock = []erp.Stock{{Product: "P-100", Place: "W1", Quantity: dec("100")}, {Product: "P-100", Place: "W2", Quantity: dec("20")}}
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.stock("P-100", "120")
		r.made("SU-642-1", 200)
		r.wait(time.Hour)
		r.stock("P-100", "320")
		r.made("SU-642-1", 280)
		r.must(r.server.CloseOrder(r.one("SU-642-1").ID))
		r.wait(time.Hour)
		r.office.set(func() { r.office.stock[0].Quantity = dec("580") }) // booked there
		r.wait(time.Hour)
		r.stock("P-100", "600")
	})
}

// An outage longer than the window of the source: told with the dates, and the orders
// are asked for one by one.
func TestGap(t *testing.T) {
	scenario(t, func(c *orders.Config) { c.Unseen = 6 * 24 * time.Hour }, func(r *rig) {
		r.office.partly, r.office.caps.ByID = true, true
		r.office.put(sale("642", "480"), sale("643", "10"))
		r.wait(time.Hour)
		r.office.set(func() { r.office.fail = &erp.Error{Fault: erp.Unavailable, What: "no route"} })
		r.wait(8 * 24 * time.Hour)
		r.office.set(func() {
			delete(r.office.orders, "643")
			r.office.fail, r.office.empty = nil, true
			r.office.gap = &erp.Gap{From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)}
		})
		r.wait(26 * time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
		if !strings.Contains(r.journal(), "from 2000-01-01 to 2000-01-02") {
			r.Error(r.journal())
		}
	})
}

// What a planner deletes in Prodsmart is not made again, unless an operator wants it.
func TestDeletedByAPlanner(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.must(r.server.DeleteOrder(r.one("SU-642-1").ID))
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].Quantity = dec("500") })
		r.wait(24 * time.Hour)
		r.want("")
		if e := r.entry("SU-642-1"); e.Status != rules.Refused || !e.Alert {
			r.Errorf("%+v", e)
		}
		r.must(r.mirror.Resolve(r.Context(), "su1", "SU-642-1", "recreate"))
		r.wait(time.Hour)
		r.want("SU-642-1 500xP-100 notstarted made 0")
	})
}

// Eleven cancellations in one read hold the source for an operator.
func TestElevenCancellations(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		ids := []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"}
		for _, id := range ids {
			r.office.put(sale(id, "5"))
		}
		r.wait(time.Hour)
		for _, id := range ids {
			r.office.edit(id, func(o *erp.Order) { o.State = erp.Cancelled })
		}
		r.office.put(sale("12", "5"))
		r.wait(24 * time.Hour)
		if n := len(r.server.Orders()); n != 11 {
			r.Errorf("%d orders are left of 11:\n%s", n, r.journal())
		}
		if s := r.mirror.Status()[0]; s.Hold == nil || s.Hold.Cancelled != 11 {
			r.Errorf("%+v", s)
		}
		r.must(r.mirror.Resolve(r.Context(), "su1", "", "release"))
		r.wait(time.Hour)
		r.want("SU-12-1 5xP-100 notstarted made 0")
	})
}

// A list of changes names one line after the other: neither takes the other's place.
func TestPartialOrders(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		o := sale("642", "5")
		o.Partial = true
		r.office.put(o)
		r.wait(time.Hour)
		r.office.edit("642", func(o *erp.Order) { o.Lines[0].ID, o.Lines[0].Quantity = "l2", dec("7") })
		r.wait(time.Hour)
		r.want("SU-642-1 5xP-100 notstarted made 0", "SU-642-2 7xP-100 notstarted made 0")
	})
}
