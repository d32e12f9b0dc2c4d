package smpos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// plan is what Prepare found, and what is to be there afterwards: quantities in
// thousandths.
type plan struct {
	Section string `json:"section"`
	Code    int64  `json:"code"`
	Before  int64  `json:"before"`
	After   int64  `json:"after"`
	// Sold are the current sales when Before was read: if they are less later, a
	// shift was posted in between.
	Sold int64 `json:"sold"`
}

// doing names a write.
func doing(w erp.Write) string {
	return fmt.Sprintf("add %s of goods %s for %s", w.Delta, w.Product, w.Code)
}

func refused(w erp.Write, next, what string, args ...any) error {
	return &erp.Error{Fault: erp.Refused, Doing: doing(w), What: fmt.Sprintf(what, args...), Next: next}
}

// later says that nothing was done, and that trying again makes sense.
func later(w erp.Write, what string, args ...any) error {
	return &erp.Error{Fault: erp.Unavailable, Doing: doing(w), What: fmt.Sprintf(what, args...)}
}

// Prepare reads the shop's quantity and current sales, and plans the quantity that
// is to be there. It is unavailable around the ends of shifts, and while one is
// closed.
func (s *Source) Prepare(ctx context.Context, w erp.Write) (erp.Write, error) {
	sh, p, change, err := s.target(w)
	if err != nil {
		return w, err
	}
	if end, near := s.nearShiftEnd(time.Now()); near {
		return w, &erp.Error{Fault: erp.Unavailable, Doing: doing(w), What: "shifts end about now, and one that is posted in the moment of the write would be lost", Until: end}
	}
	torn, _, err := s.measure(ctx, sh, true)
	if err == nil {
		err = s.match(ctx, sh, false)
	}
	switch a, known := sh.articles[p.Code]; {
	case err != nil:
		return w, err
	case torn != "":
		return w, later(w, "%s", torn)
	case sh.amounts.spoilt[p.Code] || sh.sold.spoilt[p.Code] || sh.sold.lost > 0:
		return w, refused(w, "", "the present stock can not be read: %s", told(sh))
	case !known || a.isFolder:
		return w, refused(w, "correct the section or the product's code, or add the goods in the cabinet", "section %s has no goods with code %d", sh.Name, p.Code)
	case !a.div && change%1000 != 0:
		return w, refused(w, "", "the goods are sold in whole pieces only, %s is none", w.Delta)
	}
	before, counted := sh.amounts.of[p.Code]
	if !counted {
		return w, refused(w, "", "section %s has no quantity of goods %d", sh.Name, p.Code)
	}
	p.Before, p.After, p.Sold = before, before+change, sh.sold.of[p.Code]
	if p.After < 0 && change < 0 && !s.Config.Write.Negative {
		return w, refused(w, "correct the quantity in the cabinet by hand", "the quantity would be %s", pieces(p.After))
	}
	text, err := json.Marshal(p)
	if err != nil {
		return w, &erp.Error{Fault: erp.Refused, Doing: doing(w), Err: err}
	}
	w.Plan = string(text)
	return w, nil
}

// told is what was wrong with the lists of a shop, in one text.
func told(sh *shop) string {
	for _, p := range slices.Concat(sh.amounts.doubts, sh.sold.doubts) {
		if p.Lost {
			return p.Where + ": " + p.What
		}
	}
	return "section " + sh.Name
}

// target finds what a write is about, and the change in thousandths.
func (s *Source) target(w erp.Write) (sh *shop, p plan, change int64, err error) {
	if !slices.Contains(s.Config.Write.Kinds, w.Kind) {
		return nil, p, 0, refused(w, "", "this kind of write-back is not switched on")
	}
	name := w.Place
	if name == "" {
		name = s.Config.Write.DeliverTo
	}
	if sh = s.shop(name); sh == nil {
		return nil, p, 0, refused(w, "", "no section is called %q", name)
	}
	p.Section = name
	p.Code, err = strconv.ParseInt(w.Product, 10, 64)
	if err != nil || p.Code < 1 || p.Code > 999999 {
		return nil, p, 0, refused(w, "", "the product %.40q is no code of goods: those are numbers from 1 to 999999", w.Product)
	}
	thousandths := w.Delta.Shift(3)
	if w.Delta.IsZero() || thousandths.Abs().GreaterThan(decimal.NewFromInt(largest)) || !thousandths.IsInteger() {
		return nil, p, 0, refused(w, "", "%s is no quantity that SM POS can add: thousandths are the least", w.Delta)
	}
	return sh, p, thousandths.IntPart(), nil
}

func (s *Source) shop(name string) *shop {
	i := slices.IndexFunc(s.shops, func(sh *shop) bool { return sh.Name == name })
	if i < 0 {
		return nil
	}
	return s.shops[i]
}

// nearShiftEnd says whether a shift ends about now, and when that is over.
func (s *Source) nearShiftEnd(now time.Time) (over time.Time, near bool) {
	local := now.In(s.Zone)
	for _, end := range s.Config.Write.ShiftEnds {
		for day := -1; day <= 1; day++ {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, int(end/time.Second), 0, s.Zone)
			if now.Sub(at).Abs() <= s.Config.Write.Margin {
				over, near = at.Add(s.Config.Write.Margin).UTC(), true
			}
		}
	}
	return over, near
}

// planned reads the plan of a write back.
func (s *Source) planned(w erp.Write) (*shop, plan, error) {
	var p plan
	if json.Unmarshal([]byte(w.Plan), &p) != nil || p.Code == 0 {
		return nil, p, refused(w, "", "it was not prepared")
	}
	sh := s.shop(p.Section)
	if sh == nil {
		return nil, p, refused(w, "name the section again in the configuration, or correct its quantity by hand", "it was planned for section %q, which is not configured", p.Section)
	}
	return sh, p, nil
}

// Write sets the planned quantity, if the present one is still what the plan began
// with, and reads it again.
func (s *Source) Write(ctx context.Context, w erp.Write) (erp.Receipt, error) {
	sh, p, err := s.planned(w)
	if err != nil {
		return erp.Receipt{}, err
	}
	if err := s.readQuantities(ctx, sh, true); err != nil {
		return erp.Receipt{}, err
	}
	if end, near := s.nearShiftEnd(time.Now()); near { // also after waiting for a free call
		return erp.Receipt{}, &erp.Error{Fault: erp.Unavailable, Doing: doing(w), What: "shifts end about now, and one that is posted in the moment of the write would be lost", Until: end}
	}
	if now, counted := sh.amounts.of[p.Code]; !counted || sh.amounts.spoilt[p.Code] || now != p.Before {
		return erp.Receipt{}, later(w, "the quantity in section %s is not %s any more: nothing was written, it is planned anew", sh.Name, pieces(p.Before))
	}
	r, how, err := s.set(ctx, w, sh, p)
	if how == "" {
		return r, err
	}
	// The manual has two names of the quantity: this cabinet may want the other one.
	first := s.field
	s.field = map[string]string{long: short, short: long}[first]
	if end, near := s.nearShiftEnd(time.Now()); near {
		return erp.Receipt{}, &erp.Error{Fault: erp.Unavailable, Doing: doing(w), What: "the cabinet " + how + ": it is not called " + first + " there, " + s.field + " is tried after the shift", Until: end}
	}
	r, again, err := s.set(ctx, w, sh, p)
	if again == "" {
		return r, err
	}
	s.field = first
	return erp.Receipt{}, refused(w, "look into the rights of the account, and ask the vendor", "the cabinet %s, and neither %s nor %s does it", how, first, map[string]string{long: short, short: long}[first])
}

// set writes the planned quantity and reads it again. how says why nothing was changed
// although the cabinet was asked to; empty otherwise.
func (s *Source) set(ctx context.Context, w erp.Write, sh *shop, p plan) (r erp.Receipt, how string, err error) {
	ask := map[string]any{"sectionID": sh.ID, "goods": []any{map[string]any{"code": p.Code, s.field: p.After}}}
	if _, _, _, err := s.call(ctx, doing(w), "UPDGOODS", ask, true); err != nil {
		// An amount below zero may be what is wrong; otherwise it is the name of it.
		if e, ok := err.(*erp.Error); ok && e.Fault == erp.Refused && p.After >= 0 && strings.Contains(e.What, wrongParameter) {
			return erp.Receipt{}, "refuses the UPDGOODS (" + e.What + ")", err
		}
		return erp.Receipt{}, "", err
	}
	if err := s.readAgain(ctx, sh); err != nil {
		return erp.Receipt{}, "", &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: "the quantity could not be read again: " + err.Error(), Err: err}
	}
	return s.verify(w, sh, p)
}

// readAgain reads a shop's quantities, and then the sales, whole.
func (s *Source) readAgain(ctx context.Context, sh *shop) error {
	if err := s.readQuantities(ctx, sh, true); err != nil {
		return err
	}
	return s.readSales(ctx, sh, true)
}

// verify judges what is there after a write that the cabinet took; how is that of set.
func (s *Source) verify(w erp.Write, sh *shop, p plan) (r erp.Receipt, how string, err error) {
	now, counted := sh.amounts.of[p.Code]
	posted := sh.sold.of[p.Code] < p.Sold
	unclear := func(what string, args ...any) (erp.Receipt, string, error) {
		return erp.Receipt{}, "", &erp.Error{Fault: erp.Unclear, Doing: doing(w), What: fmt.Sprintf(what, args...)}
	}
	switch {
	case !counted || sh.amounts.spoilt[p.Code] || sh.sold.spoilt[p.Code] || sh.sold.lost > 0:
		return unclear("the stock can not be read again: %s", told(sh))
	case now == p.After:
		return s.done(sh, p, posted), "", nil
	case now > p.Before && now < p.After && posted:
		return erp.Receipt{Says: s.says(p, fmt.Sprintf("; %s of them were sold in a shift that was posted meanwhile", pieces(p.After-now)))}, "", nil
	case now == p.Before && !posted:
		return erp.Receipt{}, "takes UPDGOODS, but the quantity does not move", nil
	}
	return unclear("section %s has %s of goods %d, neither %s as before nor %s as written: somebody else changed it at the same time", sh.Name, pieces(now), p.Code, pieces(p.Before), pieces(p.After))
}

// done is the receipt of a quantity that is there as it was written. A shift that was
// posted since the plan was made, and took nothing away, may have been posted before the
// write, which then took the posting back: the cabinet knows no changes, only amounts.
func (s *Source) done(sh *shop, p plan, posted bool) erp.Receipt {
	r := erp.Receipt{Says: s.says(p, "")}
	if posted {
		r.Doubt = fmt.Sprintf("section %s, goods %d: a shift may have been posted in the moment of the write; if the cabinet's journal shows that, take %s off the quantity",
			p.Section, p.Code, pieces(p.Sold-sh.sold.of[p.Code]))
	}
	return r
}

func (s *Source) says(p plan, more string) string {
	return fmt.Sprintf("section %s, goods %d: %s instead of %s%s", p.Section, p.Code, pieces(p.After), pieces(p.Before), more)
}

// Look compares the present quantity with the plan. What is neither the one before
// nor the one after is refused: only a person can tell what happened.
func (s *Source) Look(ctx context.Context, w erp.Write) (erp.Receipt, bool, error) {
	sh, p, err := s.planned(w)
	if err != nil {
		return erp.Receipt{}, false, err
	}
	torn, _, err := s.measure(ctx, sh, true)
	if err != nil {
		return erp.Receipt{}, false, err
	}
	now, counted := sh.amounts.of[p.Code]
	switch {
	case torn != "":
		return erp.Receipt{}, false, later(w, "%s", torn)
	case !counted || sh.amounts.spoilt[p.Code] || sh.sold.spoilt[p.Code] || sh.sold.lost > 0:
		return erp.Receipt{}, false, &erp.Error{Fault: erp.Garbled, Doing: doing(w), What: "the present stock can not be read: " + told(sh)}
	case now == p.After:
		return s.done(sh, p, sh.sold.of[p.Code] < p.Sold), true, nil
	case now == p.Before && sh.sold.of[p.Code] >= p.Sold:
		return erp.Receipt{}, false, nil
	}
	return erp.Receipt{}, false, refused(w, "look into the cabinet's journal of the section, and correct the quantity there if the goods are missing",
		"nobody knows whether it was done: section %s had %s of goods %d, was to get %s, and has %s (current sales %s, %s before)",
		sh.Name, pieces(p.Before), p.Code, pieces(p.After), pieces(now), pieces(sh.sold.of[p.Code]), pieces(p.Sold))
}
