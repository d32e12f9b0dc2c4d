package csmart

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// candidate is what a field can be, with the names that it is likely to have.
type candidate struct {
	key   string
	names []string
}

// candidates are all that fields can be: of an order, of its lines, of a customer, of
// a product and of a task.
func candidates() []candidate {
	return []candidate{
		{"id", []string{"id"}},
		{"number", []string{"number", "no", "order_no", "salesorder_no", "numer", "name"}},
		{"state", []string{"status", "sostatus", "state"}},
		{"ordered", []string{"date", "order_date", "date_entered", "created", "data"}},
		{"due", []string{"delivery_date", "due_date", "duedate", "date_end", "termin"}},
		{"updated", []string{"modified", "date_modified", "modifiedtime", "updated"}},
		{"customer_id", []string{"account_id"}},
		{"customer_name", []string{"account_name", "client"}},
		{"tax_number", []string{"nip"}},
		{"currency", []string{"currency", "waluta"}},
		{"note", []string{"description", "uwagi", "notes"}},
		{"lines", []string{"items", "products", "positions", "lines", "pozycje"}},
		{"line.id", []string{"id", "item_id", "lp"}},
		{"line.product_id", []string{"product_id"}},
		{"line.product", []string{"code", "product_code", "symbol", "sku", "indeks"}},
		{"line.product_name", []string{"name", "product_name"}},
		{"line.quantity", []string{"quantity", "qty", "count", "ilosc"}},
		{"line.unit", []string{"unit", "jm"}},
		{"line.price", []string{"price", "net", "cena"}},
		{"line.note", []string{"description", "uwagi", "note"}},
		{"customer.id", []string{"id"}},
		{"customer.name", []string{"name"}},
		{"customer.tax_number", []string{"nip"}},
		{"customer.type", []string{"type"}},
		{"product.id", []string{"id"}},
		{"product.code", []string{"code", "symbol", "sku", "product_no", "indeks"}},
		{"product.name", []string{"name"}},
		{"product.unit", []string{"unit", "jm"}},
		{"product.barcode", []string{"ean", "barcode"}},
		{"product.active", []string{"active", "status"}},
		{"task.id", []string{"id"}},
	}
}

// Meanings are the keys that Config.Fields may have.
func Meanings() []string {
	var out []string
	for _, c := range candidates() {
		out = append(out, c.key)
	}
	return out
}

// dictionary has the names of each field, the likeliest first.
type dictionary map[string][]string

// dictionary is that of a tenant.
func (c Config) dictionary() dictionary {
	d := dictionary{}
	for _, x := range candidates() {
		if d[x.key] = x.names; len(c.Fields[x.key]) > 0 {
			d[x.key] = c.Fields[x.key]
		}
	}
	return d
}

// reader reads one record, and notes what is wrong with it.
type reader struct {
	source *Source
	record web.Value
	// where names the record in problems; order and line are its keys.
	where       string
	order, line string
	notes       *notes
}

// mostNotes is how many problems of one read are told.
const mostNotes = 1000

// notes are the problems of one read.
type notes struct {
	list   []erp.Problem
	untold int
}

func (n *notes) add(p erp.Problem) {
	if len(n.list) >= mostNotes {
		n.untold++
		return
	}
	n.list = append(n.list, p)
}

// end gives the problems of a module, and how many of them are not told.
func (n *notes) end(module string) []erp.Problem {
	if n.untold > 0 {
		return append(n.list, erp.Problem{Where: module, What: fmt.Sprintf("%d problems more are not told", n.untold), Lost: true})
	}
	return n.list
}

func (r reader) bad(field, what string, lost bool) {
	where := r.where
	if field != "" {
		where += ", " + field
	}
	r.notes.add(erp.Problem{Where: where, What: web.Shorten(what, 300), Order: r.order, Line: r.line, Lost: lost})
}

func (r reader) value(key string) web.Value { return r.record.Get(r.source.fields[key]...) }

// text is a field's text; what is none is a problem.
func (r reader) text(key string) string {
	t, err := r.value(key).Text()
	if err != nil {
		r.bad(key, err.Error(), false)
	}
	return t
}

// date is a field's day or moment; what is none is a problem and a missing date.
func (r reader) date(key string) erp.When {
	text := r.text(key)
	if text == "" || strings.HasPrefix(text, "0000-00-00") {
		return erp.When{}
	}
	w := parse(text, r.source.Zone)
	if w.IsZero() {
		r.bad(key, fmt.Sprintf("%.40q is no date", text), false)
	}
	return w
}

// parse reads a date in one of the usual ways; zero if it is none. Midnight is how a day
// looks in a field for moments.
func parse(text string, zone *time.Location) erp.When {
	for _, form := range []string{time.DateOnly, "02.01.2006"} {
		if t, err := time.Parse(form, text); err == nil && usual(t) {
			return erp.DayOf(t.Date())
		}
	}
	for _, form := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "02.01.2006 15:04:05", "02.01.2006 15:04", time.RFC3339} {
		t, err := time.ParseInLocation(form, text, zone)
		if err != nil || !usual(t) {
			continue
		}
		if t = t.In(zone); t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
			return erp.DayOf(t.Date())
		}
		return erp.Moment(t)
	}
	return erp.When{}
}

func usual(t time.Time) bool { return t.Year() >= 1990 && t.Year() < 2200 }

// number reads an amount: thousands are parted by spaces, the last mark is that of the
// fraction, whichever it is.
func number(v web.Value) (decimal.Decimal, error) {
	text, err := v.Text()
	if err != nil {
		return decimal.Decimal{}, err
	}
	mark := erp.Point
	if strings.LastIndexByte(text, ',') > strings.LastIndexByte(text, '.') {
		mark = erp.Comma
	}
	d, err := erp.ParseDecimal(text, mark)
	if err != nil {
		return d, fmt.Errorf("%s: %w", v.Path(), err)
	}
	return d, nil
}
