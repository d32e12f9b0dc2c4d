package uplink

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// making is a report of n pieces, of which the order began at began.
func making(t *testing.T, n int64, order, since string, began int64) prodsmart.Report {
	return prodsmart.Report{Count: n, Order: order, OrderSince: at(t, since), OrderCount: began}
}

func TestTheCounterGoesOutWhenTheOrderChanges(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{Unpaced: true, Aligned: true, ReportEvery: 30 * time.Second})
	r.report("06:00:00", making(t, 0, "A", "06:00:00", 0))
	r.report("06:00:31", making(t, 5, "A", "06:00:00", 0))
	r.report("06:01:02", making(t, 9, "A", "06:00:00", 0))
	r.report("06:01:10", making(t, 9, "B", "06:01:10", 9))
	r.report("06:01:11", making(t, 10, "B", "06:01:10", 9)) // not before its tick
	r.report("06:01:40", making(t, 10, "C", "06:01:40", 10))
	r.report("06:02:10", making(t, 10, "D", "06:02:10", 10)) // nothing to tell
	r.until("06:03:00")
	r.expect("06:00:00 C 0", "06:01:00 C 5", "06:01:10 C 9", "06:01:30 C 10")
	r.expectEvents()
}

func TestTheCounterOfAnOrderGoesBeforeOtherMachines(t *testing.T) {
	d, count := crowd(50)
	now := midnight
	for ; now.Before(midnight.Add(5 * time.Minute)); now = now.Add(time.Second) {
		count(now)
		if w, _, ok := d.Next(now); ok {
			d.Done(now, w, verdict(yes))
		}
	}
	const machine = "M7"
	made := d.byCode[machine].report.Count
	d.Report(now, machine, prodsmart.Report{Known: true, Count: made, Order: "B", OrderCount: made, OrderSince: now})
	if w, _, _ := d.Next(now); w.Machine != machine {
		t.Errorf("the slot after an order change went to %s", w.Machine)
	}
}

func backlogSettings(b Backlog) Settings {
	return Settings{Unpaced: true, Aligned: true, Backlog: b, ReportEvery: 30 * time.Second, Machines: map[string]Machine{"M": {DefaultType: "UNSPEC"}}}
}

// outage plays a link that is down while an order ends: 40 of 50 untold pieces
// are of order A.
func outage(t *testing.T, s Settings, between func(r *rig)) *rig {
	r := newRig(t, "06:00:00", s)
	down := false
	r.answer = func(Work) prodsmart.Answer {
		if down {
			return verdict(never)
		}
		return verdict(yes)
	}
	r.report("06:00:00", making(t, 100, "A", "06:00:00", 0))
	r.until("06:00:10")
	down = true
	r.report("06:10:00", making(t, 140, "A", "06:00:00", 0))
	r.report("06:20:00", making(t, 140, "B", "06:20:00", 140))
	r.report("06:30:00", making(t, 150, "B", "06:20:00", 140))
	between(r)
	down = false
	r.until("06:40:00")
	r.posts = nil
	return r
}

func TestABacklogIsPostedAndNamed(t *testing.T) {
	r := outage(t, backlogSettings(PostBacklog), func(*rig) {})
	last := r.events[len(r.events)-1]
	want := Event{Time: last.Time, Machine: "M", Code: BacklogLate, Level: Notice, Pieces: 40, Order: "A",
		From: at(t, "06:00:00"), To: at(t, "06:20:00"), Text: last.Text}
	if last != want {
		t.Errorf("the last event is %+v\nwant %+v", last, want)
	}
	if told := r.desk.told("M"); told.Count != 150 || told.Order != "B" {
		t.Errorf("told %+v", told)
	}
}

func TestABacklogIsHeldUntilReleased(t *testing.T) {
	r := outage(t, backlogSettings(HoldBacklog), func(*rig) {})
	s := r.desk.Status(r.now)
	if m := s.Machines[0]; m.Held != 40 || m.Record.Told.Count != 100 || !m.Next.IsZero() {
		t.Fatalf("nothing is held: %+v", m)
	}
	// Stops and starts go on, without the counter.
	r.events = nil
	stop := making(t, 151, "B", "06:20:00", 140)
	stop.Stop = prodsmart.Stop{Episode: 1, Type: "X", Since: at(t, "06:41:00")}
	r.report("06:41:00", stop)
	r.report("06:42:00", making(t, 151, "B", "06:20:00", 140))
	r.until("06:43:00")
	r.expect("06:41:00 D+ X", "06:42:00 D- X")
	if r.desk.Release(r.now, "other") {
		t.Error("a strange machine is released")
	}
	if !r.desk.Release(r.now, "M") || r.desk.Release(r.now, "M") {
		t.Error("Release does not tell what is held")
	}
	r.until("06:44:00")
	r.expect("06:41:00 D+ X", "06:42:00 D- X", "06:43:00 C 151")
	r.expectEvents(Unreachable+over, BacklogHeld+over, BacklogLate)
	if e := r.events[len(r.events)-1]; !e.From.Equal(at(t, "06:00:00")) || !e.To.Equal(at(t, "06:20:00")) {
		t.Errorf("the pieces were made from %s to %s", e.From, e.To) // whatever was told of stops since
	}
	// The next order is another matter.
	r.report("06:45:00", making(t, 160, "C", "06:43:30", 155))
	r.until("06:50:00")
	if s := r.desk.Status(r.now); s.Machines[0].Held == 0 {
		t.Error("a release holds for ever")
	}
}

// TestHoldingBindsWhatStopsLetThrough: the slot that a run of stops leaves to the
// one that waits longest tells no backlog that is to be held by now.
func TestHoldingBindsWhatStopsLetThrough(t *testing.T) {
	s := backlogSettings(HoldBacklog)
	s.Unpaced, s.Budget = false, 60
	r := newRig(t, "06:00:00", s)
	r.report("06:00:00", making(t, 100, "A", "06:00:00", 0))
	r.until("06:00:10")
	r.desk.pace.next = at(t, "06:01:45") // the slots are taken
	r.report("06:00:40", making(t, 140, "A", "06:00:00", 0))
	r.report("06:00:41", making(t, 140, "B", "06:00:41", 140))
	for i := range 20 {
		stop := stopped(0, 1, "X")
		stop.Known = true
		r.desk.Report(at(t, "06:01:44"), fmt.Sprint("S", i), stop)
	}
	r.now = at(t, "06:01:44")
	r.until("06:02:30")
	r.expectEvents(BacklogHeld)
	for _, p := range r.posts {
		if strings.Contains(p, "C 140") {
			t.Errorf("the backlog was told: %v", r.posts)
		}
	}
}

// A record of a gateway that did not know orders names none.
func TestAnUnknownOrderIsNotNoOrder(t *testing.T) {
	r := newRig(t, "06:40:00", backlogSettings(HoldBacklog))
	r.desk.Add(r.now, "M", Record{Told: Told{Counted: true, Count: 100}})
	r.report("06:40:00", making(t, 150, "B", "06:20:00", 140))
	r.until("06:50:00")
	r.expectEvents(BacklogHeld)
	if text := r.events[0].Text; !strings.HasPrefix(text, "40 pieces of an earlier order could not") {
		t.Error(text)
	}
}

func TestABacklogIsHeldAcrossARestart(t *testing.T) {
	var record Record
	outage(t, backlogSettings(HoldBacklog), func(r *rig) { record, _ = r.desk.record("M") })
	r := newRig(t, "06:40:00", backlogSettings(HoldBacklog))
	r.desk.Add(r.now, "M", record)
	r.report("06:40:00", making(t, 150, "B", "06:20:00", 140))
	r.until("06:50:00")
	r.expect()
	r.expectEvents(BacklogHeld)
	if e := r.events[0]; e.Pieces != 40 || e.Order != "A" || !e.To.Equal(at(t, "06:20:00")) {
		t.Errorf("the event is %+v", e)
	}
}

func TestWhatMayHaveBeenAppliedIsNotHeld(t *testing.T) {
	r := newRig(t, "06:00:00", backlogSettings(HoldBacklog))
	r.answer = answers(yes, lost, no)
	r.report("06:00:00", making(t, 0, "A", "06:00:00", 0))
	r.report("06:00:10", making(t, 9, "A", "06:00:00", 0))
	r.report("06:00:20", making(t, 9, "B", "06:00:20", 9))
	r.until("06:10:00")
	r.expect("06:00:00 C 0", "06:00:20 C 9 ambiguous", "06:02:20 C 9 refused")
	r.expectEvents(AnswerLost, BacklogLate, TakenAsTold)
}

func TestFreshnessWeighs(t *testing.T) {
	s := Settings{Budget: 60, ReportEvery: 10 * time.Second, Machines: map[string]Machine{}}
	for i := range 30 {
		s.Machines[fmt.Sprint("M", i)] = Machine{Freshness: map[bool]float64{true: 3, false: 0}[i < 10]}
	}
	d := NewDesk(midnight, s)
	posts := map[string]int{}
	var n int64
	for now := midnight; now.Before(midnight.Add(time.Hour)); now = now.Add(time.Second) {
		n++
		for i := range 30 {
			d.Report(now, fmt.Sprint("M", i), prodsmart.Report{Known: true, Count: n})
		}
		if w, _, ok := d.Next(now); ok {
			d.Done(now, w, verdict(yes))
			posts[w.Machine]++
		}
	}
	// 10 machines ask for three times as much as 20 others: 3600 = 10*3x + 20*x.
	for i := range 30 {
		want := 72.
		if i < 10 {
			want = 216
		}
		if got := float64(posts[fmt.Sprint("M", i)]); got < 0.9*want || got > 1.1*want {
			t.Errorf("M%d got %v posts instead of %v", i, got, want)
		}
	}
}
