package modbus

import (
	"context"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// task is one request of a part.
type task struct {
	reader *reader
	block  int
}

func (t task) get() *block { return &t.reader.plan[t.block] }

// way is what of a part is read.
type way uint8

const (
	// routine reads a unit that is well, without the requests that failed.
	routine way = iota
	// revival reads all of a unit that failed.
	revival
	// again reads only the failed requests that are due, of a unit that is
	// well.
	again
)

// read does the requests of one unit in one round and leaves samples of all
// their tags.
//
// A request without an answer condemns the unit if nothing was heard of it just
// before; otherwise the fault is the request's, as with devices that keep silent
// about addresses they do not know. Requests that are known for that come last,
// when the unit had a chance to answer others, and only until one is silent
// again.
func (s *session) read(ctx context.Context, p *part, w way) error {
	s.list(p, w)
	ever := w == again
	heard := ever
	for i, t := range s.work {
		b := t.get()
		a, err := s.ask(ctx, p.unit, t.reader.area, *b)
		if err != nil {
			return err
		}
		if a.verdict == silent {
			if heard, err = s.vouched(ctx, p, t, heard); err != nil {
				return err
			}
			suspected := b.failures > 0 && ever
			t.reader.silent(b, time.Now(), a.reason, heard)
			if heard && a.lost && !s.numbered {
				s.drop(p, s.work[i:], a.reason)
				return nil
			}
			if suspected {
				s.badTasks(s.work[i:], "")
				break
			}
			if !heard {
				s.abandon(p, s.work[i:], a.reason)
				return nil
			}
			heard = false
			s.bad(t.reader, b.lo, b.hi, a.reason)
			continue
		}
		if a.lost && !s.numbered {
			s.drop(p, s.work[i:], a.reason)
			return nil
		}
		ever, heard = true, true
		if err := s.take(ctx, p, t, a); err != nil {
			return err
		}
		if p.unit.failures > 0 {
			s.abandon(p, s.work[i+1:], p.unit.reason)
			return nil
		}
	}
	return s.finish(ctx, p, w)
}

// finish asks for what was refused before, if that is due, and makes use of what
// was learnt.
func (s *session) finish(ctx context.Context, p *part, w way) error {
	for _, rd := range p.readers {
		if w != again {
			if err := s.readLeft(ctx, p, rd); err != nil {
				return err
			}
		}
		if rd.returned {
			rd.forget()
		}
		rd.doubt(time.Now())
		rd.replan()
	}
	if !p.short {
		p.owed = trouble{}
	}
	return nil
}

// take makes samples of a request that the unit answered, be it with a refusal.
func (s *session) take(ctx context.Context, p *part, t task, a answer) error {
	b := t.get()
	if b.failures > 0 && t.reader.lonely(b) {
		t.reader.returned = true
	}
	p.unit.trouble, b.trouble = trouble{}, trouble{}
	switch a.verdict {
	case answered:
		t.reader.passed(b, s.spoke)
		s.good(t.reader, *b, a.data)
	case refused:
		return s.learn(ctx, p, t.reader, b.lo, b.hi, a.reason)
	default:
		p.owe()
		s.bad(t.reader, b.lo, b.hi, a.reason)
	}
	return nil
}

// vouched finds out about a request that stayed silent more than once whether it
// or its unit is to blame: one of its data alone is asked for, another one each
// time. heard says that the unit has just answered something else.
func (s *session) vouched(ctx context.Context, p *part, t task, heard bool) (bool, error) {
	b := *t.get()
	if heard || b.failures == 0 || b.hi-b.lo == 1 {
		return heard, nil
	}
	n := b.lo + b.failures%(b.hi-b.lo)
	a, err := s.ask(ctx, p.unit, t.reader.area, t.reader.part(n, n+1))
	return err == nil && a.verdict != silent && !a.lost, err
}

// list makes s.work, and Bad samples of what is left out of a routine.
func (s *session) list(p *part, w way) {
	s.work = s.work[:0]
	p.short = p.short && w == again
	troubled := false
	for _, rd := range p.readers {
		for i := range rd.plan {
			if rd.plan[i].failures > 0 {
				troubled = true
			} else if w != again {
				s.work = append(s.work, task{rd, i})
			}
		}
	}
	if !troubled {
		return
	}
	now := time.Now()
	well := len(s.work)
	for _, rd := range p.readers {
		for i := range rd.plan {
			b := &rd.plan[i]
			switch {
			case b.failures == 0:
			case w == revival, w == again && !b.resting(now):
				s.work = append(s.work, task{rd, i})
			case w == routine:
				s.bad(rd, b.lo, b.hi, b.reason)
			}
		}
	}
	slices.SortStableFunc(s.work[well:], func(x, y task) int { return x.get().next.Compare(y.get().next) })
}

// abandon gives up on a unit for this round: what was not read is Bad.
func (s *session) abandon(p *part, rest []task, reason string) {
	if now := time.Now(); !p.unit.resting(now) {
		p.unit.silent(now, reason)
	}
	s.drop(p, rest, reason)
}

// drop ends a unit's part of this round: what was not read is Bad. It is done
// with a unit that fell silent, and on a line without transaction numbers after
// every failure, so that an answer that is still under way meets no other
// request of the unit.
func (s *session) drop(p *part, rest []task, reason string) {
	p.owe()
	s.badTasks(rest, reason)
	for _, rd := range p.readers {
		for _, i := range rd.left {
			s.bad(rd, i, i+1, reason)
		}
		rd.replan()
	}
}

// badTasks appends Bad samples of requests that are not asked; without a reason
// they get their own.
func (s *session) badTasks(tasks []task, reason string) {
	for _, t := range tasks {
		b := t.get()
		if reason == "" {
			s.bad(t.reader, b.lo, b.hi, b.reason)
			continue
		}
		s.bad(t.reader, b.lo, b.hi, reason)
	}
}

// learn finds out, by halves, which of the spans lo to hi the device refuses,
// after it refused them together. Every span gets its samples; those that were
// not reached when the round's budget is spent are Bad, and the search goes on
// in the next round. If both halves can be read, the fault is the hole between
// them, or the size if the device says so.
func (s *session) learn(ctx context.Context, p *part, rd *reader, lo, hi int, reason string) error {
	if hi-lo == 1 {
		rd.refused[lo].refuse(time.Now(), reason)
		rd.stale = true
		s.bad(rd, lo, hi, reason)
		return nil
	}
	mid := (lo + hi) / 2
	left, err := s.half(ctx, p, rd, lo, mid, reason)
	if err != nil {
		return err
	}
	right, err := s.half(ctx, p, rd, mid, hi, reason)
	if left && right {
		if reason == exceptionReason(exceptionQuantity) {
			rd.tooLarge(rd.part(lo, hi).count, max(rd.part(lo, mid).count, rd.part(mid, hi).count))
		} else {
			rd.cut[mid] = true
		}
		rd.doubtLater(time.Now())
	}
	return err
}

// half reads one half of a refused request; true if it came.
func (s *session) half(ctx context.Context, p *part, rd *reader, lo, hi int, reason string) (bool, error) {
	if s.budget == 0 || p.unit.failures > 0 {
		p.owe()
		s.bad(rd, lo, hi, reason)
		return false, nil
	}
	s.budget--
	b := rd.part(lo, hi)
	a, err := s.ask(ctx, p.unit, rd.area, b)
	if err != nil {
		return false, err
	}
	switch a.verdict {
	case answered:
		s.good(rd, b, a.data)
		return true, nil
	case refused:
		return false, s.learn(ctx, p, rd, lo, hi, a.reason)
	case silent:
		p.unit.silent(time.Now(), a.reason)
	}
	p.owe()
	s.bad(rd, lo, hi, a.reason)
	return false, nil
}

// readLeft leaves samples of the refused spans, and asks again for those whose
// pause is over. If one of them has come into being, the device's map has
// changed, and all that was learnt about the stream is found out anew. Where
// everything is refused, as while a program is being loaded, one of them is
// asked for in every round.
func (s *session) readLeft(ctx context.Context, p *part, rd *reader) error {
	changed := false
	now := time.Now()
	for n, i := range rd.left {
		t := &rd.refused[i]
		watch := n == 0 && len(rd.plan) == 0
		if t.resting(now) && !watch && !changed || s.budget == 0 || p.unit.failures > 0 {
			s.bad(rd, i, i+1, t.reason)
			continue
		}
		s.budget--
		b := rd.part(i, i+1)
		a, err := s.ask(ctx, p.unit, rd.area, b)
		if err != nil {
			return err
		}
		if a.verdict == answered {
			s.good(rd, b, a.data)
			changed = true
			continue
		}
		t.refuse(time.Now(), a.reason)
		s.bad(rd, i, i+1, a.reason)
		if a.verdict == silent {
			p.unit.silent(time.Now(), a.reason)
		}
	}
	if changed {
		rd.forget()
	}
	return nil
}

// good appends the samples of a request's data.
func (s *session) good(rd *reader, b block, data []byte) {
	from, to := rd.spans[b.lo].lo, rd.spans[b.hi-1].hi
	bits := rd.area.bits()
	for i := from; i < to; i++ {
		it := &rd.items[i]
		at := it.offset - b.start
		sample := connectors.Sample{Tag: it.tag, Quality: connectors.Good}
		if bits {
			sample.Value = connectors.Bool(data[at/8]>>(at%8)&1 == 1)
		} else if sample.Value, sample.Reason = it.format.decode(data[2*at:], s.last[it.tag]); sample.Reason != "" {
			sample.Quality = connectors.Bad
		} else if it.format.kind == typeString {
			s.last[it.tag] = sample.Value
		}
		s.samples = append(s.samples, sample)
	}
}

// bad appends Bad samples of the spans lo to hi.
func (s *session) bad(rd *reader, lo, hi int, reason string) {
	for i := rd.spans[lo].lo; i < rd.spans[hi-1].hi; i++ {
		s.samples = append(s.samples, connectors.Sample{Tag: rd.items[i].tag, Quality: connectors.Bad, Reason: reason})
	}
}

// badPart appends Bad samples of all tags of a part.
func (s *session) badPart(p *part, reason string) {
	for _, rd := range p.readers {
		s.bad(rd, 0, len(rd.spans), reason)
	}
}

// flush emits the batch that was made, if there is one. Nothing is said before
// the device answered once.
func (s *session) flush() {
	if !s.up || len(s.samples) == 0 {
		return
	}
	now := time.Now()
	s.totals.samples.Add(uint64(len(s.samples)))
	for i := range s.samples {
		if s.samples[i].Quality == connectors.Good {
			s.totals.lastGood.Store(now.UnixNano())
			break
		}
	}
	s.emit(connectors.Batch{Time: now, Samples: s.samples})
	s.samples = s.samples[:0]
}
