package smartup

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	dateForm = "02.01.2006"
	timeForm = "02.01.2006 15:04:05"
)

// mark is what a caller keeps of a read: its day where the company is, and the
// window that the system named; 0 if it named none.
type mark struct {
	Day  string `json:"day"`
	Days int    `json:"days"`
}

// ReadOrders reads the orders that were modified since the day before the mark's,
// or in the whole window. It is never complete: an open order that nobody touched
// for longer than the window is not shown. There is no filter of statuses, so that
// closed and cancelled orders are seen.
func (s *Source) ReadOrders(ctx context.Context, ask erp.Ask) (erp.OrderRead, error) {
	var out erp.OrderRead
	var m mark
	today := s.today()
	last := time.Time{}
	if json.Unmarshal([]byte(ask.Mark), &m) == nil {
		last, _ = time.Parse(time.DateOnly, m.Day)
		if s.told == 0 && m.Days >= 1 && m.Days <= 366 { // what Smartup says now counts more
			s.days, s.told = m.Days, m.Days
		}
	}
	oldest := today.AddDate(0, 0, 1-s.days)
	from := last.AddDate(0, 0, -1)
	if yesterday := today.AddDate(0, 0, -1); from.After(yesterday) {
		from = yesterday
	}
	if from.Before(oldest) || ask.Full {
		from = oldest
	}
	if !last.IsZero() && last.Before(oldest) {
		out.Gap = &erp.Gap{From: last, To: oldest.AddDate(0, 0, -1)}
	}
	doing := "read orders changed from " + from.Format(dateForm) + " to " + today.Format(dateForm)
	changed := func(from time.Time) ([]web.Value, []erp.Problem, error) {
		return s.read(ctx, doing, frequent, ordersPath, "order",
			s.within("", map[string]any{"begin_modified_on": from.Format(dateForm), "end_modified_on": today.Format(dateForm)}), true)
	}
	records, notes, err := changed(from)
	if erp.Is(err, erp.Refused) && from.Before(today) {
		// The window may be smaller than it was; an answer names it, a refusal does not.
		refused, told := err, s.told
		if _, _, err = changed(today); err == nil && s.told != told {
			return erp.OrderRead{}, &erp.Error{Fault: erp.Unavailable, Doing: doing, Err: refused,
				What: fmt.Sprintf("Smartup shows changes of %d days, not of %d any more; they are asked for with the next read", s.told, int(today.Sub(from)/(24*time.Hour))+1)}
		}
		err = refused
	}
	if err != nil {
		return erp.OrderRead{}, err
	}
	doubts, err := s.catalogueFor(ctx, records)
	if err != nil {
		return erp.OrderRead{}, err
	}
	out.Orders, out.Problems = s.orders(records)
	out.Problems = append(append(notes, doubts...), out.Problems...)
	text, err := json.Marshal(mark{today.Format(time.DateOnly), s.told})
	if err != nil {
		return erp.OrderRead{}, &erp.Error{Fault: erp.Garbled, Doing: doing, Err: err}
	}
	out.Mark = string(text)
	return out, nil
}

// today is the day where the company is, as midnight UTC.
func (s *Source) today() time.Time {
	y, m, d := time.Now().In(s.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// within adds an organisation to a request: the one that it is about, or the configured
// one.
func (s *Source) within(company string, ask map[string]any) map[string]any {
	switch {
	case s.Several && company != "":
		ask["filial_code"] = company
	case s.FilialCode != "":
		ask["filial_code"] = s.FilialCode
	}
	return ask
}

// FindOrder asks for one order by its deal_id.
func (s *Source) FindOrder(ctx context.Context, company, id string) (erp.Order, []erp.Problem, error) {
	record, notes, err := s.deal(ctx, "look for order "+id, company, id)
	if err != nil {
		return erp.Order{}, nil, err
	}
	doubts, err := s.catalogueFor(ctx, []web.Value{record})
	if err != nil {
		return erp.Order{}, nil, err
	}
	notes = append(notes, doubts...)
	orders, problems := s.orders([]web.Value{record})
	if len(orders) != 1 {
		return erp.Order{}, nil, &erp.Error{Fault: erp.Garbled, Doing: "look for order " + id, What: "the order was found, but can not be read"}
	}
	return orders[0], append(notes, problems...), nil
}

// deal is the record of one order.
func (s *Source) deal(ctx context.Context, doing, company, id string) (web.Value, []erp.Problem, error) {
	ask := s.within(company, map[string]any{"deal_id": id})
	records, notes, err := s.read(ctx, doing, frequent, ordersPath, "order", ask, false)
	if err != nil {
		return web.Value{}, nil, err
	}
	for _, r := range records {
		found, _ := r.Get("deal_id").Text()
		filial, _ := r.Get("filial_code").Text()
		if found == id && (!s.Several || company == "" || filial == company) {
			return r, notes, nil
		}
	}
	if len(records) > 0 {
		return web.Value{}, nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: "other orders were answered than the one that was asked for"}
	}
	return web.Value{}, nil, &erp.Error{Fault: erp.Gone, Doing: doing, What: "Smartup has no order with the deal_id " + id}
}

// orders reads records. One that can not be read costs nothing but itself.
func (s *Source) orders(records []web.Value) ([]erp.Order, []erp.Problem) {
	var out []erp.Order
	var problems []erp.Problem
	at := map[string]int{}
	for _, r := range records {
		d := &deed{source: s, record: r}
		o, ok := d.order()
		problems = append(problems, d.problems...)
		if !ok || s.FilialCode != "" && d.filial != "" && d.filial != s.FilialCode {
			continue
		}
		key := o.Company + "/" + o.ID
		if i, twice := at[key]; twice {
			problems = append(problems, erp.Problem{Where: d.where, What: "the order stands twice in the answer; the last one counts", Order: o.ID})
			out[i] = o
			continue
		}
		at[key] = len(out)
		out = append(out, o)
	}
	return out, problems
}

// deed is the reading of one order.
type deed struct {
	source   *Source
	record   web.Value
	where    string
	id       string
	filial   string
	problems []erp.Problem
}

func (d *deed) bad(line, field, what string, lost bool) {
	where := d.where
	if line != "" {
		where += ", line " + line
	}
	if field != "" {
		where += ", " + field
	}
	d.problems = append(d.problems, erp.Problem{Where: where, What: what, Order: d.id, Line: line, Lost: lost})
}

// text is the first of the fields that has a text; what is none is a problem.
func (d *deed) text(line string, v web.Value, names ...string) string {
	t, err := v.Get(names...).Text()
	if err != nil {
		d.bad(line, names[0], err.Error(), false)
	}
	return t
}

// date is a date of the order; what is none is a problem and a missing date.
func (d *deed) date(name string, day bool) erp.When {
	text := d.text("", d.record, name)
	if text == "" {
		return erp.When{}
	}
	t, err := parseTime(text, d.source.Zone)
	if err != nil {
		d.bad("", name, err.Error(), false)
		return erp.When{}
	}
	if day {
		return erp.DayOf(t.Date())
	}
	return erp.Moment(t)
}

// parseTime reads the ways in which dates are met.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	for _, form := range []string{timeForm, dateForm, "02.01.2006 15:04", "02.01.06", "02.01.06 15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, zone); err == nil && t.Year() >= 1990 && t.Year() < 2200 {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no date dd.mm.yyyy", text)
}

func (d *deed) order() (erp.Order, bool) {
	r, s := d.record, d.source
	d.where = r.Path()
	id, err := r.Get("deal_id").Text()
	if !r.IsObject() || err != nil || id == "" || len(id) > 40 {
		d.bad("", "deal_id", "the order has no usable deal_id, so it can not be told from others", true)
		return erp.Order{}, false
	}
	d.id, d.where = id, "order "+id
	d.filial = d.text("", r, "filial_code")
	o := erp.Order{ID: id, Number: d.text("", r, s.Number, "deal_id"), Word: d.text("", r, "status"),
		Ordered: d.date("deal_time", false), Due: d.date("delivery_date", true), Currency: d.text("", r, "currency_code")}
	if s.Several {
		o.Company = d.filial
	}
	o.State = s.States[o.Word]
	o.Customer = erp.Customer{Code: d.text("", r, "person_code", "person_id"), Name: d.text("", r, "person_name")}
	old, _ := splitNote(d.text("", r, "note"))
	o.Note = strings.TrimSpace(old + "\n" + d.text("", r, "deal_note"))
	for _, name := range []string{"deal_id", "invoice_number", "delivery_number", "filial_code", "room_code", "sales_manager_name"} {
		if v := d.text("", r, name); v != "" {
			if o.Info == nil {
				o.Info = map[string]string{}
			}
			o.Info[name] = v
		}
	}
	d.lines(&o)
	if s.Location == "filial" {
		o.Location = d.filial
	}
	return o, true
}

// lines reads the lines, gifts and promotions, which all are goods to be made.
func (d *deed) lines(o *erp.Order) {
	if !d.record.Get("order_products").IsList() {
		d.bad("", "order_products", "the order has no list of lines", false)
		o.Partial = true
	}
	seen := map[string]bool{}
	for _, list := range []struct{ name, key, note string }{{"order_products", "line", ""}, {"order_gifts", "gift", "gift"}, {"order_actions", "action", "promotion"}} {
		for i, v := range d.record.Get(list.name).Each() {
			key := d.text("", v, "product_unit_id")
			loose := !d.source.StableLines
			if key == "" {
				key, loose = list.key+"-"+strconv.Itoa(i+1), true
			}
			if seen[key] {
				d.bad(key, "product_unit_id", "two lines have this id; the second is told apart by its place", false)
				key, loose = key+"."+list.key+strconv.Itoa(i+1), true
			}
			seen[key] = true
			l, ok := d.line(key, v)
			if !ok {
				o.Partial = true
				continue
			}
			l.Loose, l.Free = loose, list.note != ""
			l.Note = strings.Trim(list.note+"; "+l.Note, "; ")
			if d.source.Location == "warehouse" && o.Location == "" {
				o.Location = d.text(key, v, "warehouse_code")
			}
			o.Lines = append(o.Lines, l)
		}
	}
}

func (d *deed) line(key string, v web.Value) (erp.Line, bool) {
	quantity, err := number(v.Get("order_quant"))
	if err != nil {
		d.bad(key, "order_quant", err.Error()+"; correct the line in Smartup", true)
		return erp.Line{}, false
	}
	l := erp.Line{ID: key, Quantity: quantity, Unit: d.text(key, v, "measure_code"), Factor: decimal.NewFromInt(1),
		Product: d.text(key, v, "product_code", "product_local_code"), ProductName: d.text(key, v, "product_name")}
	if barcode := d.text(key, v, "product_barcode", "gtin"); l.Product == "" && barcode != "" {
		if l.Product = d.source.articles.code(barcode); l.Product == "" {
			d.bad(key, "product_code", "the line has no code, and no single product has its barcode "+web.Shorten(barcode, 40), false)
		}
	}
	if kind := d.text(key, v, "inventory_kind"); kind != "" {
		l.Manufactured = d.source.made(kind)
	}
	l.Groups = d.source.articles.families(l.Product)
	if p := v.Get("product_price"); !p.Missing() {
		if price, err := number(p); err != nil {
			d.bad(key, "product_price", err.Error(), false)
		} else {
			l.Price = &price
		}
	}
	for _, wish := range []struct{ field, word string }{{"batch_number", "batch "}, {"expiry_date", "expiry "}} {
		if t := d.text(key, v, wish.field); t != "" {
			l.Note = strings.TrimPrefix(l.Note+"; "+wish.word+t, "; ")
		}
	}
	return l, true
}

// number is a number, whose fraction has a point, or a comma where no point is.
func number(v web.Value) (decimal.Decimal, error) {
	if t, err := v.Text(); err == nil && strings.Contains(t, ",") && !strings.Contains(t, ".") {
		return v.Decimal(erp.Comma)
	}
	return v.Decimal(erp.Point)
}
