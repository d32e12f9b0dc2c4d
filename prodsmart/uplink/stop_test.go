package uplink

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestStopRules walks the start and stop table, P1 to P13.
func TestStopRules(t *testing.T) {
	type step struct {
		at     string
		report prodsmart.Report
	}
	opens := replay()
	opens.RepeatStop = RepeatOpens
	cases := []struct {
		name     string
		settings Settings
		steps    []step
		verdicts []prodsmart.Verdict // of the posts after the first
		want     []string            // without the first post, C 0 at 06:00:00
		events   []Code
		end      string // 06:05:00 if empty
	}{
		{name: "P1 running is nothing to tell", steps: []step{{"06:01:00", count(0)}}},
		{name: "P2 the counter goes before the stop", steps: []step{{"06:01:05", count(4)}, {"06:01:10", stopped(4, 1, "X")}},
			want: []string{"06:01:10 C 4", "06:01:10 D+ X"}},
		{name: "P2 without a change the stop goes alone", steps: []step{{"06:01:10", stopped(0, 1, "X")}},
			want: []string{"06:01:10 D+ X"}},
		{name: "P3 the counter goes after the start", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(3)}, {"06:02:15", count(4)}},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X", "06:02:10 C 3", "06:02:30 C 4"}},
		{name: "P3 nothing made at the start waits for the tick", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}, {"06:02:15", count(1)}},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X", "06:02:30 C 1"}},
		{name: "P3 the counter that did not leave goes directly all the same", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(3)}}, verdicts: []prodsmart.Verdict{yes, yes, never},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X", "06:02:10 C 3 unsent", "06:02:11 C 3"}, events: []Code{Unreachable, Unreachable + over}},
		{name: "P4 another reason of the same stop is not told", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", stopped(0, 1, "Y")}, {"06:03:10", count(0)}},
			want: []string{"06:01:10 D+ X", "06:03:10 D- X"}},
		{name: "P5 another stop ends the first", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", stopped(2, 2, "Y")}},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X", "06:02:10 C 2", "06:02:10 D+ Y"}},
		{name: "P5 even of the same type", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", stopped(0, 2, "X")}},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X", "06:02:10 D+ X"}},
		{name: "P7 an unclear stop is repeated", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:01:12", stopped(0, 1, "Y")}}, verdicts: []prodsmart.Verdict{lost},
			want: []string{"06:01:10 D+ X ambiguous", "06:01:15 D+ X"}, events: []Code{AnswerLost}},
		{name: "P7 a repeated stop refused had been applied", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}}, verdicts: []prodsmart.Verdict{lost, no},
			want: []string{"06:01:10 D+ X ambiguous", "06:01:15 D+ X refused", "06:02:10 D- X"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "P7 an unclear stop that is over is ended, not repeated", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:01:12", count(1)}}, verdicts: []prodsmart.Verdict{lost, no},
			want: []string{"06:01:10 D+ X ambiguous", "06:01:15 D- X refused", "06:01:15 C 1"}, events: []Code{AnswerLost, TakenAsTold, NotInProdsmart}},
		{name: "P7 an unclear start is repeated", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(1)}}, verdicts: []prodsmart.Verdict{yes, lost},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X ambiguous", "06:02:15 D- X", "06:02:15 C 1"}, events: []Code{AnswerLost}},
		{name: "P7 an unclear start comes before the next stop", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(1)}, {"06:02:12", stopped(2, 2, "Y")}}, verdicts: []prodsmart.Verdict{yes, lost, no},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X ambiguous", "06:02:15 D- X refused", "06:02:15 C 2", "06:02:15 D+ Y"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "P7 where repeating opens a second one it is not repeated", settings: opens, steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}}, verdicts: []prodsmart.Verdict{lost},
			want: []string{"06:01:10 D+ X ambiguous", "06:02:10 D- X"}, events: []Code{AnswerLost, TakenAsTold}},
		{name: "P8 a stop that is over before it was told", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:01:10.5", count(1)}}, verdicts: []prodsmart.Verdict{never},
			want: []string{"06:01:10 D+ X unsent", "06:01:30 C 1"}, events: []Code{Unreachable, NotInProdsmart, Unreachable + over}},
		{name: "P8 of two stops only the one that lasts is told", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:01:10.5", stopped(0, 2, "Y")}}, verdicts: []prodsmart.Verdict{never},
			want: []string{"06:01:10 D+ X unsent", "06:01:11 D+ Y"}, events: []Code{Unreachable, NotInProdsmart, Unreachable + over}},
		{name: "P13 a refused type falls back once", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}}, verdicts: []prodsmart.Verdict{no},
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC", "06:02:10 D- UNSPEC"}, events: []Code{StopRefused}},
		{name: "P13 the next stop soon after does not try the refused type", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}, {"06:03:10", stopped(0, 2, "X")}}, verdicts: []prodsmart.Verdict{no},
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC", "06:02:10 D- UNSPEC", "06:03:10 D+ UNSPEC"}, events: []Code{StopRefused}},
		{name: "P13 after the default type the stop is given up", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(1)}}, verdicts: []prodsmart.Verdict{no, no},
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC refused", "06:02:30 C 1"}, events: []Code{StopRefused, StopRefused, StopGivenUp, NotInProdsmart}},
		{name: "P13 a stop that lasts is tried again slowly and told late", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:30:00", count(1)}}, verdicts: []prodsmart.Verdict{no, no, no}, end: "06:32:00",
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC refused", "06:11:10 D+ X refused", "06:11:10 D+ UNSPEC", "06:30:00 D- UNSPEC", "06:30:00 C 1"}, events: []Code{StopRefused, StopRefused, StopGivenUp, StopRefused, StopLate}},
		{name: "P13 another reason of a stop that was given up is tried at once", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:00", stopped(0, 1, "Y")}}, verdicts: []prodsmart.Verdict{no, no},
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC refused", "06:02:00 D+ Y"}, events: []Code{StopRefused, StopRefused, StopGivenUp}},
		{name: "P13 the counter goes before the stop that is tried again", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:11:05", stopped(2, 1, "X")}}, verdicts: []prodsmart.Verdict{no, no}, end: "06:12:00",
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC refused", "06:11:10 C 2", "06:11:10 D+ X"}, events: []Code{StopRefused, StopRefused, StopGivenUp, StopLate}},
		{name: "P13 the repeated beginning with a type that was never taken is refused for the type", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(0)}, {"06:12:10", stopped(0, 2, "X")}}, verdicts: []prodsmart.Verdict{no, yes, yes, lost, no}, end: "06:15:00",
			want: []string{"06:01:10 D+ X refused", "06:01:10 D+ UNSPEC", "06:02:10 D- UNSPEC", "06:12:10 D+ X ambiguous", "06:12:15 D+ X refused", "06:12:15 D+ UNSPEC"}, events: []Code{StopRefused, AnswerLost, StopRefused}},
		{name: "a stop without a type uses the default", steps: []step{{"06:01:10", stopped(0, 1, "")}}, want: []string{"06:01:10 D+ UNSPEC"}},
		{name: "a refused start is an alarm and taken as ended", steps: []step{{"06:01:10", stopped(0, 1, "X")}, {"06:02:10", count(1)}}, verdicts: []prodsmart.Verdict{yes, no},
			want: []string{"06:01:10 D+ X", "06:02:10 D- X refused", "06:02:10 C 1"}, events: []Code{StartRefused}},
		{name: "an unclear counter holds the stop back once", steps: []step{{"06:01:10", stopped(4, 1, "X")}, {"06:02:10", count(5)}}, verdicts: []prodsmart.Verdict{lost},
			want: []string{"06:01:10 C 4 ambiguous", "06:01:15 C 4", "06:01:15 D+ X", "06:02:10 D- X", "06:02:10 C 5"}, events: []Code{AnswerLost}},
		{name: "an unclear counter holds the stop back only once", steps: []step{{"06:01:10", stopped(4, 1, "X")}, {"06:02:10", count(5)}}, verdicts: []prodsmart.Verdict{lost, lost},
			want: []string{"06:01:10 C 4 ambiguous", "06:01:15 C 4 ambiguous", "06:01:25 D+ X", "06:02:10 D- X", "06:02:10 C 5"}, events: []Code{AnswerLost}},
		{name: "an applied counter before a stop", steps: []step{{"06:01:10", stopped(4, 1, "X")}}, verdicts: []prodsmart.Verdict{lost, no},
			want: []string{"06:01:10 C 4 ambiguous", "06:01:15 C 4 refused", "06:01:15 D+ X"}, events: []Code{AnswerLost, TakenAsTold}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.settings.Unpaced {
				c.settings = replay()
			}
			r := newRig(t, "06:00:00", c.settings)
			r.answer = answers(append([]prodsmart.Verdict{yes}, c.verdicts...)...)
			r.report("06:00:00", count(0))
			for _, s := range c.steps {
				r.report(s.at, s.report)
			}
			end := c.end
			if end == "" {
				end = "06:05:00"
			}
			r.until(end)
			r.expect(append([]string{"06:00:00 C 0"}, c.want...)...)
			r.expectEvents(c.events...)
		})
	}
}

// TestLateStops is P9 and P10: an outage hides the moment of a stop and a start.
func TestLateStops(t *testing.T) {
	r := newRig(t, "06:00:00", replay())
	reachable := true
	r.answer = func(w Work) prodsmart.Answer {
		if reachable {
			return verdict(yes)
		}
		return verdict(never)
	}
	r.report("06:00:00", count(0))
	r.until("06:01:00")
	reachable = false
	r.report("06:01:00", stopped(0, 1, "X"))
	r.until("06:11:00")
	reachable = true
	r.until("06:12:00")
	last := r.events[len(r.events)-1]
	if last.Code != StopLate || last.Stop.Type != "X" || last.Late < 10*time.Minute || last.Late > 10*time.Minute+longestBackoff || !strings.HasPrefix(last.Text, "P9") {
		t.Errorf("the last event is %+v", last)
	}
	reachable = false
	r.report("06:20:00", count(3))
	r.until("06:30:00")
	reachable = true
	r.until("06:31:00")
	last = r.events[len(r.events)-1]
	if last.Code != StartLate || last.Late < 10*time.Minute || last.Late > 10*time.Minute+longestBackoff || !strings.HasPrefix(last.Text, "P10") {
		t.Errorf("the last event is %+v", last)
	}
	var sent []string
	for _, p := range r.posts {
		if !strings.HasSuffix(p, "unsent") {
			sent = append(sent, p[9:])
		}
	}
	if got := strings.Join(sent, ", "); got != "C 0, D+ X, D- X, C 3" {
		t.Errorf("told: %s", got)
	}
}

// TestTextsInOneZone: the times in texts are of the site's zone, wherever they
// came from, as those of the report are.
func TestTextsInOneZone(t *testing.T) {
	s := replay()
	s.Zone = time.FixedZone("", -5*3600)
	r := newRig(t, "06:00:00", s)
	r.answer = func(Work) prodsmart.Answer { return verdict(never) }
	stop := stopped(0, 1, "X")
	stop.Stop.Since = at(t, "06:01:00").In(time.FixedZone("", 3600))
	r.report("06:00:00", count(0))
	r.report("06:01:00", stop)
	r.report("06:11:00", count(0))
	r.until("06:12:00")
	last := r.events[len(r.events)-1]
	if last.Code != NotInProdsmart || !strings.Contains(last.Text, "the downtime X from 2026-11-22 01:01:00 to 2026-11-22 01:11:00 ") {
		t.Errorf("the last event is %+v", last)
	}
}

// TestRestart is P11, P12 and the crash between sending and the answer.
func TestRestart(t *testing.T) {
	open := Record{Told: Told{Counted: true, Count: 7, Stop: prodsmart.Stop{Episode: 4, Type: "X"}}}
	stop := prodsmart.Stop{Episode: 4, Type: "X"}
	telling := func(r Record, tl Telling) Record {
		tl.Active, tl.Since, tl.Attempts = true, midnight, 1
		r.Telling = tl
		return r
	}
	running := Record{Told: Told{Counted: true, Count: 7}}
	opens := replay()
	opens.RepeatStop = RepeatOpens
	cases := []struct {
		name     string
		settings Settings
		record   Record
		report   prodsmart.Report
		verdicts []prodsmart.Verdict
		want     []string
	}{
		{name: "P11 still standing", record: open, report: stopped(7, 4, "X")},
		{name: "P11 running again", record: open, report: count(9), want: []string{"06:00:00 D- X", "06:00:00 C 9"}},
		{name: "P11 in another stop", record: open, report: stopped(9, 5, "Y"), want: []string{"06:00:00 D- X", "06:00:00 C 9", "06:00:00 D+ Y"}},
		{name: "P12 nothing known and standing", report: stopped(0, 1, "X"), want: []string{"06:00:00 C 0", "06:00:00 D+ X"}},
		{name: "a stop on its way is repeated once", record: telling(running, Telling{Stop: stop}), report: stopped(7, 4, "X"), want: []string{"06:00:05 D+ X"}},
		{name: "a stop on its way and over is ended", record: telling(running, Telling{Stop: stop}), report: count(8), verdicts: []prodsmart.Verdict{no}, want: []string{"06:00:05 D- X refused", "06:00:05 C 8"}},
		{name: "a stop on its way where repeating opens another", settings: opens, record: telling(running, Telling{Stop: stop}), report: stopped(7, 4, "X")},
		{name: "a start on its way is repeated once", record: telling(open, Telling{Stop: stop, Running: true}), report: count(7), want: []string{"06:00:05 D- X"}},
		{name: "a count on its way and unchanged waits", record: telling(running, Telling{Service: prodsmart.CounterService, Count: 9}), report: count(9), want: []string{"06:00:05 C 9"}},
		{name: "a count on its way and grown is overtaken", record: telling(running, Telling{Service: prodsmart.CounterService, Count: 9}), report: count(11), want: []string{"06:00:05 C 11"}},
		{name: "a count in doubt is not overtaken", record: Record{Told: running.Told, Doubt: Doubt{Open: true, Highest: 9, Sent: 1, At: midnight}}, report: count(11), want: []string{"06:00:05 C 11"}},
		{name: "a stop just taken as told is not overtaken", settings: opens, record: Record{Told: open.Told, Telling: Telling{Stop: stop, Since: midnight}}, report: count(7), want: []string{"06:00:05 D- X"}},
		{name: "parameters on their way go again", record: telling(running, Telling{Service: prodsmart.ParametersService}),
			report: prodsmart.Report{Count: 7, Parameters: []prodsmart.Parameter{{Name: "t", Code: "tc", Value: "1", Version: 3}}}, want: []string{"06:00:05 P tc=1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.settings.Unpaced {
				c.settings = replay()
			}
			r := newRig(t, "06:00:00", c.settings)
			r.answer = answers(c.verdicts...)
			r.desk.Add(r.now, "M", c.record)
			r.report("06:00:00", c.report)
			r.until("06:10:00")
			r.expect(c.want...)
		})
	}
}
