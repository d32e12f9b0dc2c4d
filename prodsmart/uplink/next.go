package uplink

import "time"

// Next is the most urgent work that may leave now. If there is none, wake is
// when there may be; zero says: not before another call of Report, Done or Add.
func (d *Desk) Next(now time.Time) (w Work, wake time.Time, ok bool) {
	at, shut := d.gate.open()
	if d.shut = shut; shut {
		return d.sleep(time.Time{})
	}
	at = later(at, d.pace.ready(now))
	d.slot = at
	var best, other *lane // other: the best regular one
	var soonest time.Time
	for _, l := range d.lanes {
		p := l.plan
		if p.kind == tellCounter && !l.held && d.holdsBacklog(now, l) {
			d.settle(now, l)
			p = l.plan
		}
		if p.kind == idle || l.flight.seq != 0 || !d.seat(p) {
			continue
		}
		if p.at.After(now) {
			if soonest.IsZero() || p.at.Before(soonest) {
				soonest = p.at
			}
			continue
		}
		if best == nil || d.ahead(l, best, now) {
			best = l
		}
		if p.class == regular && (other == nil || d.ahead(l, other, now)) {
			other = l
		}
	}
	errand, waits, asked := d.bestErrand(now)
	if best == nil && !asked {
		if soonest.IsZero() {
			return d.sleep(soonest)
		}
		return d.sleep(later(soonest, at))
	}
	if at.After(now) {
		return d.sleep(at)
	}
	if best != nil && best.plan.class != regular && d.edges >= edgeRun && d.gate.why == "" && (other != nil || asked) {
		best = other
	}
	// In trouble a machine tries the way, because it is known what its answers
	// mean; an errand does if no machine has anything to say.
	if asked && (best == nil || d.gate.why == "" && waits.before(best.plan, now)) {
		return d.beginErrand(now, errand), now, true
	}
	return d.begin(now, best), now, true
}

// leave takes a slot for a work.
func (d *Desk) leave(now time.Time, w Work) {
	d.pace.take(now)
	d.gate.sent(w.seq)
	d.sent[w.account()]++
	if w.class == regular {
		d.edges = 0
	} else {
		d.edges++
	}
}

// ahead says whether l goes before m. In trouble the one that failed less often
// goes first, so that a machine that never gets through silences nobody else.
func (d *Desk) ahead(l, m *lane, now time.Time) bool {
	if d.gate.why != "" && l.tries != m.tries {
		return l.tries < m.tries
	}
	return l.plan.before(m.plan, now)
}

func (d *Desk) sleep(until time.Time) (Work, time.Time, bool) {
	d.wake = until
	return Work{}, until, false
}

// seat says whether one more request of the plan's class may be on its way.
func (d *Desk) seat(p plan) bool {
	if p.class == edge {
		return d.inFlight < d.settings.InFlight
	}
	return d.inFlight < d.settings.InFlight-1
}

// Sent says that the work is leaving now, later than Next gave it.
func (d *Desk) Sent(now time.Time, w Work) {
	d.pace.moved(now)
	if w.Ticket != 0 {
		return
	}
	if l := d.flying(w); l != nil {
		l.flight.sent = now
	}
}

// Drop takes back work that will not be sent because it could not be saved.
func (d *Desk) Drop(now time.Time, w Work) {
	d.gate.dropped(w.seq)
	if l := d.flying(w); l != nil {
		d.land(l)
		d.takeBack(l, w)
		d.settle(now, l)
	}
}

// Spend accounts for n requests that were made past the Desk, such as those for
// a token. They can not be taken back, so the following slots make up for them.
func (d *Desk) Spend(now time.Time, n int) {
	d.sent[tokenClass] += uint64(n)
	d.pace.spend(now, n)
}
