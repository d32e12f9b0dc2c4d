package gateway

import (
	"context"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// recovery keeps the alarm about a damaged store until every machine whose state
// came from the backup is in step with Prodsmart again: until a post of it was
// accepted since the start.
type recovery struct {
	behind map[string]bool
}

// newRecovery begins the alarm. Machines that are not told any more need no
// step to keep.
func newRecovery(r *store.Recovery, told func(machine string) bool, h *health.Tracker) *recovery {
	if r == nil {
		return nil
	}
	out := &recovery{behind: map[string]bool{}}
	var names []string
	for _, m := range r.Machines {
		if m.Behind() && told(m.Code) {
			out.behind[m.Code] = true
			names = append(names, m.Code)
		}
	}
	detail := "The store was damaged; it was set aside and rebuilt."
	if len(names) > 0 {
		detail += " These machines are as old as the backup, compare their totals with Prodsmart: " + strings.Join(names, ", ") + "."
	}
	h.Set(health.StoreDamaged, "", detail)
	return out
}

// over says whether all machines are in step.
func (r *recovery) over(s uplink.Status, started time.Time) bool {
	for i := range s.Machines {
		if m := &s.Machines[i]; m.Record.Told.At.After(started) {
			delete(r.behind, m.Machine)
		}
	}
	return len(r.behind) == 0
}

// watchRecovery ends the alarm, here and in the store, once it is over.
func (g *Gateway) watchRecovery(ctx context.Context) {
	if g.recovery == nil || !g.recovery.over(g.uplink.Status(), g.started) {
		return
	}
	if err := g.store.ClearRecovery(ctx); err != nil {
		return // the store says so by itself; the next second tries again
	}
	g.recovery = nil
	g.health.Clear(health.StoreDamaged, "")
}
