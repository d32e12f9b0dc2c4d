package modbus

import (
	"context"
	"fmt"
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// widest is the number of registers that are looked at from a tag on: those of
// the longest numbers, and of a short text.
const widest = 8

// Probe implements connectors.Surveyor. Tags that the plan reads at once are
// asked for at once, and one by one only where the device refuses that. After
// the tag come all types and byte orders that the registers from its address on
// can be read as, and the bits of the first. To that end up to eight registers
// from the last tag of a request on are asked for, or four or two if the device
// refuses more, but none in a hole of the configuration, and none beyond the tag
// where Gap is -1. A unit that leaves two requests unanswered and has answered
// none is not asked again.
func (s *Survey) Probe(ctx context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	all := make([][]connectors.Reading, len(tags))
	p := &probing{survey: s, found: func(i int, readings []connectors.Reading) { all[i] = readings }}
	var plain []connectors.Tag
	for i, tag := range tags {
		where, _, err := compile(tag, s.cfg.OneBased, s.cfg.MaxRead)
		if err != nil {
			bad := connectors.Reading{Tag: tag, Note: err.Error()}
			bad.Sample.Reason = "can not be read"
			all[i] = []connectors.Reading{bad}
			continue
		}
		p.tags = append(p.tags, probed{tag, i, s.spot(where)})
		tag.Every = 0 // periods need no requests of their own here
		plain = append(plain, tag)
	}
	streams, err := layout(s.cfg, plain)
	if err != nil {
		return nil, err
	}
	err = s.with(ctx, func(a *asker) error {
		p.asker = a
		for _, st := range streams {
			for _, b := range st.blocks(nil) {
				if err := p.block(ctx, st, b.lo, b.hi, true); err != nil {
					return fmt.Errorf("tag %s: %w", p.tags[st.items[st.spans[b.lo].lo].tag].tag.Address, err)
				}
			}
		}
		if len(streams) == 0 {
			return nil
		}
		return a.answers(streams[0].unit)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// probed is a tag as it was given, its number, and where it is.
type probed struct {
	tag connectors.Tag
	n   int
	at  spot
}

// probing is what Probe does over one connection.
type probing struct {
	*asker
	survey *Survey
	// tags are those that the items of the streams count.
	tags  []probed
	found func(n int, readings []connectors.Reading)
}

// block reads the spans lo to hi of a stream: at once, with less around them
// where the device refuses that, and by halves where it refuses still. wide asks
// for more than the tags themselves.
func (p *probing) block(ctx context.Context, st *stream, lo, hi int, wide bool) error {
	b := st.part(lo, hi)
	last := answer{reason: reasonSilent}
	refused := 0
	for _, count := range p.counts(st, b, wide) {
		if p.absent(st.unit) || last.verdict == silent && count != b.count {
			continue
		}
		a, err := p.ask(ctx, st.unit, st.area, b.start, count)
		if err != nil {
			return err
		}
		if a.verdict == answered {
			p.tell(st, b, count, a.data, refused, last.reason)
			return nil
		}
		last, refused = a, count
	}
	if p.absent(st.unit) || hi-lo == 1 || last.reason == exceptionReason(exceptionFunction) {
		p.bad(st, lo, hi, p.reason(st.unit, last.reason))
		return nil
	}
	mid := (lo + hi) / 2
	if err := p.block(ctx, st, lo, mid, false); err != nil {
		return err
	}
	return p.block(ctx, st, mid, hi, false)
}

// counts are the sizes of requests for a block, in the order in which they are
// tried: the largest first. Sizes below the block's own are for one span alone,
// to find out how much of it answers.
func (p *probing) counts(st *stream, b block, wide bool) []int {
	all := []int{b.count}
	if st.area.bits() {
		return all
	}
	lastOne := st.spans[b.hi-1].start - b.start
	for n := widest; n > 0; n /= 2 {
		count := lastOne + min(n, addressSpace-b.start-lastOne)
		switch {
		case count > b.count && (!wide || st.gap == 0 || count > st.most || p.survey.inHole(st, b.start+b.count, b.start+count)):
		case count < b.count && b.hi-b.lo > 1:
		case !slices.Contains(all, count):
			all = append(all, count)
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all
}

// inHole says that data of a stream touch a hole of the configuration.
func (s *Survey) inHole(st *stream, start, end int) bool {
	holes, err := s.cfg.holes()
	return err != nil || slices.ContainsFunc(holes, func(h dataRange) bool {
		return h.unit == st.unit && h.area == st.area && h.covers(start, end)
	})
}

// tell makes readings of the data of a block. refused is the size of a request
// that was refused before, with a reason; 0 if none was.
func (p *probing) tell(st *stream, b block, count int, data []byte, refused int, reason string) {
	note := ""
	if refused > 0 && b.hi-b.lo == 1 {
		note = fmt.Sprintf("%d registers from here on answer, %d together do not (%s)", count, refused, reason)
		if count == 1 {
			note = fmt.Sprintf("1 register from here on answers, %d together do not (%s)", refused, reason)
		}
	}
	for _, sp := range st.spans[b.lo:b.hi] {
		for _, it := range st.items[sp.lo:sp.hi] {
			of := p.tags[it.tag]
			own := connectors.Reading{Tag: of.tag, Type: st.area.kind(), Note: note}
			at := it.offset - b.start
			if st.area.bits() {
				own.Sample = p.survey.bit(of.at, data, at).Sample
				own.Raw = []byte{data[at/8] >> (at % 8) & 1}
				p.found(of.n, []connectors.Reading{own})
				continue
			}
			rest := data[2*at : min(len(data), 2*max(at+widest, it.end()-b.start))]
			if it.end() <= b.start+count {
				own.Sample = it.format.sample(st.area, rest)
				own.Raw = rawOf(st.area, it.format.registers, rest)
			} else {
				own.Sample.Reason = reason
			}
			p.found(of.n, p.others(own, of.at, rest))
		}
	}
}

// others puts what else the data could be behind a tag's own reading.
func (p *probing) others(own connectors.Reading, at spot, data []byte) []connectors.Reading {
	all := []connectors.Reading{own}
	for _, r := range p.survey.readings(at, data, true) {
		if r.Tag.Type != own.Tag.Type || r.Tag.Order != own.Tag.Order || r.Tag.Bit != own.Tag.Bit || r.Tag.Length != own.Tag.Length {
			all = append(all, r)
		}
	}
	return all
}

// bad makes readings of spans that can not be read.
func (p *probing) bad(st *stream, lo, hi int, reason string) {
	for _, it := range st.items[st.spans[lo].lo:st.spans[hi-1].hi] {
		of := p.tags[it.tag]
		own := connectors.Reading{Tag: of.tag, Type: st.area.kind()}
		own.Sample.Reason = reason
		p.found(of.n, []connectors.Reading{own})
	}
}
