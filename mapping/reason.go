package mapping

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// reasonLead is how long before the stop a fault may have come to be its
	// cause.
	reasonLead = 5 * time.Second
	// rememberedReasons bounds what a flood of alarms can take.
	rememberedReasons = 64
	// unmappedNamed bounds how many codes without a mapping are named in the
	// journal.
	unmappedNamed = 50
)

// firstOut picks the reason of a stop: the first mapped fault that came from
// shortly before the stop until the downtime begins. Later faults are
// consequences.
type firstOut struct {
	specs []ReasonSpec
	// lead is how long before a stop is noticed a reason of it can have ended.
	lead time.Duration
	// standing is when the present stop began; zero while the machine runs.
	standing time.Time
	seen     []seenReason
	unmapped map[string]bool
}

type seenReason struct {
	order    int // place in the configuration: lower wins among equals
	kind     string
	operator bool
	since    time.Time
	until    time.Time // zero while it is active
}

// sample takes a new value of the signal of the i-th reason.
func (f *firstOut) sample(t time.Time, i int, s *connectors.Sample, out *Outcome) {
	if s.Quality != connectors.Good {
		return // unknown: what was active is taken to be so still
	}
	spec := &f.specs[i]
	if spec.Bits == nil {
		text := s.Value.Text()
		kind, mapped := spec.Types[text]
		if !mapped && text != "" && text != "0" && text != "false" {
			f.nameUnmapped(t, text, out)
		}
		f.set(t, i<<8, kind, spec.Operator, i<<8, i<<8|0xff)
		return
	}
	word, err := numberOf(s.Value)
	if err != nil {
		return
	}
	value := word.Int64()
	for bit := range 64 {
		kind, mapped := spec.Bits[bit]
		if !mapped {
			continue
		}
		order := i<<8 | bit
		if value>>bit&1 == 0 {
			kind = ""
		}
		f.set(t, order, kind, spec.Operator, order, order)
	}
}

// set makes kind (none if empty) the active reason among those of the orders
// from lo to hi.
func (f *firstOut) set(t time.Time, order int, kind string, operator bool, lo, hi int) {
	for i := range f.seen {
		r := &f.seen[i]
		if r.order < lo || r.order > hi || !r.until.IsZero() {
			continue
		}
		if r.kind == kind {
			return
		}
		r.until = t
	}
	if kind == "" {
		return
	}
	if len(f.seen) >= rememberedReasons && !f.makeRoom(t, operator) {
		return // a consequence of what is remembered
	}
	f.seen = append(f.seen, seenReason{order: order, kind: kind, operator: operator, since: t})
}

// makeRoom forgets what ended before the present or the next stop, or else, for
// a person's word, the newest fault.
func (f *firstOut) makeRoom(t time.Time, operator bool) bool {
	from := t
	if !f.standing.IsZero() {
		from = f.standing
	}
	f.forget(from.Add(-f.lead))
	if len(f.seen) < rememberedReasons {
		return true
	}
	for i := len(f.seen) - 1; operator && i >= 0; i-- {
		if !f.seen[i].operator {
			f.seen = slices.Delete(f.seen, i, i+1)
			return true
		}
	}
	return false
}

// forget drops reasons that ended before from.
func (f *firstOut) forget(from time.Time) {
	f.seen = slices.DeleteFunc(f.seen, func(r seenReason) bool {
		return !r.until.IsZero() && r.until.Before(from)
	})
}

// pick gives the reason of a stop that began at stop; empty if there is none.
// It also forgets what can no longer matter.
func (f *firstOut) pick(stop time.Time) string {
	from := stop.Add(-reasonLead)
	f.forget(from)
	var best *seenReason
	for i := range f.seen {
		if r := &f.seen[i]; best == nil || r.before(best, from) {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	return best.kind
}

// active gives the reason that holds now, for machines that split a downtime
// when the reason changes.
func (f *firstOut) active() string {
	var best *seenReason
	for i := range f.seen {
		if r := &f.seen[i]; r.until.IsZero() && (best == nil || r.since.After(best.since) || (r.since.Equal(best.since) && r.order < best.order)) {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	return best.kind
}

// before orders reasons: a person's word first; then what came with the stop
// before what had been there all along; then the earlier; then the order of the
// configuration.
func (r *seenReason) before(o *seenReason, from time.Time) bool {
	if r.operator != o.operator {
		return r.operator
	}
	if fresh, other := !r.since.Before(from), !o.since.Before(from); fresh != other {
		return fresh
	}
	if !r.since.Equal(o.since) {
		return r.since.Before(o.since)
	}
	return r.order < o.order
}

func (f *firstOut) nameUnmapped(t time.Time, code string, out *Outcome) {
	code = shorten(code)
	if f.unmapped[code] || len(f.unmapped) >= unmappedNamed {
		return
	}
	if f.unmapped == nil {
		f.unmapped = map[string]bool{}
	}
	f.unmapped[code] = true
	out.event(t, "reason", "reason", Notice, fmt.Sprintf("fault code %q has no downtime type: add it under reason.types to see it in Prodsmart", code), nil)
}
