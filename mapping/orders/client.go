package orders

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// clientLine stands for the line in the key of a client order.
const clientLine = "client-order"

// clientOrder takes over an order as a client order: the lines that are made
// here, those of one product summed, because a product may be there once.
func (b *Book) clientOrder(d *Document, o erp.Order, at time.Time) (gone []*Entry) {
	key := documentKey(d.Company, d.ID) + "\x1f" + clientLine
	e := b.entries[key]
	if e == nil {
		e = &Entry{Key: key, Kind: Client, Company: d.Company, Document: d.ID, Line: clientLine, Since: at}
		d.Lines[clientLine] = key
	}
	if e.Want.State != erp.Cancelled && d.State == erp.Cancelled {
		gone = append(gone, e)
	}
	e.Number = o.Number
	customer := o.Customer
	if b.settings.customer(customer) != customer.Name {
		customer.Name = customer.Code
	}
	w := Want{State: d.State, Text: b.settings.headline(o, false), Customer: customer, Notes: several(o.Note, 2000)}
	switch {
	case !o.Created.IsZero():
		w.Ordered = o.Created.UTC()
	case !o.Ordered.IsZero():
		w.Ordered = o.Ordered.Time.UTC()
	}
	lines := make([]ClientLine, 0, len(o.Lines))
	for _, l := range o.Lines {
		due, _ := b.settings.due(o, l)
		lines = append(lines, b.usable(e, ClientLine{l, due}, at))
	}
	if !o.Partial || len(lines) >= len(e.Lines) {
		e.Lines = lines
	}
	w.Client = e.Want.Client
	e.Want = w
	b.positions(e, at)
	return gone
}

// positions makes the positions of a client order of its lines. A line that waits for
// something holds the order until it is made; one that is there already goes on without.
func (b *Book) positions(e *Entry, at time.Time) {
	index := map[string]int{}
	var list []Position
	var waits, left []string
	for _, l := range e.Lines {
		p := Position{b.settings.article(l.Raw), b.settings.quantity(l.Raw), l.Due, b.settings.price(l.Raw)}
		name := cmp.Or(p.Product, oneLine(l.Raw.ProductName, 40), l.Raw.ID)
		there := p.Quantity.Sign() > 0 && !p.Due.IsZero() && e.Applied != nil && slices.ContainsFunc(e.Applied.Client, func(a Position) bool { return a.Product == p.Product })
		switch status, why, _ := b.lacks(l.Raw, p.Product, p.Quantity, p.Due); {
		case status == "", there: // what was written stays until the source takes it out
		case status == Skipped:
			left = append(left, name+": "+why)
			continue
		default:
			waits = append(waits, name+": "+why)
			continue
		}
		i, twice := index[p.Product]
		if !twice {
			index[p.Product] = len(list)
			list = append(list, p)
			continue
		}
		sum := &list[i]
		sum.Quantity = sum.Quantity.Add(p.Quantity)
		if p.Due.Before(sum.Due) {
			sum.Due = p.Due
		}
	}
	slices.SortFunc(list, func(x, y Position) int { return cmp.Compare(x.Product, y.Product) })
	if e.ID != 0 && b.catalog == nil {
		list = e.Want.Client // nothing is known that would change it
	}
	e.Want.Client = list
	if said := oneLine(strings.Join(waits, "; "), 300); said != e.Waits {
		e.Waits = said
		switch {
		case e.ID != 0 && said != "" && b.catalog != nil:
			b.say(at, e, true, "a line is not in the client order yet: %s", said)
		case e.ID != 0 && b.catalog != nil:
			b.say(at, e, false, "no line of it waits any more")
		}
	}
	if said := oneLine(strings.Join(left, "; "), 300); said != e.Left {
		if e.Left = said; said != "" {
			b.say(at, e, false, "not made here: %s", said)
		}
	}
	b.touch(e)
}

// usable is a line, or, of an order that is in Prodsmart, the line as it was last if
// nothing can be made of it now. Keys of lines that move with each edit tell only
// together with the article that it is the same line.
func (b *Book) usable(e *Entry, l ClientLine, at time.Time) ClientLine {
	article := b.settings.article(l.Raw)
	i := slices.IndexFunc(e.Lines, func(old ClientLine) bool {
		return old.Raw.ID == l.Raw.ID && (b.settings.article(old.Raw) == article || article == "" && !l.Raw.Loose)
	})
	if e.Applied == nil || i < 0 || l.Raw.Quantity.Sign() <= 0 {
		return l
	}
	what := fmt.Sprintf("client order %s, line %s: ", e.Name(), l.Raw.ID)
	why := ""
	switch {
	case article == "":
		why = "it has no product code any more"
	case b.settings.quantity(l.Raw).Sign() <= 0:
		why = fmt.Sprintf("its unit %q is not known", oneLine(l.Raw.Unit, 40))
	case l.Due.IsZero():
		why = "it has no due date any more"
	default:
		b.forgetOnce(what)
		return l
	}
	b.once(at, what+why+": it stays as it was")
	return e.Lines[i]
}

// price is the price of one of Prodsmart's units; nil if there is none.
func (s Settings) price(l erp.Line) *decimal.Decimal {
	factor := s.factor(l)
	if l.Price == nil || factor.Sign() <= 0 || factor.Equal(decimal.NewFromInt(1)) {
		return l.Price
	}
	one := l.Price.DivRound(factor, 8)
	return &one
}

func samePositions(x, y []Position) bool {
	return slices.EqualFunc(x, y, func(p, q Position) bool {
		return p.Product == q.Product && p.Quantity.Equal(q.Quantity) && p.Due.Equal(q.Due) &&
			(p.Price == nil) == (q.Price == nil) && (p.Price == nil || p.Price.Equal(*q.Price))
	})
}

// CreateClient gives the client order that an entry is to become, and the
// customer that has to be there before. It is an intent from then on: save
// Changes before it is sent.
func (b *Book) CreateClient(key string, now time.Time) (o prodsmart.TradeOrder, customer erp.Customer, ok bool) {
	e := b.entries[key]
	if e == nil || e.Kind != Client || !b.judge(e, now) {
		return o, customer, false
	}
	b.name(e)
	w := e.Want
	o = prodsmart.TradeOrder{Code: e.Code, Created: w.Ordered, Observations: strings.TrimSpace(w.Text + " " + b.marker(e)), Products: trade(w.Client)}
	if w.Customer.Code != "" {
		o.Partner = prodsmart.Reference{Code: w.Customer.Code}
	}
	e.Applied = &Applied{State: w.State, Text: w.Text, Client: w.Client}
	e.Start, e.Intent = now, now
	b.set(e, now, Creating, false, "")
	b.touch(e)
	return o, w.Customer, true
}

func trade(positions []Position) []prodsmart.TradeProduct {
	var out []prodsmart.TradeProduct
	for _, p := range positions {
		t := prodsmart.TradeProduct{Code: p.Product, Quantity: amount(p.Quantity), Due: p.Due.UTC(), Requested: p.Due.UTC()}
		if p.Price != nil {
			t.Price = amount(*p.Price)
		}
		out = append(out, t)
	}
	return out
}

// DecideClient says what is to be done with a client order that Next named, after
// it was read again. Report with Done. A deletion that Prodsmart refuses, because
// production orders hang on it, is told to a person: report that with NotDone.
func (b *Book) DecideClient(key string, fresh prodsmart.TradeOrder, at time.Time) Decision {
	e := b.entries[key]
	if e == nil || e.Kind != Client || e.Applied == nil {
		return Decision{Do: Nothing}
	}
	after := *e.Applied
	after.State, after.Client = e.Want.State, e.Want.Client
	d := Decision{Do: Nothing}
	status, reason := Mirrored, ""
	switch {
	case e.Want.State == erp.Cancelled:
		d.Do, d.Why = Delete, "cancelled in the source"
		status, reason = Cancelled, "cancelled in the source; deleted in Prodsmart"
	case e.Want.State == erp.Closed:
		status = Over
	case !samePositions(e.Want.Client, e.Applied.Client):
		d.Do, d.Sale = Put, fresh
		d.Sale.Products = merged(fresh.Products, e.Applied.Client, e.Want.Client)
		d.Why = "positions: " + strconv.Itoa(len(e.Want.Client)) + " instead of " + strconv.Itoa(len(e.Applied.Client)) + ", or other quantities and dates"
	}
	d.then = func(e *Entry) {
		e.Applied, e.Stuck = &after, ""
		b.set(e, at, status, false, reason)
	}
	return d
}

// merged takes over what the source changed since it was last applied; what
// planners changed, or added, stays.
func merged(fresh []prodsmart.TradeProduct, before, want []Position) []prodsmart.TradeProduct {
	var out []prodsmart.TradeProduct
	position := func(list []Position, code string) *Position {
		if i := slices.IndexFunc(list, func(p Position) bool { return p.Product == code }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	for _, f := range fresh {
		b, w := position(before, f.Code), position(want, f.Code)
		if b != nil && w == nil {
			continue // the source removed it
		}
		if b != nil && w != nil {
			if !w.Quantity.Equal(b.Quantity) {
				f.Quantity = amount(w.Quantity)
			}
			if !w.Due.Equal(b.Due) {
				f.Due, f.Requested = w.Due.UTC(), w.Due.UTC()
			}
			if w.Price != nil && (b.Price == nil || !w.Price.Equal(*b.Price)) {
				f.Price = amount(*w.Price)
			}
		}
		out = append(out, f)
	}
	for _, w := range want {
		if position(before, w.Product) == nil && !slices.ContainsFunc(fresh, func(f prodsmart.TradeProduct) bool { return f.Code == w.Product }) {
			out = append(out, trade([]Position{w})...)
		}
	}
	return out
}

// RebuildClients does for client orders what Rebuild does for production orders.
func (b *Book) RebuildClients(orders []prodsmart.TradeOrder, at time.Time) {
	for _, o := range orders {
		source, document, line, ok := readMark(o.Observations)
		key := document + "\x1f" + line
		if !ok || source != b.settings.Source || line != clientLine || b.entries[key] != nil || o.ID == 0 {
			continue
		}
		company, id := splitDocument(document)
		e := &Entry{Key: key, Kind: Client, Company: company, Document: id, Line: line, Code: o.Code, ID: o.ID, Since: at, Rebuilt: true}
		a := Applied{State: erp.Open, Text: strings.TrimSpace(marked.ReplaceAllString(o.Observations, ""))}
		for _, p := range o.Products {
			position := Position{Product: p.Code, Quantity: number(p.Quantity), Due: p.Due}
			if !p.Price.IsZero() {
				price := number(p.Price)
				position.Price = &price
			}
			a.Client = append(a.Client, position)
		}
		slices.SortFunc(a.Client, func(x, y Position) int { return cmp.Compare(x.Product, y.Product) })
		e.Applied, e.Want = &a, Want{Text: a.Text, State: erp.Open, Client: a.Client}
		d := b.documents[document]
		if d == nil {
			d = &Document{Company: company, ID: id, State: erp.Open, Next: 1, Lines: map[string]string{}, LastSeen: at}
		}
		d.Lines[clientLine] = key
		b.touchDocument(d)
		b.set(e, at, Mirrored, false, "found by its marker")
		b.touch(e)
	}
}
