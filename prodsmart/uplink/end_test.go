package uplink

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// slowShelf is a shelf whose commits take a while, are not interrupted, and are
// reported as failed to a caller who gave up meanwhile.
type slowShelf struct {
	*shelf
	// began is called when a save begins, with its number from 1.
	began func(n int)
	takes time.Duration
	// unclear makes the save of that number succeed and report an error.
	unclear int
	n       int
}

func (s *slowShelf) Save(ctx context.Context, machine string, r Record, rev uint64) (uint64, error) {
	s.n++
	n := s.n
	if s.began != nil {
		s.began(n)
	}
	time.Sleep(s.takes)
	rev, err := s.shelf.Save(ctx, machine, r, rev)
	if err == nil && n == s.unclear {
		err = errors.New("the disk went away after the commit")
	}
	if err == nil {
		err = ctx.Err()
	}
	return rev, err
}

// TestEndWhileSaving: whichever save is cut by the end of Run, Run ends well,
// what was accepted is on disk, and nothing is there as sent that was not.
func TestEndWhileSaving(t *testing.T) {
	stop := prodsmart.Report{Known: true, Count: 5, Stop: prodsmart.Stop{Episode: 1, Type: "X"}}
	for _, c := range []struct {
		name   string
		during int
		sent   string
		told   int64
		stop   uint64
	}{
		{"the first count, before it leaves", 1, "", 0, 0},
		{"the first count, accepted", 2, "M C 5", 5, 0},
		{"the stop, before it leaves", 3, "M C 5", 5, 0},
		{"the stop, accepted", 4, "M C 5, M D+ X", 5, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ledger, post, n := &slowShelf{shelf: newShelf(), takes: 100 * time.Millisecond}, &line{}, &notes{}
				ledger.began = func(n int) {
					if n == c.during {
						cancel()
					}
				}
				u := New(live(Settings{RepeatStop: RepeatOpens}), ledger, post, n.hooks())
				u.Report("M", stop)
				if err := u.Run(ctx); err != nil {
					t.Errorf("Run ended with %v", err)
				}
				if got := strings.Join(post.sent(), ", "); got != c.sent {
					t.Errorf("sent: %s", got)
				}
				r := ledger.record(t, "M")
				if r.Telling.Active || r.Doubt.Open || r.Told.Count != c.told || r.Told.Stop.Episode != c.stop {
					t.Errorf("the ledger says %+v", r)
				}
				if n.codes() != "" {
					t.Errorf("events: %s", n.codes())
				}
			})
		})
	}
}

// TestSaveThatSucceededAndFailed: an entry that our own lost save changed was
// changed by nobody else.
func TestSaveThatSucceededAndFailed(t *testing.T) {
	for _, c := range []struct {
		name    string
		unclear int
	}{{"before it leaves", 1}, {"after the answer", 2}} {
		for _, ends := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					ledger, post, n := &slowShelf{shelf: newShelf(), unclear: c.unclear}, &line{}, &notes{}
					ledger.began = func(n int) {
						if ends && n == c.unclear {
							cancel()
						}
					}
					u := New(live(Settings{}), ledger, post, n.hooks())
					u.Report("M", good(5))
					result := make(chan error, 1)
					go func() { result <- u.Run(ctx) }()
					time.Sleep(time.Minute)
					cancel()
					if err := <-result; err != nil {
						t.Errorf("Run ended with %v", err)
					}
					for _, e := range n.events {
						if strings.Contains(e.Text, errConflictAgain.Error()) {
							t.Errorf("it is said that %s", e.Text)
						}
					}
					want := int64(5)
					if ends && c.unclear == 1 {
						want = 0
					}
					if r := ledger.record(t, "M"); r.Telling.Active || r.Doubt.Open || r.Told.Count != want {
						t.Errorf("the ledger says %+v", r)
					}
				})
			})
		}
	}
}

// TestEndSeesAnotherWriter: what somebody else wrote is not overwritten at the
// end.
func TestEndSeesAnotherWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, post := newShelf(), &line{}
		post.reply(func(context.Context, prodsmart.Post) prodsmart.Answer {
			ledger.fail(errors.New("disk full"))
			return verdict(yes)
		})
		u := New(live(Settings{}), ledger, post, Hooks{})
		end := running(t, u)
		u.Report("M", good(5))
		time.Sleep(2 * time.Second)
		ledger.fail(nil)
		if _, err := ledger.Save(t.Context(), "M", Record{Told: Told{Counted: true, Count: 20}}, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := end(); !errors.Is(err, ErrConflict) {
			t.Errorf("Run ended with %v", err)
		}
		if r := ledger.record(t, "M"); r.Told.Count != 20 {
			t.Errorf("the ledger says %+v", r)
		}
	})
}

// TestEndSaysNothingOfProdsmart: requests that are cut by our own end are no
// trouble of Prodsmart's.
func TestEndSaysNothingOfProdsmart(t *testing.T) {
	for _, v := range []prodsmart.Verdict{lost, never} {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger, post, n := newShelf(), &line{}, &notes{}
				post.reply(func(ctx context.Context, _ prodsmart.Post) prodsmart.Answer {
					<-ctx.Done()
					return verdict(v)
				})
				u := New(live(Settings{InFlight: 6}), ledger, post, n.hooks())
				end := running(t, u)
				for _, m := range []string{"A", "B", "C", "D", "E"} {
					u.Report(m, good(1))
				}
				time.Sleep(10 * time.Second)
				if s := u.Status(); s.InFlight != 5 {
					t.Errorf("the status is %+v", s)
				}
				if took, err := end(); err != nil || took > 5*time.Second {
					t.Errorf("Run ended after %s with %v", took, err)
				}
				for _, e := range n.events {
					if e.Code != AnswerLost || v != lost {
						t.Errorf("%s: %s", e.Code, e.Text)
					}
				}
				for _, m := range []string{"A", "B", "C", "D", "E"} {
					if r := ledger.record(t, m); r.Telling.Active || r.Doubt.Open != (v == lost) {
						t.Errorf("the ledger says of %s: %+v", m, r)
					}
				}
			})
		})
	}
}
