package uplink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// running starts an uplink and gives a function that ends it and waits.
func running(t *testing.T, u *Uplink) (end func() (time.Duration, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- u.Run(ctx) }()
	return func() (time.Duration, error) {
		began := time.Now()
		cancel()
		err := <-result
		return time.Since(began), err
	}
}

func live(s Settings) Settings {
	s.Mode = Live
	return s
}

func good(n int64) prodsmart.Report { return prodsmart.Report{Known: true, Count: n} }

func TestRunTellsAndSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post, n := newShelf(), &line{}, &notes{}
		post.reply(func(_ context.Context, p prodsmart.Post) prodsmart.Answer {
			// What leaves is on disk already.
			if r := ledger.record(t, p.Machine); !r.Telling.Active || r.Telling.Count != *parse(p).Count {
				t.Errorf("%s leaves, but the ledger says %+v", p.Body, r.Telling)
			}
			return verdict(yes)
		})
		u := New(live(Settings{}), ledger, post, n.hooks())
		end := running(t, u)
		u.Report("M", good(0))
		time.Sleep(time.Second)
		u.Report("M", good(5))
		time.Sleep(31 * time.Second)
		if took, err := end(); err != nil || took > 0 {
			t.Errorf("Run ended after %s with %v", took, err)
		}
		if got := strings.Join(post.sent(), ", "); got != "M C 0, M C 5" {
			t.Errorf("sent: %s", got)
		}
		if r := ledger.record(t, "M"); r.Telling.Active || r.Told.Count != 5 {
			t.Errorf("the ledger says %+v", r)
		}
		if len(n.posted) != 2 || n.posted[1].Before.Count != 0 || n.posted[1].After.Count != 5 || n.posted[1].Dry || n.posted[1].Sent.IsZero() {
			t.Errorf("posted: %+v", n.posted)
		}
	})
}

func TestHangingRequestBlocksNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		post.reply(func(ctx context.Context, p prodsmart.Post) prodsmart.Answer {
			if p.Machine == "HANGS" {
				return hang(ctx)
			}
			return verdict(yes)
		})
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		u.Report("HANGS", good(0))
		for i := range 10 {
			u.Report(fmt.Sprint("M", i), good(0))
		}
		time.Sleep(8 * time.Second)
		s := u.Status()
		if s.InFlight != 1 || !s.Machines[0].Sending {
			t.Errorf("the status is %+v", s)
		}
		for _, m := range s.Machines[1:] {
			if !m.Record.Told.Counted {
				t.Errorf("%s was not told", m.Machine)
			}
		}
		if took, err := end(); err != nil || took > 5*time.Second {
			t.Errorf("Run ended after %s with %v", took, err)
		}
		if r := ledger.record(t, "HANGS"); !r.Doubt.Open || r.Told.Counted {
			t.Errorf("the ledger says %+v", r)
		}
		if post.most < 2 || post.most > 4 || post.double {
			t.Errorf("%d requests at once, two of one machine: %v", post.most, post.double)
		}
	})
}

// TestStopLeavesNothingBehind: requests that hang are cut after the grace, their
// doubt is saved, and no goroutine remains.
func TestStopLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		post.reply(func(ctx context.Context, _ prodsmart.Post) prodsmart.Answer { return hang(ctx) })
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		for i := range 10 {
			u.Report(fmt.Sprint("M", i), good(0))
		}
		time.Sleep(5 * time.Second)
		took, err := end()
		if err != nil || took > 5*time.Second || took < time.Second {
			t.Errorf("Run ended after %s with %v", took, err)
		}
		sent := len(post.sent())
		time.Sleep(time.Minute)
		if len(post.sent()) != sent {
			t.Error("something was sent after the end")
		}
	})
}

func TestDryRunSendsAndSavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post, n := newShelf(), &line{}, &notes{}
		// Really told, in an earlier life.
		if _, err := ledger.Save(t.Context(), "M", Record{Told: Told{Counted: true, Count: 7}}, 0); err != nil {
			t.Fatal(err)
		}
		u := New(Settings{}, ledger, post, n.hooks())
		end := running(t, u)
		u.Report("M", good(9))
		time.Sleep(time.Minute)
		if _, err := end(); err != nil {
			t.Error(err)
		}
		if len(post.sent()) != 0 || ledger.saved() != 1 || ledger.record(t, "M").Told.Count != 7 {
			t.Errorf("dry run sent %v and left %+v", post.sent(), ledger.record(t, "M"))
		}
		if len(n.posted) != 1 || !n.posted[0].Dry || string(n.posted[0].Post.Body) != `{"count":9}` || n.posted[0].Before.Count != 7 {
			t.Errorf("posted: %+v", n.posted)
		}
	})
}

func TestBrokenLedgerHoldsEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post, n := newShelf(), &line{}, &notes{}
		ledger.fail(errors.New("disk full"))
		u := New(live(Settings{}), ledger, post, n.hooks())
		end := running(t, u)
		u.Report("M", good(0))
		time.Sleep(5 * time.Minute)
		if len(post.sent()) != 0 || n.codes() != string(LedgerFailed) {
			t.Errorf("sent %v, events %s", post.sent(), n.codes())
		}
		if s := u.Status(); len(s.Machines) != 1 {
			t.Errorf("the status is %+v", s)
		}
		ledger.fail(nil)
		time.Sleep(time.Minute)
		if got := post.sent(); len(got) != 1 {
			t.Errorf("sent %v", got)
		}
		// It breaks between two posts, and after an answer.
		post.reply(func(context.Context, prodsmart.Post) prodsmart.Answer {
			ledger.fail(errors.New("disk full"))
			return verdict(yes)
		})
		u.Report("M", good(3))
		time.Sleep(time.Minute)
		u.Report("M", good(4))
		time.Sleep(time.Minute)
		if got := post.sent(); len(got) != 2 {
			t.Errorf("sent %v", got)
		}
		ledger.fail(nil)
		post.reply(nil)
		time.Sleep(2 * time.Minute)
		if got := strings.Join(post.sent(), ", "); got != "M C 0, M C 3, M C 4" {
			t.Errorf("sent: %s", got)
		}
		if want := "ledger_failed, ledger_failed over, ledger_failed, ledger_failed over"; n.codes() != want {
			t.Errorf("events: %s", n.codes())
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestEndSaysWhatCouldNotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		full := errors.New("disk full")
		post.reply(func(context.Context, prodsmart.Post) prodsmart.Answer {
			ledger.fail(full)
			return verdict(yes)
		})
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		u.Report("M", good(0))
		time.Sleep(time.Minute)
		if _, err := end(); !errors.Is(err, full) || !strings.Contains(err.Error(), "M:") {
			t.Errorf("Run ended with %v", err)
		}
		ledger.fail(nil)
		if r := ledger.record(t, "M"); !r.Telling.Active {
			t.Errorf("the ledger says %+v", r)
		}
	})
}

func TestConflictLoadsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		u.Report("M", good(0))
		time.Sleep(time.Minute)
		// Another gateway takes over and tells more.
		_, revision, err := ledger.Load(t.Context(), "M")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Save(t.Context(), "M", Record{Told: Told{Counted: true, Count: 20}}, revision); err != nil {
			t.Fatal(err)
		}
		u.Report("M", good(10))
		time.Sleep(time.Minute)
		u.Report("M", good(21))
		time.Sleep(time.Minute)
		if got := strings.Join(post.sent(), ", "); got != "M C 0, M C 21" {
			t.Errorf("sent: %s", got)
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestStopIsTwoSlotsAwayUnderBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		post.reply(func(context.Context, prodsmart.Post) prodsmart.Answer {
			time.Sleep(300 * time.Millisecond)
			return verdict(yes)
		})
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		for i := range 300 {
			u.Report(fmt.Sprint("M", i), good(0))
		}
		time.Sleep(30 * time.Second)
		u.Report("M0", prodsmart.Report{Known: true, Stop: prodsmart.Stop{Episode: 1, Type: "X"}})
		time.Sleep(1200 * time.Millisecond)
		if got := strings.Join(post.sent(), ", "); !strings.Contains(got, "M0 D+ X") {
			t.Errorf("sent: %s", got)
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestControlsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post, n := newShelf(), &line{}, &notes{}
		post.reply(func(context.Context, prodsmart.Post) prodsmart.Answer { return verdict(no) })
		u := New(live(Settings{}), ledger, post, n.hooks())
		end := running(t, u)
		u.Report("M", good(3))
		u.Report("GONE", prodsmart.Report{})
		time.Sleep(time.Minute)
		if got := len(post.sent()); got != 1 {
			t.Errorf("%d posts", got)
		}
		post.reply(nil)
		u.Forget("GONE")
		u.Configure("M", Machine{ReportEvery: 5 * time.Second})
		time.Sleep(time.Second)
		if got := len(post.sent()); got != 2 {
			t.Errorf("%d posts after a new configuration", got)
		}
		u.Report("M", good(4))
		time.Sleep(6 * time.Second)
		if got := len(post.sent()); got != 3 {
			t.Errorf("%d posts at the new pace", got)
		}
		u.Spend(10)
		u.Unpark("M")
		u.Report("M", prodsmart.Report{Known: true, Count: 4, Stop: prodsmart.Stop{Episode: 1, Type: "X"}})
		time.Sleep(5 * time.Second)
		if got := len(post.sent()); got != 3 {
			t.Errorf("%d posts although the slots were spent", got)
		}
		time.Sleep(2 * time.Second)
		if got := len(post.sent()); got != 4 {
			t.Errorf("%d posts after the spent slots", got)
		}
		if s := u.Status(); len(s.Machines) != 1 || s.Used != 13 {
			t.Errorf("the status is %+v", s)
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}
