package repzo

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Order is one version of a sales order ("proforma").
type Order struct {
	ID, Number, SyncID string
	Client, ClientName string
	// Status is pending, approved, processing or rejected; CustomStatus an id.
	Status, CustomStatus string
	Version              int
	// Superseded says that there is a later version.
	Superseded, Disabled bool
	// Class is proforma or return.
	Class string
	// Issue and Delivery are YYYY-MM-DD; an empty Delivery is null.
	Issue, Delivery string
	Comment         string
	Items, Returns  []Item
	Meta            map[string]string
	// Invoice is set once the order is converted, at Converted.
	Invoice          string
	Converted        time.Time
	Created, Updated time.Time
}

// Item is one line. Its ID may be empty when an order is created or edited.
type Item struct {
	ID string
	// Variant and Unit are ids; Quantity is in that unit.
	Variant, Unit, Quantity string
	// Base replaces the quantity in base units; empty is computed.
	Base string
	// Free is the free part of a promotion.
	Free bool
	Note string
	// snapshot is the variant and the unit as they were when the line was written.
	variant, unit record
}

func (o Order) clone() Order {
	o.Items, o.Returns, o.Meta = slices.Clone(o.Items), slices.Clone(o.Returns), maps.Clone(o.Meta)
	return o
}

// lines gives new lines their ids and snapshots.
func (s *Server) lines(items []Item, renumber bool) {
	for i := range items {
		l := &items[i]
		if l.ID == "" || renumber {
			l.ID = s.id()
		}
		variant := s.master("/variant", l.Variant)
		product := s.productOf(variant)
		if l.variant["variant_id"] != l.Variant {
			l.variant = record{"product_id": product["_id"], "product_name": product["name"], "variant_id": l.Variant, "variant_name": variant["name"], "listed_price": variant["price"],
				"variant_sku": variant["sku"], "product_sku": product["sku"], "variant_barcode": variant["barcode"], "product_barcode": product["barcode"]}
		}
		if l.unit["_id"] != l.Unit {
			l.unit = record{"_id": l.Unit, "parent": nil}
			if unit := s.master("/measureunits", l.Unit); unit != nil {
				l.unit["name"], l.unit["factor"] = unit["name"], unit["factor"]
			}
		}
	}
}

// item spells a line.
func item(l Item) record {
	quantity, err := decimal.NewFromString(l.Quantity)
	factor, bad := decimal.NewFromString(text(l.unit["factor"]))
	price, _ := l.variant["listed_price"].(int64)
	out := record{
		"_id": l.ID, "variant": l.variant, "measureunit": l.unit, "qty": json.Number(l.Quantity), "price": price, "discounted_price": price, "overwritePrice": nil,
		"tax": record{"name": "VAT", "rate": json.Number("0.1"), "type": "additive"}, "note": l.Note, "class": "invoice", "isAdditional": false,
		"promotions": record{"isGet": l.Free, "taken": record{}, "free": 0, "bookings": []any{}},
	}
	if err == nil && bad == nil {
		base := quantity.Mul(factor)
		total := base.Mul(decimal.NewFromInt(price))
		out["base_unit_qty"], out["total_before_tax"], out["line_total"] = json.Number(base.String()), json.Number(total.String()), json.Number(total.Mul(decimal.RequireFromString("1.1")).String())
	}
	if l.Base != "" {
		out["base_unit_qty"] = json.Number(l.Base)
	}
	if l.Unit == "" {
		delete(out, "measureunit")
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// spellOrder gives an order as it is on the wire.
func (s *Server) spellOrder(o *Order) record {
	items, returns, meta := []any{}, []any{}, record{}
	for _, l := range o.Items {
		items = append(items, item(l))
	}
	for _, l := range o.Returns {
		returns = append(returns, item(l))
	}
	for k, v := range o.Meta {
		meta[k] = v
	}
	out := record{
		"_id": o.ID, "sync_id": o.SyncID, "serial_number": record{"identifier": "1032", "formatted": o.Number, "count": s.serials["PRO"]}, "client_id": o.Client, "client_name": o.ClientName,
		"items": items, "return_items": returns, "status": o.Status, "custom_status": nil, "latest": !o.Superseded, "version": o.Version, "disabled": o.Disabled, "processable": true,
		"class": o.Class, "issue_date": o.Issue, "delivery_date": nil, "time": o.Created.UnixMilli(), "comment": o.Comment, "currency": "JOD",
		"creator": record{"_id": "61a5f0d5f7a3c3f1d9b0a001", "type": "rep", "name": "Sami"}, "integration_meta": meta, "company_namespace": []any{"plant"},
		"createdAt": o.Created.Format(timeForm), "updatedAt": o.Updated.Format(timeForm), "__v": 0, "invoice_reference": nil, "converted_at": nil, "teams": []any{},
	}
	if o.Delivery != "" {
		out["delivery_date"] = o.Delivery
	}
	if o.CustomStatus != "" {
		out["custom_status"] = o.CustomStatus
		if status := s.master("/custom-status", o.CustomStatus); s.config.Options.Populate && status != nil {
			out["custom_status"] = status
		}
	}
	if o.Invoice != "" {
		out["invoice_reference"], out["converted_at"] = o.Invoice, o.Converted.UnixMilli()
	}
	return out
}

// find is an order by its id; nil if there is none.
func (s *Server) find(id string) *Order {
	for _, o := range s.orders {
		if o.ID == id {
			return o
		}
	}
	return nil
}

// putOrder changes fields of an order, as an integration may.
func (s *Server) putOrder(id string, body []byte) reply {
	o := s.find(id)
	if o == nil {
		return refusal(404, "proforma not found")
	}
	var in struct {
		CustomStatus *string           `json:"custom_status"`
		Meta         map[string]string `json:"integration_meta"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refusal(400, "Unexpected token in JSON")
	}
	if in.CustomStatus != nil {
		if s.master("/custom-status", *in.CustomStatus) == nil {
			return refusal(422, "custom_status is not valid")
		}
		o.CustomStatus = *in.CustomStatus
	}
	if in.Meta != nil && s.config.Options.MetaReplaces {
		o.Meta = nil
	}
	s.mark(o, in.Meta)
	return reply{200, s.shaped("/proforma", s.spellOrder(o))}
}

// mark sets keys of integration_meta.
func (s *Server) mark(o *Order, keys map[string]string) {
	if o.Meta == nil {
		o.Meta = map[string]string{}
	}
	maps.Copy(o.Meta, keys)
	o.Updated = s.now()
}

// updateMeta is POST /update-integration-meta.
func (s *Server) updateMeta(in request) reply {
	if in.query.Get("type") != "proformas" {
		return refusal(422, "type is not valid")
	}
	o := s.find(in.query.Get("_id"))
	if o == nil {
		return refusal(404, "document not found")
	}
	var list []struct{ Key, Value string }
	var wrapped struct {
		Keys []struct{ Key, Value string } `json:"integration_meta_keys"`
	}
	if json.Unmarshal(in.body, &list) != nil {
		if json.Unmarshal(in.body, &wrapped) != nil {
			return refusal(400, "Unexpected token in JSON")
		}
		list = wrapped.Keys
	}
	keys := map[string]string{}
	for _, k := range list {
		if k.Key == "" {
			return refusal(422, "key is required")
		}
		keys[k.Key] = k.Value
	}
	s.mark(o, keys)
	return reply{200, s.spellOrder(o)}
}
