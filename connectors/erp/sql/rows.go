package sql

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
)

// mostProblems is how many problems of one read are told; with more of them no
// order that is not there is missing.
const mostProblems = 1000

// notes are the problems of one read.
type notes struct {
	problems []erp.Problem
	untold   int
	// nameless says that a row is lost of which not even the order is known.
	nameless bool
	// loose says that binary fractions were told of.
	loose bool
}

func (n *notes) add(p erp.Problem) {
	if len(n.problems) >= mostProblems {
		n.untold++
		return
	}
	n.problems = append(n.problems, p)
}

// end gives the problems.
func (n *notes) end() []erp.Problem {
	if n.untold > 0 {
		n.problems = append(n.problems, erp.Problem{Where: "the view", What: fmt.Sprintf("%d problems more are not told", n.untold), Lost: true})
	}
	return n.problems
}

// record is one row by what its columns mean.
type record struct {
	cells map[string]cell
	// mark is how numbers in text are written.
	mark erp.Mark
	// column names the column of a meaning; view is where it is.
	column func(meaning string) string
	view   string
	// bad is the first thing that could not be read, at is its column.
	bad, at string
}

func (r *record) fail(meaning string, err error) {
	if r.bad == "" {
		r.bad, r.at = shorten(err.Error(), 200), r.column(meaning)
	}
}

func (r *record) text(meaning string) string {
	t, err := r.cells[meaning].words()
	if err != nil {
		r.fail(meaning, err)
	}
	return t
}

// needed is a text that has to be there.
func (r *record) needed(meaning string) string {
	t := r.text(meaning)
	if t == "" {
		r.fail(meaning, fmt.Errorf("it is empty"))
	}
	return t
}

// decimal is zero where there is nothing.
func (r *record) decimal(meaning string) decimal.Decimal {
	c := r.cells[meaning]
	if c.empty() {
		return decimal.Decimal{}
	}
	d, err := c.number(r.mark)
	if err != nil {
		r.fail(meaning, err)
	}
	return d
}

// assembly makes orders of rows.
type assembly struct {
	notes
	*rules
	drafts assemble.Orders
}

// tell notes a problem of a row.
func (a *assembly) tell(r *record, order, line, at, what string, lost bool) {
	where := r.view
	if order != "" {
		where += ", order " + shorten(order, 60)
	}
	if line != "" {
		where += ", line " + shorten(line, 60)
	}
	if at != "" {
		where += ", " + at
	}
	a.add(erp.Problem{Where: where, What: what, Order: order, Line: line, Lost: lost})
}

// take makes a line of a row, or a problem.
func (a *assembly) take(r *record) {
	id, company := r.needed("order_id"), r.text("company")
	if r.bad != "" {
		a.nameless = true
		a.tell(r, "", "", r.at, r.bad+"; without its order the row is nothing", true)
		return
	}
	d := a.draft(r, company, id)
	k := d.Key
	line := erp.Line{ID: r.text("line_id"), Product: r.text("product"), ProductName: r.text("product_name"), Unit: r.text("unit")}
	if line.Product == "" && line.ProductName == "" {
		r.fail("product", fmt.Errorf("there is no article"))
	}
	if r.cells["quantity"].empty() {
		r.fail("quantity", fmt.Errorf("there is no quantity"))
	}
	line.Quantity, line.Factor = r.decimal("quantity"), a.factor(r)
	due, err := r.cells["due"].when(a.Zone)
	if err != nil {
		r.fail("due", err)
	}
	line.Due = due
	if r.bad != "" {
		d.Order.Partial = true
		a.tell(r, k, line.ID, r.at, r.bad, true)
		return
	}
	if line.Manufactured, err = r.cells["manufactured"].answer(); err != nil {
		a.tell(r, k, line.ID, r.column("manufactured"), err.Error()+"; it is left out", false)
	}
	a.binary(r)
	word := r.text("state")
	state := a.unsaid
	if word != "" {
		state = a.words[erp.FoldWord(word)]
	}
	a.keep(r, d, assemble.Line{Line: line, State: state, Word: word})
}

// factor is zero where it is not known. A view without units and factors is in
// each product's own unit.
func (a *assembly) factor(r *record) decimal.Decimal {
	_, unit := r.cells["unit"]
	_, factor := r.cells["unit_factor"]
	if !unit && !factor {
		return decimal.NewFromInt(1)
	}
	f := r.decimal("unit_factor")
	if f.Sign() <= 0 && !r.cells["unit_factor"].empty() {
		r.fail("unit_factor", fmt.Errorf("it has to be above 0"))
	}
	return f
}

// binary tells, once, that quantities are binary fractions.
func (n *notes) binary(r *record) {
	if r.cells["quantity"].loose && !n.loose {
		n.loose = true
		n.add(erp.Problem{Where: r.view + ", " + r.column("quantity"), What: "quantities are kept as binary fractions (" + r.cells["quantity"].kind + "), which are not exact; a numeric or decimal column is"})
	}
}

// draft is the order that a row belongs to. The first row that says something
// about the order counts.
func (a *assembly) draft(r *record, company, id string) *assemble.Draft {
	d, _ := a.drafts.Draft(company, id)
	k := d.Key
	o := &d.Order
	for meaning, to := range map[string]*string{"number": &o.Number, "customer_code": &o.Customer.Code, "customer_name": &o.Customer.Name, "note": &o.Note, "location": &o.Location} {
		if *to == "" {
			*to = a.extra(r, k, meaning)
		}
	}
	if o.Ordered.IsZero() {
		w, err := r.cells["ordered_at"].when(a.Zone)
		if err != nil {
			a.tell(r, k, "", r.column("ordered_at"), shorten(err.Error(), 200)+"; it is left out", false)
		}
		o.Ordered = w
	}
	for _, name := range a.Info {
		if t := a.extra(r, k, "info:"+name); t != "" && o.Info[name] == "" {
			if o.Info == nil {
				o.Info = map[string]string{}
			}
			o.Info[name] = t
		}
	}
	return d
}

// extra is a text whose loss costs no line.
func (a *assembly) extra(r *record, order, meaning string) string {
	t, err := r.cells[meaning].words()
	if err != nil {
		a.tell(r, order, "", r.column(meaning), err.Error()+"; it is left out", false)
	}
	return t
}

// keep takes over one line.
func (a *assembly) keep(r *record, d *assemble.Draft, l assemble.Line) {
	switch l, _, what := d.Add(l, false); what {
	case assemble.Same:
		a.tell(r, d.Key, l.ID, "", "the row is there twice; it counts once (the view joins more than it should)", false)
	case assemble.Torn:
		a.tell(r, d.Key, l.ID, "", "the line is there twice with different values; none of them counts. Give each line its own line_id", true)
	}
}

// orders are those of the rows. It is called once, at the end.
func (a *assembly) orders() []erp.Order {
	out := make([]erp.Order, 0, a.drafts.Len())
	for d := range a.drafts.All() {
		if d.Empty() {
			continue // it is named in a problem
		}
		o, odd, _ := d.Finish()
		for _, l := range odd {
			a.add(erp.Problem{Where: "order " + shorten(d.Key, 60) + ", line " + shorten(l.ID, 60), Order: d.Key, Line: l.ID,
				What: fmt.Sprintf("the order is %s, the line is %s (%q): the line is left as it is", o.State, l.State, shorten(l.Word, 40))})
		}
		out = append(out, o)
	}
	return out
}
