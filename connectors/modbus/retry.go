package modbus

import (
	"context"
	"time"
)

const (
	// promptAbove is the period above which what failed is not left until the
	// next round.
	promptAbove = 2 * unitPause
	// promptTries is how often that is tried in quick succession, promptShare
	// the share of the period that passes between later tries.
	promptTries = 5
	promptShare = 20
)

// due is when something of a round is to be done.
func (r *round) due() time.Time {
	if !r.early.IsZero() && r.early.Before(r.next) {
		return r.early
	}
	return r.next
}

// owe notes that a part was not read as a whole. It is left alone the longer the
// more often that was so in a row, and as long as an answer may be under way.
func (p *part) owe() {
	if !p.short {
		p.short = true
		p.owed.silent(time.Now(), "")
	}
}

// nextTry is when something that failed in a round of a long period is tried
// before the next; zero if all was read.
func (s *session) nextTry(r *round) time.Time {
	var first time.Time
	if r.every <= promptAbove {
		return first
	}
	now := time.Now()
	consider := func(t *trouble) {
		if t.failures == 0 {
			return
		}
		at := t.next
		if least := now.Add(r.every / promptShare); t.failures > promptTries && at.Before(least) {
			at = least
		}
		if at.Before(s.patience) {
			at = s.patience
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for _, p := range r.parts {
		if p.unit.failures > 0 {
			consider(&p.unit.trouble)
			continue
		}
		consider(&p.owed)
		for _, rd := range p.readers {
			for i := range rd.plan {
				consider(&rd.plan[i].trouble)
			}
			for _, i := range rd.left {
				consider(&rd.refused[i])
			}
		}
	}
	return first
}

// refusalDue says that something that was refused is to be asked for again.
func (p *part) refusalDue(now time.Time) bool {
	for _, rd := range p.readers {
		for _, i := range rd.left {
			if rd.refused[i].due(now) {
				return true
			}
		}
	}
	return false
}

// catchUp reads between two rounds of a long period what the last one did not
// get: of units that answer again, what was refused, and one of those that are
// due to be tried.
func (s *session) catchUp(ctx context.Context, r *round) error {
	s.samples = s.samples[:0]
	s.asked, s.heard, s.budget = false, false, learning
	for _, p := range r.parts {
		if p.unit.failures > 0 {
			continue
		}
		var err error
		switch now := time.Now(); {
		case p.owed.due(now):
			err = s.read(ctx, p, routine)
		case p.refusalDue(now):
			err = s.finish(ctx, p, routine)
		}
		if err != nil {
			return err
		}
		s.flush()
	}
	if err := s.settleRound(ctx); err != nil {
		return err
	}
	return s.retry(ctx, r)
}

// retry tries the unit or request of the round that has waited longest. Where it
// costs a timeout again, as much time must pass before the next try, so that
// never more than half of the time goes to what does not answer.
func (s *session) retry(ctx context.Context, r *round) error {
	began := time.Now()
	if began.Before(s.patience) {
		return nil
	}
	p := r.overdue(began)
	if p == nil {
		return nil
	}
	w := again
	if p.unit.failures > 0 {
		w = revival
	}
	s.asked, s.heard = false, false
	if err := s.read(ctx, p, w); err != nil {
		return err
	}
	now := time.Now()
	s.patience = now.Add(now.Sub(began))
	if s.heard && (w == again || p.unit.failures == 0) {
		s.flush()
	}
	s.samples = s.samples[:0]
	return s.settleRound(ctx)
}

// overdue is the part with the unit or the request that has been left alone for
// the longest, of those whose pause is over; nil if there is none.
func (r *round) overdue(now time.Time) *part {
	var found *part
	var since time.Time
	consider := func(p *part, t *trouble) {
		if t.due(now) && (found == nil || t.next.Before(since)) {
			found, since = p, t.next
		}
	}
	for _, p := range r.parts {
		if p.unit.failures > 0 {
			consider(p, &p.unit.trouble)
			continue
		}
		for _, rd := range p.readers {
			for i := range rd.plan {
				consider(p, &rd.plan[i].trouble)
			}
		}
	}
	return found
}
