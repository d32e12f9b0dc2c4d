package mapping

import (
	"fmt"
	"time"
)

// derived is a total made of counters: its own, minus another, plus or minus
// the wastes. Its posted value never falls.
type derived struct {
	subject    string // "count", "waste SCRAP"
	own, minus *counter
	// waste is +1 or -1 if the wastes are to be added or taken away, else 0.
	waste  int
	posted int64
	frozen int64 // posted at the beginning of the open downtime
	// lacking is since when the candidate has been below the posted value, held
	// since when something that is taken away has not been known; each is told
	// once.
	lacking, held             time.Time
	lackingTold, heldBackTold bool
}

type wasteTotal struct {
	code string
	derived
}

// settleTotals brings the posted totals up to the counters.
func (m *Machine) settleTotals(t time.Time, out *Outcome) {
	m.openAt = time.Time{}
	for i := range m.waste {
		w := &m.waste[i]
		w.settle(t, w.candidate(Number{}), m.unknown(t, &w.derived), out)
	}
	if m.count == nil {
		return
	}
	m.count.settle(t, m.count.candidate(m.wastes()), m.unknown(t, m.count), out)
	if !m.known && m.counted() {
		m.known = true
		out.changed()
	}
	if m.memory.LastCount.IsZero() && m.counted() {
		m.memory.LastCount = t // the idle time begins with the first contact
	}
}

// wastes is the exact sum of all waste.
func (m *Machine) wastes() Number {
	var sum Number
	for i := range m.waste {
		sum = sum.Add(m.waste[i].candidate(Number{}))
	}
	return sum
}

func (d *derived) candidate(wastes Number) Number {
	n := d.own.state.Total
	if d.minus != nil {
		n = n.Sub(d.minus.state.Total)
	}
	switch d.waste {
	case 1:
		n = n.Add(wastes)
	case -1:
		n = n.Sub(wastes)
	}
	return n
}

// align moves the own total so that the candidate is what is wished. What is
// told goes on from what was told, whatever it is made of from now on.
func (d *derived) align(wastes, wished Number) {
	d.own.state.Total = d.own.state.Total.Add(wished.Sub(d.candidate(wastes)))
}

// unknown names a counter that is taken away from the total and whose present
// value is not known; empty if there is none. Without it the total is too high,
// and what is told can not be taken back.
func (m *Machine) unknown(t time.Time, d *derived) string {
	if d.minus != nil && !m.current(t, d.minus) {
		return d.minus.subject
	}
	if d.waste < 0 {
		for i := range m.waste {
			if own := m.waste[i].own; !m.current(t, own) {
				return own.subject
			}
		}
	}
	return ""
}

// current says whether a counter's level is that of now as far as anybody can
// know. A source that was connected a moment ago may still tell what happened
// meanwhile; one that stays silent for longer has nothing to tell.
func (m *Machine) current(t time.Time, c *counter) bool {
	until := func(open time.Time) bool {
		if t.Before(open) {
			if m.openAt.IsZero() || open.Before(m.openAt) {
				m.openAt = open
			}
			return false
		}
		return true
	}
	link := &m.connections[m.connOf[c.spec.Signal]]
	switch {
	case !c.state.Based || !link.up:
		return false
	case c.state.Pending != nil && !until(c.state.Pending.Since.Add(settling)):
		return false
	case c.good:
		return true
	case m.signals[c.spec.Signal].seen: // a value that can not be used, or not yet
		until(c.factorDue)
		return false
	}
	return until(link.upAt.Add(settling))
}

// tolerated is how long a derived total may stay below what was posted, or be
// held back, before somebody should look.
const tolerated = 10 * time.Minute

// settle keeps the highest value: good parts that turn out to be rejects later
// are a deficit that the next parts make up. unknown names what hinders it from
// growing.
func (d *derived) settle(t time.Time, candidate Number, unknown string, out *Outcome) {
	whole := candidate.Int64()
	if whole >= d.posted {
		d.lacking, d.lackingTold = time.Time{}, false
	} else if d.lacking.IsZero() {
		d.lacking = t
	}
	if whole > d.posted && unknown == "" {
		d.posted = whole
		out.grown()
	}
	if whole <= d.posted || unknown == "" {
		d.held, d.heldBackTold = time.Time{}, false
	} else if d.held.IsZero() {
		d.held = t
	}
	if !d.lackingTold && !d.lacking.IsZero() && t.Sub(d.lacking) >= tolerated {
		d.lackingTold = true
		out.event(t, "derived", d.subject, Alarm, fmt.Sprintf(
			"waste exceeds production: %d were told, but counters now make %s; nothing is added until they pass it. Check which counter includes the rejects",
			d.posted, candidate), nil)
	}
	if !d.heldBackTold && !d.held.IsZero() && t.Sub(d.held) >= tolerated {
		d.heldBackTold = true
		out.event(t, "derived", d.subject, Alarm, fmt.Sprintf(
			"held back at %d although counters make %s: %s is taken away from it and has no usable value. Check its tag and connection",
			d.posted, candidate, unknown), nil)
	}
}

// due is when somebody should be told; zero if nothing is wrong.
func (d *derived) due() time.Time {
	switch {
	case !d.lackingTold && !d.lacking.IsZero():
		return d.lacking.Add(tolerated)
	case !d.heldBackTold && !d.held.IsZero():
		return d.held.Add(tolerated)
	}
	return time.Time{}
}

// counted says whether the part counter has a baseline.
func (m *Machine) counted() bool { return m.count != nil && m.count.own.state.Based }
