package file

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// line makes a line of an order of a row, or a problem.
func (s *sheet) line(r row) {
	if r.bad != "" {
		s.spoilt(r)
		return
	}
	f := &field{sheet: s, row: r}
	head := erp.Order{ID: f.key("order", true), Company: f.key("company", false)}
	if f.what != "" {
		s.to.drop(f.at, erp.Order{}, "", "%s", f.what)
		return
	}
	s.order(f, &head)
	p := assemble.Line{At: r.place(0)}
	_, at := f.cell("line")
	id := f.key("line", at >= 0)
	p.Line = erp.Line{ID: id, Product: f.key("product", false), ProductName: f.text("product_name"), Unit: f.key("unit", false), Note: f.text("line_note")}
	if p.Line.Product == "" && p.Line.ProductName == "" {
		f.key("product", true)
	}
	p.Line.Quantity = f.number("quantity", true)
	p.Line.Factor = f.number("factor", false)
	if _, i := f.cell("factor"); f.text("factor") != "" && p.Line.Factor.Sign() <= 0 {
		f.fail("factor", i, "it has to be above 0")
	}
	p.Line.Factor = s.own(f, p.Line.Factor)
	p.Line.Due = f.date("due")
	if f.what != "" {
		s.to.drop(f.at, head, id, "order %s, %s", head.ID, f.what)
		return
	}
	s.extras(f, head, &p.Line)
	p.Word = f.text("state")
	p.State = s.state(p.Word)
	s.to.add(head, p)
}

// own is the factor of a line. Where a file has no columns for units and factors
// its quantities are in each product's own unit.
func (s *sheet) own(f *field, factor decimal.Decimal) decimal.Decimal {
	_, unit := f.head.at["unit"]
	_, known := f.head.at["factor"]
	if unit || known {
		return factor
	}
	return decimal.NewFromInt(1)
}

// spoilt notes a row that has no end. What stands before its last cell is right,
// which may be enough to know the order.
func (s *sheet) spoilt(r row) {
	n := max(len(r.cells)-1, 0)
	at := r.place(n)
	if r.cells = r.cells[:n]; r.sheet != "" {
		r.cells = nil
	}
	f := &field{sheet: s, row: r}
	head := erp.Order{ID: f.key("order", true), Company: f.key("company", false)}
	if f.what != "" {
		head = erp.Order{}
	}
	s.to.drop(at, head, "", "%s", r.bad)
}

// state is that of a word; without a word it is the configured one.
func (s *rules) state(text string) erp.State {
	if text == "" {
		return s.unsaid
	}
	return s.words[erp.FoldWord(text)]
}

// order reads what a row says about its order. What can not be read here is told
// and left out: no line is lost by it.
func (s *sheet) order(f *field, head *erp.Order) {
	head.Number, head.Revision = f.text("number"), f.text("revision")
	head.Customer = erp.Customer{Code: f.text("customer"), Name: f.text("customer_name")}
	head.Currency, head.Note, head.Location = f.text("currency"), f.text("note"), f.text("location")
	s.doubtful(f, head, "", func(g *field) { head.Ordered = g.date("ordered") })
	for i, name := range f.head.info {
		if i < len(f.row.cells) {
			if t := strings.TrimSpace(f.row.cells[i].text); t != "" {
				if head.Info == nil {
					head.Info = map[string]string{}
				}
				head.Info[name] = strings.Clone(t)
			}
		}
	}
}

// extras reads what a line may have, and can do without.
func (s *sheet) extras(f *field, head erp.Order, l *erp.Line) {
	order := assemble.Key(head.Company, head.ID)
	l.Manufactured = f.yes("manufactured", order, l.ID)
	l.Free = f.yes("free", order, l.ID) == erp.Yes
	l.Return = f.yes("return", order, l.ID) == erp.Yes
	for _, g := range strings.FieldsFunc(f.text("groups"), func(r rune) bool { return strings.ContainsRune(";,|", r) }) {
		if g = strings.TrimSpace(g); g != "" && !slices.Contains(l.Groups, g) {
			l.Groups = append(l.Groups, g)
		}
	}
	if f.text("price") != "" {
		s.doubtful(f, &head, l.ID, func(g *field) {
			if price := g.number("price", false); g.what == "" {
				l.Price = &price
			}
		})
	}
}

// doubtful reads something whose loss costs no line.
func (s *sheet) doubtful(f *field, head *erp.Order, line string, read func(*field)) {
	g := &field{sheet: s, row: f.row}
	if read(g); g.what != "" {
		s.to.problem(g.at, assemble.Key(head.Company, head.ID), line, false, "order %s, %s; it is left out", head.ID, g.what)
	}
}
