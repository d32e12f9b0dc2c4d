package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// during plays a rig and looks at the conditions at some of its times.
func (g *rig) during(cfg Config, limit time.Duration, at ...time.Duration) [][]connectors.Condition {
	var seen [][]connectors.Condition
	var steps []step
	for _, when := range at {
		steps = append(steps, step{when, func() { seen = append(seen, g.health.conditions()) }})
	}
	g.play(cfg, limit, append(steps, g.steps...)...)
	return seen
}

func TestSilentUnitIsACondition(t *testing.T) {
	g := &rig{t: t, tags: []connectors.Tag{tag("1/40001", ""), tag("3/40001", "")}, device: &fakeDevice{units: map[uint8]*unitState{1: {}, 3: {silent: true}}}}
	g.steps = []step{{20 * time.Second, func() { g.device.units[3].silent = false }}}
	seen := g.during(Config{}, 60*time.Second, 15*time.Second)
	if len(seen) != 1 || len(seen[0]) != 1 || seen[0][0].Trouble != connectors.UnitSilent || seen[0][0].Subject != "unit 3" || !strings.HasPrefix(seen[0][0].Detail, reasonSilent) {
		t.Errorf("%+v", seen)
	}
	if now := g.health.conditions(); len(now) != 0 {
		t.Errorf("after the unit came back: %+v", now)
	}
}

func TestDeviceThatCanNotKeepThePeriod(t *testing.T) {
	g := &rig{t: t, device: &fakeDevice{latency: 400 * time.Millisecond, units: units(&unitState{})}}
	for i := range 5 {
		g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", 100*i), ""))
	}
	g.steps = []step{{30 * time.Second, func() { g.device.latency = time.Millisecond }}}
	seen := g.during(Config{}, 60*time.Second, 20*time.Second)
	if len(seen) != 1 || len(seen[0]) != 1 || seen[0][0].Trouble != connectors.TooSlow || seen[0][0].Subject != "every 1s" || !strings.Contains(seen[0][0].Detail, "5 requests ended 2s after it was due") {
		t.Errorf("%+v", seen)
	}
	if now := g.health.conditions(); len(now) != 0 {
		t.Errorf("after it became fast: %+v", now)
	}
	for i := 1; i < len(g.device.requests); i++ {
		if before, this := g.device.requests[i-1], g.device.requests[i]; this.start == 0 && before.start != 400 {
			t.Errorf("a scan began before the last one had ended: %v, %v", before, this)
		}
	}
	// A slow reader of the batches is not a slow device.
	g = &rig{t: t, tags: []connectors.Tag{tag("40001", "")}, device: &fakeDevice{units: units(&unitState{})}, slow: 2500 * time.Millisecond}
	if seen := g.during(Config{}, 30*time.Second, 20*time.Second); len(seen) != 1 || len(seen[0]) != 0 {
		t.Errorf("%+v", seen)
	}
}

func TestConnectionsThatAreClosedAtOnce(t *testing.T) {
	con := mustNew(t, fastConfig(serveHostile(t, func(net.Conn, int, wireRequest) error { return io.EOF })), tag("40001", ""))
	for n := range 3 {
		if err := watch(t, con, func(connectors.Batch) bool { return false }); err == nil {
			t.Fatal("no error")
		}
		got := con.Conditions()
		if n == 0 && len(got) != 0 || n > 0 && (len(got) != 1 || got[0].Trouble != connectors.SessionsExhausted || !strings.Contains(got[0].Detail, fmt.Sprintf("%d times in a row", n+1))) {
			t.Errorf("after %d: %+v", n+1, got)
		}
	}
}

// TestConnectionThatAnsweredIsNotCounted: a device that is switched off after it
// answered has not turned anybody away.
func TestConnectionThatAnsweredIsNotCounted(t *testing.T) {
	var mu sync.Mutex
	runs := 0
	con := mustNew(t, fastConfig(serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
		mu.Lock()
		defer mu.Unlock()
		if runs == 0 && n == 0 {
			return write(c, r.right())
		}
		return io.EOF
	})), tag("40001", ""))
	for n, want := range []int{0, 0, 1} {
		if err := watch(t, con, func(connectors.Batch) bool { return false }); err == nil {
			t.Fatal("no error")
		}
		if got := con.Conditions(); len(got) != want {
			t.Errorf("after connection %d: %+v", n+1, got)
		}
		mu.Lock()
		runs++
		mu.Unlock()
	}
}

// TestPauses: after connecting, and between an answer and the next request.
func TestPauses(t *testing.T) {
	var mu sync.Mutex
	var answered time.Time
	least := time.Hour
	cfg := fastConfig(serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 {
			least = min(least, time.Since(answered))
		}
		answered = time.Now()
		return write(c, r.right())
	}))
	cfg.Pause, cfg.ConnectPause = 30*time.Millisecond, 120*time.Millisecond
	began := time.Now()
	rounds := 0
	err := watch(t, mustNew(t, cfg, tag("holding:0", ""), tag("holding:500", "")), func(b connectors.Batch) bool {
		if b.Link == connectors.LinkUp && time.Since(began) < cfg.ConnectPause {
			t.Errorf("the first answer came after %v", time.Since(began))
		}
		rounds += len(b.Samples)
		return rounds >= 6
	})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || least < cfg.Pause {
		t.Errorf("%v, %v between two requests", err, least)
	}
}

// TestRelease: a device that serves one client at a time, and turns a second
// away, has time for another client between the rounds.
func TestRelease(t *testing.T) {
	addr, served := serveOneClient(t)
	cfg := fastConfig("tcp://" + addr)
	cfg.Release, cfg.Every = true, 60*time.Millisecond
	ups, good := 0, 0
	theirs := make(chan bool)
	other := func() {
		defer close(theirs)
		for range 3 {
			if !otherClient(addr) {
				t.Error("another client has no turn")
			}
		}
	}
	con := mustNew(t, cfg, tag("holding:0", ""), tag("holding:500", ""))
	err := watch(t, con, func(b connectors.Batch) bool {
		if b.Link == connectors.LinkUp {
			if ups++; ups == 1 {
				go other()
			}
		}
		for _, s := range b.Samples {
			if s.Quality == connectors.Good {
				good++
			}
		}
		select {
		case <-theirs:
			return good >= 12
		default:
			return false
		}
	})
	if n := served(); err != nil || ups != 1 || n < 6 {
		t.Errorf("%v, %d times up, %d connections", err, ups, n)
	}
}

// serveOneClient is a device that serves one client and closes the connection of
// any other. served is the number of clients it has served.
func serveOneClient(t *testing.T) (addr string, served func() int) {
	t.Helper()
	var mu sync.Mutex
	open, connections := 0, 0
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			full := open > 0
			if !full {
				open++
				connections++
			}
			mu.Unlock()
			if full {
				_ = c.Close()
				continue
			}
			all.Go(func() {
				answerTCP(c)
				mu.Lock()
				open--
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return connections
	}
}

// answerTCP answers Modbus TCP until the connection ends.
func answerTCP(c net.Conn) {
	defer c.Close()
	for {
		var b [12]byte
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return
		}
		r := wireRequest{uint16(b[0])<<8 | uint16(b[1]), b[6], b[7], int(b[8])<<8 | int(b[9]), int(b[10])<<8 | int(b[11])}
		if write(c, r.right()) != nil {
			return
		}
	}
}

// otherClient tries for a while to get one answer.
func otherClient(addr string) bool {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, err = c.Write(frameOf(1, 1, 3, 0, 0, 0, 1))
		var b [11]byte
		if err == nil {
			_, err = io.ReadFull(c, b[:])
		}
		_ = c.Close()
		if err == nil {
			return true
		}
	}
	return false
}

// TestReleaseFindsThatTheDeviceIsGone within three rounds.
func TestReleaseFindsThatTheDeviceIsGone(t *testing.T) {
	p := servePLC(t)
	cfg := fastConfig("tcp://" + p.addr)
	cfg.Release = true
	n, missed := 0, 0
	con := mustNew(t, cfg, tag("40001", ""))
	err := watch(t, con, func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			if s.Reason == reasonNoLink {
				missed++
			}
		}
		if n++; n == 4 {
			p.Stop(t)
		}
		return false
	})
	if err == nil || !strings.Contains(err.Error(), "nothing listens on this port") || missed != muteAfter-1 {
		t.Errorf("%v, %d rounds without a connection", err, missed)
	}
}

// TestSilentAddressInABlock: a device that keeps silent about one register that
// is asked for among many; the others come, whether or not something else of the
// unit is read.
func TestSilentAddressInABlock(t *testing.T) {
	for name, others := range map[string]bool{"beside another request": true, "alone": false} {
		u := &unitState{mutes: true, refuses: func(_ Area, i int) bool { return i == 37 }}
		g := &rig{t: t, device: &fakeDevice{latency: time.Millisecond, units: units(u)}}
		for i := range 100 {
			g.tags = append(g.tags, tag(fmt.Sprintf("holding:%d", i), ""))
		}
		if others {
			g.tags = append(g.tags, tag("input:0", ""))
		}
		g.play(Config{Timeout: 500 * time.Millisecond}, 180*time.Second)
		if !errors.Is(g.err, context.DeadlineExceeded) {
			t.Fatalf("%s: %v", name, g.err)
		}
		for i := range g.tags {
			times := g.good(i)
			switch {
			case i == 37:
				if len(times) != 0 {
					t.Errorf("%s: holding:37 was good", name)
				}
			case len(times) < 100 || times[len(times)-1] < 178*time.Second:
				t.Errorf("%s: tag %d: %d good", name, i, len(times))
			}
		}
	}
}

// TestHolesAreRemembered over connections.
func TestHolesAreRemembered(t *testing.T) {
	d := &island{has: func(o int) bool { return o != 5 && o != 20 }}
	con := mustNew(t, fastConfig(d.serve(t)), tag("holding:0", ""), tag("holding:10", ""), tag("holding:20", ""), tag("holding:30", ""))
	first, second := int64(0), int64(0)
	for _, n := range []*int64{&first, &second} {
		before := d.requests.Load()
		if err := watch(t, con, func(b connectors.Batch) bool { return len(b.Samples) > 0 }); err != nil {
			t.Fatal(err)
		}
		*n = d.requests.Load() - before
	}
	if first < 6 || second > 4 {
		t.Errorf("%d requests to find out, %d with what was known", first, second)
	}
}

// TestCutsAreDoubted: after half an hour a part of the map that was refused is
// asked for as a whole again.
func TestCutsAreDoubted(t *testing.T) {
	hole := true
	g := &rig{t: t, tags: []connectors.Tag{tag("holding:0", ""), tag("holding:10", "")}, device: &fakeDevice{units: units(&unitState{refuses: func(_ Area, i int) bool { return hole && i == 5 }})}}
	g.play(Config{}, 70*time.Minute, step{10 * time.Minute, func() { hole = false }})
	whole := 0
	for _, r := range g.device.requests {
		if at := r.at.Sub(g.start); r.count == 11 && at > time.Second && at < 29*time.Minute {
			t.Errorf("asked for as a whole after %v", at)
		} else if r.count == 11 && at > 31*time.Minute {
			whole++
		}
	}
	if whole < 2000 {
		t.Errorf("%d whole requests after half an hour", whole)
	}
	for i := range g.tags {
		if n := len(g.good(i)); n != 4200 {
			t.Errorf("tag %d: %d good", i, n)
		}
	}
}

// TestSerialCycleIsDropped: where answers carry no numbers, a unit that leaves a
// request unanswered is asked nothing more in that round; other units are.
func TestSerialCycleIsDropped(t *testing.T) {
	u := &unitState{mutes: true, refuses: func(_ Area, i int) bool { return i == 100 }}
	g := &rig{t: t, serial: true, device: &fakeDevice{latency: time.Millisecond, units: units(u, &unitState{})}}
	for _, a := range []string{"1/holding:0", "1/holding:100", "1/holding:200", "2/holding:0"} {
		g.tags = append(g.tags, tag(a, ""))
	}
	g.play(Config{Timeout: 500 * time.Millisecond}, 60*time.Second)
	for i := 1; i < len(g.device.requests); i++ {
		before, this := g.device.requests[i-1], g.device.requests[i]
		if before.start == 100 && this.unit == 1 && this.at.Sub(before.at) <= g.device.timeout {
			t.Errorf("unit 1 was asked on after its silence: %v, %v", before, this)
		}
	}
	for i, least := range []int{58, 0, 50, 58} {
		if n := len(g.good(i)); n < least {
			t.Errorf("tag %d: %d good, %v", i, n, g.reasons(i))
		}
	}
	if n, bad := g.totals.timeouts.Load(), g.reasons(1); n == 0 || n > 15 || len(bad) != 1 || bad[reasonSilent] == 0 {
		t.Errorf("%d timeouts, %v", n, bad)
	}
	if got, want := g.totals.data.Load(), uint64(len(g.good(0))+len(g.good(2))+len(g.good(3))); got < want || got > want+want/5 {
		t.Errorf("%d data, %d samples", got, want)
	}
}
