package uplink

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Prodsmart books what it is told on the record that a worker has open at that
// moment. Pieces that were made for one order and are told while the next one
// runs are booked on the wrong one. So the counter goes out directly when the
// order changes; and if that was not possible, the backlog is held or named.

// earlierPieces is how many untold pieces were made for an order before the
// present one.
func (l *lane) earlierPieces() int64 {
	r := &l.report
	if r.OrderSince.IsZero() || !l.record.Told.Counted || l.set.NoCounter {
		return 0
	}
	return max(0, min(r.Count, r.OrderCount)-l.record.Told.Count)
}

// boundary says that the order just changed and pieces of the one before can
// still be told in time.
func (d *Desk) boundary(now time.Time, l *lane) bool {
	return l.earlierPieces() > 0 && !d.orderIsOld(now, l)
}

// orderIsOld says that the present order has run for so long that a worker has
// surely opened its record.
func (d *Desk) orderIsOld(now time.Time, l *lane) bool {
	return now.Sub(l.report.OrderSince) >= d.settings.LateAfter
}

// holdsBacklog says that the counter waits for Release. What may have been
// applied already is not held.
func (d *Desk) holdsBacklog(now time.Time, l *lane) bool {
	return d.settings.Backlog == HoldBacklog && l.earlierPieces() > 0 && d.orderIsOld(now, l) &&
		l.floor() < l.report.OrderCount && !l.released.Equal(l.report.OrderSince)
}

// Release lets the held backlog of a machine be told, on whatever record is open
// in Prodsmart. It is false if none is held.
func (d *Desk) Release(now time.Time, machine string) bool {
	l := d.byCode[machine]
	if l == nil || !d.holdsBacklog(now, l) {
		return false
	}
	l.released = l.report.OrderSince
	d.settle(now, l)
	return true
}

// watchBacklog reports the beginning and the end of holding.
func (d *Desk) watchBacklog(now time.Time, l *lane) {
	held := d.holdsBacklog(now, l)
	if held == l.held {
		return
	}
	l.held = held
	e := d.backlogEvent(now, l, BacklogHeld, l.earlierPieces())
	e.Level, e.Over = Alarm, !held
	if held {
		e.Text = fmt.Sprintf("%d pieces of %s could not be told before the order changed to %s at %s. The counter waits, because they would be booked on the record that is open now. Release them when the right record is open, or correct Prodsmart by hand and release them then.",
			e.Pieces, earlierOrder(&l.record.Told), orderName(l.report.Order), d.clock(e.To))
	} else {
		e.Level, e.Text = Notice, "The counter is not held any more."
	}
	d.event(e)
}

// toldLate reports that pieces of an earlier order were told too late for it.
func (d *Desk) toldLate(now time.Time, l *lane, w Work) {
	if w.belated == 0 {
		return
	}
	e := d.backlogEvent(now, l, BacklogLate, w.belated)
	e.Order, e.From, e.Level = w.before.Told.Order, w.before.Told.CountAt, Notice
	e.Text = fmt.Sprintf("%d pieces of %s were told after the order had changed to %s at %s; they are booked on the record that was open.",
		e.Pieces, earlierOrder(&w.before.Told), orderName(l.report.Order), d.clock(e.To))
	d.event(e)
}

func (d *Desk) backlogEvent(now time.Time, l *lane, code Code, pieces int64) Event {
	told := &l.record.Told
	return Event{Time: now, Machine: l.machine, Code: code, Pieces: pieces, Order: told.Order, From: told.CountAt, To: l.report.OrderSince}
}

func orderName(order string) string {
	if order == "" {
		return "no order"
	}
	return "order " + order
}

// earlierOrder names the order that was told last. A record without the time of its
// count is of a gateway that did not know orders.
func earlierOrder(t *Told) string {
	if t.Order == "" && t.CountAt.IsZero() {
		return "an earlier order"
	}
	return orderName(t.Order)
}

// sameOrder says that two reports are of one order.
func sameOrder(a, b *prodsmart.Report) bool {
	return a.Order == b.Order && a.OrderCount == b.OrderCount && a.OrderSince.Equal(b.OrderSince)
}
