package orders

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// telling is what there is to tell about one production order, or about all that is
// made of one order of the source.
type telling struct {
	// e keeps what was told, owner the number that the external ids are made of.
	e, owner *Entry
	// stage is empty while there is nothing to tell.
	stage         erp.Stage
	ordered, made decimal.Decimal
	// asked says that an operator wants it told as it is now, over that it is closed in
	// Prodsmart.
	asked, over bool
	// what names it to people.
	what string
}

// ofOrder says that a kind is about the whole order of the source: it has one note and
// one status, however many lines are made of it.
func ofOrder(kind erp.Kind) bool { return kind == erp.Note || kind == erp.Status }

// single is what there is to tell about one production order, or one line's share in it.
func single(e, owner *Entry, made decimal.Decimal) telling {
	return telling{
		e: e, owner: owner, stage: e.stage(owner, made), ordered: e.Want.Quantity, made: made, asked: owner.Back.Asked,
		over: phaseName(owner.Seen.Running) == closed,
		what: fmt.Sprintf("%s: %s of %s %s", owner.Code, made, e.Want.Quantity, e.Want.Product),
	}
}

// tellOrders tells of the orders of the source that those entries belong to. open are
// the keys of entries of whose orders there is more to tell.
func (b *Book) tellOrders(entries []*Entry, at time.Time) (open map[string]bool) {
	open = map[string]bool{}
	kinds := slices.DeleteFunc(sortedKinds(b.settings.Writes), func(k erp.Kind) bool { return !ofOrder(k) })
	if len(kinds) == 0 {
		return open
	}
	shares, of := map[string]decimal.Decimal{}, map[string][]string{}
	for _, agg := range b.those(func(e *Entry) bool { return e.Document == aggregates }) {
		b.shareOut(agg, func(part *Entry, made decimal.Decimal) {
			shares[part.Key] = made
			of[agg.Key] = append(of[agg.Key], documentKey(part.Company, part.Document))
		})
	}
	lines := b.made()
	told := map[string]bool{} // and whether there is no more
	for _, e := range entries {
		keys := of[e.Key]
		if e.Document != aggregates && e.Bucket == "" {
			keys = []string{documentKey(e.Company, e.Document)}
		}
		for _, key := range keys {
			over, known := told[key]
			if !known {
				over = true
				for _, kind := range kinds {
					t, ok := b.whole(kind, lines[key], shares)
					if ok {
						b.words(t, kind, b.settings.Writes[kind], at)
					}
					over = over && ok && t.stage == erp.Completed
				}
				told[key] = over
			}
			open[e.Key] = open[e.Key] || !over
		}
	}
	return open
}

// made are the entries of each order of the source that are, or shall be, made.
func (b *Book) made() map[string][]*Entry {
	out := map[string][]*Entry{}
	for _, e := range b.those(func(e *Entry) bool {
		return e.Kind != Client && e.Document != aggregates && e.Bucket == "" && e.Status != Skipped && e.Status != Cancelled && e.Status != Refused
	}) {
		key := documentKey(e.Company, e.Document)
		out[key] = append(out[key], e)
	}
	return out
}

// whole is what there is to tell about an order of the source, of which those lines are
// made. It is complete when all of them are closed, and begun with the first piece of
// any. A line that was cancelled too late counts only if all were. Nothing is told before
// all that is in Prodsmart was seen there.
func (b *Book) whole(kind erp.Kind, lines []*Entry, shares map[string]decimal.Decimal) (telling, bool) {
	var t telling
	found := map[erp.Stage]int{}
	if wanted := slices.DeleteFunc(slices.Clone(lines), func(e *Entry) bool { return e.Status == Conflict }); len(wanted) > 0 {
		lines = wanted
	}
	for _, e := range lines {
		owner, made := e, e.Seen.Produced
		if e.Kind == Part {
			owner, made = b.entries[e.Into], shares[e.Key]
		}
		t.ordered = t.ordered.Add(e.Want.Quantity)
		for _, more := range e.More { // has entries of its own
			if m := b.entries[more]; m != nil {
				t.ordered = t.ordered.Sub(m.Want.Quantity)
			}
		}
		if owner == nil || owner.ID == 0 {
			continue // it waits
		}
		if owner.Seen.At.IsZero() || owner.nameless() || e.nameless() {
			return telling{}, false
		}
		if t.e == nil || t.e.Back.Told[kind].Stage == "" && e.Back.Told[kind].Stage != "" {
			t.e, t.owner = e, owner
		}
		t.made, t.asked = t.made.Add(made), t.asked || owner.Back.Asked
		found[e.stage(owner, made)]++
	}
	if t.e == nil {
		return telling{}, false
	}
	if len(lines) == 1 {
		return single(t.e, t.owner, t.made), true
	}
	switch {
	case found[erp.Conflict] == len(lines):
		t.stage = erp.Conflict
	case found[erp.Completed] == len(lines):
		t.stage = erp.Completed
	case found[erp.Late] > 0:
		t.stage = erp.Late
	case t.made.Sign() > 0:
		t.stage = erp.Progressed
	}
	t.what = fmt.Sprintf("order %s: %s of %s", cmp.Or(t.e.Number, t.e.Document), t.made, t.ordered)
	return t, true
}
