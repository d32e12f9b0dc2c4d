package orders

import (
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Deleted reports that the order is not in Prodsmart any more. Unless the source
// wanted that, a person deleted it: it is not made again.
func (b *Book) Deleted(key string, now time.Time) {
	e := b.entries[key]
	again := e != nil && e.Applied != nil && e.Want.State != erp.Cancelled && b.differs(e)
	switch {
	case e == nil:
		return
	case again && e.Status == Cancelled && !e.Applied.Hidden: // we deleted it ourselves
		b.anew(e)
		b.set(e, now, Changing, false, "open again in the source: to be created")
		return
	case e.Want.State == erp.Closed || e.Status == Conflict && e.Want.State == erp.Cancelled:
		e.ClosedAt = time.Time{}
		b.set(e, now, Over, false, "over in the source; deleted in Prodsmart")
		return
	case e.final() && !again:
		return
	}
	if e.ID != 0 && phaseName(e.Seen.Running) == closed && e.Want.State != erp.Cancelled {
		b.set(e, now, Over, false, "it was closed in Prodsmart, and deleted there since")
		return
	}
	if e.Want.State == erp.Cancelled {
		if e.Applied != nil {
			e.Applied.State = erp.Cancelled
		}
		b.set(e, now, Cancelled, false, "cancelled in the source; it is not in Prodsmart any more")
		return
	}
	b.set(e, now, Refused, true, "deleted in Prodsmart by a person; it is not made again unless an operator wants it (orders resolve)")
}

// See takes over production orders as Prodsmart shows them, from lists or
// messages, each with the moment from which it was like that; others than the
// book's are passed by. now is the present.
func (b *Book) See(orders []prodsmart.ProductionOrder, asOf []time.Time, now time.Time) {
	b.switched(now)
	for i, o := range orders {
		key, ours := b.byID[o.ID]
		if !ours {
			if asOf[i].After(b.passed[o.ID]) {
				b.passed[o.ID] = asOf[i]
				b.stranger(o, now)
			}
			continue
		}
		e := b.entries[key]
		if !asOf[i].After(e.Seen.At) {
			continue // nothing is newer than what is known
		}
		if o.Deleted() {
			b.Deleted(key, now)
			continue
		}
		b.seen(e, o, asOf[i])
		if phaseOf(o) == closed && e.Want.State == erp.Closed && e.Status != Over {
			b.set(e, now, Over, false, "")
		}
	}
	b.progress(now)
}

// Unseen are the numbers of the orders that are not among those listed, though
// they should be: not known to be closed, and last seen before the list's moment.
// They are to be read one by one: give them to See, or to Deleted by their key.
func (b *Book) Unseen(orders []prodsmart.ProductionOrder, trueAt time.Time) map[int64]string {
	listed := map[int64]bool{}
	for _, o := range orders {
		listed[o.ID] = true
	}
	out := map[int64]string{}
	for id, key := range b.byID {
		e := b.entries[key]
		if e == nil || e.Kind != Production || e.ID != id || listed[id] || e.final() || phaseName(e.Seen.Running) == closed && e.Seen.Running != "" {
			continue
		}
		if e.Seen.At.Before(trueAt) && e.Since.Before(trueAt) {
			out[id] = key
		}
	}
	return out
}

// How long, and how often, an order is read again whose goods were written back
// after it was closed: corrections come late, and no list shows them.
const (
	correctable = 7 * 24 * time.Hour
	recheck     = 6 * time.Hour
)

// Corrected are the orders that are to be read again because they may have been
// corrected after they were closed, with their keys; give them to See, or to Deleted.
func (b *Book) Corrected(now time.Time) map[int64]string {
	out := map[int64]string{}
	for _, e := range b.those(func(e *Entry) bool {
		return e.ID != 0 && phaseName(e.Seen.Running) == closed && e.Back.Written.Sign() > 0 && now.Sub(e.Back.WrittenAt) < correctable && now.Sub(e.Seen.At) >= recheck
	}) {
		out[e.ID] = e.Key
	}
	return out
}

// twinWithin is how long after an order was made a second one can be the work of
// something on the way that repeats requests, or of a request that came late.
const twinWithin = 2 * time.Hour

// stranger looks at an order that the book does not know: it may be a second one of
// ours.
func (b *Book) stranger(o prodsmart.ProductionOrder, now time.Time) {
	e := b.marked(o)
	if e == nil || e.ID == 0 || o.Deleted() {
		return
	}
	if b.Twin(e.Key, o) && now.Sub(e.Made) < twinWithin {
		b.twins[o.ID] = e.Key
		return
	}
	if b.begun(e, o) && now.Sub(e.Made) < twinWithin {
		b.exchange(e, o, now)
		return
	}
	if !b.strangers[o.ID] {
		b.strangers[o.ID] = true
		b.say(now, e, true, "another production order carries the same marker: %s (%d) besides %s (%d); delete the one that is too much", o.Code, o.ID, e.Code, e.ID)
	}
}

// marked is the entry whose marker an order carries; nil if it carries none of this
// source.
func (b *Book) marked(o prodsmart.ProductionOrder) *Entry {
	if o.ID == 0 || !strings.Contains(o.Description, "[src:"+b.settings.Source+":") {
		return nil
	}
	source, document, line, ok := readMark(o.Description)
	if !ok || source != b.settings.Source {
		return nil
	}
	return b.entries[document+"\x1f"+line]
}

// Twin says that an order is the same as the entry's own as it was made, and that
// nobody worked on it: a request was done twice. Such a one is too much.
func (b *Book) Twin(key string, o prodsmart.ProductionOrder) bool {
	e := b.entries[key]
	return e != nil && b.alike(e, o) && phaseOf(o) == idle
}

// alike says that an order is another one than the entry's own, and has the values that
// this was made with.
func (b *Book) alike(e *Entry, o prodsmart.ProductionOrder) bool {
	if e.Applied == nil || e.ID == 0 || e.ID == o.ID || b.marked(o) != e || len(o.Products) != 1 {
		return false
	}
	p := o.Products[0]
	return o.Code == e.Code && p.Product == e.Applied.Product && number(p.Ordered).Equal(e.Applied.Quantity) &&
		o.Due.Equal(e.Applied.Due) && strings.TrimSpace(marked.ReplaceAllString(o.Description, "")) == e.Applied.Text
}

// begun says that a request was done twice, and that people work on the second order
// while nobody touched the entry's own.
func (b *Book) begun(e *Entry, o prodsmart.ProductionOrder) bool {
	s := e.Seen
	return b.alike(e, o) && phaseOf(o) != idle && e.Kind == Production && phaseName(s.Running) == idle && s.Produced.Sign() == 0 && s.Ordered.Equal(e.Applied.Quantity) && s.Due.Equal(e.Applied.Due)
}

// exchange makes the second order the entry's own; the one before is too much then.
func (b *Book) exchange(e *Entry, o prodsmart.ProductionOrder, now time.Time) {
	b.say(now, e, false, "a repeated request had made it twice, and people work on the second one: %d is followed instead of %d", o.ID, e.ID)
	delete(b.byID, e.ID)
	b.twins[e.ID] = e.Key
	e.ID = o.ID
	b.seen(e, o, now)
	b.touch(e)
}

// Parted reports that a second order is gone, or that it is none any more.
func (b *Book) Parted(key string, id int64, deleted bool, now time.Time) {
	delete(b.twins, id)
	if e := b.entries[key]; e != nil && deleted {
		b.say(now, e, false, "a repeated request had made it twice: %d was deleted again", id)
	}
}
