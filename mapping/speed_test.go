package mapping

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// fullSpec is a machine with all that is usual: a counter, a waste counter, a
// run bit, a fault code and a parameter.
func fullSpec() Spec {
	return bitSpec(func(s *Spec) {
		s.Signals = append(s.Signals,
			Signal{Connection: "c", Tag: connectors.Tag{Address: "scrap"}},
			Signal{Connection: "c", Tag: connectors.Tag{Address: "temp"}})
		s.Waste = []WasteSpec{{Code: "SCRAP", CounterSpec: plainCounter(3)}}
		s.Parameters = []ParameterSpec{{Name: "temperature", Code: "temperature", Signal: 4, Every: 60 * sec}}
	})
}

// BenchmarkRules steps one machine with five signals, as each poll of a PLC
// does. It reports samples per second on one core.
func BenchmarkRules(b *testing.B) {
	values := func(i int) [5]connectors.Sample {
		return [5]connectors.Sample{good(1000 + i), good(true), good(0), good(7), good(20.5)}
	}
	run := func(b *testing.B, changing bool) {
		r := newRig(b, fullSpec())
		r.after(sec, 0, 1000, 1, true, 2, 0, 3, 7, 4, 20.5)
		samples := values(0)
		batch := Batch{Connection: "c", Readings: make([]Reading, 5)}
		for i := range samples {
			batch.Readings[i] = Reading{Signal: i, Sample: &samples[i]}
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			r.now = r.now.Add(sec)
			batch.Time = r.now
			if changing {
				i++
				samples[0].Value = connectors.Int(int64(1000 + i))
			}
			r.m.Step(&batch, &r.out)
		}
		b.ReportMetric(5*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
	}
	b.Run("unchanged", func(b *testing.B) { run(b, false) })
	b.Run("counting", func(b *testing.B) { run(b, true) })
}

// TestUnchangedSamplesAllocateNothing holds the other half of the bar.
func TestUnchangedSamplesAllocateNothing(t *testing.T) {
	r := newRig(t, fullSpec())
	r.after(sec, 0, 1000, 1, true, 2, 0, 3, 7, 4, 20.5)
	r.after(sec, 0, 1000, 1, true, 2, 0, 3, 7, 4, 20.5)
	samples := [5]connectors.Sample{good(1000), good(true), good(0), good(7), good(20.5)}
	batch := Batch{Connection: "c"}
	for i := range samples {
		batch.Readings = append(batch.Readings, Reading{Signal: i, Sample: &samples[i]})
	}
	if n := testing.AllocsPerRun(100, func() {
		r.now = r.now.Add(sec)
		batch.Time = r.now
		r.m.Step(&batch, &r.out)
	}); n != 0 {
		t.Fatalf("%v allocations for unchanged samples", n)
	}
}
