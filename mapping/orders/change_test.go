package orders_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// start is when all tests begin: a Thursday noon.
func start() time.Time { return time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC) }

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func exact(text string) prodsmart.Decimal {
	d, err := prodsmart.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

// sale is an order of 20 P-1, due in a week, from a company.
func sale() erp.Order {
	return erp.Order{
		ID: "645", Number: "645", State: erp.Open, Word: "new", Ordered: erp.DayOf(2026, 11, 19), Due: erp.DayOf(2026, 11, 26), Customer: erp.Customer{Code: "c7", Name: "Bahor Savdo", Person: erp.No},
		Lines: []erp.Line{{ID: "9646", Product: "P-1", ProductName: "Bracket", Quantity: dec("20"), Factor: dec("1"), Unit: "pcs"}},
	}
}

// settings are those of a source that was only named.
func settings(change func(*orders.Settings)) orders.Settings {
	s := orders.Defaults("sales")
	s.Prefix, s.LeadTime = "SU-", 72*time.Hour
	if change != nil {
		change(&s)
	}
	return s
}

// plan is a book with a clock, and the order that Prodsmart has.
type plan struct {
	*testing.T
	book *orders.Book
	now  time.Time
	have prodsmart.ProductionOrder
	key  string
}

// planned is a book whose order was made.
func planned(t *testing.T, s orders.Settings, o erp.Order) *plan {
	t.Helper()
	p := &plan{T: t, now: start()}
	var err error
	if p.book, err = orders.Open(s, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.book.SetCatalog(orders.Catalog{"P-1": true, "P-2": true, "G-1": false}, p.now)
	p.read(o)
	for _, task := range p.book.Next(p.now) {
		if task.Act != orders.Create || p.key != "" {
			continue
		}
		order, ok := p.book.Create(task.Key, p.now)
		if !ok {
			t.Fatalf("%+v is not made", task)
		}
		p.have, p.key = order, task.Key
		p.have.ID, p.have.RunningStatus = 7, "notstarted"
		p.book.Created(task.Key, p.have, p.now)
	}
	p.book.Events()
	return p
}

// read shows the source to the book, an hour later: the orders of the test, and nine of
// goods that nobody makes here.
func (p *plan) read(list ...erp.Order) {
	p.now = p.now.Add(time.Hour)
	for n := range 9 {
		o := sale()
		o.ID, o.Number, o.Lines[0].Product = fmt.Sprint(n), fmt.Sprint(n), "G-1"
		list = append(list, o)
	}
	p.book.Observe(erp.OrderRead{Orders: list, Complete: true}, p.now)
}

// work sets how far the order is in Prodsmart, which the book gets to see.
func (p *plan) work(running, made string) {
	p.have.RunningStatus = running
	p.have.Products[0].Produced = exact(made)
	p.book.See([]prodsmart.ProductionOrder{p.have}, []time.Time{p.now}, p.now)
}

// react does what the book wants done, as its caller does, and says what that was.
func (p *plan) react() string {
	var did []string
	for range 10 {
		tasks := p.book.Next(p.now)
		if len(tasks) == 0 {
			break
		}
		for _, task := range tasks {
			did = append(did, p.do(task))
		}
	}
	text := strings.Join(did, "; ")
	if text == "" {
		text = "-"
	}
	return text
}

func (p *plan) do(task orders.Task) string {
	switch task.Act {
	case orders.Create:
		o, ok := p.book.Create(task.Key, p.now)
		if !ok {
			return "create was taken back"
		}
		o.ID, o.RunningStatus = 8, "notstarted"
		p.book.Created(task.Key, o, p.now)
		return fmt.Sprintf("POST %s: %s %s", o.Code, o.Products[0].Ordered, o.Products[0].Product)
	case orders.Attend:
		fresh := p.have
		fresh.Products = append([]prodsmart.OrderProduct(nil), p.have.Products...)
		d := p.book.Decide(task.Key, fresh, p.now)
		text := "GET"
		switch d.Do {
		case orders.Put:
			text = "PUT " + difference(p.have, d.Order)
			p.have = d.Order
		case orders.Delete:
			text = "DELETE"
		}
		p.book.Done(task.Key, d, p.now)
		return text
	case orders.Tell:
		short, _, _ := p.book.Telling(task.Key, p.now)
		p.book.Told(task.Key, false, "", p.now)
		return fmt.Sprintf("notify %q", short)
	}
	return string(task.Act)
}

// difference is what a PUT changes.
func difference(before, after prodsmart.ProductionOrder) string {
	var out []string
	say := func(name string, x, y any) {
		if fmt.Sprint(x) != fmt.Sprint(y) {
			out = append(out, fmt.Sprintf("%s %v", name, y))
		}
	}
	say("start-date", before.Start.Format(time.RFC3339), after.Start.Format(time.RFC3339))
	say("due-date", before.Due.Format(time.RFC3339), after.Due.Format(time.RFC3339))
	say("quantity-ordered", before.Products[0].Ordered, after.Products[0].Ordered)
	say("description", before.Description, after.Description)
	say("notes", before.Notes, after.Notes)
	say("is-active", before.Active == prodsmart.Yes, after.Active == prodsmart.Yes)
	return strings.Join(out, ", ")
}

// standing is the status of the order's entry, and why.
func (p *plan) standing() string {
	e, ok := p.book.Entry(p.key)
	if !ok {
		return "no entry"
	}
	text := string(e.Status)
	if e.Alert {
		text += " (!)"
	}
	if e.Ask != nil {
		text += " " + strings.Join(e.Ask.Options, "/")
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// golden compares with a file; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(string(want), "\r\n", "\n"); text != got {
		t.Errorf("%s:\n%s\nit was\n%s", path, got, text)
	}
}

// changes are all that a source can do to an order; nil is an order that is gone from
// two reads.
func changes() []struct {
	name string
	do   func(o *erp.Order) bool
} {
	line := func(f func(l *erp.Line)) func(o *erp.Order) bool {
		return func(o *erp.Order) bool { f(&o.Lines[0]); return true }
	}
	order := func(f func(o *erp.Order)) func(o *erp.Order) bool {
		return func(o *erp.Order) bool { f(o); return true }
	}
	return []struct {
		name string
		do   func(o *erp.Order) bool
	}{
		{"nothing", order(func(*erp.Order) {})},
		{"quantity up", line(func(l *erp.Line) { l.Quantity = dec("30") })},
		{"quantity down", line(func(l *erp.Line) { l.Quantity = dec("15") })},
		{"quantity below what is made", line(func(l *erp.Line) { l.Quantity = dec("5") })},
		{"quantity 0", line(func(l *erp.Line) { l.Quantity = decimal.Decimal{} })},
		{"due date", order(func(o *erp.Order) { o.Due = erp.DayOf(2026, 11, 30) })},
		{"due date missing", order(func(o *erp.Order) { o.Due = erp.When{} })},
		{"customer", order(func(o *erp.Order) { o.Customer.Name = "Corner Shop" })},
		{"number", order(func(o *erp.Order) { o.Number = "645a" })},
		{"note", order(func(o *erp.Order) { o.Note = "hurry" })},
		{"product", line(func(l *erp.Line) { l.Product = "P-2" })},
		{"line added", order(func(o *erp.Order) {
			o.Lines = append(o.Lines, erp.Line{ID: "9647", Product: "P-2", Quantity: dec("3"), Factor: dec("1")})
		})},
		{"line removed", order(func(o *erp.Order) { o.Lines = nil })},
		{"line unreadable", order(func(o *erp.Order) { o.Lines, o.Partial = nil, true })},
		{"order cancelled", order(func(o *erp.Order) { o.State = erp.Cancelled })},
		{"order gone", func(*erp.Order) bool { return false }},
		{"order held", order(func(o *erp.Order) { o.State = erp.Held })},
		{"order delivered", order(func(o *erp.Order) { o.State = erp.Closed })},
		{"state unknown", order(func(o *erp.Order) { o.State, o.Word = erp.Unknown, "frozen" })},
	}
}

// TestChanges holds the reaction to each change of the source, by how far the order is
// in Prodsmart, against a table. The three ways are told apart first: what a planner
// changed there, and the source did not, is never written.
func TestChanges(t *testing.T) {
	for _, variant := range []struct {
		name   string
		change func(*orders.Settings)
	}{
		{"standard", nil},
		{"other", func(s *orders.Settings) {
			s.ApplyLess, s.Reopen, s.DeactivateCancelled, s.DeactivateHeld = true, true, true, true
		}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			var b strings.Builder
			for _, running := range []string{"notstarted", "started", "closed"} {
				made := map[string]string{"notstarted": "0", "started": "12", "closed": "20"}[running]
				fmt.Fprintf(&b, "%s, %s made:\n", running, made)
				for _, c := range changes() {
					p := planned(t, settings(variant.change), sale())
					p.have.Start = p.have.Start.Add(-time.Hour) // a planner's
					p.have.Notes = "a planner's"
					p.work(running, made)
					now := sale()
					var list []erp.Order
					if c.do(&now) {
						list = append(list, now)
					}
					p.read(list...)
					if list == nil {
						p.read()
					}
					did := p.react()
					fmt.Fprintf(&b, "  %-27s  %s\n  %-27s  %s\n", c.name, did, "", p.standing())
				}
			}
			golden(t, "changes-"+variant.name+".txt", b.String())
		})
	}
}

// TestPlannersEdits changes each field that the source owns in Prodsmart: the source's
// next reads, with other changes or without, do not write it.
func TestPlannersEdits(t *testing.T) {
	for name, edit := range map[string]func(o *prodsmart.ProductionOrder){
		"quantity": func(o *prodsmart.ProductionOrder) { o.Products[0].Ordered = exact("27") },
		"due":      func(o *prodsmart.ProductionOrder) { o.Due = o.Due.Add(24 * time.Hour) },
		"text":     func(o *prodsmart.ProductionOrder) { o.Description = "mine " + o.Description },
		"active":   func(o *prodsmart.ProductionOrder) { o.Active = prodsmart.No },
	} {
		t.Run(name, func(t *testing.T) {
			p := planned(t, settings(nil), sale())
			edit(&p.have)
			p.work("notstarted", "0")
			want := p.have
			p.read(sale())
			if did := p.react(); did != "-" {
				t.Errorf("without a change: %s", did)
			}
			now := sale()
			switch name {
			case "quantity":
				now.Due = erp.DayOf(2026, 11, 30)
			default:
				now.Lines[0].Quantity = dec("33")
			}
			p.read(now)
			did := p.react()
			if !strings.HasPrefix(did, "PUT ") || strings.Contains(did, ",") {
				t.Errorf("one field is written: %s", did)
			}
			if name != "due" && name != "quantity" && (p.have.Description != want.Description || p.have.Active != want.Active) {
				t.Errorf("%+v", p.have)
			}
		})
	}
}

// TestDeletedByAPerson: it is not made again before somebody says so.
func TestDeletedByAPerson(t *testing.T) {
	p := planned(t, settings(nil), sale())
	p.now = p.now.Add(time.Hour)
	p.book.Deleted(p.key, p.now)
	now := sale()
	now.Lines[0].Quantity = dec("33")
	p.read(now)
	if did := p.react(); did != "-" || !strings.HasPrefix(p.standing(), string(orders.Refused)) {
		t.Errorf("%s, %s", did, p.standing())
	}
	if err := p.book.Resolve(p.key, "nonsense", p.now); err == nil || !strings.Contains(err.Error(), "recreate") {
		t.Errorf("%v does not say what is possible", err)
	}
	if err := p.book.Resolve(p.key, "recreate", p.now); err != nil {
		t.Fatal(err)
	}
	if did := p.react(); did != "POST SU-645-1: 33 P-1" && !strings.HasPrefix(did, "POST SU-645-1") {
		t.Error(did)
	}
}

// TestDeliveredElsewhere: closed in the source and open here is told after a day.
func TestDeliveredElsewhere(t *testing.T) {
	p := planned(t, settings(nil), sale())
	p.work("started", "12")
	now := sale()
	now.State = erp.Closed
	p.read(now)
	p.react()
	p.now = p.now.Add(23 * time.Hour)
	p.book.Next(p.now)
	if got := p.standing(); strings.Contains(got, "!") {
		t.Errorf("before its time: %s", got)
	}
	p.now = p.now.Add(2 * time.Hour)
	if did := p.react(); did != "-" || !strings.Contains(p.standing(), "shipped from stock?") {
		t.Errorf("%s, %s", did, p.standing())
	}
}
