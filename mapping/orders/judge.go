package orders

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// those are the entries that fit, by key. A book holds years of orders that are over,
// and few that are not.
func (b *Book) those(fit func(e *Entry) bool) []*Entry {
	var out []*Entry
	for _, e := range b.entries {
		if fit(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(x, y *Entry) int { return strings.Compare(x.Key, y.Key) })
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// SetCatalog takes over the products of Prodsmart; lines that waited for one go on.
func (b *Book) SetCatalog(c Catalog, at time.Time) {
	b.catalog = c
	if b.settings.Target == Aggregate {
		b.regroup(at)
	}
	for _, e := range b.those(func(e *Entry) bool { return e.Kind == Client && len(e.Lines) > 0 && !e.final() }) {
		b.positions(e, at)
	}
	b.judgeAll(at)
}

func (b *Book) judgeAll(at time.Time) {
	for _, e := range b.those(func(e *Entry) bool { return e.ID == 0 && e.Intent.IsZero() }) {
		b.judge(e, at)
	}
}

// judge says whether an entry that is not in Prodsmart is to be made now, and
// gives it the status and the reason why not.
func (b *Book) judge(e *Entry, at time.Time) (create bool) {
	if e.Status == Refused {
		return false
	}
	status, reason, alert := b.obstacle(e)
	if agg := b.entries[e.Into]; e.Kind == Part && agg != nil && (status == "" || agg.ID != 0) {
		if e.Status != agg.Status || e.Alert {
			e.Status, e.Reason, e.Alert, e.Since = agg.Status, "part of "+agg.Code, false, at
			b.touch(e)
		}
		return false
	}
	if status == "" {
		if e.Kind == Part {
			return false
		}
		if e.Status != Creating && e.Status != Changing && !e.shadowed() {
			b.set(e, at, Changing, false, "to be created")
		}
		return true
	}
	b.set(e, at, status, alert, reason)
	return false
}

// shadowed says that it was noted what would be done.
func (e *Entry) shadowed() bool { return strings.HasPrefix(e.Reason, shadowMode) }

// obstacle is why an entry is not made now; the status is empty if nothing is in
// the way.
func (b *Book) obstacle(e *Entry) (status Status, reason string, alert bool) {
	w := e.Want
	switch w.State {
	case erp.Cancelled:
		return Cancelled, "cancelled before it was made", false
	case erp.Closed:
		return Over, "closed in the source before it was made", false
	case erp.Held:
		return Waiting, "held in the source", false
	case erp.Unknown:
		word := ""
		if d := b.documents[documentKey(e.Company, e.Document)]; d != nil {
			word = oneLine(d.Word, 60)
		}
		return Waiting, fmt.Sprintf("its state in the source, %q, is in no list of the configuration", word), true
	}
	switch {
	case e.Kind == Client && e.Waits != "":
		return Waiting, e.Waits, b.catalog != nil
	case e.Kind == Client && len(w.Client) == 0:
		return Skipped, "no line of it is made here", false
	case e.Kind == Client:
		return b.late(e)
	}
	if status, reason, alert := b.lacks(e.Raw, w.Product, w.Quantity, w.Due); status != "" {
		return status, reason, alert
	}
	return b.late(e)
}

// lacks is why a line is not made, or what it waits for; the status is empty if it can
// be made. A line without a key is one that only its order in Prodsmart tells of.
func (b *Book) lacks(l erp.Line, product string, quantity decimal.Decimal, due time.Time) (status Status, reason string, alert bool) {
	if l.ID != "" {
		made, why, wait := b.settings.selected(l, b.catalog)
		switch {
		case wait:
			return Waiting, fmt.Sprintf("%s: %s", why, product), true
		case !made:
			return Skipped, why, false
		}
	}
	switch {
	case product == "":
		return Waiting, "the line has no product code; name the product under products, or give the article a code in the source", true
	case quantity.Sign() <= 0:
		return Waiting, fmt.Sprintf("the unit %q is not known; write its factor under units", l.Unit), true
	case due.IsZero():
		return Waiting, "the order has neither a due date nor a date", true
	case b.catalog == nil && b.settings.AnyProduct:
		return "", "", false
	case b.catalog == nil:
		return Waiting, "the products of Prodsmart are not known yet", false
	}
	if _, known := b.catalog[product]; !known {
		return Waiting, notThere + product, true
	}
	return "", "", false
}

// late are the obstacles that come last: a hold, and a refusal by Prodsmart of
// these very values.
func (b *Book) late(e *Entry) (Status, string, bool) {
	if h := b.head.Hold; h != nil {
		return Waiting, "the source is held: " + h.What, false
	}
	if e.Stuck != "" && e.Stuck == e.Want.fingerprint() {
		return Rejected, e.Reason, true
	}
	return "", "", false
}

// fingerprint is all of the wish that is written.
func (w Want) fingerprint() string {
	return fmt.Sprintf("%s|%s|%s|%s|%s|%v|%v", w.Product, w.Quantity, w.Due.UTC().Format(time.RFC3339), w.Text, w.State, w.Client, w.Location)
}
