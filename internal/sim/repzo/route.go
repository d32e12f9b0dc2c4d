package repzo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// paths are the resources that this company serves, by their first part.
func (s *Server) paths() []string {
	list := []string{"/proforma", "/product", "/variant", "/measureunits", "/warehouse", "/inventory", "/adjust-inventory", "/inventory-adjustment-reason", "/custom-status",
		"/product-category", "/product-group", "/client", "/workorder"}
	if s.config.Options.Documentation {
		list[3] = "/measure-unit"
	}
	return list
}

// route does what a call asks for.
func (s *Server) route(in request) reply {
	if in.path == "/update-integration-meta" && in.method == http.MethodPost {
		return s.updateMeta(in)
	}
	path, id, single := strings.Cut(strings.TrimPrefix(in.path, "/"), "/")
	path = "/" + path
	if !slices.Contains(s.paths(), path) {
		return refusal(404, "Cannot "+in.method+" "+in.path)
	}
	written := path == "/adjust-inventory" || path == "/workorder"
	switch {
	case in.method == http.MethodGet && single:
		return s.get(path, id, in)
	case in.method == http.MethodGet:
		return s.list(path, s.all(path, in), in.query)
	case in.method == http.MethodPost && !single && written:
		return s.write(path, in.body)
	case in.method == http.MethodPut && single && path == "/workorder":
		return s.putJob(id, in.body)
	case in.method == http.MethodPut && single && path == "/proforma":
		return s.putOrder(id, in.body)
	}
	return refusal(404, "Cannot "+in.method+" "+in.path)
}

// all are the records of a path.
func (s *Server) all(path string, in request) []record {
	switch path {
	case "/proforma":
		var out []record
		for _, o := range s.orders {
			out = append(out, s.spellOrder(o))
		}
		return out
	case "/variant":
		return s.variants(in.query.Get("withProduct") == "true")
	case "/inventory":
		return s.inventory()
	case "/adjust-inventory", "/workorder":
		return s.documents[path]
	case "/measure-unit":
		return s.masters["/measureunits"]
	}
	return s.masters[path]
}

// get answers one record: bare, or in an envelope as the documentation has it.
func (s *Server) get(path, id string, in request) reply {
	for _, r := range s.all(path, in) {
		if r["_id"] != id {
			continue
		}
		one := s.shaped(path, r)
		switch {
		case s.config.Options.Documentation:
			return reply{200, record{"data": one}}
		case path == "/proforma" && in.query.Get("withCycle") == "true":
			return reply{200, record{"proforma": one, "cycle": record{"status": r["status"]}}}
		}
		return reply{200, one}
	}
	return refusal(404, strings.TrimPrefix(path, "/")+" not found")
}

// shaped gives a record in the dialect of this company.
func (s *Server) shaped(path string, r record) record {
	if !s.config.Options.Documentation {
		if path == "/inventory" {
			r = pick(r, "_id", "warehouse_id", "warehouse_name", "variant_id", "variant_name", "product_id", "product_name", "listed_price", "qty", "UpdatedAt")
		}
		return r
	}
	switch path {
	case "/proforma":
		out := pick(r, "_id", "status", "createdAt", "updatedAt", "integration_meta")
		out["serial"], out["client"], out["validUntil"], out["disabled"] = member(r, "serial_number.formatted"), r["client_id"], r["delivery_date"], r["disabled"]
		items := []any{}
		for _, l := range r["items"].([]any) {
			one := l.(record)
			items = append(items, record{"_id": one["_id"], "product": member(one, "variant.product_id"), "variant": member(one, "variant.variant_id"), "quantity": one["qty"],
				"measureunit": member(one, "measureunit._id"), "price": one["price"]})
		}
		out["items"] = items
		return out
	case "/inventory":
		return record{"_id": r["_id"], "product": r["product_id"], "variant": r["variant_id"], "warehouse": r["warehouse_id"], "quantity": r["qty"], "reservedQuantity": json.Number("0"),
			"availableQuantity": r["qty"], "lastUpdated": r["updatedAt"], "createdAt": r["updatedAt"], "updatedAt": r["updatedAt"]}
	case "/adjust-inventory":
		out := pick(r, "_id", "status", "sync_id", "createdAt", "updatedAt")
		out["warehouse"], out["items"] = r["to"], r["variants"]
		return out
	case "/warehouse":
		return pick(r, "_id", "name", "disabled", "createdAt", "updatedAt")
	}
	return r
}

// pick gives the named fields of a record.
func pick(r record, names ...string) record {
	out := record{}
	for _, n := range names {
		if v, ok := r[n]; ok {
			out[n] = v
		}
	}
	return out
}
