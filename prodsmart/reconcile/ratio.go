package reconcile

import (
	"fmt"
	"math/big"
)

const (
	// largestRatio is the largest number of pieces per count, or counts per
	// piece, that is taken for a quantity ratio.
	largestRatio = 24
	// smallestRated is the number of pieces below which ratios come by chance.
	smallestRated = 4
)

// ratioOf is the quantity ratio that explains a quantity, such as 2:1; empty if
// none does, or if not enough is known.
func ratioOf(f found) string {
	if f.least < smallestRated || f.most-f.least > f.least/10 {
		return ""
	}
	for n := int64(2); n <= largestRatio; n++ {
		if fits(new(big.Rat).Quo(f.quantity, new(big.Rat).SetInt64(n)), f.least, f.most) {
			return fmt.Sprintf("%d:1", n)
		}
		if f.quantity.Sign() > 0 && fits(new(big.Rat).Mul(f.quantity, new(big.Rat).SetInt64(n)), f.least, f.most) {
			return fmt.Sprintf("1:%d", n)
		}
	}
	return ""
}

// ratios puts those together that show the same ratio, and gives the rest. Two
// that agree are no chance.
func (l *ledger) ratios(list []found) []found {
	number := map[string]int{}
	for _, f := range list {
		if r := ratioOf(f); r != "" {
			number[r]++
		}
	}
	var rest []found
	told := map[string]bool{}
	for _, f := range list {
		r := ratioOf(f)
		if number[r] < 2 {
			rest = append(rest, f)
			continue
		}
		if told[r] {
			continue
		}
		told[r] = true
		d := l.difference(f, FewerPieces, MorePieces, "pieces")
		d.ID, d.Subject, d.Cause, d.Confidence = 0, r, Ratio, Likely
		d.Text += fmt.Sprintf(" The ratio is %s in %d productions: the operation has a quantity ratio. If that is not meant, remove it there, or scale the counter here.", r, number[r])
		l.out = append(l.out, d)
	}
	return rest
}

// rated says that a span shows a quantity ratio, which its waste may show too.
func (l *ledger) rated(s *span) bool {
	quantity, ok := s.quantity("")
	if !ok {
		return false
	}
	least, most := between(l.count, s.from, s.to, l.edge)
	return ratioOf(found{s, quantity, least, most}) != ""
}
