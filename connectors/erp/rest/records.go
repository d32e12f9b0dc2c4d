package rest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/tidwall/gjson"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// mostProblems is how many problems of one read are told.
const mostProblems = 1000

// assembly makes orders of records.
type assembly struct {
	*Source
	drafts   map[string]*draft
	keys     []string // of drafts, as they came
	problems []erp.Problem
	untold   int
	// nameless says that a record is lost of which not even the order is known.
	nameless bool
	rows     int
	// latest is the latest change that was seen; times ahead of began would
	// hide what changes until then.
	latest, began time.Time
}

// draft is an order that is being put together.
type draft struct {
	order erp.Order // with the state of the record
	lines []piece
	ids   map[string]int
	twice map[string]bool
}

// piece is a line with its own state.
type piece struct {
	line  erp.Line
	state erp.State
	word  string
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
	k := id
	if company != "" {
		k = company + "/" + id
	}
	where += ", order " + web.Shorten(k, 60)
	d := a.drafts[k]
	switch {
	case d == nil:
		d = &draft{order: erp.Order{ID: id, Company: company}, ids: map[string]int{}, twice: map[string]bool{}}
		a.drafts[k], a.keys = d, append(a.keys, k)
	case a.Lines != "":
		// Pages shift while they are read, so an order may come twice: what
		// came later is later.
		a.add(erp.Problem{Where: where, What: "the order came twice; the later one counts", Order: k})
		*d = draft{order: erp.Order{ID: id, Company: company}, ids: map[string]int{}, twice: map[string]bool{}}
	}
	a.head(f, d, k, where)
	if a.Lines == "" {
		a.line(where, k, d, r, r)
		return
	}
	lines := r.Get(a.Lines)
	if !lines.IsArray() {
		d.order.Partial = true
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
func (a *assembly) head(f *fields, d *draft, k, where string) {
	tell := func() {
		if f.bad != "" {
			a.add(erp.Problem{Where: where + ", " + f.at, What: f.bad + "; it is left out", Order: k})
		}
		f.bad, f.at = "", ""
	}
	o := &d.order
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
		o.State = a.words[fold(o.Word)]
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
func (a *assembly) line(where, k string, d *draft, record, raw gjson.Result) {
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
		d.order.Partial = true
		a.add(erp.Problem{Where: where + ", " + f.at, What: f.bad, Order: k, Line: l.ID, Lost: true})
		return
	}
	p := piece{l, a.unsaid, word}
	if word != "" {
		p.state = a.words[fold(word)]
	}
	a.keep(where, k, d, p)
}

// keep adds a line. One without an ID is known by its article, and by which of
// the order's lines with that article it is.
func (a *assembly) keep(where, k string, d *draft, p piece) {
	if p.line.ID == "" {
		name := p.line.Product
		if name == "" {
			name = p.line.ProductName
		}
		p.line.ID, p.line.Loose = name, true
		for n := 2; ; n++ {
			if _, taken := d.ids[p.line.ID]; !taken {
				break
			}
			p.line.ID = name + "~" + strconv.Itoa(n)
		}
	}
	i, known := d.ids[p.line.ID]
	if !known {
		d.ids[p.line.ID], d.lines = len(d.lines), append(d.lines, p)
		return
	}
	x, y := d.lines[i].line, p.line
	if x.Product == y.Product && x.Quantity.Equal(y.Quantity) && x.Unit == y.Unit && x.Factor.Equal(y.Factor) && x.Due == y.Due && d.lines[i].word == p.word {
		a.add(erp.Problem{Where: where, What: "the line came twice; it counts once", Order: k, Line: y.ID})
		return
	}
	d.twice[y.ID], d.order.Partial = true, true
	a.add(erp.Problem{Where: where, What: "the line came twice with different values; none of them counts", Order: k, Line: y.ID, Lost: true})
}

// orders are those of the records. Of flat records that are cut off, or are of
// changes only, no order has all its lines for sure.
func (a *assembly) orders(whole, all bool) []erp.Order {
	out := make([]erp.Order, 0, len(a.keys))
	for _, k := range a.keys {
		d := a.drafts[k]
		if len(d.lines) == 0 && (a.Lines == "" || d.order.Partial) {
			continue // it is named in a problem
		}
		o := d.order
		o.Partial = o.Partial || a.Lines == "" && !(whole && all)
		for _, s := range []erp.State{erp.Open, erp.Held, erp.Unknown, erp.Closed, erp.Cancelled} {
			if i := slices.IndexFunc(d.lines, func(p piece) bool { return p.state == s }); i >= 0 {
				o.State, o.Word = s, d.lines[i].word
				break
			}
		}
		for _, p := range d.lines {
			switch {
			case d.twice[p.line.ID], p.state != o.State && (p.state == erp.Cancelled || o.State == erp.Closed):
				continue
			case p.state != o.State:
				o.Partial = true
				a.add(erp.Problem{Where: "order " + web.Shorten(k, 60) + ", line " + web.Shorten(p.line.ID, 60), Order: k, Line: p.line.ID,
					What: fmt.Sprintf("the order is %s, the line is %s (%q): the line is left as it is", o.State, p.state, web.Shorten(p.word, 40))})
				continue
			}
			if due := p.line.Due; !due.IsZero() && (o.Due.IsZero() || due.Time.Before(o.Due.Time)) {
				o.Due = due
			}
			o.Lines = append(o.Lines, p.line)
		}
		out = append(out, o)
	}
	return out
}

// stateWords gives the state of each word, in small letters: the plant's, and
// those that every service of this kind uses.
func stateWords(set map[string][]string) (map[string]erp.State, error) {
	words := map[string]erp.State{}
	for s, list := range map[erp.State]string{erp.Open: "open released approved confirmed new active", erp.Held: "held hold draft planned pending blocked",
		erp.Closed: "closed done completed finished delivered shipped invoiced", erp.Cancelled: "cancelled canceled deleted rejected void"} {
		for _, w := range strings.Fields(list) {
			words[w] = s
		}
	}
	names := map[string]erp.State{"open": erp.Open, "held": erp.Held, "closed": erp.Closed, "cancelled": erp.Cancelled}
	owner := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		s, ok := names[name]
		if !ok {
			return nil, fmt.Errorf("states: %q is none of open, held, closed and cancelled", name)
		}
		for _, w := range set[name] {
			w = fold(w)
			if other := owner[w]; other != "" && other != name {
				return nil, fmt.Errorf("states: %q stands under %s and under %s", w, other, name)
			}
			owner[w], words[w] = name, s
		}
	}
	return words, nil
}

// fold is a word for comparing.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
