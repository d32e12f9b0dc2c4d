package uplink

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

const (
	yes   = prodsmart.Accepted
	no    = prodsmart.Refused
	lost  = prodsmart.Ambiguous
	never = prodsmart.Unsent
)

// TestCounterRules walks the client rules of the counter service, one case for
// each way a post can go.
func TestCounterRules(t *testing.T) {
	type step struct {
		at     string
		report prodsmart.Report
	}
	wasteSend := replay()
	wasteSend.WasteOnly = SendWaste
	wasteAll := replay()
	wasteAll.Waste = AllWaste
	skipZero := replay()
	skipZero.FirstZero = SkipZero
	with := func(r prodsmart.Report, version uint64) prodsmart.Report {
		r.Parameters = []prodsmart.Parameter{{Name: "t", Code: "tc", Value: "20", Version: version}}
		return r
	}
	cases := []struct {
		name     string
		settings Settings
		steps    []step
		end      string
		verdicts []prodsmart.Verdict
		want     []string
		events   []Code
	}{
		{name: "only the newest total", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(1)}, {"06:00:20", count(2)}, {"06:00:25", count(3)}},
			want: []string{"06:00:00 C 0", "06:00:30 C 3"}},
		{name: "a change at the tick belongs to it, one after it to the next", steps: []step{{"06:00:00", count(0)}, {"06:00:30", count(1)}, {"06:00:31", count(2)}},
			want: []string{"06:00:00 C 0", "06:00:30 C 1", "06:01:00 C 2"}},
		{name: "the first post carries the base, without waste of 0", steps: []step{{"06:00:07", scrap(500, 0)}, {"06:00:20", scrap(501, 0)}, {"06:00:40", scrap(502, 1)}},
			want: []string{"06:00:07 C 500", "06:00:30 C 501", "06:01:00 C 502 W S=1"}},
		{name: "the first post carries the base and the waste so far", steps: []step{{"06:00:07", prodsmart.Report{Count: 500, Waste: []prodsmart.Waste{{Code: "S", Quantity: 3}, {Code: "T"}}}}},
			want: []string{"06:00:07 C 500 W S=3"}},
		{name: "waste that grew alone waits for a good piece", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(0, 1)}, {"06:01:40", scrap(1, 1)}}, end: "06:03:00",
			want: []string{"06:00:00 C 0 W S=0", "06:02:00 C 1 W S=1"}},
		{name: "waste that grew alone is sent if wanted", settings: wasteSend, steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(0, 1)}},
			want: []string{"06:00:00 C 0 W S=0", "06:00:30 C 0 W S=1"}},
		{name: "waste alone refused goes with the next piece", settings: wasteSend, steps: []step{{"06:00:00", scrap(5, 0)}, {"06:00:10", scrap(5, 1)}, {"06:01:10", scrap(5, 2)}, {"06:02:20", scrap(6, 2)}}, end: "06:04:00", verdicts: []prodsmart.Verdict{yes, no},
			want: []string{"06:00:00 C 5", "06:00:30 C 5 W S=1 refused", "06:02:30 C 6 W S=2"}, events: []Code{WasteRefused}},
		{name: "all waste if wanted", settings: wasteAll, steps: []step{{"06:00:00", scrap(0, 2)}, {"06:00:10", scrap(1, 2)}},
			want: []string{"06:00:00 C 0 W S=2", "06:00:30 C 1 W S=2"}},
		{name: "a refused first zero is no error", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(1, 1)}}, verdicts: []prodsmart.Verdict{no},
			want: []string{"06:00:00 C 0 W S=0 refused", "06:00:30 C 1 W S=1"}, events: []Code{FirstZeroRefused}},
		{name: "a refused first zero keeps waste that is not zero", steps: []step{{"06:00:00", scrap(0, 3)}, {"06:00:10", scrap(1, 3)}}, verdicts: []prodsmart.Verdict{no},
			want: []string{"06:00:00 C 0 W S=3 refused", "06:00:30 C 1 W S=3"}, events: []Code{FirstZeroRefused}},
		{name: "a first zero can be skipped", settings: skipZero, steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:40", scrap(1, 0)}},
			want: []string{"06:01:00 C 1"}},
		{name: "a refused zero waste at first contact costs only the waste", settings: wasteAll, steps: []step{{"06:00:00", scrap(7, 0)}, {"06:00:10", scrap(8, 1)}}, verdicts: []prodsmart.Verdict{no},
			want: []string{"06:00:00 C 7 W S=0 refused", "06:00:00 C 7", "06:00:30 C 8 W S=1"}, events: []Code{FirstZeroRefused}},
		{name: "an unclear first zero leaves no waste of 0 in doubt", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:03", scrap(5, 0)}}, verdicts: []prodsmart.Verdict{lost},
			want: []string{"06:00:00 C 0 W S=0 ambiguous", "06:00:05 C 5"}, events: []Code{AnswerLost}},
		{name: "an unclear count is overtaken by the current one", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(3)}, {"06:00:32", count(4)}}, verdicts: []prodsmart.Verdict{yes, lost},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 ambiguous", "06:00:35 C 4"}, events: []Code{AnswerLost}},
		{name: "an unclear count that stays is sent once more after the wait", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(3)}}, end: "06:30:00", verdicts: []prodsmart.Verdict{yes, lost},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 ambiguous", "06:02:30 C 3"}, events: []Code{AnswerLost}},
		{name: "the equal count refused had been applied", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(3, 1)}, {"06:10:10", scrap(4, 1)}}, end: "06:11:00", verdicts: []prodsmart.Verdict{yes, lost, no},
			want: []string{"06:00:00 C 0 W S=0", "06:00:30 C 3 W S=1 ambiguous", "06:02:30 C 3 W S=1 refused", "06:10:30 C 4"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "waste in doubt goes unchanged, and alone if that is refused", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(3, 1)}, {"06:00:32", scrap(4, 1)}, {"06:01:10", scrap(5, 2)}}, end: "06:02:00", verdicts: []prodsmart.Verdict{yes, lost, no},
			want: []string{"06:00:00 C 0 W S=0", "06:00:30 C 3 W S=1 ambiguous", "06:00:35 C 4 W S=1 refused", "06:00:35 C 4", "06:01:30 C 5 W S=2"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "an equal count after several goes bare, and its refusal settles the waste too", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(3, 1)}, {"06:00:32", scrap(4, 1)}, {"06:10:10", scrap(5, 1)}}, end: "06:11:00", verdicts: []prodsmart.Verdict{yes, lost, lost, no},
			want: []string{"06:00:00 C 0 W S=0", "06:00:30 C 3 W S=1 ambiguous", "06:00:35 C 4 W S=1 ambiguous", "06:02:35 C 4 refused", "06:10:30 C 5"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "an equal count lost bare leaves the waste in doubt", steps: []step{{"06:00:00", scrap(0, 0)}, {"06:00:10", scrap(3, 1)}, {"06:00:32", scrap(4, 1)}, {"06:10:10", scrap(5, 1)}}, end: "06:11:00", verdicts: []prodsmart.Verdict{yes, lost, lost, lost, no},
			want: []string{"06:00:00 C 0 W S=0", "06:00:30 C 3 W S=1 ambiguous", "06:00:35 C 4 W S=1 ambiguous", "06:02:35 C 4 ambiguous", "06:06:35 C 4 refused", "06:10:30 C 5 W S=1"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "a bare count that did not leave goes bare again", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(3), 1)}}, verdicts: []prodsmart.Verdict{yes, no, never},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 P t=20 refused", "06:00:30 C 3 unsent", "06:00:31 C 3", "06:00:31 P tc=20"}, events: []Code{Unreachable, Unreachable + over, ExtrasRefused}},
		{name: "a real refusal parks the counter and retries slowly", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(3)}}, end: "08:30:00", verdicts: []prodsmart.Verdict{yes, no, no, no, no},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 refused", "06:10:30 C 3 refused", "06:30:30 C 3 refused", "07:10:30 C 3 refused", "08:10:30 C 3"}, events: []Code{CounterRefused, CounterRefused + over}},
		{name: "a refusal above what was unclear is real", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(3)}, {"06:00:32", count(4)}}, end: "06:05:00", verdicts: []prodsmart.Verdict{yes, lost, no},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 ambiguous", "06:00:35 C 4 refused"}, events: []Code{AnswerLost, CounterRefused}},
		{name: "refused waste or parameters do not stop the count", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(3), 1)}, {"06:00:40", with(count(5), 1)}}, end: "06:01:15", verdicts: []prodsmart.Verdict{yes, no, yes, no},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 P t=20 refused", "06:00:30 C 3", "06:00:30 P tc=20 refused", "06:01:00 C 5"}, events: []Code{ExtrasRefused, ParametersRefused}},
		{name: "nothing lower is ever sent", steps: []step{{"06:00:00", count(10)}, {"06:00:10", count(4)}, {"06:01:10", count(10)}, {"06:01:40", count(11)}}, end: "06:03:00",
			want: []string{"06:00:00 C 10", "06:02:00 C 11"}, events: []Code{FellBack, FellBack + over}},
		{name: "nothing lower than an unclear count is sent", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(9)}, {"06:00:31", count(4)}}, end: "06:10:00", verdicts: []prodsmart.Verdict{yes, lost},
			want: []string{"06:00:00 C 0", "06:00:30 C 9 ambiguous"}, events: []Code{AnswerLost, FellBack}},
		{name: "an unsent count goes once the way is free", steps: []step{{"06:00:00", count(0)}, {"06:00:10", count(3)}, {"06:00:31.5", count(4)}}, verdicts: []prodsmart.Verdict{yes, never, never},
			want: []string{"06:00:00 C 0", "06:00:30 C 3 unsent", "06:00:31 C 3 unsent", "06:00:33 C 4"}, events: []Code{Unreachable, Unreachable + over}},
		{name: "parameters go alone when no count does", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(0), 1)}, {"06:00:20", with(count(0), 2)}},
			want: []string{"06:00:00 C 0", "06:00:30 P tc=20"}},
		{name: "a refused parameter waits, then its newest value is tried", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(0), 1)}, {"06:02:20", with(count(0), 2)}}, end: "06:30:00", verdicts: []prodsmart.Verdict{yes, no},
			want: []string{"06:00:00 C 0", "06:00:30 P tc=20 refused", "06:10:30 P tc=20"}, events: []Code{ParametersRefused, ParametersRefused + over}},
		{name: "a parameter refused again waits longer and is not reported again", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(0), 1)}, {"06:40:00", with(count(0), 2)}}, end: "08:00:00", verdicts: []prodsmart.Verdict{yes, no, no, no},
			want: []string{"06:00:00 C 0", "06:00:30 P tc=20 refused", "06:10:30 P tc=20 refused", "06:30:30 P tc=20 refused", "07:10:30 P tc=20"}, events: []Code{ParametersRefused, ParametersRefused + over}},
		{name: "unclear parameters are sent alone once more, then ride along", steps: []step{{"06:00:00", count(0)}, {"06:00:10", with(count(0), 1)}, {"06:20:10", with(count(1), 1)}}, end: "06:21:00", verdicts: []prodsmart.Verdict{yes, lost, lost},
			want: []string{"06:00:00 C 0", "06:00:30 P tc=20 ambiguous", "06:00:35 P tc=20 ambiguous", "06:20:30 C 1 P t=20"}, events: []Code{AnswerLost}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.settings.Unpaced {
				c.settings = replay()
			}
			r := newRig(t, "06:00:00", c.settings)
			r.answer = answers(c.verdicts...)
			for _, s := range c.steps {
				r.report(s.at, s.report)
			}
			end := c.end
			if end == "" {
				end = "06:01:10"
			}
			r.until(end)
			r.expect(c.want...)
			r.expectEvents(c.events...)
		})
	}
}

func TestNothingIsToldBeforeTheCounterIsKnown(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.desk.Report(r.now, "M", stopped(5, 1, "X"))
	r.until("06:10:00")
	r.expect()
}

func TestMachineWithoutCounter(t *testing.T) {
	s := replay()
	s.Machines["M"] = Machine{NoCounter: true}
	r := newRig(t, "06:00:00", s)
	r.desk.Report(r.now, "M", prodsmart.Report{})
	r.until("06:01:00")
	r.desk.Report(r.now, "M", stopped(0, 1, "X"))
	r.until("06:02:00")
	r.desk.Report(r.now, "M", prodsmart.Report{})
	r.until("06:03:00")
	r.expect("06:01:00 D+ X", "06:02:00 D- X")
}

func TestServerCounterAbove(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	server := int64(0)
	r.answer = func(w Work) prodsmart.Answer {
		return prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200, Counter: &server}
	}
	r.report("06:00:00", count(0))
	r.report("06:00:10", count(1))
	r.until("06:00:20")
	server = 50
	r.report("06:00:40", count(2))
	r.report("06:01:10", count(3))
	r.until("06:01:31")
	r.expectEvents(OtherWriter)
	server = 4
	r.report("06:01:40", count(4))
	r.until("06:02:10")
	r.expectEvents(OtherWriter, OtherWriter+over)
	if e := r.events; e[0].Level != Alarm || e[0].Over || !e[1].Over {
		t.Errorf("the events are %+v", e)
	}
	server = 1
	r.report("06:02:40", count(5))
	r.until("06:03:10")
	r.expectEvents(OtherWriter, OtherWriter+over, ServerBelow)
}

func TestParkedCounterComesBackWithTheConfiguration(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = answers(yes, no)
	r.report("06:00:00", count(0))
	r.report("06:00:10", count(3))
	r.until("06:02:00")
	if m := r.desk.Status(r.now).Machines[0]; m.Parked == "" || !m.ParkedUntil.Equal(at(t, "06:10:30")) || m.Age != 110*time.Second {
		t.Errorf("the status is %+v", m)
	}
	r.desk.Unpark(r.now, "M")
	r.until("06:03:00")
	r.expect("06:00:00 C 0", "06:00:30 C 3 refused", "06:02:00 C 3")
	if m := r.desk.Status(r.now).Machines[0]; m.Parked != "" || m.Age != 0 {
		t.Errorf("the status is %+v", m)
	}
}

func TestParkedCounterStopsNoStop(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.answer = answers(yes, no)
	r.report("06:00:00", count(0))
	r.report("06:00:10", count(3))
	r.report("06:02:00", stopped(3, 1, "X"))
	r.report("06:04:00", count(4))
	r.until("06:15:00")
	r.expect("06:00:00 C 0", "06:00:30 C 3 refused", "06:02:00 D+ X", "06:04:00 D- X", "06:10:30 C 4")
}

func TestContradictionIsCounted(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.report("06:00:00", count(0))
	r.report("06:01:00", stopped(0, 1, "X"))
	r.report("06:01:10", stopped(2, 1, "X")) // held: only a contradiction counts while it stands
	rep := stopped(9, 1, "X")
	rep.Contradiction = true
	r.report("06:02:40", rep)
	r.until("06:03:10")
	r.expect("06:00:00 C 0", "06:01:00 D+ X", "06:02:40 C 9")
}

func TestOneTickIsOnePost(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	r.report("06:00:00", count(0))
	r.report("06:00:30", count(1))
	w, _, ok := r.desk.Next(r.now)
	if !ok {
		t.Fatal("a change at the tick is not posted")
	}
	r.post(w)
	r.desk.Report(r.now, "M", good(2)) // the same instant, but too late
	r.until("06:01:10")
	r.expect("06:00:00 C 0", "06:00:30 C 1", "06:01:00 C 2")
}

// TestExtrasComeBack: refused parameters and waste leave the count alone, are
// tried again slowly, and take turns with it meanwhile.
func TestExtrasComeBack(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	bad := true
	r.answer = func(w Work) prodsmart.Answer {
		if b := parse(w.Post); bad && len(b.Waste) > 0 {
			return verdict(no)
		}
		return verdict(yes)
	}
	r.report("06:00:00", count(0))
	for n := 1; n <= 62; n++ {
		rep := scrap(int64(n), 1)
		rep.Parameters = []prodsmart.Parameter{{Name: "t", Code: "tc", Value: fmt.Sprint(n), Version: uint64(n)}}
		rep.Known = true
		r.untilTime(at(t, "06:00:00").Add(seconds(30 * n)))
		r.desk.Report(r.now, "M", rep)
		bad = n < 30
	}
	r.until("06:32:00")
	var refused, bare, alone int
	for _, p := range r.posts {
		switch {
		case strings.HasSuffix(p, "refused"):
			refused++
		case strings.Contains(p, " C ") && !strings.Contains(p, "W"):
			bare++
		case strings.Contains(p, " P tc="):
			alone++
		}
	}
	// Tried at 06:00:30, alone at 06:01 and 06:11; after 20 minutes it goes again.
	if refused != 3 || alone > 4 {
		t.Errorf("%d refused, %d bare, %d parameters alone: %v", refused, bare, alone, r.posts)
	}
	r.expectEvents(ExtrasRefused, WasteRefused, ExtrasRefused+over)
	if told := r.desk.told("M"); told.Count != 62 || told.Waste["S"] != 1 || told.Parameters["t"] != 62 {
		t.Errorf("told %+v", told)
	}
}

// TestFirstContactIsNotRefused: a tenant that reads the growth rule strictly has
// nothing to refuse in a first post that counts something, and the first waste
// arrives.
func TestFirstContactIsNotRefused(t *testing.T) {
	for _, zero := range []FirstZero{PostZero, SkipZero} {
		s := replay()
		s.FirstZero = zero
		r := newRig(t, "06:00:00", s)
		strict := &tenant{tenantOptions: tenantOptions{refuseZero: true}, machines: map[string]*tenantMachine{}}
		r.answer = func(w Work) prodsmart.Answer {
			if strict.apply(r.now, w.Post) {
				return verdict(yes)
			}
			return verdict(no)
		}
		r.report("06:00:00", scrap(7, 0))
		r.report("06:00:10", scrap(8, 0))
		r.report("06:00:40", scrap(9, 2))
		r.until("06:02:00")
		r.expect("06:00:00 C 7", "06:00:30 C 8", "06:01:00 C 9 W S=2")
		r.expectEvents()
	}
}
