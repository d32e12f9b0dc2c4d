package mqtt

import (
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

func (m *meter) read() (connectors.Stats, uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats, m.ignored
}
