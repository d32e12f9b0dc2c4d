// Package mirror keeps production orders, production records and downtimes as
// Prodsmart has them now. Webhooks and change channels make it quick, but both may
// lose what they tell; complete lists, read again and again, make it right. Each
// answer says how old the mirror may be.
package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Kind is a kind of records.
type Kind uint8

// The kinds.
const (
	Orders Kind = iota
	Productions
	Downtimes
	kinds
)

// String is the name used in metrics and on pages.
func (k Kind) String() string {
	return [...]string{"production_orders", "productions", "downtimes"}[k]
}

// Source is where the truth is read; a *prodsmart.Client behind a few lines. Each
// call is one request.
type Source interface {
	ListOrders(ctx context.Context, runningStatus string, page int) ([]prodsmart.ProductionOrder, error)
	GetOrder(ctx context.Context, id int64) (prodsmart.ProductionOrder, error)
	ListProductions(ctx context.Context, q prodsmart.ProductionQuery) ([]prodsmart.Production, error)
	ListDowntimes(ctx context.Context, q prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error)
	// TakeChanges takes what a channel has; workers asks for those of orders.
	TakeChanges(ctx context.Context, channel string, workers bool) ([]json.RawMessage, error)
}

// Reader reads the entities of change channels; a *prodsmart.Client.
type Reader interface {
	ReadProductionOrder(raw json.RawMessage) prodsmart.ProductionOrder
	ReadProduction(raw json.RawMessage) prodsmart.Production
	ReadDowntime(raw json.RawMessage) prodsmart.Downtime
}

// Item is what came by itself and was not worked on yet.
type Item struct {
	// ID is the inbox's own.
	ID int64
	// At is when it came; for a batch of a channel, when its request left.
	At time.Time
	// Channel is the kind of a batch of a change channel; a message of a webhook has
	// Webhook instead.
	Channel Kind
	Webhook bool
	// Body is the batch, an array, or the message as JSON of webhook.Delivery.
	Body []byte
}

// Inbox keeps what came by itself until it was worked on, also if the program ends.
type Inbox interface {
	Put(ctx context.Context, i Item) error
	// Items gives the oldest, at most so many.
	Items(ctx context.Context, most int) ([]Item, error)
	Done(ctx context.Context, ids ...int64) error
}

// Gate makes a request when there is room in the budget for it. urgent requests go
// before others. It is Errand of the uplink behind a line.
type Gate func(ctx context.Context, urgent bool, do func(context.Context) prodsmart.Answer) error

// Settings are the mirror's. The zero value of each field is its default.
type Settings struct {
	// Channels are the change channels to read, by kind.
	Channels map[Kind]string
	// Poll is the time between two requests for a channel; 0 means 30 s. Channels keep
	// changes for a day.
	Poll time.Duration
	// Every is the time between two readings of all lists; 0 means 10 min.
	Every time.Duration
	// Back is how far back closed production records and downtimes are of interest, and
	// Keep how long what is closed is kept; 0 means 8 h and 24 h.
	Back, Keep time.Duration
	// Most bounds the records of a kind; 0 means 20,000.
	Most int
	// Rest is the least time between two readings of one order because of messages;
	// 0 means 5 s. A burst about one order then costs one request.
	Rest time.Duration
}

func (s Settings) withDefaults() Settings {
	for _, d := range []struct {
		p *time.Duration
		d time.Duration
	}{{&s.Poll, 30 * time.Second}, {&s.Every, 10 * time.Minute}, {&s.Back, 8 * time.Hour}, {&s.Keep, 24 * time.Hour}, {&s.Rest, 5 * time.Second}} {
		if *d.p == 0 {
			*d.p = d.d
		}
	}
	if s.Most == 0 {
		s.Most = 20_000
	}
	return s
}

// Mirror is the local copy. Its methods may be called by anybody at any time; Run is
// called once.
type Mirror struct {
	settings Settings
	source   Source
	reader   Reader
	inbox    Inbox
	gate     Gate
	wake     chan struct{}

	mu          sync.Mutex
	orders      table[prodsmart.ProductionOrder]
	productions table[prodsmart.Production]
	downtimes   table[prodsmart.Downtime]
	hints       map[int64]hint
	status      Status
	suspected   bool // something was lost
	// failing is what went wrong, by what it was about.
	failing map[string]string

	// The rest belongs to Run's goroutine.
	due   [kinds]time.Time // the next complete list
	fails [kinds]int       // how often in a row it could not be read
	began [kinds]time.Time // when it was read last
	// before is when the last complete list of orders began.
	before time.Time
	polls  map[Kind]time.Time
	// inboxAfter is when an inbox that failed is tried again.
	inboxAfter time.Time
	rounds     uint64
}

// Status says how the mirror is.
type Status struct {
	Kinds [kinds]KindStatus
	// Hints are the orders that wait to be read.
	Hints int
	// Messages and Batches were worked on; Unread of them could not be read.
	Messages, Batches, Unread uint64
	// Problem is what does not work now; empty if all does.
	Problem string
}

// KindStatus says how the mirror of one kind is.
type KindStatus struct {
	// TrueAt is the moment for which it is known to be right; zero if it was not read
	// yet. Age is how long that is ago.
	TrueAt time.Time
	// Records are those that are there.
	Records int
	// Bounded says that there are more than are kept.
	Bounded bool
}

// FromClient reads from Prodsmart.
func FromClient(c *prodsmart.Client) Source { return client{c} }

type client struct{ *prodsmart.Client }

// ListOrders reads one page of the orders with a running status, with their workers.
func (c client) ListOrders(ctx context.Context, runningStatus string, page int) ([]prodsmart.ProductionOrder, error) {
	return c.ProductionOrders().List(ctx, prodsmart.ProductionOrderQuery{RunningStatus: runningStatus, Workers: true}, page)
}

// GetOrder reads one order.
func (c client) GetOrder(ctx context.Context, id int64) (prodsmart.ProductionOrder, error) {
	return c.ProductionOrders().Get(ctx, id)
}

// ListProductions reads one page of the production records.
func (c client) ListProductions(ctx context.Context, q prodsmart.ProductionQuery) ([]prodsmart.Production, error) {
	return c.Productions(ctx, q)
}

// ListDowntimes reads one page of the downtimes.
func (c client) ListDowntimes(ctx context.Context, q prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
	return c.Downtimes(ctx, q)
}

// TakeChanges takes what a channel has.
func (c client) TakeChanges(ctx context.Context, channel string, workers bool) ([]json.RawMessage, error) {
	return c.Changes(ctx, channel, workers)
}

// New makes a Mirror; nothing happens before Run.
func New(s Settings, source Source, reader Reader, inbox Inbox, gate Gate) *Mirror {
	return &Mirror{
		settings: s.withDefaults(), source: source, reader: reader, inbox: inbox, gate: gate, wake: make(chan struct{}, 1),
		orders: newTable[prodsmart.ProductionOrder](), productions: newTable[prodsmart.Production](), downtimes: newTable[prodsmart.Downtime](),
		hints: map[int64]hint{}, failing: map[string]string{}, polls: map[Kind]time.Time{},
	}
}

// Wake says that the inbox has something. It never waits.
func (m *Mirror) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Suspect says that something was lost, such as a message that could not be kept:
// the lists are read soon.
func (m *Mirror) Suspect() {
	m.mu.Lock()
	m.suspected = true
	m.mu.Unlock()
	m.Wake()
}

// Order gives one production order; false if it is not known or deleted.
func (m *Mirror) Order(id int64) (prodsmart.ProductionOrder, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.orders.entries[id]; e != nil && !e.gone {
		return e.value, true
	}
	return prodsmart.ProductionOrder{}, false
}

// Orders gives all production orders that are known, by their number: those that
// are not closed, and those that were not a while ago. A closed one is as it was when
// it was closed: what becomes of it then is in no list, and seldom told.
func (m *Mirror) Orders() []prodsmart.ProductionOrder {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.orders.values()
}

// OrdersVersion grows whenever OrdersAsOf would give something else.
func (m *Mirror) OrdersVersion() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.orders.version
}

// OrdersAsOf gives the same orders with the moment from which each was known to be
// like that, and the moment for which all of them are right.
func (m *Mirror) OrdersAsOf() (orders []prodsmart.ProductionOrder, asOf []time.Time, trueAt time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.orders.ids() {
		orders = append(orders, m.orders.entries[id].value)
		asOf = append(asOf, m.orders.entries[id].asOf)
	}
	return orders, asOf, m.orders.trueAt
}

// Productions gives the production records, open ones and those closed lately.
func (m *Mirror) Productions() []prodsmart.Production {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.productions.values()
}

// Downtimes gives the downtimes, open ones and those ended lately.
func (m *Mirror) Downtimes() []prodsmart.Downtime {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.downtimes.values()
}

// Status is a snapshot.
func (m *Mirror) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Hints = len(m.hints)
	var problems []string
	for _, about := range slices.Sorted(maps.Keys(m.failing)) {
		problems = append(problems, about+": "+m.failing[about])
	}
	if text := m.unread(); text != "" {
		problems = append(problems, text)
	}
	s.Problem = strings.Join(problems, "; ")
	s.Kinds[Orders].TrueAt, s.Kinds[Orders].Records = m.orders.trueAt, len(m.orders.values())
	s.Kinds[Productions].TrueAt, s.Kinds[Productions].Records = m.productions.trueAt, len(m.productions.values())
	s.Kinds[Downtimes].TrueAt, s.Kinds[Downtimes].Records = m.downtimes.trueAt, len(m.downtimes.values())
	return s
}

// unread names one of the orders that could not be read, and says how many there are;
// empty if there are none.
func (m *Mirror) unread() string {
	first, n := int64(0), 0
	for id, h := range m.hints {
		if h.problem == "" {
			continue
		}
		if n++; n == 1 || id < first {
			first = id
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("reading an order: %d: %s", first, m.hints[first].problem)
	}
	return fmt.Sprintf("reading an order: %d: %s (and %d more)", first, m.hints[first].problem, n-1)
}

// open says that an order is one of those that the complete lists show.
func open(o prodsmart.ProductionOrder) bool {
	switch strings.ToLower(o.RunningStatus) {
	case "notstarted", "started":
		return true
	}
	return false
}
