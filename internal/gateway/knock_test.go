package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// way is a Prodsmart that answers everything alike, and counts.
type way struct {
	answer prodsmart.Answer
	lists  int
}

func (w *way) Send(context.Context, prodsmart.Post) prodsmart.Answer { return w.answer }

func (w *way) Downtimes(context.Context, prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
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
		w := &way{answer: prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "no route"}}
		u := uplink.New(uplink.Settings{Mode: uplink.Live, Budget: 60}, noLedger{}, w, uplink.Hooks{})
		ended := make(chan error, 2)
		go func() { ended <- u.Run(ctx) }()
		go func() { (&knocker{w, u}).run(ctx); ended <- nil }()
		u.Report("M1", prodsmart.Report{Known: true, Count: 1})
		time.Sleep(time.Minute)
		if w.lists != 0 {
			t.Errorf("%d requests although a machine tries the way", w.lists)
		}
		u.Forget("M1")
		time.Sleep(5 * time.Minute)
		if s := u.Status(); s.Trouble != uplink.Unreachable || w.lists < 5 || w.lists > 11 {
			t.Errorf("trouble %q after %d requests", s.Trouble, w.lists)
		}
		w.answer, w.lists = prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404, Text: "no such list"}, 0
		time.Sleep(90 * time.Second)
		if s := u.Status(); s.Trouble != "" || w.lists != 1 {
			t.Errorf("trouble %q although Prodsmart answers, %d requests", s.Trouble, w.lists)
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}
