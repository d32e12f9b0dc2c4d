package uplink

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// crowd is a desk with more machines than the budget can serve, all of them
// counting all the time.
func crowd(machines int) (*Desk, func(now time.Time)) {
	d := NewDesk(midnight, Settings{Budget: 60, ReportEvery: 10 * time.Second})
	var count int64
	return d, func(now time.Time) {
		count++
		for i := range machines {
			d.Report(now, fmt.Sprint("M", i), prodsmart.Report{Known: true, Count: count})
		}
	}
}

func TestErrandsTakePartInTheBudget(t *testing.T) {
	d, count := crowd(30) // three times the budget
	for range 1000 {
		d.Ask(midnight, OrderErrand)
		d.Ask(midnight, ReadErrand)
	}
	var sent []time.Time
	num := map[string]int{}
	for now := midnight; now.Before(midnight.Add(time.Hour)); now = now.Add(time.Second) {
		count(now)
		w, _, ok := d.Next(now)
		if !ok {
			continue
		}
		sent = append(sent, now)
		num[w.account().String()]++
		if w.Ticket != 0 {
			d.Returned(now, w, verdict(yes))
		} else {
			d.Done(now, w, verdict(yes))
		}
	}
	if n := mostInAMinute(sent); n > 60 || len(sent) < 3590 {
		t.Errorf("%d requests in an hour, %d in a minute", len(sent), n)
	}
	// 30 machines every 10 s, orders every 6 s, reads every minute: 191 a minute
	// asked for, 60 given, so each gets 60/191 of what it asks for.
	share := 60. / 191
	for class, asked := range map[string]float64{"counter": 180, "order": 10, "read": 1} {
		if got, want := float64(num[class]), asked*60*share; got < 0.9*want || got > 1.1*want+1 {
			t.Errorf("%v %s requests in an hour instead of %.0f", got, class, want)
		}
	}
}

func TestErrandsUseSpareSlotsAtOnce(t *testing.T) {
	d := NewDesk(midnight, Settings{Budget: 60})
	for range 5 {
		d.Ask(midnight, ReadErrand)
	}
	now := midnight
	for i := range 5 {
		_, wake, ok := d.Next(now)
		if ok {
			t.Fatal("two requests in one slot")
		}
		now = wake
		w, _, ok := d.Next(now)
		if !ok || w.Ticket == 0 {
			t.Fatalf("errand %d does not get the free slot", i)
		}
		if _, _, ok := d.Next(now.Add(time.Minute)); ok {
			t.Fatal("two errands of one kind are on their way")
		}
		d.Returned(now, w, verdict(yes))
	}
	if want := midnight.Add(5 * time.Second); !now.Equal(want) {
		t.Errorf("the fifth errand left at %s instead of %s", now, want)
	}
}

func TestAnErrandsAnswersConcernTheWayOnly(t *testing.T) {
	for _, c := range []struct {
		answer  prodsmart.Answer
		trouble Code
		pace    float64
	}{
		{verdict(yes), "", 1},
		{verdict(prodsmart.Refused), "", 1},
		{verdict(prodsmart.Unauthorized), "", 1},
		{verdict(prodsmart.Ambiguous), "", 1},
		{verdict(never), Unreachable, 1},
		{prodsmart.Answer{Verdict: prodsmart.Limited, RetryAfter: time.Second}, "", 0.5},
	} {
		d := NewDesk(midnight, Settings{})
		var now time.Time
		for now = midnight.Add(time.Minute); ; now = now.Add(time.Second) {
			d.Ask(now, ReadErrand)
			w, _, ok := d.Next(now)
			if !ok {
				t.Fatal("no turn")
			}
			d.Returned(now, w, c.answer)
			break
		}
		if s := d.Status(now); s.Trouble != c.trouble || s.Pace != c.pace {
			t.Errorf("after %v the trouble is %q and the pace %v", c.answer.Verdict, s.Trouble, s.Pace)
		}
	}
}

func TestAnErrandTriesTheWayIfNoMachineDoes(t *testing.T) {
	d := NewDesk(midnight, Settings{})
	now := midnight.Add(time.Minute)
	d.Ask(now, OrderErrand)
	w, _, _ := d.Next(now)
	d.Returned(now, w, verdict(never))
	d.Ask(now, OrderErrand)
	_, wake, ok := d.Next(now)
	if ok || !wake.After(now) {
		t.Fatal("trouble does not pause errands")
	}
	w, _, ok = d.Next(wake)
	if !ok {
		t.Fatal("nobody tries the way")
	}
	d.Returned(wake, w, verdict(yes))
	if s := d.Status(wake); s.Trouble != "" {
		t.Errorf("the trouble is still %q", s.Trouble)
	}
}

// A key that may not read lists says nothing of the posts of machines: the way is
// free, unless the credentials are what the trouble is.
func TestADeniedErrandFindsTheWayFree(t *testing.T) {
	for _, c := range []struct {
		first prodsmart.Verdict
		want  Code
	}{{never, ""}, {prodsmart.Unauthorized, Rejected}} {
		d := NewDesk(midnight, Settings{})
		now := midnight.Add(time.Minute)
		d.Report(now, "M", good(1))
		w, _, _ := d.Next(now)
		d.Done(now, w, verdict(c.first))
		d.Forget("M")
		d.Ask(now, ReadErrand)
		_, wake, _ := d.Next(now)
		w, _, ok := d.Next(wake)
		if !ok || w.Ticket == 0 {
			t.Fatal("the errand does not try the way")
		}
		d.Returned(wake, w, prodsmart.Answer{Verdict: prodsmart.Unauthorized, Status: 403, Text: "not for you"})
		if s := d.Status(wake); s.Trouble != c.want {
			t.Errorf("after %v and a denied errand the trouble is %q", c.first, s.Trouble)
		}
	}
}

func TestErrandsOfTheUplink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		u := New(Settings{Budget: 60}, newShelf(), nil, Hooks{})
		ran := make(chan error)
		go func() { ran <- u.Run(ctx) }()
		begun := time.Now()
		for i := range 3 {
			a, err := u.Errand(ctx, ReadErrand, func(context.Context) prodsmart.Answer { return verdict(yes) })
			if err != nil || a.Verdict != yes {
				t.Errorf("errand %d: %v, %v", i, a, err)
			}
		}
		if d := time.Since(begun); d < 3*time.Second || d > 3100*time.Millisecond {
			t.Errorf("three errands took %v", d)
		}
		// One that is given up while it waits, and while it is on its way.
		short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
		if _, err := u.Errand(short, OrderErrand, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an errand that is given up says %v", err)
		}
		stop()
		short, stop = context.WithTimeout(ctx, 5*time.Second)
		a, err := u.Errand(short, OrderErrand, func(ctx context.Context) prodsmart.Answer {
			<-ctx.Done()
			return verdict(prodsmart.Ambiguous)
		})
		if err != nil || a.Verdict != prodsmart.Ambiguous || u.Status().Trouble != "" {
			t.Errorf("an errand that is cut gives %v, %v", a, err)
		}
		stop()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a panic is swallowed")
				}
			}()
			u.Errand(ctx, OrderErrand, func(context.Context) prodsmart.Answer { panic("a bug") })
		}()
		if s := u.Status(); s.Trouble != "" {
			t.Errorf("a panic is taken for %s", s.Trouble)
		}
		// The wait for a turn and the end of Run at once.
		waits := make(chan error)
		for range 10 {
			go func() {
				_, err := u.Errand(context.Background(), ReadErrand, func(context.Context) prodsmart.Answer { return verdict(yes) })
				waits <- err
			}()
		}
		synctest.Wait()
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		for range 10 {
			if err := <-waits; err != nil && !errors.Is(err, ErrEnded) {
				t.Errorf("an errand ended with %v", err)
			}
		}
	})
}
