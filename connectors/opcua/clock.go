package opcua

import (
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// skewBad is how far a clock is off to be called wrong, and skewGood how far
	// it may be off to be called right again.
	skewBad  = 2 * time.Minute
	skewGood = 90 * time.Second
)

// skew is an estimate of a device's clock.
type skew struct {
	ahead time.Duration
	at    time.Time
}

// clock notes the server's time, asked for at start and answered at end. It was
// read about half way between the two.
func (c *Connector) clock(dv *ua.DataValue, start, end time.Time) {
	t, ok := valueOf(dv).(time.Time)
	if !ok || t.IsZero() {
		return
	}
	ahead := t.Sub(start.Add(end.Sub(start) / 2))
	c.skew.Store(&skew{ahead: ahead, at: end})
	switch off := ahead.Abs(); {
	case off > skewBad:
		c.notes.set(connectors.ClockWrong, "", "the server's clock is "+skewText(ahead)+"; set it by NTP, or set this computer's if that one is wrong")
	case off < skewGood:
		c.notes.clear(connectors.ClockWrong, "")
	}
}
