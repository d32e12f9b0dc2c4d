package board

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/gateway"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
)

// maxDifferences bounds the differences in one answer; Total counts all.
const maxDifferences = 500

// reconcileData is the comparison with Prodsmart as a part of /api/uplink.
type reconcileData struct {
	// Last is when the newest comparison that got through ended.
	Last     *time.Time `json:"last,omitempty"`
	Next     *time.Time `json:"next,omitempty"`
	Machines int        `json:"machines"`
	Requests int        `json:"requests"`
	// Part says that not all of the lists was read.
	Part bool `json:"part,omitempty"`
	// Problem is why the newest attempt failed.
	Problem     string                 `json:"problem,omitempty"`
	Total       int                    `json:"differences_total"`
	Differences []reconcile.Difference `json:"differences"`
}

// reconcileOf gives none if nothing is compared.
func reconcileOf(s *gateway.ReconcileStatus, at func(time.Time) *time.Time) *reconcileData {
	if !s.On {
		return nil
	}
	shown := make([]reconcile.Difference, min(len(s.Differences), maxDifferences))
	copy(shown, s.Differences)
	for i := range shown {
		if t := at(shown[i].At); t != nil {
			shown[i].At = *t
		}
	}
	return &reconcileData{
		Last: at(s.Last), Next: at(s.Next), Machines: s.Machines, Requests: s.Requests, Part: s.Part,
		Problem: s.Problem, Total: len(s.Differences), Differences: shown,
	}
}

func (c *collector) reconcile(out emitter, s *gateway.ReconcileStatus) {
	if !s.On {
		return
	}
	if !s.Last.IsZero() {
		out.gauge(c.d.reconcileLast, seconds(s.Last))
	}
	out.gauge(c.d.reconcileFailing, truth(s.Problem != ""))
	kinds := map[reconcile.Kind]int{}
	for _, kind := range reconcile.Kinds() {
		kinds[kind] = 0 // a kind that ends must not vanish
	}
	for i := range s.Differences {
		kinds[s.Differences[i].Kind]++
	}
	for kind, n := range kinds {
		out.gauge(c.d.reconcileDifferences, float64(n), string(kind))
	}
}
