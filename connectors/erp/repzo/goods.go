package repzo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// ReadProducts reads all variants with their products: variants are what is ordered.
func (s *Source) ReadProducts(ctx context.Context, _ erp.Ask) (erp.ProductRead, error) {
	const doing = "read products"
	if err := s.poll(doing); err != nil {
		return erp.ProductRead{}, err
	}
	variants, err := s.list(ctx, doing, "/variant", url.Values{"withProduct": {"true"}})
	if err != nil {
		return erp.ProductRead{}, err
	}
	// Whether the list shows retired ones is not known; their stock and orders are there.
	if !slices.ContainsFunc(variants.records, retired) {
		more, err := s.list(ctx, doing, "/variant", url.Values{"withProduct": {"true"}, "disabled": {"true"}})
		if err != nil {
			return erp.ProductRead{}, err
		}
		variants.records = append(variants.records, slices.DeleteFunc(more.records, func(v web.Value) bool { return !retired(v) })...)
		variants.notes, variants.torn = append(variants.notes, more.notes...), variants.torn || more.torn
	}
	s.strangers = map[string]bool{}
	g := goods{source: s, products: map[string]web.Value{}, several: map[string]int{}, catalogue: &catalogue{at: time.Now(), variants: map[string]article{}}}
	g.out = erp.ProductRead{Problems: variants.notes, Complete: !variants.torn}
	if err := g.prepare(ctx, variants.records); err != nil {
		return erp.ProductRead{}, err
	}
	codes := map[string]bool{}
	for _, v := range variants.records {
		p, err := g.product(v)
		switch {
		case err != nil:
			g.out.Problems, g.out.Complete = append(g.out.Problems, erp.Problem{Where: v.Path(), What: err.Error(), Lost: true}), false
			key, _ := id(v.Get("_id"))
			if known, ok := s.goods.look(key); ok {
				g.catalogue.variants[key] = known // what was known of it still holds
			}
		case codes[p.Code] && p.Active == erp.No: // the code was given to another one
		case codes[p.Code]:
			g.out.Problems = append(g.out.Problems, erp.Problem{Where: "variant " + p.Name, What: fmt.Sprintf("another variant has the code %q too; configure codes that tell them apart", p.Code)})
		default:
			codes[p.Code] = true
			g.out.Products = append(g.out.Products, p)
		}
	}
	s.goods = g.catalogue
	return g.out, nil
}

func retired(v web.Value) bool {
	disabled, _ := v.Get("disabled").Bool()
	return disabled == erp.Yes
}

// goods is the reading of the variants.
type goods struct {
	source    *Source
	out       erp.ProductRead
	catalogue *catalogue
	// products are those that variants only refer to, several the variants of each.
	products map[string]web.Value
	several  map[string]int
	families []master
	units    []master
}

// prepare reads what variants refer to: products, families and units.
func (g *goods) prepare(ctx context.Context, variants []web.Value) (err error) {
	bare := false
	for _, v := range variants {
		key, _ := id(v.Get("product"))
		g.several[key]++
		bare = bare || key != "" && !v.Get("product").IsObject()
	}
	if bare {
		list, err := g.source.list(ctx, "read products", "/product", url.Values{})
		if err != nil {
			return err
		}
		for _, p := range list.records {
			if key, err := id(p.Get("_id")); err == nil {
				g.products[key] = p
			}
		}
		g.out.Problems = append(g.out.Problems, list.notes...)
	}
	if path := map[string]string{"category": "/product-category", "groups": "/product-group"}[g.source.Families]; path != "" {
		if g.families, err = g.source.names(ctx, path, nil); err != nil {
			return err
		}
	}
	g.units, err = g.source.names(ctx, "/measureunits", nil)
	return err
}

func (g *goods) product(v web.Value) (erp.Product, error) {
	variant, err := id(v.Get("_id"))
	if err != nil || variant == "" {
		return erp.Product{}, fmt.Errorf("%s: the variant has no usable _id", v.Path())
	}
	key, _ := id(v.Get("product"))
	product := v.Get("product")
	if !product.IsObject() {
		product = g.products[key]
	}
	of := map[string]web.Value{"variant": v, "product": product}
	code := g.source.code(func(object, name string) string { return field(of[object], name) })
	if code == "" || len(code) > 200 {
		return erp.Product{}, fmt.Errorf("%s: the variant has no usable code in any of %s", v.Path(), strings.Join(g.source.Codes, ", "))
	}
	name := field(product, "name")
	if own := field(v, "name"); name == "" || g.several[key] > 1 && own != "" {
		name = strings.TrimSpace(name + " " + own)
	}
	p := erp.Product{Code: code, Name: name, Families: g.familiesOf(product), Active: erp.Yes}
	for _, barcode := range []string{field(v, "barcode"), field(product, "barcode")} {
		if barcode != "" && len(p.Barcodes) == 0 {
			p.Barcodes = []string{barcode}
		}
	}
	active, _ := product.Get("active").Bool()
	if active == erp.No || retired(v) {
		p.Active = erp.No
	}
	if unit, err := id(product.Get("sv_measureUnit")); err == nil {
		if u, known := byID(g.units, unit); known && u.factor.Equal(decimal.NewFromInt(1)) {
			p.Unit = u.name
		}
	}
	g.catalogue.variants[variant] = article{variant, key, code, p.Families}
	return p, nil
}

func (g *goods) familiesOf(product web.Value) []string {
	var refs []web.Value
	switch g.source.Families {
	case "category":
		refs = []web.Value{product.Get("category")}
	case "groups":
		refs = product.Get("product_groups").Each()
	}
	var out []string
	for _, r := range refs {
		if key, err := id(r); err == nil && key != "" {
			m, _ := byID(g.families, key)
			if name := field(r, "name"); name != "" {
				m.name = name
			}
			out = append(out, m.called())
		}
	}
	return out
}

// places are the warehouses whose stock counts.
func (s *Source) places(ctx context.Context) ([]master, error) {
	var out []master
	for _, text := range s.Warehouses {
		m, err := s.one(ctx, "read stock", "/warehouse", "warehouse", text)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if len(s.Warehouses) > 0 {
		return out, nil
	}
	list, err := s.names(ctx, "/warehouse", nil)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.kind == "main" {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, &erp.Error{Fault: erp.Misconfigured, Doing: "read stock", What: "Repzo has no warehouse of type main", Next: "configure warehouses"}
	}
	return out, nil
}

// ReadStock reads how much of each article lies in the warehouses that count, in base
// units. A sum of which a row could not be read is left out.
func (s *Source) ReadStock(ctx context.Context, _ erp.Ask) (erp.StockRead, error) {
	if err := s.poll("read stock"); err != nil {
		return erp.StockRead{}, err
	}
	places, err := s.places(ctx)
	if err != nil {
		return erp.StockRead{}, err
	}
	if err := s.freshen(ctx, s.MastersFor); err != nil {
		return erp.StockRead{}, err
	}
	var out erp.StockRead
	for _, place := range places {
		got, err := s.list(ctx, "read stock of "+place.called(), "/inventory", url.Values{"warehouse_id": {place.id}})
		if err != nil {
			return erp.StockRead{}, err
		}
		if got.torn {
			return erp.StockRead{Problems: out.Problems, Skipped: "the stock of " + place.called() + " changed while it was read"}, nil
		}
		out.Problems = append(out.Problems, got.notes...)
		s.sum(&out, place, got.records)
	}
	return out, nil
}

// sum adds the stock of one warehouse.
func (s *Source) sum(out *erp.StockRead, place master, rows []web.Value) {
	now := time.Now().UTC()
	sums, spoilt, order := map[string]decimal.Decimal{}, map[string]bool{}, []string(nil)
	for _, r := range rows {
		if of, err := id(r.Get("warehouse_id", "warehouse")); err != nil || of != "" && of != place.id {
			continue
		}
		variant, err := id(r.Get("variant_id", "variant"))
		known, there := s.goods.look(variant)
		if err != nil || variant == "" || !there {
			out.Problems = append(out.Problems, erp.Problem{Where: place.called() + ", " + r.Path(), What: "the row has no variant that is known with a code", Lost: true})
			out.Spoilt = append(out.Spoilt, "")
			continue
		}
		if !slices.Contains(order, known.code) {
			order = append(order, known.code)
		}
		quantity, err := r.Get("qty", "quantity").Decimal(erp.Point)
		if err != nil {
			spoilt[known.code] = true
			out.Spoilt = append(out.Spoilt, known.code)
			out.Problems = append(out.Problems, erp.Problem{Where: "product " + known.code + ", warehouse " + place.called(), What: err.Error() + "; the stock of the product there is not used", Lost: true})
		}
		sums[known.code] = sums[known.code].Add(quantity)
	}
	for _, code := range order {
		if !spoilt[code] {
			out.Stock = append(out.Stock, erp.Stock{Product: code, Place: place.called(), Quantity: sums[code], AsOf: now})
		}
	}
}
