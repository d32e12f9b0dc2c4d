package prodsmart

import (
	"errors"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// TestALostBatchIsNoEmptyBatch: the connection breaks after a channel was emptied. Asking
// again behind the caller's back would say that nothing had changed.
func TestALostBatchIsNoEmptyBatch(t *testing.T) {
	s := company(t, "documented")
	s.order()
	if _, err := s.client.Downtimes(t.Context(), DowntimeQuery{}); err != nil { // the connection is kept
		t.Fatal(err)
	}
	if _, err := s.server.AddFault(mes.Fault{Kind: mes.FaultDropAfter, Service: "changes", Times: 1}); err != nil {
		t.Fatal(err)
	}
	items, err := s.client.Changes(t.Context(), "c-1", false)
	var failed *Error
	if !errors.As(err, &failed) || failed.Answer.Verdict != Ambiguous {
		t.Fatalf("%d changes, %v: a lost answer must show", len(items), err)
	}
	asked := 0
	for _, c := range s.server.Calls(0) {
		if c.Service == "changes" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the channel was read %d times", asked)
	}
}
