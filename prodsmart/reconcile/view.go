package reconcile

import (
	"math/big"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// DowntimesOf gives the downtimes of a machine out of a list. Those whose times
// can not be read are left out, and their number is given.
func DowntimesOf(machine string, list []prodsmart.Downtime) (out []Downtime, unread int) {
	for i := range list {
		d := &list[i]
		if !slices.ContainsFunc(d.Machines, func(m prodsmart.Reference) bool { return m.Code == machine }) {
			continue
		}
		if d.Start.IsZero() || d.End.IsZero() && !d.Open {
			unread++
			continue
		}
		out = append(out, Downtime{ID: d.ID, Type: d.Type, Start: d.Start, End: endOf(d.End, d.Open),
			Worker: d.StartedBy.Number, Closer: d.ClosedBy.Number})
	}
	return out, unread
}

// ProductionsOf gives the productions of a machine out of a list, as DowntimesOf
// does.
func ProductionsOf(machine string, list []prodsmart.Production) (out []Production, unread int) {
	for i := range list {
		p := &list[i]
		if p.Machine.Code != machine {
			continue
		}
		if p.Start.IsZero() || p.End.IsZero() && !p.Open {
			unread++
			continue
		}
		view := Production{ID: p.ID, Order: p.Order.Code, Operation: p.Operation, Start: p.Start, End: endOf(p.End, p.Open),
			Quantity: p.Quantity, Waste: map[string]prodsmart.Decimal{}}
		for _, w := range p.Waste {
			sum, ok := plus(view.Waste[w.Waste.Code], w.Quantity)
			if !ok || w.Waste.Code == "" {
				view.WasteUnknown = true
				continue
			}
			view.Waste[w.Waste.Code] = sum
		}
		out = append(out, view)
	}
	return out, unread
}

// endOf is zero for a record that is open, whatever end is stated.
func endOf(end time.Time, open bool) time.Time {
	if open {
		return time.Time{}
	}
	return end
}

// plus adds to a sum, which begins as no number. False is a number that could
// not be read, or a sum of more digits than a Decimal has.
func plus(sum, d prodsmart.Decimal) (prodsmart.Decimal, bool) {
	if sum.IsZero() || d.IsZero() {
		return d, !d.IsZero()
	}
	exact := new(big.Rat).Add(sum.Rat(), d.Rat())
	places, _ := exact.FloatPrec() // a sum of decimals is one
	d, err := prodsmart.ParseDecimal(exact.FloatString(places))
	return d, err == nil
}
