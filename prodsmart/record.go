package prodsmart

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Reference names something of Prodsmart's. Prodsmart writes a code, an object
// or nothing; what it does not say is empty.
type Reference struct {
	// ID is Prodsmart's own number; 0 is none.
	ID   int64
	Code string
	// Name is a text for people.
	Name string
}

// Worker is a person of Prodsmart's. The zero Worker is nobody; a worker's
// number may be "0".
type Worker struct {
	// Number is a number as a rule, and always the same text for the same one.
	Number string
	Name   string
}

// Downtime is one stop as Prodsmart keeps it.
type Downtime struct {
	// ID is 0 if Prodsmart did not say it.
	ID int64
	// Type is the text or code of the downtime type.
	Type string
	// Start is zero if it could not be read. End is zero while the downtime is
	// open, and without Open if its end, or whether it is over, could not be read.
	Start, End time.Time
	// Open says that the downtime goes on.
	Open bool
	// Machines are those that stand, usually one. One that could not be read has
	// no code.
	Machines []Reference
	// Workers are those who are held up.
	Workers             []Worker
	StartedBy, ClosedBy Worker
	// Product and Order are codes of what was being made.
	Product, Order string
	// Spent is how long it took, to the second.
	Spent time.Duration
	// Unread says in words what could not be read; empty if all was.
	Unread []string
}

// Production is one production record: what a worker made at a machine.
type Production struct {
	// ID is 0 if Prodsmart did not say it.
	ID      int64
	Machine Reference
	Order   Reference
	// Operation and Product are codes.
	Operation, Product string
	Worker             Worker
	// Quantity is the good pieces so far.
	Quantity Decimal
	// Shipping and Lot are shown by the answers to UpdateProduction and DeleteProduction
	// only, not by lists.
	Shipping   Reference
	Lot        string
	Parameters []Value
	// Waste holds an entry for each that was listed; a code may be there twice.
	// What could not be read of it has no code or no quantity.
	Waste []ProducedWaste
	// Start is zero if it could not be read. End is zero if none is stated, and
	// without Open if it, or whether the record is over, could not be read.
	// Prodsmart may state one of a record that is open.
	Start, End time.Time
	// Open says that the worker has not checked out: counters are booked on it.
	Open bool
	// WorkTime is the planned or clocked time without downtimes, to the second.
	WorkTime time.Duration
	// Unread says in words what could not be read; empty if all was.
	Unread []string
}

// ProducedWaste is the scrap of one code in a production record.
type ProducedWaste struct {
	Waste    Reference
	Quantity Decimal
}

// decodeRecords reads the answer of a list. A time without a zone is taken to be
// in the given one. A record that can not be read is there nevertheless, with
// Unread, so that pages keep their length; the error says that the answer is no
// list at all.
func decodeRecords[T any](body []byte, zone *time.Location, decode func(json.RawMessage, *notes) T) ([]T, error) {
	items, err := listItems(body)
	if err != nil {
		return nil, fmt.Errorf("the answer is %w", err)
	}
	records := make([]T, len(items))
	for i, item := range items {
		records[i] = decode(item, &notes{zone: zone})
	}
	return records, nil
}

func decodeDowntime(raw json.RawMessage, n *notes) Downtime {
	o := openRecord(raw, n)
	d := Downtime{
		ID: o.id(), Type: o.reference("downtime-type", "type").label(),
		StartedBy: o.worker("started-by"), ClosedBy: o.worker("closed-by"),
		Product: o.reference("product").label(), Order: o.reference("production-order").label(), Spent: o.duration("time-spent"),
	}
	for _, machine := range o.list("machines", "machine") {
		d.Machines = append(d.Machines, referenceOf("machines", machine, n))
	}
	for _, worker := range o.list("workers", "worker") {
		d.Workers = append(d.Workers, workerOf("workers", worker, n))
	}
	d.Start, d.End, d.Open = o.lasting()
	d.Unread = n.list
	return d
}

func decodeProduction(raw json.RawMessage, n *notes) Production {
	o := openRecord(raw, n)
	p := Production{
		ID: o.id(), Machine: o.reference("machine"), Order: o.reference("production-order"), Worker: o.worker("worker"),
		Quantity: o.decimal("quantity"), WorkTime: o.duration("work-time"), Shipping: o.reference("shipping"), Lot: o.text("lot-number"),
	}
	for _, raw := range o.list("parameters") {
		p.Parameters = append(p.Parameters, readValue(raw, n))
	}
	if _, raw := o.get("operation"); isKind(raw, '{') {
		operation, _ := parseObject(raw, n)
		p.Operation, p.Product = operation.text("code", "name"), operation.reference("product", "product-code").label()
	} else {
		p.Operation = o.text("operation")
	}
	for _, raw := range o.list("produced-waste", "waste") {
		waste, ok := parseObject(raw, n)
		if !ok {
			n.add("produced-waste", raw, "no waste")
		}
		p.Waste = append(p.Waste, ProducedWaste{Waste: waste.reference("waste", "code"), Quantity: waste.decimal("quantity")})
	}
	p.Start, p.End, p.Open = o.lasting()
	p.Unread = n.list
	return p
}

// openRecord opens the object of a record; one that is none has no fields.
func openRecord(raw json.RawMessage, n *notes) object {
	o, ok := parseObject(raw, n)
	if !ok {
		n.add("record", raw, "no record")
	}
	return o
}

func (o object) reference(names ...string) Reference {
	name, raw := o.get(names...)
	if raw == nil {
		return Reference{}
	}
	return referenceOf(name, raw, o.notes)
}

// referenceOf reads a code, or an object with a code, a name or a number.
func referenceOf(name string, raw json.RawMessage, n *notes) Reference {
	if isNothing(raw) {
		return Reference{}
	}
	if code, ok := scalar(raw); ok {
		return Reference{Code: code}
	}
	o, ok := parseObject(raw, n)
	if !ok {
		n.add(name, raw, "no reference")
	}
	// A number that is none belongs to something of which only the code matters.
	quiet := object{fields: o.fields, similar: o.similar, notes: &notes{}}
	return Reference{ID: quiet.id(), Code: o.text("code", "number"), Name: o.text("name", "description")}
}

// label is the code, or else the name, or else the number.
func (r Reference) label() string {
	switch {
	case r.Code != "":
		return r.Code
	case r.Name != "":
		return r.Name
	case r.ID != 0:
		return strconv.FormatInt(r.ID, 10)
	}
	return ""
}

func (o object) worker(name string) Worker {
	_, raw := o.get(name)
	if raw == nil {
		return Worker{}
	}
	return workerOf(name, raw, o.notes)
}

// workerOf reads a number, or an object with one.
func workerOf(name string, raw json.RawMessage, n *notes) Worker {
	r := referenceOf(name, raw, n)
	if number, err := ParseDecimal(r.Code); err == nil {
		r.Code = number.String()
	}
	return Worker{Number: r.Code, Name: r.Name}
}
