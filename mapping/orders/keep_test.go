package orders_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// reopened is the book as it is after a restart.
func reopened(t *testing.T, b *orders.Book, s orders.Settings, rows map[string]orders.Row) *orders.Book {
	t.Helper()
	var all []orders.Row
	for _, r := range b.Changes() {
		rows[r.Kind+"\x00"+r.Key] = r
	}
	for _, r := range rows {
		if len(r.Data) > 0 {
			all = append(all, r)
		}
	}
	again, err := orders.Open(s, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// A book that was opened again takes over stock that can not be decided on.
func TestStockAfterARestart(t *testing.T) {
	s := settings(func(s *orders.Settings) {
		s.Target = orders.Replenish
		s.Replenishment.Needs = []orders.Need{{Article: "A", Pool: "shop", Min: dec("10"), Max: dec("50")}}
	})
	b, err := orders.Open(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]orders.Row{}
	b.Stocked(erp.StockRead{Stock: []erp.Stock{{Product: "A", Place: "x", Quantity: dec("30"), AsOf: start()}}}, start())
	b = reopened(t, b, s, rows)
	b.Stocked(erp.StockRead{Spoilt: []string{"A"}}, start().Add(time.Minute))
	b = reopened(t, b, s, rows)
	b.Stocked(erp.StockRead{Stock: []erp.Stock{{Product: "A", Place: "x", Quantity: dec("30"), AsOf: start()}}}, start().Add(2*time.Minute))
}

// An operator decides right after a restart, before anything else happened.
func TestDecisionAfterARestart(t *testing.T) {
	s := settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{erp.Produced: {On: orders.OnClose}} })
	p := planned(t, s, sale())
	p.show("closed", "completed", "20")
	o, _, _ := p.book.NextWrite(p.now)
	p.book.Leaving(o.Write, p.now)
	p.book.NotWrote(o.Write.ID, &erp.Error{Fault: erp.Refused, What: "in the way", Renew: true}, p.now)
	again := reopened(t, p.book, s, map[string]orders.Row{})
	if err := again.ResolveWrite(o.Write.ID, "send", p.now); err != nil {
		t.Error(err)
	}
}

// What nobody posted yet is added once, however often a count is tried; a draft that
// people rejected and an operator dropped is not looked at any more.
func TestDraftsAreAddedOnce(t *testing.T) {
	p := planned(t, settings(func(s *orders.Settings) {
		s.Writes = map[erp.Kind]orders.WriteRule{erp.Produced: {On: orders.OnStep, Step: dec("1")}}
	}), sale())
	p.show("started", "onschedule", "6")
	first, _, _ := p.book.NextWrite(p.now)
	p.book.Leaving(first.Write, p.now)
	p.book.Wrote(first.Write.ID, erp.Receipt{Key: "k", Draft: true}, p.now)
	p.show("started", "onschedule", "10")
	for range 3 {
		p.now = p.now.Add(2 * time.Hour)
		second, _, ok := p.book.NextWrite(p.now)
		if !ok || second.Write.Unposted.String() != "6" || second.Write.Delta.String() != "4" {
			t.Fatalf("%+v", second.Write)
		}
		p.book.Leaving(second.Write, p.now)
		p.book.NotWrote(second.Write.ID, &erp.Error{Fault: erp.Unavailable, What: "busy"}, p.now)
	}
	p.book.Declined(first.Write.ID, &erp.Error{Fault: erp.Refused, What: "somebody refused it"}, p.now)
	if err := p.book.ResolveWrite(first.Write.ID, "drop", p.now); err != nil {
		t.Fatal(err)
	}
	if list := p.book.Drafts(p.now.Add(24 * time.Hour)); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// A unit that nobody knows changes nothing of an order that is in Prodsmart, also if
// something else of it changes.
func TestUnknownUnitAndAnotherDate(t *testing.T) {
	p := planned(t, settings(func(s *orders.Settings) { s.Reopen = true }), sale())
	p.show("notstarted", "scheduled", "0")
	o := sale()
	o.Lines[0].Unit, o.Lines[0].Factor, o.Lines[0].Due = "crate", dec("0"), erp.Moment(start().Add(99*time.Hour))
	p.read(o)
	d := p.book.Decide(p.key, p.have, p.now)
	if d.Do != orders.Put || d.Order.Products[0].Ordered.String() != "20" {
		t.Errorf("%+v", d)
	}
}

// A line that was cancelled too late does not speak for the rest of its order.
func TestOneLineWasCancelledTooLate(t *testing.T) {
	s := settings(func(s *orders.Settings) { s.Writes = map[erp.Kind]orders.WriteRule{erp.Note: {On: orders.OnClose}} })
	b, err := orders.Open(s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := sale()
	two := o.Lines[0]
	two.ID = "second"
	o.Lines = append(o.Lines, two)
	now := start()
	b.SetCatalog(orders.Catalog{"P-1": true}, now)
	b.Observe(erp.OrderRead{Orders: []erp.Order{o}, Complete: true}, now)
	have := map[string]prodsmart.ProductionOrder{}
	for i, task := range b.Next(now) {
		order, ok := b.Create(task.Key, now)
		if !ok {
			t.Fatal(task)
		}
		order.ID, order.RunningStatus = int64(i+1), "started"
		order.Products[0].Produced = exact("2")
		b.Created(task.Key, order, now)
		have[task.Key] = order
	}
	see := func() {
		now = now.Add(time.Hour)
		var list []prodsmart.ProductionOrder
		var at []time.Time
		for _, order := range have {
			list, at = append(list, order), append(at, now)
		}
		b.See(list, at, now)
	}
	see()
	o.Lines = o.Lines[:1]
	b.Observe(erp.OrderRead{Orders: []erp.Order{o}, Complete: true}, now)
	for _, task := range b.Next(now) {
		if task.Act == orders.Attend {
			b.Done(task.Key, b.Decide(task.Key, have[task.Key], now), now)
		}
	}
	for key, order := range have {
		order.Products[0].Produced = exact("20")
		order.RunningStatus, order.Status = "closed", "completed"
		have[key] = order
	}
	see()
	w, _, ok := b.NextWrite(now)
	if !ok || w.Write.Stage != erp.Completed || w.Write.Ordered.String() != "20" || strings.Contains(w.Write.Text, "cancelled") {
		t.Errorf("%+v, %v", w.Write, ok)
	}
}
