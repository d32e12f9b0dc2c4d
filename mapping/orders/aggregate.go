package orders

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// aggregates is the document that the orders of all aggregates belong to.
const aggregates = "aggregate"

// bucket is the first day of the day or week that something is due in.
func (s Settings) bucket(due time.Time) string {
	day := due.In(s.Zone)
	if s.Week {
		day = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	}
	return day.Format(time.DateOnly)
}

// regroup gives every line that is made to the production order of its product and
// day or week. A line stays where it is for as long as its product and bucket
// stay; further demand opens another order as soon as the bucket's order was
// started. The ordered quantity is always the sum of the lines. What keeps a line
// from being made (it is held, its product is not known) keeps it out of an order, and
// does not take it out of one that is in Prodsmart.
func (b *Book) regroup(at time.Time) {
	parts := b.parts()
	for _, e := range parts {
		agg := b.entries[e.Into]
		status, _, _ := b.obstacle(e)
		if agg != nil && (b.leaves(e, agg, status) || agg.Want.Product != e.Want.Product || agg.Bucket != b.bucketKey(e)) {
			e.Into = ""
			b.touch(e)
		}
		if status == "" && e.Into == "" {
			agg := b.room(e, at)
			e.Into = agg.Key
			b.touch(e)
			b.say(at, e, false, "part of %s: %s %s", agg.Code, e.Want.Quantity, e.Want.Product)
		}
	}
	b.sums(parts, at)
}

// leaves says that a line is no part of an aggregate any more.
func (b *Book) leaves(e, agg *Entry, obstacle Status) bool {
	if e.Want.State == erp.Cancelled || e.Want.Quantity.Sign() <= 0 {
		return true
	}
	made := agg.ID != 0 || !agg.Intent.IsZero()
	return obstacle != "" && !made && b.head.Hold == nil && b.catalog != nil
}

// parts are the lines, the earliest due first.
func (b *Book) parts() []*Entry {
	parts := b.those(func(e *Entry) bool { return e.Kind == Part })
	slices.SortStableFunc(parts, func(x, y *Entry) int { return x.Want.Due.Compare(y.Want.Due) })
	return parts
}

// bucketKey is what all lines of one aggregate share.
func (b *Book) bucketKey(e *Entry) string {
	return e.Want.Product + " " + b.settings.bucket(e.Want.Due)
}

// room is the aggregate that takes a line: the last one of its bucket if it was
// not started, or, after a loss of the store, one whose lines are not all back.
func (b *Book) room(e *Entry, at time.Time) *Entry {
	bucket := b.bucketKey(e)
	sequence := 1
	for {
		line := e.Want.Product + "/" + b.settings.bucket(e.Want.Due) + "/" + strconv.Itoa(sequence)
		key := aggregates + "\x1f" + line
		agg := b.entries[key]
		if agg == nil {
			agg = &Entry{
				Key: key, Kind: Production, Document: aggregates, Line: line, Ordinal: sequence, Bucket: bucket, Since: at,
			}
			b.entries[key] = agg
			b.name(agg)
			b.set(agg, at, Changing, false, "to be created")
			return agg
		}
		agg.Bucket = bucket
		switch {
		case agg.final():
		case agg.Rebuilt && b.filled(agg).Add(e.Want.Quantity).LessThanOrEqual(agg.Applied.Quantity):
			return agg
		case agg.ID == 0 || strings.EqualFold(agg.Seen.Running, "notstarted") && agg.Seen.Produced.Sign() == 0:
			return agg
		}
		sequence++
	}
}

// filled is the sum of the lines that an aggregate has.
func (b *Book) filled(agg *Entry) decimal.Decimal {
	var sum decimal.Decimal
	for _, e := range b.entries {
		if e.Kind == Part && e.Into == agg.Key {
			sum = sum.Add(e.Want.Quantity)
		}
	}
	return sum
}

// sums gives every aggregate the sum of its lines.
func (b *Book) sums(parts []*Entry, at time.Time) {
	type sum struct {
		quantity decimal.Decimal
		due      time.Time
		groups   []string
		product  string
		lines    int
		closed   int
	}
	of := map[string]*sum{}
	for _, e := range parts {
		if e.Into == "" {
			continue
		}
		s := of[e.Into]
		if s == nil {
			s = &sum{due: e.Want.Due, product: e.Want.Product, groups: e.Want.Groups}
			of[e.Into] = s
		}
		s.lines++
		if e.Want.State == erp.Closed {
			s.closed++
		}
		s.quantity = s.quantity.Add(e.Want.Quantity)
		if e.Want.Due.Before(s.due) {
			s.due = e.Want.Due
		}
	}
	for _, key := range sortedKeys(b.entries) {
		agg := b.entries[key]
		if agg.Document != aggregates || agg.Kind != Production {
			continue
		}
		s := of[key]
		if s == nil {
			// After a loss of the store the lines come back with the first read.
			if agg.Want.State != erp.Cancelled && !agg.final() && !(agg.Rebuilt && b.head.Full.IsZero()) && agg.Seen.Running != "closed" {
				agg.Want.State = erp.Cancelled
				b.touch(agg)
			}
			continue
		}
		if agg.Rebuilt && b.head.Full.IsZero() && agg.Applied != nil && s.quantity.LessThan(agg.Applied.Quantity) {
			continue // they come back with the first whole read
		}
		want := agg.Want
		want.Product, want.Quantity, want.Due, want.Groups, want.State = s.product, s.quantity, s.due, s.groups, erp.Open
		switch {
		case s.closed == s.lines && agg.ClosedAt.IsZero():
			agg.ClosedAt = at
			fallthrough
		case s.closed == s.lines:
			want.State = erp.Closed
		case agg.Want.State == erp.Closed:
			agg.ClosedAt = time.Time{}
		}
		want.Text = oneLine(fmt.Sprintf("%d lines for %s", s.lines, b.settings.bucket(s.due)), 200)
		if want.fingerprint() != agg.Want.fingerprint() {
			agg.Want = want
			b.touch(agg)
			b.unask(agg, at)
		}
	}
}
