package gateway

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
)

// listed writes the conditions of a link as code subject.
func (w *wire) listed() []string {
	var out []string
	for _, c := range w.health.List() {
		out = append(out, c.Code.String()+" "+c.Subject)
	}
	return out
}

// steady is an attempt that comes up and stays.
func steady(ctx context.Context, emit func(connectors.Batch)) error {
	emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	<-ctx.Done()
	return nil
}

// TestEveryTroubleHasACode holds the two closed lists together.
func TestEveryTroubleHasACode(t *testing.T) {
	seen := map[health.Code]bool{}
	for trouble := range connectors.Trouble(connectors.Troubles) {
		code, known := codeOf(trouble)
		if !known || seen[code] || code.Definition().Name == "unknown" {
			t.Errorf("trouble %d is %s, known %v, twice %v", trouble, code, known, seen[code])
		}
		seen[code] = true
	}
	if _, known := codeOf(connectors.Troubles); known {
		t.Error("a trouble that does not exist has a code")
	}
}

// TestConditionsComeAndGo has two units silent, of which one comes back.
func TestConditionsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(steady)
		defer w.stop()
		synctest.Wait()
		first := connectors.Condition{Trouble: connectors.UnitSilent, Subject: "unit 3", Detail: "no answer"}
		second := connectors.Condition{Trouble: connectors.UnitSilent, Subject: "unit 4"}
		for _, step := range []struct {
			holds []connectors.Condition
			want  []string
		}{
			{[]connectors.Condition{first, second, {Trouble: connectors.ClockWrong}}, []string{"unit_silent gw/unit 3", "unit_silent gw/unit 4", "clock_wrong gw"}},
			{[]connectors.Condition{second}, []string{"unit_silent gw/unit 4"}},
			{nil, nil},
		} {
			w.connector.hold(step.holds...)
			time.Sleep(askEvery + time.Millisecond)
			synctest.Wait()
			if got := w.listed(); !slices.Equal(got, step.want) {
				t.Errorf("%q, want %q", got, step.want)
			}
			if got := w.snapshot().Conditions; !slices.Equal(got, step.holds) {
				t.Errorf("shown are %v, want %v", got, step.holds)
			}
		}
	})
}

// TestRefusedLoginIsTriedSlowly holds that an account is not asked for as often
// as an address, and still within the time in which data must be fresh.
func TestRefusedLoginIsTriedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(func(context.Context, func(connectors.Batch)) error { return errRefused })
		defer w.stop()
		w.connector.hold(connectors.Condition{Trouble: connectors.LoginRefused})
		time.Sleep(10 * time.Minute)
		began := w.connector.attempts()
		for i := 8; i < len(began); i++ {
			if pause := began[i].Sub(began[i-1]); pause < refusedPause || pause > 8*time.Second {
				t.Fatalf("pause %v", pause)
			}
		}
		if len(began) < 600/8 || !slices.Equal(w.listed(), []string{"link_down gw", "login_refused gw"}) {
			t.Errorf("%d attempts, %q", len(began), w.listed())
		}
	})
}

// TestAllBadIsNotHealthy has a link that is up and gives only bad values, then
// one good one; silence alone says nothing.
func TestAllBadIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		give := make(chan connectors.Batch)
		w := newWire(func(ctx context.Context, emit func(connectors.Batch)) error {
			emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
			for {
				select {
				case <-ctx.Done():
					return nil
				case b := <-give:
					b.Time = time.Now()
					emit(b)
				}
			}
		})
		defer w.stop()
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(time.Hour)
		if got := w.listed(); len(got) != 0 {
			t.Errorf("silence of a link that is up: %q", got)
		}
		bad := []connectors.Sample{{Tag: 0}, {Tag: 1}}
		give <- connectors.Batch{Samples: bad}
		wait(staleAfter - askEvery)
		if got := w.listed(); len(got) != 0 {
			t.Errorf("too early: %q", got)
		}
		give <- connectors.Batch{Samples: bad}
		wait(3 * askEvery)
		if got := w.listed(); !slices.Equal(got, []string{"link_stale gw"}) || w.snapshot().BadSince.IsZero() {
			t.Errorf("all values bad: %q, %+v", got, w.snapshot())
		}
		give <- connectors.Batch{Samples: []connectors.Sample{{Tag: 1, Quality: connectors.Good}}}
		wait(2 * askEvery)
		if got := w.listed(); len(got) != 0 || !w.snapshot().BadSince.IsZero() {
			t.Errorf("one value is good: %q", got)
		}
	})
}

// TestAllBadThroughReconnects has a link that comes up every 20 s and gives
// nothing but bad values: each time for too short to be told, together not.
func TestAllBadThroughReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quality := make(chan connectors.Quality, 1)
		quality <- connectors.Bad
		w := newWire(func(ctx context.Context, emit func(connectors.Batch)) error {
			q := <-quality
			quality <- q
			emit(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
			emit(connectors.Batch{Time: time.Now(), Samples: []connectors.Sample{{Tag: 0, Quality: q}}})
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Second):
			}
			return errRefused
		})
		defer w.stop()
		shown := func(d time.Duration) bool {
			time.Sleep(d)
			synctest.Wait()
			return slices.Contains(w.listed(), "link_stale gw")
		}
		if shown(staleAfter-askEvery) || !shown(20*time.Second) {
			t.Errorf("after 50 s of bad values: %q", w.listed())
		}
		<-quality
		quality <- connectors.Good
		if shown(time.Minute) {
			t.Errorf("good values came: %q", w.listed())
		}
	})
}
