package orders

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: no minute has more than allowed, whenever they come; who gives up does not
// wait; without a bound nobody does.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(30)
		var began []time.Time
		for n := range 300 {
			if n%70 == 0 {
				time.Sleep(45 * time.Second)
			}
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			began = append(began, time.Now())
		}
		for n := 30; n < len(began); n++ {
			if began[n].Sub(began[n-30]) < time.Minute {
				t.Fatalf("31 requests within %s", began[n].Sub(began[n-30]))
			}
		}
		if took := began[299].Sub(began[0]); took > 12*time.Minute {
			t.Errorf("300 requests took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		asked := time.Now()
		for range 40 {
			if err := p.wait(ctx); err != nil {
				break
			}
		}
		if waited := time.Since(asked); ctx.Err() == nil || waited != time.Second {
			t.Errorf("it waited %s, %v", waited, ctx.Err())
		}
		p = newPace(0)
		asked = time.Now()
		for range 1000 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !time.Now().Equal(asked) {
			t.Error("it waits without a bound")
		}
	})
}
