package orders

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// Observe takes over what a read of the source showed at a moment. Nothing is
// sent because of it alone: ask Next.
func (b *Book) Observe(read erp.OrderRead, at time.Time) {
	read = fit(read)
	b.problems("orders", read.Problems, at)
	b.observe(read, nil, at)
}

// Found is an order that the source was asked for alone, with what could not be read
// of it.
type Found struct {
	Order    erp.Order
	Problems []erp.Problem
}

// Asked takes over what the source showed of single orders (Doubtful, Expected), and
// which of them it does not have.
func (b *Book) Asked(found []Found, gone []Document, at time.Time) {
	var read erp.OrderRead
	old := at.Add(-aged)
	for _, f := range found {
		if d := b.find(f.Order.Company, f.Order.ID, f.Order.Aliases); d != nil && d.Missed == 0 && d.LastSeen.Before(old) && !b.head.Proven {
			b.head.Proven = true
			b.touchHead()
		}
		one := fit(erp.OrderRead{Orders: []erp.Order{f.Order}, Problems: f.Problems})
		b.problems("order "+documentKey(f.Order.Company, f.Order.ID), one.Problems, at)
		read.Orders, read.Problems = append(read.Orders, one.Orders...), append(read.Problems, one.Problems...)
	}
	b.observe(read, b.gone(gone, at), at)
}

// aged is how long an order that is found alone was in no read.
const aged = 24 * time.Hour

// observe takes over a read whose problems are told; cancelled are entries that are
// cancelled besides.
func (b *Book) observe(read erp.OrderRead, cancelled []*Entry, at time.Time) {
	if g := read.Gap; g != nil {
		b.say(at, nil, true, "the source can not be asked any more for changes from %s to %s: orders that came new in that span have to be looked up there by hand",
			g.From.Format(time.DateOnly), g.To.Format(time.DateOnly))
	}
	words := map[string]int{}
	seen := map[string]bool{}
	for _, o := range read.Orders {
		if o.ID == "" || o.OnlyKnown && b.find(o.Company, o.ID, o.Aliases) == nil {
			continue
		}
		d, gone := b.order(o, at)
		cancelled = append(cancelled, gone...)
		seen[documentKey(d.Company, d.ID)] = true
		if o.State == erp.Unknown {
			words[o.Word]++
		}
	}
	for _, p := range read.Problems {
		if p.Order != "" {
			seen[p.Order] = true
			if d := b.find("", p.Order, nil); d != nil {
				seen[documentKey(d.Company, d.ID)] = true
				d.LastSeen = at
				b.touchDocument(d)
			}
		}
	}
	b.unknownWords(words, at)
	if read.Complete {
		cancelled = append(cancelled, b.missing(seen, at)...)
	}
	b.guard(cancelled, at)
	if b.settings.Target == Aggregate {
		b.regroup(at)
	}
	if read.Mark != "" && read.Mark != b.head.Mark {
		b.head.Mark = read.Mark
		b.touchHead()
	}
	b.judgeAll(at)
}

// mostTold bounds the problems of a read that are told, mostWords the unknown states.
const (
	mostTold  = 1000
	mostWords = 100
)

// problems tells each problem once, for as long as reads of the same have it.
func (b *Book) problems(of string, list []erp.Problem, at time.Time) {
	still := map[string]bool{}
	for key := range b.told {
		if !strings.HasPrefix(key, of+"\n") {
			still[key] = true
		}
	}
	if len(list) > mostTold {
		more := erp.Problem{Where: "the read of " + of, What: fmt.Sprintf("there are more than %d problems; the others are not told", mostTold)}
		list = append(slices.Clone(list[:mostTold]), more)
	}
	for _, p := range list {
		key := of + "\n" + p.Where + "\n" + p.What
		still[key] = true
		if !b.told[key] {
			b.say(at, nil, p.Lost, "%s: %s", oneLine(p.Where, 200), oneLine(p.What, 400))
		}
	}
	b.told = still
}

// unknownWords tells each word of a state that nobody configured once.
func (b *Book) unknownWords(words map[string]int, at time.Time) {
	for _, word := range sortedKeys(words) {
		n := words[word]
		if b.unheard[word] == 0 && len(b.unheard) >= mostWords {
			b.once(at, fmt.Sprintf("there are more than %d such states; the others are not told: look whether the field of the state is the right one", mostWords))
			return
		}
		if b.unheard[word] == 0 {
			b.say(at, nil, true, "%d orders have the state %q, which is in no list of the configuration: nothing is done with them", n, oneLine(word, 60))
		}
		b.unheard[word] = n
	}
}

// find is the document with one of the keys.
func (b *Book) find(company, id string, aliases []string) *Document {
	for _, one := range append([]string{id}, aliases...) {
		key := documentKey(company, one)
		if d := b.documents[key]; d != nil && (d.Word != twinWord || b.documents[b.aliases[key]] == nil) {
			return d
		}
		if d := b.documents[b.aliases[key]]; d != nil {
			return d
		}
	}
	return nil
}

// unite is the document that an order is. If one of its keys was taken for another
// document before, because an answer did not say that they belong together, one with
// orders in Prodsmart counts, and one without any is forgotten. What another one made is
// there twice: gone are its entries, which are cancelled.
func (b *Book) unite(o erp.Order, at time.Time) (keep *Document, gone []*Entry) {
	var all []*Document
	for _, key := range append([]string{o.ID}, o.Aliases...) {
		if d := b.find(o.Company, key, nil); d != nil && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	if len(all) < 2 {
		return b.find(o.Company, o.ID, o.Aliases), nil
	}
	keep = slices.MaxFunc(all, func(x, y *Document) int { return cmp.Compare(b.weight(x), b.weight(y)) })
	for _, d := range all {
		switch {
		case d == keep || d.Word == twinWord:
		case !b.hasOrders(d):
			b.say(at, nil, false, "order %s, which an answer showed without its number, is order %s", d.name(), keep.name())
			b.drop(d)
		default:
			b.say(at, nil, true, "order %s, which an answer showed without its number, is order %s, and was made twice: what was made of it is cancelled", d.name(), keep.name())
			d.State, d.Word, d.Missed, d.MissedSince = erp.Cancelled, twinWord, 0, time.Time{}
			for _, id := range sortedKeys(d.Lines) {
				if e := b.entries[d.Lines[id]]; e != nil {
					gone = append(gone, b.removeLine(e, at)...)
				}
			}
			b.touchDocument(d)
		}
	}
	return keep, gone
}

// weight is how much there is of a document: what was begun in Prodsmart counts more than
// what is there, and of equals the older orders count.
func (b *Book) weight(d *Document) (weight int64) {
	if d.Word == twinWord {
		return -1
	}
	for _, key := range d.Lines {
		switch e := b.entries[key]; {
		case e == nil || e.ID == 0 && e.Intent.IsZero() && e.Into == "":
		case e.Seen.Produced.Sign() > 0:
			return math.MaxInt64
		default:
			weight = max(weight, math.MaxInt64-1-max(e.ID, 0))
		}
	}
	return weight
}

// twinWord is the word of the state of a document that is another one.
const twinWord = "(is another order)"

// hasOrders says that a line of the document is in Prodsmart, or about to be.
func (b *Book) hasOrders(d *Document) bool {
	for _, key := range d.Lines {
		if e := b.entries[key]; e != nil && (e.ID != 0 || !e.Intent.IsZero() || e.Into != "") {
			return true
		}
	}
	return false
}

// drop forgets a document of which nothing was made.
func (b *Book) drop(d *Document) {
	for _, key := range d.Lines {
		e := b.entries[key]
		if e == nil {
			continue
		}
		delete(b.entries, key)
		delete(b.codes, string(e.Kind)+e.Code)
		b.dirty[rowName{rowEntry, key}] = true
	}
	own := documentKey(d.Company, d.ID)
	delete(b.documents, own)
	for alias, key := range b.aliases {
		if key == own {
			delete(b.aliases, alias)
		}
	}
	b.dirty[rowName{rowDocument, own}] = true
}

// freeze leaves an order as it is while nobody knows what its state means.
func (b *Book) freeze(d *Document, at time.Time) {
	if d.open() {
		d.State = erp.Unknown
	}
	for _, key := range d.Lines {
		e := b.entries[key]
		if e == nil || e.final() || e.Want.State == erp.Closed || e.Want.State == erp.Cancelled {
			continue
		}
		e.Want.State = erp.Unknown
		b.follow(e)
		if e.ID != 0 && (e.Status == Mirrored || e.Status == Changing) { // others are in sight already
			b.set(e, at, e.Status, true, fmt.Sprintf("%s, %q, is in no list of the configuration: nothing is changed", strangeState, oneLine(d.Word, 60)))
		}
		b.touch(e)
	}
	b.touchDocument(d)
}

// strangeState begins the reason of an entry whose order has a state that nobody
// configured.
const strangeState = "its state in the source"

// thaw takes back what freeze said.
func (b *Book) thaw(d *Document, at time.Time) {
	for _, key := range d.Lines {
		if e := b.entries[key]; e != nil && e.ID != 0 && e.Alert && strings.HasPrefix(e.Reason, strangeState) {
			b.set(e, at, e.Status, false, "")
		}
	}
}

// order takes over one order. gone are the entries that it cancels.
func (b *Book) order(o erp.Order, at time.Time) (d *Document, gone []*Entry) {
	d, gone = b.unite(o, at)
	if d == nil && len(o.Aliases) > 0 {
		d = b.adopted(o)
	}
	if d == nil {
		d = &Document{Company: o.Company, ID: o.ID, Next: 1, Lines: map[string]string{}}
	}
	for _, a := range append(slices.Clone(o.Aliases), o.ID) {
		if a != d.ID && !slices.Contains(d.Aliases, a) {
			d.Aliases = append(d.Aliases, a)
		}
	}
	d.Adopted = false
	d.Number, d.Word, d.LastSeen, d.Missed, d.MissedSince = o.Number, o.Word, at, 0, time.Time{}
	d.Unfound = time.Time{}
	before := d.State
	if o.State == erp.Unknown && len(d.Lines) > 0 {
		b.freeze(d, at)
		return d, gone
	}
	d.State = o.State
	b.thaw(d, at)
	if d.State == erp.Closed && before != erp.Closed {
		for _, key := range d.Lines {
			if e := b.entries[key]; e != nil && e.ClosedAt.IsZero() {
				e.ClosedAt = at
			}
		}
	}
	if len(d.Lines) == 0 && (d.State == erp.Closed || d.State == erp.Cancelled) {
		b.touchDocument(d) // it was over before it was ever seen
		return d, gone
	}
	gone = append(gone, b.lines(d, o, at)...)
	if b.settings.Target == ClientOrders || b.settings.Target == Both {
		gone = append(gone, b.clientOrder(d, o, at)...)
	}
	b.touchDocument(d)
	return d, gone
}
