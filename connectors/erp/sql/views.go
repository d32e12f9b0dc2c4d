package sql

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// ReadProducts reads all articles of the view of articles.
func (s *Source) ReadProducts(ctx context.Context, _ erp.Ask) (erp.ProductRead, error) {
	if s.Products == "" {
		return erp.ProductRead{}, &erp.Error{Fault: erp.Misconfigured, Doing: "read the products", What: "no view of products is named", Next: "name it under products"}
	}
	var out erp.ProductRead
	var n notes
	at := map[string]int{}
	q := question{view: s.Products, want: slices.Concat([]string{"product", "product_name", "unit", "manufactured"}, productColumns()), need: []string{"product"}, by: "product"}
	whole, err := s.read(ctx, "read the products", q, func(r *record) {
		p := erp.Product{Code: r.needed("product"), Name: r.text("product_name"), Unit: r.text("unit")}
		for meaning, to := range map[string]*erp.Answer{"manufactured": &p.Manufactured, "active": &p.Active} {
			answer, err := r.cells[meaning].answer()
			if err != nil {
				r.fail(meaning, err)
			}
			*to = answer
		}
		barcode, family := r.text("barcode"), r.text("family")
		if r.bad != "" {
			n.add(erp.Problem{Where: r.view + ", product " + shorten(p.Code, 60) + ", " + r.at, What: r.bad, Lost: true})
			return
		}
		i, known := at[p.Code]
		if !known {
			i = len(out.Products)
			at[p.Code], out.Products = i, append(out.Products, p)
		}
		// Rows of one article differ in these two only.
		add(&out.Products[i].Barcodes, barcode)
		add(&out.Products[i].Families, family)
	})
	if err != nil {
		return erp.ProductRead{}, err
	}
	out.Complete = whole && len(n.problems) == 0
	if !whole {
		n.add(erp.Problem{Where: name(s.Products), What: "it has more rows than max_rows; the rest was not read", Lost: true})
	}
	out.Problems = n.end()
	return out, nil
}

func add(list *[]string, text string) {
	if text != "" && !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

// ReadStock reads the view of stock; rows of an article at a place are added up.
func (s *Source) ReadStock(ctx context.Context, _ erp.Ask) (erp.StockRead, error) {
	if s.Stock == "" {
		return erp.StockRead{}, &erp.Error{Fault: erp.Misconfigured, Doing: "read the stock", What: "no view of stock is named", Next: "name it under stock"}
	}
	var out erp.StockRead
	var n notes
	began := time.Now().UTC()
	at, spoilt := map[[2]string]int{}, map[string]bool{}
	q := question{view: s.Stock, want: slices.Concat([]string{"product", "product_name", "barcode", "quantity"}, stockColumns()), need: []string{"product", "quantity"}}
	whole, err := s.read(ctx, "read the stock", q, func(r *record) {
		row, ok := s.stock(r, &n, began)
		if !ok {
			spoilt[row.Product] = true
			out.Spoilt = append(out.Spoilt, row.Product)
			return
		}
		k := [2]string{row.Product, row.Place}
		i, known := at[k]
		if !known {
			at[k], out.Stock = len(out.Stock), append(out.Stock, row)
			return
		}
		have := &out.Stock[i]
		have.Quantity = have.Quantity.Add(row.Quantity)
		if row.AsOf.Before(have.AsOf) {
			have.AsOf = row.AsOf
		}
	})
	if err != nil {
		return erp.StockRead{}, err
	}
	if !whole {
		out.Stock, out.Skipped = nil, name(s.Stock)+" has more rows than max_rows: sums would be wrong"
	}
	// Without one of its rows the sum of an article would be too little.
	out.Stock = slices.DeleteFunc(out.Stock, func(row erp.Stock) bool { return spoilt[row.Product] })
	out.Problems = n.end()
	return out, nil
}

// stock makes one row. A day without an hour counts from its beginning.
func (s *Source) stock(r *record, n *notes, began time.Time) (erp.Stock, bool) {
	row := erp.Stock{Product: r.needed("product"), Name: r.text("product_name"), Barcode: r.text("barcode"), Place: r.text("place"), AsOf: began}
	if r.cells["quantity"].empty() {
		r.fail("quantity", errNothing{})
	}
	row.Quantity = r.decimal("quantity")
	for meaning, to := range map[string]**decimal.Decimal{"min": &row.Min, "max": &row.Max} {
		if !r.cells[meaning].empty() {
			d := r.decimal(meaning)
			*to = &d
		}
	}
	as, _, err := r.cells["as_of"].instant(s.Zone)
	if err != nil {
		r.fail("as_of", err)
	}
	if !as.IsZero() && as.Before(began) {
		row.AsOf = as.UTC()
	}
	if r.bad != "" {
		n.add(erp.Problem{Where: r.view + ", product " + shorten(row.Product, 60) + ", " + r.at, What: r.bad + "; the article is left out", Lost: true})
		return row, false
	}
	n.binary(r)
	return row, true
}

type errNothing struct{}

func (errNothing) Error() string { return "there is no quantity" }
