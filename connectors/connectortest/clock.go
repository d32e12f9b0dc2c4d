package connectortest

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Clocked is a Source with a clock that can be wrong.
type Clocked interface {
	// Clock sets the clock that far ahead of this computer's, or behind if it is
	// less than 0. It returns when the peer shows it.
	Clock(ahead time.Duration) error
}

// How far the clock of ClockJumped is off: at first, and after its jump.
const (
	clockBehind = -24 * time.Hour
	clockAhead  = time.Hour
	// clockNear is how exact a connector's estimate must be: a device's clock
	// says little below a second.
	clockNear = 5 * time.Second
)

// jumping is the fault of a clock that is behind already.
func jumping(source Clocked) Fault {
	return Fault{
		Begin: func() error { return source.Clock(clockAhead) },
		End:   func() error { return source.Clock(0) },
	}
}

// clock holds that the connector comes to know how its device's clock is off,
// and says so exactly if it is, while the values go on. What comes first may
// have been kept by somebody, and says nothing about a clock.
func (p *play) clock(ahead time.Duration) error {
	for deadline := time.Now().Add(FreshWithin); ; pause(500 * time.Millisecond) {
		if err := p.healthy(); err != nil {
			return err
		}
		stats := p.connector.Stats()
		warns := slices.ContainsFunc(p.connector.Conditions(), func(c connectors.Condition) bool {
			return c.Trouble == connectors.ClockWrong
		})
		near := !stats.SkewAt.IsZero() && (stats.Skew-ahead).Abs() < clockNear
		if near && warns == (ahead != 0) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the device's clock is %v ahead, estimated are %v at %v, and a warning: %t",
				ahead, stats.Skew.Round(time.Millisecond), stats.SkewAt.Format(time.TimeOnly), warns)
		}
	}
}
