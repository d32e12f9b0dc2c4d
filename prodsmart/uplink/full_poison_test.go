package uplink

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestPoisonStaysAlone: a waste code or parameter that Prodsmart does not know
// keeps nobody else's waste and parameters back.
func TestPoisonStaysAlone(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	told := map[string]string{}
	r.answer = func(w Work) prodsmart.Answer {
		b := parse(w.Post)
		for _, x := range b.Waste {
			if x.Code == "X" {
				return verdict(no)
			}
		}
		for _, x := range b.Parameters {
			if x.Name == "x" || x.Code == "C-X" {
				return verdict(no)
			}
		}
		for _, x := range b.Waste {
			told[x.Code] = "told"
		}
		for _, x := range b.Parameters {
			told["t"] = string(x.Value)
		}
		return verdict(yes)
	}
	r.report("06:00:00", count(0))
	r.report("06:00:40", prodsmart.Report{Known: true, Count: 9,
		Waste:      []prodsmart.Waste{{Code: "S", Quantity: 1}, {Code: "X", Quantity: 1}},
		Parameters: []prodsmart.Parameter{{Name: "t", Code: "C-T", Value: "7", Version: 1}, {Name: "x", Code: "C-X", Value: "8", Version: 1}}})
	for _, s := range []string{"06:10:00", "06:30:00", "07:30:00", "09:00:00"} {
		rep := r.desk.byCode["M"].report
		rep.Count++
		r.report(s, rep)
	}
	r.until("10:00:00")
	if told["S"] == "" {
		t.Errorf("waste S was never told: X held it back; posts %q", r.posts)
	}
	if told["t"] != "7" {
		t.Errorf("parameter t was never told: x took it along; posts %q", r.posts)
	}
}
