package mes

import (
	"context"
	"slices"
	"time"
)

// postpone has a request delivered once more, or for the first time, later.
func (s *Server) postpone(d delivery, by time.Duration) {
	d.due = s.now().Add(by)
	i, _ := slices.BinarySearchFunc(s.late, d, func(a, b delivery) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1
	})
	s.late = slices.Insert(s.late, i, d)
}

// deliverLate carries out what is due, each at its own time.
func (s *Server) deliverLate() {
	for len(s.late) > 0 && !s.late[0].due.After(s.clock()) {
		d := s.late[0]
		s.late = s.late[1:]
		s.moment = d.due
		s.again(d)
		s.moment = time.Time{}
	}
}

// again is a request that the network delivers by itself. No rule is broken by
// it, and nobody waits for its answer.
func (s *Server) again(d delivery) answer {
	d.r = d.r.WithContext(context.Background())
	d.call.By, d.call.Time, d.fault = byNetwork, s.now(), nil
	d.call.Applied = false
	ok, pause := s.limit.Take(s.now())
	d.over, d.pause = !ok, pause
	return s.carryOut(&d)
}
