package connectortest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// absent is a device that is away until a time, and then has one value.
type absent struct {
	until    time.Time
	attempts atomic.Int64
}

func (a *absent) Run(ctx context.Context, emit func(connectors.Batch)) error {
	a.attempts.Add(1)
	if time.Now().Before(a.until) {
		return errors.New("absent: nobody there")
	}
	emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	emit(connectors.Batch{Time: time.Now(), Samples: []connectors.Sample{{Value: connectors.Uint(1), Quality: connectors.Good}}})
	<-ctx.Done()
	return nil
}

func (a *absent) Stats() connectors.Stats { return connectors.Stats{} }

func (a *absent) Conditions() []connectors.Condition { return nil }

// TestTimeOff: however long a device was away, it is found within the longest
// pause, and it was asked neither more nor less often than that.
func TestTimeOff(t *testing.T) {
	for _, off := range []time.Duration{2 * time.Hour, 62 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			back := time.Now().Add(off)
			device := &absent{until: back}
			next := GatewayBackoff().pauses()
			ctx, cancel := context.WithCancel(t.Context())
			var fresh time.Time
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for ctx.Err() == nil {
					began := time.Now()
					err := device.Run(ctx, func(b connectors.Batch) {
						if len(b.Samples) > 0 {
							fresh = b.Time
						}
					})
					if err == nil {
						return
					}
					time.Sleep(next(time.Since(began), false))
				}
			}()
			time.Sleep(off + FreshWithin)
			cancel()
			<-ended
			if late := fresh.Sub(back); fresh.IsZero() || late < 0 || late > 5*time.Second {
				t.Errorf("after %v off the value came %v after the device was back", off, late)
			}
			if got, want := device.attempts.Load(), int64(Attempts(GatewayBackoff(), off)); got < want || got > want+1 {
				t.Errorf("%v off took %d attempts, want %d", off, got, want)
			}
		})
	}
}
