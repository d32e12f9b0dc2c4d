package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

const (
	// slotPatience is how long a request about orders waits for its turn; then the
	// source looks at everything else, and comes back.
	slotPatience = 2 * time.Minute
	// unreadPatience is how long a source may fail before somebody is told: a
	// system that restarts is nobody's business.
	unreadPatience = 3 * time.Minute
	// lookUpsPerDay bounds the questions about single orders that no read shows.
	lookUpsPerDay = 50
)

// ErrUnknownSource is returned for a source of orders that is not configured.
var ErrUnknownSource = errors.New("there is no source of orders of this name")

// ErrNoOrders is returned where the configuration names no source of orders.
var ErrNoOrders = errors.New("the configuration names no source of orders; add one under orders.sources")

// OrderStatus is how a source of orders is.
type OrderStatus struct {
	orders.Status
	// System is the key that names its system: smartup, file and so on.
	System string
}

// orderMirror runs the sources of orders.
type orderMirror struct {
	mirror  *orders.Mirror
	sources []config.OrderSource
	// told are the conditions that were set, to be cleared when they are over.
	told map[place]bool
}

// newOrders makes the mirror, or none without a source.
func newOrders(g *Gateway) *orderMirror {
	c := g.config.Orders
	if len(c.Sources) == 0 {
		return nil
	}
	o := &orderMirror{sources: c.Sources, told: map[place]bool{}}
	d := orders.Deps{Keeper: bookkeeper{g.store, g.notify}, ProductsEvery: c.ProductsEvery, PerMinute: c.PerMinute, StocksPerMinute: c.StocksPerMinute, Gate: g.orderGate}
	if g.config.Prodsmart.Live {
		d.Client = g.client
	}
	if g.follow != nil {
		d.View = g.follow.mirror
	}
	var list []orders.Config
	for _, s := range c.Sources {
		list = append(list, sourceConfig(s, d.Client != nil))
	}
	o.mirror = orders.New(d, list)
	return o
}

// orderGate lets a request about orders through in its turn.
func (g *Gateway) orderGate(ctx context.Context, urgent bool, do func(context.Context) prodsmart.Answer) error {
	kind := uplink.ReadErrand
	if urgent {
		kind = uplink.OrderErrand
	}
	waiting, stop := context.WithTimeout(ctx, slotPatience)
	defer stop()
	_, err := g.uplink.Errand(waiting, kind, do)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no request was free for it within " + slotPatience.String() + "; it is tried again")
	}
	return err
}

// sourceConfig is what the mirror is told of a source. Without Prodsmart it decides
// and notes only, whatever its mode.
func sourceConfig(s config.OrderSource, prodsmart bool) orders.Config {
	c := orders.Config{
		Name: s.Name, Settings: s.Rules, Shadow: !s.Live || !prodsmart, Products: s.CreateProducts, Every: s.Every, FullEvery: s.FullEvery,
		Unseen: time.Duration(s.Unseen) * 24 * time.Hour, UnseenPerDay: lookUpsPerDay,
	}
	c.Settings.AnyProduct = !prodsmart
	if s.UsesStock {
		c.StockEvery = s.StockEvery
		c.Settings.Replenishment.Every = s.StockEvery
	}
	c.Open = openSource(s)
	return c
}

// run mirrors until ctx ends. It may be called on none.
func (o *orderMirror) run(ctx context.Context) {
	if o != nil {
		o.mirror.Run(ctx)
	}
}

// snapshot gives the present status. It may be called on none.
func (o *orderMirror) snapshot() []OrderStatus {
	if o == nil {
		return nil
	}
	var out []OrderStatus
	for i, s := range o.mirror.Status() {
		out = append(out, OrderStatus{s, o.sources[i].System})
	}
	return out
}

// watch keeps the conditions of the sources true. It may be called on none; one
// goroutine calls it.
func (o *orderMirror) watch(tracker *health.Tracker, now time.Time) {
	if o == nil {
		return
	}
	hold := map[place]string{}
	for _, s := range o.mirror.Status() {
		if s.Problem != "" && now.Sub(s.Since) > unreadPatience {
			hold[place{health.OrdersFailing, s.Name}] = "Since " + s.Since.Format(time.DateTime) + ": " + s.Problem
		}
		if s.Hold != nil {
			hold[place{health.OrdersHeld, s.Name}] = s.Hold.What
		}
		if s.Alerts > 0 {
			hold[place{health.OrdersAsk, s.Name}] = fmt.Sprintf("%d orders of %s need somebody.", s.Alerts, s.Name)
		}
		for _, left := range s.Left {
			if left.PerDay > 0 && left.Left == 0 {
				hold[place{health.OrdersSpent, s.Name}] = fmt.Sprintf("The %s calls of this day are used up until %s.", left.Class, left.Until.Format(time.DateTime))
			}
		}
	}
	for at, detail := range hold {
		tracker.Set(at.code, at.subject, detail)
		o.told[at] = true
	}
	for at := range o.told {
		if _, holds := hold[at]; !holds {
			tracker.Clear(at.code, at.subject)
			delete(o.told, at)
		}
	}
}

// OrderBook reads the book of a source from a store: what the source wants, what
// became of it, and why.
func OrderBook(ctx context.Context, r *store.Reader, s config.OrderSource) (*rules.Book, error) {
	rows, err := bookRows(ctx, r, s.Name)
	if err != nil {
		return nil, err
	}
	return rules.Open(s.Rules, rows, nil)
}

// OrderBook reads the book of a source. It may be called while Run works.
func (g *Gateway) OrderBook(ctx context.Context, source string) (*rules.Book, error) {
	s, err := FindOrderSource(g.config, source)
	if err != nil {
		return nil, err
	}
	return OrderBook(ctx, g.store.Reader, s)
}

// FindOrderSource is the source of a name; the error says which ones there are.
func FindOrderSource(c *config.Config, name string) (config.OrderSource, error) {
	i := slices.IndexFunc(c.Orders.Sources, func(s config.OrderSource) bool { return s.Name == name })
	if i >= 0 {
		return c.Orders.Sources[i], nil
	}
	if len(c.Orders.Sources) == 0 {
		return config.OrderSource{}, ErrNoOrders
	}
	var names []string
	for _, s := range c.Orders.Sources {
		names = append(names, s.Name)
	}
	return config.OrderSource{}, fmt.Errorf("%q: %w; there are: %s", name, ErrUnknownSource, strings.Join(names, ", "))
}

// SyncOrders reads a source now instead of when it is due. It may be called while
// Run works.
func (g *Gateway) SyncOrders(ctx context.Context, source string) error {
	if _, err := FindOrderSource(g.config, source); err != nil {
		return err
	}
	return g.orders.mirror.Sync(ctx, source)
}

// ResolveOrders takes over an operator's decision about a source as a whole (what is
// empty), an order by its code, or a write-back by its id.
func (g *Gateway) ResolveOrders(ctx context.Context, source, what, option string) error {
	if _, err := FindOrderSource(g.config, source); err != nil {
		return err
	}
	return g.orders.mirror.Resolve(ctx, source, what, option)
}

// bookkeeper keeps the order books in the store.
type bookkeeper struct {
	store  *store.Store
	notify *notifier
}

func bookRows(ctx context.Context, r *store.Reader, source string) ([]rules.Row, error) {
	list, err := r.Book(ctx, source)
	var out []rules.Row
	for _, row := range list {
		out = append(out, rules.Row{Kind: row.Kind, Key: row.Key, Data: row.Body})
	}
	return out, err
}

// Rows is orders.Keeper's.
func (k bookkeeper) Rows(ctx context.Context, source string) ([]rules.Row, error) {
	return bookRows(ctx, k.store.Reader, source)
}

// OrderJournal is the machine under which the journal keeps what a source decided.
func OrderJournal(source string) string { return "orders/" + source }

// Keep is orders.Keeper's.
func (k bookkeeper) Keep(ctx context.Context, source string, rows []rules.Row, events []rules.Event) error {
	var w store.Write
	for _, r := range rows {
		w.Book = append(w.Book, store.BookRow{Source: source, Kind: r.Kind, Key: r.Key, Body: r.Data})
	}
	for _, e := range events {
		entry := mapping.Event{Time: e.At, Machine: OrderJournal(source), Rule: "order", Subject: e.Name(), Level: mapping.Info, Text: e.What}
		if e.Alert {
			entry.Level = mapping.Alarm
		}
		w.Events = append(w.Events, entry)
	}
	if err := k.store.Commit(ctx, w); err != nil {
		return err
	}
	k.notify.ordered(source, w.Events)
	return nil
}

// Meter is orders.Keeper's.
func (k bookkeeper) Meter(ctx context.Context, source string) (string, error) {
	text, _, err := k.store.Meta(ctx, meterKey(source))
	return text, err
}

// KeepMeter is orders.Keeper's.
func (k bookkeeper) KeepMeter(ctx context.Context, source, kept string) error {
	return k.store.SetMeta(ctx, meterKey(source), kept)
}

func meterKey(source string) string { return "orders.calls/" + source }

// ordered tells of decisions about orders that are kept already.
func (n *notifier) ordered(source string, events []mapping.Event) {
	n.counts.Lock()
	for i := range events {
		n.events[eventKey{"", events[i].Level}]++
	}
	n.counts.Unlock()
	for i := range events {
		level := slog.LevelDebug
		if events[i].Level == mapping.Alarm {
			level = slog.LevelWarn
		}
		n.log.Log(context.Background(), level, events[i].Text, "orders", source, "order", events[i].Subject)
	}
}
