package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// edge counts the rising edges of a bit. The first sample of a session is
// never one.
func (c *counter) edge(t time.Time, s *connectors.Sample, out *Outcome) Number {
	raw, err := numberOf(s.Value)
	if err != nil {
		c.complain(t, "the value "+err.Error(), out)
		return Number{}
	}
	c.good, c.complained = true, ""
	high := !raw.IsZero()
	rising := c.bitSeen && high && !c.bit && !s.Retained
	c.bit, c.bitSeen = high, true
	c.startPulses(t, out)
	if !rising {
		return Number{}
	}
	return c.pulse(t, out)
}

// message counts a message as one unit. Stored messages are states; messages
// that were counted before the source learnt of it are recognised by their key.
func (c *counter) message(t time.Time, s *connectors.Sample, out *Outcome) Number {
	c.good, c.complained = true, ""
	c.startPulses(t, out)
	if s.Retained {
		return Number{}
	}
	st := &c.state
	if s.Redelivered && s.Key != 0 {
		for _, key := range st.Keys {
			if key == s.Key {
				out.event(t, "R4", c.subject, Info, "a message came a second time: it was counted already", nil)
				return Number{}
			}
		}
	}
	if s.Key != 0 {
		if len(st.Keys) == rememberedKeys {
			st.Keys = append(st.Keys[:0], st.Keys[1:]...)
		}
		st.Keys = append(st.Keys, s.Key)
		out.dirty()
	}
	return c.pulse(t, out)
}

func (c *counter) startPulses(t time.Time, out *Outcome) {
	if c.state.Based {
		return
	}
	c.state.Based, c.state.At = true, t
	out.event(t, "R2", c.subject, Info, fmt.Sprintf("first contact: pulses are counted from now on, at a total of %s", c.state.Total), nil)
	out.changed()
}

func (c *counter) pulse(t time.Time, out *Outcome) Number {
	st := &c.state
	if !st.LastPulse.IsZero() {
		if gap := t.Sub(st.LastPulse); gap >= 0 && gap < c.spec.MinCycle {
			return Number{}
		}
	}
	st.LastPulse = t
	out.dirty()
	return c.accept(t, st.Raw.Add(Whole(1)), Whole(1), out)
}
