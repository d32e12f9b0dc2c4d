package mapping

import (
	"fmt"
	"time"
)

// lost says whether the machine's state can be known at t, and if not, why. It
// also gives the instant at which patience with bad values ends, zero if none
// are bad.
func (m *Machine) lost(t time.Time) (reason string, until time.Time) {
	if m.spec.Online != NoSignal {
		s := &m.signals[m.spec.Online]
		if !m.linked(m.spec.Online) {
			return "the connection " + m.spec.Signals[m.spec.Online].Connection + " is down", until
		}
		if s.good && !m.online[s.value.Text()] {
			return fmt.Sprintf("the device reports itself as %q", shorten(s.value.Text())), until
		}
		// What is stored of the device may be older than its end; but a source
		// that never repeats whether it is alive does not hide it for long.
		if ends := m.connections[m.connOf[m.spec.Online]].upAt.Add(settling); !s.seen && t.Before(ends) {
			return "the device did not say yet whether it is alive", ends
		}
	}
	for _, i := range m.evidenceOfState {
		if !m.linked(i) {
			return "the connection " + m.spec.Signals[i].Connection + " is down", until
		}
		s := &m.signals[i]
		switch {
		case m.idleOnly && m.counted():
			// Silence on a live link is what the idle time judges.
		case !s.seen:
			return "nothing was received yet", until
		}
		if s.seen && !s.good {
			ends := s.badSince.Add(m.spec.CommTimeout)
			if !t.Before(ends) {
				return "no usable value of " + m.spec.Signals[i].Tag.Address, until
			}
			if until.IsZero() || ends.Before(until) {
				until = ends
			}
		}
	}
	if i := m.spec.State.Signal; i != NoSignal && m.signals[i].good {
		text := m.signals[i].value.Text()
		if v, mapped := m.spec.State.Values[text]; mapped && v.State == Unknown || !mapped && m.spec.State.Otherwise == Unknown {
			return fmt.Sprintf("the state tag says %q, which means nothing here", shorten(text)), until
		}
	}
	return "", until
}

// found takes up the state after a loss of communication. The time in between
// counts neither as running nor as standing: what had passed before the loss is
// what has passed now.
func (m *Machine) found(t time.Time, made Number, out *Outcome) {
	mem := &m.memory
	if !mem.Since.IsZero() {
		out.event(t, "P6", "state", Info, fmt.Sprintf("state known again after %v", max(t.Sub(mem.LostSince), 0).Round(time.Second)), nil)
	}
	ran := made.Sign() > 0 || mem.LastCount.After(mem.LostSince)
	for _, at := range []*time.Time{&mem.StandingSince, &mem.RunningSince, &mem.SignalledSince, &mem.LastCount} {
		if !at.IsZero() && !at.After(mem.LostSince) {
			*at = t.Add(-mem.LostSince.Sub(*at))
		}
	}
	if ran {
		mem.StandingSince = time.Time{}
	}
	mem.LostSince, mem.HeldSince = time.Time{}, time.Time{}
	m.lostReason = ""
	out.dirty()
}

// restore begins anew after the gateway was off: nothing is known of the time
// since seen. If the clock was set back meanwhile, the times of the past are
// moved with it, so that none lies ahead.
func (mem *stateMemory) restore(seen, t time.Time) {
	if mem.State >= States || mem.Signalled >= States {
		mem.State, mem.Signalled = Unknown, Unknown
	}
	if mem.LostSince.IsZero() {
		mem.LostSince = seen
	}
	ahead := seen.Sub(t)
	if seen.IsZero() || ahead <= 0 {
		return
	}
	for _, at := range []*time.Time{&mem.Since, &mem.SignalledSince, &mem.LostSince, &mem.StandingSince, &mem.RunningSince, &mem.LastCount, &mem.HeldSince} {
		if !at.IsZero() {
			*at = at.Add(-ahead)
		}
	}
}
