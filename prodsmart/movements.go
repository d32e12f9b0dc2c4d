package prodsmart

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Movement is a movement of stock.
type Movement struct {
	ID int64
	// Product is a code; it, Type (in, out and others) and Quantity are needed.
	Product  string
	Type     string
	Quantity Decimal
	At       time.Time
	Lot      string
	Cost     Decimal // of all of it
	// Warehouse, WarehouseLocation and Location are codes.
	Warehouse, WarehouseLocation, Location Reference
	Comment                                string
	// Shipping, Receiving, SalesOrder and PurchaseOrder say what it is for.
	Shipping, Receiving, SalesOrder, PurchaseOrder Reference
	Original                                       Original
	Unread                                         []string
}

func (m *Movement) form(f *form) {
	f.served(func() { f.id(&m.ID) })
	f.text("product-code", &m.Product)
	if f.purpose == reading && m.Product == "" {
		m.Product = f.o.reference("product").label()
	}
	f.text("type", &m.Type)
	f.quotedNumber("quantity", &m.Quantity)
	f.moment("date-time", &m.At)
	f.text("lot", &m.Lot)
	f.quotedNumber("total-cost", &m.Cost)
	f.code("warehouse", &m.Warehouse)
	f.code("warehouse-location", &m.WarehouseLocation)
	f.code("location", &m.Location)
	f.text("comment", &m.Comment)
	f.code("shipping", &m.Shipping)
	f.code("receiving", &m.Receiving)
	f.code("client-order", &m.SalesOrder)
	f.code("purchase-order", &m.PurchaseOrder)
	if f.purpose == reading {
		m.within(f.o)
	}
	if f.purpose == toCreate {
		f.drop("id")
	}
}

// within reads what is written beside a shipping or receiving, and shown within it.
func (m *Movement) within(o object) {
	for _, part := range []struct {
		name  string
		order *Reference
		names []string
	}{{"shipping", &m.SalesOrder, []string{"clientOrder", "client-order"}}, {"receiving", &m.PurchaseOrder, []string{"purchaseOrder", "purchase-order"}}} {
		_, raw := o.get(part.name)
		if !isKind(raw, '{') {
			continue
		}
		inner, ok := parseObject(raw, o.notes)
		if !ok {
			continue
		}
		if *part.order == (Reference{}) {
			*part.order = inner.reference(part.names...)
		}
		if m.Location == (Reference{}) {
			m.Location = inner.reference("location")
		}
	}
}

func (m *Movement) original() *Original  { return &m.Original }
func (m *Movement) unread(list []string) { m.Unread = list }

// Key is the same for the same movement.
func (m Movement) Key() string { return keyOf(m.ID, m) }

// MovementQuery asks for movements. Its zero value asks for all.
type MovementQuery struct {
	// Product is a code.
	Product, Type string
}

func (q MovementQuery) put(v url.Values) {
	putText(v, "product-code", q.Product)
	putText(v, "type", q.Type)
}

// Fits says whether a movement is what was asked for.
func (q MovementQuery) Fits(m Movement) bool {
	return (q.Product == "" || m.Product == q.Product) && (q.Type == "" || strings.EqualFold(m.Type, q.Type))
}

// Movements are the movements of stock.
type Movements struct {
	Lister[Movement, MovementQuery]
	ByID[Movement]
	Creator[Movement]
	Deleter
	updater Updater[Movement]
}

// InventoryMovements gives the movements of stock.
func (c *Client) InventoryMovements() Movements {
	d, e := decodeDocument[Movement], encodeDocument[Movement]
	return Movements{lister[Movement, MovementQuery](c, "inventory-movements.list", d), ByID[Movement]{getter(c, "inventory-movements.get", d)},
		creator(c, "inventory-movements.create", d, e), deleter(c, "inventory-movements.delete"), updater(c, "inventory-movements.update", d, e)}
}

// Update changes a movement; what is not said stays.
func (r Movements) Update(ctx context.Context, m Movement) (Movement, error) {
	return r.updater.update(ctx, number(m.ID), nil, m)
}

// ProductionChange is what PUT writes of a production record. What becomes of what
// is not said is not documented, so all of it should be: begin with Change of the
// record.
type ProductionChange struct {
	// Order, Shipping, Product and Operation are codes.
	Order, Shipping, Product, Operation string
	Worker                              Worker
	Parameters                          []Value
	Quantity                            Decimal
	Start, End                          time.Time
	Lot                                 string
	Finished                            Flag
}

// Change is the record as it is, to be changed. Lists do not show Shipping and Lot; where
// a record has them, they have to be given again. The error is ErrNotRead if a field
// that would be lost could not be read.
func (p Production) Change() (ProductionChange, error) {
	if len(p.Unread) > 0 || p.ID == 0 {
		return ProductionChange{}, notRead("production record", p.ID, strings.Join(p.Unread, "; "))
	}
	return ProductionChange{
		Order: p.Order.Code, Shipping: p.Shipping.Code, Product: p.Product, Operation: p.Operation, Worker: p.Worker,
		Parameters: p.Parameters, Quantity: p.Quantity, Start: p.Start, End: p.End, Lot: p.Lot, Finished: FlagOf(!p.Open),
	}, nil
}

// UpdateProduction changes a production record, and gives what Prodsmart made of it. The
// error is ErrNotRead for a change without a beginning, which is not that of a record.
func (c *Client) UpdateProduction(ctx context.Context, id int64, p ProductionChange) (Production, error) {
	if p.Start.IsZero() {
		return Production{}, notRead("production record", id, "without a beginning")
	}
	f := form{purpose: toUpdate, o: object{notes: &notes{zone: time.UTC}}, out: map[string]json.RawMessage{}}
	order, shipping := Reference{Code: p.Order}, Reference{Code: p.Shipping}
	f.reference("production-order", &order)
	f.reference("shipping", &shipping)
	if p.Product != "" || p.Operation != "" {
		f.out["operation"] = encoded(map[string]string{"product-code": p.Product, "code": p.Operation})
	}
	if p.Worker.Number != "" {
		f.out["worker"] = encoded(map[string]json.RawMessage{"number": workerNumber(p.Worker)})
	}
	f.values("parameters", &p.Parameters, true)
	f.out["quantity"] = json.RawMessage(p.Quantity.String())
	f.moment("start-time", &p.Start)
	f.moment("end-time", &p.End)
	f.text("lot-number", &p.Lot)
	f.flag("finished", &p.Finished)
	r, err := c.do(ctx, "productions.update", number(id), nil, encoded(f.out))
	if err != nil {
		return Production{}, err
	}
	if made, ok := readOne(c, r, decodeProduction); ok {
		return made, nil
	}
	return Production{}, c.unreadable("productions.update", r)
}

// DeleteProduction deletes a production record. One that is not there is deleted
// already.
func (c *Client) DeleteProduction(ctx context.Context, id int64) error {
	return deleter(c, "productions.delete").Delete(ctx, id)
}

// Punch is a worker who came or went.
type Punch struct {
	ID     int64
	At     time.Time
	Worker Worker
	// In is Yes for one who came.
	In     Flag
	Unread []string
}

// Key is the same for the same event.
func (p Punch) Key() string { return keyOf(p.ID, p) }

// decodePunch reads an event of a list, where its kind is called type, or of a
// webhook or change channel, where it is called entry.
func decodePunch(raw json.RawMessage, n *notes) Punch {
	o := openRecord(raw, n)
	p := Punch{ID: o.id(), Worker: o.worker("worker")}
	p.At, _ = o.moment("date")
	if in, stated, _ := o.truth("type", "entry"); stated {
		p.In = FlagOf(in)
	}
	p.Unread = n.list
	return p
}

// PunchQuery asks for events of the punch clocks. Its zero value asks for all.
type PunchQuery struct {
	After, Before time.Time
	// Worker is a number; empty is any.
	Worker string
}

func (q PunchQuery) put(v url.Values) {
	putDate(v, "date-after", q.After, -time.Second)
	putDate(v, "date-before", q.Before, 2*time.Second)
	putText(v, "worker", q.Worker)
}

// Fits says whether an event is what was asked for.
func (q PunchQuery) Fits(p Punch) bool {
	return between(p.At, q.After, q.Before) && (q.Worker == "" || p.Worker.Number == q.Worker)
}

// PunchClocks gives the events of the punch clocks.
func (c *Client) PunchClocks() Lister[Punch, PunchQuery] {
	return lister[Punch, PunchQuery](c, "punchclocks.list", decodePunch)
}

// LaborTime is how long a worker was there and worked.
type LaborTime struct {
	Worker                     Worker
	Presence, Work, Interrupts time.Duration
	// Percentage is a text such as 50%.
	Percentage string
	Unread     []string
}

// Key is the same for the same worker.
func (l LaborTime) Key() string { return l.Worker.Number + " " + l.Worker.Name }

func decodeLaborTime(raw json.RawMessage, n *notes) LaborTime {
	o := openRecord(raw, n)
	l := LaborTime{Worker: o.worker("worker"), Presence: o.duration("presence-time"), Work: o.duration("work-time"),
		Interrupts: o.duration("calendar-downtimes"), Percentage: o.text("percentage")}
	l.Unread = n.list
	return l
}

// LaborTimeQuery asks for the report. Start and End are needed, and are inside.
type LaborTimeQuery struct {
	Start, End time.Time
	// Worker is a number; empty is any.
	Worker, Section string
}

func (q LaborTimeQuery) put(v url.Values) {
	putDate(v, "start-time", q.Start, 0)
	putDate(v, "end-time", q.End, 0)
	putText(v, "worker-number", q.Worker)
	putText(v, "section", q.Section)
}

// Fits says whether an entry is what was asked for.
func (q LaborTimeQuery) Fits(l LaborTime) bool {
	return q.Worker == "" || l.Worker.Number == q.Worker
}

// LaborTime gives the report of working times. While one report is made, another
// one is turned away with Limited.
func (c *Client) LaborTime() Lister[LaborTime, LaborTimeQuery] {
	return lister[LaborTime, LaborTimeQuery](c, "worker-labor-time.list", decodeLaborTime)
}

// durationText writes a duration in whole seconds.
func durationText(d time.Duration) string {
	n := int64(d / time.Second)
	return fmt.Sprintf("%02dH%02dm%02ds", n/3600, n/60%60, n%60)
}
