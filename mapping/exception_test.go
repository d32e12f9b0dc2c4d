package mapping

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// A sourceClass is a kind of source that sends values only when they change,
// and its troubles.
type sourceClass struct {
	name string
	spec func(*CounterSpec)
	// alive sources vouch for their last values; retained ones store them, so
	// that a new session begins with what was stored last.
	alive, retained bool
	// Chances per second that: the link goes down, the device goes on counting
	// out of reach, the gateway is killed, the counter is reset, with or without
	// a change of the job, the job changes without a reset, the factor changes, an
	// old message comes again, a wrong value comes.
	down, off, kill, reset, job, lie, scale, again, wrong float64
	// late is by how many seconds at most the job and the counter come apart.
	late int
	// most is the share of the parts that may be lost, in percent: what a reset
	// erased before anybody saw it.
	most float64
}

var sourceClasses = []sourceClass{
	{name: "subscription", alive: true, down: 0.01, kill: 0.005},
	{name: "retained messages", retained: true, down: 0.01, off: 0.01, kill: 0.005, again: 0.02},
	{name: "messages that nobody stores", down: 0.01, off: 0.01, kill: 0.005},
	{name: "jobs", spec: resets, alive: true, down: 0.005, kill: 0.005, job: 0.005, late: 2, most: 4},
	{name: "jobs over messages", spec: resets, retained: true, down: 0.005, off: 0.005, kill: 0.005, job: 0.005, late: 2, again: 0.01, most: 6},
	{name: "jobs that reset nothing", spec: resets, alive: true, down: 0.01, kill: 0.005, lie: 0.01, late: 2},
	{name: "jobs of both kinds, and resets", spec: resets, retained: true, down: 0.005, off: 0.005, kill: 0.005, job: 0.002, lie: 0.002, reset: 0.002, late: 2, again: 0.01, most: 5},
	{name: "factors", alive: true, down: 0.005, kill: 0.005, scale: 0.01, most: 6},
	{name: "factors over messages, with resets", spec: resets, retained: true, down: 0.005, off: 0.005, kill: 0.005, scale: 0.01, job: 0.003, reset: 0.002, late: 2, again: 0.01, most: 13},
	{name: "wrong values", spec: resets, alive: true, down: 0.005, kill: 0.005, wrong: 0.02},
	{name: "wraps", spec: func(c *CounterSpec) { wraps(c) }, alive: true, down: 0.002, kill: 0.005, wrong: 0.005},
	{name: "everything", spec: resets, retained: true, alive: true, down: 0.01, off: 0.005, kill: 0.01, reset: 0.003, job: 0.003, lie: 0.001, scale: 0.005, late: 3, again: 0.02, wrong: 0.01, most: 13},
}

// TestRandomSources holds the invariants on sources that report by exception,
// over gateways that are killed with what they had not saved yet.
func TestRandomSources(t *testing.T) {
	traces, seconds := 40, 2000
	if testing.Short() {
		traces = 8
	}
	for _, class := range sourceClasses {
		t.Run(class.name, func(t *testing.T) {
			t.Parallel()
			var made, under float64
			for seed := range traces {
				s := newSource(t, class, uint64(seed))
				s.live(seconds)
				made += float64(s.pieces)
				under += float64(s.pieces - s.r.count())
				if class.most == 0 && s.pieces != s.r.count() {
					t.Fatalf("seed %d: counted %d of %d made, and nothing was erased\n%s", seed, s.r.count(), s.pieces, s.r.log())
				}
			}
			if lost := 100 * under / made; lost > class.most && !testing.Short() {
				t.Errorf("%.2f %% of the parts were lost; %.1f %% is what the resets explain", lost, class.most)
			}
			t.Logf("%d traces, %.0f parts: over-count 0, under-count %.3f %%", traces, made, 100*under/made)
		})
	}
}

// The signals of a source.
const (
	rawSignal = iota
	jobSignal
	factorSignal
	signals
)

// source is a machine that sends its values when they change.
type source struct {
	t     *testing.T
	class sourceClass
	seed  uint64
	rng   *rand.Rand
	spec  Spec
	r     *rig
	// disk is what a kill leaves, told what Prodsmart knows.
	disk []byte
	told int64

	raw, job, factor int
	pieces           int64 // truly made since the first sample
	rest             float64
	now              [signals]int // as the device has them
	sent             [signals]int // as the broker or the server has them
	held             map[int]int  // seconds until a changed signal is sent
	link             bool
	downFor, offFor  int
	based, unseen    bool
}

func newSource(t *testing.T, class sourceClass, seed uint64) *source {
	rng := rand.New(rand.NewPCG(seed, 11))
	s := &source{t: t, class: class, seed: seed, rng: rng, raw: 64_000 + rng.IntN(1000), factor: 4, held: map[int]int{}}
	s.spec = countSpec(func(c *CounterSpec) {
		if class.spec != nil {
			class.spec(c)
		}
		c.ScaleSignal = factorSignal
	}, "job", "factor")
	s.spec.ResetEvidence = []int{jobSignal}
	s.now = [signals]int{s.raw, s.job, s.factor}
	s.sent = s.now
	s.r = newRig(t, s.spec)
	s.begin()
	s.save()
	return s
}

func (s *source) chance(p float64) bool { return s.rng.Float64() < p }

func (s *source) save() {
	data, err := s.r.m.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	s.disk, s.r.urgent = data, false
}

// live runs the machine and its gateway, with a quiet end in which everything
// is heard.
func (s *source) live(seconds int) {
	rate := 3 * s.rng.Float64()
	for i := range seconds {
		calm := i > seconds-60
		if calm {
			rate, s.offFor, s.downFor = 0, 0, min(s.downFor, 5)
		} else if s.chance(0.02) {
			rate = 4 * s.rng.Float64() * float64(s.rng.IntN(2))
		}
		s.r.now = s.r.now.Add(time.Second)
		s.work(rate, calm)
		s.connect(calm)
		s.publish(calm)
		if s.r.urgent || s.chance(0.05) {
			s.save()
		}
		if i%30 == 0 {
			s.save() // always before a post
			s.told = s.r.count()
		}
		if !calm && s.chance(s.class.kill) {
			s.kill()
		}
		s.check()
	}
	if s.link { // a last word, so that nothing waits
		s.r.alive(5 * sec)
		s.deliver(rawSignal, s.now[rawSignal], false)
		s.r.alive(5 * sec)
		s.check()
	}
}

func (s *source) check() {
	got := s.r.count()
	if got > s.pieces {
		s.t.Fatalf("%s, seed %d: counted %d of %d made\n%s", s.class.name, s.seed, got, s.pieces, s.r.log())
	}
	if got < s.told {
		s.t.Fatalf("%s, seed %d: the total fell to %d, and %d were told\n%s", s.class.name, s.seed, got, s.told, s.r.log())
	}
}

// work makes parts and changes jobs and factors.
func (s *source) work(rate float64, calm bool) {
	s.rest += rate
	parts := int(s.rest)
	s.rest -= float64(parts)
	s.pieces += int64(parts * s.factor)
	s.raw += parts
	if m := s.spec.Count.Modulus; !m.IsZero() {
		s.raw %= int(m.Int64())
	}
	if calm {
		s.now = [signals]int{s.raw, s.job, s.factor}
		return
	}
	// A factor that changes twice out of sight can not be known.
	if s.link && s.offFor == 0 {
		s.unseen = false
	}
	if !s.unseen && s.chance(s.class.scale) {
		s.factor, s.unseen = 1<<s.rng.IntN(4), true
	}
	lie := s.chance(s.class.lie)
	if s.chance(s.class.job) || lie {
		s.job++
		s.hold(jobSignal)
		if !lie {
			s.raw = 0
			s.hold(rawSignal)
		}
	}
	if s.chance(s.class.reset) {
		s.raw = 0
	}
	s.now = [signals]int{s.raw, s.job, s.factor}
}

// hold lets a signal be sent some seconds late.
func (s *source) hold(signal int) {
	if s.class.late > 0 {
		s.held[signal] = s.rng.IntN(s.class.late + 1)
	}
}

// connect lets the link and the device come and go.
func (s *source) connect(calm bool) {
	switch {
	case s.offFor > 0:
		s.offFor--
	case !calm && s.chance(s.class.off):
		s.offFor = s.rng.IntN(60)
	}
	switch {
	case s.link && !calm && s.chance(s.class.down):
		s.link, s.downFor = false, s.rng.IntN(60)
		s.r.link(connectors.LinkDown)
	case !s.link && s.downFor > 0:
		s.downFor--
	case !s.link:
		s.r.link(connectors.LinkUp)
		s.begin()
	}
}

// begin starts a session: present or stored values come in any order, together
// or one by one.
func (s *source) begin() {
	s.link = true
	if s.based && !s.class.alive && !s.class.retained {
		return
	}
	if !s.class.retained && s.offFor == 0 {
		s.sent = s.now
	}
	order := s.rng.Perm(signals)
	if !s.based { // without a factor nothing can be counted
		order = []int{factorSignal, jobSignal, rawSignal}
	}
	s.based = true
	if s.chance(0.5) {
		b := Batch{Time: s.r.now, Connection: "c"}
		for _, signal := range order {
			v := s.value(signal, s.sent[signal], s.class.retained)
			b.Readings = append(b.Readings, Reading{Signal: signal, Sample: &v})
		}
		s.r.step(b)
		return
	}
	for _, signal := range order {
		s.deliver(signal, s.sent[signal], s.class.retained)
	}
}

func (s *source) value(signal, v int, stored bool) connectors.Sample {
	sample := good(v)
	sample.Retained = stored
	if signal == jobSignal {
		sample.Value = connectors.String(fmt.Sprintf("J-%d", v))
	}
	return sample
}

func (s *source) deliver(signal, v int, stored bool) {
	sample := s.value(signal, v, stored)
	s.r.step(Batch{Time: s.r.now, Connection: "c", Readings: []Reading{{Signal: signal, Sample: &sample}}})
}

// publish sends what changed. While the link is down only a broker hears it.
func (s *source) publish(calm bool) {
	if s.offFor > 0 {
		return
	}
	quiet := true
	order := s.rng.Perm(signals)
	if s.sent[factorSignal] != s.now[factorSignal] { // it comes before what was made with it
		order = []int{factorSignal, jobSignal, rawSignal}
	}
	for _, signal := range order {
		if s.held[signal] > 0 {
			s.held[signal]--
			if !calm {
				continue
			}
		}
		if s.sent[signal] == s.now[signal] {
			continue
		}
		before := s.sent[signal]
		s.sent[signal] = s.now[signal]
		if !s.link {
			continue
		}
		quiet = false
		s.deliver(signal, s.now[signal], false)
		if signal == rawSignal && !calm && s.chance(s.class.again) {
			for _, old := range []int{before, s.now[signal]} {
				again := s.value(signal, old, false)
				again.Redelivered = true
				s.r.step(Batch{Time: s.r.now, Connection: "c", Readings: []Reading{{Signal: signal, Sample: &again}}})
			}
		}
	}
	if !s.link {
		return
	}
	// Directly after a gap a wrong value can be as likely as the right one.
	seen := s.r.now.Sub(s.r.m.counters[0].state.At) < 3*time.Second
	if !calm && seen && s.chance(s.class.wrong) {
		wrong := []int{0, s.raw + 65_536, (s.raw + 30_000) % 65_536, s.rng.IntN(900)}[s.rng.IntN(4)]
		if ahead := (wrong - s.raw + 2*65_536) % 65_536; wrong < 65_536 && ahead < 50 {
			wrong = s.raw + 65_536 // else nobody could tell it from parts
		}
		s.deliver(rawSignal, wrong, false)
		s.r.now = s.r.now.Add(time.Second / 4)
		s.deliver(rawSignal, s.now[rawSignal], false)
		return
	}
	if s.class.alive && quiet && s.sent == s.now {
		s.r.step(Batch{Time: s.r.now, Connection: "c", Alive: true})
	}
}

// kill ends the gateway without saving anything, and starts it again.
func (s *source) kill() {
	m, err := New(s.spec)
	if err != nil {
		s.t.Fatal(err)
	}
	s.r.m = m
	if err := m.Restore(s.disk, s.r.now, &s.r.out); err != nil {
		s.t.Fatal(err)
	}
	s.link, s.downFor = false, s.rng.IntN(30)
}
