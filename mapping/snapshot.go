package mapping

import (
	"encoding/json"
	"fmt"
	"time"
)

// snapshot is a machine's state on disk.
type snapshot struct {
	Version    int                        `json:"v"`
	Seen       time.Time                  `json:"seen,omitzero"`
	Known      bool                       `json:"known"`
	Counters   map[string]*counterState   `json:"counters,omitempty"`
	Posted     map[string]int64           `json:"posted,omitempty"`
	Frozen     map[string]int64           `json:"frozen,omitempty"`
	State      stateMemory                `json:"state"`
	Parameters map[string]*parameterState `json:"parameters,omitempty"`
	Evidence   map[string]string          `json:"evidence,omitempty"`
}

const snapshotVersion = 1

// Snapshot is the machine's state for the store.
func (m *Machine) Snapshot() ([]byte, error) {
	s := snapshot{
		Version: snapshotVersion, Seen: m.seen, Known: m.known, State: m.memory,
		Counters: map[string]*counterState{}, Posted: map[string]int64{}, Frozen: map[string]int64{},
		Parameters: map[string]*parameterState{}, Evidence: map[string]string{},
	}
	for _, c := range m.counters {
		s.Counters[c.subject] = c.state
	}
	held := m.memory.Stop.Episode != 0
	if m.count != nil {
		s.Posted["count"] = m.count.posted
		if held {
			s.Frozen["count"] = m.frozenCount
		}
	}
	for i := range m.waste {
		s.Posted["waste "+m.waste[i].code] = m.waste[i].posted
		if held {
			s.Frozen["waste "+m.waste[i].code] = m.frozenWaste[i]
		}
	}
	for i := range m.params {
		s.Parameters[m.params[i].spec.Name] = m.params[i].state
	}
	for signal := range m.evidence {
		if m.evidence[signal].mapped {
			s.Evidence[m.spec.Signals[signal].key()] = m.evidence[signal].text
		}
	}
	return json.Marshal(s)
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
	if m.memory.LostSince.IsZero() {
		m.memory.LostSince = s.Seen // nothing is known of the time in between
	}
	if m.count != nil {
		m.count.posted = s.Posted["count"]
		m.frozenCount = max(s.Frozen["count"], 0)
	}
	m.frozenWaste = m.frozenWaste[:0]
	for i := range m.waste {
		key := "waste " + m.waste[i].code
		m.waste[i].posted = s.Posted[key]
		m.frozenWaste = append(m.frozenWaste, s.Frozen[key])
	}
	for i := range m.params {
		if st := s.Parameters[m.params[i].spec.Name]; st != nil {
			m.params[i].state = st
		}
	}
	for signal := range m.evidence {
		m.evidence[signal].text = s.Evidence[m.spec.Signals[signal].key()]
	}
	return nil
}

// key names a signal in the store.
func (s Signal) key() string {
	return fmt.Sprintf("%s|%s|%s|%d", s.Connection, s.Tag.Address, s.Tag.Path, s.Tag.Bit)
}
