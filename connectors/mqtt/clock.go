package mqtt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// skewWindow is how long a message bears on the estimate of a clock.
	skewWindow = 10 * time.Minute
	// clockBound is how far a clock may differ without a word.
	clockBound = 2 * time.Minute
	// maxClocks bounds the sources whose clocks are watched, maxWrong those
	// that are named.
	maxClocks = 1000
	maxWrong  = 20
)

// clocks are those of the devices behind a broker, each estimated by itself.
type clocks struct {
	mu      sync.Mutex
	sources map[string]*clock
}

// clock is what is known of one source's clock, less this machine's.
type clock struct {
	skew time.Duration
	at   time.Time // of the estimate
	// The least age of messages, negative, in the present window, which began
	// at window, and in the one before.
	window           time.Time
	youngest, former time.Duration
}

// stamped learns from a message's own time.
func (c *clocks) stamped(source string, stamp, arrived time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.sources[source]
	if one == nil {
		if len(c.sources) >= maxClocks {
			return
		}
		if c.sources == nil {
			c.sources = map[string]*clock{}
		}
		one = &clock{}
		c.sources[source] = one
	}
	one.stamped(stamp.Sub(arrived), arrived)
}

// stamped takes that a message's time was ahead of its arrival. Travelling
// makes a message older, never younger, so the youngest of a window is nearest
// to the truth.
func (c *clock) stamped(ahead time.Duration, arrived time.Time) {
	if arrived.Sub(c.window) >= skewWindow {
		c.former, c.window, c.youngest = c.youngest, arrived, ahead
		if c.at.IsZero() {
			c.former = ahead
		}
	}
	c.youngest = max(c.youngest, ahead)
	c.skew, c.at = max(c.youngest, c.former), arrived
}

// worst is the clock that is off most, and when that was estimated.
func (c *clocks) worst() (skew time.Duration, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.sources {
		if at.IsZero() || one.skew.Abs() > skew.Abs() {
			skew, at = one.skew, one.at
		}
	}
	return skew, at
}

// conditions names the sources whose clocks are off. remedy is what can be done
// instead of setting them.
func (c *clocks) conditions(remedy string) []connectors.Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []connectors.Condition
	for source, one := range c.sources {
		if one.skew.Abs() <= clockBound {
			continue
		}
		word := "ahead of"
		if one.skew < 0 {
			word = "behind"
		}
		list = append(list, connectors.Condition{Trouble: connectors.ClockWrong, Subject: source,
			Detail: fmt.Sprintf("the times in its messages are %v %s this machine's clock; set the device's clock or zone%s",
				one.skew.Abs().Round(time.Second), word, remedy)})
	}
	slices.SortFunc(list, func(a, b connectors.Condition) int { return cmp.Compare(a.Subject, b.Subject) })
	if more := len(list) - maxWrong; more > 0 {
		list = append(list[:maxWrong], connectors.Condition{Trouble: connectors.ClockWrong,
			Detail: fmt.Sprintf("the times of %d more sources are off too; if it is all of them, look at this machine's clock first", more)})
	}
	return list
}

// sourceOf names the device that sent to a topic: the topic, or the Edge Node
// if it is one of Sparkplug, whose clock is that of all its devices.
func sourceOf(payload, topic string) string {
	if levels := strings.Split(topic, "/"); payload == PayloadSparkplug && len(levels) > 3 {
		return levels[1] + "/" + levels[3]
	}
	return topic
}
