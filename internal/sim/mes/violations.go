package mes

import (
	"fmt"
	"time"
)

// ViolationKind is one rule that a client should keep.
type ViolationKind string

// The rules watched.
const (
	// ViolationLower: a count or waste below an accepted one.
	ViolationLower ViolationKind = "lower"
	// ViolationEqual: a count equal to the accepted one, so that nothing was
	// said that was not known.
	ViolationEqual ViolationKind = "equal"
	// ViolationLimit: a request above the company's limit.
	ViolationLimit ViolationKind = "limit"
)

// Violation is one call that a careful client would not have made.
type Violation struct {
	Time    time.Time     `json:"time"`
	Kind    ViolationKind `json:"kind"`
	Machine string        `json:"machine,omitempty"`
	Text    string        `json:"text"`
	// Excused says that the client could not know better: a fault had eaten the
	// answer to the last accepted call of the machine, another writer had
	// posted the last accepted count, or others had spent the limit: the client
	// itself made no more requests in a minute than it allows.
	Excused bool `json:"excused"`
}

func (s *Server) violate(c *Call, kind ViolationKind, format string, args ...any) {
	if c.By != "" {
		return
	}
	excused := false
	switch m := s.machines[c.Machine]; {
	case kind == ViolationLimit:
		excused = len(s.busiest.times) <= s.options.Limit
	case m != nil && m.foreign:
		excused = true
	case kind == ViolationEqual:
		excused = s.doubt[c.Machine] != 0
	}
	s.violations = append(s.violations, Violation{
		Time: c.Time, Kind: kind, Machine: c.Machine, Text: fmt.Sprintf(format, args...),
		Excused: excused,
	})
}

// Violations lists the calls that a careful client would not have made.
func (s *Server) Violations() []Violation {
	s.lock()
	defer s.mu.Unlock()
	return append([]Violation{}, s.violations...)
}

// Busiest is the largest number of requests in any 60 s, refused ones and ones
// that faults ate included, those of others not.
func (s *Server) Busiest() int {
	s.lock()
	defer s.mu.Unlock()
	return s.busiest.most
}
