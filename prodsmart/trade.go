package prodsmart

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// TradeOrder is a sales order or a purchase order.
type TradeOrder struct {
	ID int64
	// Code and Products are needed.
	Code    string
	Created time.Time
	// Partner is the code of the client of a sales order, of the supplier of a
	// purchase order.
	Partner                         Reference
	Observations                    string
	BillingAddress, DeliveryAddress string
	// Location is the code of a site.
	Location   Reference
	Products   []TradeProduct
	Parameters []Value
	// Approval and Active are of purchase orders: draft, and others that are not
	// documented well.
	Approval string
	Active   Flag
	Original Original
	Unread   []string

	// sale says that it is a sales order.
	sale bool
}

// TradeProduct is one product of a sales or purchase order.
type TradeProduct struct {
	// Code is there once in an order; Quantity is above 0.
	Code     string
	Quantity Decimal
	// Name is Prodsmart's.
	Name           string
	Due, Requested time.Time
	// Price is of sales orders, Cost and Unit are of purchase orders.
	Price, Cost                     Decimal
	Unit                            string
	BillingAddress, DeliveryAddress string
	Location                        Reference
	Original                        Original
}

func (p *TradeProduct) form(f *form) {
	f.text("code", &p.Code)
	f.number("quantity", &p.Quantity)
	f.served(func() { f.text("name", &p.Name) }, "name")
	f.moment("due-date", &p.Due)
	f.moment("requested-date", &p.Requested)
	f.number("price", &p.Price)
	f.number("cost", &p.Cost)
	f.text("uom", &p.Unit)
	f.text("billing-address", &p.BillingAddress)
	f.text("delivery-address", &p.DeliveryAddress)
	f.code("location", &p.Location)
}

func (p *TradeProduct) original() *Original { return &p.Original }
func (p *TradeProduct) unread([]string)     {}

func (o *TradeOrder) form(f *form) {
	f.served(func() { f.id(&o.ID) })
	f.text("code", &o.Code)
	f.moment("creation-date", &o.Created)
	partner := "supplier"
	if _, client := f.o.get("client"); o.sale || f.purpose == reading && client != nil {
		partner = "client"
	}
	f.code(partner, &o.Partner)
	f.text("observations", &o.Observations)
	f.text("billing-address", &o.BillingAddress)
	f.text("delivery-address", &o.DeliveryAddress)
	f.code("location", &o.Location)
	documents(f, "products", &o.Products)
	f.values("parameters", &o.Parameters, true)
	f.text("approval-status", &o.Approval)
	f.flag("active", &o.Active)
	if f.purpose == toCreate {
		f.drop("id")
	}
}

func (o *TradeOrder) original() *Original  { return &o.Original }
func (o *TradeOrder) unread(list []string) { o.Unread = list }

// Key is the same for the same order.
func (o TradeOrder) Key() string { return keyOf(o.ID, o) }

// decodeSale reads a sales order.
func decodeSale(b json.RawMessage, n *notes) TradeOrder {
	o := decodeDocument[TradeOrder](b, n)
	o.sale = true
	return o
}

func encodeSale(o TradeOrder, purpose writing) json.RawMessage {
	o.sale = true
	return encodeDocument(o, purpose)
}

// TradeQuery asks for sales or purchase orders. Its zero value asks for all.
type TradeQuery struct {
	// Code and ID are filters of purchase orders only; for sales orders they are
	// looked at here.
	ID   int64
	Code string
	// Partner is a code.
	Partner             string
	DueAfter, DueBefore time.Time
}

// SalesOrderQuery asks for sales orders.
type SalesOrderQuery TradeQuery

func (q SalesOrderQuery) put(v url.Values) {
	putDate(v, "due-date-after", q.DueAfter, -time.Second)
	putDate(v, "due-date-before", q.DueBefore, 2*time.Second)
	putText(v, "client", q.Partner)
}

// Fits says whether an order is what was asked for.
func (q SalesOrderQuery) Fits(o TradeOrder) bool { return TradeQuery(q).fits(o) }

// PurchaseOrderQuery asks for purchase orders.
type PurchaseOrderQuery TradeQuery

func (q PurchaseOrderQuery) put(v url.Values) {
	putNumber(v, "id", q.ID)
	putText(v, "code", q.Code)
	putDate(v, "due-date-after", q.DueAfter, -time.Second)
	putDate(v, "due-date-before", q.DueBefore, 2*time.Second)
	putText(v, "supplier", q.Partner)
}

// Fits says whether an order is what was asked for.
func (q PurchaseOrderQuery) Fits(o TradeOrder) bool { return TradeQuery(q).fits(o) }

// fits lets an order pass if one of its products is due in time.
func (q TradeQuery) fits(o TradeOrder) bool {
	due := len(o.Products) == 0
	for _, p := range o.Products {
		due = due || between(p.Due, q.DueAfter, q.DueBefore)
	}
	return due && (q.ID == 0 || o.ID == q.ID) && (q.Code == "" || o.Code == q.Code) &&
		(q.Partner == "" || o.Partner.Code == "" || strings.EqualFold(o.Partner.Code, q.Partner))
}

// SalesOrders are the orders of clients. Delete is refused with status 409 if
// production orders depend on the order.
type SalesOrders struct {
	Lister[TradeOrder, SalesOrderQuery]
	ByID[TradeOrder]
	Creator[TradeOrder]
	Deleter
	updater Updater[TradeOrder]
}

// SalesOrders gives the orders of clients.
func (c *Client) SalesOrders() SalesOrders {
	d, e := decodeSale, encodeSale
	return SalesOrders{lister[TradeOrder, SalesOrderQuery](c, "sales-orders.list", d), ByID[TradeOrder]{getter(c, "sales-orders.get", d)},
		creator(c, "sales-orders.create", d, e), deleter(c, "sales-orders.delete"), updater(c, "sales-orders.update", d, e)}
}

// Update replaces a sales order that was read by Get. The path names none: it is
// found by its number and code.
func (r SalesOrders) Update(ctx context.Context, o TradeOrder) (TradeOrder, error) {
	if !o.Original.whole {
		return o, notRead("sales order", o.ID, o.Code)
	}
	return r.updater.update(ctx, "", nil, o)
}

// PurchaseOrders are the orders at suppliers. Delete is refused with status 409 if
// something depends on the order.
type PurchaseOrders struct {
	Lister[TradeOrder, PurchaseOrderQuery]
	ByID[TradeOrder]
	Creator[TradeOrder]
	Deleter
	updater Updater[TradeOrder]
}

// PurchaseOrders gives the orders at suppliers.
func (c *Client) PurchaseOrders() PurchaseOrders {
	d, e := decodeDocument[TradeOrder], encodeDocument[TradeOrder]
	return PurchaseOrders{lister[TradeOrder, PurchaseOrderQuery](c, "purchase-orders.list", d), ByID[TradeOrder]{getter(c, "purchase-orders.get", d)},
		creator(c, "purchase-orders.create", d, e), deleter(c, "purchase-orders.delete"), updater(c, "purchase-orders.update", d, e)}
}

// Update replaces a purchase order that was read by Get.
func (r PurchaseOrders) Update(ctx context.Context, o TradeOrder) (TradeOrder, error) {
	if !o.Original.whole {
		return o, notRead("purchase order", o.ID, o.Code)
	}
	return r.updater.update(ctx, number(o.ID), nil, o)
}
