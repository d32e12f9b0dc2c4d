package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

const (
	// itemsAtOnce is how much is taken from the inbox at a time.
	itemsAtOnce = 100
	// inboxPause is the pause after the inbox failed, failPause that after a request
	// did; it doubles with each in a row, up to longestPause.
	inboxPause   = 5 * time.Second
	failPause    = 5 * time.Second
	longestPause = 5 * time.Minute
	// sureAfter is in how many complete lists in a row a record that can not be read
	// by itself must be missed to be gone: pages shift while they are read.
	sureAfter = 2
	// soon is when the lists are read again if something was lost.
	soon = 2 * time.Second
	// margin is how much the two clocks may differ at the edge of what is listed.
	margin = 10 * time.Minute
	// mostPages bounds one list.
	mostPages = 400
)

// Run follows Prodsmart until ctx ends.
func (m *Mirror) Run(ctx context.Context) {
	now := time.Now()
	for k := range kinds {
		m.due[k] = now
	}
	for kind := range m.settings.Channels {
		m.polls[kind] = now
	}
	fails := 0
	for ctx.Err() == nil {
		pause, err := m.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			m.problem("requests", err.Error())
			pause = min(failPause<<min(fails, 10), longestPause)
			fails++
		} else {
			fails = 0
			m.problem("requests", "")
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.wake:
		}
		timer.Stop()
	}
}

// problem notes what is wrong with something; nothing if all is well again.
func (m *Mirror) problem(about, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text == "" {
		delete(m.failing, about)
		return
	}
	m.failing[about] = text
}

// turn does the most urgent thing, and says how long there is nothing else to do.
func (m *Mirror) turn(ctx context.Context) (time.Duration, error) {
	if err := m.unpack(ctx); err != nil {
		return 0, fmt.Errorf("the inbox: %w", err)
	}
	m.suspicion()
	now := time.Now()
	if id, ok := m.urgent(now); ok {
		return 0, m.readOrder(ctx, id)
	}
	for kind, at := range m.polls {
		if !at.After(now) {
			return 0, m.poll(ctx, kind)
		}
	}
	for k := range kinds {
		if !m.due[k].After(now) {
			return 0, m.list(ctx, k)
		}
	}
	return m.idle(now), nil
}

// suspicion reads the lists soon if something was lost.
func (m *Mirror) suspicion() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.suspected {
		return
	}
	m.suspected = false
	at := time.Now().Add(soon)
	for k := range kinds {
		m.due[k] = earlier(m.due[k], at)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// idle is how long nothing is due.
func (m *Mirror) idle(now time.Time) time.Duration {
	next := m.due[0]
	for _, at := range m.due {
		next = earlier(next, at)
	}
	for _, at := range m.polls {
		next = earlier(next, at)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.hints {
		next = earlier(next, h.not)
	}
	return max(0, next.Sub(now))
}

// request makes one request in its turn.
func (m *Mirror) request(ctx context.Context, urgent bool, do func(context.Context) error) error {
	var failed error
	err := m.gate(ctx, urgent, func(ctx context.Context) prodsmart.Answer {
		failed = do(ctx)
		return prodsmart.AnswerOf(failed)
	})
	return errors.Join(err, failed)
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

// hintAt notes that an order is to be read, not sooner than its rest allows.
func (m *Mirror) hintAt(id int64, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := hint{at: at, not: at}
	if e := m.orders.entries[id]; e != nil && !e.asOf.Add(m.settings.Rest).Before(at) {
		h.not = e.asOf.Add(m.settings.Rest)
	}
	if old, there := m.hints[id]; there {
		h.not, h.fails = old.not, old.fails
	}
	m.hints[id] = h
}

// readOrder reads an order because of a hint.
func (m *Mirror) readOrder(ctx context.Context, id int64) error {
	asOf := time.Now()
	var order prodsmart.ProductionOrder
	err := m.request(ctx, true, func(ctx context.Context) (err error) {
		asOf = time.Now()
		order, err = m.source.GetOrder(ctx, id)
		return err
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hints[id]
	switch {
	case err == nil:
		delete(m.failing, "reading an order")
		m.orders.put(id, order, asOf, open(order))
	case absent(err):
		m.orders.remove(id, asOf)
	case refused(err):
		// It will be refused again; the lists tell the rest.
		m.failing["reading an order"] = err.Error()
		h.fails++
		if h.fails >= 5 {
			delete(m.hints, id)
			return nil
		}
		h.not = time.Now().Add(failPause << h.fails)
		m.hints[id] = h
		return nil
	default:
		return err
	}
	if h.at.After(asOf) {
		h.not, h.fails = asOf.Add(m.settings.Rest), 0
		m.hints[id] = h // something happened while it was read
		return nil
	}
	delete(m.hints, id)
	return nil
}

// absent says that there is no such record.
func absent(err error) bool {
	var failed *prodsmart.Error
	return errors.As(err, &failed) && (failed.Answer.Status == 404 || failed.Answer.Status == 410)
}

func refused(err error) bool {
	var failed *prodsmart.Error
	return errors.As(err, &failed) && failed.Answer.Verdict == prodsmart.Refused
}

// poll takes what changed out of a channel. What comes is kept before it is read;
// whatever goes wrong, something may be lost, and the lists are read.
func (m *Mirror) poll(ctx context.Context, kind Kind) error {
	m.polls[kind] = time.Now().Add(m.settings.Poll)
	asOf := time.Now()
	var items []json.RawMessage
	err := m.request(ctx, false, func(ctx context.Context) (err error) {
		asOf = time.Now()
		items, err = m.source.TakeChanges(ctx, m.settings.Channels[kind])
		return err
	})
	if refused(err) {
		m.polls[kind] = time.Now().Add(m.settings.Every)
		m.problem("the change channel of "+kind.String(), err.Error())
		return nil // the others go on
	}
	if err == nil {
		m.problem("the change channel of "+kind.String(), "")
	}
	if err != nil && !unsent(err) {
		m.due[kind] = earlier(m.due[kind], time.Now().Add(soon))
	}
	if len(items) > 0 {
		body, bad := json.Marshal(items)
		if bad == nil {
			bad = m.inbox.Put(context.WithoutCancel(ctx), Item{At: asOf, Channel: kind, Body: body})
		}
		if bad != nil {
			m.due[kind] = earlier(m.due[kind], time.Now().Add(soon))
			err = errors.Join(err, bad)
		}
	}
	if len(items) >= prodsmart.PageSize && err == nil {
		m.polls[kind] = time.Now() // there is more
	}
	return err
}

// unsent says that nothing can have been taken out of a channel.
func unsent(err error) bool {
	var failed *prodsmart.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Answer.Verdict {
	case prodsmart.Unsent, prodsmart.Unauthorized, prodsmart.Limited, prodsmart.Refused:
		return true
	}
	return false
}

// unpack works on what came by itself.
func (m *Mirror) unpack(ctx context.Context) error {
	for {
		items, err := m.inbox.Items(ctx, itemsAtOnce)
		if err != nil || len(items) == 0 {
			return err
		}
		var ids []int64
		for _, i := range items {
			m.work(i)
			ids = append(ids, i.ID)
		}
		if err := m.inbox.Done(ctx, ids...); err != nil {
			return err
		}
	}
}

func (m *Mirror) work(i Item) {
	if i.Webhook {
		m.message(i)
		return
	}
	var items []json.RawMessage
	bad := json.Unmarshal(i.Body, &items) != nil
	for _, raw := range items {
		if !m.change(i.Channel, raw, i.At) {
			bad = true
		}
	}
	m.count(func(s *Status) *uint64 { return &s.Batches }, bad)
	if bad {
		m.due[i.Channel] = earlier(m.due[i.Channel], time.Now().Add(soon))
	}
}

func (m *Mirror) count(which func(*Status) *uint64, bad bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*which(&m.status)++
	if bad {
		m.status.Unread++
	}
}

// message works on one message of a webhook: an order is read, and so is the list of
// downtimes, because one downtime can not be.
func (m *Mirror) message(i Item) {
	var d webhook.Delivery
	bad := json.Unmarshal(i.Body, &d) != nil
	h, err := webhook.Parse(d)
	bad = bad || err != nil
	m.count(func(s *Status) *uint64 { return &s.Messages }, bad)
	switch {
	case bad:
		return
	case h.Entity == webhook.ProductionOrder && h.ID != 0:
		m.hintAt(h.ID, i.At)
	case h.Entity == webhook.ProductionOrder:
		m.due[Orders] = earlier(m.due[Orders], time.Now().Add(soon))
	case h.Entity == webhook.Downtime:
		m.due[Downtimes] = earlier(m.due[Downtimes], time.Now().Add(m.settings.Poll))
	}
}
