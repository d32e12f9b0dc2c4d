package uplink_test

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// A replay runs a Desk on a virtual clock: what happens at an instant is
// reported first, then the Desk is asked for what leaves at that instant.
func ExampleDesk() {
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	desk := uplink.NewDesk(now, uplink.Settings{Unpaced: true, Aligned: true})
	rest := func(until time.Time) {
		for {
			work, wake, ok := desk.Next(now)
			if !ok && (wake.IsZero() || !wake.Before(until)) {
				break
			}
			if now = wake; ok {
				fmt.Println(now.Format(time.TimeOnly), work.Post.Service, string(work.Post.Body))
				desk.Done(now, work, prodsmart.Answer{Verdict: prodsmart.Accepted})
			}
		}
		now = until
	}
	desk.Report(now, "PRESS-01", prodsmart.Report{Known: true})
	rest(now.Add(12 * time.Second))
	desk.Report(now, "PRESS-01", prodsmart.Report{Known: true, Count: 4})
	rest(now.Add(time.Minute))
	desk.Report(now, "PRESS-01", prodsmart.Report{Known: true, Count: 4, Stop: prodsmart.Stop{Episode: 1, Type: "JAM"}})
	rest(now.Add(time.Minute))
	// Output:
	// 06:00:00 counter {"count":0}
	// 06:00:30 counter {"count":4}
	// 06:01:12 startstop {"type":"JAM","running":0}
}
