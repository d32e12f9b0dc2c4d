package rest

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/tidwall/gjson"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/assemble"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// mostProblems is how many problems of one read are told.
const mostProblems = 1000

// assembly makes orders of records.
type assembly struct {
	*Source
	drafts   assemble.Orders
	problems []erp.Problem
	untold   int
	// nameless says that a record is lost of which not even the order is known.
	nameless bool
	rows     int
	// latest is the latest change that was seen; times ahead of began would
	// hide what changes until then.
	latest, began time.Time
}

func (a *assembly) add(p erp.Problem) {
	if len(a.problems) >= mostProblems {
		a.untold++
		return
	}
	a.problems = append(a.problems, p)
}

func (a *assembly) end() []erp.Problem {
	if a.untold > 0 {
		a.problems = append(a.problems, erp.Problem{Where: "the service", What: fmt.Sprintf("%d problems more are not told", a.untold), Lost: true})
	}
	return a.problems
}

// record takes one record over.
func (a *assembly) record(where string, r gjson.Result) {
	a.rows++
	f := &fields{Source: a.Source, of: r}
	id, company := f.text("order_id"), f.text("company")
	if id == "" {
		f.fail("order_id", "it is empty")
	}
	if !r.IsObject() {
		f.bad, f.at = "it is no record", "the list"
	}
	if f.bad != "" {
		a.nameless = true
		a.add(erp.Problem{Where: where + ", " + f.at, What: f.bad + "; without its order the record is nothing", Lost: true})
		return
	}
	d, fresh := a.drafts.Draft(company, id)
	k := d.Key
	where += ", order " + web.Shorten(k, 60)
	if !fresh && a.Lines != "" {
		// Pages shift while they are read, so an order may come twice: what
		// came later is later.
		a.add(erp.Problem{Where: where, What: "the order came twice; the later one counts", Order: k})
		d.Restart(company, id)
	}
	a.head(f, d, k, where)
	if a.Lines == "" {
		a.line(where, k, d, r, r)
		return
	}
	lines := r.Get(a.Lines)
	if !lines.IsArray() {
		d.Order.Partial = true
		a.add(erp.Problem{Where: where + ", " + a.Lines, What: "there is no list of lines", Order: k, Lost: true})
		return
	}
	for i, l := range lines.Array() {
		a.rows++
		a.line(fmt.Sprintf("%s, line %d", where, i+1), k, d, r, l)
	}
}

// head reads what a record says about its order; the first that says something
// counts. What can not be read is told and left out.
func (a *assembly) head(f *fields, d *assemble.Draft, k, where string) {
	tell := func() {
		if f.bad != "" {
			a.add(erp.Problem{Where: where + ", " + f.at, What: f.bad + "; it is left out", Order: k})
		}
		f.bad, f.at = "", ""
	}
	o := &d.Order
	for _, e := range []struct {
		meaning string
		to      *string
	}{{"number", &o.Number}, {"customer_code", &o.Customer.Code}, {"customer_name", &o.Customer.Name}, {"note", &o.Note}, {"location", &o.Location}} {
		if *e.to == "" {
			*e.to = f.text(e.meaning)
			tell()
		}
	}
	if o.Word = f.text("state"); o.Word == "" {
		o.State = a.unsaid
	} else {
		o.State = a.words[erp.FoldWord(o.Word)]
	}
	tell()
	if o.Ordered.IsZero() {
		o.Ordered = f.when("ordered_at")
		tell()
	}
	for _, path := range a.Info {
		if t, err := textOf(f.of.Get(path)); err == nil && t != "" && o.Info[path] == "" {
			if o.Info == nil {
				o.Info = map[string]string{}
			}
			o.Info[path] = t
		}
	}
	at, _ := f.instant("updated_at")
	tell()
	if at.After(a.began) {
		at = a.began
	}
	if at.After(a.latest) {
		a.latest = at
	}
}

// line takes one line over.
func (a *assembly) line(where, k string, d *assemble.Draft, record, raw gjson.Result) {
	f, h := &fields{Source: a.Source, of: raw}, &fields{Source: a.Source, of: record}
	l := erp.Line{ID: f.text("line_id"), Product: f.text("product"), ProductName: f.text("product_name"), Unit: f.text("unit"), Note: f.text("line_note"), Manufactured: f.answer("manufactured")}
	if l.Product == "" && l.ProductName == "" {
		f.fail("product", "there is no article")
	}
	has := false
	if l.Quantity, has = f.decimal("quantity"); !has {
		f.fail("quantity", "there is no quantity")
	}
	if l.Factor, has = f.decimal("unit_factor"); has && l.Factor.Sign() <= 0 {
		f.fail("unit_factor", "it has to be above 0")
	}
	if !has && a.Fields["unit"] == "" && a.Fields["unit_factor"] == "" && l.Unit == "" {
		l.Factor = decimal.NewFromInt(1) // a service without units is in each product's own
	}
	if l.Due = f.when("line_due"); l.Due.IsZero() {
		l.Due = h.when("due")
	}
	word := f.text("line_state")
	if word == "" {
		word = h.text("state")
	}
	if f.bad == "" {
		f.bad, f.at = h.bad, h.at
	}
	if f.bad != "" {
		d.Order.Partial = true
		a.add(erp.Problem{Where: where + ", " + f.at, What: f.bad, Order: k, Line: l.ID, Lost: true})
		return
	}
	p := assemble.Line{Line: l, State: a.unsaid, Word: word}
	if word != "" {
		p.State = a.words[erp.FoldWord(word)]
	}
	switch p, _, what := d.Add(p, false); what {
	case assemble.Same:
		a.add(erp.Problem{Where: where, What: "the line came twice; it counts once", Order: k, Line: p.ID})
	case assemble.Torn:
		a.add(erp.Problem{Where: where, What: "the line came twice with different values; none of them counts", Order: k, Line: p.ID, Lost: true})
	}
}

// orders are those of the records. Of flat records that are cut off, or are of
// changes only, no order has all its lines for sure.
func (a *assembly) orders(whole, all bool) []erp.Order {
	out := make([]erp.Order, 0, a.drafts.Len())
	for d := range a.drafts.All() {
		if d.Empty() && (a.Lines == "" || d.Order.Partial) {
			continue // it is named in a problem
		}
		o, odd, _ := d.Finish()
		o.Partial = o.Partial || a.Lines == "" && !(whole && all)
		for _, l := range odd {
			a.add(erp.Problem{Where: "order " + web.Shorten(d.Key, 60) + ", line " + web.Shorten(l.ID, 60), Order: d.Key, Line: l.ID,
				What: fmt.Sprintf("the order is %s, the line is %s (%q): the line is left as it is", o.State, l.State, web.Shorten(l.Word, 40))})
		}
		out = append(out, o)
	}
	return out
}
