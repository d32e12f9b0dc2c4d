package orders

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Gate makes a request when there is room in the budget for it. urgent requests
// go before others.
type Gate func(ctx context.Context, urgent bool, do func(context.Context) prodsmart.Answer) error

// View is the copy of Prodsmart's production orders that somebody keeps.
type View interface {
	// OrdersAsOf gives the orders, the moment from which each was like that, and
	// the moment for which all of them are right; zero if that was never so.
	OrdersAsOf() (orders []prodsmart.ProductionOrder, asOf []time.Time, trueAt time.Time)
	// OrdersVersion grows whenever that would be something else.
	OrdersVersion() uint64
	// Order gives one of them.
	Order(id int64) (prodsmart.ProductionOrder, bool)
}

// Stops is a View that knows the downtimes too.
type Stops interface{ Downtimes() []prodsmart.Downtime }

// mostRecords bounds a list that is read to its end.
const mostRecords = 20_000

// plant is Prodsmart, behind the gate.
type plant struct {
	client *prodsmart.Client
	gate   Gate
	view   View
	// all bounds the requests, stocks those that set a stock.
	all, stocks *pace
	// every is the time between two readings of the products.
	every time.Duration

	// asked says that a person wants them to be read again.
	asked atomic.Bool

	// reading keeps two sources from reading the same products.
	reading chan struct{}
	catalog rules.Catalog
	readAt  time.Time

	mu sync.Mutex
	// owners are the sources by the codes of their orders.
	owners map[string]string
}

// taken gives the question whether a code belongs to another source. A code that
// is asked for and free belongs to the source from then on.
func (p *plant) taken(source string) func(code string) bool {
	return func(code string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if owner, ok := p.owners[code]; ok {
			return owner != source
		}
		p.owners[code] = source
		return false
	}
}

// own notes the codes of a source whose book was opened.
func (p *plant) own(source string, codes []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, code := range codes {
		p.owners[code] = source
	}
}

// stock sets what there is of a product.
func (p *plant) stock(ctx context.Context, push rules.Push) error {
	amount, err := prodsmart.ParseDecimal(push.Amount.String())
	if err != nil {
		return err
	}
	if err := p.stocks.wait(ctx); err != nil {
		return &notSent{err}
	}
	return p.once(ctx, false, func(ctx context.Context) error { return p.client.SetStock(ctx, push.Product, amount, time.Time{}) })
}

// once makes one request.
func (p *plant) once(ctx context.Context, urgent bool, do func(context.Context) error) error {
	if err := p.all.wait(ctx); err != nil {
		return &notSent{err}
	}
	var failed error
	err := p.gate(ctx, urgent, func(ctx context.Context) prodsmart.Answer {
		failed = do(ctx)
		return prodsmart.AnswerOf(failed)
	})
	if err != nil && failed == nil {
		return &notSent{err}
	}
	return failed
}

// notSent says that the gate did not let a request through.
type notSent struct{ err error }

func (e *notSent) Error() string { return e.err.Error() }
func (e *notSent) Unwrap() error { return e.err }

// verdict is what an error of once says.
func verdict(err error) prodsmart.Verdict {
	var held *notSent
	if errors.As(err, &held) {
		return prodsmart.Unsent
	}
	return prodsmart.AnswerOf(err).Verdict
}

// query is one of the client's.
type query[T any] interface{ Fits(T) bool }

// all reads a list page by page, a slot each.
func all[T prodsmart.Record, Q query[T]](ctx context.Context, p *plant, q Q, urgent bool, list func(ctx context.Context, q Q, page int) ([]T, error)) ([]T, error) {
	var out []T
	pages := prodsmart.Pages(mostRecords/25, q.Fits, func(page int) (records []T, err error) {
		err = p.once(ctx, urgent, func(ctx context.Context) error {
			records, err = list(ctx, q, page)
			return err
		})
		return records, err
	})
	for t, err := range iter.Seq2[T, error](pages) {
		if err != nil {
			return out, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (p *plant) orders(ctx context.Context, q prodsmart.ProductionOrderQuery) ([]prodsmart.ProductionOrder, error) {
	return all(ctx, p, q, true, p.client.ProductionOrders().List)
}

// around lists the orders that a create without an answer may have made: first
// those that start around then, and, because filters may not do what they are
// said to, all that are not closed.
func (p *plant) around(ctx context.Context, t rules.Task, found func([]prodsmart.ProductionOrder) bool) ([]prodsmart.ProductionOrder, error) {
	day := 24 * time.Hour
	list, err := p.orders(ctx, prodsmart.ProductionOrderQuery{StartAfter: t.Start.Add(-day), StartBefore: t.Start.Add(day), Product: t.Product})
	if err != nil || found(list) {
		return list, err
	}
	return p.marked(ctx, "notstarted", "started")
}

// marked lists the orders with the running statuses.
func (p *plant) marked(ctx context.Context, statuses ...string) ([]prodsmart.ProductionOrder, error) {
	var out []prodsmart.ProductionOrder
	for _, status := range statuses {
		list, err := p.orders(ctx, prodsmart.ProductionOrderQuery{RunningStatus: status})
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// productsPause is the least time between two readings of the products, however often
// somebody asks.
const productsPause = time.Minute

// products are the products of Prodsmart, at most every old, and when they were
// read; nil if they could not be read yet.
func (p *plant) products(ctx context.Context) (rules.Catalog, time.Time, error) {
	select {
	case p.reading <- struct{}{}:
		defer func() { <-p.reading }()
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
	age := time.Since(p.readAt)
	if p.catalog != nil && age < p.every && (age < productsPause || !p.asked.Load()) {
		return p.catalog, p.readAt, nil
	}
	p.asked.Store(false)
	// Nothing can be made before they are known; later it can wait.
	list, err := all(ctx, p, prodsmart.ProductQuery{}, p.catalog == nil, p.client.Products().List)
	if err != nil {
		return p.catalog, p.readAt, err
	}
	c := rules.Catalog{}
	for _, product := range list {
		enabled := false
		for _, o := range product.Operations {
			enabled = enabled || o.Disabled != prodsmart.Yes
		}
		c[product.Code] = c[product.Code] || enabled
	}
	p.catalog, p.readAt = c, time.Now()
	return c, p.readAt, nil
}

// customer makes sure that Prodsmart has the client of a client order.
func (p *plant) customer(ctx context.Context, c erp.Customer) error {
	if c.Code == "" {
		return nil
	}
	list, err := all(ctx, p, prodsmart.PartnerQuery{Code: c.Code}, true, p.client.Clients().List)
	if err != nil || len(list) > 0 {
		return err
	}
	name := c.Name
	if name == "" {
		name = c.Code
	}
	return p.once(ctx, true, func(ctx context.Context) error {
		_, err := p.client.Clients().Create(ctx, prodsmart.Partner{Code: c.Code, Name: name})
		return err
	})
}

// sales lists the client orders in the shape of production orders, for the search
// by code and marker.
func (p *plant) sales(ctx context.Context) ([]prodsmart.ProductionOrder, []prodsmart.TradeOrder, error) {
	list, err := all(ctx, p, prodsmart.SalesOrderQuery{}, true, p.client.SalesOrders().List)
	var out []prodsmart.ProductionOrder
	for _, o := range list {
		out = append(out, prodsmart.ProductionOrder{ID: o.ID, Code: o.Code, Description: o.Observations})
	}
	return out, list, err
}
