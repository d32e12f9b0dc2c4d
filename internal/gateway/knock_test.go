package gateway

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// way is a Prodsmart that answers everything alike, and counts.
type way struct {
	mu     sync.Mutex
	answer prodsmart.Answer
	lists  int
}

// becomes changes the answer, and gives how often a list was asked for before.
func (w *way) becomes(a prodsmart.Answer) (lists int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lists, w.lists, w.answer = w.lists, 0, a
	return lists
}

func (w *way) Send(context.Context, prodsmart.Post) prodsmart.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answer
}

func (w *way) Downtimes(context.Context, prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists++
	if w.answer.Verdict == prodsmart.Accepted {
		return nil, nil
	}
	return nil, &prodsmart.Error{Answer: w.answer}
}

func (w *way) Productions(context.Context, prodsmart.ProductionQuery) ([]prodsmart.Production, error) {
	panic("nobody asks for productions")
}

type noLedger struct{}

func (noLedger) Load(context.Context, string) (uplink.Record, uint64, error) {
	return uplink.Record{}, 0, nil
}

func (noLedger) Save(_ context.Context, _ string, _ uplink.Record, revision uint64) (uint64, error) {
	return revision + 1, nil
}

// TestTroubleEndsWithoutAnythingToTell: the network breaks, the only machine that had
// something to tell is gone, the network comes back.
func TestTroubleEndsWithoutAnythingToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		unreachable := prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "no route"}
		w := &way{answer: unreachable}
		u := uplink.New(uplink.Settings{Mode: uplink.Live, Budget: 60}, noLedger{}, w, uplink.Hooks{})
		ended := make(chan error, 2)
		go func() { ended <- u.Run(ctx) }()
		go func() { (&knocker{w, u}).run(ctx); ended <- nil }()
		u.Report("M1", prodsmart.Report{Known: true, Count: 1})
		time.Sleep(time.Minute)
		if n := w.becomes(unreachable); n != 0 {
			t.Errorf("%d requests although a machine tries the way", n)
		}
		u.Forget("M1")
		time.Sleep(5 * time.Minute)
		n := w.becomes(prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404, Text: "no such list"})
		if s := u.Status(); s.Trouble != uplink.Unreachable || n < 5 || n > 11 {
			t.Errorf("trouble %q after %d requests", s.Trouble, n)
		}
		time.Sleep(90 * time.Second)
		if s, n := u.Status(), w.becomes(unreachable); s.Trouble != "" || n != 1 {
			t.Errorf("trouble %q although Prodsmart answers, %d requests", s.Trouble, n)
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}
