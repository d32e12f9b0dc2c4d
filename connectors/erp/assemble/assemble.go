// Package assemble puts orders together of lines that come one by one, each with a
// state of its own: the rows of files and views, the records of services.
package assemble

import (
	"iter"
	"slices"
	"strconv"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Line is a line with its own state, in the system's word, and its place in what was
// read.
type Line struct {
	erp.Line
	State    erp.State
	Word, At string
}

// Orders are those of one read, in the order in which they came. The zero value is empty.
type Orders struct {
	drafts map[string]*Draft
	keys   []string
}

// Draft is an order that is being put together. What it says besides its lines is in
// Order, and the caller's.
type Draft struct {
	// Key is the order's name among all companies.
	Key   string
	Order erp.Order
	lines []Line
	// ids are the indexes in lines; twice those that came with different values.
	ids   map[string]int
	twice map[string]bool
}

// Key is the name of an order among all companies.
func Key(company, id string) string {
	if company == "" {
		return id
	}
	return company + "/" + id
}

// Draft is the order with a key; fresh says that it is new.
func (o *Orders) Draft(company, id string) (d *Draft, fresh bool) {
	k := Key(company, id)
	if d := o.drafts[k]; d != nil {
		return d, false
	}
	if o.drafts == nil {
		o.drafts = map[string]*Draft{}
	}
	d = &Draft{Key: k}
	d.Restart(company, id)
	o.drafts[k], o.keys = d, append(o.keys, k)
	return d, true
}

// Find is the order with a name among all companies; nil if there is none.
func (o *Orders) Find(key string) *Draft { return o.drafts[key] }

// All are the orders, and how many there are.
func (o *Orders) All() iter.Seq[*Draft] {
	return func(yield func(*Draft) bool) {
		for _, k := range o.keys {
			if !yield(o.drafts[k]) {
				return
			}
		}
	}
}

// Len is how many orders there are.
func (o *Orders) Len() int { return len(o.keys) }

// Restart forgets all of an order but its keys: it came again, and this time counts.
func (d *Draft) Restart(company, id string) {
	*d = Draft{Key: d.Key, Order: erp.Order{Company: company, ID: id}, ids: map[string]int{}, twice: map[string]bool{}}
}

// Empty says that the order has no lines.
func (d *Draft) Empty() bool { return len(d.lines) == 0 }

// Outcome is what became of a line that was added.
type Outcome uint8

const (
	// New: the order did not have it.
	New Outcome = iota
	// Same: it came before with the same values, and counts once.
	Same
	// Later: it came before with other values, and this one counts.
	Later
	// Torn: it came before with other values, and none of them counts.
	Torn
)

// Add adds a line. One without an ID is known by its article, and by which of the
// order's lines with that article it is; added has the ID. later says that of two lines
// with one ID the later one counts; before is the one that was there.
func (d *Draft) Add(l Line, later bool) (added, before Line, what Outcome) {
	if l.ID == "" {
		l.ID, l.Loose = d.name(l), true
	}
	i, known := d.ids[l.ID]
	switch {
	case !known:
		d.ids[l.ID] = len(d.lines)
		d.lines = append(d.lines, l)
		return l, Line{}, New
	case alike(d.lines[i], l):
		return l, d.lines[i], Same
	case later:
		before, d.lines[i] = d.lines[i], l
		return l, before, Later
	}
	d.twice[l.ID], d.Order.Partial = true, true
	return l, d.lines[i], Torn
}

// name is an ID for a line that has none.
func (d *Draft) name(l Line) string {
	article := l.Product
	if article == "" {
		article = l.ProductName
	}
	name := article
	for n := 2; ; n++ {
		if _, taken := d.ids[name]; !taken {
			return name
		}
		name = article + "~" + strconv.Itoa(n)
	}
}

// alike says that two lines say the same.
func alike(x, y Line) bool {
	return x.Product == y.Product && x.Quantity.Equal(y.Quantity) && x.Unit == y.Unit && x.Factor.Equal(y.Factor) && x.Due == y.Due &&
		x.State == y.State && x.Word == y.Word && x.Free == y.Free && x.Return == y.Return
}

// Finish gives the order its state, its lines and, with its first line, its due date.
// Where lines differ it is open if one of them is, else held, unknown, closed or
// cancelled. Lines of the order's state are in it. Those that are cancelled then are not,
// since the order does not have them any more. Those of any other state are odd: they are
// left out too, but nothing may be concluded from it, so the order is partial.
func (d *Draft) Finish() (o erp.Order, odd, cancelled []Line) {
	o = d.Order
	o.State, o.Word = d.state()
	for _, l := range d.lines {
		switch {
		case d.twice[l.ID]:
			continue
		case l.State == o.State:
		case l.State == erp.Cancelled:
			cancelled = append(cancelled, l)
			continue
		default:
			o.Partial = true
			odd = append(odd, l)
			continue
		}
		if !l.Due.IsZero() && (o.Due.IsZero() || l.Due.Time.Before(o.Due.Time)) {
			o.Due = l.Due
		}
		o.Lines = append(o.Lines, l.Line)
	}
	return o, odd, cancelled
}

// state is that of the order by those of its lines, with the word of the first line that
// has it; without lines it is the order's own.
func (d *Draft) state() (erp.State, string) {
	for _, s := range []erp.State{erp.Open, erp.Held, erp.Unknown, erp.Closed, erp.Cancelled} {
		if i := slices.IndexFunc(d.lines, func(l Line) bool { return l.State == s }); i >= 0 {
			return s, d.lines[i].Word
		}
	}
	return d.Order.State, d.Order.Word
}
