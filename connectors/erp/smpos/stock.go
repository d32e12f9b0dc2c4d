package smpos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// ReadStock reads what each shop really has: the quantities of its directory less
// the sales that are not posted. An article of which something could not be read in
// one shop is left out in all: sums over shops would be too low.
func (s *Source) ReadStock(ctx context.Context, ask erp.Ask) (erp.StockRead, error) {
	if err := s.ready("read stock"); err != nil {
		return erp.StockRead{}, err
	}
	heard, err := s.tills(ctx)
	if err != nil {
		return erp.StockRead{}, err
	}
	out := erp.StockRead{Listed: true}
	spoilt := map[int64]bool{}
	asOf := make([]time.Time, len(s.shops))
	for i, sh := range s.shops {
		torn, at, err := s.measure(ctx, sh, ask.Full)
		if err == nil {
			err = s.match(ctx, sh, ask.Full)
		}
		if err != nil {
			return erp.StockRead{}, err
		}
		out.Problems = slices.Concat(out.Problems, sh.doubts, sh.amounts.doubts, sh.sold.doubts)
		if sh.sold.lost > 0 && torn == "" {
			torn = fmt.Sprintf("section %s: %d records of the current sales have no code that can be read: any article could be meant", sh.Name, sh.sold.lost)
		}
		if torn != "" {
			out.Skipped = torn
			return out, nil
		}
		var silent []erp.Problem
		asOf[i], silent = sh.known(at, heard)
		out.Problems = append(out.Problems, silent...)
		out.Problems = append(out.Problems, sh.untrusted(spoilt)...)
	}
	for i, sh := range s.shops {
		out.Stock = append(out.Stock, s.rows(sh, asOf[i], spoilt)...)
	}
	return out, nil
}

// match reads the directory if it is old, or does not have the same articles as the
// list of quantities.
func (s *Source) match(ctx context.Context, sh *shop, fresh bool) error {
	if sh.articles == nil || fresh || time.Since(sh.directoryAt) >= s.DirectoryAge {
		return s.readDirectory(ctx, sh, fresh)
	}
	for code := range sh.articles {
		if _, counted := sh.amounts.of[code]; !counted {
			return s.readDirectory(ctx, sh, false)
		}
	}
	for code := range sh.amounts.of {
		if _, known := sh.articles[code]; !known {
			return s.readDirectory(ctx, sh, false)
		}
	}
	return nil
}

// untrusted adds the articles of the shop whose stock is not known, and tells those
// of which nothing else is said.
func (sh *shop) untrusted(spoilt map[int64]bool) (doubts []erp.Problem) {
	for _, list := range []map[int64]bool{sh.amounts.spoilt, sh.sold.spoilt} {
		maps.Copy(spoilt, list)
	}
	for _, code := range sortedCodes(sh.articles) {
		if _, counted := sh.amounts.of[code]; counted {
			continue
		}
		if !sh.amounts.spoilt[code] && !sh.articles[code].isFolder {
			doubts = append(doubts, erp.Problem{Where: sh.place(code), What: "it stands in the directory, but not in the list of quantities; its stock is not used", Lost: true})
		}
		spoilt[code] = true
	}
	for code := range sh.amounts.of {
		if _, known := sh.articles[code]; !known {
			spoilt[code] = true
		}
	}
	return doubts
}

// rows are the stock of a shop.
func (s *Source) rows(sh *shop, asOf time.Time, spoilt map[int64]bool) []erp.Stock {
	var out []erp.Stock
	for _, code := range sortedCodes(sh.amounts.of) {
		name, a := s.named(sh, code)
		if spoilt[code] || !s.counts(sh, a) {
			continue
		}
		row := erp.Stock{Product: strconv.FormatInt(code, 10), Name: name, Place: sh.Name, Quantity: pieces(sh.amounts.of[code] - sh.sold.of[code]), AsOf: asOf}
		if len(a.barcodes) > 0 {
			row.Barcode = a.barcodes[0]
		}
		out = append(out, row)
	}
	return out
}

// pieces are thousandths as an exact number.
func pieces(thousandths int64) decimal.Decimal { return decimal.New(thousandths, -3) }

func sortedCodes[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }

// tills asks when the tills were last heard, if any section names some.
func (s *Source) tills(ctx context.Context) (map[int64]time.Time, error) {
	if !slices.ContainsFunc(s.shops, func(sh *shop) bool { return len(sh.Tills) > 0 }) {
		return nil, nil
	}
	const doing = "read when the tills were last heard"
	v, _, _, err := s.call(ctx, doing, "GETDEVLIST", map[string]any{"chainID": s.Chain}, false)
	if err != nil {
		return nil, err
	}
	rows := member(v, "devices")
	if !rows.IsList() {
		return nil, &erp.Error{Fault: erp.Garbled, Doing: doing, What: `the answer has no list "devices"`, Next: "nothing is concluded from it"}
	}
	heard := map[int64]time.Time{}
	for _, r := range rows.Each() {
		id, err1 := member(r, "ID").Int()
		at, err2 := member(r, "lastConnect").Int()
		if err1 == nil && err2 == nil && at > 0 {
			heard[id] = time.Unix(at, 0).UTC()
		}
	}
	return heard, nil
}

// known is as of when a shop's stock is known: at, or when the till that was silent
// longest was last heard.
func (sh *shop) known(at time.Time, heard map[int64]time.Time) (time.Time, []erp.Problem) {
	var silent []erp.Problem
	for _, till := range sh.Tills {
		last, ever := heard[till]
		if !ever {
			last = time.Unix(0, 0).UTC()
			silent = append(silent, erp.Problem{Where: fmt.Sprintf("section %s, till %d", sh.Name, till), What: "the till was never heard, or is none of the chain: nothing is decided on the section's stock; correct tills or chain in the configuration"})
		}
		if last.Before(at) {
			at = last
		}
	}
	return at, silent
}
