package rest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	lookedAt   = 50 // records, and lines of each
	samples    = 5
	mostFields = 500
	deepest    = 4
)

// usual are names that fields often have, in small letters and digits only.
func usual() map[string][]string {
	return map[string][]string{
		"order_id": {"orderid", "id", "orderno", "ordernumber", "docentry", "uuid"}, "number": {"number", "docnum", "orderno", "ordernumber", "code"}, "company": {"company", "branch"},
		"due": {"due", "duedate", "deliverydate", "requireddate", "shipdate"}, "ordered_at": {"orderedat", "orderdate", "createdat", "created", "date"}, "state": {"state", "status"},
		"customer_code": {"customercode", "customerid", "customerno", "customer.code", "customer.id"}, "customer_name": {"customername", "customer.name", "customer"},
		"note": {"note", "notes", "comment", "remarks"}, "location": {"location", "warehouse", "site", "plant"}, "updated_at": {"updatedat", "modifiedat", "updated", "modified", "lastmodified"},
		"line_id": {"lineid", "lineno", "linenum", "position", "pos", "id"}, "product": {"product", "productcode", "itemcode", "sku", "article", "product.code", "item.code", "code"},
		"product_name": {"productname", "itemname", "description", "product.name", "name"}, "quantity": {"quantity", "qty", "orderqty", "openqty"}, "unit": {"unit", "uom", "unitcode"},
		"unit_factor": {"unitfactor", "factor"}, "line_due": {"linedue"}, "line_state": {"linestate"}, "manufactured": {"manufactured", "make"}, "line_note": {"linenote"},
	}
}

// survey collects what records have.
type survey struct {
	fields []*erp.Field
	index  map[string]int
	lists  []string
}

// see takes the fields of a record; their paths begin with prefix.
func (v *survey) see(prefix string, r gjson.Result, depth int, seen map[string]bool) {
	r.ForEach(func(name, value gjson.Result) bool {
		path := prefix + strings.NewReplacer(`\`, `\\`, ".", `\.`, "*", `\*`, "?", `\?`, "|", `\|`, "#", `\#`, "@", `\@`).Replace(name.Str)
		switch {
		case len(path) > 200:
			return true
		case value.IsObject() && depth < deepest:
			v.see(path+".", value, depth+1, seen)
			return true
		case value.IsArray() && len(value.Array()) > 0 && value.Array()[0].IsObject() && !slices.Contains(v.lists, path):
			v.lists = append(v.lists, path)
		}
		i, known := v.index[path]
		if !known {
			if len(v.fields) >= mostFields {
				return false
			}
			i = len(v.fields)
			v.index[path], v.fields = i, append(v.fields, &erp.Field{Path: path})
		}
		f := v.fields[i]
		text, kind := web.Shorten(value.String()[:min(len(value.String()), 200)], 40), looks(value)
		if kind == "" || seen[path] {
			return true
		}
		seen[path] = true
		f.Seen++
		if f.Type == "" {
			f.Type = kind
		} else if f.Type != kind {
			f.Type = "text"
		}
		if len(f.Samples) < samples && !slices.Contains(f.Samples, text) {
			f.Samples = append(f.Samples, text)
		}
		return true
	})
}

// looks is what a value looks like, empty if it is nothing.
func looks(r gjson.Result) string {
	text := strings.TrimSpace(r.String())
	switch {
	case r.Type == gjson.Null, text == "":
		return ""
	case r.Type == gjson.True, r.Type == gjson.False:
		return "yes/no"
	case r.Type == gjson.JSON:
		return "list"
	case r.Type == gjson.Number:
		return "number"
	}
	if _, _, err := parseTime(text, time.UTC); err == nil {
		return "date"
	}
	if _, err := erp.ParseDecimal(text, erp.Either); err == nil {
		return "number"
	}
	return "text"
}

// Discover describes the fields of the records of the first page, and of their
// lines if Lines is set. Their paths are then those within a line.
func (s *Source) Discover(ctx context.Context) (fields []erp.Field, suggest string, err error) {
	first, err := s.address(time.Time{})
	if err != nil {
		return nil, "", err
	}
	p, err := s.page(ctx, s.step(first, 0, 0, ""), 0)
	if err != nil {
		return nil, "", err
	}
	head, body := survey{index: map[string]int{}}, survey{index: map[string]int{}}
	lines := 0
	records := p.records[:min(len(p.records), lookedAt)]
	for _, r := range records {
		head.see("", r, 0, map[string]bool{})
		if s.Lines == "" {
			continue
		}
		list := r.Get(s.Lines).Array()
		for _, l := range list[:min(len(list), lookedAt)] {
			lines++
			body.see("", l, 0, map[string]bool{})
		}
	}
	var b strings.Builder
	b.WriteString("# from the first page\n")
	if s.Lines == "" && len(head.lists) > 0 {
		fmt.Fprintf(&b, "# lines: %s # if this is the list of an order's lines\n", strconv.Quote(head.lists[0]))
	}
	b.WriteString("fields:\n")
	if s.Lines == "" {
		return s.told(head, len(records), Meanings(), "", &b), b.String(), nil
	}
	fields = s.told(head, len(records), orderFields(), "", &b)
	return append(fields, s.told(body, lines, lineFields(), s.Lines+".#.", &b)...), b.String(), nil
}

// told gives the fields with what they are likely to be, and writes that down.
func (s *Source) told(v survey, of int, meanings []string, prefix string, b *strings.Builder) (out []erp.Field) {
	for _, m := range meanings {
		names := append([]string{strings.ReplaceAll(m, "_", "")}, usual()[m]...)
		for _, n := range names {
			i := slices.IndexFunc(v.fields, func(f *erp.Field) bool {
				plain := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(f.Path))
				return f.Means == "" && f.Type != "list" && (s.Fields[m] == f.Path || s.Fields[m] == "" && plain == n)
			})
			if i >= 0 {
				v.fields[i].Means = m
				fmt.Fprintf(b, "  %s: %s\n", m, strconv.Quote(v.fields[i].Path))
				break
			}
		}
	}
	for _, f := range v.fields {
		if f.Of = of; f.Means == "" && f.Seen > 0 {
			fmt.Fprintf(b, "# not used: %s (%s)\n", strconv.Quote(prefix+f.Path), f.Type)
		}
		one := *f
		one.Path = prefix + f.Path
		out = append(out, one)
	}
	return out
}
