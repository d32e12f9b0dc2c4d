package uplink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// BenchmarkSchedule lets machines that change all the time spend the budget: 100
// hours below a sliding window of 120 and 100 below a fixed one.
func BenchmarkSchedule(b *testing.B) {
	const hours = 100
	for _, machines := range []int{1, 20, 100, 500, 2000} {
		b.Run(fmt.Sprint("machines=", machines), func(b *testing.B) {
			var sliding, fixed result
			for b.Loop() {
				sliding = saturated(b, machines, hours*time.Hour, mes.WindowSliding)
				fixed = saturated(b, machines, hours*time.Hour, mes.WindowFixed)
			}
			least := (time.Duration(machines) * slotTime).Seconds()
			largest := max(sliding.largest, fixed.largest).Seconds()
			mean := max(sliding.mean, fixed.mean).Seconds()
			b.ReportMetric(sliding.hours+fixed.hours, "hours")
			b.ReportMetric(least, "least-largest-s")
			b.ReportMetric(largest, "largest-s")
			b.ReportMetric(largest/least, "largest/least")
			b.ReportMetric(mean, "mean-s")
			b.ReportMetric(2*mean/least, "mean/least")
			b.ReportMetric(max(sliding.fairness, fixed.fairness), "fairness")
			b.ReportMetric(min(sliding.slots, fixed.slots), "slots-%")
			b.ReportMetric(float64(sliding.limited+fixed.limited), "limited")
		})
	}
}

// BenchmarkWeights is a plant with machines of weight 5, 2 and 1.
func BenchmarkWeights(b *testing.B) {
	for _, machines := range []int{20, 100, 500, 2000} {
		b.Run(fmt.Sprint("machines=", machines), func(b *testing.B) {
			var p *plant
			for b.Loop() {
				p = saturatedPlant(machines, mixedWeights)
				p.warmUp()
				p.run(50 * time.Hour)
			}
			b.ReportMetric(p.gauge.weighted(mixedWeights), "largest/least")
			r := p.gauge.result(p.now)
			b.ReportMetric(r.hours, "hours")
			b.ReportMetric(r.slots, "slots-%")
			b.ReportMetric(p.gauge.known[0].largest.Seconds(), "weight5-s")
			b.ReportMetric(p.gauge.known[2].largest.Seconds(), "weight2-s")
			b.ReportMetric(p.gauge.known[1].largest.Seconds(), "weight1-s")
		})
	}
}

// BenchmarkEdges lets single machines of a saturated plant stop and start.
func BenchmarkEdges(b *testing.B) {
	for _, machines := range []int{1, 20, 100, 500, 2000} {
		b.Run(fmt.Sprint("machines=", machines), func(b *testing.B) {
			var r result
			for b.Loop() {
				p := saturatedPlant(machines, nil)
				p.warmUp()
				p.loneEdges()
				p.run(50 * time.Hour)
				r = p.gauge.result(p.now)
			}
			b.ReportMetric(r.hours, "hours")
			b.ReportMetric(float64(r.edges), "edges")
			b.ReportMetric(r.edgeMost, "largest-slots")
			b.ReportMetric(r.edgeMean, "mean-slots")
		})
	}
}

// BenchmarkWay has answers that take their time, and a budget that leaves nothing of
// the limit.
func BenchmarkWay(b *testing.B) {
	const machines = 100
	for _, budget := range []int{slotsAMinute, 120} {
		for _, takes := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second} {
			b.Run(fmt.Sprintf("budget=%d-%s", budget, takes), func(b *testing.B) {
				var ages, edges result
				for b.Loop() {
					s := saturation(machines, nil)
					s.Budget = budget
					p := newPlant(machines, func(now time.Time) scheduler { return newDeskSide(now, machines, s) })
					p.produce(machines)
					p.limited(b, mes.LimitOptions{})
					p.latency = func() time.Duration { return takes/2 + time.Duration(p.random.Int64N(int64(takes))) }
					p.warmUp()
					p.run(20 * time.Hour)
					ages = p.gauge.result(p.now)
					p.gauge.reset(p.now)
					p.loneEdges()
					p.run(20 * time.Hour)
					edges = p.gauge.result(p.now)
				}
				slot := time.Minute / time.Duration(budget)
				b.ReportMetric(ages.slots*slotsAMinute/float64(budget), "slots-%")
				b.ReportMetric(float64(ages.limited)/ages.hours, "limited/h")
				b.ReportMetric(float64(ages.largest)/float64(machines*slot), "largest/least")
				b.ReportMetric(edges.edgeMost*float64(slotTime)/float64(slot), "largest-slots")
				b.ReportMetric(edges.edgeMean*float64(slotTime)/float64(slot), "mean-slots")
			})
		}
	}
}

// BenchmarkRivals runs every scheduler through the same: eight hours of a saturated
// plant of 100, eight more with stops and starts, an outage of four hours.
func BenchmarkRivals(b *testing.B) {
	const machines = 100
	for _, rival := range rivals() {
		b.Run(rival.name, func(b *testing.B) {
			var ages, edges result
			var r recovery
			for b.Loop() {
				p := newPlant(machines, rival.of(machines))
				p.produce(machines)
				p.warmUp()
				p.run(8 * time.Hour)
				ages = p.gauge.result(p.now)
				p.gauge.reset(p.now)
				p.loneEdges()
				p.run(8 * time.Hour)
				edges = p.gauge.result(p.now)
				r = catchUp(b, rival.afterOutage(), 4*time.Hour)
			}
			least := (machines * slotTime).Seconds()
			b.ReportMetric(ages.largest.Seconds()/least, "largest/least")
			b.ReportMetric(2*ages.mean.Seconds()/least, "mean/least")
			b.ReportMetric(edges.edgeMost, "largest-slots")
			b.ReportMetric(edges.edgeMean, "mean-slots")
			b.ReportMetric(float64(edges.missed), "missed")
			b.ReportMetric(float64(r.posts)/float64(r.need), "posts/need")
			b.ReportMetric(r.took.Minutes(), "in-step-min")
		})
	}
}

// BenchmarkOutage is what it takes to be in step after Prodsmart was out of reach.
func BenchmarkOutage(b *testing.B) {
	for _, rival := range rivals() {
		for _, outage := range []time.Duration{time.Minute, 4 * time.Hour, 72 * time.Hour} {
			b.Run(fmt.Sprintf("%s-%s", rival.name, outage), func(b *testing.B) {
				var r recovery
				for b.Loop() {
					r = catchUp(b, rival.afterOutage(), outage)
				}
				b.ReportMetric(float64(r.posts), "posts")
				b.ReportMetric(float64(r.need), "need")
				b.ReportMetric(float64(r.posts)/float64(r.need), "posts/need")
				b.ReportMetric(r.took.Minutes(), "in-step-min")
			})
		}
	}
}

// BenchmarkForeign shares the limit with a client that takes a part of it.
func BenchmarkForeign(b *testing.B) {
	for _, percent := range []int{0, 30, 60, 90} {
		for _, window := range []mes.Window{mes.WindowSliding, mes.WindowFixed} {
			for _, pattern := range []mes.ForeignPattern{mes.ForeignEven, mes.ForeignPoisson} {
				foreign(b, fmt.Sprintf("%d%%-%s-%s", percent, window, pattern), rivals()[0].of(sharers), percent, window, pattern)
			}
		}
	}
}

// BenchmarkKnowing is BenchmarkForeign for somebody who knows what the other leaves
// on average, and keeps to a part of it.
func BenchmarkKnowing(b *testing.B) {
	for _, percent := range []int{30, 60, 90} {
		for _, part := range []float64{0.9, 0.8, 0.7, 0.6} {
			foreign(b, fmt.Sprintf("%d%%-pace=%g", percent, part), knowing(sharers, part*float64(leftBy(percent))), percent, mes.WindowSliding, mes.ForeignPoisson)
		}
	}
}

func foreign(b *testing.B, name string, side func(time.Time) scheduler, percent int, window mes.Window, pattern mes.ForeignPattern) {
	b.Run(name, func(b *testing.B) {
		var s shared
		for b.Loop() {
			s = withForeign(b, side, percent, window, pattern, 50*time.Hour)
		}
		b.ReportMetric(s.left, "left/min")
		b.ReportMetric(s.used, "used/min")
		b.ReportMetric(100*s.used/s.left, "used-%")
		b.ReportMetric(s.perHour, "limited/h")
		b.ReportMetric(s.theirs, "their-limited/h")
		b.ReportMetric(s.largest, "largest/least")
	})
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
