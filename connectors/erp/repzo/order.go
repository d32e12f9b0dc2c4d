package repzo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	// strangerAge is how old a catalogue may be when a line has a variant that it does
	// not know, and that was not looked for in vain.
	strangerAge = 5 * time.Minute
	// fewClients are read one by one; for more of them the whole list is read.
	fewClients = 20
	// clientsFor is how long the code of a client is remembered.
	clientsFor = 24 * time.Hour
)

// prepare reads what the records refer to and does not stand in them: the catalogue for
// codes and families, units, clients, and statuses that mean a cancellation.
func (s *Source) prepare(ctx context.Context, records []web.Value) error {
	age := 366 * 24 * time.Hour
	needed, units, statuses, strangers := false, false, false, []string(nil)
	meta := slices.ContainsFunc(s.Codes, func(c string) bool { return strings.Contains(c, metaField) })
	for _, r := range records {
		statuses = statuses || !r.Get("custom_status").Missing() && len(s.CancelStatuses) > 0
		for _, l := range r.Get("items").Each() {
			units = units || !l.Get("measureunit").Missing() && l.Get("measureunit").Get("factor").Missing()
			if snapshot(s, l) != "" && !meta && s.Families == "" {
				continue
			}
			needed, age = true, min(age, s.MastersFor)
			if v := variantOf(l); !s.goods.knows(v) && !s.strangers[v] {
				age, strangers = min(age, strangerAge), append(strangers, v)
			}
		}
	}
	if needed {
		if err := s.freshen(ctx, age); err != nil {
			return err
		}
	}
	for _, v := range strangers {
		if !s.goods.knows(v) {
			s.strangers[v] = true // until the catalogue is old anyway
		}
	}
	if err := s.clientsOf(ctx, records); err != nil {
		return err
	}
	for path, wanted := range map[string]bool{"/measureunits": units, "/custom-status": statuses} {
		if wanted {
			if _, err := s.names(ctx, path, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// clientsOf reads the codes of the clients of orders that do not show them.
func (s *Source) clientsOf(ctx context.Context, records []web.Value) error {
	if !s.ClientCodes {
		return nil
	}
	if time.Since(s.clientsAt) > clientsFor {
		s.clients, s.clientsAt = map[string]string{}, time.Now()
	}
	var unknown []string
	for _, r := range records {
		v := r.Get("client_id", "client")
		key, err := id(v)
		if _, known := s.clients[key]; err == nil && key != "" && !known && field(v, "client_code") == "" && !slices.Contains(unknown, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > fewClients {
		got, err := s.list(ctx, "read the list of clients", "/client", url.Values{})
		if err != nil {
			return err
		}
		for _, r := range got.records {
			if key, err := id(r); err == nil {
				s.clients[key] = field(r, "client_code")
			}
		}
		unknown = slices.DeleteFunc(unknown, func(key string) bool { _, known := s.clients[key]; return known })
	}
	for _, key := range unknown[:min(len(unknown), fewClients)] {
		v, _, err := s.get(ctx, "read client "+key, "/client/"+url.PathEscape(key), nil)
		if err != nil && !erp.Is(err, erp.Gone) && !erp.Is(err, erp.Refused) && !erp.Is(err, erp.Garbled) {
			return err // it will be the same for the others
		}
		s.clients[key] = field(single(v), "client_code")
	}
	return nil
}

// variantOf is the id of a line's variant; empty if it has none.
func variantOf(l web.Value) string {
	v := l.Get("variant", "variant_id")
	if v.IsObject() {
		v = v.Get("variant_id", "_id")
	}
	t, err := v.Text()
	if err != nil {
		return ""
	}
	return t
}

// snapshot is the code that a line itself has.
func snapshot(s *Source, l web.Value) string {
	return s.code(func(object, name string) string { return field(l.Get("variant"), object+"_"+name) })
}

// deed is the reading of one version of an order.
type deed struct {
	source     *Source
	record     web.Value
	id, number string
	where      string
	aliases    []string
	superseded bool
	version    int64
	updated    time.Time
	problems   []erp.Problem
}

func (d *deed) bad(line, name, what string, lost bool) {
	where := d.where
	if line != "" {
		where += ", line " + line
	}
	if name != "" {
		where += ", " + name
	}
	d.problems = append(d.problems, erp.Problem{Where: where, What: what, Order: d.id, Line: line, Lost: lost})
}

// identify reads what tells the document from others.
func (d *deed) identify() bool {
	r := d.record
	key, err := id(r.Get("_id"))
	d.where = r.Path()
	if !r.IsObject() || err != nil || key == "" || len(key) > 64 {
		d.bad("", "_id", "the order has no usable _id, so it can not be told from others", true)
		return false
	}
	d.id, d.number, d.updated = key, numberOf(r), updated(r)
	if s := r.Get("serial_number"); d.number == "" && !s.Missing() {
		// Each version has another _id: without the number it would be another order.
		d.where = "order " + key
		d.bad("", "serial_number", "the order has a number that can not be read, so it can not be told of which order it is a version", true)
		return false
	}
	d.where = "order " + key
	if d.number != "" {
		d.where = "order " + web.Shorten(d.number, 40)
	}
	latest, _ := r.Get("latest").Bool()
	d.superseded = latest == erp.No
	d.version, _ = r.Get("version").Int() // 0 is none
	return true
}

// text is the first of the fields that has a text; what is none is a problem.
func (d *deed) text(line string, v web.Value, names ...string) string {
	t, err := v.Get(names...).Text()
	if err != nil {
		d.bad(line, names[0], err.Error(), false)
	}
	return t
}

// yes says whether a field says so; what is neither yes nor no is a problem.
func (d *deed) yes(line string, v web.Value, name string) bool {
	a, err := v.Get(name).Bool()
	if err != nil {
		d.bad(line, name, err.Error(), false)
	}
	return a == erp.Yes
}

// reference is the key of another object, and its name where it stands there too.
func (d *deed) reference(names ...string) (key, name string) {
	v := d.record.Get(names...)
	key, err := id(v)
	if err != nil {
		d.bad("", names[0], err.Error(), false)
	}
	return key, field(v, "name")
}

// date is a day or a moment; what is none is a problem and a missing date.
func (d *deed) date(names ...string) erp.When {
	t := d.text("", d.record, names...)
	if t == "" {
		return erp.When{}
	}
	if at := momentOf(t); !at.IsZero() {
		return erp.Moment(at)
	}
	if day, err := time.Parse(time.DateOnly, t); err == nil && day.Year() >= 1990 && day.Year() < 2200 {
		return erp.DayOf(day.Date())
	}
	d.bad("", names[0], fmt.Sprintf("%.40q is no date", t), false)
	return erp.When{}
}

// momentOf reads milliseconds of Unix time, or a time with its zone; zero if it is none.
func momentOf(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if n, number := strconv.ParseInt(text, 10, 64); number == nil {
		at, err = time.UnixMilli(n), nil
	}
	if err != nil || at.Year() < 1990 || at.Year() >= 2200 {
		return time.Time{}
	}
	return at
}

// order reads the document. ok is false for one that asks for no goods: a return.
func (d *deed) order() (o erp.Order, ok bool) {
	r := d.record
	if strings.EqualFold(d.text("", r, "class"), "return") {
		return erp.Order{}, false
	}
	client, name := d.reference("client_id", "client")
	o = erp.Order{ID: d.id, Aliases: d.aliases, Number: d.number, Ordered: d.date("issue_date", "time", "createdAt"), Due: d.date("delivery_date", "validUntil"),
		Customer: erp.Customer{Code: client, Name: d.text("", r, "client_name")}, Currency: d.text("", r, "currency"), Note: d.text("", r, "comment")}
	if at, err := r.Get("time", "createdAt").Text(); err == nil {
		o.Created = momentOf(at)
	}
	if code := field(r.Get("client_id", "client"), "client_code"); code != "" {
		o.Customer.Code = code
	} else if code := d.source.clients[client]; code != "" {
		o.Customer.Code = code
	}
	if o.Customer.Name == "" {
		o.Customer.Name = name
	}
	if d.version > 0 {
		o.Revision = strconv.FormatInt(d.version, 10)
	}
	o.State, o.Word = d.state()
	rep := ""
	if by := r.Get("creator"); slices.Contains([]string{"", "rep"}, strings.ToLower(field(by, "type"))) {
		rep = field(by, "name")
	}
	var teams []string
	for _, t := range r.Get("teams").Each() {
		if name := field(t, "name"); name != "" {
			teams = append(teams, name)
		} else if key, err := id(t); err == nil && key != "" {
			teams = append(teams, key)
		}
	}
	route, routeName := d.reference("route")
	for key, v := range map[string]string{"rep": rep, "team": strings.Join(teams, ", "), "route": route, "route_name": routeName, "client_id": client} {
		if v != "" {
			if o.Info == nil {
				o.Info = map[string]string{}
			}
			o.Info[key] = v
		}
	}
	o.OnlyKnown = o.State == erp.Open && d.converted() && !d.recent()
	d.lines(&o)
	return o, true
}

// recent says that the order was made or invoiced about when orders were last read, or
// later: it is seen for the first time, although it was invoiced already.
func (d *deed) recent() bool {
	since := d.source.readSince
	if since.IsZero() {
		return false
	}
	for _, name := range []string{"converted_at", "createdAt"} {
		if at, err := d.record.Get(name).Text(); err == nil && at != "" && momentOf(at).After(since) {
			return true
		}
	}
	return false
}

// converted says that an invoice was made of the order.
func (d *deed) converted() bool {
	return !d.record.Get("converted_at").Missing() || !d.record.Get("invoice_reference").Missing()
}

// state is the meaning of the document's several states, and their words.
func (d *deed) state() (erp.State, string) {
	s, r := d.source, d.record
	word := d.text("", r, "status")
	state := s.States[word]
	if !s.IgnoreConverted && d.converted() && state != erp.Cancelled {
		state, word = erp.Closed, word+", converted"
	}
	if d.superseded {
		return erp.Cancelled, word + ", superseded" // only where each version is an order of its own
	}
	if d.yes("", r, "disabled") {
		return erp.Cancelled, word + ", disabled"
	}
	if label := r.Get("custom_status"); len(s.CancelStatuses) > 0 && !label.Missing() {
		key, err := id(label)
		if err != nil {
			d.bad("", "custom_status", err.Error(), false)
		}
		m, _ := byID(s.lists["/custom-status"].list, key)
		if label.IsObject() {
			m = master{id: key, code: field(label, "code"), name: field(label, "name")}
		}
		if slices.ContainsFunc(s.CancelStatuses, m.is) {
			return erp.Cancelled, word + ", " + web.Shorten(m.called(), 60)
		}
	}
	return state, word
}

// lines reads the lines; goods that come back stand elsewhere.
func (d *deed) lines(o *erp.Order) {
	list := d.record.Get("items")
	if !list.IsList() {
		d.bad("", "items", "the order has no list of lines", false)
		o.Partial = true
	}
	seen := map[string]bool{}
	for i, v := range list.Each() {
		key, err := id(v.Get("_id"))
		loose := !d.source.StableLines
		if err != nil || key == "" || seen[key] {
			unit, _ := id(v.Get("measureunit"))
			key, loose = strings.Trim(variantOf(v)+"."+unit+"."+strconv.Itoa(i+1), "."), true
		}
		seen[key] = true
		l, ok := d.line(key, v)
		if !ok {
			o.Partial = true
			continue
		}
		l.Loose = loose
		o.Lines = append(o.Lines, l)
	}
}

func (d *deed) line(key string, v web.Value) (erp.Line, bool) {
	if !v.IsObject() {
		d.bad(key, "", "the line is no record", true)
		return erp.Line{}, false
	}
	l := erp.Line{ID: key, Note: d.text(key, v, "note"), Free: d.yes(key, v.Get("promotions"), "isGet"), Return: d.text(key, v, "class") == "return"}
	if !d.quantity(&l, v) {
		return erp.Line{}, false
	}
	l.Product, l.ProductName = d.product(v), strings.TrimSpace(field(v.Get("variant"), "product_name"))
	if known, ok := d.source.goods.look(variantOf(v)); ok {
		l.Groups = known.families
	}
	if l.Product == "" {
		d.bad(key, "variant", "the line's variant has no code in any of "+strings.Join(d.source.Codes, ", "), false)
	}
	if p := v.Get("price"); !p.Missing() {
		price, err := p.Decimal(erp.Point)
		if err != nil {
			d.bad(key, "price", err.Error(), false)
			return l, true
		}
		// The price is of one base unit, in fractions of the currency.
		price = price.Div(decimal.NewFromInt(int64(d.source.MoneyDivisor)))
		if l.Factor.Sign() > 0 {
			price = price.Mul(l.Factor)
		}
		l.Price = &price
	}
	return l, true
}

// product is the code of a line's article, as it is for products and stock: what the
// catalogue has where metadata is among the sources, otherwise what the line itself has,
// and last what the catalogue has.
func (d *deed) product(v web.Value) string {
	known, _ := d.source.goods.look(variantOf(v))
	if slices.ContainsFunc(d.source.Codes, func(code string) bool { return strings.Contains(code, metaField) }) && known.code != "" {
		return known.code // the line does not have the metadata that may come before its own codes
	}
	if code := snapshot(d.source, v); code != "" {
		return code
	}
	return known.code
}

// quantity reads how much is ordered: in the line's unit, or in base units where only
// these are there or where the two differ.
func (d *deed) quantity(l *erp.Line, v web.Value) bool {
	unit := v.Get("measureunit")
	l.Unit = field(unit, "name")
	factor := unit.Get("factor")
	if !unit.Missing() && factor.Missing() {
		key, _ := id(unit)
		m, _ := byID(d.source.lists["/measureunits"].list, key)
		l.Unit, l.Factor = m.called(), m.factor
	} else if !factor.Missing() {
		f, err := factor.Decimal(erp.Point)
		if err != nil || f.Sign() <= 0 {
			d.bad(l.ID, "measureunit.factor", "the factor of the unit is no number above zero", false)
		} else {
			l.Factor = f
		}
	}
	count, base := v.Get("qty", "quantity"), v.Get("base_unit_qty")
	n, err := count.Decimal(erp.Point)
	b, wrong := base.Decimal(erp.Point)
	switch {
	case err != nil && !count.Missing():
		d.bad(l.ID, "qty", err.Error()+"; correct the line in Repzo", true)
		return false
	case wrong != nil && !base.Missing():
		d.bad(l.ID, "base_unit_qty", wrong.Error()+"; correct the line in Repzo", true)
		return false
	case err != nil && wrong != nil:
		d.bad(l.ID, "qty", "the line has no quantity; correct it in Repzo", true)
		return false
	case wrong != nil:
		l.Quantity = n
	case err == nil && l.Factor.Sign() > 0 && n.Mul(l.Factor).Equal(b):
		l.Quantity = n
	default:
		if err == nil && l.Factor.Sign() > 0 {
			d.bad(l.ID, "base_unit_qty", fmt.Sprintf("%s %s of %s are %s, but the order says %s base units, which count", n, l.Unit, l.Factor, n.Mul(l.Factor), b), false)
		}
		l.Quantity, l.Unit, l.Factor = b, "", decimal.NewFromInt(1)
	}
	return true
}
