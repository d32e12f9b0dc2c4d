package smartup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// planDocument checks a document; for a stocktaking it reads the balance.
func (s *Source) planDocument(ctx context.Context, w erp.Write) (plan, error) {
	switch {
	case !externalID(w.ID):
		return plan{}, refused(w, "the external id %.30q does not fit Smartup", w.ID)
	case w.Product == "":
		return plan{}, refused(w, "it names no product")
	case w.Delta.Sign() <= 0:
		return plan{}, refused(w, "Smartup takes no document of %s pieces; correct the stock there by hand", w.Delta)
	case s.object(w) != Stocktaking:
		return plan{After: w.Delta.String()}, nil
	}
	place := s.place(w)
	read, err := s.balance(ctx, doing(w), s.within(w.Company, map[string]any{"product_conditions": physical()}), []string{place}, nil, false)
	if err != nil {
		return plan{}, err
	}
	for _, p := range read.Problems {
		if p.Lost {
			return plan{}, refused(w, "the balance of warehouse %s can not be read: %s: %s", place, p.Where, p.What)
		}
	}
	before := decimal.Zero
	for _, row := range read.Stock {
		if row.Product == w.Product {
			before = row.Quantity
		}
	}
	return plan{before.String(), before.Add(w.Unposted).Add(w.Delta).String()}, nil
}

// object is the kind of document of a write.
func (s *Source) object(w erp.Write) string {
	switch {
	case w.Kind == erp.Consumed:
		return "writeoff"
	case s.Config.Write.Goods == Purchase:
		return receipt
	}
	return s.Config.Write.Goods
}

// receipt is the document by which purchased goods come into the warehouse.
const receipt = "input"

func (s *Source) place(w erp.Write) string {
	if w.Place != "" {
		return w.Place
	}
	return s.Config.Write.FinishedWarehouse
}

// documentNote is the note of a document: the production order.
func documentNote(w erp.Write) string { return strings.Trim(web.Shorten(w.Code, 37), ".") }

// document is a draft, dated as of now: some companies close older days.
func (s *Source) document(w erp.Write, p plan, of bought) map[string]any {
	c, object, now := s.Config.Write, s.object(w), time.Now().In(s.Zone).Format(dateForm)
	kind := s.Kinds[0]
	doc := s.within(w.Company, map[string]any{"external_id": w.ID, "status": "D", "note": documentNote(w)})
	switch object {
	case Movement:
		doc["status"], doc["from_movement_date"], doc["to_movement_date"] = c.DocumentStatus, now, now
		doc["from_warehouse_code"], doc["to_warehouse_code"] = c.ProductionWarehouse, s.place(w)
	case Stocktaking:
		doc["stocktaking_date"], doc["warehouse_code"], doc["currency_code"] = now, s.place(w), c.Currency
	case receipt:
		doc["input_time"], doc["warehouse_code"] = time.Now().In(s.Zone).Format(timeForm), s.place(w)
		doc["input_items"] = []any{map[string]any{"purchase_id": of.id, "purchase_item_id": of.item, "quantity": p.After}}
		return doc
	default:
		kind = "M"
		doc["writeoff_date"], doc["warehouse_code"], doc["currency_code"] = now, c.MaterialWarehouse, c.Currency
	}
	item := map[string]any{"external_id": w.ID, "product_code": w.Product, "inventory_kind": kind, "quantity": p.After}
	if object == Stocktaking {
		item["balance_quantity"] = p.Before
	}
	doc[object+"_items"] = []any{item}
	return doc
}

// unposted says that a document has not moved the stock yet: a count is posted with P,
// or cancelled with C; a movement and a receipt are completed with C.
func unposted(object, status string) bool {
	if object == Stocktaking {
		return status != "P" && status != "C"
	}
	return (object == Movement || object == receipt) && status != "C"
}

// find looks for the document of a write by its external id; nil if there is none. One
// of another product, or that people cancelled, is refused. So is one that differs from
// a plan that was not sent yet: numbers of another gateway, or of a store that was lost,
// begin anew. Later people may have corrected it.
func (s *Source) find(ctx context.Context, w erp.Write, unsent *plan) (*erp.Receipt, error) {
	object, looking := s.object(w), "look whether to "+doing(w)
	records, _, err := s.read(ctx, looking, rare, depotPath+object+"$export", object, s.within(w.Company, map[string]any{"external_id": w.ID}), false)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if id, _ := r.Get("external_id").Text(); id != w.ID {
			continue
		}
		key, _ := r.Get(object + "_id").Text()
		status, _ := r.Get("status").Text()
		what := otherDocument(r, object, w, unsent)
		if what == "" && object == Stocktaking && status == "C" {
			what = "people cancelled it, the stock does not move"
		}
		if what != "" {
			return nil, &erp.Error{Fault: erp.Refused, Renew: true, Doing: looking, What: "the document " + key + " with this id: " + what}
		}
		return &erp.Receipt{Key: key, Says: "the document is there", Draft: unposted(object, status)}, nil
	}
	return nil, nil
}

// otherDocument says in what a document differs from a write; empty if it does not, or
// does not show it.
func otherDocument(r web.Value, object string, w erp.Write, unsent *plan) string {
	for _, item := range r.Get(object + "_items").Each() {
		product, _ := item.Get("product_code").Text()
		if product != "" && product != w.Product {
			return "it is of product " + web.Shorten(product, 40)
		}
		quantity, err := number(item.Get("quantity"))
		if unsent != nil && object != Stocktaking && err == nil && quantity.String() != unsent.After { // a count is planned anew
			return fmt.Sprintf("it is another one, of %s pieces", quantity)
		}
	}
	if note, _ := r.Get("note").Text(); unsent != nil && note != "" && note != documentNote(w) {
		return fmt.Sprintf("it is another one, its note is %q", web.Shorten(note, 40))
	}
	return ""
}
