package gateway

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// TestSaveThatIsCalledOff: when the gateway stops in the middle of a save, the
// uplink must not be told that it failed although the commit succeeds: its last
// save would then meet a revision that it takes for another writer's.
func TestSaveThatIsCalledOff(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		type result struct {
			rev uint64
			err error
		}
		save := func(ctx context.Context, machine string) <-chan result {
			done := make(chan result, 1)
			go func() {
				rev, err := b.keeper.Save(ctx, machine, uplink.Record{Told: uplink.Told{Count: 1}}, 1)
				done <- result{rev, err}
			}()
			return done
		}
		time.Sleep(4*commitEvery + commitEvery/2) // between two commits
		known := len(b.vault.taken())
		release := b.vault.freeze()
		ctx, cancel := context.WithCancel(t.Context())
		begun := save(ctx, "M1")
		synctest.Wait() // its commit is on its way
		waiting := save(ctx, "M2")
		synctest.Wait() // this one waits for the next
		cancel()
		if r := <-waiting; !errors.Is(r.err, context.Canceled) {
			t.Errorf("a save that waited gives %+v", r)
		}
		release()
		if r := <-begun; r.err != nil || r.rev != 2 {
			t.Errorf("a save whose commit had begun gives %+v", r)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		for _, w := range b.vault.taken()[known:] {
			for _, r := range w.Records {
				if r.Code == "M2" {
					t.Error("what was called off is saved all the same")
				}
			}
		}
	})
}
