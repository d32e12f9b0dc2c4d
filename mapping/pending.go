package mapping

import (
	"fmt"
	"time"
)

// pendingLevel is a level that was seen but is not believed yet.
type pendingLevel struct {
	// Reset says that the level fits a reset (R10), CatchUp that the machine can
	// have made it since the last level, but that other values came in between,
	// Back that it is the level that was left; with none of them it is a jump
	// (R11).
	Reset   bool      `json:"reset"`
	CatchUp bool      `json:"catch_up,omitempty"`
	Back    bool      `json:"back,omitempty"`
	First   Number    `json:"first"`
	Last    Number    `json:"last"`
	Since   time.Time `json:"since"`
	At      time.Time `json:"at"`
	Seen    int       `json:"seen"`
}

// leftLevel is a level that was given up without proof. If it comes back, the
// one that took its place was a long glitch.
type leftLevel struct {
	Raw Number    `json:"raw"`
	At  time.Time `json:"at"`
}

// continues says that raw is what the pending level can have grown to.
func (c *counter) continues(t time.Time, raw Number, p *pendingLevel) bool {
	step := raw.Sub(p.Last)
	return step.Sign() >= 0 && step.Cmp(c.rate.allowed(t.Sub(p.At), c.spec.Burst)) <= 0
}

// doubtful says that made units, which the time since the last level allows,
// are not to be believed at once because other values came in between.
func (c *counter) doubtful(t time.Time, raw, made Number) bool {
	p := c.state.Pending
	if p == nil {
		return false
	}
	if c.continues(t, raw, p) {
		// Of two readings the one that counts less: the pending level grew, or
		// the former one came back.
		return p.CatchUp || p.Back || made.Cmp(raw.Sub(p.First)) > 0 && c.unreachable(p)
	}
	// The former level, if it is that, was hidden for a while and must lie where
	// the machine can have taken it since the last of the other values.
	return made.Cmp(c.rate.allowed(t.Sub(p.At)+c.spec.ConfirmTime, c.spec.Burst)) > 0
}

// unreachable says that the pending level lay beyond what the machine can have
// made when it was first seen, and not only by a little. Waiting does not bring
// it within reach.
func (c *counter) unreachable(p *pendingLevel) bool {
	up := p.First.Sub(c.state.Raw)
	if up.Sign() < 0 {
		if !c.wraps() {
			return false
		}
		up = up.Mod(c.spec.Modulus)
	}
	return up.Cmp(c.rate.allowed(p.Since.Sub(c.state.At)+c.spec.ConfirmTime, c.spec.Burst)) > 0
}

// level is a raw value as decide sees it. made is what the time allows, zero if
// it allows no such level; queued says that only a gap before allows it, back
// that it is the level that was left.
type level struct {
	raw, delta, made Number
	queued, back     bool
}

// hold keeps a level that is not believed until it is confirmed.
func (c *counter) hold(t time.Time, l level, allowed Number, out *Outcome) {
	st, raw := &c.state, l.raw
	out.dirty()
	if p := st.Pending; p != nil && (c.continues(t, raw, p) || p.CatchUp && l.queued && raw.Cmp(p.Last) >= 0) {
		p.Last, p.At = raw, t
		p.Seen++
		return
	}
	p := &pendingLevel{First: raw, Last: raw, Since: t, At: t, Seen: 1}
	p.Back = l.back
	p.CatchUp = !l.back && l.made.Sign() > 0
	p.Reset = !l.back && !p.CatchUp && l.delta.Sign() < 0 && c.resets() && c.fitsReset(raw, allowed) && !c.nearLeft(t, raw)
	st.Pending = p
	if !c.may(t, aboutLevels) {
		return
	}
	c.announced = true
	switch {
	case p.Reset:
		out.counted(t, "R10", c.subject, Info, fmt.Sprintf("fell from %s to %s: waiting to see whether it stays", st.Raw, raw), raw, st.Raw, Number{})
	case p.CatchUp, p.Back:
		out.counted(t, "R11", c.subject, Info, fmt.Sprintf("went on from %s to %s after values that made no sense: waiting to see whether it stays", st.Raw, raw), raw, st.Raw, Number{})
	default:
		out.counted(t, "R11", c.subject, Notice, fmt.Sprintf("jumped by %s from %s to %s, which the machine can not have made: waiting to see whether it stays", l.delta, st.Raw, raw), raw, st.Raw, Number{})
	}
}

// dismiss drops a pending level because the former one came back.
func (c *counter) dismiss(t time.Time, out *Outcome) {
	p := c.state.Pending
	if p == nil {
		return
	}
	c.state.Pending = nil
	out.dirty()
	if !c.announced {
		return
	}
	c.announced = false
	rule := "R11"
	if p.Reset {
		rule = "R10"
	}
	out.counted(t, rule, c.subject, Notice, fmt.Sprintf("the value %s was a glitch: the former level %s came back", p.Last, c.state.Raw), p.Last, c.state.Raw, Number{})
}

// settle is the second half of R10 and R11: it believes a pending level that
// was seen often and long enough.
func (c *counter) settle(t time.Time, out *Outcome) Number {
	p, st, spec := c.state.Pending, &c.state, c.spec
	if p == nil || t.Sub(p.Since) < spec.ConfirmTime {
		return Number{}
	}
	if p.Reset && p.Seen < spec.ConfirmDown || !p.Reset && p.Seen < spec.ConfirmUp {
		return Number{}
	}
	if p.Back && st.Left != nil {
		return c.comeBack(t, p.Last, out)
	}
	st.Pending, c.announced, c.window = nil, false, window{}
	out.dirty()
	if p.CatchUp {
		made := p.Last.Sub(st.Raw)
		if made.Sign() < 0 {
			made = made.Mod(spec.Modulus)
		}
		out.counted(t, "R11", c.subject, Info, fmt.Sprintf("went on from %s to %s, confirmed", st.Raw, p.Last), p.Last, st.Raw, made)
		return c.accept(t, p.Last, made, out)
	}
	st.Left = nil
	if p.Last.Cmp(p.First) == 0 { // else it counted already: it lives
		st.Left = &leftLevel{Raw: st.Raw, At: st.At}
	}
	if p.Reset {
		made := p.Last.Sub(spec.ResetTo)
		out.counted(t, "R10", c.subject, Info, fmt.Sprintf("reset from %s to %s, confirmed", st.Raw, p.First), p.Last, st.Raw, made)
		return c.accept(t, p.Last, made, out)
	}
	made, text := c.rebase(p)
	out.counted(t, "R11", c.subject, Alarm, text, p.Last, st.Raw, made)
	return c.accept(t, p.Last, made, out)
}

// rebase gives what a confirmed jump adds, and why.
func (c *counter) rebase(p *pendingLevel) (made Number, text string) {
	st := &c.state
	delta := p.First.Sub(st.Raw)
	switch {
	case delta.Sign() < 0:
		return p.Last.Sub(p.First), fmt.Sprintf("counter jumped back by %s from %s to %s: nothing is taken away, counting goes on from the new level", Number{}.Sub(delta), st.Raw, p.First)
	case c.spec.OnJump == Accept:
		return p.Last.Sub(st.Raw), fmt.Sprintf("counter jumped by %s from %s to %s: counted, as on_jump says", delta, st.Raw, p.First)
	}
	return p.Last.Sub(p.First), fmt.Sprintf("counter jumped by %s from %s to %s: the jump is not counted, counting goes on from the new level", delta, st.Raw, p.First)
}

// nearLeft says that raw is where the level that was left can have got to.
func (c *counter) nearLeft(t time.Time, raw Number) bool {
	left := c.state.Left
	if left == nil {
		return false
	}
	beyond := raw.Sub(left.Raw)
	return beyond.Sign() >= 0 && beyond.Cmp(c.rate.allowed(t.Sub(left.At), c.spec.Burst)) <= 0
}

// cameBack says that a lower level, which had taken the place of another without
// proof and never counted, gave way to that other again.
func (c *counter) cameBack(t time.Time, raw Number) bool {
	return c.state.Left != nil && c.state.Raw.Cmp(c.state.Left.Raw) < 0 && c.nearLeft(t, raw)
}

// comeBack counts on from the level that had been left. If there was a reset
// after all, more was made; the smaller number is added.
func (c *counter) comeBack(t time.Time, raw Number, out *Outcome) Number {
	st := &c.state
	made := raw.Sub(st.Left.Raw)
	out.counted(t, "R10", c.subject, Notice, fmt.Sprintf(
		"the level %s came back that had given way to %s: only the %s beyond it are counted", st.Left.Raw, st.Raw, made), raw, st.Raw, made)
	st.Pending, st.Left, c.announced, c.window = nil, nil, false, window{}
	out.dirty()
	return c.accept(t, raw, made, out)
}

// alive is a source's word that the last value still holds (the other half of
// R6): the level is as fresh as a new sample, and a pending one is seen again.
func (c *counter) alive(t time.Time, out *Outcome) Number {
	if !c.good || !c.state.Based {
		return Number{}
	}
	p := c.state.Pending
	if p == nil {
		c.still(t)
		return Number{}
	}
	p.At = t
	p.Seen++
	return c.settle(t, out)
}

// proved applies evidence that came shortly after the fall it explains.
func (c *counter) proved(t time.Time, out *Outcome) Number {
	p := c.state.Pending
	if p == nil || !p.Reset || t.Sub(p.Since) > evidenceWindow {
		return Number{}
	}
	c.announced = false
	// The level is that of its last sample: what came since is yet to be counted,
	// with the least factor since then.
	factor := c.state.Factor
	made := c.reset(t, p.Last, out)
	c.state.At, c.state.Factor = p.At, factor
	return made
}
