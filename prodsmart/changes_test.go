package prodsmart

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// A product may have more lots than a record has parts.
func TestManyLots(t *testing.T) {
	var lots []string
	for i := range 1500 {
		lots = append(lots, fmt.Sprintf(`{"code":"L-%d","stock":%d, "note":"%s"}`, i, i, strings.Repeat("x", 60)))
	}
	n := &notes{zone: time.UTC}
	s := decodeStock([]byte(`{"product-code":"P","stock":"35.5","lot":[`+strings.Join(lots, ",")+`]}`), n)
	if len(s.Lots) != 1500 || s.Lots[1499].Amount != NewDecimal(1499) || len(s.Unread) != 0 || s.Amount.String() != "35.5" {
		t.Errorf("%d lots, %v, unread %q", len(s.Lots), s.Amount, s.Unread)
	}
}

// The report of working times has a limit of its own: one at a time.
func TestOneReportAtATime(t *testing.T) {
	s := company(t, "documented")
	o := s.server.Options()
	o.ReportTime = time.Minute
	if err := s.server.SetOptions(o); err != nil {
		t.Fatal(err)
	}
	q := LaborTimeQuery{Start: time.Now().Add(-time.Hour), End: time.Now()}
	if _, err := s.client.LaborTime().List(t.Context(), q, 1); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.LaborTime().List(t.Context(), q, 1)
	var failed *Error
	if !errors.As(err, &failed) || failed.Answer.Verdict != Limited || failed.Answer.RetryAfter != defaultPause || !strings.Contains(err.Error(), "Another request is in progress") {
		t.Errorf("%v", err)
	}
}
