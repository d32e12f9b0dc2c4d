package uplink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// saturated is a plant that asks for more than the budget: every machine counts
// a piece every tenth of its share of time.
type saturated struct {
	largest, mean time.Duration
	bound         time.Duration
	slotsUsed     float64
	limited       int
}

// saturate runs machines for a time and measures the age of what Prodsmart
// knows, after three rounds in which everybody is told for the first time.
func saturate(machines int, d time.Duration) saturated {
	const budget, latency = 100, 10 * time.Millisecond
	share := time.Duration(machines) * minute / budget
	now := midnight
	desk := NewDesk(now, Settings{Budget: budget, ReportEvery: max(share*8/10, 100*time.Millisecond)})
	names := make([]string, machines)
	known := make([]time.Time, machines) // the moment that Prodsmart's number is from
	index := map[string]int{}
	for i := range names {
		names[i] = fmt.Sprint("M", i)
		index[names[i]] = i
	}
	change := share / 10
	warm := now.Add(3*share + time.Second)
	end := warm.Add(d)
	var count int64
	var sum float64
	posts := 0
	var most time.Duration
	var sent []time.Time
	nextChange := now
	for now.Before(end) {
		if !nextChange.After(now) {
			count++
			for _, name := range names {
				desk.Report(now, name, prodsmart.Report{Known: true, Count: count})
			}
			nextChange = nextChange.Add(change)
		}
		w, wake, ok := desk.Next(now)
		if !ok {
			now = nextChange
			if !wake.IsZero() && wake.Before(now) {
				now = wake
			}
			continue
		}
		taken := now
		now = now.Add(latency)
		desk.Done(now, w, prodsmart.Answer{Verdict: prodsmart.Accepted})
		i := index[w.Machine]
		if taken.After(warm) {
			// Between two posts the age climbs from the latency to this.
			age := now.Sub(known[i])
			most = max(most, age)
			sum += age.Seconds() * age.Seconds() / 2
			posts++
			sent = append(sent, taken)
		}
		known[i] = taken
	}
	mean := sum / (float64(machines) * d.Seconds())
	return saturated{
		largest: most, mean: time.Duration(mean * float64(time.Second)),
		bound:     time.Duration(1.05 * float64(share)),
		slotsUsed: float64(posts) / (d.Minutes() * budget), limited: mostInAMinute(sent),
	}
}

func TestSaturatedAgesStretchEvenly(t *testing.T) {
	for _, machines := range []int{1, 20, 100} {
		s := saturate(machines, time.Hour)
		if s.largest > s.bound || s.mean > s.bound/2 || s.slotsUsed < 0.99 || s.limited > 100 {
			t.Errorf("%d machines: largest age %s, mean %s, bound %s, %.1f %% of the slots, %d in a minute",
				machines, s.largest, s.mean, s.bound, 100*s.slotsUsed, s.limited)
		}
	}
}

func BenchmarkSchedule(b *testing.B) {
	for _, machines := range []int{1, 20, 100, 500, 2000} {
		b.Run(fmt.Sprint("machines=", machines), func(b *testing.B) {
			var s saturated
			for b.Loop() {
				s = saturate(machines, 4*time.Hour)
			}
			b.ReportMetric(s.largest.Seconds(), "largest_age_s")
			b.ReportMetric(s.mean.Seconds(), "mean_age_s")
			b.ReportMetric(s.bound.Seconds(), "bound_s")
			b.ReportMetric(float64(s.largest)/float64(s.bound), "largest/bound")
			b.ReportMetric(2*float64(s.mean)/float64(s.bound), "mean/halfbound")
			b.ReportMetric(100*s.slotsUsed, "slots_used_%")
		})
	}
}

// BenchmarkReport is what sample ingestion pays for an unchanged and a growing
// count.
func BenchmarkReport(b *testing.B) {
	for _, grows := range []int64{0, 1} {
		b.Run(fmt.Sprint("grows=", grows), func(b *testing.B) {
			desk := NewDesk(midnight, Settings{})
			rep := prodsmart.Report{Known: true, Waste: []prodsmart.Waste{{Code: "S"}, {Code: "T"}}}
			b.ReportAllocs()
			now := midnight
			for b.Loop() {
				rep.Count += grows
				now = now.Add(time.Millisecond)
				desk.Report(now, "M", rep)
			}
		})
	}
}
