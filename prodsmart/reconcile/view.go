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
			view.Waste[w.Waste.Code] = plus(view.Waste[w.Waste.Code], w.Quantity)
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

// plus adds decimals exactly; one that could not be read spoils the sum.
func plus(a, b prodsmart.Decimal) prodsmart.Decimal {
	if a.IsZero() || b.IsZero() {
		return b
	}
	sum := new(big.Rat).Add(a.Rat(), b.Rat())
	places, exact := sum.FloatPrec()
	if !exact {
		return prodsmart.Decimal{}
	}
	d, err := prodsmart.ParseDecimal(sum.FloatString(places))
	if err != nil {
		return prodsmart.Decimal{}
	}
	return d
}
