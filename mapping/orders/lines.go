package orders

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// lines takes over the lines of an order.
func (b *Book) lines(d *Document, o erp.Order, at time.Time) (gone []*Entry) {
	if b.settings.Target == ClientOrders || b.settings.Target == Replenish {
		return nil
	}
	o.Lines = distinct(o.Lines)
	b.rematch(d, o)
	now := map[string]bool{}
	for _, l := range o.Lines {
		now[l.ID] = true
		e := b.entries[d.Lines[l.ID]]
		if product := b.settings.article(l); e != nil && e.Unproven && e.Applied != nil && e.Applied.Product != product && product != "" {
			b.say(at, e, true, "the store was lost, and the source wants %s where Prodsmart has %s first: that may be a planner's change, and stays", product, e.Applied.Product)
			e.Applied.Product = product
		}
		if e != nil && e.Applied != nil && e.Applied.Product != b.settings.article(l) && b.settings.article(l) != "" {
			b.say(at, e, false, "the line asks for %s instead of %s: one line removed, one added", l.Product, e.Applied.Product)
			gone = append(gone, b.removeLine(e, at)...)
			e = nil
		}
		if e == nil {
			e = b.newEntry(d, o, l, at)
			d.Lines[l.ID] = e.Key
		}
		if e.Want.State != erp.Cancelled && d.State == erp.Cancelled {
			gone = append(gone, e)
		}
		before := e.unmakeable()
		e.Raw, e.LineNow, e.Number = l, l.ID, o.Number
		e.Want = b.inAggregate(e, b.dated(e, o, b.want(d, o, l), at), at)
		b.stays(e, before, at)
		e.Unproven = e.Unproven && e.disputed()
		b.unask(e, at)
		b.follow(e)
		b.touch(e)
	}
	if o.Partial {
		return gone
	}
	for id, key := range d.Lines {
		if e := b.entries[key]; !now[id] && e != nil && e.Kind != Client {
			gone = append(gone, b.removeLine(e, at)...)
		}
	}
	return gone
}

// unask takes a question back that is about a quantity which the source does not want
// any more.
func (b *Book) unask(e *Entry, at time.Time) {
	if e.Ask == nil || e.Applied == nil || !strings.HasPrefix(e.Ask.About, "quantity ") || !e.Want.Quantity.Equal(e.Applied.Quantity) {
		return
	}
	e.Ask = nil
	if e.Status == Asking {
		b.set(e, at, Mirrored, false, "")
		b.say(at, e, false, "the source wants %s again: nothing is to be decided", e.Want.Quantity)
	}
}

// dated keeps the date of a line whose order has none any more: one that can only be
// assumed is not better than the one that was given.
func (b *Book) dated(e *Entry, o erp.Order, next Want, at time.Time) Want {
	if !next.Assumed || e.Want.Assumed || e.Want.Due.IsZero() {
		return next
	}
	if !e.Want.Dateless {
		b.say(at, e, e.ID != 0, "the source names no due date any more: %s stays", e.Want.Due.In(b.settings.Zone).Format("2006-01-02 15:04"))
	}
	next.Due, next.Text, next.Assumed, next.Dateless = e.Want.Due, b.settings.headline(o, false), false, true
	return next
}

// inAggregate leaves a line of an aggregate that is in Prodsmart as it was while what the
// source wants of it can not be made: its unit or article is not known, or it wants none.
func (b *Book) inAggregate(e *Entry, next Want, at time.Time) Want {
	agg := b.entries[e.Into]
	if e.Kind != Part || agg == nil || agg.ID == 0 && agg.Intent.IsZero() {
		return next
	}
	what := fmt.Sprintf("%s, order %s, line %s: ", agg.Name(), e.Number, e.Raw.ID)
	if next.Quantity.Sign() > 0 && next.Product != "" {
		b.forgetOnce(what)
		return next
	}
	b.once(at, fmt.Sprintf("%s%s %q %q can not be made, so it stays at %s; correct the line, or write its unit under units", what, e.Raw.Quantity, oneLine(e.Raw.Unit, 40), oneLine(e.Raw.Product, 40), e.Want.Quantity))
	next.Product, next.Quantity, next.Unit = e.Want.Product, e.Want.Quantity, e.Want.Unit
	return next
}

// unmakeable is why what the source wants of an order can not be taken over; empty if
// it can.
func (e *Entry) unmakeable() string {
	switch {
	case e.ID == 0 || e.Raw.ID == "" || e.Want.State != erp.Open || e.Want.Quantity.Sign() > 0:
		return ""
	case e.Raw.Quantity.Sign() <= 0:
		return fmt.Sprintf("the source wants %s: the production order stays as it is; cancel the line there, or delete the order in Prodsmart", e.Raw.Quantity)
	}
	return fmt.Sprintf("the unit %q is not known, so the quantity stays as it is; write its factor under units", oneLine(e.Raw.Unit, 40))
}

// stays keeps in sight that an order is not what the source wants; before is why it
// was not at the last read.
func (b *Book) stays(e *Entry, before string, at time.Time) {
	if e.Status != Mirrored && e.Status != Changing {
		return
	}
	switch why := e.unmakeable(); {
	case why != "" && e.Reason != why:
		b.set(e, at, Mirrored, true, why)
	case why == "" && before != "" && e.Reason == before:
		b.set(e, at, Mirrored, false, "")
	}
}

// distinct gives lines that share a key keys of their own.
func distinct(lines []erp.Line) []erp.Line {
	n := map[string]int{}
	out := slices.Clone(lines)
	for i := range out {
		id := out[i].ID
		n[id]++
		if n[id] > 1 {
			out[i].ID = id + "~" + strconv.Itoa(n[id])
		}
	}
	return out
}

// removeLine notes that the source does not have the line any more.
func (b *Book) removeLine(e *Entry, _ time.Time) []*Entry {
	if e.Want.State == erp.Cancelled {
		return nil
	}
	e.Want.State = erp.Cancelled
	b.follow(e)
	b.touch(e)
	return []*Entry{e}
}

// follow lets the orders for more of a line, made after its first one was
// closed, follow the line's state and date.
func (b *Book) follow(e *Entry) {
	for _, key := range e.More {
		if more := b.entries[key]; more != nil {
			more.Want.State, more.Want.Due, more.Want.Text = e.Want.State, e.Want.Due, e.Want.Text
			b.touch(more)
		}
	}
}

// newEntry makes the entry of a line that was not seen before.
func (b *Book) newEntry(d *Document, o erp.Order, l erp.Line, at time.Time) *Entry {
	kind := Production
	if b.settings.Target == Aggregate {
		kind = Part
	}
	key := documentKey(d.Company, d.ID) + "\x1f" + l.ID
	for n := 2; b.entries[key] != nil; n++ {
		key = documentKey(d.Company, d.ID) + "\x1f" + l.ID + "#" + strconv.Itoa(n)
	}
	e := &Entry{Key: key, Kind: kind, Company: d.Company, Document: d.ID, Line: l.ID, Ordinal: d.Next, Since: at}
	d.Next++
	b.entries[key] = e
	return e
}

// want is what the source wants of a line.
func (b *Book) want(d *Document, o erp.Order, l erp.Line) Want {
	s := b.settings
	due, assumed := s.due(o, l)
	w := Want{
		Assumed: assumed,
		Product: s.article(l), Quantity: s.quantity(l), Due: due, Text: s.headline(o, assumed), Notes: several(o.Note, 2000),
		Location: s.Locations[o.Location], Groups: l.Groups, State: d.State, Unit: l.Unit,
	}
	w.Observations = observations(l)
	for from, to := range s.Fields {
		if v := oneLine(o.Info[from], 200); v != "" {
			if w.Fields == nil {
				w.Fields = map[string]string{}
			}
			w.Fields[to] = v
		}
	}
	return w
}

// observations say at the product what is special about the line.
func observations(l erp.Line) string {
	var parts []string
	if l.Free {
		parts = append(parts, "free")
	}
	if l.Note != "" {
		parts = append(parts, l.Note)
	}
	return oneLine(strings.Join(parts, ", "), 250)
}

// quantity is in the product's own units; zero if the unit is not known.
func (s Settings) quantity(l erp.Line) decimal.Decimal { return l.Quantity.Mul(s.factor(l)) }

// factor is how many of Prodsmart's units one unit of a line is; 0 if nobody knows.
func (s Settings) factor(l erp.Line) decimal.Decimal {
	if l.Factor.Sign() > 0 {
		return l.Factor
	}
	return s.Units[l.Unit]
}

// rematch attaches entries to lines that were given other keys: where none of an
// order's known lines is left, or where the system's keys do not stay with their lines
// (it gives other ones with each edit, or counts the lines anew). They are compared by
// product, unit and quantity, then by product and unit, then by product, and of those
// that fit equally the one with the same key is taken.
func (b *Book) rematch(d *Document, o erp.Order) {
	if o.Partial {
		return // a line that is not here is not gone
	}
	loose := slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.Loose })
	old, left := []*Entry{}, false
	for id, key := range d.Lines {
		e := b.entries[key]
		there := slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.ID == id })
		switch {
		case e == nil || e.Kind == Client:
		case there && !loose:
			left = true
		case e.Want.State != erp.Cancelled:
			old = append(old, e)
		}
	}
	fresh := o.Lines
	if !loose {
		fresh = slices.DeleteFunc(slices.Clone(o.Lines), func(l erp.Line) bool { return d.Lines[l.ID] != "" })
	}
	if len(old) == 0 || len(fresh) == 0 || left {
		return
	}
	slices.SortFunc(old, func(x, y *Entry) int { return x.Ordinal - y.Ordinal })
	maps.DeleteFunc(d.Lines, func(_, key string) bool { return slices.Contains(old, b.entries[key]) })
	taken := map[string]bool{}
	attach := func(e *Entry, id string) {
		taken[id] = true
		d.Lines[id], e.LineNow = e.Key, id
	}
	same := func(e *Entry, l erp.Line) bool { return e.now() == l.ID }
	unit := func(e *Entry, l erp.Line) bool { return e.Want.Unit == l.Unit }
	product := func(e *Entry, l erp.Line) bool { return b.settings.article(l) == e.Want.Product }
	like := func(e *Entry, l erp.Line) bool { return product(e, l) && unit(e, l) }
	all := func(e *Entry, l erp.Line) bool { return like(e, l) && e.Want.Quantity.Equal(b.settings.quantity(l)) }
	for _, fits := range []func(e *Entry, l erp.Line) bool{
		func(e *Entry, l erp.Line) bool { return same(e, l) && all(e, l) }, all,
		func(e *Entry, l erp.Line) bool { return same(e, l) && like(e, l) }, like,
		func(e *Entry, l erp.Line) bool { return same(e, l) && product(e, l) }, product,
		func(e *Entry, l erp.Line) bool { return same(e, l) && e.Unproven }, // a planner may have changed its product
	} {
		old = slices.DeleteFunc(old, func(e *Entry) bool {
			for _, l := range fresh {
				if !taken[l.ID] && fits(e, l) {
					attach(e, l.ID)
					return true
				}
			}
			return false
		})
	}
	for _, e := range old { // what is left over is gone, also if another line has its key now
		id := e.now()
		if d.Lines[id] != "" || slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.ID == id }) {
			id = "\x00" + e.Key
		}
		d.Lines[id] = e.Key
	}
}

// now is the key that the entry's line has in the source today.
func (e *Entry) now() string {
	if e.LineNow != "" {
		return e.LineNow
	}
	return e.Line
}
