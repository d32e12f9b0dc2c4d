package modbus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func tag(address, kind string) connectors.Tag {
	return connectors.Tag{Address: address, Type: kind, Bit: connectors.NoBit}
}

func TestPlan(t *testing.T) {
	slow := tag("40050", "uint16")
	slow.Every = 10 * time.Second
	text := tag("holding:200", "string")
	text.Length = 8
	tags := []connectors.Tag{
		tag("40001", "uint32"), tag("40001", "uint16"), tag("40010", "uint16"), // one request: the hole is 7
		tag("40030", "float64"),                                                // the hole is 19: another request
		tag("3/40001", "uint16"),                                               // another unit
		tag("30001", ""), tag("00001", ""), tag("10001", ""), tag("10200", ""), // other areas; the bits' hole is 198
		slow, // another period
		text,
	}
	got, err := Plan(Config{Address: "tcp://plc"}, tags)
	if err != nil {
		t.Fatal(err)
	}
	s := time.Second
	want := []Request{
		{1, Coil, 0, 1, s, 1},
		{1, Discrete, 0, 200, s, 2},
		{1, Input, 0, 1, s, 1},
		{1, Holding, 0, 10, s, 3},
		{1, Holding, 29, 4, s, 1},
		{1, Holding, 200, 8, s, 1},
		{3, Holding, 0, 1, s, 1},
		{1, Holding, 49, 1, 10 * s, 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestPlanErrors(t *testing.T) {
	unit := uint8(0)
	ok := Config{Address: "tcp://10.0.4.30:502", Unit: &unit}
	with := func(change func(*Config)) Config { c := ok; change(&c); return c }
	for _, c := range []struct {
		cfg  Config
		tag  connectors.Tag
		want string
	}{
		{ok, tag("4001", ""), `modbus: tag 4001: "4001" is no Modbus address`},
		{with(func(c *Config) { c.MaxRead = 2 }), tag("40001", "float64"), `modbus: tag 40001: 4 registers have to be read at once, but max_read is 2`},
		{with(func(c *Config) { c.OneBased = true }), tag("holding:0", ""), `modbus: tag holding:0: holding:0 is out of range; the offset goes from 1 to 65536`},
		{with(func(c *Config) { c.Address = "10.0.4.30:502" }), tag("40001", ""), `modbus: address: "10.0.4.30:502" does not say how to connect; write tcp://host:port, for instance tcp://10.0.4.30:502`},
		{with(func(c *Config) { c.Address = "udp://plc" }), tag("40001", ""), `modbus: address: "udp://" is not supported; write tcp://host:port`},
		{with(func(c *Config) { c.Address = "tcp://plc:502/1" }), tag("40001", ""), `is not a host and a port`},
		{with(func(c *Config) { c.Address = "tcp://" }), tag("40001", ""), `is not a host and a port`},
		{with(func(c *Config) { c.Address = "tcp://plc:99999" }), tag("40001", ""), `port "99999" is not a number from 1 to 65535`},
		{with(func(c *Config) { c.Address = "tcp://me:hush@plc" }), tag("40001", ""), `modbus: address: Modbus knows no user and no password`},
		{with(func(c *Config) { c.MaxRead = 126 }), tag("40001", ""), `modbus: max_read: 126 is not possible; the protocol allows 1 to 125 registers`},
		{with(func(c *Config) { c.MaxReadBits = -1 }), tag("40001", ""), `modbus: max_read_bits: -1 is not possible; the protocol allows 1 to 2000 bits`},
		{with(func(c *Config) { c.Gap = -2 }), tag("40001", ""), `modbus: gap: -2 is not possible; allowed is 1 to 125 registers, or -1 for none`},
		{with(func(c *Config) { c.Every = time.Millisecond }), tag("40001", ""), `modbus: every: 1ms is not possible; allowed is 10ms to 1h0m0s`},
		{with(func(c *Config) { c.Pause = time.Minute }), tag("40001", ""), `modbus: pause: 1m0s is not possible; allowed is 0 to 10s`},
		{with(func(c *Config) { c.ConnectPause = -1 }), tag("40001", ""), `modbus: connect_pause: -1ns is not possible; allowed is 0 to 10s`},
		{with(func(c *Config) { c.Holes = []string{"holding:7-3"} }), tag("40001", ""), `modbus: holes: "holding:7-3" ends before it begins, or in another area; write for instance holding:100-119`},
		{with(func(c *Config) { c.Holes = []string{"hoding:7"} }), tag("40001", ""), `modbus: holes: unknown area "hoding"; allowed are coil, discrete, input and holding; did you mean holding?`},
		{with(func(c *Config) { c.Timeout = time.Hour }), tag("40001", ""), `modbus: timeout: 1h0m0s is not possible; allowed is 10ms to 1m0s`},
	} {
		_, err := Plan(c.cfg, []connectors.Tag{c.tag})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
		if _, err2 := New(c.cfg, []connectors.Tag{c.tag}); err2 == nil || err2.Error() != err.Error() {
			t.Errorf("New says %v, Plan says %v", err2, err)
		}
	}
}

// proven is the number of random maps on which the plan is held against the best
// one. Nothing about a map is left out that the plan knows: limits, holes that
// the configuration names, data that were refused, cuts that were remembered,
// and a size that was found to be too large.
const proven = 1000

// TestPlanIsMinimal compares, on small random maps, with the best of all sets of
// requests: the fewest, and of these the fewest data.
func TestPlanIsMinimal(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var mine, best cost
	for range proven {
		s, known, holes := randomMap(rnd)
		got := s.blocks(known)
		describe := fmt.Sprintf("most %d gap %d spans %v walls %v known %v: %v", s.most, s.gap, s.spans, s.wall, known, got)
		covered := map[int]bool{}
		var c cost
		for _, b := range got {
			c.requests++
			c.data += b.count
			if !allowed(s, known, b.lo, b.hi) {
				t.Fatalf("not allowed: %v of %s", b, describe)
			}
			for _, h := range holes {
				if b.hi-b.lo > 1 && h.covers(b.start, b.start+b.count) {
					t.Fatalf("%v reads along %v: %s", b, h, describe)
				}
			}
			for i := b.lo; i < b.hi; i++ {
				if s.spans[i].start < b.start || s.spans[i].end > b.start+b.count || covered[i] {
					t.Fatalf("span %d is torn or read twice: %s", i, describe)
				}
				covered[i] = true
			}
		}
		for i := range s.spans {
			if covered[i] == (known.refused[i].failures > 0) {
				t.Fatalf("span %d: covered is %v: %s", i, covered[i], describe)
			}
		}
		want := fewest(s, known)
		if c != want {
			t.Fatalf("%+v, %+v is enough: %s", c, want, describe)
		}
		mine.add(c)
		best.add(want)
	}
	t.Logf("%d maps: %d requests of %d needed (efficiency %.3f), %d data of %d needed (%.3f)", proven, mine.requests, best.requests,
		float64(best.requests)/float64(mine.requests), mine.data, best.data, float64(best.data)/float64(mine.data))
}

// cost is what a plan costs.
type cost struct{ requests, data int }

func (c *cost) add(other cost) {
	c.requests += other.requests
	c.data += other.data
}

func costOf(plan []block) cost {
	c := cost{requests: len(plan)}
	for _, b := range plan {
		c.data += b.count
	}
	return c
}

func (c cost) less(than cost) bool {
	return c.requests < than.requests || c.requests == than.requests && c.data < than.data
}

func randomMap(rnd *rand.Rand) (*stream, *knowledge, []dataRange) {
	s := &stream{area: Holding, most: 4 + rnd.IntN(9), gap: rnd.IntN(9)}
	for i := range 1 + rnd.IntN(10) {
		size := 1 << rnd.IntN(3)
		s.items = append(s.items, item{tag: i, offset: rnd.IntN(36), format: format{registers: size}})
	}
	s.setSpans()
	var holes []dataRange
	for range rnd.IntN(3) {
		at := rnd.IntN(36)
		holes = append(holes, dataRange{area: Holding, start: at, end: at + 1 + rnd.IntN(2)})
	}
	s.setWalls(holes)
	known := &knowledge{refused: make([]trouble, len(s.spans)), cut: make([]bool, len(s.spans)), apart: make([]bool, len(s.spans))}
	for i := range s.spans {
		if rnd.IntN(12) == 0 {
			known.refused[i].failures = 1
		}
		known.cut[i], known.apart[i] = rnd.IntN(12) == 0, rnd.IntN(16) == 0
	}
	if rnd.IntN(4) == 0 {
		known.most = 4 + rnd.IntN(s.most-3)
	}
	return s, known, holes
}

// merged is the plan of who goes through the data from the first to the last and
// adds to a request as long as that is allowed.
func merged(s *stream, known *knowledge) []block {
	var all []block
	for lo := 0; lo < len(s.spans); {
		if known.refused[lo].failures > 0 {
			lo++
			continue
		}
		hi := lo + 1
		for hi < len(s.spans) && allowed(s, known, lo, hi+1) {
			hi++
		}
		all = append(all, s.part(lo, hi))
		lo = hi
	}
	return all
}

// gapsMerged is the plan of who begins with a request for each datum and joins
// those with the smallest gap between them, as long as that is allowed.
func gapsMerged(s *stream, known *knowledge) []block {
	var all []block
	for i := range s.spans {
		if known.refused[i].failures == 0 {
			all = append(all, s.part(i, i+1))
		}
	}
	for {
		best, least := 0, 0
		for i := 1; i < len(all); i++ {
			gap := all[i].start - all[i-1].start - all[i-1].count
			if all[i].lo == all[i-1].hi && allowed(s, known, all[i-1].lo, all[i].hi) && (best == 0 || gap < least) {
				best, least = i, gap
			}
		}
		if best == 0 {
			return all
		}
		all[best-1] = s.part(all[best-1].lo, all[best].hi)
		all = slices.Delete(all, best, best+1)
	}
}

// BenchmarkPlanProven makes the plans of the random maps, and says how they
// stand to the best possible, beside two simple ways to make them.
func BenchmarkPlanProven(b *testing.B) {
	rnd := rand.New(rand.NewPCG(11, 11))
	type device struct {
		s     *stream
		known *knowledge
	}
	devices := make([]device, proven)
	var mine, best, left, gaps cost
	for i := range devices {
		s, known, _ := randomMap(rnd)
		devices[i] = device{s, known}
		best.add(fewest(s, known))
		left.add(costOf(merged(s, known)))
		gaps.add(costOf(gapsMerged(s, known)))
	}
	for b.Loop() {
		mine = cost{}
		for _, d := range devices {
			mine.add(costOf(d.s.blocks(d.known)))
		}
	}
	for name, c := range map[string]cost{"": mine, "from-left-": left, "smallest-gaps-": gaps} {
		b.ReportMetric(float64(c.requests)/float64(best.requests), name+"requests/optimum")
		b.ReportMetric(float64(c.data)/float64(best.data), name+"data/optimum")
	}
}

// TestHoles: nothing in a hole is read along, and what a tag asks for in a hole
// is read by itself.
func TestHoles(t *testing.T) {
	cfg := Config{Address: "tcp://plc", Holes: []string{"holding:3-4", "40021", "3/holding:1", "coil:5-6"}}
	tags := []connectors.Tag{
		tag("holding:0", ""), tag("holding:2", ""), tag("holding:5", ""), tag("holding:6", ""),
		tag("holding:19", ""), tag("holding:20", ""), tag("holding:21", ""),
		tag("3/holding:0", ""), tag("3/holding:2", ""), tag("coil:0", ""), tag("coil:7", ""), tag("input:0", ""), tag("input:6", ""),
	}
	plan, err := Plan(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	s := time.Second
	want := []Request{
		{1, Coil, 0, 1, s, 1}, {1, Coil, 7, 1, s, 1}, {1, Input, 0, 7, s, 2},
		{1, Holding, 0, 3, s, 2}, {1, Holding, 5, 15, s, 3}, {1, Holding, 20, 1, s, 1}, {1, Holding, 21, 1, s, 1},
		{3, Holding, 0, 1, s, 1}, {3, Holding, 2, 1, s, 1},
	}
	if !slices.Equal(plan, want) {
		t.Errorf("got\n%v\nwant\n%v", plan, want)
	}
}

// allowed says, register by register, whether one request may serve the spans
// lo to hi.
func allowed(s *stream, known *knowledge, lo, hi int) bool {
	return allowedSet(s, known, func(i int) bool { return i >= lo && i < hi })
}

func allowedSet(s *stream, known *knowledge, in func(int) bool) bool {
	first, last := -1, -1
	var asked [64]bool
	start, end := 64, 0
	for i, sp := range s.spans {
		if known.refused[i].failures == 0 {
			for r := sp.start; r < sp.end; r++ {
				asked[r] = true
			}
		}
		if in(i) {
			if first < 0 {
				first = i
			}
			last = i
			start, end = min(start, sp.start), max(end, sp.end)
		}
	}
	for i := first; i <= last; i++ {
		if known.refused[i].failures > 0 || i > first && (known.cut[i] || known.apart[i] || s.wall[i]) {
			return false
		}
	}
	hole := 0
	for r := start; r < end; r++ {
		hole++
		if asked[r] {
			hole = 0
		}
		if hole > s.gap {
			return false
		}
	}
	return end-start <= s.most && (known.most == 0 || end-start <= known.most || last == first)
}

// fewest tries all partitions of the spans, contiguous or not.
func fewest(s *stream, known *knowledge) cost {
	var all uint
	for i := range s.spans {
		if known.refused[i].failures == 0 {
			all |= 1 << i
		}
	}
	data := map[uint]int{}
	for set := uint(1); set <= all; set++ {
		if set&^all == 0 && allowedSet(s, known, func(i int) bool { return set>>i&1 == 1 }) {
			start, end := 64, 0
			for i, sp := range s.spans {
				if set>>i&1 == 1 {
					start, end = min(start, sp.start), max(end, sp.end)
				}
			}
			data[set] = end - start
		}
	}
	best := map[uint]cost{0: {}}
	var solve func(uint) cost
	solve = func(rest uint) cost {
		if c, ok := best[rest]; ok {
			return c
		}
		least := cost{requests: 99}
		low := rest & -rest
		for set := rest; set > 0; set = (set - 1) & rest {
			if n, ok := data[set]; ok && set&low != 0 {
				c := solve(rest &^ set)
				c.requests++
				c.data += n
				if c.less(least) {
					least = c
				}
			}
		}
		best[rest] = least
		return least
	}
	return solve(all)
}
