package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// firstSight is how far the first comparison looks back, overlap how far a
	// later one looks behind the one before, sight how far any looks back: a
	// difference is looked for again until it is older.
	firstSight = 8 * time.Hour
	overlap    = time.Hour
	sight      = 24 * time.Hour
	// mostPages bounds the requests for one list of one comparison.
	mostPages = 20
	// reconcileMargin is the difference of times that needs no explanation.
	reconcileMargin = time.Minute
	// firstComparison is the pause before the first one, busyPause the one while
	// Prodsmart can not be reached or asks for a pause, longestComparison the
	// longest after refusals.
	firstComparison   = time.Minute
	busyPause         = time.Minute
	longestComparison = 24 * time.Hour
)

// OpenProduction is one that counters are booked on now.
type OpenProduction struct {
	Machine, Order, Operation string
	ID                        int64
	Since                     time.Time
}

// ReconcileStatus is what is known of the comparison of what Prodsmart was told
// with what it shows.
type ReconcileStatus struct {
	// On is false in a dry run, and with prodsmart.reconcile.every: 0s.
	On bool
	// Began and Last are when the newest comparison that got through began and
	// ended, Period is how far it looked back, Next when the next one begins.
	Began, Last, Next time.Time
	Period            time.Duration
	// Machines were compared with Requests requests. Part says that a list was
	// longer than what is read of it, or that records name no machine, so that
	// what was not seen is not missed.
	Machines, Requests int
	Part               bool
	// Clock is how far Prodsmart's times are ahead of this computer's, if enough
	// was seen to measure it.
	Clock         time.Duration
	ClockMeasured bool
	// Problem is why the newest attempt failed; empty if it did not.
	Problem string
	// Differences are those that stand, the oldest first.
	Differences []reconcile.Difference
	// Open are the productions that were open when it was read.
	Open []OpenProduction
}

// lists are read page by page; prodsmart.Client.
type lists interface {
	Downtimes(ctx context.Context, q prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error)
	Productions(ctx context.Context, q prodsmart.ProductionQuery) ([]prodsmart.Production, error)
}

// comparer compares what Prodsmart was told with what it shows, in slots that
// nobody else needs. It repairs nothing.
type comparer struct {
	lists    lists
	uplink   *uplink.Uplink
	store    *store.Store
	keeper   *keeper
	notify   *notifier
	log      *slog.Logger
	machines []string
	zone     *time.Location

	every, first, margin time.Duration

	// blind is the time before which posts may be missing from the store, gone
	// the number of those that are known to be.
	blind time.Time
	gone  uint64
	// terms and last are those of the newest comparison that got through.
	terms reconcile.Terms
	last  time.Time
	// unread is what could not be read in the newest reading.
	unread string
	// known are the differences that stand, by key.
	known map[string]reconcile.Difference

	mu     sync.Mutex
	status ReconcileStatus
}

// newComparer makes a comparer, or none if nothing is to be compared.
func newComparer(g *Gateway) *comparer {
	p := &g.config.Prodsmart
	if !p.Live || p.ReconcileEvery <= 0 || g.client == nil {
		return nil
	}
	c := &comparer{
		lists: g.client, uplink: g.uplink, store: g.store, keeper: g.keeper, notify: g.notify, log: g.log, zone: g.config.Location,
		every: p.ReconcileEvery, first: min(firstComparison, p.ReconcileEvery), margin: reconcileMargin, known: map[string]reconcile.Difference{},
		status: ReconcileStatus{On: true},
	}
	if g.store.Recovered() != nil {
		c.blind = g.started // a backup holds no posts
	}
	for i := range g.config.Machines {
		if m := &g.config.Machines[i]; m.Report {
			c.machines = append(c.machines, m.Spec.Code)
		}
	}
	return c
}

// snapshot gives the present status. It may be called on none.
func (c *comparer) snapshot() ReconcileStatus {
	if c == nil {
		return ReconcileStatus{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// run compares until ctx ends. It may be called on none.
func (c *comparer) run(ctx context.Context) {
	if c == nil {
		return
	}
	pause, refusals := c.first, 0
	for {
		c.update(func(s *ReconcileStatus) { s.Next = time.Now().Add(pause) })
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if why := c.busy(); why != "" {
			pause = min(busyPause, c.every)
			c.update(func(s *ReconcileStatus) { s.Problem = why })
			continue
		}
		err := c.round(ctx)
		if ctx.Err() != nil {
			return
		}
		pause = c.every
		if err == nil {
			refusals = 0
			continue
		}
		if refusals++; refusals == 1 {
			c.log.Info("the comparison with Prodsmart failed", "error", err, "next", pause)
		}
		pause = min(c.every<<min(refusals-1, 10), max(longestComparison, c.every))
		c.update(func(s *ReconcileStatus) { s.Problem = err.Error() })
	}
}

func (c *comparer) update(f func(*ReconcileStatus)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.status)
}

// busy says why nothing should be asked now.
func (c *comparer) busy() string {
	switch s := c.uplink.Status(); {
	case s.Trouble != "":
		return "It waits until Prodsmart takes requests again."
	case s.PausedUntil.After(s.At):
		return "It waits until the pause that Prodsmart asked for is over."
	}
	return ""
}

// reading is what one comparison has read.
type reading struct {
	from, to        time.Time
	requests        int
	downtimes       []prodsmart.Downtime
	productions     []prodsmart.Production
	partDowntimes   bool
	partProductions bool
	told            map[string]uplink.Told
}

// round compares all machines once.
func (c *comparer) round(ctx context.Context) error {
	r := reading{to: time.Now(), told: map[string]uplink.Told{}}
	status := c.uplink.Status()
	for i := range status.Machines {
		r.told[status.Machines[i].Machine] = status.Machines[i].Record.Told
	}
	r.from = c.from(r.to)
	if err := c.read(ctx, &r); err != nil {
		return err
	}
	if err := c.kept(ctx); err != nil {
		return err
	}
	inputs, err := c.inputs(ctx, &r)
	if err != nil {
		return err
	}
	terms := c.agree(&r, inputs)
	var found []reconcile.Difference
	for _, in := range inputs {
		found = append(found, reconcile.Compare(terms, in)...)
	}
	c.terms, c.last = terms, r.to
	c.tell(&r, found)
	c.update(func(s *ReconcileStatus) {
		s.Began, s.Last, s.Period, s.Machines, s.Requests, s.Problem = r.to, time.Now(), r.to.Sub(r.from), len(inputs), r.requests, ""
		s.Part = r.partDowntimes || r.partProductions
		s.Clock, s.ClockMeasured = terms.Offset, terms.Measured
		s.Differences, s.Open = c.standing(), c.open(&r)
	})
	return nil
}

// agree finds the terms. If Prodsmart's clock turns out to be further behind than
// was known when the lists were asked for, they begin later than was meant.
func (c *comparer) agree(r *reading, inputs []reconcile.Input) reconcile.Terms {
	terms := reconcile.Agree(c.terms, inputs)
	r.from = later(r.from, r.from.Add(c.terms.Offset-terms.Offset))
	for i := range inputs {
		inputs[i].From = later(inputs[i].From, r.from)
	}
	return terms
}

// from is how far a comparison looks back: behind the one before, and to the
// oldest difference that stands, so that its end is noticed.
func (c *comparer) from(now time.Time) time.Time {
	from := now.Add(-firstSight)
	if !c.last.IsZero() {
		from = c.last.Add(-overlap)
	}
	for _, d := range c.known {
		if at := d.At.Add(-2 * c.margin); at.Before(from) {
			from = at
		}
	}
	if oldest := now.Add(-sight); from.Before(oldest) {
		from = oldest
	}
	return from
}

// errNotKept says that the store can not show what was told.
var errNotKept = errors.New("the journal of posts can not be written, so there is nothing to compare with")

// kept waits until everything that was told is in the store, and finds out how
// far back nothing is missing there.
func (c *comparer) kept(ctx context.Context) error {
	done := make(chan struct{})
	c.keeper.committed(func() { close(done) })
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errNotKept
	}
	if gone := c.store.Health().LostPosts + uint64(c.keeper.givenUp()); gone != c.gone {
		c.gone, c.blind = gone, time.Now()
	}
	return nil
}

// tell makes journal entries and conditions of what was found, and of what is
// there no more.
func (c *comparer) tell(r *reading, found []reconcile.Difference) {
	now := map[string]reconcile.Difference{}
	var entries []mapping.Event
	entry := func(d reconcile.Difference, text string) {
		level := mapping.Notice
		if d.Usual {
			level = mapping.Info
		}
		entries = append(entries, mapping.Event{Time: time.Now(), Machine: d.Machine, Rule: "prodsmart_differs", Subject: string(d.Kind), Level: level, Text: text})
	}
	for _, d := range found {
		now[d.Key()] = d
		if _, known := c.known[d.Key()]; !known {
			entry(d, fmt.Sprintf("%s (%s, %s)", d.Text, d.Cause, d.Confidence))
		}
	}
	for _, d := range sorted(c.known) {
		if _, still := now[d.Key()]; still {
			continue
		}
		switch {
		case d.At.Before(r.from.Add(c.margin)):
			entry(d, "It is no longer looked at, because it is a day old: "+d.Text)
		case r.partDowntimes || r.partProductions:
			now[d.Key()] = d // perhaps it stands where the list was not read
		default:
			entry(d, "Both agree again: "+d.Text)
		}
	}
	c.known = now
	if len(entries) > 0 {
		c.notify.journal(entries)
	}
	c.hold()
}

// hold keeps the conditions: one per machine that has a difference to mend.
func (c *comparer) hold() {
	first, number := map[string]string{}, map[string]int{}
	for _, d := range sorted(c.known) {
		if d.Usual {
			continue
		}
		if number[d.Machine]++; number[d.Machine] == 1 {
			first[d.Machine] = d.Text
		}
	}
	for _, code := range c.machines {
		switch n := number[code]; {
		case n == 0:
			c.notify.health.Clear(health.ProdsmartDiffers, code)
		case n == 1:
			c.notify.health.Set(health.ProdsmartDiffers, code, first[code])
		default:
			c.notify.health.Set(health.ProdsmartDiffers, code, fmt.Sprintf("%d differences. The oldest: %s", n, first[code]))
		}
	}
}

func (c *comparer) standing() []reconcile.Difference { return sorted(c.known) }
