package uplink

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// A page of something on the way (a 404, a 405) after a lost answer is no proof
// that the count had been applied; only a 400 judges what was sent.
func TestOnlyA400SaysThatItHadBeenApplied(t *testing.T) {
	for _, c := range []struct {
		status int
		told   int64
	}{{400, 7}, {404, 0}, {405, 0}, {409, 0}} {
		r := newRig(t, "06:00:00", replay())
		r.report("06:00:00", prodsmart.Report{})
		r.until("06:00:10")
		lost := true
		r.answer = func(Work) prodsmart.Answer {
			if lost {
				lost = false
				return prodsmart.Answer{Verdict: prodsmart.Ambiguous, Text: "timeout"}
			}
			return prodsmart.Answer{Verdict: prodsmart.Refused, Status: c.status, Text: "no"}
		}
		r.report("06:00:20", prodsmart.Report{Count: 7})
		r.until("06:05:00")
		if got := r.desk.told("M").Count; got != c.told {
			t.Errorf("status %d: told %d, want %d", c.status, got, c.told)
		}
	}
}

func TestAnUnknownMachineIsNoFirstZero(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = func(Work) prodsmart.Answer {
		return prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404, Text: "no such machine"}
	}
	r.report("06:00:00", prodsmart.Report{})
	r.until("06:01:00")
	if r.desk.told("M").Counted {
		t.Error("a 404 counts as told")
	}
}

// A tenant that takes no waste of 0 refuses the first post; waste that grows
// before the count was taken alone is told with the next piece, not held for
// minutes.
func TestWasteThatGrowsDuringTheFirstRefusal(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = func(w Work) prodsmart.Answer {
		for _, waste := range w.Record.Telling.Waste {
			if waste.Quantity == 0 {
				r.desk.Report(r.now, "M", prodsmart.Report{Known: true, Count: 5, Waste: []prodsmart.Waste{{Code: "A", Quantity: 1}, {Code: "B", Quantity: 2}}})
				return prodsmart.Answer{Verdict: prodsmart.Refused, Status: 400, Text: "quantity must grow"}
			}
		}
		return prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200}
	}
	r.report("06:00:00", prodsmart.Report{Count: 3, Waste: []prodsmart.Waste{{Code: "A"}, {Code: "B", Quantity: 2}}})
	r.report("06:00:20", prodsmart.Report{Count: 7, Waste: []prodsmart.Waste{{Code: "A", Quantity: 1}, {Code: "B", Quantity: 2}}})
	r.until("06:01:05")
	told := r.desk.told("M")
	if told.Count != 7 || told.Waste["A"] != 1 || told.Waste["B"] != 2 {
		t.Errorf("told %+v\n%v", told, r.posts)
	}
}

// A refused parameter costs a slot when its pause is over, not with each value;
// the others go on; a change of the configuration tries it at once, and one that
// is not reported any more is not held any more.
func TestARefusedParameterIsHeldAlone(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = func(w Work) prodsmart.Answer {
		for _, p := range w.Record.Telling.Parameters {
			if p.Name == "bad" {
				return verdict(no)
			}
		}
		return verdict(yes)
	}
	both := func(version uint64) prodsmart.Report {
		return prodsmart.Report{Parameters: []prodsmart.Parameter{
			{Name: "bad", Code: "BC", Value: "1", Version: version}, {Name: "good", Code: "GC", Value: "2", Version: version}}}
	}
	r.report("06:00:00", count(0))
	for i, s := range []string{"06:00:10", "06:00:40", "06:01:10", "06:01:40"} {
		r.report(s, both(uint64(i+1)))
	}
	r.until("06:02:10")
	r.expect("06:00:00 C 0", "06:00:30 P BC=1 P GC=2 refused", "06:01:00 P BC=1 refused", "06:01:30 P GC=2", "06:02:00 P GC=2")
	r.expectEvents(ParametersRefused)
	r.posts = nil
	r.desk.Unpark(r.now, "M")
	r.until("06:03:10")
	r.expect("06:02:30 P BC=1 refused")
	r.report("06:04:00", count(0))
	r.until("06:05:10")
	r.expectEvents(ParametersRefused, ParametersRefused+over)
}

// A parameter that was refused by itself and whose answers are lost later is tried
// again after the next pause: no counter takes it along.
func TestARefusedParameterWithLostAnswersIsTriedAgain(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = answers(yes, no, lost, lost)
	r.report("06:00:00", count(0))
	r.report("06:00:10", prodsmart.Report{Parameters: []prodsmart.Parameter{{Name: "bad", Code: "BC", Value: "1", Version: 1}}})
	r.until("08:00:00")
	if n := len(r.posts); n > 7 || r.desk.told("M").Parameters["bad"] != 1 {
		t.Errorf("told %v; posts %q", r.desk.told("M").Parameters, r.posts)
	}
	r.expectEvents(ParametersRefused, AnswerLost, ParametersRefused+over)
}

// A stop whose answer was lost may be open in Prodsmart although its repetition was
// refused for another reason: it is ended when it is over.
func TestAStopThatMayBeOpenIsEnded(t *testing.T) {
	noSuch := prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404, Text: "no such path"}
	for _, c := range []struct {
		name, over string
		refusals   int
		missing    int
		want       []string
	}{
		{"over before the repetition is refused", "", 1, 1, []string{"06:01:10 D+ X ambiguous", "06:01:15 D+ X refused", "06:01:15 D- X"}},
		{"given up", "06:02:00", 2, 1, []string{"06:01:10 D+ X ambiguous", "06:01:15 D+ X refused", "06:01:15 D+ UNSPEC refused", "06:02:00 D- X"}},
		{"told with another type", "06:02:00", 1, 0, []string{"06:01:10 D+ X ambiguous", "06:01:15 D+ X refused", "06:01:15 D+ UNSPEC", "06:02:00 D- UNSPEC"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "06:00:00", replay())
			n := 0
			r.answer = func(Work) prodsmart.Answer {
				n++
				switch {
				case n == 2:
					return verdict(lost)
				case n > 2 && n <= 2+c.refusals:
					if c.over == "" {
						r.desk.Report(r.now, "M", prodsmart.Report{Known: true})
					}
					return noSuch
				}
				return verdict(yes)
			}
			r.report("06:00:00", count(0))
			r.report("06:01:10", stopped(0, 1, "X"))
			if c.over != "" {
				r.report(c.over, count(0))
			}
			r.until("06:30:00")
			r.expect(append([]string{"06:00:00 C 0"}, c.want...)...)
			missing := 0
			for _, e := range r.events {
				if e.Code == NotInProdsmart {
					missing++
				}
			}
			if missing != c.missing {
				t.Errorf("%d events %s", missing, NotInProdsmart)
			}
		})
	}
}

// A pause that is configured longer than the longest of the doubled ones is kept.
func TestALongPauseAfterRefusals(t *testing.T) {
	s := replay()
	s.RefusedRetry, s.EqualWait = 6*time.Hour, 3*time.Hour
	r := newRig(t, "06:00:00", s)
	r.answer = answers(yes, no, yes, lost)
	r.report("06:00:00", count(0))
	r.report("06:00:10", count(4))
	r.until("12:01:00")
	r.report("12:01:10", count(5))
	r.until("16:00:00")
	r.expect("06:00:00 C 0", "06:00:30 C 4 refused", "12:00:30 C 4", "12:01:30 C 5 ambiguous", "15:01:30 C 5")
}
