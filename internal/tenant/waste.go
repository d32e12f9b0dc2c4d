package tenant

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// wastes asks everything about waste.
func (s *session) wastes(ctx context.Context) error {
	if s.config.Waste == "" {
		s.leave("it needs a waste code of the machine", "waste_in", "absent_waste", "equal_waste", "waste_only")
		return s.strangeWaste(ctx)
	}
	o, ok, err := s.ask(ctx, "waste_in", func() telling { return telling{count: s.up(5), waste: s.waste + 2} })
	if err != nil {
		return err
	}
	if ok && o.reply == refused {
		s.leave(fmt.Sprintf("waste of code %s is refused: %s", s.config.Waste, o.answer.Text), "waste_in", "absent_waste", "equal_waste", "waste_only")
		return s.strangeWaste(ctx)
	}
	switch {
	case !ok:
	case o.expected == nil:
		s.leave("it needs counts that move the record", "waste_in")
	case o.as(o.expected):
		s.found("waste_in", "excluded")
	case o.as(new(big.Rat).Sub(o.expected, new(big.Rat).Mul(s.ratio, big.NewRat(2, 1)))):
		s.found("waste_in", "included")
	}
	for _, step := range []func(context.Context) error{s.absentWaste, s.equalWaste, s.wasteOnly, s.strangeWaste} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// absentWaste leaves the waste code out after it was told. Where that is refused,
// all that follows has it.
func (s *session) absentWaste(ctx context.Context) error {
	o, ok, err := s.ask(ctx, "absent_waste", func() telling { return telling{count: s.up(1), bare: true} })
	switch {
	case !ok:
		return err
	case o.reply == taken:
		s.found("absent_waste", "unchanged")
	default:
		s.found("absent_waste", "reject_400")
		s.always = true
	}
	return nil
}

// equalWaste tells again what was told. After an answer that was unclear nobody knows
// what that is, so more of it goes first, which nothing is learnt from.
func (s *session) equalWaste(ctx context.Context) error {
	for range tries {
		if s.booked == s.waste {
			break
		}
		if _, err := s.tell(ctx, telling{count: s.up(1), waste: s.waste + 1}); err != nil {
			return err
		}
	}
	if s.booked != s.waste {
		s.leave("waste is not taken any more", "equal_waste")
		return nil
	}
	_, _, err := s.yesNo(ctx, "equal_waste", "accept", func() telling { return telling{count: s.up(1), waste: s.waste} })
	return err
}

func (s *session) wasteOnly(ctx context.Context) error {
	_, _, err := s.yesNo(ctx, "waste_only", "accept", func() telling { return telling{count: s.stored, waste: s.waste + 1} })
	return err
}

// strangeWaste sends a code that nobody knows. It is the last question about
// waste, because a code that is created by it may be wanted from then on.
func (s *session) strangeWaste(ctx context.Context) error {
	if s.always {
		s.leave("the tenant wants all codes in each post, and would want this one from then on", "unknown_waste")
		return nil
	}
	o, accepted, err := s.yesNo(ctx, "unknown_waste", "", func() telling {
		return telling{count: s.up(1), extra: `"waste":[{"code":"` + stranger + `waste","quantity":1}]`}
	})
	if err != nil || !accepted {
		return err
	}
	shows := slices.ContainsFunc(o.after, func(p prodsmart.Production) bool {
		return slices.ContainsFunc(p.Waste, func(w prodsmart.ProducedWaste) bool { return w.Waste.Code == stranger+"waste" })
	})
	if shows {
		s.found("unknown_waste", "create")
	} else {
		s.found("unknown_waste", "ignore")
	}
	return nil
}

// several looks who gets the pieces if two records are open.
func (s *session) several(ctx context.Context) error {
	const name = "several_productions"
	if s.ratio == nil {
		s.leave("it needs counts that move the record", name)
		return nil
	}
	done, err := s.person.Please(ctx, fmt.Sprintf("If orders or people share machine %s in your plant: let another worker begin a second record on it. Else leave this out.", s.config.Machine))
	s.records = nil
	if err != nil || !done {
		s.leave("no second record was open", name)
		return err
	}
	o, ok, err := s.ask(ctx, name, func() telling { return telling{count: s.up(4)} })
	switch {
	case !ok:
		return err
	case len(o.each) < 2:
		s.leave("no second record was open", name)
		return nil
	case o.reply != taken || o.expected == nil:
		s.leave("the count was refused: "+o.answer.Text, name)
		return nil
	}
	if o.total.Sign() <= 0 {
		// The new record began a new counter, and its first count books nothing.
		if o, ok, err = s.ask(ctx, name, func() telling { return telling{count: s.up(4)} }); !ok {
			return err
		}
	}
	for _, pieces := range []*big.Rat{o.expected, o.whole} {
		if who := shares(o.each, pieces); who != "" {
			s.found(name, who)
			return nil
		}
	}
	return nil
}

// shares says who got the pieces; nothing if that does not show.
func shares(each []*big.Rat, pieces *big.Rat) string {
	if pieces == nil {
		return ""
	}
	part := new(big.Rat).Mul(pieces, big.NewRat(1, int64(len(each))))
	all := func(n *big.Rat) bool {
		return !slices.ContainsFunc(each, func(d *big.Rat) bool { return d.Cmp(n) != 0 })
	}
	idle := 0
	for _, d := range each {
		if d.Sign() == 0 {
			idle++
		}
	}
	switch {
	case all(pieces):
		return "all"
	case all(part):
		return "split_evenly"
	case idle == len(each)-1 && slices.ContainsFunc(each, func(d *big.Rat) bool { return d.Cmp(pieces) == 0 }):
		return "first"
	}
	return ""
}
