package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// ErrEnded is returned by Errand when Run is over.
var ErrEnded = errors.New("the uplink has ended")

// Errand waits for the turn of a request that is no machine's, makes it, and
// accounts for it. do makes one request, within the timeout of the settings, and
// is called at most once, by the caller's goroutine; its answer is given back.
// The error says that do was not called: ctx or Run ended first.
func (u *Uplink) Errand(ctx context.Context, e Errand, do func(context.Context) prodsmart.Answer) (prodsmart.Answer, error) {
	turn := make(chan Work, 1)
	u.mu.Lock()
	number := u.desk.Ask(u.clock.now(), e)
	u.turns[number] = turn
	u.mu.Unlock()
	u.nudge()
	var err error
	select {
	case w := <-turn:
		return u.runErrand(ctx, w, do), nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-u.ended:
		err = ErrEnded
	}
	u.mu.Lock()
	waited := u.desk.Withdraw(e, number)
	if waited {
		delete(u.turns, number)
	}
	u.mu.Unlock()
	if !waited { // its turn came at the same moment
		u.returned(<-turn, prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "it was given up"}, true)
	}
	return prodsmart.Answer{}, err
}

// Release lets the held backlog of a machine be told. It is false if none is
// held.
func (u *Uplink) Release(machine string) (held bool) {
	u.with(func(now time.Time) { held = u.desk.Release(now, machine) })
	return held
}

func (u *Uplink) runErrand(ctx context.Context, w Work, do func(context.Context) prodsmart.Answer) prodsmart.Answer {
	limited, cancel := context.WithTimeout(ctx, u.settings.Timeout)
	defer cancel()
	a, came := prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "it was given up"}, false
	defer func() { u.returned(w, a, !came || ctx.Err() != nil) }() // even if do panics, or others wait for ever
	a = do(limited)
	came = true
	return a
}

// returned accounts for an errand's answer. One that was given up says nothing
// of Prodsmart.
func (u *Uplink) returned(w Work, a prodsmart.Answer, cut bool) {
	u.with(func(now time.Time) {
		if cut && (a.Verdict == prodsmart.Unsent || a.Verdict == prodsmart.Ambiguous) {
			u.desk.GiveUp(w)
			return
		}
		u.desk.Returned(now, w, a)
	})
}

// grant tells an errand that its turn has come.
func (u *Uplink) grant(w Work) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turns[w.Ticket] <- w
	delete(u.turns, w.Ticket)
}
