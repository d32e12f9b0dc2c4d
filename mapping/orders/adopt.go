package orders

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// NeedsRebuild says that the orders of Prodsmart were not searched for markers
// since the book was opened: nothing may be made before that, because the store
// may have been lost, or be an older one.
func (b *Book) NeedsRebuild() bool { return !b.searched }

// Rebuild adds what is missing in the book from the markers of the orders of
// Prodsmart: all that are not closed, and those that were closed lately. As a rule
// it finds nothing. What the source wants differently is then taken over by the
// rules.
func (b *Book) Rebuild(orders []prodsmart.ProductionOrder, at time.Time) {
	found := 0
	for _, o := range orders {
		source, document, line, ok := readMark(o.Description)
		if !ok || source != b.settings.Source || b.byID[o.ID] != "" || o.ID == 0 {
			continue
		}
		key := document + "\x1f" + line
		if e := b.entries[key]; e != nil {
			if e.ID == 0 && !e.Intent.IsZero() {
				b.say(at, e, false, "the create without a clear answer had been done: order %d is adopted", o.ID)
				b.Created(key, o, at)
				continue
			}
			b.stranger(o, at)
			continue
		}
		b.adopt(key, document, line, o, at)
		found++
	}
	if found > 0 {
		b.say(at, nil, true, "the order book was made again from the markers of %d production orders; write-back of goods for them waits for an operator (orders resolve)", found)
	}
	b.searched = true
}

// adopt makes the entry of an order from its marker.
func (b *Book) adopt(key, document, line string, o prodsmart.ProductionOrder, at time.Time) {
	company, id := splitDocument(document)
	first, _, _ := strings.Cut(line, "#")
	e := &Entry{
		Key: key, Kind: Production, Company: company, Document: id, Line: first, LineNow: first, Code: o.Code, ID: o.ID, Start: o.Start, Since: at, Rebuilt: true,
		Ordinal: ordinal(o.Code),
	}
	a := Applied{Due: o.Due, State: erp.Open, Hidden: o.Active == prodsmart.No && (b.settings.DeactivateCancelled || b.settings.DeactivateHeld)}
	for _, p := range o.Products {
		if a.Product == "" {
			a.Product, a.Quantity = p.Product, number(p.Ordered)
		}
	}
	a.Text = strings.TrimSpace(marked.ReplaceAllString(o.Description, ""))
	e.Applied = &a
	e.Want = Want{Product: a.Product, Quantity: a.Quantity, Due: a.Due, Text: a.Text, State: erp.Open, Assumed: strings.HasSuffix(a.Text, assumedDate)}
	b.entries[key] = e
	b.seen(e, o, at)
	if b.settings.Target != Aggregate && b.settings.Target != Replenish {
		e.Unproven = true
		d := b.documents[document]
		if d == nil {
			d = &Document{Company: company, ID: id, State: erp.Open, Next: 1, Lines: map[string]string{}, LastSeen: at, Adopted: true}
		}
		d.Next = max(d.Next, e.Ordinal+1)
		if old := b.entries[d.Lines[first]]; old == nil || len(old.Key) < len(key) || old.Key < key {
			d.Lines[first] = key
		}
		b.touchDocument(d)
	} else {
		e.Bucket = o.Code
		if document == aggregates {
			e.Bucket = bucketOf(line)
		} else {
			e.Raw = erp.Line{ID: line, Product: id, Quantity: a.Quantity, Manufactured: erp.Yes}
		}
	}
	b.set(e, at, Mirrored, false, "found by its marker")
	b.touch(e)
}

// adopted is the document, of those that were found by markers, that an order is today.
// Where a system gives an order another key with each edit the marker has an old one:
// what stays the same is the number among its aliases, which the orders in Prodsmart
// have in their text and in their code.
func (b *Book) adopted(o erp.Order) *Document {
	for _, key := range sortedKeys(b.documents) {
		d := b.documents[key]
		if !d.Adopted || d.Company != o.Company {
			continue
		}
		for _, line := range d.Lines {
			e := b.entries[line]
			if e == nil || e.Applied == nil {
				continue
			}
			for _, alias := range o.Aliases {
				coded := b.settings.code(erp.Order{ID: d.ID, Number: alias, Company: d.Company}, e.Ordinal)
				if e.Applied.Text == alias || strings.HasPrefix(e.Applied.Text, alias+", ") || strings.Contains(b.settings.Template, "{number}") && coded == e.Code {
					return d
				}
			}
		}
	}
	return nil
}

// splitDocument parts the company from a document's id.
func splitDocument(document string) (company, id string) {
	if company, id, both := strings.Cut(document, "/"); both {
		return company, id
	}
	return "", document
}

// bucketOf is the product and the first day of an aggregate, from its line key.
func bucketOf(line string) string {
	rest, _, _ := cutLast(line, "/")
	product, day, _ := cutLast(rest, "/")
	return product + " " + day
}

func cutLast(text, mark string) (before, after string, found bool) {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(mark):], true
}

// ordinal is the number at the end of a code.
func ordinal(code string) int {
	n := 0
	if i := strings.LastIndexByte(code, '-'); i >= 0 {
		if _, err := fmt.Sscanf(code[i+1:], "%d", &n); err != nil || n < 0 || n > 1_000_000 {
			n = 0
		}
	}
	return n
}

// reopen orders more of something whose order is closed.
func (b *Book) reopen(e *Entry, extra decimal.Decimal, at time.Time) {
	d := b.documents[documentKey(e.Company, e.Document)]
	if d == nil {
		return
	}
	key := e.Key
	for n := 2; b.entries[key] != nil; n++ {
		base, _, _ := strings.Cut(e.Key, "#")
		key = fmt.Sprintf("%s#%d", base, n)
	}
	more := &Entry{Key: key, Kind: Production, Company: e.Company, Document: e.Document, Line: e.Line, LineNow: e.LineNow, Ordinal: e.Ordinal, Number: e.Number, Since: at, Raw: e.Raw}
	more.Want = e.Want
	more.Want.Quantity = extra
	b.entries[key] = more
	e.More = append(e.More, key)
	b.say(at, more, false, "%s more of %s, whose order %s is closed", extra, e.Want.Product, e.Code)
	b.judge(more, at)
	b.touch(more)
}

func errNoEntry(key string) error {
	return fmt.Errorf("there is no entry %q in the order book", plainKey(key))
}

// writable says that something of the entry can be written back.
func (b *Book) writable(e *Entry) bool {
	return e.Kind == Production && e.ID != 0 && len(b.settings.Writes) > 0
}

// Options are what an operator may decide about an entry.
func (b *Book) Options(e Entry) []string {
	var can []string
	if e.Ask != nil {
		can = append(can, e.Ask.Options...)
	}
	if e.Status == Refused {
		can = append(can, "recreate")
	}
	if e.Stuck != "" {
		can = append(can, "retry")
	}
	if b.writable(&e) {
		can = append(can, "write")
	}
	return can
}

func (b *Book) errNoOption(e *Entry, option string) error {
	can := b.Options(*e)
	if len(can) == 0 {
		return fmt.Errorf("nothing is to be decided about %s: it is %s", e.Code, e.Status)
	}
	return fmt.Errorf("%q can not be said about %s; say one of: %s", option, e.Code, strings.Join(can, ", "))
}
