package csmart

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	orders = "SalesOrders"
	// longest is the longest key that is believed.
	longest = 64
)

// rounded says that a list of so many records may have been cut off: nobody says
// whether there is a bound, and those who set one take a round number.
func rounded(n int) bool { return n >= 100 && n%50 == 0 }

// ReadOrders reads all orders: CSMART can not be asked for less. The read is complete
// unless a record has no key, or the list may have been cut off.
func (s *Source) ReadOrders(ctx context.Context, _ erp.Ask) (erp.OrderRead, error) {
	list, told, err := s.list(ctx, "read orders", orders)
	if err != nil {
		return erp.OrderRead{}, err
	}
	doubts, err := s.refer(ctx, list)
	if err != nil {
		return erp.OrderRead{}, err
	}
	a := &assembly{Source: s, at: map[string]int{}, torn: map[string]bool{}, taxes: map[string]string{}, whole: true}
	a.notes.list = append(told, doubts...)
	for _, v := range list {
		a.record(v)
	}
	a.sum(len(list))
	if !a.worded && s.NoState == "" && len(a.orders) > 0 {
		for i := range a.orders {
			a.orders[i].State = erp.Unknown
		}
		a.notes.add(erp.Problem{Where: orders, What: "no order of the list has a status, so nothing is made: write under fields what the status is called (orders discover), or no_state: open if there is none", Lost: true})
	}
	s.taxes, s.counted = a.taxes, len(list)
	return erp.OrderRead{
		Orders:   slices.DeleteFunc(a.orders, func(o erp.Order) bool { return a.torn[o.ID] }),
		Problems: a.notes.end(orders), Complete: a.whole && a.notes.untold == 0,
	}, nil
}

// assembly makes orders of records.
type assembly struct {
	*Source
	orders []erp.Order
	notes  notes
	// at is where an order is, by its key; torn are those that stand there twice with
	// different contents.
	at   map[string]int
	torn map[string]bool
	// taxes are the customers' tax numbers by the order's key.
	taxes map[string]string
	// bare counts the orders without lines that are not over, lined those with lines,
	// unkeyed those without an id.
	bare, lined, unkeyed int
	// worded says that an order of the list has a status.
	worded bool
	// whole says that each order is here, or named in a problem.
	whole bool
}

// record takes one record over.
func (a *assembly) record(v web.Value) {
	r := reader{source: a.Source, record: v, where: orders + ", " + v.Path(), notes: &a.notes}
	var id, number string
	if v.IsObject() {
		id, number = r.text("id"), r.text("number")
	}
	switch {
	case id == "" && number != "":
		id = number
		a.unkeyed++
	case id == "":
		r.bad("", "the record has neither id nor number, so it is no order that could be told from others", true)
		a.whole = false
		return
	}
	if len(id) > longest {
		r.bad("id", fmt.Sprintf("a key of %d characters, %d are the most", len(id), longest), true)
		a.whole = false
		return
	}
	r.order, r.where = id, "order "+id
	if number != "" {
		r.where = "order " + web.Shorten(number, 40)
	}
	o := a.order(r, id, number)
	i, twice := a.at[id]
	switch {
	case !twice:
		a.at[id] = len(a.orders)
		a.orders = append(a.orders, o)
	case reflect.DeepEqual(a.orders[i], o):
		r.bad("", "the order stands twice in the list; it counts once", false)
	default:
		r.bad("", "the order stands twice in the list, with different contents; none of them counts", true)
		a.torn[id] = true
	}
}

// order reads a record whose key is known.
func (a *assembly) order(r reader, id, number string) erp.Order {
	o := erp.Order{
		ID: id, Number: number, Ordered: r.date("ordered"), Due: r.date("due"), Currency: r.text("currency"), Note: r.text("note"),
		Customer: erp.Customer{Name: r.text("customer_name")}, Word: r.text("state"), Revision: r.text("updated"),
	}
	tax, account := r.text("tax_number"), a.key(r.record, "customer_id")
	known := a.customers.by[account]
	if tax == "" {
		tax = known.tax
	}
	if o.Customer.Name == "" {
		o.Customer.Name = known.name
	}
	o.Customer.Code, o.Customer.Person = tax, known.person
	if tax == "" {
		o.Customer.Code = account
	}
	a.taxes[id] = tax
	if o.State = a.words[erp.FoldWord(o.Word)]; o.Word == "" {
		o.State = map[string]erp.State{"": erp.Open, "open": erp.Open, "held": erp.Held}[a.NoState]
	} else {
		a.worded = true
	}
	a.lines(r, &o)
	return o
}

// lines reads the lines. An order without any is not one whose lines were all taken
// out: an answer that lacks them looks the same.
func (a *assembly) lines(r reader, o *erp.Order) {
	list, ok := records(r.value("lines"))
	if !ok {
		r.bad("lines", "the lines are no list", true)
		o.Partial = true
		return
	}
	if len(list) == 0 {
		o.Partial = true
		if o.State != erp.Closed && o.State != erp.Cancelled {
			a.bare++
			r.bad("lines", "the order has no lines: there is nothing to make from it, and what was made of it before is left as it is", true)
		}
		return
	}
	a.lined++
	seen := map[string]bool{}
	for i, v := range list {
		l, ok := a.line(r, i, v, seen)
		if !ok {
			o.Partial = true
			continue
		}
		seen[l.ID] = true
		o.Lines = append(o.Lines, l)
	}
}

// line reads the i-th line of an order. seen are the keys of those before it.
func (a *assembly) line(order reader, i int, v web.Value, seen map[string]bool) (l erp.Line, ok bool) {
	r := order
	r.record, r.where = v, order.where+", line "+strconv.Itoa(i+1)
	if !v.IsObject() {
		r.bad("", "the line is no record", true)
		return l, false
	}
	article := a.key(v, "line.product_id")
	known, listed := a.goods.by[article]
	l = erp.Line{Product: r.text("line.product"), ProductName: r.text("line.product_name"), Unit: r.text("line.unit"), Note: r.text("line.note"), Factor: decimal.NewFromInt(1)}
	unresolved := l.Product == "" && article != "" && !listed
	if l.Product == "" {
		l.Product = known.Code
	}
	if known.Code == "" {
		known = a.goods.coded[l.Product]
	}
	switch {
	case l.ProductName == "":
		l.ProductName = known.Name
	case erp.FoldWord(l.ProductName) != erp.FoldWord(known.Name):
		// Custom work is described in the line's name.
		l.Note = strings.TrimSuffix(l.ProductName+", "+l.Note, ", ")
	}
	if l.Unit != "" && (a.goods.by == nil || known.Unit != "" && erp.FoldWord(l.Unit) != erp.FoldWord(known.Unit)) {
		l.Factor = decimal.Decimal{} // CSMART does not say how many of the one are one of the other
	}
	a.identify(r, i, &l, seen)
	switch {
	case unresolved && l.Loose:
		// With its article it would be another line.
		r.bad("line.product_id", "the article "+web.Shorten(article, 40)+" is not in the list of products, and the line has no lasting key: it is left as it is until the article is there", true)
		return l, false
	case l.Product == "" && l.ProductName != "" && !unresolved:
		l.Product = a.Generic
	}
	r.line = l.ID
	q, err := number(r.value("line.quantity"))
	if err != nil {
		r.bad("line.quantity", err.Error()+"; correct the line in CSMART", true)
		return l, false
	}
	l.Quantity = q
	if p := r.value("line.price"); !p.Missing() {
		price, err := number(p)
		if err != nil {
			r.bad("line.price", err.Error(), false)
			return l, true
		}
		l.Price = &price
	}
	return l, true
}

// identify gives a line its key: its id, or else its article and which of the order's
// lines with that article it is.
func (a *assembly) identify(r reader, i int, l *erp.Line, seen map[string]bool) {
	v := r.value("line.id")
	id := r.text("line.id")
	// What counts the lines is another one for each line below one that is taken out.
	l.ID, l.Loose = id, v.Path() == r.record.Path()+".lp"
	if id != "" && len(id) <= longest && !seen[id] {
		return
	}
	name := web.Shorten(l.Product, longest)
	if name == "" {
		name = web.Shorten(l.ProductName, longest)
	}
	if name == "" {
		name = "line " + strconv.Itoa(i+1)
	}
	l.ID, l.Loose = name, true
	for n := 2; seen[l.ID]; n++ {
		l.ID = name + "~" + strconv.Itoa(n)
	}
}

// sum tells what is wrong with the list as a whole. n is how many records it has.
func (a *assembly) sum(n int) {
	say := func(where, what string, args ...any) {
		a.notes.add(erp.Problem{Where: where, What: fmt.Sprintf(what, args...)})
	}
	if a.unkeyed > 0 {
		say(orders+", id", "%d orders have no id: their number stands for it, and one that gets another number is taken for another order", a.unkeyed)
	}
	if a.bare > 0 && a.lined == 0 {
		say(orders+", lines", "no order has lines: where the list of this domain does not carry them, nothing can be made from its orders; see orders discover for the fields, or ask the vendor for lines")
	}
	if rounded(n) {
		a.whole = false
		if n == a.counted {
			say(orders, "the list has exactly %d orders again: it may be cut off there; an order that is missing is not taken for gone meanwhile", n)
		}
	}
}
