package file

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// mostProblems is how many problems of one file are told; with more of them the
// file is nothing that could be complete.
const mostProblems = 1000

// assembly makes orders of the rows of one file.
type assembly struct {
	// file is the name that people know.
	file string
	// whole says that all lines of an order are in the file; changes, that of
	// two rows for the same line the later one counts.
	whole, changes bool

	drafts   map[string]*draft
	keys     []string // of drafts, as they came
	problems []erp.Problem
	// untold is how many problems more there are.
	untold int
	// nameless says that a row is lost of which not even the order is known.
	nameless bool
	// rows is how many there were, lost how many of them do not count.
	rows, lost int
}

// draft is an order that is being put together.
type draft struct {
	order erp.Order
	lines []piecework
	// ids are the indexes in lines.
	ids map[string]int
	// twice are lines that were there twice, with different values.
	twice map[string]bool
}

// piecework is a line with its own state.
type piecework struct {
	line  erp.Line
	state erp.State
	word  string
	at    string
}

func newAssembly(file string, c Config) *assembly {
	return &assembly{file: file, whole: c.Content == Snapshot || c.WholeOrders, changes: c.Content == Changes, drafts: map[string]*draft{}}
}

// key is the name of an order among all companies.
func key(company, id string) string {
	if company == "" {
		return id
	}
	return company + "/" + id
}

// problem tells something. at is the place in the file, empty for all of it.
func (a *assembly) problem(at, order, line string, lost bool, what string, args ...any) {
	where := a.file
	if at != "" {
		where += ":" + at
	}
	if len(a.problems) >= mostProblems {
		a.untold++
		return
	}
	a.problems = append(a.problems, erp.Problem{Where: where, What: fmt.Sprintf(what, args...), Order: order, Line: line, Lost: lost})
}

// drop notes a row that does not count. Its order keeps its other lines, and says
// that one is missing.
func (a *assembly) drop(at string, head erp.Order, line, what string, args ...any) {
	a.lost++
	if head.ID == "" {
		a.nameless = true
		a.problem(at, "", line, true, what, args...)
		return
	}
	a.problem(at, key(head.Company, head.ID), line, true, what, args...)
	a.draft(head).order.Partial = true
}

// draft is the order that a row belongs to. The first row that says something
// about the order counts.
func (a *assembly) draft(head erp.Order) *draft {
	k := key(head.Company, head.ID)
	d := a.drafts[k]
	if d == nil {
		d = &draft{order: head, ids: map[string]int{}, twice: map[string]bool{}}
		a.drafts[k], a.keys = d, append(a.keys, k)
		return d
	}
	o := &d.order
	for _, t := range []struct{ to, from *string }{
		{&o.Number, &head.Number}, {&o.Revision, &head.Revision}, {&o.Customer.Code, &head.Customer.Code}, {&o.Customer.Name, &head.Customer.Name},
		{&o.Currency, &head.Currency}, {&o.Note, &head.Note}, {&o.Location, &head.Location},
	} {
		if *t.to == "" {
			*t.to = *t.from
		}
	}
	if o.Ordered.IsZero() {
		o.Ordered = head.Ordered
	}
	for name, value := range head.Info {
		if o.Info == nil {
			o.Info = map[string]string{}
		}
		if o.Info[name] == "" {
			o.Info[name] = value
		}
	}
	return d
}

// add takes over one line. A line without an ID of its own is known by its
// article, and by which of the order's lines with that article it is.
func (a *assembly) add(head erp.Order, p piecework) {
	d := a.draft(head)
	if p.line.ID == "" {
		a.name(d, &p.line)
	}
	i, known := d.ids[p.line.ID]
	if !known {
		d.ids[p.line.ID] = len(d.lines)
		d.lines = append(d.lines, p)
		return
	}
	k := key(head.Company, head.ID)
	before := d.lines[i]
	switch {
	case alike(before, p):
		a.problem(p.at, k, p.line.ID, false, "order %s, line %s: the row stands in the file twice; it counts once", k, p.line.ID)
	case a.changes:
		a.problem(p.at, k, p.line.ID, false, "order %s, line %s: the file has the line twice (also at %s); the later row counts", k, p.line.ID, before.at)
		d.lines[i] = p
	default:
		d.twice[p.line.ID], d.order.Partial = true, true
		a.lost++
		a.problem(p.at, k, p.line.ID, true, "order %s, line %s: the file has the line twice with different values (also at %s); give each line its own number", k, p.line.ID, before.at)
	}
}

func (a *assembly) name(d *draft, l *erp.Line) {
	id := l.Product
	if id == "" {
		id = l.ProductName
		l.Loose = true
	}
	l.ID = id
	for n := 2; ; n++ {
		if _, taken := d.ids[l.ID]; !taken {
			return
		}
		l.ID = id + "~" + strconv.Itoa(n)
	}
}

// alike says that two rows of a line say the same.
func alike(x, y piecework) bool {
	return x.line.Product == y.line.Product && x.line.Quantity.Equal(y.line.Quantity) && x.line.Unit == y.line.Unit && x.line.Factor.Equal(y.line.Factor) &&
		x.line.Due == y.line.Due && x.state == y.state && x.word == y.word && x.line.Free == y.line.Free && x.line.Return == y.line.Return
}

// orders are those of the file. It is called once, at the end.
func (a *assembly) orders() []erp.Order {
	out := make([]erp.Order, 0, len(a.keys))
	for _, k := range a.keys {
		d := a.drafts[k]
		if len(d.lines) == 0 {
			continue // it is named in a problem
		}
		out = append(out, a.finish(k, d))
	}
	if a.untold > 0 {
		a.problems = append(a.problems, erp.Problem{Where: a.file, What: fmt.Sprintf("%d problems more are not told", a.untold), Lost: true})
	}
	return out
}

// finish gives an order its state. Where rows differ it is open if one of them
// is; the lines that are cancelled then are left out, as the order does not have
// them any more. Lines that are held, delivered or of a state that nobody knows
// are left out too, but nothing may be concluded from it.
func (a *assembly) finish(k string, d *draft) erp.Order {
	o := d.order
	o.State, o.Word = overall(d.lines)
	o.Partial = o.Partial || !a.whole
	var cancelled []piecework
	for _, p := range d.lines {
		switch {
		case d.twice[p.line.ID]:
			continue
		case p.state == o.State:
		case p.state == erp.Cancelled:
			cancelled = append(cancelled, p)
			continue
		case o.State == erp.Closed:
			// Cancelled is dealt with above: the line is over like the rest.
		default:
			o.Partial = true
			a.problem(p.at, k, p.line.ID, false, "order %s is %s, its line %s is %s (%q): the line is left as it is", k, o.State, p.line.ID, p.state, p.word)
			continue
		}
		if due := p.line.Due; !due.IsZero() && (o.Due.IsZero() || due.Time.Before(o.Due.Time)) {
			o.Due = due
		}
		o.Lines = append(o.Lines, p.line)
	}
	for _, p := range cancelled {
		if o.Partial {
			a.problem(p.at, k, p.line.ID, false, "order %s: the line %s is cancelled, but not all lines of the order can be told by this file, so the line stays; cancel it in Prodsmart, or send the whole order with whole_orders on", k, p.line.ID)
		}
	}
	return o
}

// overall is the state of an order by those of its lines, with the word of the
// first line that has it.
func overall(lines []piecework) (erp.State, string) {
	for _, s := range []erp.State{erp.Open, erp.Held, erp.Unknown, erp.Closed, erp.Cancelled} {
		if i := slices.IndexFunc(lines, func(p piecework) bool { return p.state == s }); i >= 0 {
			return s, lines[i].word
		}
	}
	return erp.Unknown, ""
}
