package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// stranger begins the codes that no tenant has. Each question has its own, because
// a tenant may create them.
const stranger = "gateway-doctor-"

// telling is one counter post.
type telling struct {
	// count is nil for a post without one; text sends it as a JSON text.
	count *big.Rat
	text  bool
	// waste is the quantity of the waste code; 0 leaves it out, unless the tenant
	// wants all codes in each post.
	waste int64
	// extra follows in the body, with its comma.
	extra string
	// bare leaves waste out whatever the tenant wants.
	bare bool
}

// outcome is what a counter post did.
type outcome struct {
	reply  reply
	answer prodsmart.Answer
	// each is the growth of each record that is open, total their sum, expected
	// what the sum would be if each count were as many pieces as the ratio says,
	// whole what it would be if the counter began anew; nil if that is not known.
	each                   []*big.Rat
	total, expected, whole *big.Rat
	before, after          []prodsmart.Production
}

// as says that the growth is n.
func (o outcome) as(n *big.Rat) bool { return o.total != nil && n != nil && o.total.Cmp(n) == 0 }

func (o outcome) still() bool { return o.total != nil && o.total.Sign() == 0 }

// tell makes a counter post and reads what it did.
func (s *session) tell(ctx context.Context, t telling) (outcome, error) {
	var o outcome
	if t.waste == 0 && s.always && !t.bare && t.count != nil {
		t.waste = s.waste + 1
	}
	before, err := s.openRecords(ctx)
	if err != nil {
		return o, err
	}
	added := max(0, t.waste-s.booked)
	if o.reply, o.answer, err = s.send(ctx, prodsmart.CounterService, s.body(t)); err != nil {
		return o, err
	}
	s.waste = max(s.waste, t.waste)
	s.records = nil
	after, err := s.openRecords(ctx)
	if err != nil {
		return o, err
	}
	o.before, o.after = before, after
	o.each, o.total = growth(before, after)
	if t.count != nil && s.stored != nil && s.ratio != nil {
		pieces, whole := new(big.Rat).Sub(t.count, s.stored), new(big.Rat).Set(t.count)
		if s.answers["waste_in"] == "included" {
			pieces.Sub(pieces, big.NewRat(added, 1))
			whole.Sub(whole, big.NewRat(t.waste, 1))
		}
		o.expected, o.whole = pieces.Mul(pieces, s.ratio), whole.Mul(whole, s.ratio)
	}
	switch {
	case o.reply == unclear:
		s.stored = nil
	case o.reply == taken && t.count != nil:
		s.stored = t.count
	}
	if o.reply == taken {
		s.booked = max(s.booked, t.waste)
	}
	return o, nil
}

// body writes a counter post.
func (s *session) body(t telling) string {
	var fields []string
	if t.count != nil {
		n := strings.TrimRight(strings.TrimRight(t.count.FloatString(3), "0"), ".")
		if t.text {
			n = `"` + n + `"`
		}
		fields = append(fields, `"count":`+n)
	}
	if t.waste > 0 {
		code, _ := json.Marshal(s.config.Waste) // a text always encodes
		fields = append(fields, fmt.Sprintf(`"waste":[{"code":%s,"quantity":%d}]`, code, t.waste))
	}
	if t.extra != "" {
		fields = append(fields, t.extra)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// openRecords are the records that are open, read again only after something happened.
func (s *session) openRecords(ctx context.Context) ([]prodsmart.Production, error) {
	if s.records == nil {
		list, err := s.productions(ctx)
		if err != nil {
			return nil, err
		}
		if list == nil {
			list = []prodsmart.Production{}
		}
		s.records = list
	}
	return s.records, nil
}

// up is a count of n more than any before, and the newest from then on.
func (s *session) up(n int64) *big.Rat {
	s.count += n
	return big.NewRat(s.count, 1)
}

// steady makes sure that the counter of the machine is known: after an answer
// that was unclear, a count goes first that nothing is learnt from.
func (s *session) steady(ctx context.Context) (bool, error) {
	for range tries {
		if s.stored != nil {
			return true, nil
		}
		if _, err := s.tell(ctx, telling{count: s.up(1)}); err != nil {
			return false, err
		}
	}
	return s.stored != nil, nil
}

// ask makes a counter post for a question. ok is false if nothing is learnt from
// it, and the question stays open.
func (s *session) ask(ctx context.Context, name string, make func() telling) (o outcome, ok bool, err error) {
	if ok, err := s.steady(ctx); !ok || err != nil {
		s.leave("counts are not taken any more", name)
		return o, false, err
	}
	o, err = s.tell(ctx, make())
	if err == nil && o.reply == unclear {
		s.leave("the answer was unclear: "+o.answer.Text, name)
	}
	return o, err == nil && o.reply != unclear, err
}

// yesNo asks a question that is answered by taking or refusing.
func (s *session) yesNo(ctx context.Context, name, yes string, make func() telling) (outcome, bool, error) {
	o, ok, err := s.ask(ctx, name, make)
	switch {
	case !ok:
		return o, false, err
	case o.reply == refused:
		s.found(name, "reject_400")
	case yes != "":
		s.found(name, yes)
	}
	return o, o.reply == taken, nil
}

// counter asks everything about counts, with one record open on the machine.
func (s *session) counter(ctx context.Context) error {
	names := []string{"first_count", "counter_answer", "ratio", "equal_count", "lower_count", "stale_answer", "missing_count", "number_form", "fractional_count",
		"unknown_parameter", "boolean_value", "waste_in", "absent_waste", "equal_waste", "waste_only", "unknown_waste", "several_productions"}
	agreed, err := s.agree(ctx, Part{
		Title: "Counts and waste",
		Does:  fmt.Sprintf("About 15 counts for machine %s, from %d on, some of them on purpose wrong.", s.config.Machine, s.config.Highest+10),
		Books: "Up to 200 pieces, a few of them waste, on the record that is open on the machine; perhaps a waste code and a parameter whose code begins with " + stranger + ".",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	ready, err := s.one(ctx)
	if !ready || err != nil {
		s.leave("it needs one record to be open on the machine", names...)
		return err
	}
	if ready, err = s.firstCounts(ctx); !ready || err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.equal, s.lower, s.forms, s.fraction, s.inParameters, s.wastes, s.several} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// one waits until one record is open on the machine.
func (s *session) one(ctx context.Context) (bool, error) {
	return s.until(ctx, fmt.Sprintf("Let a worker begin one record on machine %s, and no other one.", s.config.Machine),
		func(open []prodsmart.Production) bool { return len(open) == 1 })
}

// until asks a person until the open records are as they should be; three times
// at most.
func (s *session) until(ctx context.Context, what string, right func([]prodsmart.Production) bool) (bool, error) {
	for range 3 {
		s.records = nil
		open, err := s.openRecords(ctx)
		if err != nil || right(open) {
			return err == nil, err
		}
		if done, err := s.person.Please(ctx, what); !done || err != nil {
			return false, err
		}
	}
	s.records = nil
	open, err := s.openRecords(ctx)
	return err == nil && right(open), err
}

// firstCounts tells the first two counts: where counting begins, and how many
// pieces a count is. It is false if counts are not taken.
func (s *session) firstCounts(ctx context.Context) (bool, error) {
	rest := []string{"equal_count", "lower_count", "missing_count"}
	first, err := s.tell(ctx, telling{count: s.up(10)})
	if err != nil {
		return false, err
	}
	if first.reply == refused {
		s.leave(fmt.Sprintf("the count %d was refused: %s. Was the machine told a higher one before? Give the highest one", s.count, first.answer.Text), append(rest, "first_count")...)
		return false, nil
	}
	if first.reply == taken {
		s.counterAnswer(first.answer)
	}
	if ok, err := s.steady(ctx); !ok || err != nil {
		return false, err
	}
	second, ok, err := s.ask(ctx, "ratio", func() telling { return telling{count: s.up(7)} })
	if err != nil || !ok {
		return err == nil, err
	}
	if second.reply == refused {
		s.leave("the second count was refused: "+second.answer.Text, append(rest, "ratio")...)
		return false, nil
	}
	if _, known := s.answers["counter_answer"]; !known {
		s.counterAnswer(second.answer)
	}
	if second.total.Sign() <= 0 {
		s.leave("counts do not move the record that is open", "ratio", "first_count", "lower_count", "waste_in", "fractional_count")
		return true, nil
	}
	s.ratio = new(big.Rat).Mul(second.total, big.NewRat(1, 7))
	if s.ratio.Cmp(big.NewRat(1, 1)) == 0 {
		s.found("ratio", "raw")
	} else {
		s.found("ratio", "scaled")
	}
	switch {
	case s.config.Highest > 0:
		s.leave("the machine has counted before", "first_count")
	case first.reply != taken:
		s.leave("the answer was unclear: "+first.answer.Text, "first_count")
	case first.still():
		s.found("first_count", "baseline")
	case first.as(new(big.Rat).Mul(s.ratio, big.NewRat(10, 1))):
		s.found("first_count", "delta_from_zero")
	}
	return true, nil
}

func (s *session) counterAnswer(a prodsmart.Answer) {
	switch {
	case a.Counter == nil:
		s.found("counter_answer", "empty")
	case strings.HasPrefix(strings.TrimSpace(a.Text), "{"):
		s.found("counter_answer", "object")
	default:
		s.found("counter_answer", "number")
	}
}

func (s *session) equal(ctx context.Context) error {
	_, _, err := s.yesNo(ctx, "equal_count", "accept_noop", func() telling { return telling{count: s.stored} })
	return err
}

// lower sends a count that is lower by two. Whether it was ignored or taken for
// a reset shows in the record.
func (s *session) lower(ctx context.Context) error {
	var at *big.Rat
	s.leave("only a count that is ignored shows it, in its answer", "stale_answer")
	o, accepted, err := s.yesNo(ctx, "lower_count", "", func() telling {
		at = s.stored
		return telling{count: new(big.Rat).Sub(s.stored, big.NewRat(2, 1))}
	})
	if err != nil || !accepted {
		return err
	}
	sent := s.stored
	switch {
	case o.still():
		s.stored = at
		s.found("lower_count", "ignore_200")
		s.stale(o.answer, at, sent)
	case s.ratio != nil && o.as(new(big.Rat).Mul(sent, s.ratio)):
		s.found("lower_count", "accept_as_reset")
	default:
		s.leave(fmt.Sprintf("the record changed by %s pieces", o.total.RatString()), "lower_count")
		s.stored = nil
	}
	return nil
}

func (s *session) stale(a prodsmart.Answer, stored, sent *big.Rat) {
	switch {
	case a.Counter == nil:
	case stored.Cmp(big.NewRat(*a.Counter, 1)) == 0:
		s.found("stale_answer", "stored")
	case sent.Cmp(big.NewRat(*a.Counter, 1)) == 0:
		s.found("stale_answer", "sent")
	}
}

// forms are posts without a count, and with one that is a text.
func (s *session) forms(ctx context.Context) error {
	if _, _, err := s.yesNo(ctx, "missing_count", "accept", func() telling { return telling{} }); err != nil {
		return err
	}
	_, _, err := s.yesNo(ctx, "number_form", "accept", func() telling { return telling{count: s.up(1), text: true} })
	return err
}

func (s *session) fraction(ctx context.Context) error {
	o, accepted, err := s.yesNo(ctx, "fractional_count", "", func() telling {
		whole := s.up(1)
		s.count++ // the next whole one is above it
		return telling{count: whole.Add(whole, big.NewRat(1, 2))}
	})
	if err != nil || !accepted {
		return err
	}
	switch {
	case o.expected == nil:
		s.leave("it needs counts that move the record", "fractional_count")
	case o.as(o.expected):
		s.found("fractional_count", "accept")
	case o.as(new(big.Rat).Sub(o.expected, new(big.Rat).Mul(s.ratio, big.NewRat(1, 2)))):
		s.found("fractional_count", "truncate")
	}
	s.stored = nil // what is kept of the fraction is not sure
	return nil
}

// inParameters sends counts with a strange parameter, and with a truth value.
func (s *session) inParameters(ctx context.Context) error {
	_, _, err := s.yesNo(ctx, "unknown_parameter", "accept", func() telling {
		return telling{count: s.up(1), extra: `"parameters":[{"name":"` + stranger + `name","value":1}]`}
	})
	if err != nil {
		return err
	}
	if s.config.ParameterName == "" {
		s.leave("it needs a parameter of the machine", "boolean_value")
		return nil
	}
	name, _ := json.Marshal(s.config.ParameterName) // a text always encodes
	_, _, err = s.yesNo(ctx, "boolean_value", "accept", func() telling {
		return telling{count: s.up(1), extra: fmt.Sprintf(`"parameters":[{"name":%s,"value":true}]`, name)}
	})
	return err
}
