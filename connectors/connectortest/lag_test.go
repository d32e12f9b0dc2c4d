package connectortest

import (
	"testing"
	"time"
)

// TestSlack: an idle computer gets a little, a busy one more, but not any.
func TestSlack(t *testing.T) {
	s := &supervisor{}
	for _, step := range []struct{ late, want time.Duration }{
		{time.Millisecond, slack},
		{100 * time.Millisecond, slack + 400*time.Millisecond},
		{50 * time.Millisecond, slack + 600*time.Millisecond},
		{time.Minute, mostSlack},
	} {
		s.lag.add(step.late)
		if got := s.slack(); got != step.want {
			t.Errorf("after a lag of %v the slack is %v, want %v", step.late, got, step.want)
		}
	}
}
