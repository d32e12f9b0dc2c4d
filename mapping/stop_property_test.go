package mapping

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// A stopClass is a kind of machine that runs and stands.
type stopClass struct {
	name string
	spec Spec
	// needs is how long the machine must be seen standing before a downtime
	// begins, resume how long running before it ends.
	needs, resume int
	polled        bool
	// Chances per second.
	down, kill, bad float64
}

func stopClasses() []stopClass {
	idle := countSpec(nil, "run")
	idle.State.IdleAfter = 30 * sec
	return []stopClass{
		{name: "a polled run bit", spec: bitSpec(nil), needs: 60, resume: 5, polled: true, down: 0.004, kill: 0.003, bad: 0.01},
		{name: "a run bit by exception", spec: bitSpec(nil), needs: 60, resume: 5, down: 0.004, kill: 0.003},
		{name: "a run bit and a quiet counter", spec: bitSpec(func(s *Spec) { s.State.IdleAfter = 20 * sec }), needs: 60, resume: 5, polled: true, down: 0.002, kill: 0.002},
		{name: "stops told at once", spec: bitSpec(func(s *Spec) { s.State.StopAfter, s.State.RunAfter = 0, 0 }), down: 0.01, kill: 0.01},
		{name: "a counter alone", spec: idle, needs: 30, polled: true, down: 0.004, kill: 0.003},
		{name: "a counter alone, by exception", spec: idle, needs: 30, down: 0.004, kill: 0.003},
	}
}

// TestRandomStops holds what a downtime must be, whatever links and gateways do:
// it begins only while the machine stands and was seen to for long enough, ends
// only while it runs, is one for each stop, and freezes the count.
func TestRandomStops(t *testing.T) {
	traces, seconds := 10, 4000
	if testing.Short() {
		traces = 3
	}
	for _, class := range stopClasses() {
		t.Run(class.name, func(t *testing.T) {
			t.Parallel()
			stops := uint64(0)
			for seed := range traces {
				m := newMill(t, class, uint64(seed))
				for range seconds {
					m.second()
				}
				stops += m.r.m.memory.Episodes
			}
			if stops < uint64(traces) {
				t.Fatalf("%d downtimes in %d traces", stops, traces)
			}
			t.Logf("%d traces, %d downtimes", traces, stops)
		})
	}
}

// mill is a machine that makes a part every third second while it runs.
type mill struct {
	t     *testing.T
	class stopClass
	seed  uint64
	rng   *rand.Rand
	r     *rig
	disk  []byte

	running, link, blind bool
	left, downFor        int // seconds
	raw, made            int
	sent                 bool // the bit as it was delivered last
	sentRaw              int
	age                  int // seconds since the last part
	stood, ran           int // seconds that the gateway could see it so, losses left out
	// a second ago
	ranBefore, stoodBefore, ageBefore int
	sure                              int  // the same without any loss
	ranSince                          bool // since the last downtime began
	episode                           uint64
	frozen                            int64
}

func newMill(t *testing.T, class stopClass, seed uint64) *mill {
	m := &mill{t: t, class: class, seed: seed, rng: rand.New(rand.NewPCG(seed, 13)), running: true, link: true, left: 20, raw: 1000}
	m.r = newRig(t, class.spec)
	m.deliver(true)
	m.save()
	return m
}

func (m *mill) save() {
	data, err := m.r.m.Snapshot()
	if err != nil {
		m.t.Fatal(err)
	}
	m.disk, m.r.urgent = data, false
}

func (m *mill) second() {
	m.r.now = m.r.now.Add(time.Second)
	m.ageBefore = m.age
	m.age++
	if m.left--; m.left <= 0 {
		m.running = !m.running
		m.left = 1 + m.rng.IntN([]int{8, 90, 300}[m.rng.IntN(3)])
	}
	if m.running && m.left%3 == 0 {
		m.raw++
		m.made++
		m.age = 0
	}
	m.blind = false
	switch {
	case m.link && m.rng.Float64() < m.class.down:
		m.link, m.downFor, m.sure = false, m.rng.IntN(150), 0
		m.r.link(connectors.LinkDown)
	case !m.link && m.downFor > 0:
		m.downFor--
	case !m.link:
		m.link = true
		m.r.link(connectors.LinkUp)
		m.deliver(true)
	case m.rng.Float64() < m.class.kill:
		m.kill()
	case m.rng.Float64() < m.class.bad:
		m.blind = true
		bad := connectors.Sample{Reason: "timeout"}
		m.r.step(Batch{Time: m.r.now, Connection: "c", Readings: []Reading{{Signal: 1, Sample: &bad}}})
	default:
		m.deliver(m.class.polled)
	}
	m.look()
	m.check()
	if m.r.urgent || m.rng.Float64() < 0.05 {
		m.save()
	}
}

// deliver gives the gateway what the device says, all of it or what changed.
func (m *mill) deliver(all bool) {
	raw, run := good(m.raw), good(m.running)
	b := Batch{Time: m.r.now, Connection: "c", Alive: !all}
	if all || m.raw != m.sentRaw {
		b.Readings = append(b.Readings, Reading{Signal: 0, Sample: &raw})
	}
	if all || m.running != m.sent {
		b.Readings = append(b.Readings, Reading{Signal: 1, Sample: &run})
	}
	m.sentRaw, m.sent = m.raw, m.running
	m.r.step(b)
}

// look notes what could be seen in this second.
func (m *mill) look() {
	runs := m.running
	m.ranBefore, m.stoodBefore = m.ran, m.stood
	switch {
	case m.class.spec.State.Signal == NoSignal:
		runs = m.age == 0 // only a part shows that it runs
		if m.link && !runs {
			m.stood, m.sure = m.stood+1, m.sure+1
		}
		if runs {
			m.stood, m.sure, m.ranSince = 0, 0, true
		}
		return
	case m.running:
		m.ranSince, m.sure = true, 0
		if m.link && !m.blind || m.age == 0 { // else nobody can know
			m.stood = 0
		}
		if m.link {
			m.ran++
		}
	case m.link:
		m.stood, m.sure = m.stood+1, m.sure+1
		if !m.blind {
			m.ran = 0
		}
	}
}

func (m *mill) check() {
	fail := func(what string) {
		m.t.Helper()
		m.t.Fatalf("%s, seed %d, %v: %s\n%s", m.class.name, m.seed, m.r.now.Sub(epoch), what, m.r.log())
	}
	rep := m.r.m.Report()
	if rep.Count > int64(m.made) {
		fail("more was counted than made")
	}
	switch now := rep.Stop.Episode; {
	case now == m.episode && now != 0:
		if rep.Count != m.frozen {
			fail("the count moved during a downtime")
		}
	case now != 0:
		// It may start again at the very instant.
		if max(m.stood, m.stoodBefore+1) < m.class.needs && m.class.spec.State.IdleAfter == 0 {
			fail("a downtime began too early")
		}
		if m.class.spec.State.IdleAfter > 0 && m.running && max(m.age, m.ageBefore+1) < int(m.class.spec.State.IdleAfter/sec) && m.stoodBefore+1 < m.class.needs {
			fail("a downtime began although parts came")
		}
		if now < m.episode || m.episode != 0 {
			fail("one downtime took the place of another")
		}
		if now > 1 && !m.ranSince {
			fail("two downtimes of one stop")
		}
		m.frozen, m.ranSince = rep.Count, false
	case m.episode != 0:
		// It may stop again at the very instant.
		if max(m.ran, m.ranBefore) < m.class.resume {
			if m.class.spec.State.Signal != NoSignal {
				fail("a downtime ended before the machine ran")
			} else if !m.ranSince {
				fail("a downtime ended without a part")
			}
		}
	case m.sure > m.class.needs+1 && m.link && !m.blind:
		fail("a downtime is missing")
	}
	m.episode = rep.Stop.Episode
}

// kill ends the gateway with what it had not saved, and starts it again.
func (m *mill) kill() {
	next, err := New(m.class.spec)
	if err != nil {
		m.t.Fatal(err)
	}
	m.r.m = next
	if err := next.Restore(m.disk, m.r.now, &m.r.out); err != nil {
		m.t.Fatal(err)
	}
	m.link, m.downFor, m.sure = false, m.rng.IntN(60), 0
}
