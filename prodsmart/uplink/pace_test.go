package uplink

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// mostInAMinute is the largest number of times in any 60 s, the first of them
// included and its end excluded.
func mostInAMinute(times []time.Time) int {
	most, first := 0, 0
	for i := range times {
		for !times[i].Before(times[first].Add(minute)) {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestSlotsFillTheBudgetAndNoMore(t *testing.T) {
	for _, budget := range []int{1, 7, 72, 100, 119} {
		p := newPacer(midnight, budget, false)
		var sent []time.Time
		now := midnight
		for now.Before(midnight.Add(30 * time.Minute)) {
			now = p.ready(now)
			p.take(now)
			sent = append(sent, now)
		}
		if got := mostInAMinute(sent); got != budget {
			t.Errorf("budget %d: %d requests in a minute", budget, got)
		}
		if want := 30*budget - 1; len(sent) < want {
			t.Errorf("budget %d: %d requests in 30 minutes, want %d", budget, len(sent), want)
		}
	}
}

func TestSpendIsMadeUpFor(t *testing.T) {
	p := newPacer(midnight, 100, false)
	random := rand.New(rand.NewPCG(1, 2))
	var sent []time.Time
	now := midnight
	for range 5000 {
		now = p.ready(now)
		p.take(now)
		sent = append(sent, now)
		now = now.Add(time.Duration(random.IntN(900)) * time.Millisecond)
		if random.IntN(50) == 0 {
			p.spend(now, 2)
			sent = append(sent, now, now)
		}
	}
	// What was spent outside can exceed the budget by itself, never more.
	if got := mostInAMinute(sent); got > 102 {
		t.Errorf("%d requests in a minute", got)
	}
}

func TestLateSendMovesTheSlots(t *testing.T) {
	p := newPacer(midnight, 60, false)
	p.take(midnight)
	p.moved(midnight.Add(300 * time.Millisecond))
	if got := p.ready(midnight).Sub(midnight); got != 1300*time.Millisecond {
		t.Errorf("the next slot is after %s", got)
	}
}

func TestLimitedPausesAllAndLowersThePace(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{ReportEvery: time.Second})
	limited := true
	r.answer = func(Work) prodsmart.Answer {
		if limited {
			limited = false
			return verdict(prodsmart.Limited)
		}
		return verdict(yes)
	}
	for m := range 3 {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true, Count: 5})
	}
	r.until("06:00:30.4")
	if s := r.desk.Status(r.now); s.Pace != 0.5 || !s.PausedUntil.Equal(at(t, "06:00:30.6")) || len(r.posts) != 1 {
		t.Errorf("after a 429 the status is %+v, posts %v", s, r.posts)
	}
	r.until("06:00:40")
	r.expectEvents(Throttled)
	if len(r.posts) != 4 {
		t.Errorf("the posts are %v", r.posts)
	}
	for n := int64(6); n < 16*60; n++ {
		r.untilTime(r.now.Add(time.Second))
		r.desk.Report(r.now, "M0", prodsmart.Report{Known: true, Count: n})
	}
	if s := r.desk.Status(r.now); s.Pace != 1 {
		t.Errorf("the pace came back to %v", s.Pace)
	}
	r.expectEvents(Throttled, Throttled+over)
}

func TestSeveral429TogetherCountOnce(t *testing.T) {
	p := newPacer(midnight, 100, false)
	p.slower(midnight.Add(time.Second), midnight, 0)
	p.slower(midnight.Add(2*time.Second), midnight.Add(500*time.Millisecond), 0)
	if p.pace != 0.5 {
		t.Errorf("the pace is %v", p.pace)
	}
	for i := range 20 {
		p.slower(midnight.Add(seconds(100+100*i)), midnight.Add(seconds(100+100*i)), 0)
	}
	if p.pace != lowestPace {
		t.Errorf("the lowest pace is %v", p.pace)
	}
}

// TestOneCutAMinute: until the window holds only what the lowered pace put into
// it, another 429 says nothing of that pace.
func TestOneCutAMinute(t *testing.T) {
	p := newPacer(midnight, 100, false)
	now := midnight
	for range 100 {
		now = now.Add(p.interval())
		p.take(now)
	}
	p.slower(now, now, 10*time.Second)
	if p.pace != 0.9 {
		t.Fatalf("the first 429 leaves a pace of %v", p.pace)
	}
	for _, after := range []int{11, 30, 69} {
		again := now.Add(seconds(after))
		p.slower(again, again, 10*time.Second)
		if p.pace != 0.9 {
			t.Fatalf("%d s later it is %v", after, p.pace)
		}
	}
	if again := now.Add(seconds(75)); p.faster(again) || p.pace != 0.9 {
		t.Errorf("the pace rises to %v in the pause", p.pace)
	}
	again := now.Add(seconds(80))
	p.slower(again, again, 10*time.Second)
	if p.pace != 0.45 {
		t.Errorf("after a minute at the lowered pace a 429 leaves %v", p.pace)
	}
}

func TestUnreachableBacksOffWithOneTry(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.answer = func(Work) prodsmart.Answer { return verdict(never) }
	for m := range 20 {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	r.until("06:10:00")
	if n := len(r.posts); n < 20 || n > 25 {
		t.Errorf("%d tries in 10 minutes without a link", n)
	}
	r.expectEvents(Unreachable)
	if s := r.desk.Status(r.now); s.Trouble != Unreachable || s.Oldest != 10*time.Minute || s.Due != 20 {
		t.Errorf("the status is %+v", s)
	}
	r.posts, r.answer = nil, nil
	r.until("06:11:00")
	if len(r.posts) != 20 {
		t.Errorf("%d posts for 20 machines after the outage: %v", len(r.posts), r.posts)
	}
	r.expectEvents(Unreachable, Unreachable+over)
}

func TestUnauthorizedPausesAll(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.answer = func(Work) prodsmart.Answer { return verdict(prodsmart.Unauthorized) }
	r.desk.Report(r.now, "A", prodsmart.Report{Known: true})
	r.desk.Report(r.now, "B", prodsmart.Report{Known: true})
	r.until("06:05:00")
	if len(r.posts) != 5 {
		t.Errorf("the posts are %v", r.posts)
	}
	r.expectEvents(Rejected)
	r.answer = nil
	r.until("06:06:00")
	r.expectEvents(Rejected, Rejected+over)
}

func TestUnclearAnswersFromAllSlowDown(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.answer = func(Work) prodsmart.Answer { return verdict(lost) }
	for m := range 50 {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	r.until("07:00:00")
	if n := len(r.posts); n > 140 {
		t.Errorf("%d tries in an hour without an answer", n)
	}
	r.answer, r.posts = nil, nil
	for m := range 50 {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true, Count: 3})
	}
	r.until("07:02:00")
	if len(r.posts) != 50 {
		t.Errorf("%d posts for 50 machines after the outage", len(r.posts))
	}
}

// TestCatchUp: an outage costs one counter post per machine and one post per
// open transition, however long it was.
func TestCatchUp(t *testing.T) {
	const machines = 40
	r := newRig(t, "06:00:00", Settings{})
	name := func(m int) string { return fmt.Sprint("M", m) }
	for m := range machines {
		r.desk.Report(r.now, name(m), prodsmart.Report{Known: true})
	}
	r.until("06:02:00")
	r.answer = func(Work) prodsmart.Answer { return verdict(never) }
	reports := make([]prodsmart.Report, machines)
	for round := range 1000 {
		r.untilTime(r.now.Add(30 * time.Second))
		for m := range reports {
			reports[m].Known = true
			if reports[m].Stop.Episode == 0 {
				reports[m].Count++
			}
			if (round+m)%7 == 0 {
				if reports[m].Stop.Episode == 0 {
					reports[m].Stop = prodsmart.Stop{Episode: uint64(round + 1), Type: "X"}
				} else {
					reports[m].Stop = prodsmart.Stop{}
				}
			}
			r.desk.Report(r.now, name(m), reports[m])
		}
	}
	open := 0
	for _, rep := range reports {
		if rep.Stop.Episode != 0 {
			open++
		}
	}
	if open == 0 || open == machines {
		t.Fatalf("%d of %d stand: nothing to see", open, machines)
	}
	r.answer, r.posts = nil, nil
	r.untilTime(r.now.Add(5 * time.Minute))
	if len(r.posts) != machines+open {
		t.Errorf("catch-up took %d posts, want %d + %d", len(r.posts), machines, open)
	}
}

func TestEdgesGoFirstAndDoNotStarveTheRest(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{ReportEvery: time.Second})
	for m := range 200 {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	r.until("06:01:00")
	r.desk.Report(r.now, "EDGE", prodsmart.Report{Known: true, Count: 1, Stop: prodsmart.Stop{Episode: 1, Type: "X"}})
	r.posts = nil
	r.until("06:01:01.9")
	r.expect("06:01:00 C 1", "06:01:00 D+ X", "06:01:01 C 0", "06:01:01 C 0") // two slots of 0.6 s
	// 100 machines that flap with every report.
	r.posts = nil
	for n := uint64(1); n < 1000; n++ {
		r.untilTime(r.now.Add(time.Second))
		for m := range 100 {
			rep := prodsmart.Report{Known: true, Count: int64(n / 2)}
			if n%2 == 1 {
				rep.Stop = prodsmart.Stop{Episode: n, Type: "X"}
			}
			r.desk.Report(r.now, fmt.Sprint("M", m), rep)
		}
		for m := 100; m < 200; m++ {
			r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true, Count: int64(n)})
		}
	}
	for _, m := range r.desk.Status(r.now).Machines[100:200] {
		// 100 machines share every fifth slot.
		if m.Age > 5*100*600*time.Millisecond+time.Minute {
			t.Errorf("%s waits for %s", m.Machine, m.Age)
		}
	}
}

func TestPhasesAreSpread(t *testing.T) {
	const machines = 30
	r := newRig(t, "06:00:00", Settings{Budget: 100})
	for m := range machines {
		r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	r.until("06:02:00")
	r.posts = nil
	for n := int64(1); n <= 300; n++ {
		r.untilTime(r.now.Add(time.Second))
		for m := range machines {
			r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true, Count: n})
		}
	}
	perSecond := map[string]int{}
	for _, p := range r.posts {
		perSecond[p[:8]]++
	}
	for s, n := range perSecond {
		if n > 2 {
			t.Errorf("%d posts in the second %s", n, s)
		}
	}
	if n := len(r.posts); n < 290 || n > 310 {
		t.Errorf("%d posts of %d machines in 5 minutes", n, machines)
	}
}
