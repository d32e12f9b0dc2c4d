package reconcile

import (
	"runtime"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// TestManyOpenDowntimes: a list of downtimes that all fit to everything that was
// told takes no more than a bounded room.
func TestManyOpenDowntimes(t *testing.T) {
	in := Input{Machine: "M1", From: morning, PostsFrom: morning, To: morning.Add(24 * time.Hour)}
	for i := range 5000 {
		in.Posts = append(in.Posts, Post{Time: morning.Add(time.Duration(i) * 10 * time.Second), Service: prodsmart.StartStopService.String(),
			Verdict: prodsmart.Accepted.String(), Body: string(prodsmart.StartStopBody("HALT", i%2 == 1))})
	}
	for i := range 2000 {
		in.Downtimes = append(in.Downtimes, Downtime{ID: int64(i + 1), Type: "HALT", Start: morning.Add(-time.Hour)})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := Compare(Agree(Terms{}, []Input{in}), in)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; len(found) < 2000 || taken > 256<<20 {
		t.Errorf("%d differences, %d bytes", len(found), taken)
	}
}
