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
	restless := map[string]*prodsmart.Report{}
	flip := func(now time.Time, machine string) { // each does the opposite once it was told
		r := restless[machine]
		if r.Stop.Episode++; r.Stop.Episode%2 == 0 {
			d.Report(now, machine, prodsmart.Report{Known: true})
		} else {
			d.Report(now, machine, prodsmart.Report{Known: true, Stop: prodsmart.Stop{Episode: r.Stop.Episode, Type: "X"}})
		}
	}
	for i := range 200 {
		machine := fmt.Sprint("R", i)
		restless[machine] = &prodsmart.Report{}
		d.Add(midnight, machine, Record{Told: Told{Counted: true}})
		flip(midnight, machine)
	}
	for i := range 10 {
		machine := fmt.Sprint("M", i)
		d.Add(midnight, machine, Record{Told: Told{Counted: true, Stop: prodsmart.Stop{Episode: 1, Type: "X"}}})
		d.Report(midnight, machine, prodsmart.Report{Known: true, Count: 5})
	}
	// The ten starts wait for the 200 stops, which came before; five of six slots
	// are for them at most.
	limit := midnight.Add(210*600*time.Millisecond*5/4 + 10*time.Second + 5*11*600*time.Millisecond)
	now, told := midnight, 0
	for told < 10 && now.Before(limit) {
		w, wake, ok := d.Next(now)
		if !ok {
			now = wake
			continue
		}
		d.Done(now, w, verdict(yes))
		if restless[w.Machine] != nil {
			flip(now, w.Machine)
		} else if w.kind == tellCounter {
			told++
		}
	}
	if told < 10 {
		t.Errorf("%d of 10 counters after a start were told by %s", told, limit)
	}
}
