package uplink

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// plant reports machines A to E, each a piece further, every 10 s until the
// given time.
func (r *rig) plant(from int64, end string) int64 {
	r.t.Helper()
	n := from
	for last := at(r.t, end); r.now.Before(last); n++ {
		for _, m := range "ABCDE" {
			r.desk.Report(r.now, string(m), good(n))
		}
		r.untilTime(r.now.Add(10 * time.Second))
	}
	return n
}

// TestOneMachineDenied: what one machine is denied for ever costs the others
// hardly anything, is an alarm that names the machine, and ends by itself.
func TestOneMachineDenied(t *testing.T) {
	for _, v := range []prodsmart.Verdict{prodsmart.Unauthorized, never} {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, "06:00:00", Settings{})
			bad := true
			r.answer = func(w Work) prodsmart.Answer {
				if bad && w.Machine == "C" {
					return verdict(v)
				}
				return verdict(yes)
			}
			n := r.plant(0, "08:00:00")
			for _, m := range []string{"A", "B", "D", "E"} {
				// Two a minute, less those of one pause.
				if got := r.accepts[m]; got < 235 {
					t.Errorf("%s was told %d times in two hours", m, got)
				}
			}
			if got := len(r.posts) - r.accepts["A"] - r.accepts["B"] - r.accepts["D"] - r.accepts["E"]; got > 25 {
				t.Errorf("C was tried %d times in two hours", got)
			}
			var alarms []string
			for _, e := range r.events {
				if e.Level == Alarm {
					alarms = append(alarms, e.Machine+" "+string(e.Code))
				}
			}
			trouble := Rejected
			if v == never {
				trouble = Unreachable
			}
			if got := strings.Join(alarms, ", "); got != fmt.Sprintf(" %s, C %s", trouble, MachineRefused) {
				t.Errorf("alarms: %s", got)
			}
			s := r.desk.Status(r.now)
			if s.Trouble != "" || s.Machines[2].Parked == "" || s.Machines[2].ParkedUntil.IsZero() {
				t.Errorf("the status is %+v", s)
			}
			bad = false
			r.events = nil
			r.plant(n, "09:10:00")
			if got := r.accepts["C"]; got < 20 {
				t.Errorf("C was told %d times after it was let in", got)
			}
			r.expectEvents(MachineRefused + over)
			if m := r.desk.Status(r.now).Machines[2]; m.Parked != "" {
				t.Errorf("the status is %+v", m)
			}
		})
	}
}

// TestOneServiceDenied: a machine that may count but not stop goes on counting,
// and costs the others one pause, not one for each stop.
func TestOneServiceDenied(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	r.answer = func(w Work) prodsmart.Answer {
		if w.Machine == "C" && w.Post.Service == prodsmart.StartStopService {
			return verdict(prodsmart.Unauthorized)
		}
		return verdict(yes)
	}
	n := int64(0)
	for episode := uint64(1); episode <= 12; episode++ {
		r.desk.Report(r.now, "C", prodsmart.Report{Known: true, Count: n, Stop: prodsmart.Stop{Episode: episode, Type: "X"}})
		for range 30 {
			n++
			r.desk.Report(r.now, "D", good(n))
			r.untilTime(r.now.Add(10 * time.Second))
		}
		n = r.plant(n+1, r.now.Add(5*time.Minute).Format("15:04:05"))
	}
	if got := r.accepts["D"]; got < 235 {
		t.Errorf("D was told %d times", got)
	}
	if got := r.accepts["C"]; got < 80 {
		t.Errorf("C was told %d times", got)
	}
	shut := 0
	for _, e := range r.events {
		if e.Code == Rejected && !e.Over {
			shut++
		}
	}
	if shut != 1 {
		t.Errorf("%d times nothing was told: %s", shut, r.codes())
	}
}

// TestCredentialsThatWereWrongForAll: nobody is parked for what concerned all,
// and not for an acceptance of something sent before.
func TestCredentialsThatWereWrongForAll(t *testing.T) {
	r := newRig(t, "06:00:00", Settings{})
	n := r.plant(0, "06:10:00")
	r.answer = func(Work) prodsmart.Answer { return verdict(prodsmart.Unauthorized) }
	n = r.plant(n, "07:00:00")
	if got := len(r.posts) - r.accepts["A"] - r.accepts["B"] - r.accepts["C"] - r.accepts["D"] - r.accepts["E"]; got > 51 {
		t.Errorf("%d tries in 50 minutes", got)
	}
	r.answer = nil
	r.plant(n, "07:02:30")
	r.expectEvents(Rejected, Rejected+over)
	for _, m := range r.desk.Status(r.now).Machines {
		if m.Age > time.Minute {
			t.Errorf("%s waits for %s", m.Machine, m.Age)
		}
	}

	now := midnight
	d := NewDesk(now, Settings{})
	var works []Work
	for _, m := range []string{"A", "B"} {
		d.Report(now, m, good(1))
		now = now.Add(time.Second)
		w, _, ok := d.Next(now)
		if !ok {
			t.Fatal("nothing to send")
		}
		works = append(works, w)
	}
	d.Done(now, works[1], verdict(prodsmart.Unauthorized))
	d.Done(now, works[0], verdict(yes)) // sent before that
	now = now.Add(time.Minute)
	w, _, ok := d.Next(now)
	if !ok || w.Machine != "B" {
		t.Fatalf("the next is %+v", w.Post)
	}
	d.Done(now, w, verdict(prodsmart.Unauthorized))
	if s := d.Status(now); s.Trouble != Rejected || s.Machines[1].Parked != "" {
		t.Errorf("the status is %+v", s)
	}
}

// TestAllButOneDenied: however many machines are turned away, the one that is
// not goes on, and the whole service is in trouble a few times at most.
func TestAllButOneDenied(t *testing.T) {
	for _, v := range []prodsmart.Verdict{prodsmart.Unauthorized, never} {
		t.Run(v.String(), func(t *testing.T) {
			r := newRig(t, "06:00:00", Settings{})
			r.answer = func(w Work) prodsmart.Answer {
				if w.Machine == "A" {
					return verdict(yes)
				}
				return verdict(v)
			}
			r.plant(0, "08:00:00")
			if got := r.accepts["A"]; got < 230 {
				t.Errorf("A was told %d times", got)
			}
			shut, refused := 0, 0
			for _, e := range r.events {
				switch {
				case e.Over:
				case e.Machine == "":
					shut++
				case e.Code == MachineRefused:
					refused++
				}
			}
			if shut > 8 || refused != 4 || len(r.posts)-r.accepts["A"] > 110 {
				t.Errorf("%d refused tries: %s", len(r.posts)-r.accepts["A"], r.codes())
			}
		})
	}
}

// TestManyDeniedInARowIsAnOutage: when nobody gets through any more, that is
// not the own trouble of each, even of machines that were once alone with it.
func TestManyDeniedInARowIsAnOutage(t *testing.T) {
	now := midnight
	d := NewDesk(now, Settings{})
	for m := range unclearLimit {
		code := fmt.Sprint("M", m)
		d.Report(now, code, good(1))
		d.byCode[code].denied[prodsmart.CounterService] = denial{at: now, wait: parking{times: 1}}
	}
	for m := range unclearLimit {
		if s := d.Status(now); s.Trouble != "" {
			t.Errorf("after %d machines the status is %+v", m, s)
		}
		now = now.Add(600 * time.Millisecond)
		w, _, ok := d.Next(now)
		if !ok || w.Machine != fmt.Sprint("M", m) {
			t.Fatalf("the next is %+v", w.Post)
		}
		d.Done(now, w, verdict(never))
	}
	if s := d.Status(now); s.Trouble != Unreachable {
		t.Errorf("the status is %+v", s)
	}
}
