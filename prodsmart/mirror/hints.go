package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

const (
	// mostUnread is how many orders that left the lists may fail to be read, for other
	// reasons than a refusal, before the rest waits: then it is the line.
	mostUnread = 3
	// unreadAfter is in how many complete lists in a row an order must be missed that
	// can not be read by itself, to be taken for gone; unreadPause is between them.
	unreadAfter = 3
	unreadPause = time.Minute
)

// hint says that an order is to be read.
type hint struct {
	// at is when it came, not the time before which it is not read.
	at, not time.Time
	// fails is how often reading it failed, and problem what came of it last.
	fails   int
	problem string
}

// urgent is an order that is to be read now.
func (m *Mirror) urgent(now time.Time) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var best int64
	for id, h := range m.hints {
		if h.not.After(now) {
			continue
		}
		if first, ok := m.hints[best]; !ok || h.at.Before(first.at) || h.at.Equal(first.at) && id < best {
			best = id
		}
	}
	_, ok := m.hints[best]
	return best, ok
}

// crowd has the list of orders read before anything else if that costs less than reading
// each order that waits, but not more than once a minute.
func (m *Mirror) crowd(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// Two lists, each with its last page and perhaps an empty one.
	cost := 4 + len(m.orders.entries)/prodsmart.PageSize
	if len(m.hints) > 2*cost && !m.began[Orders].Add(suspectRest).After(now) {
		m.due[Orders] = earlier(m.due[Orders], now.Add(-patience-time.Second))
	}
}

// hintAt notes that an order is to be read, not sooner than its rest allows, nor sooner
// than it would be after it failed. The caller holds the lock.
func (m *Mirror) hintAt(id int64, at time.Time) {
	h := hint{at: at, not: at}
	if e := m.orders.entries[id]; e != nil && !e.asOf.Add(m.settings.Rest).Before(at) {
		h.not = e.asOf.Add(m.settings.Rest)
	}
	if old, there := m.hints[id]; there {
		h.not, h.fails, h.problem = old.not, old.fails, old.problem
		if old.at.After(at) {
			h.at = old.at
		}
	}
	m.hints[id] = h
}

// readOrder reads an order because of a hint. If that fails, the hint waits longer each
// time, so that others are read meanwhile.
func (m *Mirror) readOrder(ctx context.Context, id int64) error {
	asOf := time.Now()
	var order prodsmart.ProductionOrder
	err := m.request(ctx, true, func(ctx context.Context) (err error) {
		asOf = time.Now()
		order, err = m.source.GetOrder(ctx, id)
		return err
	})
	if err == nil && order.ID != id {
		err = fmt.Errorf("the answer shows order %d", order.ID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h, hinted := m.hints[id]
	switch {
	case err == nil && order.Deleted():
		m.orders.remove(id, asOf)
	case err == nil:
		if known := m.orders.entries[id]; known != nil {
			order.KeepUnshown(known.value)
		}
		m.orders.put(id, order, asOf, open(order))
	case prodsmart.Gone(err):
		m.orders.remove(id, asOf)
	default:
		if hinted {
			h.not, h.problem = time.Now().Add(pauseAfter(h.fails)), err.Error()
			h.fails++
			m.hints[id] = h
		}
		return err
	}
	if h.at.After(asOf) { // something happened while it was read
		m.hints[id] = hint{at: h.at, not: asOf.Add(m.settings.Rest)}
		return nil
	}
	delete(m.hints, id)
	return nil
}

func refused(err error) bool {
	var failed *prodsmart.Error
	return errors.As(err, &failed) && failed.Answer.Verdict == prodsmart.Refused
}

// settleOrders reads each order that is not in the lists any more by itself. next is in
// how long the lists are to be read again because they are in doubt; 0 if they are not.
// An order that can not be read, in so many lists in a row, is gone: that it is none of
// those that are open is what the lists said.
func (m *Mirror) settleOrders(ctx context.Context, began time.Time) (next time.Duration, err error) {
	m.mu.Lock()
	missing := m.orders.missing(m.rounds, began)
	m.mu.Unlock()
	unknown, broken := 0, 0
	for _, id := range missing {
		m.mu.Lock()
		m.hintAt(id, began)
		m.mu.Unlock()
		failed := m.readOrder(ctx, id)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if failed == nil {
			// It left the lists or was moved over their pages, and others with it.
			next = soon
			continue
		}
		if !m.unreadable(id, began) {
			unknown++
		}
		if refused(failed) {
			continue
		}
		if broken++; broken == mostUnread {
			return 0, failed
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.believe(began)
	switch {
	case unknown > 0:
		next = unreadPause
	case next == 0:
		m.orders.trueAt = began
	case m.before.After(m.orders.trueAt):
		m.orders.trueAt = m.before // what two lists in a row did not show is not there
	}
	if unknown == 0 {
		m.before = began
	}
	m.orders.version++
	m.bound(Orders, len(m.orders.entries))
	m.orders.forget(time.Now().Add(-m.settings.Keep), m.settings.Most)
	return next, nil
}

// unreadable notes that an order was missed and could not be read. It is true if it is
// taken for gone.
func (m *Mirror) unreadable(id int64, began time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.orders.entries[id]
	if e.missed++; e.missed < unreadAfter {
		return false
	}
	m.orders.remove(id, began)
	return true
}

// believe drops the hints about orders that can not be read and are not open: lists
// that were read after the hint have told what there is to know. The caller holds the
// lock.
func (m *Mirror) believe(began time.Time) {
	for id, h := range m.hints {
		if e := m.orders.entries[id]; h.fails > 0 && !h.at.After(began) && (e == nil || !e.open) {
			delete(m.hints, id)
		}
	}
}
