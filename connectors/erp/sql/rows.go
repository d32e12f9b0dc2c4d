package sql

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
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
	drafts map[string]*draft
	keys   []string // of drafts, as they came
}

// draft is an order that is being put together.
type draft struct {
	order erp.Order
	lines []piece
	ids   map[string]int
	twice map[string]bool
	named map[string]int // lines without an ID, by their article
}

// piece is a line with its own state.
type piece struct {
	line  erp.Line
	state erp.State
	word  string
}

// key is the name of an order among all companies.
func key(company, id string) string {
	if company == "" {
		return id
	}
	return company + "/" + id
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
	d, k := a.draft(r, company, id), key(company, id)
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
		d.order.Partial = true
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
		state = a.words[fold(word)]
	}
	d.add(a, r, k, piece{line, state, word})
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
func (a *assembly) draft(r *record, company, id string) *draft {
	k := key(company, id)
	d := a.drafts[k]
	if d == nil {
		d = &draft{order: erp.Order{Company: company, ID: id}, ids: map[string]int{}, twice: map[string]bool{}, named: map[string]int{}}
		a.drafts[k], a.keys = d, append(a.keys, k)
	}
	o := &d.order
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

// add takes over one line. A line without an ID is known by its article, and by
// which of the order's lines with that article it is.
func (d *draft) add(a *assembly, r *record, k string, p piece) {
	if p.line.ID == "" {
		name := p.line.Product
		if name == "" {
			name = p.line.ProductName
		}
		d.named[name]++
		if p.line.ID = name; d.named[name] > 1 {
			p.line.ID = name + "~" + strconv.Itoa(d.named[name])
		}
		p.line.Loose = true
	}
	i, known := d.ids[p.line.ID]
	switch {
	case !known:
		d.ids[p.line.ID] = len(d.lines)
		d.lines = append(d.lines, p)
	case alike(d.lines[i], p):
		a.tell(r, k, p.line.ID, "", "the row is there twice; it counts once (the view joins more than it should)", false)
	default:
		d.twice[p.line.ID], d.order.Partial = true, true
		a.tell(r, k, p.line.ID, "", "the line is there twice with different values; none of them counts. Give each line its own line_id", true)
	}
}

// alike says that two rows of a line say the same.
func alike(x, y piece) bool {
	return x.line.Product == y.line.Product && x.line.Quantity.Equal(y.line.Quantity) && x.line.Unit == y.line.Unit && x.line.Factor.Equal(y.line.Factor) &&
		x.line.Due == y.line.Due && x.state == y.state && x.word == y.word
}

// orders are those of the rows. It is called once, at the end.
func (a *assembly) orders() []erp.Order {
	out := make([]erp.Order, 0, len(a.keys))
	for _, k := range a.keys {
		if d := a.drafts[k]; len(d.lines) > 0 { // others are named in a problem
			out = append(out, a.finish(k, d))
		}
	}
	return out
}

// finish gives an order its state. Where rows differ it is open if one of them
// is; lines that are cancelled then are gone, others that are not open are left
// out without a conclusion. The order is due with its first line.
func (a *assembly) finish(k string, d *draft) erp.Order {
	o := d.order
	o.State, o.Word = overall(d.lines)
	for _, p := range d.lines {
		switch {
		case d.twice[p.line.ID]:
			continue
		case p.state == o.State:
		case p.state == erp.Cancelled, o.State == erp.Closed:
			continue
		default:
			o.Partial = true
			a.add(erp.Problem{Where: "order " + shorten(k, 60) + ", line " + shorten(p.line.ID, 60), Order: k, Line: p.line.ID,
				What: fmt.Sprintf("the order is %s, the line is %s (%q): the line is left as it is", o.State, p.state, shorten(p.word, 40))})
			continue
		}
		if due := p.line.Due; !due.IsZero() && (o.Due.IsZero() || due.Time.Before(o.Due.Time)) {
			o.Due = due
		}
		o.Lines = append(o.Lines, p.line)
	}
	return o
}

// overall is the state of an order by those of its lines, with the word of the
// first line that has it.
func overall(lines []piece) (erp.State, string) {
	for _, s := range []erp.State{erp.Open, erp.Held, erp.Unknown, erp.Closed, erp.Cancelled} {
		if i := slices.IndexFunc(lines, func(p piece) bool { return p.state == s }); i >= 0 {
			return s, lines[i].word
		}
	}
	return erp.Unknown, ""
}
