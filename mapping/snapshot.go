package mapping

import (
	"encoding/json"
	"fmt"
	"time"
)

// snapshot is a machine's state on disk.
type snapshot struct {
	Version  int                      `json:"v"`
	Seen     time.Time                `json:"seen,omitzero"`
	Known    bool                     `json:"known"`
	Counters map[string]*counterState `json:"counters,omitempty"`
	// Posted are the totals as they were told, Sums the exact ones below them,
	// Frozen those of the beginning of an open downtime.
	Posted     map[string]int64           `json:"posted,omitempty"`
	Sums       map[string]Number          `json:"sums,omitempty"`
	Frozen     map[string]int64           `json:"frozen,omitempty"`
	State      stateMemory                `json:"state"`
	Parameters map[string]*parameterState `json:"parameters,omitempty"`
	Evidence   map[string]string          `json:"evidence,omitempty"`
	Order      *orderMark                 `json:"order,omitempty"`
}

const snapshotVersion = 1

// Snapshot is the machine's state for the store.
func (m *Machine) Snapshot() ([]byte, error) {
	s := snapshot{
		Version: snapshotVersion, Seen: m.seen, Known: m.known, State: m.memory,
		Counters: map[string]*counterState{}, Posted: map[string]int64{}, Sums: map[string]Number{}, Frozen: map[string]int64{},
		Parameters: map[string]*parameterState{}, Evidence: map[string]string{},
	}
	for _, c := range m.counters {
		s.Counters[c.subject] = &c.state
	}
	held := m.memory.Stop.Episode != 0
	keep := func(d *derived, sum Number) {
		s.Posted[d.subject], s.Sums[d.subject] = d.posted, sum
		if held {
			s.Frozen[d.subject] = d.frozen
		}
	}
	if m.count != nil {
		keep(m.count, m.count.candidate(m.wastes()))
	}
	for i := range m.waste {
		keep(&m.waste[i].derived, m.waste[i].candidate(Number{}))
	}
	for i := range m.params {
		s.Parameters[m.params[i].spec.Name] = &m.params[i].state
	}
	for i := range m.evidence {
		if e := &m.evidence[i]; e.seen {
			s.Evidence[m.spec.Signals[e.signal].key()] = e.text
		}
	}
	if m.order != nil && m.order.state.Source != "" {
		s.Order = &m.order.state
	}
	return s.encode()
}

// Restore takes over a snapshot, of this or of an earlier configuration, before
// the first Step. What the configuration no longer has is dropped; what it has
// anew starts afresh. t is now.
func (m *Machine) Restore(data []byte, t time.Time, out *Outcome) error {
	out.reset(m.spec.Code)
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("machine %s: the stored state can not be read: %w", m.spec.Code, err)
	}
	if s.Version != snapshotVersion {
		return fmt.Errorf("machine %s: the stored state has version %d, this program knows version %d: use the newer program", m.spec.Code, s.Version, snapshotVersion)
	}
	for _, c := range m.counters {
		if st := s.Counters[c.subject]; st != nil {
			c.restore(st, out, t)
		}
	}
	m.memory, m.known = s.State, s.Known && m.count != nil
	m.memory.restore(s.Seen, t)
	for i := range m.waste {
		m.waste[i].restore(&s, Number{})
	}
	if m.count != nil {
		m.count.restore(&s, m.wastes())
	}
	for i := range m.params {
		if st := s.Parameters[m.params[i].spec.Name]; st != nil {
			m.params[i].state = *st
		}
	}
	m.fresh = false
	for i := range m.evidence {
		e := &m.evidence[i]
		e.text, e.seen = s.Evidence[m.spec.Signals[e.signal].key()]
	}
	// Another tag may name the same order in other words: that is no change.
	if m.order != nil && s.Order != nil && s.Order.Source == m.order.source {
		m.order.state = *s.Order
	}
	return nil
}

// restore takes over what was told of a total. One that is new stays as it was
// made.
func (d *derived) restore(s *snapshot, wastes Number) {
	if posted, ok := s.Posted[d.subject]; ok {
		d.posted = posted
	}
	if sum, ok := s.Sums[d.subject]; ok {
		d.align(wastes, sum)
	}
	d.frozen = d.posted
	if frozen, ok := s.Frozen[d.subject]; ok {
		d.frozen = frozen
	}
}

// key names a signal in the store.
func (s Signal) key() string {
	return fmt.Sprintf("%s|%s|%s|%d", s.Connection, s.Tag.Address, s.Tag.Path, s.Tag.Bit)
}
