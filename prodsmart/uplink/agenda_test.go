package uplink

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// mostUrgent looks at all lanes, as the agenda need not.
func mostUrgent(d *Desk, now time.Time) *lane {
	var best *lane
	for _, l := range d.lanes {
		if l.plan.kind == idle || l.plan.at.After(now) || !d.mayLeave(l.plan.class) {
			continue
		}
		if best == nil || l.plan.before(best.plan, now) {
			best = l
		}
	}
	return best
}

func TestTheAgendaFindsTheMostUrgent(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		s := Settings{Budget: 100, InFlight: 2 + random.IntN(4), Machines: map[string]Machine{}}
		for i := range 40 {
			s.Machines[fmt.Sprint("M", i)] = Machine{
				DefaultType: "X", Freshness: []float64{0, 1, 3}[random.IntN(3)],
				ReportEvery: time.Duration(1+random.IntN(3)) * 10 * time.Second,
			}
		}
		d := NewDesk(midnight, s)
		reports := make([]prodsmart.Report, 40)
		var flights []Work
		compared := 0
		for now := midnight; now.Before(midnight.Add(20 * time.Minute)); now = now.Add(100 * time.Millisecond) {
			for range random.IntN(3) {
				i := random.IntN(len(reports))
				r := &reports[i]
				r.Known = true
				r.Count += int64(random.IntN(2))
				if random.IntN(30) == 0 {
					r.Stop = prodsmart.Stop{Episode: r.Stop.Episode + 1, Type: "X", Since: now}
				} else if random.IntN(30) == 0 {
					r.Stop = prodsmart.Stop{}
				}
				if random.IntN(10) == 0 {
					r.Parameters = []prodsmart.Parameter{{Name: "t", Code: "t", Value: "1", Version: uint64(now.Sub(midnight))}}
				}
				d.Report(now, fmt.Sprint("M", i), *r)
			}
			if random.IntN(2000) == 0 {
				d.Forget(fmt.Sprint("M", random.IntN(40)))
			}
			for len(flights) > 0 && random.IntN(3) == 0 {
				w := flights[0]
				flights = flights[1:]
				d.Done(now, w, verdict([]prodsmart.Verdict{yes, yes, yes, yes, lost, no}[random.IntN(6)]))
			}
			edges, want := d.edges, mostUrgent(d, now)
			trouble := d.gate.why != ""
			w, _, ok := d.Next(now)
			if !ok {
				continue
			}
			flights = append(flights, w)
			if edges >= edgeRun || trouble {
				continue // other rules have their say
			}
			compared++
			if want == nil || w.Machine != want.machine {
				t.Fatalf("seed %d at %s: %s leaves, %v is the most urgent", seed, now, w.Machine, want)
			}
		}
		if compared < 500 {
			t.Errorf("seed %d: %d works compared", seed, compared)
		}
	}
}

// TestCountersAfterAStartDoNotStarve has 10 machines that begin to run, while 200
// others stop and start without end.
func TestCountersAfterAStartDoNotStarve(t *testing.T) {
	d := NewDesk(midnight, Settings{Budget: 100})
	restless := make([]prodsmart.Report, 200)
	flap := func(now time.Time) {
		for i := range restless {
			r := &restless[i]
			r.Known = true
			if r.Stop.Episode == 0 || now.Unix()%2 == 0 {
				r.Stop = prodsmart.Stop{Episode: uint64(now.Unix()), Type: "X"}
			} else {
				r.Stop = prodsmart.Stop{}
			}
			d.Report(now, fmt.Sprint("R", i), *r)
		}
	}
	now := midnight
	next := func() (Work, bool) {
		w, wake, ok := d.Next(now)
		if !ok {
			now = wake
			w, _, ok = d.Next(now)
		}
		if ok {
			d.Done(now, w, verdict(yes))
		}
		return w, ok
	}
	for i := range 10 {
		d.Add(now, fmt.Sprint("M", i), Record{Told: Told{Counted: true, Stop: prodsmart.Stop{Episode: 1, Type: "X"}}})
		d.Report(now, fmt.Sprint("M", i), prodsmart.Report{Known: true, Count: 5})
	}
	told := map[string]bool{}
	for last := now; now.Before(midnight.Add(time.Hour)); {
		if now.Sub(last) >= time.Second {
			last = now
			flap(now)
		}
		w, ok := next()
		if ok && w.Machine[0] == 'M' && w.kind == tellCounter {
			told[w.Machine] = true
		}
		if len(told) == 10 {
			break
		}
	}
	// Ten starts, ten seconds of patience, and then every fifth slot.
	if limit := 10*600*time.Millisecond + afterPatience + 5*11*600*time.Millisecond; now.Sub(midnight) > limit {
		t.Errorf("%d of 10 counters after a start were told after %v", len(told), now.Sub(midnight))
	}
}
