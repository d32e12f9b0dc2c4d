package mapping

import (
	"fmt"
	"time"
)

// saturatedAfter is how long a counter must stand at its end, with the machine
// running, to be called saturated.
const saturatedAfter = time.Minute

// saturation is R12: called with every batch of the machine.
func (c *counter) saturation(t time.Time, running bool, out *Outcome) {
	if c.saturated || !c.state.Based || !c.good || c.spec.Kind != Totaliser || c.state.Pending != nil {
		return
	}
	if !running || !c.atEnd() {
		c.endSince = time.Time{}
		return
	}
	if c.endSince.IsZero() {
		c.endSince = t
		return
	}
	if t.Sub(c.endSince) < saturatedAfter {
		return
	}
	c.saturated = true
	out.event(t, "R12", c.subject, Alarm, fmt.Sprintf(
		"counter saturated: it has stood at %s for %v while the machine runs; parts are lost until it is reset or replaced by a wider one",
		c.state.Raw, t.Sub(c.endSince).Round(time.Second)), &c.state)
}

// saturationDue is when a counter at its end will be called saturated; zero if
// it is not at its end.
func (c *counter) saturationDue() time.Time {
	if c.saturated || c.endSince.IsZero() {
		return time.Time{}
	}
	return c.endSince.Add(saturatedAfter)
}

func (c *counter) atEnd() bool {
	raw := c.state.Raw
	if from := c.spec.SaturatesFrom; !from.IsZero() && raw.Cmp(from) >= 0 {
		return true
	}
	for _, end := range c.spec.SaturatesAt {
		if raw.Cmp(end) == 0 {
			return true
		}
	}
	return false
}
