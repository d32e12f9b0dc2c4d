package gateway

import (
	"context"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// recovery keeps the alarm about a damaged store until every machine whose state
// came from the backup is in step with Prodsmart again.
type recovery struct {
	// behind are the machines that are not, and whether they have a counter.
	behind map[string]bool
}

// newRecovery begins the alarm. Machines that are not told any more need no
// step to keep.
func newRecovery(r *store.Recovery, machines []config.Machine, h *health.Tracker) *recovery {
	if r == nil {
		return nil
	}
	found := map[string]store.RecoveredMachine{}
	for _, m := range r.Machines {
		found[m.Code] = m
	}
	out := &recovery{behind: map[string]bool{}}
	var names []string
	for i := range machines {
		m := &machines[i]
		old, known := found[m.Spec.Code]
		if !known { // it may have had another code
			old, known = found[m.Was]
		}
		if known && m.Report && old.Behind() {
			out.behind[m.Spec.Code] = m.Spec.Count != nil
			names = append(names, m.Spec.Code)
		}
	}
	detail := "The store was damaged; it was set aside and rebuilt."
	if len(names) > 0 {
		detail += " These machines are as old as the backup, compare their totals with Prodsmart: " + strings.Join(names, ", ") + "."
	}
	h.Set(health.StoreDamaged, "", detail)
	return out
}

// over says whether all machines are in step: whether something was accepted of
// each since the start, and its count is not below what Prodsmart was told.
func (r *recovery) over(s uplink.Status, started time.Time) bool {
	for i := range s.Machines {
		m := &s.Machines[i]
		told := &m.Record.Told
		counter, behind := r.behind[m.Machine]
		if !behind || !told.At.After(started) {
			continue
		}
		if !counter || told.Counted && m.Report.Known && m.Report.Count >= told.Count {
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
