package orders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Config is one source.
type Config struct {
	// Name is the one in the configuration.
	Name     string
	Settings rules.Settings
	// Shadow decides and notes, and writes nothing anywhere.
	Shadow bool
	// Open makes the business system's client. It is called by Run, with what Meter
	// kept at last, and again after an hour if it fails. Run closes what it gives.
	Open func(kept string, keep func(string) error) (erp.Source, error)
	// Products makes articles that are made here and that Prodsmart does not have.
	Products bool
	// Every and StockEvery are the times between two reads, and FullEvery between two of
	// everything. 0 of StockEvery is never.
	Every, StockEvery, FullEvery time.Duration
	// Unseen is how long an order may be in no read before it is asked for alone;
	// 0 is never. UnseenPerDay bounds these calls.
	Unseen       time.Duration
	UnseenPerDay int
}

// Keeper keeps the books on disk.
type Keeper interface {
	// Rows are the rows of a source's book.
	Rows(ctx context.Context, source string) ([]rules.Row, error)
	// Keep writes rows, and the decisions that led to them, in one transaction; a
	// row without data is removed.
	Keep(ctx context.Context, source string, rows []rules.Row, events []rules.Event) error
	// Meter is what the source's budget of calls last kept, and KeepMeter keeps it.
	Meter(ctx context.Context, source string) (string, error)
	KeepMeter(ctx context.Context, source, kept string) error
}

// Status is how a source is.
type Status struct {
	Name   string
	Shadow bool
	Target rules.Target
	// LastRead is when orders were last read without an error, NextRead when they
	// are read again.
	LastRead, NextRead time.Time
	// Problem is why a read failed, or what Prodsmart's side waits for; empty if
	// all is well. Since is when it began.
	Problem string
	Since   time.Time
	// Hold is why nothing is changed until an operator decides; nil if nothing is
	// held.
	Hold   *rules.Hold
	Left   []erp.Left
	Counts map[rules.Status]int
	Alerts int
}

// source is one source at work. All but status belongs to Run's goroutine.
type source struct {
	config Config
	plant  *plant
	keeper Keeper
	system erp.Source
	book   *rules.Book
	// pending is what is not on disk yet.
	rows   []rules.Row
	events []rules.Event

	asks chan ask
	wake chan struct{}
	// hinted says that the system said that something changed.
	hinted atomic.Bool

	nextOrders, nextStock, nextFull, nextUnseen, nextPrune time.Time
	// ordersFailed and stockFailed count the reads that failed in a row.
	ordersFailed, stockFailed int
	// resting are the orders that Prodsmart failed on, by key; tries are those whose
	// creation had no clear answer.
	resting, tries map[string]restOf
	// articles are those of the system as they were last asked for, because a product
	// was lacking; they are asked for again from articlesNext on. productRest is until when one that could not be made is
	// left alone, by code.
	articles     map[string]erp.Product
	articlesNext time.Time
	productRest  map[string]time.Time
	// asked counts the single orders that were asked for on a day, in UTC, because no
	// read shows them.
	asked     int
	askedOn   string
	catalogAt time.Time
	// askedAt is when orders were read last, or should have been.
	askedAt time.Time
	// looked is the version of the orders of Prodsmart that was looked at last, and when.
	looked   uint64
	lookedAt time.Time
	failures int
	// unread is why the last read of orders, or of stock, failed.
	unread    map[string]error
	stockMark string

	mu     sync.Mutex
	status Status
}

// ask is something that another goroutine wants of the book.
type ask struct {
	do   func(b *rules.Book) error
	done chan error
}

func newSource(c Config, p *plant, k Keeper) *source {
	return &source{config: c, plant: p, keeper: k, unread: map[string]error{}, tries: map[string]restOf{}, productRest: map[string]time.Time{}, asks: make(chan ask), wake: make(chan struct{}, 1), status: Status{Name: c.Name, Shadow: c.Shadow, Target: c.Settings.Target}}
}

// run works until ctx ends.
func (s *source) run(ctx context.Context) {
	defer func() {
		if s.system != nil {
			_ = s.system.Close() // it is over; what it kept is on disk
		}
	}()
	for ctx.Err() == nil {
		pause, err := s.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		s.publish(err)
		if err != nil {
			s.failures++
			pause = max(pause, min(10*time.Second<<min(s.failures, 5), 5*time.Minute))
		} else {
			s.failures = 0
		}
		s.rest(ctx, pause)
	}
}

// rest waits, and answers what others ask meanwhile.
func (s *source) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-s.wake:
			return
		case a := <-s.asks:
			a.done <- s.answer(ctx, a)
			return
		}
	}
}

// answer does what was asked, and keeps what it changed.
func (s *source) answer(ctx context.Context, a ask) error {
	if s.book == nil {
		return fmt.Errorf("the order book of %s is not open yet", s.config.Name)
	}
	if err := a.do(s.book); err != nil {
		return err
	}
	return s.save(ctx)
}

// open opens the book and the system.
func (s *source) open(ctx context.Context) error {
	if s.book == nil {
		rows, err := s.keeper.Rows(ctx, s.config.Name)
		if err != nil {
			return fmt.Errorf("the order book can not be read: %w", err)
		}
		book, err := rules.Open(s.config.Settings, rows, s.plant.taken(s.config.Name))
		if err != nil {
			return err
		}
		s.book = book
		s.plant.own(s.config.Name, book.Codes())
	}
	if s.system != nil {
		return nil
	}
	kept, err := s.keeper.Meter(ctx, s.config.Name)
	if err != nil {
		return fmt.Errorf("the count of calls can not be read: %w", err)
	}
	s.system, err = s.config.Open(kept, func(text string) error { return s.keeper.KeepMeter(ctx, s.config.Name, text) })
	if err == nil {
		s.book.Confirm(s.system.Capabilities().ByID)
	}
	return err
}

// save writes what changed to disk. Nothing is sent before it has.
func (s *source) save(ctx context.Context) error {
	s.rows = append(s.rows, s.book.Changes()...)
	s.events = append(s.events, s.book.Events()...)
	if len(s.rows) == 0 && len(s.events) == 0 {
		return nil
	}
	if err := s.keeper.Keep(ctx, s.config.Name, s.rows, s.events); err != nil {
		return fmt.Errorf("the order book can not be kept on disk, nothing is sent: %w", err)
	}
	s.rows, s.events = nil, nil
	return nil
}

// turn does what is due, and says how long nothing is.
func (s *source) turn(ctx context.Context) (time.Duration, error) {
	if err := s.open(ctx); err != nil {
		return 0, err
	}
	var failed []error
	note := func(err error) {
		if err != nil {
			failed = append(failed, err)
		}
	}
	live := !s.config.Shadow && s.plant.client != nil
	note(s.prodsmart(ctx, live))
	// What the system shows is understood with the orders that Prodsmart has already:
	// after a loss of the store a read that came first would make them again.
	if ctx.Err() == nil && !(live && s.book.NeedsRebuild()) {
		s.read(ctx)
	}
	if err := s.save(ctx); err != nil {
		return 0, errors.Join(append(failed, err)...)
	}
	if live && !s.book.NeedsRebuild() {
		note(s.makeProducts(ctx))
		note(s.work(ctx))
		note(s.writeBack(ctx))
	} else if !live {
		for _, t := range s.book.Next(time.Now()) {
			s.book.Shadow(t, time.Now())
		}
	}
	if now := time.Now(); !s.nextPrune.After(now) {
		s.nextPrune = now.Add(time.Hour)
		s.book.Prune(now)
	}
	note(s.save(ctx))
	return s.idle(), errors.Join(failed...)
}

// tick is the longest time between two looks at Prodsmart's side.
const tick = 30 * time.Second

// idle is how long nothing is due.
func (s *source) idle() time.Duration {
	next := time.Now().Add(tick)
	for _, at := range []time.Time{s.nextOrders, s.nextStock} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return max(time.Until(next), 100*time.Millisecond)
}

// prodsmart takes over what Prodsmart's side has: products, and orders as they
// are now. After a loss of the store it searches for the orders' markers.
func (s *source) prodsmart(ctx context.Context, live bool) error {
	if s.plant.client == nil {
		return nil
	}
	now := time.Now()
	catalog, readAt, err := s.plant.products(ctx)
	if err != nil {
		err = fmt.Errorf("the products of Prodsmart could not be read: %w", err)
	}
	if catalog != nil && !s.catalogAt.Equal(readAt) {
		s.catalogAt = readAt
		s.book.SetCatalog(catalog, now)
	}
	if !live {
		return err
	}
	if s.book.NeedsRebuild() {
		return errors.Join(err, s.rebuild(ctx))
	}
	return errors.Join(err, s.look(ctx))
}

// lately is how far back closed orders are searched for markers.
const lately = 90 * 24 * time.Hour

// rebuild searches the orders of Prodsmart for our markers.
func (s *source) rebuild(ctx context.Context) error {
	list, err := s.plant.marked(ctx, "notstarted", "started")
	if err == nil {
		var closed []prodsmart.ProductionOrder
		closed, err = s.plant.orders(ctx, prodsmart.ProductionOrderQuery{RunningStatus: "closed", DueAfter: time.Now().Add(-lately)})
		list = append(list, closed...)
	}
	if err != nil {
		return fmt.Errorf("the orders of Prodsmart could not be searched for markers, nothing is made before that: %w", err)
	}
	if t := s.config.Settings.Target; t == rules.ClientOrders || t == rules.Both {
		_, sales, err := s.plant.sales(ctx)
		if err != nil {
			return fmt.Errorf("the client orders of Prodsmart could not be searched for markers, nothing is made before that: %w", err)
		}
		s.book.RebuildClients(sales, time.Now())
	}
	s.book.Rebuild(list, time.Now())
	return s.save(ctx)
}

// lookAgain is how often what only time brings is looked for.
const lookAgain = 5 * time.Minute

// look takes over how the orders are in Prodsmart now, and reads those one by one
// that should be in the lists and are not.
func (s *source) look(ctx context.Context) error {
	if s.plant.view == nil {
		return nil
	}
	defer func() {
		if stops, ok := s.plant.view.(Stops); ok && s.config.Settings.Writes[erp.Task].Down > 0 {
			s.book.Stops(stops.Downtimes(), time.Now())
		}
	}()
	version := s.plant.view.OrdersVersion()
	if s.looked == version && time.Since(s.lookedAt) < lookAgain {
		return nil
	}
	orders, asOf, trueAt := s.plant.view.OrdersAsOf()
	s.book.See(orders, asOf, time.Now())
	if trueAt.IsZero() {
		return nil
	}
	missing := s.book.Unseen(orders, trueAt)
	maps.Copy(missing, s.book.Corrected(time.Now()))
	for id, key := range missing {
		asked := time.Now()
		o, err := s.order(ctx, id)
		switch {
		case err == nil:
			s.book.See([]prodsmart.ProductionOrder{o}, []time.Time{asked}, time.Now())
		case prodsmart.Gone(err):
			s.book.Deleted(key, time.Now())
		default:
			return fmt.Errorf("production order %d: %w", id, err)
		}
	}
	s.looked, s.lookedAt = version, time.Now()
	return nil
}

// publish makes a snapshot of how the source is.
func (s *source) publish(err error) {
	err = errors.Join(err, s.unread["orders"], s.unread["stock"])
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.status.Problem, s.status.Since = "", time.Time{}
	default:
		if s.status.Problem == "" {
			s.status.Since = time.Now()
		}
		s.status.Problem = err.Error()
	}
	s.status.NextRead = s.nextOrders
	if m, ok := s.system.(erp.Metered); ok {
		s.status.Left = m.Left()
	}
	if s.book == nil {
		return
	}
	s.status.Hold = s.book.Held()
	s.status.Counts, s.status.Alerts = s.book.Count()
}

// snapshot gives the last one.
func (s *source) snapshot() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Counts = maps.Clone(out.Counts)
	return out
}
