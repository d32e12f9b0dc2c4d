package smartup

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// bought is a purchase that a receipt hangs on.
type bought struct{ id, item string }

// purchased gives the purchase of a write from the supplier who stands for the own
// production. It is made if it is not there; the goods move with its receipt only.
func (s *Source) purchased(ctx context.Context, w erp.Write, p plan) (bought, error) {
	b, there, err := s.findPurchase(ctx, w, p)
	if err != nil || there {
		return b, err
	}
	c := s.Config.Write
	item := map[string]any{"external_id": w.ID, "product_code": w.Product, "inventory_kind": s.Kinds[0], "quantity": p.After}
	if c.PurchasePrice != "" {
		item["price"] = json.Number(c.PurchasePrice)
	}
	posted := "N"
	if c.PurchasePosted {
		posted = "Y"
	}
	doc := s.within(w.Company, map[string]any{"external_id": w.ID, "purchase_time": time.Now().In(s.Zone).Format(timeForm), "status_code": c.PurchaseStatus, "supplier_code": c.Supplier,
		"warehouse_code": s.place(w), "currency_code": c.Currency, "posted": posted, "note": documentNote(w), "purchase_items": []any{item}})
	v, _, err := s.call(ctx, doing(w), rare, depotPath+Purchase+"$import", map[string]any{Purchase: []any{doc}}, true)
	if err == nil {
		_, err = s.settled(w, p, v)
	}
	if err = s.spent(err, rare, web.Answer{}); err != nil {
		return bought{}, err
	}
	if b, there, err = s.findPurchase(ctx, w, p); err == nil && !there {
		err = &erp.Error{Fault: erp.Unavailable, Doing: doing(w), What: "Smartup took the purchase and does not show it yet; its receipt is written when it does"}
	}
	return b, err
}

func (s *Source) findPurchase(ctx context.Context, w erp.Write, p plan) (b bought, there bool, err error) {
	looking := "look for the purchase to " + doing(w)
	records, _, err := s.read(ctx, looking, rare, depotPath+Purchase+"$export", Purchase, s.within(w.Company, map[string]any{"external_id": w.ID}), false)
	if err != nil {
		return b, false, err
	}
	for _, r := range records {
		if id, _ := r.Get("external_id").Text(); id != w.ID {
			continue
		}
		if what := otherDocument(r, Purchase, w, &p); what != "" {
			return b, false, &erp.Error{Fault: erp.Refused, Renew: true, Doing: looking, What: "the purchase with this id: " + what}
		}
		b.id, _ = r.Get("purchase_id").Text()
		for _, item := range r.Get("purchase_items").Each() {
			b.item, _ = item.Get("purchase_item_id").Text()
		}
		if b.id == "" || b.item == "" {
			return b, false, &erp.Error{Fault: erp.Garbled, Doing: looking, What: "the purchase has no purchase_id, or its line no purchase_item_id"}
		}
		return b, true, nil
	}
	return b, false, nil
}
