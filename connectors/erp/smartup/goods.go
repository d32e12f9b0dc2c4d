package smartup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// catalogueAge is how long a catalogue is good for looking up barcodes and families.
const catalogueAge = 6 * time.Hour

// catalogue is what is remembered of the articles. A nil one knows none.
type catalogue struct {
	at       time.Time
	barcodes map[string][]string
	groups   map[string][]string
}

// code is the code of the only article with the barcode, or that has it as code.
func (c *catalogue) code(barcode string) string {
	if c == nil || len(c.barcodes[barcode]) != 1 {
		return ""
	}
	return c.barcodes[barcode][0]
}

func (c *catalogue) families(code string) []string {
	if c == nil {
		return nil
	}
	return c.groups[code]
}

// made says whether any of the kinds is one that the plant makes itself.
func (s *Source) made(kinds ...string) erp.Answer {
	for _, k := range kinds {
		if slices.Contains(s.Kinds, k) {
			return erp.Yes
		}
	}
	return erp.No
}

// catalogueFor reads the catalogue if families are wanted or a line has nothing but
// a barcode, and the last one is old. Orders do not wait for it: what it would tell of
// their lines is missing then, and is a problem; only families decide what is made, so
// that orders without any catalogue are not read where those are wanted.
func (s *Source) catalogueFor(ctx context.Context, records []web.Value) ([]erp.Problem, error) {
	needed := s.FamilyType != "" && len(records) > 0
	for _, r := range records {
		for _, list := range []string{"order_products", "order_gifts", "order_actions"} {
			for _, l := range r.Get(list).Each() {
				needed = needed || l.Get("product_code", "product_local_code").Missing() && !l.Get("product_barcode", "gtin").Missing()
			}
		}
	}
	if !needed || s.articles != nil && time.Since(s.articles.at) < catalogueAge {
		return nil, nil
	}
	if time.Now().After(s.articlesRest) {
		_, s.articlesError = s.ReadProducts(ctx, erp.Ask{})
		if s.articlesError == nil {
			s.articlesFails = 0
			return nil, nil
		}
		rest := time.Hour // there are few such calls in a day
		if s.articles == nil && s.FamilyType != "" {
			rest = min(time.Minute<<min(s.articlesFails, 10), rest) // orders wait for it
		}
		s.articlesRest = time.Now().Add(rest)
		s.articlesFails++
	}
	switch {
	case s.articles != nil:
		return nil, nil
	case s.FamilyType != "" || ctx.Err() != nil:
		return nil, s.articlesError
	}
	return []erp.Problem{{Where: "articles", What: "lines that have a barcode and no code wait, because the articles can not be read: " + s.articlesError.Error(), Lost: true}}, nil
}

// ReadProducts reads the whole catalogue: that costs one call, as its changes do.
func (s *Source) ReadProducts(ctx context.Context, _ erp.Ask) (erp.ProductRead, error) {
	records, notes, err := s.read(ctx, "read products", reference, goodsPath, "inventory", map[string]any{}, true)
	if err != nil {
		return erp.ProductRead{}, err
	}
	out := erp.ProductRead{Problems: notes, Complete: true}
	c := &catalogue{at: time.Now(), barcodes: map[string][]string{}, groups: map[string][]string{}}
	for _, r := range records {
		p, err := s.product(r)
		if err != nil || p.Code == "" {
			what := "the product has no code"
			if err != nil {
				what = err.Error()
			}
			out.Problems, out.Complete = append(out.Problems, erp.Problem{Where: r.Path(), What: what, Lost: true}), false
			continue
		}
		out.Products = append(out.Products, p)
		for _, b := range p.Barcodes {
			if !slices.Contains(c.barcodes[b], p.Code) {
				c.barcodes[b] = append(c.barcodes[b], p.Code)
			}
		}
		c.groups[p.Code] = p.Families
	}
	s.articles = c
	return out, nil
}

func (s *Source) product(r web.Value) (erp.Product, error) {
	var p erp.Product
	for _, f := range []struct {
		to   *string
		name string
	}{{&p.Code, "code"}, {&p.Name, "name"}, {&p.Unit, "measure_code"}} {
		t, err := r.Get(f.name).Text()
		if err != nil {
			return p, err
		}
		*f.to = t
	}
	// Several barcodes stand in one text, or in a list.
	codes := []web.Value{r.Get("barcodes"), r.Get("gtin")}
	if codes[0].IsList() {
		codes = append(codes[0].Each(), codes[1])
	}
	for _, v := range codes {
		t, err := v.Text()
		if err != nil {
			return p, err
		}
		p.Barcodes = append(p.Barcodes, strings.FieldsFunc(t, func(c rune) bool { return strings.ContainsRune(",; \t\n|", c) })...)
	}
	var kinds []string
	for _, k := range r.Get("inventory_kinds").Each() {
		if t, err := k.Get("inventory_kind").Text(); err == nil && t != "" {
			kinds = append(kinds, t)
		}
	}
	if len(kinds) > 0 {
		p.Manufactured = s.made(kinds...)
	}
	for _, g := range r.Get("groups").Each() {
		of, _ := g.Get("type_code").Text()
		if code, err := g.Get("group_code").Text(); err == nil && code != "" && of != "" && of == s.FamilyType {
			p.Families = append(p.Families, code)
		}
	}
	switch state, _ := r.Get("state").Text(); state {
	case "A":
		p.Active = erp.Yes
	case "P":
		p.Active = erp.No
	}
	return p, nil
}

// ReadStock reads the balance of today, summed over cards, dates and batches. A
// sum of which a row could not be read is left out.
func (s *Source) ReadStock(ctx context.Context, ask erp.Ask) (erp.StockRead, error) {
	conditions := s.Conditions
	switch {
	case len(conditions) > 0:
	case ask.Free:
		conditions = []string{"F"}
	default:
		conditions = physical()
	}
	return s.balance(ctx, "read stock", s.within("", map[string]any{"product_conditions": conditions}), s.Warehouses, s.ExcludeWarehouses, true)
}

// physical are the conditions of stock that lies in a warehouse.
func physical() []string { return []string{"F", "B"} }

// balance reads the balance of some warehouses, or of all, without the excluded ones.
// Nothing of the others is judged.
func (s *Source) balance(ctx context.Context, doing string, ask map[string]any, warehouses, without []string, poll bool) (erp.StockRead, error) {
	now, today := time.Now().UTC(), s.today().Format(dateForm)
	ask["begin_date"], ask["end_date"] = today, today
	if len(warehouses) > 0 {
		var list []map[string]string
		for _, w := range warehouses {
			list = append(list, map[string]string{"warehouse_code": w})
		}
		ask["warehouse_codes"] = list
	}
	records, notes, err := s.read(ctx, doing, frequent, stockPath, "balance", ask, poll)
	if err != nil {
		return erp.StockRead{}, err
	}
	out := erp.StockRead{Problems: notes}
	type spot struct{ product, place string }
	sums, spoilt := map[spot]decimal.Decimal{}, map[spot]bool{}
	var order []spot
	for _, r := range records {
		code, err1 := r.Get("product_code").Text()
		place, err2 := r.Get("warehouse_code").Text()
		if place != "" && (len(warehouses) > 0 && !slices.Contains(warehouses, place) || slices.Contains(without, place)) {
			continue
		}
		if err1 != nil || err2 != nil || code == "" || place == "" {
			out.Problems = append(out.Problems, erp.Problem{Where: r.Path(), What: "the row has no product_code or no warehouse_code", Lost: true})
			out.Spoilt = append(out.Spoilt, code)
			continue
		}
		at := spot{code, place}
		quantity, err := number(r.Get("quantity"))
		if err != nil {
			out.Problems = append(out.Problems, erp.Problem{Where: "product " + code + ", warehouse " + place, What: err.Error() + "; the stock of the product there is not used", Lost: true})
			spoilt[at] = true
			out.Spoilt = append(out.Spoilt, code)
		}
		if _, known := sums[at]; !known {
			order = append(order, at)
		}
		sums[at] = sums[at].Add(quantity)
	}
	for _, at := range order {
		if !spoilt[at] {
			out.Stock = append(out.Stock, erp.Stock{Product: at.product, Place: at.place, Quantity: sums[at], AsOf: now})
		}
	}
	return out, nil
}
