package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// unitState is how a unit of a fakeDevice behaves.
type unitState struct {
	// silent: no answer at all, after the timeout.
	silent bool
	// exception: the answer to every request, if not 0.
	exception byte
	// refuses says which data do not exist; nil means none.
	refuses func(area Area, offset int) bool
	// most is the largest request that is not refused with exception 3.
	most int
	// mutes says that a request about a datum that does not exist gets no
	// answer.
	mutes bool
}

// fakeDevice is a transport in virtual time. A register's value is its offset,
// a bit is set if its offset is odd.
type fakeDevice struct {
	timeout, latency time.Duration
	units            map[uint8]*unitState
	// fails ends the connection.
	fails    error
	requests []asked
	// steps are what happens to the device, in the order of time.
	steps []step
	start time.Time
}

// step is something that happens to a fakeDevice at a time of the test, or with
// the first request after it.
type step struct {
	at time.Duration
	do func()
}

type asked struct {
	unit         uint8
	area         Area
	start, count int
	at           time.Time
}

func (d *fakeDevice) Dropped() uint64 { return 0 }

func (d *fakeDevice) Send(request []byte) ([]byte, error) {
	for len(d.steps) > 0 && time.Since(d.start) >= d.steps[0].at {
		d.steps[0].do()
		d.steps = d.steps[1:]
	}
	if d.fails != nil {
		return nil, &linkError{d.fails}
	}
	unit := request[6]
	area := map[byte]Area{1: Coil, 2: Discrete, 3: Holding, 4: Input}[request[7]]
	start, count := int(binary.BigEndian.Uint16(request[8:])), int(binary.BigEndian.Uint16(request[10:]))
	d.requests = append(d.requests, asked{unit, area, start, count, time.Now()})
	u := d.units[unit]
	exception := byte(0)
	silent := u == nil || u.silent
	if !silent {
		exception = u.exception
		for i := start; i < start+count; i++ {
			if u.refuses != nil && u.refuses(area, i) {
				exception, silent = exceptionAddress, u.mutes
			}
		}
		if u.most > 0 && count > u.most {
			exception = exceptionQuantity
		}
	}
	if silent {
		time.Sleep(d.timeout)
		return nil, errSilent
	}
	time.Sleep(d.latency)
	body := []byte{unit, request[7]}
	switch {
	case exception != 0:
		body = []byte{unit, request[7] | exceptionBit, exception}
	case area.bits():
		data := make([]byte, (count+7)/8)
		for i := range count {
			data[i/8] |= byte((start+i)%2) << (i % 8)
		}
		body = append(append(body, byte(len(data))), data...)
	default:
		body = append(body, byte(2*count))
		for i := range count {
			body = binary.BigEndian.AppendUint16(body, uint16(start+i))
		}
	}
	frame := append(slices.Clone(request[:4]), byte(len(body)>>8), byte(len(body)))
	return append(frame, body...), nil
}

// rig runs a session against a fakeDevice and keeps what it emits.
type rig struct {
	t       *testing.T
	tags    []connectors.Tag
	device  *fakeDevice
	start   time.Time
	batches []connectors.Batch
	totals  totals
	err     error
	// slow is how long emit blocks.
	slow   time.Duration
	health health
	steps  []step
	// serial says that answers carry no numbers.
	serial bool
}

// play polls the tags for a while of virtual time (but not at its very end), and checks of every batch
// that no tag is in it twice.
func (g *rig) play(cfg Config, limit time.Duration, steps ...step) {
	g.t.Helper()
	cfg.Address = "tcp://plc"
	cfg = cfg.Defaults()
	g.device.timeout = cfg.Timeout
	streams, err := layout(cfg, g.tags)
	if err != nil {
		g.t.Fatal(err)
	}
	synctest.Test(g.t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), limit-time.Millisecond)
		defer cancel()
		g.start = time.Now()
		g.device.start, g.device.steps = g.start, steps
		s := newSession(streams, len(g.tags), newCaller(framingTCP, g.device), &g.totals, func(b connectors.Batch) {
			seen := map[int]bool{}
			for _, s := range b.Samples {
				if seen[s.Tag] {
					t.Errorf("tag %d twice in one batch: %v", s.Tag, b)
				}
				seen[s.Tag] = true
			}
			b.Samples = slices.Clone(b.Samples)
			g.batches = append(g.batches, b)
			time.Sleep(g.slow)
		})
		s.health = &g.health
		s.numbered = !g.serial
		g.err = s.run(ctx)
	})
}

// at gives the times of the Good samples of a tag, from the start.
func (g *rig) good(tag int) []time.Duration {
	var times []time.Duration
	for _, b := range g.batches {
		for _, s := range b.Samples {
			if s.Tag == tag && s.Quality == connectors.Good {
				times = append(times, b.Time.Sub(g.start))
			}
		}
	}
	return times
}

// reasons gives the reasons of the Bad samples of a tag, and how often.
func (g *rig) reasons(tag int) map[string]int {
	all := map[string]int{}
	for _, b := range g.batches {
		for _, s := range b.Samples {
			if s.Tag == tag && s.Quality == connectors.Bad {
				all[s.Reason]++
			}
		}
	}
	return all
}

func units(states ...*unitState) map[uint8]*unitState {
	all := map[uint8]*unitState{}
	for i, s := range states {
		all[uint8(i+1)] = s
	}
	return all
}

// checkValues holds all Good values against what a fakeDevice has, and the
// number of complete rounds against the time.
func (g *rig) checkValues(seed uint64) {
	g.t.Helper()
	complete := 0
	for _, b := range g.batches {
		if len(b.Samples) == len(g.tags) {
			complete++
		}
		for _, s := range b.Samples {
			if s.Quality != connectors.Good {
				if s.Reason == "" {
					g.t.Errorf("seed %d: bad without a reason", seed)
				}
				continue
			}
			a, _ := parseAddress(g.tags[s.Tag].Address, false)
			o := uint64(a.offset)
			want := connectors.Uint(o)
			switch {
			case a.area.bits():
				want = connectors.Bool(o%2 == 1)
			case g.tags[s.Tag].Type == "uint32":
				want = connectors.Uint(o<<16 | o + 1)
			}
			if s.Value != want {
				g.t.Fatalf("seed %d: %s is %s", seed, g.tags[s.Tag].Address, s.Value.Text())
			}
		}
	}
	if complete < 100 {
		g.t.Errorf("seed %d: %d complete batches in 200 s, sizes %v", seed, complete, g.sizes())
	}
}

func (g *rig) sizes() []string {
	count := map[int]int{}
	for _, b := range g.batches {
		count[len(b.Samples)]++
	}
	var out []string
	for _, n := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprintf("%d x %d", count[n], n))
	}
	return out
}
