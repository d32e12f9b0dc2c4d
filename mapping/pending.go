package mapping

import (
	"fmt"
	"time"
)

// hold keeps a level that can not be explained until it is confirmed.
func (c *counter) hold(t time.Time, raw, delta, allowed Number, out *Outcome) {
	st, spec := c.state, c.spec
	if p := st.Pending; p != nil {
		step := raw.Sub(p.Last)
		if step.Sign() >= 0 && step.Cmp(c.rate.allowed(max(t.Sub(p.At), 0), spec.Burst)) <= 0 {
			p.Last, p.At = raw, t
			p.Seen++
			out.dirty()
			return
		}
	}
	resets := spec.Decrease == Reset || spec.Decrease == WrapOrReset
	p := &pendingLevel{Reset: delta.Sign() < 0 && resets && c.fitsReset(raw, allowed), First: raw, Last: raw, Since: t, At: t, Seen: 1}
	st.Pending = p
	out.dirty()
	if !c.heldAt.IsZero() && t.Sub(c.heldAt) < heldQuiet {
		return
	}
	c.heldAt = t
	if p.Reset {
		out.counted(t, "R10", c.subject, Info, fmt.Sprintf("fell from %s to %s: waiting to see whether it stays", st.Raw, raw), raw, st.Raw, Number{})
		return
	}
	out.counted(t, "R11", c.subject, Notice, fmt.Sprintf("jumped by %s from %s to %s, which the machine can not have made: waiting to see whether it stays", delta, st.Raw, raw), raw, st.Raw, Number{})
}

// dismiss drops a pending level because the former one came back.
func (c *counter) dismiss(t time.Time, out *Outcome) {
	p := c.state.Pending
	if p == nil {
		return
	}
	c.state.Pending = nil
	out.dirty()
	rule := "R11"
	if p.Reset {
		rule = "R10"
	}
	out.counted(t, rule, c.subject, Notice, fmt.Sprintf("the value %s was a glitch: the former level %s came back", p.Last, c.state.Raw), p.Last, c.state.Raw, Number{})
}

// settle is the second half of R10 and R11: it believes a pending level that
// was seen often and long enough.
func (c *counter) settle(t time.Time, out *Outcome) Number {
	p, st, spec := c.state.Pending, c.state, c.spec
	if p == nil || t.Sub(p.Since) < spec.ConfirmTime {
		return Number{}
	}
	if p.Reset {
		if p.Seen < spec.ConfirmDown {
			return Number{}
		}
		made := p.Last.Sub(spec.ResetTo)
		st.Pending = nil
		out.dirty()
		out.counted(t, "R10", c.subject, Info, fmt.Sprintf("reset from %s to %s, confirmed", st.Raw, p.First), p.Last, st.Raw, made)
		return c.accept(t, p.Last, made, out)
	}
	if p.Seen < spec.ConfirmUp {
		return Number{}
	}
	st.Pending = nil
	out.dirty()
	delta := p.First.Sub(st.Raw)
	made := p.Last.Sub(p.First)
	text := fmt.Sprintf("counter jumped by %s from %s to %s: the jump is not counted, counting goes on from the new level", delta, st.Raw, p.First)
	if delta.Sign() < 0 {
		text = fmt.Sprintf("counter jumped back by %s from %s to %s: nothing is taken away, counting goes on from the new level", Number{}.Sub(delta), st.Raw, p.First)
	} else if spec.OnJump == Accept {
		made = p.Last.Sub(st.Raw)
		text = fmt.Sprintf("counter jumped by %s from %s to %s: counted, as on_jump says", delta, st.Raw, p.First)
	}
	out.counted(t, "R11", c.subject, Alarm, text, p.Last, st.Raw, made)
	return c.accept(t, p.Last, made, out)
}

// alive is a source's word that the last value still holds (the other half of
// R6): the level is as fresh as a new sample, and a pending one is seen again.
func (c *counter) alive(t time.Time, out *Outcome) Number {
	if !c.good || !c.state.Based {
		return Number{}
	}
	p := c.state.Pending
	if p == nil {
		c.state.At = t
		return Number{}
	}
	p.At = t
	p.Seen++
	return c.settle(t, out)
}

// proved applies evidence that came after the fall it explains.
func (c *counter) proved(t time.Time, latch *Number, out *Outcome) Number {
	p := c.state.Pending
	if p == nil || !p.Reset {
		return Number{}
	}
	return c.reset(t, p.Last, latch, out)
}
