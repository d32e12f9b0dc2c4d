package prodsmart

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProductionOrder is an order to make something. To create one, give Code, Start,
// Due and Products; Code is not unique in Prodsmart. To change one, Get it first:
// Update writes the whole of it, with everything that this package does not know.
type ProductionOrder struct {
	// ID is Prodsmart's own number.
	ID   int64
	Code string
	// Start and Due are the planned times.
	Start, Due time.Time
	// Products are not empty, and each product is there once.
	Products     []OrderProduct
	Description  string
	Notes        string
	SerialNumber string
	// Shipping is what a sales order is shipped as. Its code is written.
	Shipping Reference
	// Location is a site, by its code.
	Location Reference
	Machines []Reference
	// Workers are assigned to the order. WorkerGroups, by name, are only written when
	// an order is created, and are read as their workers.
	Workers      []Worker
	WorkerGroups []string
	// Parameters are only written when an order is created; they are read as
	// CustomFields as a rule.
	Parameters   []Value
	CustomFields []Value
	PiecesByBox  Decimal
	// Ended closes an order, Active lets workers see it.
	Ended, Active  Flag
	MaterialStaged Flag
	// Status and RunningStatus are Prodsmart's: scheduled, onschedule, delayed,
	// completed; and notstarted, started, closed, archived, deleted.
	Status, RunningStatus string
	// Original is what the order was read from.
	Original Original
	// Unread says in words what could not be read; empty if all was.
	Unread []string
}

// OrderProduct is one product of an order.
type OrderProduct struct {
	// Product is a code.
	Product string
	Ordered Decimal
	// Produced is Prodsmart's.
	Produced     Decimal
	Observations string
	Original     Original
}

func (p *OrderProduct) form(f *form) {
	f.text("product", &p.Product)
	f.number("quantity-ordered", &p.Ordered)
	f.text("observations", &p.Observations)
	f.served(func() { f.number("quantity-produced", &p.Produced) }, "quantity-produced")
}

func (p *OrderProduct) original() *Original { return &p.Original }
func (p *OrderProduct) unread([]string)     {}

func (o *ProductionOrder) form(f *form) {
	f.served(func() { f.id(&o.ID) })
	f.text("code", &o.Code)
	f.moment("start-date", &o.Start)
	f.moment("due-date", &o.Due)
	documents(f, "products", &o.Products)
	f.text("description", &o.Description)
	f.text("notes", &o.Notes)
	f.text("serial-number", &o.SerialNumber)
	if f.purpose == toCreate {
		f.code("shipping", &o.Shipping)
	} else {
		f.reference("shipping", &o.Shipping)
		f.spellOut("shipping", o.Shipping)
	}
	f.code("location", &o.Location)
	f.references("machines", &o.Machines)
	f.workers("workers-assigned", &o.Workers)
	if f.purpose == toCreate {
		f.drop("id")
		entries(f, "worker-groups", &o.WorkerGroups,
			func(raw json.RawMessage, n *notes) string { return referenceOf("worker-groups", raw, n).label() },
			func(name string) json.RawMessage { return encoded(map[string]string{"name": name}) }, equal[string])
	}
	if f.purpose != toUpdate {
		f.values("parameters", &o.Parameters, true)
	}
	f.values("custom-fields", &o.CustomFields, false)
	f.number("pieces-by-box", &o.PiecesByBox)
	f.flag("ended", &o.Ended)
	f.active(&o.Active)
	f.flag("material-staging-complete", &o.MaterialStaged)
	f.served(func() {
		f.text("status", &o.Status)
		f.text("running-status", &o.RunningStatus)
	}, "status", "running-status")
}

func (o *ProductionOrder) original() *Original  { return &o.Original }
func (o *ProductionOrder) unread(list []string) { o.Unread = list }

// Key is the same for the same order.
func (o ProductionOrder) Key() string { return keyOf(o.ID, o) }

// Deleted says that the order is not there any more, as webhooks and change
// channels tell it.
func (o ProductionOrder) Deleted() bool { return strings.EqualFold(o.RunningStatus, "deleted") }

// served are fields that Prodsmart keeps itself: they are read, and those named are
// not written.
func (f *form) served(read func(), unwritten ...string) {
	if f.purpose == reading {
		read()
	}
	f.drop(unwritten...)
}

// active has one name in what creates an order, and another in what changes it.
func (f *form) active(p *Flag) {
	switch {
	case f.purpose == reading:
		if f.flag("is-active", p); *p == Unsaid {
			f.flag("active", p)
		}
	case f.purpose == toCreate:
		f.flag("active", p)
	default:
		if *p != Unsaid {
			f.drop("active")
		}
		f.flag("is-active", p)
	}
}

// ProductionOrderQuery asks for production orders. Its zero value asks for all.
// There is no filter by code or by the time of a change.
type ProductionOrderQuery struct {
	// StartAfter and its like bound the planned times; zero is no bound.
	StartAfter, StartBefore, DueAfter, DueBefore time.Time
	// RunningStatus is notstarted, started, closed or archived; empty is any.
	RunningStatus string
	Active        Flag
	// Product and Machine are codes; empty is any.
	Product, Machine string
	// Workers asks for the workers as well.
	Workers bool
}

func (q ProductionOrderQuery) put(v url.Values) {
	putDate(v, "start-date-after", q.StartAfter, -time.Second)
	putDate(v, "start-date-before", q.StartBefore, 2*time.Second)
	putDate(v, "due-date-after", q.DueAfter, -time.Second)
	putDate(v, "due-date-before", q.DueBefore, 2*time.Second)
	putText(v, "running-status", q.RunningStatus)
	putFlag(v, "active", q.Active)
	putText(v, "product", q.Product)
	putText(v, "machine", q.Machine)
	if q.Workers {
		v.Set("workers", "true")
	}
}

// Fits says whether an order is what was asked for. Not all filters are known to
// work in Prodsmart, so what it lists may be more.
func (q ProductionOrderQuery) Fits(o ProductionOrder) bool {
	return between(o.Start, q.StartAfter, q.StartBefore) && between(o.Due, q.DueAfter, q.DueBefore) &&
		(q.RunningStatus == "" || o.RunningStatus == "" || strings.EqualFold(o.RunningStatus, q.RunningStatus)) &&
		(q.Active == Unsaid || o.Active == Unsaid || o.Active == q.Active) &&
		(q.Product == "" || slices.ContainsFunc(o.Products, func(p OrderProduct) bool { return p.Product == q.Product })) &&
		(q.Machine == "" || slices.ContainsFunc(o.Machines, func(m Reference) bool { return m.Code == q.Machine }))
}

// ProductionOrders are the production orders.
type ProductionOrders struct {
	Lister[ProductionOrder, ProductionOrderQuery]
	Creator[ProductionOrder]
	Deleter
	client *Client
}

// ProductionOrders gives the production orders.
func (c *Client) ProductionOrders() ProductionOrders {
	return ProductionOrders{
		lister[ProductionOrder, ProductionOrderQuery](c, "production-orders.list", decodeDocument[ProductionOrder]),
		creator(c, "production-orders.create", decodeDocument[ProductionOrder], encodeDocument[ProductionOrder]),
		deleter(c, "production-orders.delete"), c,
	}
}

// Get reads one order, with its workers. The error is that of a record which is not
// there (Gone) also if Prodsmart shows it as deleted; an answer that shows another order,
// or none, is an error.
func (r ProductionOrders) Get(ctx context.Context, id int64) (ProductionOrder, error) {
	o, err := getter(r.client, "production-orders.get", decodeDocument[ProductionOrder]).get(ctx, number(id), url.Values{"workers": {"true"}})
	wrong := Answer{Status: http.StatusOK, Verdict: Ambiguous, Text: fmt.Sprintf("the answer shows production order %d, and %d was asked for", o.ID, id)}
	switch {
	case err != nil:
		return o, err
	case o.ID == id && o.Deleted():
		wrong = Answer{Status: http.StatusGone, Verdict: Refused, Text: "the production order is deleted"}
	case o.ID == id:
		return o, nil
	}
	return ProductionOrder{}, &Error{Endpoint: operations()["production-orders.get"].Endpoint, Host: r.client.host, Answer: wrong}
}

// KeepSerial gives an order that was read by Get its serial number, which only the
// lists, webhooks and the answer to Create show, from an earlier reading. Without it
// Update, where Prodsmart clears what a request leaves out, would lose it.
func (o *ProductionOrder) KeepSerial(earlier ProductionOrder) {
	if o.SerialNumber == "" && !o.Original.says("serial-number") {
		o.SerialNumber = earlier.SerialNumber
	}
}

// KeepUnshown gives an order, however it was read, the fields that this reading does not
// show, from an earlier one: lists have no custom fields and no staging of material,
// change channels no workers, no location and others. The order can not be written
// back then.
func (o *ProductionOrder) KeepUnshown(earlier ProductionOrder) {
	o.KeepSerial(earlier)
	for name, keep := range map[string]func(){
		"custom-fields":             func() { o.CustomFields = earlier.CustomFields },
		"material-staging-complete": func() { o.MaterialStaged = earlier.MaterialStaged },
		"workers-assigned":          func() { o.Workers = earlier.Workers },
		"location":                  func() { o.Location = earlier.Location },
		"shipping":                  func() { o.Shipping = earlier.Shipping },
		"pieces-by-box":             func() { o.PiecesByBox = earlier.PiecesByBox },
		"parameters":                func() { o.Parameters = earlier.Parameters },
	} {
		if !o.Original.says(name) {
			keep()
		}
	}
	o.Original = Original{}
}

// Update writes an order that was read by Get, or answered by Update; see
// KeepSerial for what Get does not show. It returns what Prodsmart made of it. The
// error is a *NotTaken if that differs, and ErrNotRead if the order was read
// otherwise: items of lists have no custom fields.
func (r ProductionOrders) Update(ctx context.Context, o ProductionOrder) (ProductionOrder, error) {
	if !o.Original.whole || o.ID == 0 {
		return o, notRead("production order", o.ID, o.Code)
	}
	u := updater(r.client, "production-orders.update", decodeDocument[ProductionOrder], encodeDocument[ProductionOrder])
	got, err := u.update(ctx, number(o.ID), url.Values{"workers": {"true"}}, o)
	if err != nil {
		return o, err
	}
	got.KeepSerial(o)
	return got, o.taken(got)
}

// Edit reads an order, lets change change it, and writes it: two requests. If
// change returns an error, or changes nothing, nothing is written. Where Prodsmart
// clears what is left out, change has to give the serial number; see KeepSerial.
func (r ProductionOrders) Edit(ctx context.Context, id int64, change func(*ProductionOrder) error) (ProductionOrder, error) {
	o, err := r.Get(ctx, id)
	if err != nil {
		return o, err
	}
	before := encodeDocument(o, toUpdate)
	if err := change(&o); err != nil {
		return o, err
	}
	if string(before) == string(encodeDocument(o, toUpdate)) {
		return o, nil
	}
	return r.Update(ctx, o)
}

// Notify sends a short message of at most 140 characters to the workers of an
// order, and appends the long one to its notes. It must not be repeated if its
// outcome is not known.
func (r ProductionOrders) Notify(ctx context.Context, id int64, short, long string) error {
	if n := len([]rune(short)); n == 0 || n > 140 {
		return fmt.Errorf("prodsmart: the short message has %d characters; it must have 1 to 140", n)
	}
	body := map[string]string{"short-message": short}
	if long != "" {
		body["message"] = long
	}
	_, err := r.client.do(ctx, "production-orders.notify", number(id), nil, encoded(body))
	return err
}

// Activate lets workers see an order again. One that is active stays so; one that
// is closed or archived is refused with status 405.
func (r ProductionOrders) Activate(ctx context.Context, id int64) error {
	_, err := r.client.do(ctx, "production-orders.activate", number(id), nil, json.RawMessage("{}"))
	return err
}

func number(id int64) string { return strconv.FormatInt(id, 10) }

// taken compares what was sent with what came back.
func (o ProductionOrder) taken(got ProductionOrder) error {
	c := comparison{got: got.Original}
	c.text("code", o.Code, got.Code)
	c.text("start-date", stamp(o.Start), stamp(got.Start))
	c.text("due-date", stamp(o.Due), stamp(got.Due))
	c.text("description", o.Description, got.Description)
	c.text("notes", o.Notes, got.Notes)
	c.text("serial-number", o.SerialNumber, got.SerialNumber)
	c.text("shipping", o.Shipping.Code, got.Shipping.Code)
	c.text("location", o.Location.Code, got.Location.Code)
	c.text("pieces-by-box", o.PiecesByBox.String(), got.PiecesByBox.String())
	c.text("products", sorted(o.Products, productText), sorted(got.Products, productText))
	c.text("machines", sorted(o.Machines, codeText), sorted(got.Machines, codeText))
	c.text("workers-assigned", sorted(o.Workers, numberText), sorted(got.Workers, numberText))
	c.text("custom-fields", sorted(o.CustomFields, valueText), sorted(got.CustomFields, valueText))
	c.flag("ended", o.Ended, got.Ended)
	c.flag("is-active", o.Active, got.Active)
	c.flag("material-staging-complete", o.MaterialStaged, got.MaterialStaged)
	return c.outcome("production order", o.ID, o.Code)
}

func productText(p OrderProduct) string { return p.Product + " " + p.Ordered.String() }
func numberText(w Worker) string        { return w.Number }
