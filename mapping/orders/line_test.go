package orders_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// lineCase is a line of an order, and what becomes of it.
type lineCase struct {
	name   string
	change func(s *orders.Settings)
	order  func(o *erp.Order)
}

// first says what the first line of an order becomes: the order that is made, or the
// reason why none is.
func first(t *testing.T, c lineCase) string {
	t.Helper()
	o := sale()
	if c.order != nil {
		c.order(&o)
	}
	p := planned(t, settings(c.change), o)
	if p.key != "" {
		h := p.have
		text := fmt.Sprintf("%s: %s %s, start %s, due %s, %q", h.Code, h.Products[0].Ordered, h.Products[0].Product, h.Start.Format("02 15:04"), h.Due.Format("02 15:04"), h.Description)
		for _, more := range []string{h.Products[0].Observations, h.Notes, h.Location.Code} {
			if more != "" {
				text += ", " + more
			}
		}
		for _, v := range h.Parameters {
			text += fmt.Sprintf(", %s=%s", v.Name, v.JSON)
		}
		return text
	}
	for _, e := range p.book.Entries() {
		if e.Document == o.ID {
			return strings.TrimSpace(fmt.Sprintf("%s %s", e.Status, map[bool]string{true: "(!)"}[e.Alert])) + ": " + e.Reason
		}
	}
	return "nothing"
}

// line changes the first line of an order.
func line(f func(l *erp.Line)) func(o *erp.Order) {
	return func(o *erp.Order) { f(&o.Lines[0]) }
}

func lineCases() []lineCase {
	groups := func(s *orders.Settings) { s.Groups = []string{"Own*", "Bakery"} }
	return []lineCase{
		{"as it is", nil, nil},
		// Selection: the first rule that answers wins.
		{"a return", nil, line(func(l *erp.Line) { l.Return = true })},
		{"quantity 0", nil, line(func(l *erp.Line) { l.Quantity = decimal.Decimal{} })},
		{"quantity below 0", nil, line(func(l *erp.Line) { l.Quantity = dec("-3") })},
		{"a gift", nil, line(func(l *erp.Line) { l.Free, l.Note = true, "red" })},
		{"a gift, gifts off", func(s *orders.Settings) { s.SkipFree = true }, line(func(l *erp.Line) { l.Free = true })},
		{"excluded", func(s *orders.Settings) { s.Exclude = []string{"P-*"} }, nil},
		{"excluded and included", func(s *orders.Settings) { s.Exclude, s.Include = []string{"P-1"}, []string{"P-1"} }, nil},
		{"included though bought", func(s *orders.Settings) { s.Include = []string{"P-?"} }, line(func(l *erp.Line) { l.Manufactured = erp.No })},
		{"bought", nil, line(func(l *erp.Line) { l.Manufactured = erp.No })},
		{"made, without operation", nil, line(func(l *erp.Line) { l.Product, l.Manufactured = "G-1", erp.Yes })},
		{"group made here", groups, line(func(l *erp.Line) { l.Groups = []string{"x", "Own goods"} })},
		{"group not made here", groups, line(func(l *erp.Line) { l.Groups = []string{"Trade", "Gifts"} })},
		{"no group", groups, nil},
		{"without operation", nil, line(func(l *erp.Line) { l.Product = "G-1" })},
		{"not in Prodsmart", nil, line(func(l *erp.Line) { l.Product = "P-9" })},
		{"no code", nil, line(func(l *erp.Line) { l.Product = "" })},
		{"mapped code", func(s *orders.Settings) { s.Products = map[string]string{"A1": "P-1"} }, line(func(l *erp.Line) { l.Product = " A1 " })},
		// States.
		{"held", nil, func(o *erp.Order) { o.State = erp.Held }},
		{"closed", nil, func(o *erp.Order) { o.State = erp.Closed }},
		{"cancelled", nil, func(o *erp.Order) { o.State = erp.Cancelled }},
		{"unknown", nil, func(o *erp.Order) { o.State, o.Word = erp.Unknown, "fro\nzen" }},
		// Units.
		{"carton of 24", nil, line(func(l *erp.Line) { l.Unit, l.Factor = "box", dec("24") })},
		{"unit by name", func(s *orders.Settings) { s.Units = map[string]decimal.Decimal{"box": dec("0.5")} }, line(func(l *erp.Line) { l.Unit, l.Factor = "box", decimal.Decimal{} })},
		{"unknown unit", nil, line(func(l *erp.Line) { l.Unit, l.Factor = "box", decimal.Decimal{} })},
		{"a fraction", nil, line(func(l *erp.Line) { l.Quantity, l.Factor = dec("2.125"), dec("3") })},
		// Dates.
		{"due at a moment", nil, func(o *erp.Order) { o.Due = erp.Moment(time.Date(2026, 11, 25, 8, 30, 15, 99, time.UTC)) }},
		{"due by the line", nil, line(func(l *erp.Line) { l.Due = erp.DayOf(2026, 11, 24) })},
		{"no due date", nil, func(o *erp.Order) { o.Due = erp.When{} }},
		{"no date", nil, func(o *erp.Order) { o.Due, o.Ordered = erp.When{}, erp.When{} }},
		{"due in the past", nil, func(o *erp.Order) { o.Due = erp.DayOf(2026, 11, 2) }},
		{"due in another zone", func(s *orders.Settings) { s.Zone, s.DayEnd = time.FixedZone("UTC+5", 5*3600), 16*time.Hour }, nil},
		{"lead time of the product", func(s *orders.Settings) { s.LeadTimes = map[string]time.Duration{"P-1": 48 * time.Hour} }, nil},
		{"lead time of the group", func(s *orders.Settings) { s.LeadTimes = map[string]time.Duration{"Own": 24 * time.Hour} }, line(func(l *erp.Line) { l.Groups = []string{"Own"} })},
		// Codes and texts.
		{"odd number", nil, func(o *erp.Order) { o.Number = "ZS/45 ż" }},
		{"no number", nil, func(o *erp.Order) { o.Number = "" }},
		{"long number", func(s *orders.Settings) { s.LongestCode = 16 }, func(o *erp.Order) { o.Number = "1234567890123456789" }},
		{"other code", func(s *orders.Settings) { s.Template = "{company}.{id}_{line}" }, func(o *erp.Order) { o.Company = "12" }},
		{"a person", nil, func(o *erp.Order) { o.Customer.Person = erp.Yes }},
		{"a person, names on", func(s *orders.Settings) { s.CustomerText = "name" }, func(o *erp.Order) { o.Customer.Person = erp.Yes }},
		{"customer off", func(s *orders.Settings) { s.CustomerText = "none" }, nil},
		{"note and place", func(s *orders.Settings) {
			s.Locations, s.Fields = map[string]string{"f1": "PLANT"}, map[string]string{"rep": "Salesman"}
		}, func(o *erp.Order) {
			o.Note, o.Location, o.Info = "hurry\x00 up", "f1", map[string]string{"rep": "Ann", "x": "y"}
		}},
		{"brackets in keys", nil, func(o *erp.Order) { o.ID, o.Lines[0].ID = "a]b", "1:2" }},
	}
}

func TestLines(t *testing.T) {
	var b strings.Builder
	for _, c := range lineCases() {
		fmt.Fprintf(&b, "%-24s  %s\n", c.name, first(t, c))
	}
	golden(t, "lines.txt", b.String())
}

// TestTakenCodes: a code that another order has gets a number behind it.
func TestTakenCodes(t *testing.T) {
	b, err := orders.Open(settings(nil), nil, func(code string) bool { return slices.Contains([]string{"SU-645-1", "SU-645-1.2"}, code) })
	if err != nil {
		t.Fatal(err)
	}
	b.SetCatalog(orders.Catalog{"P-1": true}, start())
	b.Observe(erp.OrderRead{Orders: []erp.Order{sale()}}, start())
	task := b.Next(start())[0]
	if o, ok := b.Create(task.Key, start()); !ok || o.Code != "SU-645-1.3" {
		t.Errorf("%+v", o)
	}
}

// TestLostValues: a value that the source lost does not undo what it said before.
func TestLostValues(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(o *erp.Order)
		says string // in the journal
	}{
		"due date":   {func(o *erp.Order) { o.Due = erp.When{} }, "the source names no due date any more: 2026-11-26 17:00 stays"},
		"both dates": {func(o *erp.Order) { o.Due, o.Ordered = erp.When{}, erp.When{} }, "2026-11-26 17:00 stays"},
		"product":    {line(func(l *erp.Line) { l.Product = "" }), ""},
		"quantity":   {line(func(l *erp.Line) { l.Quantity = decimal.Decimal{} }), ""},
		"factor":     {line(func(l *erp.Line) { l.Factor, l.Unit = decimal.Decimal{}, "box" }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := planned(t, settings(nil), sale())
			now := sale()
			c.lose(&now)
			p.read(now)
			p.read(now)
			if did := p.react(); did != "-" {
				t.Errorf("it did %s", did)
			}
			said := 0
			for _, e := range p.book.Events() {
				if c.says != "" && strings.Contains(e.What, c.says) {
					said++
				}
			}
			if said != min(len(c.says), 1) {
				t.Errorf("it was said %d times", said)
			}
			if name == "quantity" || name == "factor" {
				if got := p.standing(); !strings.HasPrefix(got, "mirrored (!): ") {
					t.Error(got)
				}
			}
			p.read(sale())
			if did := p.react(); did != "-" || p.standing() != "mirrored" {
				t.Errorf("then it did %s, %s", did, p.standing())
			}
		})
	}
}
