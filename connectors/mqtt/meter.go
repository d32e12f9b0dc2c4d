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

func (m *meter) ignoring() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ignored++
}

func (m *meter) read() (connectors.Stats, uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats, m.ignored
}
