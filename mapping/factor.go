package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// scaled takes a new value of the scale signal. A bad one leaves the factor as
// it was.
func (c *counter) scaled(t time.Time, s *connectors.Sample, out *Outcome) {
	if s.Quality != connectors.Good {
		return
	}
	factor, err := numberOf(s.Value)
	if err != nil || factor.Sign() < 0 {
		if c.may(t, aboutFactor) {
			out.event(t, "S1", c.subject, Notice, fmt.Sprintf("the scale factor %q is not a number of 0 or more: the former factor stays", shorten(s.Value.Text())), nil)
		}
		return
	}
	if c.factorKnown && factor.Cmp(c.factor) != 0 {
		if c.may(t, aboutFactor) {
			out.event(t, "S1", c.subject, Info, fmt.Sprintf("the scale factor changed from %s to %s; what was counted before keeps the former", c.factor, factor), nil)
		}
		out.dirty()
	}
	c.factor, c.factorKnown, c.factorDue = factor, true, time.Time{}
	if least := c.state.Factor; least == nil || factor.Cmp(*least) < 0 {
		c.state.Factor = &factor
	}
}

// awaitFactor begins a session of the scale signal: it may have changed while
// the link was down, so a number waits for it. A source that does not repeat
// what it said keeps nobody waiting for long.
func (c *counter) awaitFactor(t time.Time) {
	if c.factorKnown {
		c.factorDue = t.Add(settling)
	}
}

// waited gives the value that waited for the factor and when it came, if the
// wait is over.
func (c *counter) waited(t time.Time) (s *connectors.Sample, at time.Time, over bool) {
	if c.waiting == nil || t.Before(c.factorDue) {
		return nil, at, false
	}
	s, c.waiting, c.factorDue = c.waiting, nil, time.Time{}
	return s, c.waitingAt, true
}

// useFactor lets the present factor be valid for what comes.
func (c *counter) useFactor() {
	if !c.factorKnown {
		return
	}
	if f := c.state.Factor; f == nil || f.Cmp(c.factor) != 0 {
		factor := c.factor
		c.state.Factor = &factor
	}
}

// pieces are the pieces that made raw units stand for. If the factor changed
// since the level before, they may have been made before or after that: the
// least factor can not count too much.
func (c *counter) pieces(made Number) Number {
	factor := c.spec.Scale
	if c.spec.ScaleSignal != NoSignal && c.state.Factor != nil {
		factor = factor.Mul(*c.state.Factor)
	}
	return made.Mul(factor)
}
