package mapping

import (
	"fmt"
	"time"
)

// derived is a total made of counters: its own, minus another, plus or minus
// the wastes. Its posted value never falls.
type derived struct {
	own, minus *counter
	// waste is +1 or -1 if the wastes are to be added or taken away, else 0.
	waste    int
	posted   int64
	lacking  time.Time // since when the candidate has been below the posted value
	reported bool
}

type wasteTotal struct {
	code string
	derived
}

// settleTotals brings the posted totals up to the counters.
func (m *Machine) settleTotals(t time.Time, out *Outcome) {
	var wastes Number
	for i := range m.waste {
		w := &m.waste[i]
		wastes = wastes.Add(w.candidate(Number{}))
		w.settle(t, Number{}, "waste "+w.code, out)
	}
	if m.count == nil {
		return
	}
	m.count.settle(t, wastes, "count", out)
	if !m.known && m.counted() {
		m.known = true
		out.changed()
	}
	if m.memory.LastCount.IsZero() && m.counted() {
		m.memory.LastCount = t // the idle time begins with the first contact
	}
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

// lackingAfter is how long a derived total may stay below what was posted
// before somebody should look.
const lackingAfter = 10 * time.Minute

// settle keeps the highest value: good parts that turn out to be rejects later
// are a deficit that the next parts make up.
func (d *derived) settle(t time.Time, wastes Number, subject string, out *Outcome) {
	candidate := d.candidate(wastes)
	whole := candidate.Int64()
	if whole >= d.posted {
		if whole > d.posted {
			d.posted = whole
			out.grown()
		}
		d.lacking, d.reported = time.Time{}, false
		return
	}
	if d.lacking.IsZero() {
		d.lacking = t
	}
	if !d.reported && t.Sub(d.lacking) >= lackingAfter {
		d.reported = true
		out.event(t, "derived", subject, Alarm, fmt.Sprintf(
			"waste exceeds production: %d were told, but counters now make %s; nothing is added until they pass it. Check which counter includes the rejects",
			d.posted, candidate), nil)
	}
}

// counted says whether the part counter has a baseline.
func (m *Machine) counted() bool { return m.count != nil && m.count.own.state.Based }
