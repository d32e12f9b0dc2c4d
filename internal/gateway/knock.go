package gateway

import (
	"context"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// knockEvery is the pause between two looks for trouble that nobody tries to end.
const knockEvery = 30 * time.Second

// knocker ends trouble on the way to Prodsmart while no machine has anything to
// tell: on a quiet Sunday, or with all counters held, the page would otherwise say
// that Prodsmart can not be reached until somebody produces again.
type knocker struct {
	lists  lists
	uplink *uplink.Uplink
}

// newKnocker makes a knocker, or none if nothing is sent to Prodsmart.
func newKnocker(g *Gateway) *knocker {
	if !g.config.Prodsmart.Live || g.client == nil {
		return nil
	}
	return &knocker{lists: g.client, uplink: g.uplink}
}

// run knocks until ctx ends. It may be called on none.
func (k *knocker) run(ctx context.Context) {
	if k == nil {
		return
	}
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s := k.uplink.Status(); s.Trouble != "" && s.Due == 0 && s.InFlight == 0 {
			k.knock(ctx)
		}
	}
}

// knock makes one small request: the downtimes that are yet to come. Any clear
// answer, even a refusal, tells the uplink that the way is free. A turn that does
// not come soon is left to those who have something to tell.
func (k *knocker) knock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*knockEvery)
	defer cancel()
	_, _ = k.uplink.Errand(ctx, uplink.ReadErrand, func(ctx context.Context) prodsmart.Answer {
		_, err := k.lists.Downtimes(ctx, prodsmart.DowntimeQuery{Span: prodsmart.Span{StartAfter: time.Now()}})
		return prodsmart.AnswerOf(err)
	})
}
