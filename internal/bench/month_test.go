package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// The month: every machine is sampled every sampleEvery, counts, wraps, stops
// now and then, changes a process value and loses its link once a day.
const (
	monthMachines = 20
	month         = 30 * 24 * time.Hour
	sampleEvery   = 5 * time.Second
)

// BenchmarkMonth runs rules and uplink through a month on a virtual clock and
// compares the memory in use after the first day with that after the last.
func BenchmarkMonth(b *testing.B) {
	for b.Loop() {
		p := newMonth(b)
		p.run(24 * time.Hour)
		first := heap()
		p.run(month - 24*time.Hour)
		last := heap()
		runtime.KeepAlive(p)
		b.ReportMetric(first/1e6, "first-day-MB")
		b.ReportMetric(last/1e6, "last-day-MB")
		b.ReportMetric(last/first, "x-first-day")
		b.ReportMetric(float64(p.total), "samples")
		b.ReportMetric(float64(p.posts), "posts")
		if p.posts == 0 || p.stops == 0 {
			b.Fatalf("%d posts and %d stops in a month: the plant stood still", p.posts, p.stops)
		}
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// monthPlant is rules and desk without files and networks.
type monthPlant struct {
	tb      testing.TB
	now     time.Time
	step    int64
	feed    *mapping.Feed
	units   []*mapping.Machine
	codes   []string
	out     mapping.Outcome
	desk    *uplink.Desk
	samples []connectors.Sample
	counts  [monthMachines]int64

	posts, stops, total int
}

func machineCode(machine int) string { return fmt.Sprintf("M%04d", machine) }

// monthSite is the machines of the month.
func monthSite() string {
	text := "connections: {plc: {modbus: {address: \"tcp://127.0.0.1:1502\"}}}\nmachines:\n"
	for m := range monthMachines {
		text += fmt.Sprintf(`  %s:
    ideal_cycle: 5s
    count: {tag: "%d/holding:0", is: good, wraps_at: 65536}
    waste: {SCRAP: {tag: "%d/holding:2", type: uint32, resets: true}}
    state: {tag: "%d/discrete:0", running: true}
    reason: {tag: "%d/holding:4", types: {1: JAM, 2: TOOL}}
    parameters: {temperature: {tag: "%d/holding:6", every: 60s, deadband: 2}}
`, machineCode(m), m+1, m+1, m+1, m+1, m+1)
	}
	return text
}

func newMonth(tb testing.TB) *monthPlant {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(monthSite()), 0o600); err != nil {
		tb.Fatal(err)
	}
	c, problems := config.Load(path, config.Options{Lean: true})
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	p := &monthPlant{tb: tb, now: start, desk: uplink.NewDesk(start, c.Uplink())}
	var specs []*mapping.Spec
	for i := range c.Machines {
		spec := &c.Machines[i].Spec
		specs = append(specs, spec)
		machine, err := mapping.New(*spec)
		if err != nil {
			tb.Fatal(err)
		}
		p.units, p.codes = append(p.units, machine), append(p.codes, spec.Code)
	}
	p.feed = mapping.Feeds(specs)[0]
	return p
}

// run lets a time pass: a batch of all machines, then whatever the uplink has to
// say until the next one.
func (p *monthPlant) run(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); p.step++ {
		p.feed.Split(p.batch(), func(machine int, b *mapping.Batch) {
			u := p.units[machine]
			u.Step(b, &p.out)
			if p.out.Changed {
				p.desk.Report(p.now, p.codes[machine], u.Report())
			}
		})
		next := p.now.Add(sampleEvery)
		for {
			w, wake, ok := p.desk.Next(p.now)
			switch {
			case ok:
				p.post(w)
				continue
			case !wake.IsZero() && wake.Before(next):
				p.now = wake
				continue
			}
			break
		}
		p.now = next
	}
}

func (p *monthPlant) post(w uplink.Work) {
	p.posts++
	if w.Post.Service == prodsmart.StartStopService {
		p.stops++
	}
	p.desk.Sent(p.now, w)
	p.desk.Done(p.now, w, prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200})
	p.desk.Events()
}

// batch is what the PLCs show now. Each machine stands for ten minutes in every
// two hours; once a day the link is gone for a moment.
func (p *monthPlant) batch() connectors.Batch {
	const (
		cycle   = int64(2 * time.Hour / sampleEvery)
		stop    = int64(10 * time.Minute / sampleEvery)
		day     = int64(24 * time.Hour / sampleEvery)
		outage  = 6
		signals = 5
	)
	switch today := p.step % day; {
	case today == 0:
		return connectors.Batch{Time: p.now, Link: connectors.LinkUp}
	case today == day-outage:
		return connectors.Batch{Time: p.now, Link: connectors.LinkDown}
	case today > day-outage:
		return connectors.Batch{Time: p.now}
	}
	p.samples = p.samples[:0]
	for m := range monthMachines {
		running := (p.step+int64(m)*cycle/monthMachines)%cycle >= stop
		if running {
			p.counts[m]++
		}
		values := [signals]connectors.Value{
			connectors.Uint(uint64(p.counts[m] % 65536)), connectors.Uint(uint64(p.counts[m] / 50)),
			connectors.Bool(running), connectors.Uint(uint64(1 + p.step/cycle%2)), connectors.Uint(uint64(20 + p.step/7%9)),
		}
		for s, v := range values {
			p.samples = append(p.samples, connectors.Sample{Tag: m*signals + s, Value: v, Quality: connectors.Good})
		}
	}
	p.total += len(p.samples)
	return connectors.Batch{Time: p.now, Samples: p.samples}
}
