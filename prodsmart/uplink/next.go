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
	d.agenda.advance(now)
	best := d.best(now, d.mayLeave)
	errand, waits, asked := d.bestErrand(now)
	if best == nil && !asked {
		soonest := d.agenda.soonest()
		if soonest.IsZero() {
			return d.sleep(soonest)
		}
		return d.sleep(later(soonest, at))
	}
	if at.After(now) {
		return d.sleep(at)
	}
	through := false
	if best != nil && best.plan.class != regular && d.edges >= edgeRun && d.gate.why == "" {
		if other := d.aged(now); other != nil || asked {
			best, through = other, true
		}
	}
	// In trouble a machine tries the way, because it is known what its answers
	// mean; an errand does if no machine has anything to say.
	if asked && (best == nil || d.gate.why == "" && (waits.before(best.plan, now) || through && waits.aged(best.plan, now))) {
		w = d.beginErrand(now, errand)
	} else {
		w = d.begin(now, best)
	}
	if through {
		d.edges = 0
	}
	return w, now, true
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

// best is the most urgent lane of the classes that admit lets in; nil if there is
// none. In trouble the one that failed less often goes first, so that a machine
// that never gets through silences nobody else.
func (d *Desk) best(now time.Time, admit func(class) bool) *lane {
	for {
		l := d.agenda.first(now, admit)
		if d.gate.why != "" {
			for _, m := range d.lanes {
				if m.plan.kind == idle || m.plan.at.After(now) || !admit(m.plan.class) {
					continue
				}
				if l == nil || m.tries < l.tries || m.tries == l.tries && m.plan.before(l.plan, now) {
					l = m
				}
			}
		}
		if l == nil || !d.overtaken(now, l) {
			return l
		}
	}
}

// aged is the lane that waits longest, measured by its target, of those that stops
// and starts keep back; nil if there is none.
func (d *Desk) aged(now time.Time) *lane {
	for {
		l := d.agenda.firstAged(now, d.mayLeave)
		if l == nil || !d.overtaken(now, l) {
			return l
		}
	}
}

// overtaken makes the plan of a lane anew if it was overtaken by time: its counter
// is to be held by now, or a refused stop may be tried again, with the counter
// that its rule demands before it.
func (d *Desk) overtaken(now time.Time, l *lane) bool {
	switch {
	case l.plan.kind == tellCounter && !l.held && d.holdsBacklog(now, l):
	case l.plan.kind == beginStop && l.gaveUp():
		l.givenUp = 0
	default:
		return false
	}
	d.settle(now, l)
	d.agenda.advance(now)
	return true
}

func (d *Desk) sleep(until time.Time) (Work, time.Time, bool) {
	d.wake = until
	return Work{}, until, false
}

// mayLeave says whether one more request of the class may be on its way.
func (d *Desk) mayLeave(c class) bool {
	if c == edge {
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
