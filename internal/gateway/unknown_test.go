package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// TestLostLinksMakeUnknown holds that a running or a stopped machine is unknown
// after its link was lost or its values went bad, and that this neither opens
// nor closes a downtime.
func TestLostLinksMakeUnknown(t *testing.T) {
	const within = 70 * time.Second // comm_timeout and a little
	bad := []mapping.Reading{{Signal: 0, Sample: &connectors.Sample{}}, {Signal: 1, Sample: &connectors.Sample{Tag: 1}}}
	for name, lost := range map[string]mapping.Batch{
		"link down": {Connection: "gw", Link: connectors.LinkDown},
		"all bad":   {Connection: "gw", Readings: bad},
	} {
		for _, run := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, configured(t, t.TempDir(), twoMachines))
					ctx, cancel := context.WithCancel(context.Background())
					ticked := make(chan struct{})
					go func() { defer close(ticked); b.tick(ctx) }()
					for i := range 30 {
						b.read(0, connectors.Int(int64(i)), connectors.Bool(run))
						b.pass(time.Second)
					}
					before := b.units[0]
					was, _ := before.status(time.Now())
					if want := map[bool]mapping.Canonical{true: mapping.Running, false: mapping.Stopped}[run]; was.State != want {
						t.Fatalf("the machine is %s, not %s", was.State, want)
					}
					lost.Time = time.Now()
					before.step(&lost, false, b.started)
					b.pass(within)
					is, _ := before.status(time.Now())
					if is.State != mapping.Unknown || is.Stop.Episode != was.Stop.Episode {
						t.Errorf("from %s to %s, downtime %v to %v", was.State, is.State, was.Stop, is.Stop)
					}
					cancel()
					<-ticked
					if err := b.stop(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
