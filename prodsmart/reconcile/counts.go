package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// span is a production, or several that can only be compared together.
type span struct {
	records  []*Production
	from, to time.Time
	open     bool
}

// quantity is the sum of the records' quantities; of a waste code if it is not
// empty. Not known is false.
func (s *span) quantity(waste string) (*big.Rat, bool) {
	sum := new(big.Rat)
	for _, p := range s.records {
		q := p.Quantity
		if waste != "" {
			q = p.Waste[waste]
			switch {
			case p.WasteUnknown:
				return nil, false
			case q.IsZero():
				q = prodsmart.NewDecimal(0)
			}
		}
		if q.IsZero() {
			return nil, false
		}
		sum.Add(sum, q.Rat())
	}
	return sum, true
}

// spans puts productions together that overlap.
func (in *Input) spans(edge time.Duration) []span {
	var out []span
	sorted := make([]*Production, len(in.Productions))
	for i := range in.Productions {
		sorted[i] = &in.Productions[i]
	}
	slices.SortFunc(sorted, func(a, b *Production) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range sorted {
		if n := len(out) - 1; n >= 0 && (out[n].open || p.Start.Before(out[n].to.Add(-edge))) {
			out[n].join(p)
			continue
		}
		s := span{from: p.Start, to: p.Start}
		s.join(p)
		out = append(out, s)
	}
	return out
}

func (s *span) join(p *Production) {
	s.records = append(s.records, p)
	s.open = s.open || p.End.IsZero()
	if p.End.After(s.to) {
		s.to = p.End
	}
}

// ledger is what the comparison of counts works on.
type ledger struct {
	in    *Input
	edge  time.Duration
	spans []span
	count []booking
	waste map[string][]booking
	// gaps are the pieces that were certainly booked before each span and after
	// the one before it, and after the last one.
	gaps []int64
	out  []Difference
}

// counts compares the productions of a machine. The input's listed times are on
// this computer's clock.
func (in *Input) counts(terms Terms) []Difference {
	l := ledger{in: in, edge: in.margin(), waste: map[string][]booking{}}
	if terms.Measured {
		l.edge = in.spread()
	}
	count, waste := in.series()
	if len(count) == 0 || in.PartProductions {
		return nil // several productions may be open at once, and all have to be known
	}
	l.spans, l.count = in.spans(l.edge), bookings(count)
	for code, series := range waste {
		l.waste[code] = bookings(series)
	}
	l.findGaps()
	wrong := l.pieces()
	for _, code := range l.codes() {
		l.wasteOf(code, wrong)
	}
	l.unassigned()
	return l.out
}

// codes are the waste codes of both sides.
func (l *ledger) codes() []string {
	all := map[string]bool{}
	for code := range l.waste {
		all[code] = true
	}
	for i := range l.in.Productions {
		for code := range l.in.Productions[i].Waste {
			all[code] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// comparable says that all of a span is known to both sides.
func (l *ledger) comparable(s *span) bool {
	return !s.open && !s.to.Before(l.in.From) && l.in.settled(s.to) && !s.from.Before(l.in.PostsFrom.Add(l.edge))
}

// findGaps sums what was told while no production was open.
func (l *ledger) findGaps() {
	l.gaps = make([]int64, len(l.spans)+1)
	for _, b := range l.count {
		if b.at.first.Before(l.in.From.Add(l.in.margin())) || !l.in.settled(b.at.last) {
			continue
		}
		for i := range l.gaps {
			after := i == 0 || !l.spans[i-1].open && b.at.first.After(l.spans[i-1].to.Add(l.edge))
			before := i == len(l.spans) || b.at.last.Before(l.spans[i].from.Add(-l.edge))
			if after && before {
				l.gaps[i] += b.least
			}
		}
	}
}

// found is a span whose quantity does not fit.
type found struct {
	span        *span
	quantity    *big.Rat
	least, most int64
}

// pieces compares the quantities, and gives the spans that do not fit.
func (l *ledger) pieces() map[*span]bool {
	wrong := map[*span]bool{}
	var list []found
	for i := range l.spans {
		s := &l.spans[i]
		quantity, ok := s.quantity("")
		if !ok || !l.comparable(s) {
			continue
		}
		least, most := between(l.count, s.from, s.to, l.edge)
		if l.gaps[i] > 0 && fits(quantity, least+l.gaps[i], most+l.gaps[i]) {
			l.gaps[i] = 0 // booked when the production began
			continue
		}
		if !fits(quantity, least, most) {
			list = append(list, found{s, quantity, least, most})
			wrong[s] = true
		}
	}
	list = l.ratios(list)
	for _, f := range list {
		l.piece(f)
	}
	if len(wrong) == 0 {
		l.chains()
	}
	return wrong
}

func fits(q *big.Rat, least, most int64) bool {
	return q.Cmp(new(big.Rat).SetInt64(least)) >= 0 && q.Cmp(new(big.Rat).SetInt64(most)) <= 0
}

// chains compares productions that follow each other at once together: a piece
// that was told around a change belongs to one of them.
func (l *ledger) chains() {
	for first := 0; first < len(l.spans); {
		chain := span{from: l.spans[first].from}
		next := first
		for ; next < len(l.spans) && l.comparable(&l.spans[next]); next++ {
			if s := &l.spans[next]; next == first || s.from.Sub(chain.to) <= time.Second {
				chain.records, chain.to = append(chain.records, s.records...), s.to
				continue
			}
			break
		}
		quantity, ok := chain.quantity("")
		least, most := between(l.count, chain.from, chain.to, l.edge)
		if next > first+1 && ok && !fits(quantity, least, most) && !fits(quantity, least+l.gaps[first], most+l.gaps[first]) {
			l.piece(found{&chain, quantity, least, most})
		}
		first = max(next, first+1)
	}
}

// piece explains one quantity.
func (l *ledger) piece(f found) {
	d := l.difference(f, FewerPieces, MorePieces, "pieces")
	switch {
	case l.wasteTakenOut(f):
		d.Cause, d.Confidence = WasteTakenOut, Likely
		d.Text += " The waste is just what is missing: Prodsmart takes it out of the count. Set count_is: total if the machine counts all parts."
	case ratioOf(f) != "":
		d.Cause, d.Confidence = Ratio, Possible
		d.Text += " The ratio is exactly " + ratioOf(f) + ": see the quantity ratio of the operation, or whether a person changed the quantity."
	case d.Kind == MorePieces:
		d.Cause, d.Confidence = OtherWriter, Possible
		d.Text += " Another program counts for this machine, or a person changed the quantity."
	default:
		d.Cause, d.Confidence = ByHand, Likely
		d.Text += " A person has changed the quantity."
	}
	l.out = append(l.out, d)
}

// difference describes a quantity that does not fit; the cause is the caller's.
func (l *ledger) difference(f found, fewer, more Kind, what string) Difference {
	p := f.span.records[0]
	d := Difference{Kind: fewer, Machine: l.in.Machine, ID: p.ID, At: f.span.from}
	if f.quantity.Cmp(new(big.Rat).SetInt64(f.most)) > 0 {
		d.Kind = more
	}
	name := "The production"
	if len(f.span.records) > 1 {
		name = fmt.Sprintf("%d productions", len(f.span.records))
	}
	if p.Order != "" {
		name += " of order " + p.Order
	}
	told := fmt.Sprint(f.most)
	if f.least != f.most {
		told = fmt.Sprintf("%d to %d", f.least, f.most)
	}
	shown := f.quantity.FloatString(3)
	if f.quantity.IsInt() {
		shown = f.quantity.Num().String()
	}
	d.Text = fmt.Sprintf("%s, %s to %s, shows %s %s in Prodsmart; %s were told in that time.", name, l.in.clock(f.span.from), l.in.clock(f.span.to), shown, what, told)
	return d
}

// wasteTakenOut says that the waste of the span is exactly what is missing.
func (l *ledger) wasteTakenOut(f found) bool {
	least, most := int64(0), int64(0)
	for _, list := range l.waste {
		a, b := between(list, f.span.from, f.span.to, l.edge)
		least, most = least+a, most+b
	}
	return least > 0 && fits(f.quantity, f.least-most, f.most-least)
}

// wasteOf compares the waste of one code.
func (l *ledger) wasteOf(code string, wrong map[*span]bool) {
	for i := range l.spans {
		s := &l.spans[i]
		quantity, ok := s.quantity(code)
		if !ok || !l.comparable(s) || wrong[s] && l.rated(s) {
			continue
		}
		least, most := between(l.waste[code], s.from, s.to, l.edge)
		if fits(quantity, least, most) || l.gapWaste(code, i, quantity, least, most) {
			continue
		}
		d := l.difference(found{s, quantity, least, most}, FewerWaste, MoreWaste, "pieces of waste "+code)
		d.Subject, d.Cause, d.Confidence = code, ByHand, Likely
		d.Text += " A person has changed it, or a worker reports waste at the terminal."
		d.Usual = d.Kind == MoreWaste
		l.out = append(l.out, d)
	}
}

// gapWaste says that a production also took the waste that was told before it
// began.
func (l *ledger) gapWaste(code string, i int, quantity *big.Rat, least, most int64) bool {
	from := l.in.From
	if i > 0 {
		from = l.spans[i-1].to
	}
	_, before := between(l.waste[code], from, l.spans[i].from, 0)
	return before > 0 && fits(quantity, least, most+before)
}

// unassigned tells of pieces that belong to no production.
func (l *ledger) unassigned() {
	sum := int64(0)
	for _, n := range l.gaps {
		sum += n
	}
	if sum == 0 {
		return
	}
	at := l.in.From
	for _, b := range l.count {
		inside := slices.ContainsFunc(l.spans, func(s span) bool {
			return (s.open || !b.at.first.After(s.to.Add(l.edge))) && !b.at.last.Before(s.from.Add(-l.edge))
		})
		if b.least > 0 && !inside && !b.at.first.Before(l.in.From.Add(l.in.margin())) {
			at = b.at.first
			break
		}
	}
	l.out = append(l.out, Difference{
		Kind: Unassigned, Machine: l.in.Machine, At: at, Cause: NoProduction, Confidence: Certain,
		Text: fmt.Sprintf("%d pieces since %s were told while no production was open at this machine, so Prodsmart books them on no order. A worker has to begin a production at the terminal before the machine runs.", sum, l.in.clock(at)),
	})
}
