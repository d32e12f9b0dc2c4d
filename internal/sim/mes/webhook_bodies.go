package mes

import (
	"encoding/json"
	"strconv"
)

// tellHooks sends the webhook of a change, if there is one of its kind.
func (s *Server) tellHooks(i feedItem, created bool) {
	event, past := "update", "updated"
	switch {
	case i.deleted:
		event, past = "delete", "deleted"
	case created:
		event, past = "create", "created"
	}
	var entity string
	var body any
	switch i.kind {
	case kindOrder:
		entity, body = "productionOrder", s.hookedOrder(i.entity, i.deleted)
	case kindPunchClock:
		punch := toldPunchClock(i.entity)
		punch["notification"] = "punchClock_" + past
		entity, body = "punchClock", punch
	case kindDowntime:
		down := toldDowntime(i.entity)
		down["event-type"] = "downTime_" + past
		entity, body = "downTime", down
	case kindMovement:
		entity, body = s.hookedMovement(i)
	default:
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		return // a shape that reads give too
	}
	s.hook(entity+"/"+event, text)
}

// hookedMovement is a movement as webhooks tell of it: in a list and without its
// number, or nothing but its number if it was deleted.
func (s *Server) hookedMovement(i feedItem) (entity string, body any) {
	e := i.entity
	shipping, receiving := within(e, "shipping", "code"), within(e, "receiving", "code")
	quantity, _ := strconv.ParseFloat(within(e, "quantity"), 64) // 0 if it is none
	shape := map[string]any{
		"product":    map[string]any{"id": s.codeID("product", within(e, "product-code")), "code": within(e, "product-code"), "uom": "un"},
		"lot":        map[string]any{"code": within(e, "lot"), "expiration-date": "", "supplier-lot": ""},
		"date":       e["date-time"],
		"quantity":   quantity,
		"stock-type": within(e, "type"),
		"comment":    within(e, "comment"),
		"worker":     map[string]any{},
		"warehouse-location": map[string]any{"id": s.codeID("warehouse-location", within(e, "warehouse-location")), "code": within(e, "warehouse-location"),
			"warehouse": map[string]any{"id": s.codeID("warehouse", within(e, "warehouse")), "code": within(e, "warehouse")}},
	}
	entity = "internalInventoryMovement"
	switch {
	case shipping != "":
		entity = "shippingInventoryMovement"
		order, client := within(e, "shipping", "clientOrder", "code"), within(e, "shipping", "clientOrder", "client")
		shape["shipping"] = s.numbered("shipping", shipping)
		shape["sales-order"] = map[string]any{"id": s.codeID("client-order", order), "code": order,
			"client": s.numbered("client", client), "parameters": []any{}}
	case receiving != "":
		entity = "receivingInventoryMovement"
		order, supplier := within(e, "receiving", "purchaseOrder", "code"), within(e, "receiving", "purchaseOrder", "supplier")
		shape["receiving"] = s.numbered("receiving", receiving)
		shape["purchase-order"] = map[string]any{"id": s.codeID("purchase-order", order), "code": order,
			"supplier": s.numbered("supplier", supplier), "parameters": []any{}}
	}
	if i.deleted {
		return entity, map[string]any{"id": i.id}
	}
	return entity, []any{shape}
}

// numbered refers to something by its number and code.
func (s *Server) numbered(kind, code string) map[string]any {
	return map[string]any{"id": s.codeID(kind, code), "code": code}
}

// within is a text in an object, as deep as there are keys; empty if there is
// none.
func within(object map[string]any, keys ...string) string {
	var v any = object
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	text, _ := v.(string)
	return text
}
