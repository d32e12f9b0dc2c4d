package mapping

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// A deviceClass is a kind of trouble for a counter.
type deviceClass struct {
	name string
	spec func(*CounterSpec)
	// modulus of the device's counter, 0 for none.
	modulus int
	// Chances per sample.
	gap, reset, spike, zero, bad, restart float64
	// exact says that nothing may be lost either.
	exact bool
}

var deviceClasses = []deviceClass{
	{name: "plain counting", gap: 0.002, bad: 0.01, restart: 0.005, exact: true},
	{name: "wraps with gaps", spec: wraps, modulus: 65_536, gap: 0.005, bad: 0.01, restart: 0.005, exact: true},
	{name: "zero glitches", spec: resets, zero: 0.01, bad: 0.01, restart: 0.002, exact: true},
	{name: "resets every 200 s", spec: resets, reset: 0.005, gap: 0.002, restart: 0.002},
	{name: "spikes of 65536", spec: func(c *CounterSpec) { c.Decrease = Reset }, spike: 0.01, restart: 0.002, exact: true},
	{name: "everything at once", spec: resets, gap: 0.003, reset: 0.003, spike: 0.005, zero: 0.005, bad: 0.01, restart: 0.005},
	{name: "wraps and resets", spec: func(c *CounterSpec) { wraps(c); c.Decrease = WrapOrReset }, modulus: 65_536, gap: 0.001, reset: 0.002, zero: 0.002, restart: 0.002},
}

// TestRandomTraces holds the invariants on random devices: a total never falls,
// never exceeds what the machine made, and the same trace gives the same total,
// however often the gateway is restarted.
func TestRandomTraces(t *testing.T) {
	traces, samples := 25, 3000
	if testing.Short() {
		traces = 10
	}
	for _, class := range deviceClasses {
		for _, margin := range []float64{1.2, 10} {
			t.Run(fmt.Sprintf("%s, max_rate %.1f × the peak", class.name, margin), func(t *testing.T) {
				t.Parallel()
				var made, over, under, worst float64
				for seed := range traces {
					d := runDevice(t, class, margin, uint64(seed), samples)
					if seed%10 == 0 {
						if again := runDevice(t, class, margin, uint64(seed), samples); again.total != d.total {
							t.Fatalf("seed %d: the same trace gave %d and %d", seed, d.total, again.total)
						}
					}
					made += float64(d.made)
					over += max(0, float64(d.total-d.made))
					lost := max(0, float64(d.made-d.total))
					under += lost
					worst = max(worst, lost/max(1, float64(d.made)))
					if d.total > d.made {
						t.Fatalf("seed %d: counted %d of %d made", seed, d.total, d.made)
					}
					if class.exact && d.total != d.made {
						t.Fatalf("seed %d: counted %d of %d made, and nothing was erased", seed, d.total, d.made)
					}
				}
				t.Logf("%d traces, %.0f parts: over-count %.4f %%, under-count %.4f %%, worst trace %.2f %%",
					traces, made, 100*over/made, 100*under/made, 100*worst)
			})
		}
	}
}

type device struct {
	rng         *rand.Rand
	class       deviceClass
	raw         int
	made, total int64
	rest        float64
}

// runDevice lets a machine make parts at a changing rate between 0 and its peak,
// with the troubles of its class, and returns what was made since the first
// sample and what was counted. It ends with a quiet minute, so that nothing is
// pending.
func runDevice(t *testing.T, class deviceClass, margin float64, seed uint64, samples int) *device {
	t.Helper()
	d := &device{rng: rand.New(rand.NewPCG(seed, 7)), class: class, raw: 0}
	peak := 0.2 + 4.8*d.rng.Float64()
	spec := countSpec(func(c *CounterSpec) {
		if class.spec != nil {
			class.spec(c)
		}
		c.MaxRate = Ratio(int64(peak*margin*1000)+1, 1000)
		c.NominalRate = Ratio(int64(peak*1000)+1, 1000)
	})
	if class.modulus > 0 {
		d.raw = d.rng.IntN(class.modulus)
	} else {
		d.raw = d.rng.IntN(100_000)
	}
	r := newRig(t, spec)
	r.after(sec, 0, d.raw)
	rate := peak
	last := int64(0)
	for i := range samples {
		dt := time.Second
		calm := i >= samples-60
		switch {
		case calm:
			rate = 0
		case d.rng.Float64() < 0.01:
			rate = peak * d.rng.Float64()
		}
		if !calm && d.rng.Float64() < class.gap {
			dt = time.Duration(1+d.rng.IntN(300)) * time.Second
		}
		d.run(rate, dt, calm)
		d.observe(r, dt, calm)
		if got := r.count(); got < last {
			t.Fatalf("seed %d: the total fell from %d to %d\n%s", seed, last, got, r.log())
		} else {
			last = got
		}
		if d.rng.Float64() < class.restart {
			r.restart(0, spec)
		}
	}
	d.total = r.count()
	return d
}

// run makes parts for dt and may reset the counter somewhere in between.
func (d *device) run(rate float64, dt time.Duration, calm bool) {
	d.rest += rate * dt.Seconds()
	parts := int(d.rest)
	d.rest -= float64(parts)
	d.made += int64(parts)
	if !calm && d.rng.Float64() < d.class.reset {
		d.raw = d.rng.IntN(parts + 1)
		return
	}
	d.raw += parts
	if d.class.modulus > 0 {
		d.raw %= d.class.modulus
	}
}

// observe gives the gateway a sample, which may be a lie.
func (d *device) observe(r *rig, dt time.Duration, calm bool) {
	value := d.raw
	switch p := d.rng.Float64(); {
	case calm:
	case p < d.class.zero:
		value = 0
	case p < d.class.zero+d.class.spike:
		value += 65_536 * (1 - 2*d.rng.IntN(2))
	case p < d.class.zero+d.class.spike+d.class.bad:
		r.after(dt, 0, connectors.Sample{Quality: connectors.Bad})
		return
	}
	r.after(dt, 0, value)
}

func TestSnapshotsKeepEverything(t *testing.T) {
	for seed := range uint64(20) {
		spec := countSpec(func(c *CounterSpec) { resets(c); c.Scale = Ratio(1, 7) })
		r := newRig(t, spec)
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 200 {
			r.after(sec, 0, rng.IntN(20))
		}
		before, err := r.m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Restore(before, r.now, &r.out); err != nil {
			t.Fatal(err)
		}
		m.memory.LostSince = r.m.memory.LostSince // the only thing a restart adds
		m.seen = r.m.seen
		after, err := m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, after) {
			t.Fatalf("seed %d:\n%s\n%s", seed, before, after)
		}
	}
}

func FuzzRestore(f *testing.F) {
	r := newRig(f, countSpec(resets))
	r.after(sec, 0, 100)
	r.after(sec, 0, 3)
	data, err := r.m.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"v":1,"counters":{"count":{"source":"","pending":{}}},"state":{"stop":{"episode":3}}}`))
	f.Add([]byte(`{"v":1,"counters":{"count":null},"parameters":{"x":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := New(countSpec(resets))
		if err != nil {
			t.Fatal(err)
		}
		var out Outcome
		if m.Restore(data, epoch, &out) != nil {
			return
		}
		s := good(5)
		m.Step(&Batch{Time: epoch, Connection: "c", Readings: []Reading{{Sample: &s}}}, &out)
		m.Report()
	})
}
