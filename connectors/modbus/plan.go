package modbus

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Request is one read of a plan.
type Request struct {
	Unit uint8
	Area Area
	// Offset is the first datum, counted from zero; Count is the number of
	// registers or bits.
	Offset, Count int
	// Every is the period in which the request is repeated.
	Every time.Duration
	// Tags is the number of tags it serves.
	Tags int
}

// Plan is what a device will be asked as long as all its units answer and none
// refuses an address, in the order of periods, units, areas and offsets. Their
// number is the smallest that cfg allows. The error names the first tag that
// can not be read.
func Plan(cfg Config, tags []connectors.Tag) ([]Request, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	cfg = cfg.Defaults()
	streams, err := layout(cfg, tags)
	if err != nil {
		return nil, err
	}
	var plan []Request
	for _, s := range streams {
		for _, b := range s.blocks(nil) {
			r := Request{Unit: s.unit, Area: s.area, Offset: b.start, Count: b.count, Every: s.every}
			for _, sp := range s.spans[b.lo:b.hi] {
				r.Tags += sp.hi - sp.lo
			}
			plan = append(plan, r)
		}
	}
	return plan, nil
}

// item is one tag, compiled.
type item struct {
	tag    int
	offset int
	format format
}

// end is the offset behind the item's last datum.
func (it *item) end() int { return it.offset + it.format.registers }

// span is a run of data that has to be read at once, and the items made of it.
type span struct {
	start, end int
	// lo and hi bound the span's items in its stream.
	lo, hi int
}

// stream is what is read of one area of one unit in one period.
type stream struct {
	unit  uint8
	area  Area
	every time.Duration
	// most and gap are the limits of one request, in data of this area.
	most, gap int
	// items are sorted as the spans are, and spans by start, then by end.
	items []item
	spans []span
	// wall[i] says that a hole forbids to read span i-1 and span i at once.
	wall []bool
	// learnt is what was found out about the device's holes, nil before the
	// first connection. It is the one thing that changes, and belongs to
	// whoever runs the connector.
	learnt *knowledge
}

// block is one request: the spans lo to hi of a stream, and all data between
// the first and the last.
type block struct {
	lo, hi       int
	start, count int
	trouble
}

// layout compiles the tags and sorts them into streams. cfg has its defaults.
func layout(cfg Config, tags []connectors.Tag) ([]*stream, error) {
	type key struct {
		every time.Duration
		unit  uint8
		area  Area
	}
	found := map[key]*stream{}
	var streams []*stream
	for i, tag := range tags {
		a, f, err := compile(tag, cfg.OneBased, cfg.MaxRead)
		if err != nil {
			return nil, fmt.Errorf("modbus: tag %s: %w", tag.Address, err)
		}
		k := key{every: tag.Every, unit: *cfg.Unit, area: a.area}
		if a.hasUnit {
			k.unit = a.unit
		}
		if k.every == 0 {
			k.every = cfg.Every
		}
		s := found[k]
		if s == nil {
			s = &stream{unit: k.unit, area: k.area, every: k.every, most: cfg.most(k.area), gap: cfg.gap(k.area)}
			found[k] = s
			streams = append(streams, s)
		}
		s.items = append(s.items, item{tag: i, offset: int(a.offset), format: f})
	}
	slices.SortFunc(streams, func(x, y *stream) int {
		return cmp.Or(cmp.Compare(x.every, y.every), cmp.Compare(x.unit, y.unit), cmp.Compare(x.area, y.area))
	})
	holes, err := cfg.holes()
	if err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	for _, s := range streams {
		s.setSpans()
		s.setWalls(holes)
	}
	return streams, nil
}

// compile checks a tag and finds its place. maxRead is the largest number of
// registers of one request.
func compile(tag connectors.Tag, oneBased bool, maxRead int) (address, format, error) {
	a, err := parseAddress(tag.Address, oneBased)
	if err != nil {
		return a, format{}, err
	}
	f, err := parseFormat(tag, a.area)
	if err != nil {
		return a, f, err
	}
	switch {
	case int(a.offset)+f.registers > addressSpace:
		return a, f, fmt.Errorf("%d registers from %s:%d go beyond the last one, %s:65535", f.registers, a.area, a.offset, a.area)
	case !a.area.bits() && f.registers > maxRead:
		return a, f, fmt.Errorf("%d registers have to be read at once, but max_read is %d", f.registers, maxRead)
	case tag.Path != "":
		return a, f, fmt.Errorf("path %q has no meaning in Modbus; remove it", tag.Path)
	case tag.EachMessage:
		return a, f, fmt.Errorf("a register has no messages that could count for themselves; remove each_message, or count with a counter or a bit")
	case tag.Every != 0 && (tag.Every < shortest || tag.Every > longest):
		return a, f, fmt.Errorf("every: %v is not possible; allowed is %v to %v", tag.Every, shortest, longest)
	}
	return a, f, nil
}

func (s *stream) setSpans() {
	slices.SortStableFunc(s.items, func(x, y item) int {
		return cmp.Or(cmp.Compare(x.offset, y.offset), cmp.Compare(x.end(), y.end()))
	})
	for i := range s.items {
		it := &s.items[i]
		if n := len(s.spans); n > 0 && s.spans[n-1].start == it.offset && s.spans[n-1].end == it.end() {
			s.spans[n-1].hi = i + 1
			continue
		}
		s.spans = append(s.spans, span{start: it.offset, end: it.end(), lo: i, hi: i + 1})
	}
}

// blocks covers all spans with the fewest requests, and of all ways to do so
// takes one that reads the fewest data. No request is longer than most, none
// reads along more than gap unused data in one hole, none tears a span. known,
// if not nil, is what the device refused before: a refused span is left out, and
// no request crosses it or a cut.
//
// It is enough to look at requests for spans that follow each other. If one
// serves the spans i and k, and another the span j between them, then j ends
// behind the first request (else that serves it as well), hence behind k, and
// begins no later than k: the request for j contains k, and the one for i may do
// without it. So the best way to read all spans from one on is a request for
// this and some that follow, and the best way to read the rest, which is known
// when the walk goes backwards.
func (s *stream) blocks(known *knowledge) []block {
	type choice struct{ requests, data, hi int }
	best := make([]choice, len(s.spans)+1)
	joined := s.joined(known)
	refused := func(i int) bool { return known != nil && known.refused[i].failures > 0 }
	most := s.most
	if known != nil && known.most > 0 {
		most = known.most
	}
	for lo := len(s.spans) - 1; lo >= 0; lo-- {
		best[lo] = best[lo+1]
		best[lo].hi = lo
		if refused(lo) {
			continue
		}
		end := 0
		for hi := lo + 1; hi <= len(s.spans); hi++ {
			end = max(end, s.spans[hi-1].end)
			count := end - s.spans[lo].start
			if hi > lo+1 && (count > most || !joined[hi-1]) {
				break
			}
			c := choice{1 + best[hi].requests, count + best[hi].data, hi}
			if b := best[lo]; b.hi == lo || c.requests < b.requests || c.requests == b.requests && c.data <= b.data {
				best[lo] = c
			}
		}
	}
	var all []block
	for lo := 0; lo < len(s.spans); {
		hi := best[lo].hi
		if hi == lo {
			lo++
			continue
		}
		all = append(all, s.part(lo, hi))
		lo = hi
	}
	return all
}

// joined says of each span whether a request may contain it and the one before,
// as far as it does not become too long. A hole is counted from the end of all
// that is asked for before it.
func (s *stream) joined(known *knowledge) []bool {
	all := make([]bool, len(s.spans))
	reach := 0
	for i, sp := range s.spans {
		if known != nil && known.refused[i].failures > 0 {
			continue
		}
		all[i] = i > 0 && sp.start-reach <= s.gap && (s.wall == nil || !s.wall[i]) &&
			(known == nil || !known.cut[i] && !known.apart[i] && known.refused[i-1].failures == 0)
		reach = max(reach, sp.end)
	}
	return all
}

// part is the request for some spans of the stream alone.
func (s *stream) part(lo, hi int) block {
	end := 0
	for _, sp := range s.spans[lo:hi] {
		end = max(end, sp.end)
	}
	return block{lo: lo, hi: hi, start: s.spans[lo].start, count: end - s.spans[lo].start}
}
