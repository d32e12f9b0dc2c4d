package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// watchEvery is how often conditions are compared with the machines and the
// store.
const watchEvery = time.Second

// watched is what watch remembers of a machine.
type watched struct {
	troubled bool
	// bad are the tags of which the last that was heard was not usable.
	bad []mapping.Signal
}

// watch keeps the conditions true that nobody announces.
func (g *Gateway) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	machines := make([]watched, len(g.units))
	upkeep, budget := upkeep{}, newBudgetWatch(g.config.Uplink())
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i, u := range g.units {
			g.watchMachine(u, &machines[i])
		}
		g.watchRecovery(ctx)
		now := time.Now()
		disk := g.store.Health()
		g.hold(disk.Shedding, health.DiskFull, "", fmt.Sprintf(
			"The disk of %s is full; totals are still kept, %d journal entries and %d posts are not.", g.config.Data, disk.LostEvents, disk.LostPosts))
		text := upkeep.text(now, &disk, g.keeper.givenUp())
		g.hold(text != "", health.StoreUpkeep, "", text)
		if budget.due(now) {
			status := g.uplink.Status()
			text := budget.look(&status)
			g.hold(text != "", health.BudgetShort, "", text)
		}
		late := g.follow.late(now)
		g.hold(late != "", health.FollowLate, "", late)
		g.orders.watch(g.health, now)
		g.notify.pass(now)
	}
}

// watchMachine asks a machine about its troubles, if it has or had any.
func (g *Gateway) watchMachine(u *unit, w *watched) {
	before := w.troubled || len(w.bad) > 0
	if w.troubled = u.troubled(); !w.troubled && !before {
		return
	}
	s, _ := u.status(time.Now())
	g.hold(len(s.Saturated) > 0, health.CounterSaturated, u.code, "At its end: "+strings.Join(s.Saturated, ", ")+".")
	g.hold(len(s.Exceeding) > 0, health.WasteExceeds, u.code, "Below what was told: "+strings.Join(s.Exceeding, ", ")+".")
	g.hold(s.Contradiction, health.Contradiction, u.code, "Parts keep coming although the machine says it stands.")
	g.hold(s.Expression != "", health.ExpressionFailing, u.code, s.Expression)
	w.bad = u.stillBad(w.bad, s.Bad)
	bad := make([]string, len(w.bad))
	for i, signal := range w.bad {
		bad[i] = strings.TrimSpace(signal.Connection + " " + signal.Tag.Address + " " + signal.Tag.Path)
	}
	g.hold(len(bad) > 0, health.TagBad, u.code, "No usable value of "+strings.Join(bad, ", ")+".")
}

// stillBad adds to the signals that are bad now those that were, and that had no
// usable value since: with the link down, a tag that could not be read is not
// good either.
func (u *unit) stillBad(before, now []mapping.Signal) []mapping.Signal {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range before {
		if !slices.Contains(now, s) && !u.machine.Usable(s) {
			now = append(now, s)
		}
	}
	return now
}

// hold makes a condition true or false.
func (g *Gateway) hold(holds bool, code health.Code, subject, detail string) {
	if holds {
		g.health.Set(code, subject, detail)
		return
	}
	g.health.Clear(code, subject)
}

// upkeep says what of the store's upkeep fails. Entries that were given up can
// not come back, so they are mentioned for passingFor.
type upkeep struct {
	givenUp int
	until   time.Time
}

// text is empty if nothing fails.
func (w *upkeep) text(now time.Time, s *store.Health, givenUp int) string {
	if givenUp > w.givenUp {
		w.givenUp, w.until = givenUp, now.Add(passingFor)
	}
	var list []string
	if s.BackupProblem != nil {
		age := "there is none yet"
		if !s.BackupAt.IsZero() {
			age = "the newest is of " + s.BackupAt.Format(time.DateTime)
		}
		list = append(list, fmt.Sprintf("The backup can not be made, %s: %v.", age, s.BackupProblem))
	}
	if s.TidyProblem != nil {
		list = append(list, fmt.Sprintf("Old journal entries and posts can not be removed: %v.", s.TidyProblem))
	}
	if now.Before(w.until) {
		list = append(list, fmt.Sprintf("%d journal entries and posts were given up while the store could not be written.", w.givenUp))
	}
	return strings.Join(list, " ")
}

// givenUp is the number of journal entries and posts that waited for the store
// until there were too many.
func (k *keeper) givenUp() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost
}
