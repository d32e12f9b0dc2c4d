package smpos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

const (
	lookedAt = 50 // goods
	samples  = 3
	// The most that is shown: fields of goods, chains, and of each the sections and
	// tills. Of the first sections one is looked for that has goods.
	mostFields = 300
	mostChains = 15
	mostListed = 300
	mostEmpty  = 10
)

// Discover lists the sections and tills that the account sees, as settings, and
// describes the goods of the first section that has some.
func (s *Source) Discover(ctx context.Context) (fields []erp.Field, suggest string, err error) {
	chains, err := s.records(ctx, "list the chains", "GETCHAINLIST", "chains", nil)
	if err != nil {
		return nil, "", err
	}
	var b strings.Builder
	b.WriteString("smpos:\n")
	if len(chains) > 1 {
		b.WriteString("  # The account sees several chains: keep one, or make a source of each.\n")
	}
	left := mostEmpty
	for _, c := range bounded(&b, chains, mostChains, "chains") {
		id, err := member(c, "ID").Int()
		if err != nil {
			fmt.Fprintf(&b, "  # A chain can not be read: %s\n", web.Shorten(err.Error(), 100))
			continue
		}
		sections, err := s.suggestChain(ctx, &b, id, titled(c))
		if err != nil {
			return nil, "", err
		}
		for _, section := range sections {
			if len(fields) > 0 || left == 0 {
				break
			}
			left--
			goods, err := s.records(ctx, fmt.Sprintf("read the goods of section %d", section), "GETGOODS", "goods", map[string]any{"sectionID": section})
			if err != nil {
				return nil, "", err
			}
			fields = survey(goods)
		}
	}
	return fields, b.String(), nil
}

// bounded are the first of many records, with a comment that there are more.
func bounded(b *strings.Builder, list []web.Value, most int, what string) []web.Value {
	if len(list) > most {
		fmt.Fprintf(b, "  # There are %d %s, of which %d are shown.\n", len(list), what, most)
		list = list[:most]
	}
	return list
}

// titled is the name of a record, fit for a comment.
func titled(r web.Value) string {
	name, _ := member(r, "name").Text()
	return web.Shorten(name, 60)
}

// records asks for a whole list.
func (s *Source) records(ctx context.Context, doing, req, root string, with map[string]any) ([]web.Value, error) {
	v, _, _, err := s.call(ctx, doing, req, with, false)
	if err != nil {
		return nil, err
	}
	if list := member(v, root); list.IsList() {
		return list.Each(), nil
	}
	return nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: fmt.Sprintf("the answer has no list %q", root)}
}

// suggestChain writes the settings of a chain, and gives the numbers of its sections.
func (s *Source) suggestChain(ctx context.Context, b *strings.Builder, chain int64, name string) (ids []int64, err error) {
	with := map[string]any{"chainID": chain}
	sections, err := s.records(ctx, fmt.Sprintf("list the sections of chain %d", chain), "GETSECTLIST", "sections", with)
	if err != nil {
		return nil, err
	}
	devices, err := s.records(ctx, fmt.Sprintf("list the tills of chain %d", chain), "GETDEVLIST", "devices", with)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(b, "  chain: %d # %s\n", chain, name)
	for _, d := range bounded(b, devices, mostListed, "tills") {
		id, err := member(d, "ID").Int()
		if err != nil {
			continue
		}
		heard := "never heard"
		if at, err := member(d, "lastConnect").Int(); err == nil {
			heard = "heard " + time.Unix(at, 0).UTC().Format("2006-01-02 15:04") + " UTC"
		}
		books := "its shifts are booked at their end"
		if auto, err := member(d, "autoProcessPrt").Bool(); err != nil || auto == erp.No {
			books = "its shifts are booked by hand"
		}
		fmt.Fprintf(b, "  # till %d %s: %s, %s\n", id, titled(d), heard, books)
	}
	sections = bounded(b, sections, mostListed, "sections")
	b.WriteString("  sections:\n")
	for _, r := range sections {
		id, err := member(r, "ID").Int()
		if err != nil {
			continue
		}
		ids = append(ids, id)
		fmt.Fprintf(b, "    - id: %d\n      name: %q\n", id, titled(r))
	}
	return ids, nil
}

// survey describes the fields of goods.
func survey(goods []web.Value) []erp.Field {
	means := map[string]string{"code": "product", "name": "product_name", "qnty": "quantity", "qty": "quantity", "barcode": "barcode", "barcodeex": "barcode", "foldercode": "family"}
	goods = goods[:min(len(goods), lookedAt)]
	index := map[string]int{}
	var fields []erp.Field
	for _, r := range goods {
		for _, key := range r.Keys() {
			path := web.Shorten(strings.TrimSpace(key), 60)
			i, known := index[path]
			if !known && len(fields) >= mostFields {
				continue
			}
			if !known {
				i, index[path] = len(fields), len(fields)
				fields = append(fields, erp.Field{Path: path, Of: len(goods), Means: means[strings.ToLower(path)]})
			}
			f := &fields[i]
			v := r.Get(key)
			if v.Missing() {
				continue
			}
			f.Seen++
			kind, text := looks(v)
			switch f.Type {
			case "", kind:
				f.Type = kind
			default:
				f.Type = "text"
			}
			if len(f.Samples) < samples && text != "" && !slices.Contains(f.Samples, text) {
				f.Samples = append(f.Samples, text)
			}
		}
	}
	return fields
}

// looks is what a value looks like.
func looks(v web.Value) (kind, text string) {
	if v.IsList() || v.IsObject() {
		return "list", ""
	}
	text, err := v.Text()
	if err != nil {
		return "text", ""
	}
	kind = "text"
	if _, err := v.Decimal(erp.Point); err == nil {
		kind = "number"
	} else if text == "true" || text == "false" {
		kind = "yes/no"
	}
	return kind, web.Shorten(text, 40)
}
