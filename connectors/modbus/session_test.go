package modbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestScheduleDoesNotDrift(t *testing.T) {
	fast := tag("40001", "")
	fast.Every = 300 * time.Millisecond
	g := &rig{t: t, tags: []connectors.Tag{fast, tag("40001", ""), tag("00002", "")}, device: &fakeDevice{latency: 7 * time.Millisecond, units: units(&unitState{})}}
	g.play(Config{}, 10*time.Second)
	if !errors.Is(g.err, context.DeadlineExceeded) {
		t.Fatal(g.err)
	}
	if g.batches[0].Link != connectors.LinkUp || len(g.batches[0].Samples) != 0 {
		t.Errorf("the first batch is %+v", g.batches[0])
	}
	if n := len(g.good(0)); n != 34 {
		t.Errorf("%d polls at 300 ms in 10 s", n)
	}
	times := g.good(1)
	if len(times) != 10 {
		t.Errorf("%d polls at 1 s in 10 s: %v", len(times), times)
	}
	for i, at := range times {
		late := at - time.Duration(i)*time.Second
		if late < 0 || late > 30*time.Millisecond {
			t.Errorf("poll %d at %v", i, at)
		}
	}
	for _, b := range g.batches[1:] {
		if n := len(b.Samples); n != 1 && n != 2 {
			t.Errorf("a batch of %d samples: a round is one batch", n)
		}
	}
}

func TestMissedPeriodsAreLeftOut(t *testing.T) {
	g := &rig{t: t, tags: []connectors.Tag{tag("40001", "")}, device: &fakeDevice{units: units(&unitState{})}, slow: 2500 * time.Millisecond}
	g.play(Config{}, 14*time.Second)
	// LinkUp blocks until 2.5 s, which is when the first poll is emitted; then
	// every poll takes 2.5 s, and the first multiple of a second after it is the
	// next.
	want := []time.Duration{2500 * time.Millisecond, 6 * time.Second, 9 * time.Second, 12 * time.Second}
	if got := g.good(0); !slices.Equal(got, want) {
		t.Errorf("polls at %v, want %v", got, want)
	}
}

func TestDeadUnitDelaysNobody(t *testing.T) {
	for _, kind := range []unitState{{silent: true}, {exception: 11}, {exception: 10}} {
		g := &rig{t: t, tags: []connectors.Tag{tag("1/40001", ""), tag("2/40001", ""), tag("3/40001", ""), tag("3/40500", "")}}
		g.device = &fakeDevice{latency: time.Millisecond, units: units(&unitState{}, &kind, &unitState{})}
		dead, code := g.device.units[2], kind.exception
		g.play(Config{Timeout: 500 * time.Millisecond}, 60*time.Second, step{40 * time.Second, func() {
			*dead = unitState{}
		}})
		if !errors.Is(g.err, context.DeadlineExceeded) {
			t.Fatalf("%d: %v", code, g.err)
		}
		for _, tag := range []int{0, 2, 3} {
			times := g.good(tag)
			if len(times) != 60 {
				t.Errorf("%d: tag %d has %d samples in 60 s", code, tag, len(times))
			}
			for i, at := range times {
				if late := at - time.Duration(i)*time.Second; late > 510*time.Millisecond || i > 0 && late > 10*time.Millisecond {
					t.Errorf("%d: sample %d of tag %d at %v", code, i, tag, at)
				}
			}
		}
		reason := reasonSilent
		if code != 0 {
			reason = exceptionReason(code)
		}
		// In 40 s, and until it is found well again.
		if bad := g.reasons(1); len(bad) != 1 || bad[reason] < 40 || bad[reason] > 49 {
			t.Errorf("%d: %v", code, bad)
		}
		back := g.good(1)
		if len(back) == 0 || back[0] > 49*time.Second {
			t.Errorf("%d: back at %v", code, back)
		}
		tries := 0
		for _, r := range g.device.requests {
			if r.unit == 2 && r.at.Sub(g.start) < 40*time.Second {
				tries++
			}
		}
		if tries > 9 {
			t.Errorf("%d: the dead unit was asked %d times in 40 s", code, tries)
		}
	}
}

func TestManyDeadUnitsTakeHalfTheTimeAtMost(t *testing.T) {
	g := &rig{t: t, tags: []connectors.Tag{tag("1/40001", "")}, device: &fakeDevice{units: map[uint8]*unitState{1: {}, 20: {}}}}
	for u := 2; u <= 20; u++ {
		g.tags = append(g.tags, tag(fmt.Sprintf("%d/40001", u), ""))
	}
	g.play(Config{Timeout: 700 * time.Millisecond}, 300*time.Second)
	if !errors.Is(g.err, context.DeadlineExceeded) {
		t.Fatal(g.err)
	}
	times := g.good(0)
	if times[0] > 20*time.Second {
		t.Errorf("the first sample came after %v", times[0])
	}
	for i := 1; i < len(times); i++ {
		if pause := times[i] - times[i-1]; pause > 2*time.Second {
			t.Errorf("%v between two samples of the unit that is well", pause)
		}
	}
	if len(times) < 270 {
		t.Errorf("%d samples in 300 s", len(times))
	}
	if last := g.good(19); len(last) < 250 || last[0] > 45*time.Second {
		t.Errorf("the last unit, which is well too, has %d samples, the first after %v", len(last), last[:min(1, len(last))])
	}
	lost := time.Duration(0)
	for _, r := range g.device.requests {
		if at := r.at.Sub(g.start); r.unit != 1 && r.unit != 20 && at > 60*time.Second {
			lost += g.device.timeout
		}
	}
	if lost > 120*time.Second || lost < 60*time.Second {
		t.Errorf("%v of 240 s went to units that are dead", lost)
	}
}

func TestMuteDeviceEndsTheSession(t *testing.T) {
	tags := []connectors.Tag{tag("1/40001", ""), tag("2/40001", ""), tag("3/30001", ""), tag("4/30001", ""), tag("5/30001", "")}
	for _, c := range []struct {
		name  string
		tags  []connectors.Tag
		every time.Duration
		// well is how long the device answers.
		well  time.Duration
		limit time.Duration
	}{
		{"one unit, from the start", tags[:1], 0, 0, 6 * time.Second},
		{"five units, from the start", tags, 0, 0, 10 * time.Second},
		{"one unit, later", tags[:1], 0, 5500 * time.Millisecond, 13 * time.Second},
		{"five units, later", tags, 0, 5500 * time.Millisecond, 15 * time.Second},
		{"slow period", tags, time.Minute, 5500 * time.Millisecond, 69 * time.Second},
	} {
		g := &rig{t: t, tags: c.tags, device: &fakeDevice{units: map[uint8]*unitState{}}}
		for u := range c.tags {
			g.device.units[uint8(u+1)] = &unitState{silent: c.well == 0}
		}
		g.play(Config{Every: c.every}, time.Hour, step{c.well, func() {
			for _, u := range g.device.units {
				u.silent = true
			}
		}})
		var took time.Duration
		if last := g.device.requests[len(g.device.requests)-1]; true {
			took = last.at.Add(g.device.timeout).Sub(g.start)
		}
		if g.err == nil || !strings.Contains(g.err.Error(), "nothing answers (") || took > c.limit {
			t.Errorf("%s: %v after %v, want within %v", c.name, g.err, took, c.limit)
		}
		if c.well == 0 && len(g.batches) != 0 {
			t.Errorf("%s: emitted %v", c.name, g.batches)
		}
	}
}

func TestSilentUnitsDoNotHideTheOneThatAnswers(t *testing.T) {
	// The only unit that answers is asked last, and in another period.
	late := tag("9/40001", "")
	late.Every = 5 * time.Second
	g := &rig{t: t, tags: []connectors.Tag{tag("1/40001", ""), tag("2/40001", ""), tag("3/40001", ""), tag("4/40001", ""), late}}
	g.device = &fakeDevice{units: map[uint8]*unitState{9: {}}}
	g.play(Config{Timeout: time.Second}, 60*time.Second)
	if !errors.Is(g.err, context.DeadlineExceeded) {
		t.Fatal(g.err)
	}
	if n := len(g.good(4)); n < 11 {
		t.Errorf("%d samples of the unit that answers", n)
	}
}

func TestGatewayWithOnlyDeadUnitsStaysUp(t *testing.T) {
	g := &rig{t: t, tags: []connectors.Tag{tag("1/40001", ""), tag("2/40001", "")}, device: &fakeDevice{units: units(&unitState{exception: 11}, &unitState{exception: 10})}}
	g.play(Config{}, 30*time.Second)
	if !errors.Is(g.err, context.DeadlineExceeded) || g.batches[0].Link != connectors.LinkUp {
		t.Fatal(g.err)
	}
	if bad := g.reasons(0); bad[exceptionReason(11)] != 30 || len(bad) != 1 {
		t.Errorf("%v", bad)
	}
	if bad := g.reasons(1); bad[exceptionReason(10)] != 30 || len(bad) != 1 {
		t.Errorf("%v", bad)
	}
}

func TestExceptionsAreNamed(t *testing.T) {
	for code, want := range map[byte]string{
		1: "exception 1: illegal function", 2: "exception 2: illegal data address", 3: "exception 3: illegal data value",
		4: "exception 4: server device failure", 5: "exception 5: acknowledge", 6: "exception 6: server device busy",
		7: "exception 7: negative acknowledge", 8: "exception 8: memory parity error", 9: "exception 9",
		10: "exception 10: gateway path unavailable", 11: "exception 11: gateway target device failed to respond", 0: "exception 0", 255: "exception 255",
	} {
		g := &rig{t: t, tags: []connectors.Tag{tag("40001", ""), tag("coil:7", "")}, device: &fakeDevice{units: units(&unitState{exception: code})}}
		if code == 0 {
			if got := exceptionReason(0); got != want {
				t.Errorf("%q", got)
			}
			continue
		}
		g.play(Config{}, 5*time.Second)
		for i := range g.tags {
			if bad := g.reasons(i); bad[want] != 5 || len(bad) != 1 {
				t.Errorf("tag %d: %v, want %s", i, bad, want)
			}
		}
	}
}
