package orders_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// office is a business system in memory: what it shows, and how it fails, is set by
// the test.
type office struct {
	mu     sync.Mutex
	orders map[string]erp.Order
	stock  []erp.Stock
	caps   erp.Capabilities
	// partly gives only changes: never a complete list.
	partly bool
	// empty, half and fail spoil reads.
	empty, half bool
	fail        error
	gap         *erp.Gap
	problems    []erp.Problem
	asked       []string
	reads       []time.Time
	// written are the write-backs that arrived; loseWrites answers unclear after
	// them.
	written    []erp.Write
	loseWrites int
	refuse     bool
	// drafts are documents that somebody has to post.
	drafts bool
	// slow is how long a read of stock takes.
	slow time.Duration
}

func newOffice() *office {
	return &office{orders: map[string]erp.Order{}, caps: erp.Capabilities{Orders: true, Stock: true}}
}

func (o *office) Capabilities() erp.Capabilities { return o.caps }
func (o *office) Close() error                   { return nil }

func (o *office) ReadOrders(context.Context, erp.Ask) (erp.OrderRead, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reads = append(o.reads, time.Now())
	if o.fail != nil {
		return erp.OrderRead{}, o.fail
	}
	read := erp.OrderRead{Complete: !o.partly, Mark: "m", Gap: o.gap, Problems: o.problems}
	o.gap = nil
	var ids []string
	for id := range o.orders {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i, id := range ids {
		if o.empty || o.half && i%2 == 0 {
			continue
		}
		read.Orders = append(read.Orders, o.orders[id])
	}
	return read, nil
}

func (o *office) FindOrder(_ context.Context, _, id string) (erp.Order, []erp.Problem, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, id)
	if found, ok := o.orders[id]; ok {
		return found, nil, nil
	}
	return erp.Order{}, nil, &erp.Error{Fault: erp.Gone, What: "no such order"}
}

func (o *office) ReadStock(context.Context, erp.Ask) (erp.StockRead, error) {
	o.mu.Lock()
	slow := o.slow
	o.mu.Unlock()
	time.Sleep(slow)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return erp.StockRead{}, o.fail
	}
	read := erp.StockRead{Stock: slices.Clone(o.stock)}
	for i := range read.Stock {
		read.Stock[i].AsOf = time.Now()
	}
	return read, nil
}

func (o *office) Prepare(_ context.Context, w erp.Write) (erp.Write, error) { return w, nil }

func (o *office) Write(_ context.Context, w erp.Write) (erp.Receipt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse {
		return erp.Receipt{}, &erp.Error{Fault: erp.Refused, What: "closed period"}
	}
	o.written = append(o.written, w)
	if o.loseWrites > 0 {
		o.loseWrites--
		return erp.Receipt{}, &erp.Error{Fault: erp.Unclear, What: "answered 500"}
	}
	return erp.Receipt{Key: "d" + w.ID, Says: w.Text, Draft: o.drafts}, nil
}

func (o *office) Look(_ context.Context, w erp.Write) (erp.Receipt, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, done := range o.written {
		if done.ID == w.ID {
			return erp.Receipt{Key: "d" + w.ID, Draft: o.drafts}, true, nil
		}
	}
	return erp.Receipt{}, false, nil
}

// put sets an order; edit changes one.
func (o *office) put(list ...erp.Order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range list {
		o.orders[one.ID] = one
	}
}

func (o *office) edit(id string, change func(*erp.Order)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	order := o.orders[id]
	order.Lines = slices.Clone(order.Lines)
	change(&order)
	o.orders[id] = order
}

// count is how often orders were read.
func (o *office) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.reads)
}

func (o *office) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}
