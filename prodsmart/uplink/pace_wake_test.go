package uplink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

func TestStatus(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{Budget: 60})
	r.desk.Report(r.now, "M", prodsmart.Report{Known: true})
	r.until("06:00:05")
	r.desk.Report(r.now, "M", prodsmart.Report{Known: true, Count: 2})
	s := r.desk.Status(r.now.Add(time.Second))
	if s.Budget != 60 || s.Slot != time.Second || s.Used != 1 || s.Pace != 1 || s.Oldest != time.Second || len(s.Machines) != 1 {
		t.Errorf("the status is %+v", s)
	}
	if m := s.Machines[0]; m.Age != time.Second || !m.Record.Told.Counted || m.Report.Count != 2 || m.Next.IsZero() {
		t.Errorf("the machine's status is %+v", m)
	}
}

func TestForget(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.desk.Report(r.now, "M", prodsmart.Report{Known: true})
	w, _, ok := r.desk.Next(r.now.Add(time.Second))
	if !ok {
		t.Fatal("nothing to send")
	}
	r.desk.Forget("M")
	if _, ours := r.desk.Done(r.now.Add(time.Second), w, verdict(yes)); ours {
		t.Error("a forgotten machine takes an answer")
	}
	if s := r.desk.Status(r.now); len(s.Machines) != 0 || s.InFlight != 0 {
		t.Errorf("the status is %+v", s)
	}
}

func TestReportWakesOnlyForSomethingSooner(t *testing.T) {
	now := midnight
	d := NewDesk(now, Settings{})
	if !d.Report(now, "A", prodsmart.Report{Known: true}) {
		t.Error("the first report does not wake")
	}
	d.Next(now) // the first slot is still to come
	if d.Report(now, "A", prodsmart.Report{Known: true, Count: 1}) || d.Report(now, "B", prodsmart.Report{Known: true}) {
		t.Error("a report wakes although the slot is not there")
	}
	now = now.Add(time.Minute)
	for {
		w, wake, ok := d.Next(now)
		if !ok && wake.IsZero() {
			break
		}
		if now = wake; ok {
			d.Done(now, w, verdict(yes))
		}
	}
	if !d.Report(now, "A", prodsmart.Report{Known: true, Count: 2}) {
		t.Error("something new does not wake")
	}
	d.Next(now)
	if d.Report(now, "A", prodsmart.Report{Known: true, Count: 3}) {
		t.Error("more of the same wakes")
	}
	if !d.Report(now, "A", prodsmart.Report{Known: true, Count: 3, Stop: prodsmart.Stop{Episode: 1, Type: "X"}}) {
		t.Error("a stop does not wake")
	}
}

func TestFailuresThatWereTogetherCountOnce(t *testing.T) {
	now := midnight
	d := NewDesk(now, Settings{})
	var works []Work
	for m := range 3 {
		d.Report(now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	for range 3 {
		now = now.Add(time.Second)
		w, _, ok := d.Next(now)
		if !ok {
			t.Fatal("nothing to send")
		}
		works = append(works, w)
	}
	now = now.Add(time.Second)
	for _, w := range works {
		d.Done(now, w, verdict(never))
	}
	if s := d.Status(now); !s.PausedUntil.Equal(now.Add(time.Second)) {
		t.Errorf("three failures at once pause for %s", s.PausedUntil.Sub(now))
	}
}

// TestRecoveryWakesAll: pauses that grew in an outage end with it.
func TestRecoveryWakesAll(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.answer = func(Work) prodsmart.Answer { return verdict(lost) }
	for n := range int64(120) {
		for m := range 6 {
			r.desk.Report(r.now, fmt.Sprint("M", m), prodsmart.Report{Known: true, Count: n})
		}
		r.untilTime(r.now.Add(30 * time.Second))
	}
	var accepted []time.Time
	r.answer = func(Work) prodsmart.Answer {
		accepted = append(accepted, r.now)
		return verdict(yes)
	}
	r.untilTime(r.now.Add(5 * time.Minute))
	// The machine that was tried last has not counted since and waits for that.
	if len(accepted) != 6 || accepted[4].Sub(accepted[0]) > 10*time.Second || accepted[5].Sub(accepted[0]) > 2*time.Minute {
		t.Errorf("the outage is made up for at %v", accepted)
	}
}

// TestLastSeatIsForEdges: requests that hang leave room for a stop.
func TestLastSeatIsForEdges(t *testing.T) {
	now := midnight
	d := NewDesk(now, Settings{InFlight: 3})
	for m := range 5 {
		d.Report(now, fmt.Sprint("M", m), prodsmart.Report{Known: true})
	}
	for range 2 {
		now = now.Add(time.Second)
		if _, _, ok := d.Next(now); !ok {
			t.Fatal("nothing to send")
		}
	}
	now = now.Add(time.Second)
	if w, _, ok := d.Next(now); ok {
		t.Fatalf("%s takes the last seat", w.Post.Body)
	}
	if s := d.Status(now); s.InFlight != 2 || s.Machines[0].Age != 3*time.Second || !s.Machines[0].Sending {
		t.Errorf("the status is %+v", s)
	}
	if !d.Report(now, "M4", prodsmart.Report{Known: true, Stop: prodsmart.Stop{Episode: 1, Type: "X"}}) {
		t.Error("the stop does not wake")
	}
	if w, _, ok := d.Next(now); !ok || w.Machine != "M4" {
		t.Errorf("the stop does not get the last seat: %+v", w.Post)
	}
}
