package smpos

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// settle is how long after a list was first seen its stamp is believed. Stamps are
// seconds: a list that changes again in the second of its stamp keeps it.
const settle = 2 * time.Second

// largest bounds quantities, in thousandths: a million million pieces are none.
const largest = 1e15

// shop is a section and what is known of it.
type shop struct {
	Section
	goods, quantities, sales handle
	// articles are the directory as it was last read, at directoryAt; amounts and
	// sold are in thousandths.
	articles    map[int64]article
	directoryAt time.Time
	amounts     amounts
	sold        amounts
	// doubts are what was wrong in the last directory.
	doubts []erp.Problem
}

// handle is what is known of one list of a shop, so that it can be asked for by
// change.
type handle struct {
	stamp int64
	// since is when the stamp was first seen; settled that it was seen again when
	// no change could get the same any more.
	since   time.Time
	settled bool
	// whole is when the list was last read whole.
	whole time.Time
}

// amounts are quantities of one list, by code.
type amounts struct {
	of map[int64]int64
	// spoilt are the codes that can not be trusted; lost is how many records have
	// no code that can be read.
	spoilt map[int64]bool
	lost   int
	doubts []erp.Problem
}

// list asks for a list of a shop; same says that it is what it was. fresh asks for
// it whole.
func (s *Source) list(ctx context.Context, sh *shop, h *handle, req, root string, fresh bool) (v web.Value, notes []erp.Problem, same bool, err error) {
	doing := fmt.Sprintf("read %s of section %s", req, sh.Name)
	with := map[string]any{"sectionID": sh.ID}
	asked := time.Now()
	marked := h.settled && !fresh && asked.Sub(h.whole) < s.FullEvery
	if marked {
		with["objDT"] = h.stamp
	}
	v, notes, same, err = s.call(ctx, doing, req, with, false)
	if err != nil {
		return v, nil, false, err
	}
	if same && marked {
		return v, nil, true, nil
	}
	rows := member(v, root)
	if same || !rows.IsList() {
		h.settled = false
		return v, nil, false, &erp.Error{Fault: erp.Garbled, Doing: doing, What: fmt.Sprintf("the answer has no list %q", root), Next: "nothing is concluded from it"}
	}
	for i := range notes {
		notes[i].Where = fmt.Sprintf("section %s, %s, %s", sh.Name, req, notes[i].Where)
	}
	h.whole = asked
	stamp, err := member(v, "objDT").Int()
	switch {
	case err != nil:
		*h = handle{whole: asked}
	case stamp == h.stamp && !h.since.IsZero():
		h.settled = asked.Sub(h.since) >= settle
	default:
		h.stamp, h.since, h.settled = stamp, time.Now(), false
	}
	return rows, notes, false, nil
}

// codeOf is a record's code, from 1 to 999999.
func codeOf(r web.Value) (int64, error) {
	v := member(r, "code")
	n, err := v.Int()
	if err != nil {
		return 0, err
	}
	if n < 1 || n > 999999 {
		return 0, fmt.Errorf("%s: %d is not from 1 to 999999", v.Path(), n)
	}
	return n, nil
}

// quantityOf is a record's quantity in thousandths, under either name.
func quantityOf(r web.Value) (int64, error) {
	var n int64
	var seen web.Value
	for _, name := range []string{long, short} {
		v := member(r, name)
		if v.Missing() {
			continue
		}
		m, err := v.Int()
		if err != nil {
			return 0, err
		}
		if m > largest || m < -largest {
			return 0, fmt.Errorf("%s: %d thousandths are no quantity", v.Path(), m)
		}
		if !seen.Missing() && m != n {
			return 0, fmt.Errorf("%s is %d, but %s is %d", seen.Path(), n, v.Path(), m)
		}
		n, seen = m, v
	}
	if seen.Missing() {
		return 0, fmt.Errorf("%s: the record has no quantity", r.Path())
	}
	return n, nil
}

// count reads the records of a list of quantities.
func (sh *shop) count(rows web.Value, notes []erp.Problem) amounts {
	a := amounts{of: map[int64]int64{}, spoilt: map[int64]bool{}, doubts: notes}
	for _, r := range rows.Each() {
		code, err := codeOf(r)
		if err != nil {
			a.lost++
			a.doubts = append(a.doubts, erp.Problem{Where: "section " + sh.Name + ", " + r.Path(), What: "no code can be read: " + err.Error(), Lost: true})
			continue
		}
		n, err := quantityOf(r)
		if before, twice := a.of[code]; err == nil && twice && before != n {
			err = fmt.Errorf("%s: the code stands twice, with %d and %d thousandths", r.Path(), before, n)
		}
		if err != nil {
			a.spoilt[code] = true
			a.doubts = append(a.doubts, erp.Problem{Where: sh.place(code), What: err.Error() + "; the stock of this article is not used", Lost: true})
			continue
		}
		a.of[code] = n
	}
	return a
}

// place names an article of a shop in problems.
func (sh *shop) place(code int64) string {
	return "section " + sh.Name + ", goods " + strconv.FormatInt(code, 10)
}

// readQuantities brings the shop's book quantities up to date.
func (s *Source) readQuantities(ctx context.Context, sh *shop, fresh bool) error {
	rows, notes, same, err := s.list(ctx, sh, &sh.quantities, "GETGOODSQNTY", "qntyArr", fresh)
	if err == nil && !same {
		sh.amounts = sh.count(rows, notes)
	}
	return err
}

// readSales brings the shop's current sales up to date.
func (s *Source) readSales(ctx context.Context, sh *shop, fresh bool) error {
	rows, notes, same, err := s.list(ctx, sh, &sh.sales, "GETSALES", "sales", fresh)
	if err == nil && !same {
		sh.sold = sh.count(rows, notes)
	}
	return err
}

// fell says which code has less in b than in a; 0 if none has.
func fell(a, b amounts) int64 {
	for code, n := range a.of {
		if b.of[code] < n && !a.spoilt[code] && !b.spoilt[code] {
			return code
		}
	}
	return 0
}

// tries is how often stock is read while shifts are posted in between.
const tries = 3

// measure reads a shop's sales and quantities so that they belong together. torn
// says that they do not, even after the last try.
func (s *Source) measure(ctx context.Context, sh *shop, fresh bool) (torn string, at time.Time, err error) {
	for range tries {
		var code int64
		if code, at, err = s.attempt(ctx, sh, fresh); err != nil || code == 0 {
			return "", at, err
		}
		torn = fmt.Sprintf("%s: while the stock was read, %d times, a shift was closed, goods were taken back or a delivery was booked", sh.place(code), tries)
	}
	return torn, at, nil
}

// attempt reads sales, quantities and sales again: sales that fell say that a shift
// was posted, or goods were taken back, in between. If they rose a small shift may
// hide in it: then the quantities must be the same once more. It gives the code
// whose numbers do not belong together, 0 if all do.
func (s *Source) attempt(ctx context.Context, sh *shop, fresh bool) (code int64, at time.Time, err error) {
	if err = s.readSales(ctx, sh, fresh); err != nil {
		return 0, at, err
	}
	before, stamp := sh.sold, sh.sales.stamp
	if err = s.readQuantities(ctx, sh, fresh); err != nil {
		return 0, at, err
	}
	at = time.Now().UTC()
	if err = s.readSales(ctx, sh, fresh); err != nil {
		return 0, at, err
	}
	if code = fell(before, sh.sold); code != 0 || sh.sales.stamp == stamp && maps.Equal(before.of, sh.sold.of) {
		return code, at, nil
	}
	counted := sh.amounts.of
	if err = s.readQuantities(ctx, sh, fresh); err != nil {
		return 0, at, err
	}
	for _, code := range sortedCodes(sh.amounts.of) {
		if n, known := counted[code]; known && n != sh.amounts.of[code] {
			return code, at, nil
		}
	}
	return 0, at, nil
}
