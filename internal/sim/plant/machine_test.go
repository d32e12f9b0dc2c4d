package plant

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// world is the surroundings of a test: everything in sight, unless it says
// otherwise at some times.
type world func(now time.Duration) surroundings

func clear(time.Duration) surroundings { return surroundings{watched: true, resets: true} }

// step is the pace of pretend time, coarser than the plant's own.
const step = 50 * time.Millisecond

// live runs all machines of the default plant for a while of pretend time and
// checks what must hold at every moment.
func live(t *testing.T, seed uint64, d time.Duration, w world) []*machine {
	t.Helper()
	timing, err := Timing{}.filled()
	if err != nil {
		t.Fatal(err)
	}
	var ms []*machine
	for i, d := range line() {
		ms = append(ms, newMachine(d, timing, seed, i))
	}
	for now := time.Duration(0); now < d; now += step {
		for _, m := range ms {
			before, was := *m, len(m.stops)
			s := w(now)
			m.step(now, s)
			check(t, now, before, was, m)
		}
	}
	return ms
}

func check(t *testing.T, now time.Duration, before machine, stops int, m *machine) {
	t.Helper()
	at := fmt.Sprintf("%s at %v", m.code, now)
	if m.good < before.good || m.scrap < before.scrap {
		t.Fatalf("%s: parts were unmade", at)
	}
	if made := m.good - before.good + m.scrap - before.scrap; made > 0 && before.phase != running {
		t.Fatalf("%s: %d pieces made while %v", at, made, before.phase)
	}
	if len(m.stops) > stops && m.phase == stopped && m.lastScrap {
		t.Fatalf("%s: stopped on scrap", at)
	}
	if m.didReset != noReset {
		if m.phase != stopped || now-m.since < readable {
			t.Fatalf("%s: the counter was forgotten while %v since %v", at, m.phase, m.since)
		}
		if m.reg.total != 0 || m.reg.good != 0 || m.reg.scrap != 0 {
			t.Fatalf("%s: forgotten, but %+v", at, m.reg)
		}
		m.didReset = noReset
	} else if m.reg.total < before.reg.total {
		t.Fatalf("%s: the counter fell", at)
	}
	if m.reg.run != (m.phase == running || m.phase == waiting || m.phase == halted && m.reg.run) {
		t.Fatalf("%s: run bit %v while %v", at, m.reg.run, m.phase)
	}
}

func truth(ms []*machine) string {
	var b strings.Builder
	for _, m := range ms {
		fmt.Fprintln(&b, m.code, m.good, m.scrap, m.stops, m.microstops, m.resets)
	}
	return b.String()
}

func TestTruth(t *testing.T) {
	const long = 10 * time.Minute
	ms := live(t, 1, long, clear)
	if again := live(t, 1, long, clear); truth(ms) != truth(again) {
		t.Error("one seed, two truths")
	}
	if other := live(t, 2, long, clear); truth(ms) == truth(other) {
		t.Error("two seeds, one truth")
	}
	for _, m := range ms {
		if m.dead {
			if m.good != 0 || len(m.stops) != 0 {
				t.Errorf("%s is dead, but made %d", m.code, m.good)
			}
			continue
		}
		if want := int64(long / m.cycle / 3); m.good < want {
			t.Errorf("%s made only %d", m.code, m.good)
		}
		if (m.waste != "") != (m.scrap > 0) {
			t.Errorf("%s: waste %q, scrap %d", m.code, m.waste, m.scrap)
		}
		if len(m.stops) < 8 || m.micro != (m.microstops > 0) || (m.reset != noReset) != (m.resets > 0) {
			t.Errorf("%s: %d stops, %d microstops, %d resets", m.code, len(m.stops), m.microstops, m.resets)
		}
		last := time.Duration(0)
		for i, s := range m.stops {
			if s.Start-last < minRun {
				t.Errorf("%s: stop %d begins %v after the one before", m.code, i, s.Start-last)
			}
			if s.End != 0 && s.End-s.Start < m.stopAfter()+tellMargin {
				t.Errorf("%s: stop %d lasts %v", m.code, i, s.End-s.Start)
			}
			last = s.End
		}
		if m.reset == noReset && m.reg.total != m.total+uint64((m.good+m.scrap)/m.parts) {
			t.Errorf("%s: counter %d, made %d of %d a cycle", m.code, m.reg.total, m.good+m.scrap, m.parts)
		}
	}
}

func TestWaitsToBeRead(t *testing.T) {
	ms := live(t, 1, time.Minute, func(now time.Duration) surroundings {
		return surroundings{watched: now >= 30*time.Second}
	})
	for _, m := range ms {
		if m.dead {
			continue
		}
		limit := int64((30*time.Second-readable)/(m.cycle*4/5)+1) * m.parts
		if made := m.good + m.scrap; made == 0 || made > limit {
			t.Errorf("%s made %d, at most %d are possible in the time it was read", m.code, made, limit)
		}
	}
}

func TestNothingHappensOutOfSight(t *testing.T) {
	// The link is there for a minute in three, Prodsmart for two in five.
	const link, outage = 3 * time.Minute, 5 * time.Minute
	since := func(now time.Duration) time.Duration {
		if phase := now % link; phase < 2*time.Minute {
			return -1
		}
		return now.Truncate(link) + 2*time.Minute
	}
	ms := live(t, 3, 30*time.Minute, func(now time.Duration) surroundings {
		s := surroundings{watched: true, resets: true, linkSince: since(now), prodsmartSince: now.Truncate(outage)}
		if now%outage > 2*time.Minute {
			s.prodsmartSince = -1
		}
		return s
	})
	for _, m := range ms {
		if m.dead {
			continue
		}
		if len(m.stops) == 0 {
			t.Errorf("%s never stopped", m.code)
		}
		for _, s := range m.stops {
			if seen := since(s.Start); seen < 0 || s.Start-seen < settleLink {
				t.Errorf("%s stopped unseen at %v", m.code, s.Start)
			}
			if s.End == 0 {
				continue
			}
			if seen := since(s.End); seen < 0 || s.End-max(seen, s.Start) < m.stopAfter()+tellMargin {
				t.Errorf("%s: the stop at %v ended at %v, unseen", m.code, s.Start, s.End)
			}
			if s.End%outage > 2*time.Minute+step {
				t.Errorf("%s: the stop at %v ended at %v, without Prodsmart", m.code, s.Start, s.End)
			}
		}
	}
}

func TestBlindAndSettle(t *testing.T) {
	ms := live(t, 4, 5*time.Minute, func(now time.Duration) surroundings {
		return surroundings{blind: true, resets: true, linkSince: -1, prodsmartSince: -1, settling: now > 4*time.Minute}
	})
	for _, m := range ms {
		if m.dead {
			continue
		}
		if m.phase != halted || m.lastScrap {
			t.Errorf("%s: phase %v, last piece scrap: %v", m.code, m.phase, m.lastScrap)
		}
		if len(m.stops) < 3 || (m.reset != noReset && m.resets == 0) {
			t.Errorf("%s: %d stops, %d resets", m.code, len(m.stops), m.resets)
		}
		open := m.stops[len(m.stops)-1].End == 0
		if m.byCount && !open || !m.byCount && open == m.reg.run {
			t.Errorf("%s: open stop %v, run bit %v", m.code, open, m.reg.run)
		}
	}
}

func TestTiming(t *testing.T) {
	got, err := Timing{StopAfter: 5 * time.Second}.filled()
	want := Timing{5 * time.Second, 10 * time.Second, 12 * time.Second, 25 * time.Second, 11 * time.Second, 15 * time.Second, 400 * time.Millisecond, 1200 * time.Millisecond}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range []Timing{
		{StopAfter: 2 * time.Second},
		{StopMin: 4 * time.Second},
		{RunMin: time.Minute, RunMax: time.Second},
		{MicroMin: 2 * time.Second, MicroMax: time.Second},
	} {
		if _, err := bad.filled(); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}
