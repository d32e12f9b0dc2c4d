package repzo

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// Product is one product with its variants.
type Product struct {
	Name, SKU, Barcode string
	// Category and Unit are ids; empty is none.
	Category, Unit string
	Groups         []string
	Inactive       bool
	Variants       []Variant
}

// Variant is what is ordered and stocked. Its ID may be empty.
type Variant struct {
	ID, Name, SKU, Barcode string
	Price                  int64
	Disabled               bool
	Meta                   map[string]string
}

// Stock is how much of a variant lies in a warehouse, in base units.
type Stock struct {
	Warehouse, Variant string
	Quantity           decimal.Decimal
	id, updated        string
}

// add keeps a master record, gives it what every record has, and returns its id.
func (s *Server) add(path string, r record) string {
	if r["_id"] == nil || r["_id"] == "" {
		r["_id"] = s.id()
	}
	now := s.now().Format(timeForm)
	r["createdAt"], r["updatedAt"], r["__v"], r["company_namespace"] = now, now, 0, []any{"plant"}
	if r["integration_meta"] == nil {
		r["integration_meta"] = record{}
	}
	s.masters[path] = append(s.masters[path], r)
	return r["_id"].(string)
}

// AddUnit adds a unit of so many base units, and returns its id.
func (s *Server) AddUnit(name, factor string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/measureunits", record{"name": name, "factor": json.Number(factor), "parent": nil, "disabled": false})
}

// AddWarehouse adds one of type main or van, and returns its id.
func (s *Server) AddWarehouse(name, code, kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/warehouse", record{"name": name, "code": code, "type": kind, "disabled": false})
}

// AddStatus adds a custom status of sales orders, and returns its id.
func (s *Server) AddStatus(name, code string, standard bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/custom-status", record{"name": name, "code": code, "model": "proformas", "is_default": standard, "disabled": false, "color": "#336699"})
}

// AddReason adds a reason of stock corrections, and returns its id.
func (s *Server) AddReason(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/inventory-adjustment-reason", record{"name": name, "disabled": false})
}

// AddCategory adds a product category, and returns its id.
func (s *Server) AddCategory(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/product-category", record{"name": name, "disabled": false})
}

// AddGroup adds a product group, and returns its id.
func (s *Server) AddGroup(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/product-group", record{"name": name, "disabled": false})
}

// AddClient adds a customer, and returns its id.
func (s *Server) AddClient(name, code string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add("/client", record{"name": name, "client_code": code, "disabled": false, "payment_type": "credit"})
}

// Retire disables a variant, as people do.
func (s *Server) Retire(variant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.masters["/variant"] {
		if r["_id"] == variant {
			r["disabled"] = true
		}
	}
}

// AddProduct adds a product, and returns the ids of its variants.
func (s *Server) AddProduct(p Product) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := []any{}
	for _, g := range p.Groups {
		groups = append(groups, g)
	}
	id := s.add("/product", record{"name": p.Name, "sku": p.SKU, "barcode": p.Barcode, "category": p.Category, "sv_measureUnit": p.Unit, "product_groups": groups, "active": !p.Inactive})
	var ids []string
	for _, v := range p.Variants {
		meta := record{}
		for k, e := range v.Meta {
			meta[k] = e
		}
		ids = append(ids, s.add("/variant", record{"_id": v.ID, "name": v.Name, "product": id, "price": v.Price, "sku": v.SKU, "barcode": v.Barcode, "disabled": v.Disabled,
			"default": len(ids) == 0, "integration_meta": meta}))
	}
	return ids
}

// Alter changes fields of a master record, such as a variant's sku.
func (s *Server) Alter(path, id string, fields map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.master(path, id); r != nil {
		maps.Copy(r, fields)
		r["updatedAt"] = s.now().Format(timeForm)
	}
}

// master is a record by its id; nil if there is none.
func (s *Server) master(path, id string) record {
	for _, r := range s.masters[path] {
		if r["_id"] == id {
			return r
		}
	}
	return nil
}

// SetStock sets how much of a variant lies in a warehouse, as people do who count.
func (s *Server) SetStock(warehouse, variant string, quantity decimal.Decimal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.row(warehouse, variant)
	row.Quantity, row.updated = quantity, s.now().Format(timeForm)
}

// row is the stock of a variant in a warehouse; it begins with none.
func (s *Server) row(warehouse, variant string) *Stock {
	for _, r := range s.stock {
		if r.Warehouse == warehouse && r.Variant == variant {
			return r
		}
	}
	r := &Stock{Warehouse: warehouse, Variant: variant, id: s.id(), updated: s.now().Format(timeForm)}
	s.stock = append(s.stock, r)
	return r
}

// Stock gives all rows of stock.
func (s *Server) Stock() []Stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Stock
	for _, r := range s.stock {
		out = append(out, *r)
	}
	return out
}

// inventory gives the rows as they are on the wire.
func (s *Server) inventory() []record {
	var out []record
	for _, r := range s.stock {
		warehouse, variant := s.master("/warehouse", r.Warehouse), s.master("/variant", r.Variant)
		product := s.productOf(variant)
		out = append(out, record{
			"_id": r.id, "warehouse_id": r.Warehouse, "warehouse_name": warehouse["name"], "variant_id": r.Variant, "variant_name": variant["name"],
			"product_id": product["_id"], "product_name": product["name"], "listed_price": variant["price"], "qty": json.Number(r.Quantity.String()), "UpdatedAt": r.updated,
			"updatedAt": r.updated,
		})
	}
	return out
}

func (s *Server) productOf(variant record) record {
	id, _ := variant["product"].(string)
	return s.master("/product", id)
}

// variants gives the variants, with their products in them if that is asked for.
func (s *Server) variants(withProduct bool) []record {
	list := slices.Clone(s.masters["/variant"])
	for i, v := range list {
		if product := s.productOf(v); withProduct && product != nil {
			list[i] = maps.Clone(v)
			list[i]["product"] = product
		}
	}
	return list
}
