package mqtt

import (
	"fmt"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// meter keeps the totals behind Stats.
type meter struct {
	mu      sync.Mutex
	stats   connectors.Stats
	ignored uint64
	since   time.Time // of the oldest unanswered request; zero if none
	// The least age of messages, negative, in the present window, which began
	// at window, and in the one before.
	window           time.Time
	youngest, former time.Duration
}

func (m *meter) asked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Requests++
	if m.since.IsZero() {
		m.since = time.Now()
	}
}

// sent counts a request that the broker does not answer.
func (m *meter) sent() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Requests++
}

func (m *meter) answered() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.since.IsZero() {
		m.stats.RoundTrip = time.Since(m.since)
		m.since = time.Time{}
	}
}

// connecting forgets a request of a former connection.
func (m *meter) connecting() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = time.Time{}
}

// emitting counts a batch that is about to be handed over.
func (m *meter) emitting(b connectors.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Samples += uint64(len(b.Samples))
	for _, s := range b.Samples {
		if s.Quality == connectors.Good && b.Time.After(m.stats.LastGood) {
			m.stats.LastGood = b.Time
		}
	}
}

// receiving counts a message; known is false if it came for no tag.
func (m *meter) receiving(known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Data++
	if !known {
		m.ignored++
	}
}

// missing counts a request without an answer.
func (m *meter) missing() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Timeouts++
}

// skewWindow is how long a message bears on the estimate of the clocks.
const skewWindow = 10 * time.Minute

// clockBound is how far clocks may differ without a word.
const clockBound = 2 * time.Minute

// stamped learns from a message's own time. Travelling makes a message older,
// never younger, so the youngest of a window is nearest to the truth.
func (m *meter) stamped(stamp, arrived time.Time) {
	ahead := stamp.Sub(arrived)
	m.mu.Lock()
	defer m.mu.Unlock()
	if arrived.Sub(m.window) >= skewWindow {
		m.former, m.window, m.youngest = m.youngest, arrived, ahead
		if m.stats.SkewAt.IsZero() {
			m.former = ahead
		}
	}
	m.youngest = max(m.youngest, ahead)
	m.stats.Skew, m.stats.SkewAt = max(m.youngest, m.former), arrived
}

// clock is the condition of devices whose clocks are off.
func (m *meter) clock() []connectors.Condition {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stats.SkewAt.IsZero() || m.stats.Skew.Abs() <= clockBound {
		return nil
	}
	word := "ahead of"
	if m.stats.Skew < 0 {
		word = "behind"
	}
	return []connectors.Condition{{Trouble: connectors.ClockWrong,
		Detail: fmt.Sprintf("the times in the messages are %v %s this machine's clock; set the devices' clock or zone, or leave out the time path",
			m.stats.Skew.Abs().Round(time.Second), word)}}
}

func (m *meter) read() (connectors.Stats, uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats, m.ignored
}
