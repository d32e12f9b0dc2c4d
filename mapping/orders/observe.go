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

// Observe takes over what a read of the source showed at a moment. Nothing is
// sent because of it alone: ask Next.
func (b *Book) Observe(read erp.OrderRead, at time.Time) {
	b.problems(read.Problems, at)
	if g := read.Gap; g != nil {
		b.say(at, nil, true, "the source can not be asked any more for changes from %s to %s: orders that came new in that span have to be looked up there by hand",
			g.From.Format(time.DateOnly), g.To.Format(time.DateOnly))
	}
	words := map[string]int{}
	seen := map[string]bool{}
	var cancelled []*Entry
	for _, o := range read.Orders {
		if o.ID == "" {
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
	if read.Mark != b.head.Mark {
		b.head.Mark = read.Mark
		b.touchHead()
	}
	b.judgeAll(at)
}

// problems tells each problem once, for as long as it stays.
func (b *Book) problems(list []erp.Problem, at time.Time) {
	still := map[string]bool{}
	for key := range b.told {
		if strings.HasPrefix(key, "shrunk ") {
			still[key] = true
		}
	}
	for _, p := range list {
		key := p.Where + "\n" + p.What
		still[key] = true
		if !b.told[key] {
			b.say(at, nil, p.Lost, "%s: %s", oneLine(p.Where, 200), oneLine(p.What, 400))
		}
	}
	b.told = still
}

// unknownWords tells each word of a state that nobody configured once.
func (b *Book) unknownWords(words map[string]int, at time.Time) {
	for word, n := range words {
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
		if d := b.documents[key]; d != nil {
			return d
		}
		if d := b.documents[b.aliases[key]]; d != nil {
			return d
		}
	}
	return nil
}

// order takes over one order. gone are the entries that it cancels.
func (b *Book) order(o erp.Order, at time.Time) (d *Document, gone []*Entry) {
	d = b.find(o.Company, o.ID, o.Aliases)
	if d == nil {
		d = &Document{Company: o.Company, ID: o.ID, Next: 1, Lines: map[string]string{}}
	}
	for _, a := range append(slices.Clone(o.Aliases), o.ID) {
		if a != d.ID && !slices.Contains(d.Aliases, a) {
			d.Aliases = append(d.Aliases, a)
		}
	}
	d.Number, d.Word, d.LastSeen, d.Missed, d.MissedSince = o.Number, o.Word, at, 0, time.Time{}
	before := d.State
	if o.State != erp.Unknown || before == erp.Unknown {
		d.State = o.State
	}
	if d.State == erp.Closed && before != erp.Closed {
		for _, key := range d.Lines {
			if e := b.entries[key]; e != nil && e.ClosedAt.IsZero() {
				e.ClosedAt = at
			}
		}
	}
	if len(d.Lines) == 0 && (d.State == erp.Closed || d.State == erp.Cancelled) {
		b.touchDocument(d) // it was over before it was ever seen
		return d, nil
	}
	gone = b.lines(d, o, at)
	if b.settings.Target == ClientOrders || b.settings.Target == Both {
		gone = append(gone, b.clientOrder(d, o, at)...)
	}
	b.touchDocument(d)
	return d, gone
}

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
		if e != nil && e.Applied != nil && e.Applied.Product != b.settings.product(l.Product) && l.Product != "" {
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
		e.Raw, e.LineNow, e.Number = l, l.ID, o.Number
		e.Want = b.want(d, o, l)
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
		Product: s.product(l.Product), Quantity: s.quantity(l), Due: due, Text: s.headline(o, assumed), Notes: several(o.Note, 2000),
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
func (s Settings) quantity(l erp.Line) decimal.Decimal {
	factor := l.Factor
	if factor.Sign() <= 0 {
		factor = s.Units[l.Unit]
	}
	return l.Quantity.Mul(factor)
}

// rematch attaches entries to lines that were given other keys: where none of an
// order's known lines is left, they are compared by product, unit and quantity,
// then by product and unit, then by product.
func (b *Book) rematch(d *Document, o erp.Order) {
	if o.Partial {
		return // a line that is not here is not gone
	}
	old := []*Entry{}
	for id, key := range d.Lines {
		e := b.entries[key]
		if e == nil || e.Kind == Client {
			continue
		}
		if slices.ContainsFunc(o.Lines, func(l erp.Line) bool { return l.ID == id }) {
			return
		}
		if e.Want.State != erp.Cancelled {
			old = append(old, e)
		}
	}
	if len(old) == 0 || len(o.Lines) == 0 {
		return
	}
	slices.SortFunc(old, func(x, y *Entry) int { return x.Ordinal - y.Ordinal })
	used := map[string]bool{}
	same := []func(e *Entry, l erp.Line) bool{
		func(e *Entry, l erp.Line) bool {
			return e.Want.Unit == l.Unit && e.Want.Quantity.Equal(b.settings.quantity(l))
		},
		func(e *Entry, l erp.Line) bool { return e.Want.Unit == l.Unit },
		func(*Entry, erp.Line) bool { return true },
	}
	for _, fits := range same {
		for _, e := range old {
			if used[e.Key] {
				continue
			}
			for _, l := range o.Lines {
				if product := b.settings.product(l.Product); !used["\x00"+l.ID] && product == e.Want.Product && fits(e, l) {
					used[e.Key], used["\x00"+l.ID] = true, true
					delete(d.Lines, e.now())
					d.Lines[l.ID] = e.Key
					e.LineNow = l.ID
					break
				}
			}
		}
	}
}

// now is the key that the entry's line has in the source today.
func (e *Entry) now() string {
	if e.LineNow != "" {
		return e.LineNow
	}
	return e.Line
}

// missing looks at the documents that a complete read did not have. An absence
// counts when the read did not shrink too much and a second read, a while
// later, does not have the document either.
func (b *Book) missing(seen map[string]bool, at time.Time) (gone []*Entry) {
	there := 0
	var absent []*Document
	for _, key := range sortedKeys(b.documents) {
		switch d := b.documents[key]; {
		case !d.open():
		case seen[key]:
			there++
		case b.lives(d):
			absent = append(absent, d)
		}
	}
	b.head.Full = at
	b.touchHead()
	if n := len(absent); n > 0 && !b.head.Believe && (there == 0 || n*100 > b.settings.MostShrunk*(there+n)) {
		key := fmt.Sprintf("shrunk %d %d", n, there)
		if !b.told[key] {
			b.say(at, nil, true, "%d of %d open orders are missing in the source: a read that shrinks by more than %d %%, or to nothing, removes nothing (if it is right: orders resolve %s believe)",
				n, there+n, b.settings.MostShrunk, b.settings.Source)
		}
		b.told[key] = true
		return nil
	}
	b.head.Believe = false
	for _, d := range absent {
		d.Missed++
		if d.Missed == 1 {
			d.MissedSince = at
		}
		b.touchDocument(d)
		if !b.settings.Confirm && b.overdue(d, at) {
			gone = append(gone, b.disappear(d, at)...)
		}
	}
	return gone
}

// overdue says that two complete reads, far enough apart, did not have it.
func (b *Book) overdue(d *Document, at time.Time) bool {
	return d.Missed >= 2 && at.Sub(d.MissedSince) >= b.settings.MissedFor
}

// Doubtful are the documents that are to be asked for one by one, because complete
// reads did not have them: where the source can be asked, that confirms that they
// are gone. Give what is found to Observe and the rest to Gone.
func (b *Book) Doubtful(at time.Time) []Document {
	var out []Document
	for _, key := range sortedKeys(b.documents) {
		if d := b.documents[key]; b.settings.Confirm && d.open() && b.overdue(d, at) {
			out = append(out, *d)
		}
	}
	return out
}

// Believe lets the next complete read shrink as much as it does.
func (b *Book) Believe(at time.Time) {
	b.head.Believe = true
	b.touchHead()
	b.say(at, nil, false, "an operator said that the next complete read is right, however much is missing in it")
}

// disappear cancels a document that the source does not have any more.
func (b *Book) disappear(d *Document, at time.Time) (gone []*Entry) {
	d.State, d.Word = erp.Cancelled, "gone"
	for _, id := range sortedKeys(d.Lines) {
		if e := b.entries[d.Lines[id]]; e != nil {
			if e.Want.State != erp.Cancelled && e.ID != 0 {
				b.say(at, e, false, "the order %s is not in the source any more", d.name())
			}
			gone = append(gone, b.removeLine(e, at)...)
		}
	}
	b.touchDocument(d)
	return gone
}

// Gone takes over that the source was asked for documents and has none of them.
func (b *Book) Gone(documents []Document, at time.Time) {
	var gone []*Entry
	for _, asked := range documents {
		if d := b.find(asked.Company, asked.ID, nil); d != nil && d.open() {
			gone = append(gone, b.disappear(d, at)...)
		}
	}
	b.guard(gone, at)
	if b.settings.Target == Aggregate {
		b.regroup(at)
	}
	b.judgeAll(at)
}

// name is what people call the document.
func (d *Document) name() string {
	if d.Number != "" {
		return d.Number
	}
	return d.ID
}

// guard holds the source if too much is cancelled at once.
func (b *Book) guard(gone []*Entry, at time.Time) {
	n := 0
	for _, e := range gone {
		if e.ID != 0 || !e.Intent.IsZero() || e.Into != "" {
			n++
		}
	}
	if h := b.head.Hold; h != nil {
		if n > 0 {
			h.Cancelled += n
			b.touchHead()
		}
		return
	}
	if n <= b.settings.MostCancelled {
		return
	}
	b.head.Hold = &Hold{Since: at, Cancelled: n, What: fmt.Sprintf("%d cancellations came in one read, %d are the most that are believed", n, b.settings.MostCancelled)}
	b.touchHead()
	b.say(at, nil, true, "%s: nothing of this source is changed in Prodsmart until an operator releases it (orders resolve %s release)", b.head.Hold.What, b.settings.Source)
}

// Release lets the source go on after a hold.
func (b *Book) Release(at time.Time) bool {
	if b.head.Hold == nil {
		return false
	}
	b.say(at, nil, false, "released by an operator; %d cancellations go on", b.head.Hold.Cancelled)
	b.head.Hold = nil
	b.touchHead()
	b.judgeAll(at)
	return true
}
