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

// stream is what is read of one area of one unit in one period. It does not
// change.
type stream struct {
	unit  uint8
	area  Area
	every time.Duration
	// most and gap are the limits of one request, in data of this area.
	most, gap int
	// items are sorted as the spans are, and spans by start, then by end.
	items []item
	spans []span
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
	for _, s := range streams {
		s.setSpans()
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

// blocks covers all spans with the fewest requests. No request is longer than
// most, none reads along more than gap unused data in one hole, none tears a
// span. known, if not nil, is what the device refused before: a refused span is
// left out, and no request crosses it or a cut.
//
// Why these are the fewest. No request can contain a hole wider than gap, a cut
// or a refused span. They divide the stream into parts that share no request,
// and within a part only the length of a request counts. Some request of any
// solution contains the first span of a part. None of the part begins earlier,
// so the request may as well begin there, and then it contains no less than it
// did: there is a smallest solution whose first request begins with the first
// span and contains all that fits. What is left begins with the first span that
// does not fit, for which the same holds. The walk below ends a request at that
// span and does not look for later, shorter ones that would fit: they fit the
// next request just as well, which begins no later than they do and ends later
// than this one.
func (s *stream) blocks(known *knowledge) []block {
	var all []block
	open := false
	// reach is the end of all that was asked for up to here.
	reach := 0
	most := s.most
	if known != nil && known.most > 0 {
		most = known.most
	}
	for i := range s.spans {
		sp := &s.spans[i]
		if known != nil && known.refused[i].failures > 0 {
			open = false
			continue
		}
		if open {
			b := &all[len(all)-1]
			hole := sp.start - reach
			reach = max(reach, sp.end)
			count := max(b.count, sp.end-b.start)
			if hole <= s.gap && count <= most && (known == nil || !known.cut[i]) {
				b.hi, b.count = i+1, count
				continue
			}
		}
		all = append(all, block{lo: i, hi: i + 1, start: sp.start, count: sp.end - sp.start})
		open, reach = true, max(reach, sp.end)
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
