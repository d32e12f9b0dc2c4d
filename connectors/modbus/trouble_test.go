package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestRefusedAddressIsSeparated: what a merged request is refused for is found,
// left out, asked for now and then, and taken up again.
func TestRefusedAddressIsSeparated(t *testing.T) {
	g := &rig{t: t, device: &fakeDevice{}}
	for i := range 40 {
		g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", 2*i), ""))
	}
	gone := map[int]bool{14: true, 15: true, 60: true}
	g.device.units = units(&unitState{refuses: func(_ Area, i int) bool { return gone[i] }})
	g.play(Config{}, 100*time.Second, step{60*time.Second + 500*time.Millisecond, func() {
		clear(gone)
	}})
	if !errors.Is(g.err, context.DeadlineExceeded) {
		t.Fatal(g.err)
	}
	for i := range g.tags {
		n, bad := len(g.good(i)), g.reasons(i)
		if i != 7 && i != 30 {
			if n != 100 || len(bad) != 0 {
				t.Errorf("tag %d: %d good, %v", i, n, bad)
			}
			continue
		}
		if missing := bad["exception 2: illegal data address"]; missing < 60 || missing > 91 || n != 100-missing || len(bad) != 1 {
			t.Errorf("tag %d: %d good, %v", i, n, bad)
		}
	}
	perSecond := map[int]int{}
	for _, r := range g.device.requests {
		perSecond[int(r.at.Sub(g.start)/time.Second)]++
	}
	if perSecond[0] > learning+1 || perSecond[2] > 5 || perSecond[99] != 1 {
		t.Errorf("requests per second: %v", perSecond)
	}
}

// TestHoleIsLearnt: every tag exists, but the device does not allow to read
// across a hole, or so much at once.
func TestHoleIsLearnt(t *testing.T) {
	for name, u := range map[string]*unitState{
		"holes":      {refuses: func(_ Area, i int) bool { return i%10 == 9 }},
		"short only": {most: 16},
	} {
		g := &rig{t: t, device: &fakeDevice{units: units(u)}}
		for i := range 30 {
			g.tags = append(g.tags, tag(fmt.Sprintf("input:%d", i*10/3), "uint32"))
		}
		g.tags = slices.DeleteFunc(g.tags, func(tag connectors.Tag) bool {
			a, _ := parseAddress(tag.Address, false)
			return a.offset%10 >= 8
		})
		g.play(Config{}, 60*time.Second)
		for i := range g.tags {
			bad := g.reasons(i)
			if n := len(g.good(i)); n < 57 || bad["exception 2: illegal data address"] > 3 {
				t.Errorf("%s: tag %d (%s): %d good, %v", name, i, g.tags[i].Address, n, bad)
			}
		}
		last := 0
		for _, r := range g.device.requests {
			if r.at.Sub(g.start) > 58*time.Second+500*time.Millisecond {
				last++
			}
		}
		if last > 14 {
			t.Errorf("%s: %d requests in the last round", name, last)
		}
	}
}

// TestProgramLoad: everything is refused for a while, as during a download.
func TestProgramLoad(t *testing.T) {
	loading := false
	g := &rig{t: t, device: &fakeDevice{units: units(&unitState{refuses: func(Area, int) bool { return loading }})}}
	for i := range 12 {
		g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", i), ""))
	}
	g.play(Config{}, 80*time.Second,
		step{10*time.Second - time.Millisecond, func() { loading = true }},
		step{50*time.Second - time.Millisecond, func() { loading = false }})
	for i := range g.tags {
		times := g.good(i)
		after := slices.IndexFunc(times, func(at time.Duration) bool { return at > 49*time.Second })
		if after != 10 || times[after] > 52*time.Second || len(times) < 38 {
			t.Errorf("tag %d: good at %v", i, times)
		}
	}
}

// TestSilentRequest: the device keeps silent about an address that it does not
// know, and answers all others.
func TestSilentRequest(t *testing.T) {
	u := &unitState{mutes: true, refuses: func(_ Area, i int) bool { return i >= 200 && i < 400 }}
	g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(u)}}
	for _, a := range []string{"holding:300", "holding:0", "holding:200", "holding:500", "coil:1"} {
		g.tags = append(g.tags, tag(a, ""))
	}
	g.play(Config{Timeout: 500 * time.Millisecond}, 60*time.Second, step{40 * time.Second, func() {
		u.refuses = nil
	}})
	if !errors.Is(g.err, context.DeadlineExceeded) {
		t.Fatal(g.err)
	}
	for _, i := range []int{1, 3, 4} {
		if n := len(g.good(i)); n < 57 {
			t.Errorf("%s: %d good, %v", g.tags[i].Address, n, g.reasons(i))
		}
	}
	for _, i := range []int{0, 2} {
		if bad := g.reasons(i)[reasonSilent]; bad < 40 || bad > 51 || len(g.good(i)) < 9 {
			t.Errorf("%s: %d good, %v", g.tags[i].Address, len(g.good(i)), g.reasons(i))
		}
	}
}

func TestBrokenConnectionEndsTheSession(t *testing.T) {
	g := &rig{t: t, tags: []connectors.Tag{tag("40001", "")}, device: &fakeDevice{units: units(&unitState{})}}
	g.play(Config{}, time.Minute, step{4500 * time.Millisecond, func() {
		g.device.fails = io.EOF
	}})
	if !errors.Is(g.err, io.EOF) || len(g.good(0)) != 5 {
		t.Errorf("%v after %v", g.err, g.good(0))
	}
}

// TestRandomTrouble: whatever units do, every period's first batch has exactly
// one sample of each of its tags, every Good value is the datum's own, and when
// the trouble is over all come back.
func TestRandomTrouble(t *testing.T) {
	for seed := range uint64(15) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(&unitState{}, &unitState{}, &unitState{})}}
		for range 60 {
			area := []string{"holding", "input", "coil", "discrete"}[rnd.IntN(4)]
			kind := ""
			if area == "holding" && rnd.IntN(2) == 0 {
				kind = "uint32"
			}
			g.tags = append(g.tags, tag(fmt.Sprintf("%d/%s:%d", 1+rnd.IntN(3), area, rnd.IntN(300)), kind))
		}
		var steps []step
		at := time.Duration(0)
		for range 40 {
			at += time.Duration(rnd.IntN(3000)) * time.Millisecond
			hole, width := rnd.IntN(300), rnd.IntN(60)
			inHole := func(_ Area, i int) bool { return i >= hole && i < hole+width }
			states := []unitState{
				{}, {}, {silent: true}, {exception: 11}, {exception: 6}, {most: 5}, {refuses: inHole}, {refuses: inHole, mutes: true},
			}
			second, third := states[rnd.IntN(len(states))], states[rnd.IntN(len(states))]
			steps = append(steps, step{at, func() { *g.device.units[2], *g.device.units[3] = second, third }})
		}
		steps = append(steps, step{at + time.Second, func() { *g.device.units[2], *g.device.units[3] = unitState{}, unitState{} }})
		g.play(Config{Timeout: 300 * time.Millisecond}, 200*time.Second, steps...)
		if !errors.Is(g.err, context.DeadlineExceeded) {
			t.Fatalf("seed %d: %v", seed, g.err)
		}
		g.checkValues(seed)
		last := g.batches[len(g.batches)-1]
		for _, s := range last.Samples {
			if s.Quality != connectors.Good {
				t.Errorf("seed %d: at the end %s is bad: %s", seed, g.tags[s.Tag].Address, s.Reason)
			}
		}
	}
}

// TestAccidentalSilenceIsForgotten: requests that were parted because the device
// was silent for a moment are one request again after half an hour.
func TestAccidentalSilenceIsForgotten(t *testing.T) {
	u := &unitState{mutes: true}
	g := &rig{t: t, tags: []connectors.Tag{tag("input:0", "")}, device: &fakeDevice{latency: time.Millisecond, units: units(u)}}
	for i := range 40 {
		g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", i), ""))
	}
	g.play(Config{Timeout: 500 * time.Millisecond}, 90*time.Minute,
		step{10 * time.Minute, func() { u.refuses = func(a Area, _ int) bool { return a == Holding } }},
		step{10*time.Minute + 2500*time.Millisecond, func() { u.refuses = nil }})
	parted, whole := 0, 0
	for _, r := range g.device.requests {
		at := r.at.Sub(g.start)
		if r.area == Holding && r.count < 40 {
			parted++
			if at > 45*time.Minute {
				t.Fatalf("%d registers were asked for after %v", r.count, at)
			}
		}
		if r.count == 40 && at > 45*time.Minute {
			whole++
		}
	}
	if parted == 0 || whole < 2600 {
		t.Errorf("%d parts, %d whole requests", parted, whole)
	}
}

// TestSilentAddressCostsLittle: beside a register about which the device keeps
// silent for ever, and a hole about which it does, the others are read, though
// what was learnt of the device's map is doubted now and then.
func TestSilentAddressCostsLittle(t *testing.T) {
	u := &unitState{mutes: true, refuses: func(_ Area, i int) bool { return i == 7 || i == 45 }}
	g := &rig{t: t, tags: []connectors.Tag{tag("input:0", "")}, device: &fakeDevice{latency: time.Millisecond, units: units(u)}}
	for i := range 60 {
		if i != 45 {
			g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", i), ""))
		}
	}
	const hours = 6
	const lost = 10
	g.play(Config{Timeout: 500 * time.Millisecond}, hours*time.Hour)
	for i, tag := range g.tags {
		times := g.good(i)
		learnt, _ := slices.BinarySearch(times, 10*time.Minute)
		switch n := len(times[learnt:]); {
		case tag.Address == "holding:7":
			if n > 0 {
				t.Errorf("%s: %d good", tag.Address, n)
			}
		case n < hours*3600-600-lost:
			t.Errorf("%s: %d good of %d", tag.Address, n, hours*3600-600)
		}
	}
	if n := g.totals.timeouts.Load(); n > hours*3600/8*11/10 {
		t.Errorf("%d timeouts in %d hours: one each 8 s is what a silent register costs", n, hours)
	}
}

// TestLostRequestOfASlowPeriod: where a period is long, what one lost request
// took away comes back after the pause of what failed, not with the next period;
// and the period keeps its schedule.
func TestLostRequestOfASlowPeriod(t *testing.T) {
	for name, fast := range map[string]bool{"alone": false, "beside a fast period": true} {
		u := &unitState{}
		g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(u, &unitState{})}}
		slow := tag("1/holding:0", "")
		slow.Every = 10 * time.Minute
		other := tag("2/holding:0", "")
		other.Every = slow.Every
		g.tags = []connectors.Tag{slow, other}
		if fast {
			g.tags = append(g.tags, tag("1/holding:100", ""))
		}
		g.play(Config{Timeout: 500 * time.Millisecond}, 35*time.Minute,
			step{10 * time.Minute, func() { u.silent = true }}, step{10*time.Minute + 600*time.Millisecond, func() { u.silent = false }})
		times := g.good(0)
		if len(times) != 4 || times[1] < 10*time.Minute || times[1] > 10*time.Minute+4*time.Second || times[2].Round(time.Second) != 20*time.Minute {
			t.Errorf("%s: good at %v", name, times)
		}
		if other := g.good(1); len(other) != 4 {
			t.Errorf("%s: the other unit was read at %v", name, other)
		}
	}
}

// TestDeadUnitOfASlowPeriod is asked some times in quick succession, and then
// about twenty times in a period.
func TestDeadUnitOfASlowPeriod(t *testing.T) {
	g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(&unitState{}, &unitState{silent: true})}}
	for _, a := range []string{"1/holding:0", "2/holding:0", "2/holding:100"} {
		slow := tag(a, "")
		slow.Every = time.Hour
		g.tags = append(g.tags, slow)
	}
	const hours = 6
	g.play(Config{}, hours*time.Hour, step{5*time.Hour + 30*time.Minute, func() { g.device.units[2].silent = false }})
	dead := 0
	for _, r := range g.device.requests {
		if r.unit == 2 {
			dead++
		}
	}
	if dead < 5*promptShare || dead > promptTries+hours*(promptShare+2) {
		t.Errorf("%d requests to the dead unit", dead)
	}
	for i, want := range []int{hours, 1, 1} {
		if got := g.good(i); len(got) != want || i > 0 && got[0] > 5*time.Hour+34*time.Minute {
			t.Errorf("tag %d: good at %v", i, got)
		}
	}
}

// TestConnectionClosedWhileIdle: a device that ends connections over which
// nothing is asked for a while is told from one that turns clients away.
func TestConnectionClosedWhileIdle(t *testing.T) {
	for every, want := range map[time.Duration]string{
		time.Minute: "; the device ended the connection in the 1m0s in which nothing was asked: if it does so each time, set release, so that each round has a connection of its own, or read more often",
		time.Second: "; the device closed the connection: many allow only one to four at a time, so check who else is connected",
	} {
		g := &rig{t: t, tags: []connectors.Tag{tag("40001", "")}, device: &fakeDevice{units: units(&unitState{})}}
		g.play(Config{Every: every}, 10*time.Minute, step{90 * time.Second, func() { g.device.fails = io.EOF }})
		if got := advice(g.err); !errors.Is(g.err, io.EOF) || got != want {
			t.Errorf("%v: %v%s", every, g.err, got)
		}
	}
}

// TestRefusalOfASlowPeriod: while a program is loaded, or a device is busy, it
// refuses; what that takes from a long period comes back soon after, and a
// refusal that stays costs little.
func TestRefusalOfASlowPeriod(t *testing.T) {
	for name, c := range map[string]unitState{
		"busy":         {exception: 6},
		"program load": {refuses: func(Area, int) bool { return true }},
	} {
		g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(&unitState{})}}
		for _, a := range []string{"holding:0", "holding:1", "holding:100", "input:0"} {
			slow := tag(a, "")
			slow.Every = time.Hour
			g.tags = append(g.tags, slow)
		}
		g.play(Config{}, 6*time.Hour,
			step{time.Hour - time.Second, func() { *g.device.units[1] = c }}, step{time.Hour + 20*time.Second, func() { *g.device.units[1] = unitState{} }},
			step{3*time.Hour - time.Second, func() { *g.device.units[1] = c }})
		for i := range g.tags {
			if times := g.good(i); len(times) < 3 || times[1] < time.Hour || times[1] > time.Hour+2*time.Minute || times[len(times)-1] > 3*time.Hour {
				t.Errorf("%s: tag %d: good at %v", name, i, times)
			}
		}
		late := 0
		for _, r := range g.device.requests {
			if r.at.Sub(g.start) >= 3*time.Hour {
				late++
			}
		}
		if late > 3*(promptShare+2*promptTries+2)*len(g.tags) {
			t.Errorf("%s: %d requests in three hours in which all was refused", name, late)
		}
	}
}

// TestRandomTroubleOfLongPeriods: whatever units do, soon after it is over every
// tag is good again, also those whose next round is far away, and what is read
// between the rounds is right and moves none of them.
func TestRandomTroubleOfLongPeriods(t *testing.T) {
	const over, soon = 400 * time.Second, 60 * time.Second
	for seed := range uint64(15) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		g := &rig{t: t, serial: seed%3 == 0, device: &fakeDevice{latency: time.Millisecond, units: units(&unitState{}, &unitState{}, &unitState{})}}
		for range 40 {
			one := tag(fmt.Sprintf("%d/holding:%d", 1+rnd.IntN(3), rnd.IntN(300)), []string{"", "uint32"}[rnd.IntN(2)])
			one.Every = []time.Duration{time.Second, 5 * time.Second, 10 * time.Minute}[rnd.IntN(3)]
			g.tags = append(g.tags, one)
		}
		var steps []step
		for at := time.Duration(0); at < over; at += time.Duration(rnd.IntN(20000)) * time.Millisecond {
			hole, width := rnd.IntN(300), rnd.IntN(60)
			inHole := func(_ Area, i int) bool { return i >= hole && i < hole+width }
			states := []unitState{{}, {silent: true}, {exception: 11}, {exception: 6}, {most: 5}, {refuses: inHole}, {refuses: inHole, mutes: true}}
			second, third := states[rnd.IntN(len(states))], states[rnd.IntN(len(states))]
			steps = append(steps, step{at, func() { *g.device.units[2], *g.device.units[3] = second, third }})
		}
		steps = append(steps, step{over, func() { *g.device.units[2], *g.device.units[3] = unitState{}, unitState{} }})
		g.play(Config{Timeout: 300 * time.Millisecond}, over+soon, steps...)
		if !errors.Is(g.err, context.DeadlineExceeded) {
			t.Fatalf("seed %d: %v", seed, g.err)
		}
		last := map[int]connectors.Sample{}
		for _, b := range g.batches {
			for _, s := range b.Samples {
				last[s.Tag] = s
			}
		}
		for i, one := range g.tags {
			a, _ := parseAddress(one.Address, false)
			want := connectors.Uint(uint64(a.offset))
			if one.Type == "uint32" {
				want = connectors.Uint(uint64(a.offset)<<16 | uint64(a.offset+1))
			}
			if s := last[i]; s.Quality != connectors.Good || s.Value != want {
				t.Errorf("seed %d: %s every %v is %v %s %s", seed, one.Address, one.Every, s.Quality, s.Value.Text(), s.Reason)
			}
		}
	}
}
