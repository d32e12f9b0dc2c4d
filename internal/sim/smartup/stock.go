package smartup

import (
	"slices"
	"strconv"
	"time"
)

// Product is one article.
type Product struct {
	Code, Name, Measure, State string
	// Barcodes are one text, with commas between.
	Barcodes string
	// Kinds are G, M, P; Groups the codes of its product groups of type T.
	Kinds, Groups []string
	Modified      time.Time
}

// Balance is one row of stock: of a warehouse, product and batch.
type Balance struct {
	Warehouse, Product, Batch, Quantity string
	// Condition is F, B or T.
	Condition string
}

// Document is a warehouse document that was imported.
type Document struct {
	Object, ID, ExternalID, Status string
	Body                           map[string]any
}

// AddProduct adds an article, or replaces the one with its code.
func (s *Server) AddProduct(p Product) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Modified = s.now()
	if p.State == "" {
		p.State = "A"
	}
	s.products = slices.DeleteFunc(s.products, func(q Product) bool { return q.Code == p.Code })
	s.products = append(s.products, p)
}

// SetBalance replaces all stock.
func (s *Server) SetBalance(rows []Balance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.balance = slices.Clone(rows)
}

// Documents gives the imported documents of an object.
func (s *Server) Documents(object string) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Document
	for _, d := range s.documents {
		if d.Object == object {
			out = append(out, *d)
		}
	}
	return out
}

func (s *Server) exportInventory(in request) reply {
	from, to, bounded, refused := s.span(in)
	if refused != nil {
		return *refused
	}
	list := []any{}
	for i, p := range s.products {
		if in.Code != "" && in.Code != p.Code || bounded && (p.Modified.Before(from) || !p.Modified.Before(to)) {
			continue
		}
		kinds, groups := []any{}, []any{}
		for _, k := range p.Kinds {
			kinds = append(kinds, map[string]any{"inventory_kind": k})
		}
		for _, g := range p.Groups {
			groups = append(groups, map[string]any{"group_code": g, "type_code": "T"})
		}
		list = append(list, map[string]any{
			"product_id": strconv.Itoa(100 + i), "code": p.Code, "name": p.Name, "short_name": "", "measure_code": p.Measure, "state": p.State, "barcodes": p.Barcodes,
			"inventory_kinds": kinds, "groups": groups, "box_quant": "",
		})
	}
	return reply{200, map[string]any{"inventory": list}}
}

func (s *Server) exportGroups(request) reply {
	types := []any{}
	for _, p := range s.products {
		for _, g := range p.Groups {
			types = append(types, map[string]any{"code": g, "product_type_id": "1", "name": "Group " + g, "state": "A", "order_no": ""})
		}
	}
	return reply{200, map[string]any{"product_group": []any{map[string]any{
		"code": "T", "product_group_id": "1", "name": "Type", "product_kind": "I", "state": "A", "product_group_types": types,
	}}}}
}

func (s *Server) exportBalance(in request) reply {
	if in.BeginDate == "" || in.EndDate == "" {
		return refusal(400, "A00-00-001", "begin_date and end_date are required")
	}
	list := []any{}
	for i, b := range s.balance {
		if len(in.Conditions) > 0 && !slices.Contains(in.Conditions, b.Condition) {
			continue
		}
		if len(in.Warehouses) > 0 && !slices.ContainsFunc(in.Warehouses, func(w warehouse) bool { return w.Code == b.Warehouse }) {
			continue
		}
		list = append(list, map[string]any{
			"date": in.EndDate, "warehouse_id": "1", "warehouse_code": b.Warehouse, "product_code": b.Product, "product_id": strconv.Itoa(i), "card_code": strconv.Itoa(i),
			"expiry_date": "", "batch_number": b.Batch, "inventory_kind": "P", "quantity": b.Quantity, "input_price": "0", "measure_code": "pcs",
		})
	}
	return reply{200, map[string]any{"balance": list}}
}

func (s *Server) exportDocuments(object string, in request) reply {
	list := []any{}
	for _, d := range s.documents {
		if d.Object == object && (in.ExternalID == "" || in.ExternalID == d.ExternalID) {
			list = append(list, d.Body)
		}
	}
	return reply{200, map[string]any{object: list}}
}

// importDocuments creates documents, or replaces those with the same id or external id.
func (s *Server) importDocuments(object string, in request) reply {
	list := map[string][]map[string]any{
		"stocktaking": in.Stocktaking, "movement": in.Movement, "writeoff": in.Writeoff, "input": in.Input, "purchase": in.Purchase,
	}[object]
	needs := map[string][]string{
		"stocktaking": {"stocktaking_date", "warehouse_code", "currency_code", "stocktaking_items"},
		"movement":    {"from_movement_date", "to_movement_date", "from_warehouse_code", "to_warehouse_code", "movement_items"},
		"writeoff":    {"writeoff_date", "warehouse_code", "currency_code", "writeoff_items"},
		"input":       {"warehouse_code", "input_items"},
		"purchase":    {"purchase_time", "supplier_code", "currency_code", "status_code", "posted", "purchase_items"},
	}[object]
	good, bad := []any{}, []any{}
	for _, body := range list {
		external, _ := body["external_id"].(string)
		why := ""
		for _, field := range needs {
			if text, is := body[field].(string); body[field] == nil || is && text == "" {
				why = field + " is required"
			}
		}
		if len(external) > 20 {
			why = "ORA-06502: PL/SQL: numeric or value error: character string buffer too small"
		}
		if object == "input" && why == "" {
			why = s.unbought(body)
		}
		if why != "" {
			bad = append(bad, map[string]any{"code": external, "message": why})
			continue
		}
		id := s.keep(object, external, body)
		good = append(good, map[string]any{"code": id})
	}
	return reply{200, map[string]any{"successes": good, "errors": bad}}
}

// unbought says why a receipt can not be taken: each of its lines hangs on the line of a
// purchase.
func (s *Server) unbought(body map[string]any) string {
	items, _ := body["input_items"].([]any)
	for _, item := range items {
		line, _ := item.(map[string]any)
		there := false
		for _, d := range s.documents {
			if d.Object != "purchase" || line["purchase_id"] != d.ID {
				continue
			}
			sold, _ := d.Body["purchase_items"].([]any)
			for _, one := range sold {
				m, _ := one.(map[string]any)
				there = there || m["purchase_item_id"] != nil && m["purchase_item_id"] == line["purchase_item_id"]
			}
		}
		if !there || line["quantity"] == nil {
			return "purchase_item_id is not found"
		}
	}
	return ""
}

func (s *Server) keep(object, external string, body map[string]any) string {
	status, _ := body["status"].(string)
	if status == "" {
		status = "D"
	}
	for _, d := range s.documents {
		if d.Object == object && external != "" && d.ExternalID == external {
			d.Body, d.Status = body, status
			return d.ID
		}
	}
	s.next++
	d := &Document{Object: object, ID: strconv.Itoa(s.next), ExternalID: external, Status: status, Body: body}
	body[object+"_id"] = d.ID
	items, _ := body[object+"_items"].([]any)
	for _, item := range items {
		if m, is := item.(map[string]any); is {
			s.next++
			m[object+"_item_id"] = strconv.Itoa(s.next)
		}
	}
	s.documents = append(s.documents, d)
	return d.ID
}

// Post sets the status of a document, as the accountants do; an empty one deletes it.
func (s *Server) Post(object, external, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents = slices.DeleteFunc(s.documents, func(d *Document) bool {
		mine := d.Object == object && d.ExternalID == external
		if mine && status != "" {
			d.Status, d.Body["status"] = status, status
		}
		return mine && status == ""
	})
}
