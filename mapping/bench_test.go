package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// epoch is the time at which tests begin: a Monday.
var epoch = time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)

// plainCounter is a counter of the given signal with the documented defaults
// and a peak of 5 raw units per second.
func plainCounter(signal int) CounterSpec {
	return CounterSpec{
		Signal: signal, Scale: Whole(1), ScaleSignal: NoSignal, Latch: NoSignal,
		MaxRate: Whole(5), NominalRate: Whole(1), Burst: Whole(2),
		ConfirmUp: 3, ConfirmDown: 2, ConfirmTime: 3 * time.Second, MaxGap: 24 * time.Hour,
	}
}

// plainSpec is a machine on connection "c" with the named signals.
func plainSpec(signals ...string) Spec {
	s := Spec{Code: "M1", Online: NoSignal, DefaultType: "UNSPEC", CommTimeout: time.Minute}
	s.State.Signal = NoSignal
	s.State.Otherwise = Stopped
	for _, address := range signals {
		s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: address, Bit: connectors.NoBit}})
	}
	return s
}

// rig drives one machine.
type rig struct {
	t      testing.TB
	m      *Machine
	now    time.Time
	out    Outcome
	events []Event
	urgent bool // something must be saved
}

func newRig(t testing.TB, spec Spec) *rig {
	t.Helper()
	m, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, m: m, now: epoch}
	r.step(Batch{Time: r.now, Connection: "c", Link: connectors.LinkUp})
	return r
}

// step runs the machine up to the batch's time, deadline by deadline, as the
// gateway does, and then applies the batch.
func (r *rig) step(b Batch) {
	r.t.Helper()
	r.pass(b.Time)
	r.take(&b)
}

func (r *rig) take(b *Batch) {
	r.t.Helper()
	r.m.Step(b, &r.out)
	if d := r.m.Deadline(); !d.IsZero() && !d.After(b.Time) {
		r.t.Fatalf("at %v the next deadline is %v", b.Time, d)
	}
	r.events = append(r.events, r.out.Events...)
	r.urgent = r.urgent || r.out.Urgent
}

func (r *rig) pass(to time.Time) {
	for range 10_000 {
		d := r.m.Deadline()
		if d.IsZero() || d.After(to) {
			return
		}
		r.take(&Batch{Time: d})
	}
	r.t.Fatal("the machine's deadline does not move on")
}

// after moves the clock and gives the signals their values, in pairs of signal
// index and Go value.
func (r *rig) after(d time.Duration, pairs ...any) {
	r.t.Helper()
	r.now = r.now.Add(d)
	b := Batch{Time: r.now, Connection: "c"}
	for i := 0; i < len(pairs); i += 2 {
		var s connectors.Sample
		switch v := pairs[i+1].(type) {
		case connectors.Sample:
			s = v
		default:
			s = good(v)
		}
		b.Readings = append(b.Readings, Reading{Signal: pairs[i].(int), Sample: &s})
	}
	r.step(b)
}

// alive lets the clock run with a sign of life every second.
func (r *rig) alive(d time.Duration) {
	for range int(d / time.Second) {
		r.now = r.now.Add(time.Second)
		r.step(Batch{Time: r.now, Connection: "c", Alive: true})
	}
}

func (r *rig) restart(off time.Duration, spec Spec) {
	r.t.Helper()
	data, err := r.m.Snapshot()
	if err != nil {
		r.t.Fatal(err)
	}
	m, err := New(spec)
	if err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(off)
	if err := m.Restore(data, r.now, &r.out); err != nil {
		r.t.Fatal(err)
	}
	r.events = append(r.events, r.out.Events...)
	r.m = m
	r.step(Batch{Time: r.now, Connection: "c", Link: connectors.LinkUp})
}

func (r *rig) count() int64 { return r.m.Report().Count }

func (r *rig) wantCount(want int64) {
	r.t.Helper()
	if got := r.count(); got != want {
		r.t.Fatalf("count %d, want %d; events:\n%s", got, want, r.log())
	}
}

// wantEvent demands an event of the rule whose text contains the words.
func (r *rig) wantEvent(rule, words string) {
	r.t.Helper()
	for _, e := range r.events {
		if e.Rule == rule && strings.Contains(e.Text, words) {
			return
		}
	}
	r.t.Fatalf("no event %s with %q in:\n%s", rule, words, r.log())
}

func (r *rig) log() string {
	var b strings.Builder
	for _, e := range r.events {
		b.WriteString(e.Time.Format("15:04:05 ") + e.Rule + " " + e.Subject + ": " + e.Text + "\n")
	}
	return b.String()
}

func good(v any) connectors.Sample {
	s := connectors.Sample{Quality: connectors.Good}
	switch v := v.(type) {
	case int:
		s.Value = connectors.Int(int64(v))
	case float64:
		s.Value = connectors.Float64(v)
	case float32:
		s.Value = connectors.Float32(v)
	case bool:
		s.Value = connectors.Bool(v)
	case string:
		s.Value = connectors.String(v)
	case connectors.Value:
		s.Value = v
	default:
		panic("no such kind of value")
	}
	return s
}
