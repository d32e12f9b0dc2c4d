package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	lookedAt = 200 // rows
	samples  = 5
)

// usual are names that columns often have, by what they mean, the likeliest
// first; all are in small letters and digits only.
func usual() map[string][]string {
	return map[string][]string{
		"order_id":      {"orderid", "orderno", "ordernumber", "salesorder", "docentry", "documentno", "docno", "auftrag", "auftragsnr", "belegnr", "encomenda", "pedido"},
		"line_id":       {"lineid", "lineno", "linenum", "position", "pos", "posnr", "linha"},
		"number":        {"number", "docnum", "displaynumber"},
		"company":       {"company", "branch", "mandant", "empresa"},
		"product":       {"product", "productcode", "itemcode", "article", "articleno", "sku", "material", "artikel", "artikelnr", "produto", "artigo"},
		"product_name":  {"productname", "itemname", "description", "bezeichnung", "descricao", "designacao"},
		"quantity":      {"quantity", "qty", "openqty", "orderqty", "menge", "quantidade", "qtd"},
		"unit":          {"unit", "uom", "unitcode", "einheit", "me", "unidade"},
		"unit_factor":   {"unitfactor", "factor", "conversion", "umrechnung", "fator"},
		"due":           {"due", "duedate", "deliverydate", "shipdate", "requireddate", "liefertermin", "termin", "dataentrega"},
		"ordered_at":    {"orderedat", "orderdate", "docdate", "createdat", "created", "datum", "data"},
		"state":         {"state", "status", "orderstatus", "linestatus", "estado"},
		"customer_code": {"customercode", "customerno", "cardcode", "customerid", "customer", "kundennr", "kunde", "cliente"},
		"customer_name": {"customername", "cardname", "kundenname", "nomecliente"},
		"note":          {"note", "notes", "comment", "comments", "remark", "bemerkung", "obs"},
		"manufactured":  {"manufactured", "make", "ismade", "makeitem", "eigenfertigung"},
		"location":      {"location", "site", "plant", "warehouse", "whscode", "werk", "lager", "armazem"},
		"updated_at":    {"updatedat", "updatedate", "updated", "modifiedat", "modified", "changedat", "lastchange", "geaendert"},
	}
}

// plain is a name for comparing: small letters and digits only.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == ' ' || r == '-' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// meant gives what columns are likely to be: what is configured first.
func (s *Source) meant(cols []column) map[string]string {
	means := map[string]string{}
	taken := map[string]bool{}
	for _, m := range orderColumns() {
		names := append([]string{m}, usual()[m]...)
		if set := s.Columns[m]; set != "" {
			names = []string{set}
		}
		for _, n := range names {
			i := slices.IndexFunc(cols, func(c column) bool { return !taken[c.name] && plain(c.name) == plain(n) })
			if i >= 0 {
				means[cols[i].name], taken[cols[i].name] = m, true
				break
			}
		}
	}
	return means
}

// Discover describes the columns of the view of orders by its first 200 rows.
func (s *Source) Discover(ctx context.Context) (fields []erp.Field, suggest string, err error) {
	doing := "look at the columns of " + name(s.View)
	ctx, stop := context.WithTimeout(ctx, s.Timeout)
	defer stop()
	var cols []column
	var rows [][]cell
	err = s.within(ctx, func(tx *sql.Tx) error {
		if cols, err = s.real(ctx, tx, s.View); err != nil {
			return err
		}
		rows, err = s.first(ctx, tx, cols)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, "", s.trouble(doing, s.View, err)
	}
	means := s.meant(cols)
	words := []string(nil)
	for i, c := range cols {
		f := erp.Field{Path: c.name, Of: len(rows), Means: means[c.name]}
		var values []cell
		for _, r := range rows {
			if r[i].empty() {
				continue
			}
			f.Seen++
			values = append(values, r[i])
			t, err := r[i].words()
			if err != nil {
				t = err.Error()
			}
			if t = shorten(t, 40); len(f.Samples) < samples && !slices.Contains(f.Samples, t) {
				f.Samples = append(f.Samples, t)
			}
			if f.Means == "state" && s.words[erp.FoldWord(t)] == erp.Unknown && !slices.Contains(words, t) && len(words) < 20 {
				words = append(words, t)
			}
		}
		f.Type = s.looks(values)
		fields = append(fields, f)
	}
	return fields, s.suggest(cols, means, words), nil
}

// first gives the first rows, by the columns.
func (s *Source) first(ctx context.Context, tx *sql.Tx, cols []column) (out [][]cell, err error) {
	names := make([]string, len(cols))
	found := map[string]int{}
	for i := range cols {
		names[i] = strconv.Itoa(i)
		found[names[i]] = i
	}
	few := *s.rules
	few.MaxRows = lookedAt
	_, err = (&Source{&few}).rows(ctx, tx, question{view: s.View}, cols, found, func(r *record) {
		one := make([]cell, len(cols))
		for i, n := range names {
			one[i] = r.cells[n]
			if _, err := one[i].words(); err != nil {
				one[i].text = err.Error() // a large text is not held
			}
		}
		out = append(out, one)
	})
	return out, err
}

// looks is what all values look like.
func (s *Source) looks(values []cell) string {
	all := func(fits func(cell) bool) bool {
		return len(values) > 0 && !slices.ContainsFunc(values, func(c cell) bool { return !fits(c) })
	}
	switch {
	case all(func(c cell) bool { return strings.HasPrefix(c.kind, "BOOL") || c.kind == "BIT" }),
		all(func(c cell) bool { a, err := c.answer(); return err == nil && a != erp.Unsaid }) && !all(func(c cell) bool { return strings.Trim(c.text, "01-") == "" }):
		return "yes/no"
	case all(func(c cell) bool { _, err := c.number(s.rules.mark); return c.at.IsZero() && err == nil }):
		return "number"
	case all(func(c cell) bool { at, _, err := c.instant(s.Zone); return err == nil && !at.IsZero() }):
		return "date"
	}
	return "text"
}

func (s *Source) suggest(cols []column, means map[string]string, words []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# from %s\ncolumns:\n", name(s.View))
	used := map[string]bool{}
	for _, m := range orderColumns() {
		for _, c := range cols {
			if means[c.name] == m {
				fmt.Fprintf(&b, "  %s: %s\n", m, strconv.Quote(c.name))
				used[m] = true
			}
		}
	}
	for _, m := range []string{"order_id", "quantity"} {
		if !used[m] {
			fmt.Fprintf(&b, "  # %s: which column is it? It has to be there\n", m)
		}
	}
	if !used["product"] && !used["product_name"] {
		b.WriteString("  # product: which column is it? It, or product_name, has to be there\n")
	}
	if !used["line_id"] {
		b.WriteString("  # line_id: without it lines are known by their article\n")
	}
	for _, c := range cols {
		if means[c.name] == "" {
			fmt.Fprintf(&b, "# not used: %s (%s)\n", strconv.Quote(c.name), strings.ToLower(c.kind))
		}
	}
	if len(words) > 0 {
		for i, w := range words {
			words[i] = strconv.Quote(w)
		}
		b.WriteString("# under which of open, held, closed and cancelled do these states belong? " + strings.Join(words, ", ") + "\n")
	}
	return b.String()
}
