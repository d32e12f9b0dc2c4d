package mirror

import (
	"context"
	"encoding/json"
	"errors"
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
	// soon is when the lists are read again if something was lost, and suspectRest how
	// long after they were: strangers may cause suspicions without end.
	soon        = 2 * time.Second
	suspectRest = time.Minute
	// margin is how much the two clocks may differ at the edge of what is listed.
	margin = 10 * time.Minute
	// patience is how much later than due a list or a channel is read because of orders
	// that are to be read: those may be without end.
	patience = time.Minute
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
			pause = pauseAfter(fails)
			fails++
		} else {
			fails = 0
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

// pauseAfter is the pause after something failed, and failed so often before.
func pauseAfter(fails int) time.Duration { return min(failPause<<min(fails, 10), longestPause) }

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
	now := time.Now()
	m.open(ctx, now)
	m.suspicion()
	m.crowd(now)
	list, listAt := m.nextList()
	channel, pollAt := m.nextPoll(now)
	id, hinted := m.urgent(now)
	late := now.Add(-patience)
	switch {
	case listAt.Before(late):
		return 0, m.list(ctx, list)
	case pollAt.Before(late):
		return 0, m.poll(ctx, channel)
	case hinted:
		err := m.readOrder(ctx, id)
		if refused(err) {
			err = nil // it is that order, and not the line
		}
		return 0, err
	case !pollAt.After(now):
		return 0, m.poll(ctx, channel)
	case !listAt.After(now):
		return 0, m.list(ctx, list)
	}
	return m.idle(now), nil
}

// nextList is the list that is due first.
func (m *Mirror) nextList() (next Kind, at time.Time) {
	for k := range kinds {
		if m.due[k].Before(m.due[next]) {
			next = k
		}
	}
	return next, m.due[next]
}

// nextPoll is the channel that is due first; without channels none is for long.
func (m *Mirror) nextPoll(now time.Time) (next Kind, at time.Time) {
	at = now.Add(m.settings.Every)
	for k, due := range m.polls {
		if due.Before(at) {
			next, at = k, due
		}
	}
	return next, at
}

// open works on what came by itself. An inbox that fails keeps nothing else from being
// read; it is tried again after a pause.
func (m *Mirror) open(ctx context.Context, now time.Time) {
	if m.inboxAfter.After(now) {
		return
	}
	m.inboxAfter = time.Time{}
	if err := m.unpack(ctx); err != nil {
		m.inboxAfter = now.Add(inboxPause)
		m.problem("the inbox", err.Error())
		return
	}
	m.problem("the inbox", "")
}

// suspicion reads the lists soon if something was lost.
func (m *Mirror) suspicion() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.suspected {
		return
	}
	m.suspected = false
	for k := range kinds {
		at := time.Now().Add(soon)
		if rested := m.began[k].Add(suspectRest); at.Before(rested) {
			at = rested
		}
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
	_, next := m.nextList()
	_, poll := m.nextPoll(now)
	next = earlier(next, poll)
	if !m.inboxAfter.IsZero() {
		next = earlier(next, m.inboxAfter)
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

// poll takes what changed out of a channel. What comes is kept before it is read;
// whatever goes wrong, something may be lost, and the lists are read.
func (m *Mirror) poll(ctx context.Context, kind Kind) error {
	m.polls[kind] = time.Now().Add(m.settings.Poll)
	asOf := time.Now()
	var items []json.RawMessage
	err := m.request(ctx, false, func(ctx context.Context) (err error) {
		asOf = time.Now()
		items, err = m.source.TakeChanges(ctx, m.settings.Channels[kind], kind == Orders)
		return err
	})
	if refused(err) {
		m.polls[kind] = time.Now().Add(m.settings.Every)
		m.problem("the change channel of "+kind.String(), err.Error())
		return nil // the others go on
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
	if err != nil {
		m.problem("the change channel of "+kind.String(), err.Error())
		return err
	}
	m.problem("the change channel of "+kind.String(), "")
	if len(items) >= prodsmart.PageSize {
		m.polls[kind] = time.Now() // there is more
	}
	return nil
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

// work works on one item. One that came later than now came before the clock was put
// back.
func (m *Mirror) work(i Item) {
	i.At = earlier(i.At, time.Now())
	if i.Webhook {
		m.message(i)
		return
	}
	var items []json.RawMessage
	bad := json.Unmarshal(i.Body, &items) != nil
	for _, raw := range items {
		kind := shapeOf(raw, i.Channel)
		m.filed(i.Channel, kind)
		if kind == kinds || !m.change(kind, raw, i.At) {
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
	case bad: // somebody who knows the secret sent it: something happened
		m.Suspect()
	case h.Entity == webhook.ProductionOrder && h.ID != 0:
		m.mu.Lock()
		m.hintAt(h.ID, i.At)
		m.mu.Unlock()
	case h.Entity == webhook.ProductionOrder:
		m.due[Orders] = earlier(m.due[Orders], time.Now().Add(soon))
	case h.Entity == webhook.Downtime:
		m.due[Downtimes] = earlier(m.due[Downtimes], time.Now().Add(m.settings.Poll))
	}
}
