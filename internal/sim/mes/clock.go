package mes

import (
	"fmt"
	"time"
)

// clock is the time by the clock of the configuration and all advances.
func (s *Server) clock() time.Time { return s.config.Now().Add(s.ahead) }

// Advance lets time pass at once: tokens end, channels forget, orders get late.
// It is the clock of this Prodsmart alone that goes ahead.
func (s *Server) Advance(by time.Duration) error {
	if by < 0 || by > 10*365*24*time.Hour {
		return fmt.Errorf("the clock can not be advanced by %s: must be from 0 to ten years", by)
	}
	s.lock()
	s.ahead += by
	s.mu.Unlock()
	s.lock() // what has become due is done
	s.mu.Unlock()
	return nil
}
