package file

import (
	"fmt"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
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

	drafts   assemble.Orders
	problems []erp.Problem
	// untold is how many problems more there are.
	untold int
	// nameless says that a row is lost of which not even the order is known.
	nameless bool
	// rows is how many there were, lost how many of them do not count.
	rows, lost int
}

func newAssembly(file string, c Config) *assembly {
	return &assembly{file: file, whole: c.Content == Snapshot || c.WholeOrders, changes: c.Content == Changes}
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
	a.problem(at, assemble.Key(head.Company, head.ID), line, true, what, args...)
	a.draft(head).Order.Partial = true
}

// draft is the order that a row belongs to. The first row that says something
// about the order counts.
func (a *assembly) draft(head erp.Order) *assemble.Draft {
	d, fresh := a.drafts.Draft(head.Company, head.ID)
	if fresh {
		d.Order = head
		return d
	}
	o := &d.Order
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

// add takes over one line.
func (a *assembly) add(head erp.Order, l assemble.Line) {
	d := a.draft(head)
	k := d.Key
	switch l, before, what := d.Add(l, a.changes); what {
	case assemble.Same:
		a.problem(l.At, k, l.ID, false, "order %s, line %s: the row stands in the file twice; it counts once", k, l.ID)
	case assemble.Later:
		a.problem(l.At, k, l.ID, false, "order %s, line %s: the file has the line twice (also at %s); the later row counts", k, l.ID, before.At)
	case assemble.Torn:
		a.lost++
		a.problem(l.At, k, l.ID, true, "order %s, line %s: the file has the line twice with different values (also at %s); give each line its own number", k, l.ID, before.At)
	}
}

// orders are those of the file. It is called once, at the end.
func (a *assembly) orders() []erp.Order {
	out := make([]erp.Order, 0, a.drafts.Len())
	for d := range a.drafts.All() {
		if !d.Empty() { // others are named in a problem
			out = append(out, a.finish(d))
		}
	}
	if a.untold > 0 {
		a.problems = append(a.problems, erp.Problem{Where: a.file, What: fmt.Sprintf("%d problems more are not told", a.untold), Lost: true})
	}
	return out
}

// finish tells of the lines that the order is not made with.
func (a *assembly) finish(d *assemble.Draft) erp.Order {
	o, odd, cancelled := d.Finish()
	o.Partial = o.Partial || !a.whole
	for _, l := range odd {
		a.problem(l.At, d.Key, l.ID, false, "order %s is %s, its line %s is %s (%q): the line is left as it is", d.Key, o.State, l.ID, l.State, shorten(l.Word, 40))
	}
	for _, l := range cancelled {
		if o.Partial {
			a.problem(l.At, d.Key, l.ID, false, "order %s: the line %s is cancelled, but not all lines of the order can be told by this file, so the line stays; cancel it in Prodsmart, or send the whole order with whole_orders on", d.Key, l.ID)
		}
	}
	return o
}
