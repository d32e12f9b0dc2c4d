package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// window is the time that values arriving together may have been made in: a
// batch of several samples, or a queue that empties after a gap, brings the
// parts of the whole gap at one instant.
type window struct {
	from, at, until time.Time
	made            Number // counted of it already
}

// allowed is what the machine can have made since the last level, in raw units.
// The rest of a gap counts at once only if the gap was short; a long one would
// let nearly any value pass.
func (c *counter) allowed(t time.Time, dt time.Duration) Number {
	allowed := c.rate.allowed(dt, c.spec.Burst)
	if w := &c.window; w.at.Sub(w.from) <= settling {
		if rest := c.rest(t); rest.Cmp(allowed) > 0 {
			return rest
		}
	}
	return allowed
}

// rest is what a gap that ended a moment ago allows besides what was counted of
// it.
func (c *counter) rest(t time.Time) Number {
	if !t.Before(c.window.until) {
		return Number{}
	}
	return c.rate.allowed(t.Sub(c.window.from), c.spec.Burst).Sub(c.window.made)
}

// spend notes that made units were counted dt after the level before.
func (c *counter) spend(t time.Time, dt time.Duration, made Number) {
	if t.Before(c.window.until) {
		c.window.made = c.window.made.Add(made)
		return
	}
	c.window = window{from: t.Add(-dt), at: t, until: t.Add(min(dt, settling)), made: made}
}

// decide walks the rows R5 to R11 for a value that is not simply unchanged.
func (c *counter) decide(t time.Time, raw Number, armed, sameBatch bool, out *Outcome) Number {
	st, spec := &c.state, c.spec
	dt := t.Sub(st.At)
	if dt < 0 { // only the wall clock can go back, over a restart
		dt = spec.MaxGap
	}
	allowed := c.allowed(t, dt)
	delta := raw.Sub(st.Raw)
	if delta.Sign() == 0 { // R6 after all
		c.dismiss(t, out)
		c.still(t)
		return Number{}
	}
	if armed && delta.Sign() < 0 && c.fitsReset(raw, allowed) {
		return c.reset(t, raw, out)
	}
	made := c.explained(dt, delta, allowed)
	sure := made.Sign() > 0 && !c.doubtful(t, raw, made)
	back := c.cameBack(t, raw)
	if back && sure {
		return c.comeBack(t, raw, out)
	}
	queued := false
	if made.IsZero() && !back { // it may come from a queue, if it stays
		made = c.explained(dt, delta, c.rest(t))
		queued = !made.IsZero()
	}
	if sure {
		c.dismiss(t, out)
		if sameBatch && delta.Sign() > 0 && c.fitsReset(raw, allowed) {
			c.outlived(t, raw, made, out)
		}
		return c.countOn(t, dt, raw, made, allowed, out)
	}
	if delta.Sign() < 0 && made.IsZero() && delta.Add(spec.Backstep).Sign() >= 0 { // R9
		c.dismiss(t, out)
		c.seenAt(t)
		if !c.below && c.may(t, aboutBackstep) {
			out.event(t, "R9", c.subject, Info, fmt.Sprintf("stepped back from %s to %s, within the backstep of %s: nothing is added until it passes the old value", st.Raw, raw, spec.Backstep), st)
		}
		c.below = true
		return Number{}
	}
	c.hold(t, level{raw: raw, delta: delta, made: made, queued: queued, back: back}, allowed, out)
	return c.settle(t, out)
}

// explained gives the raw units that counting on from the last level takes to
// the new one, directly (R7) or through the modulus (R8); zero if the machine
// can not have made so many.
func (c *counter) explained(dt time.Duration, delta, allowed Number) Number {
	if delta.Sign() > 0 {
		if delta.Cmp(allowed) <= 0 {
			return delta
		}
		return Number{}
	}
	if !c.wraps() {
		return Number{}
	}
	bound := allowed
	if c.spec.Decrease == WrapOrReset {
		// A reset near the top must not pass for a wrap: only what the usual
		// rate explains does.
		bound = c.nominal.allowed(dt+dt/2, c.spec.Burst)
	}
	if made := delta.Mod(c.spec.Modulus); made.Cmp(bound) <= 0 {
		return made
	}
	return Number{}
}

func (c *counter) wraps() bool {
	return !c.spec.Modulus.IsZero() && (c.spec.Decrease == Wrap || c.spec.Decrease == WrapOrReset)
}

func (c *counter) resets() bool {
	return c.spec.Decrease == Reset || c.spec.Decrease == WrapOrReset
}

// countOn is R7 and R8: the counter went on from its level.
func (c *counter) countOn(t time.Time, dt time.Duration, raw, made, allowed Number, out *Outcome) Number {
	if raw.Cmp(c.state.Raw) < 0 {
		out.counted(t, "R8", c.subject, Info, fmt.Sprintf("rolled over from %s to %s", c.state.Raw, raw), raw, c.state.Raw, made)
		out.dirty()
	}
	c.uncertain(t, dt, raw, made, allowed, out)
	c.spend(t, dt, made)
	if c.state.Left != nil {
		c.state.Left = nil // it lives on its new level
		out.dirty()
	}
	return c.accept(t, raw, made, out)
}

// uncertain notes that a wrapping counter was out of sight for so long that
// whole rounds may be missing; the smallest number was added.
func (c *counter) uncertain(t time.Time, dt time.Duration, raw, made, allowed Number, out *Outcome) {
	if c.spec.Modulus.IsZero() || dt <= c.spec.MaxGap {
		return
	}
	rounds := allowed.Sub(made).Div(c.spec.Modulus).Floor()
	if rounds.Sign() <= 0 {
		return
	}
	out.counted(t, "R8", c.subject, Notice, fmt.Sprintf(
		"count uncertain: not seen for %v, in which up to %s further rounds of %s are possible; the smallest number was added",
		dt.Round(time.Second), rounds, c.spec.Modulus), raw, c.state.Raw, made)
}

// fitsReset says whether the machine can have made raw since a reset.
func (c *counter) fitsReset(raw, allowed Number) bool {
	made := raw.Sub(c.spec.ResetTo)
	return made.Sign() >= 0 && made.Cmp(allowed) <= 0
}

// reset is R5: a reset that the device itself proves.
func (c *counter) reset(t time.Time, raw Number, out *Outcome) Number {
	st := &c.state
	made := raw.Sub(c.spec.ResetTo)
	text := fmt.Sprintf("reset from %s to %s, proved by the device", st.Raw, raw)
	if tail := c.tail(t); tail.Sign() > 0 {
		made = made.Add(tail)
		text += fmt.Sprintf("; the latched final value %s adds %s", st.Latch, tail)
	}
	c.evidenceUsed, c.latchedAt, c.window = t, time.Time{}, window{}
	st.Pending, st.Left = nil, nil
	out.dirty()
	out.counted(t, "R5", c.subject, Info, text, raw, st.Raw, made)
	return c.accept(t, raw, made, out)
}

// tail is what a latch says was made after the last value before a reset. Only
// a latch that just changed speaks of this reset.
func (c *counter) tail(t time.Time) Number {
	if t.Sub(c.latchedAt) > evidenceWindow {
		return Number{}
	}
	tail := c.state.Latch.Sub(c.state.Raw)
	if tail.Sign() < 0 || tail.Cmp(c.rate.allowed(t.Sub(c.state.At), c.spec.Burst)) > 0 {
		return Number{}
	}
	return tail
}

// latched takes a value of the latch signal.
func (c *counter) latched(t time.Time, s *connectors.Sample, out *Outcome) {
	value, err := numberOf(s.Value)
	if err != nil || s.Quality != connectors.Good {
		return
	}
	before := c.state.Latch
	if before != nil && before.Cmp(value) == 0 {
		return
	}
	c.state.Latch = &value
	out.dirty()
	if before != nil {
		c.latchedAt = t
	}
}

// outlived notes that the counter lies above its level although there was
// evidence of a reset. Whether it was reset and passed the level unseen, or was
// not reset at all, nobody can tell: the smaller number is added.
func (c *counter) outlived(t time.Time, raw, made Number, out *Outcome) {
	if !c.may(t, aboutEvidence) {
		return
	}
	rule, level := "R7", Info
	text := fmt.Sprintf("there was evidence of a reset, but the counter went on from %s to %s", c.state.Raw, raw)
	if t.Sub(c.state.At) > c.spec.ConfirmTime {
		rule, level = "R5", Notice
		text += fmt.Sprintf(" while it was not seen: the smaller number %s is added; %s are missing if it was reset", made, raw.Sub(c.spec.ResetTo).Sub(made))
	}
	out.counted(t, rule, c.subject, level, text, raw, c.state.Raw, made)
}

// accept moves the baseline and adds raw units to the total. Whoever calls it
// for more than a counter that went on also says that the state is dirty.
func (c *counter) accept(t time.Time, raw, made Number, out *Outcome) Number {
	st := &c.state
	st.Raw = raw
	c.endSince, c.saturated, c.below = time.Time{}, false, false
	if made.IsZero() {
		out.dirty()
	} else {
		st.Total = st.Total.Add(c.pieces(made))
		out.grown()
	}
	c.seenAt(t)
	return made
}
