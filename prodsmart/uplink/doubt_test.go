package uplink

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestABadParameterIsNoProof: a count or waste whose answer was lost goes out
// without parameters, because a refusal is to say one thing only. Here nothing had
// been applied, and what is refused is the parameter.
func TestABadParameterIsNoProof(t *testing.T) {
	for _, c := range []struct {
		at    string
		count int64
	}{
		{"06:02:25", 9},  // the same count once more
		{"06:00:50", 11}, // a higher one, with the waste in doubt
	} {
		r := newRig(t, "06:00:00", replay())
		var count, waste int64
		lose := false
		r.answer = func(w Work) prodsmart.Answer {
			if lose {
				lose = false
				return verdict(lost)
			}
			b := parse(w.Post)
			for _, p := range b.Parameters {
				if p.Name == "bad" || p.Code == "BC" {
					return verdict(no)
				}
			}
			if b.Count != nil {
				count = *b.Count
			}
			for _, x := range b.Waste {
				waste = x.Quantity
			}
			return verdict(yes)
		}
		r.report("06:00:00", scrap(0, 0))
		r.until("06:00:10")
		lose = true
		rep := scrap(9, 2)
		r.report("06:00:20", rep)
		rep.Count = c.count
		rep.Parameters = []prodsmart.Parameter{{Name: "bad", Code: "BC", Value: "1", Version: 1}}
		r.report(c.at, rep)
		r.until("06:30:00")
		if count != c.count || waste != 2 {
			t.Errorf("of the count %d and waste 2 Prodsmart has %d and %d; posts %q", c.count, count, waste, r.posts)
		}
	}
}
