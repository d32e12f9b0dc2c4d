package mirror

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// mostFound is how many downtimes that are in no list are looked for at a time.
const mostFound = 20

// change takes over one entity of a change channel, which is as it was when the
// request left. It is false if it could not be read.
func (m *Mirror) change(kind Kind, raw json.RawMessage, asOf time.Time) bool {
	var marks struct {
		Status    any    `json:"status"`
		EventType string `json:"event-type"`
	}
	_ = json.Unmarshal(raw, &marks) // what is not as it should be is read below, and noted
	m.mu.Lock()
	defer m.mu.Unlock()
	switch kind {
	case Orders:
		o := m.reader.ReadProductionOrder(raw)
		return m.takeOrder(o, asOf)
	case Productions:
		p := m.reader.ReadProduction(raw)
		if p.ID == 0 {
			return false
		}
		if status, _ := marks.Status.(string); strings.EqualFold(status, "deleted") {
			m.productions.remove(p.ID, asOf)
			return true
		}
		m.productions.put(p.ID, p, asOf, true)
		return len(p.Unread) == 0
	case Downtimes:
		d := m.reader.ReadDowntime(raw)
		if d.ID == 0 {
			return false
		}
		if strings.HasSuffix(strings.ToLower(marks.EventType), "deleted") {
			m.downtimes.remove(d.ID, asOf)
			return true
		}
		m.downtimes.put(d.ID, d, asOf, true)
		return len(d.Unread) == 0
	}
	return true
}

// takeOrder takes over an order of a channel. Some fields are not in channels: they
// stay as they were read before, and an order that was never read is read. So is one
// that could not be read well here.
func (m *Mirror) takeOrder(o prodsmart.ProductionOrder, asOf time.Time) bool {
	if o.ID == 0 {
		return false
	}
	if o.Deleted() {
		m.orders.remove(o.ID, asOf)
		return true
	}
	known := m.orders.entries[o.ID]
	if known == nil || known.gone || o.RunningStatus == "" || len(o.Unread) > 0 {
		if known == nil || !asOf.Before(known.asOf) {
			m.hintAt(o.ID, asOf)
		}
		return true
	}
	if o.Shipping == (prodsmart.Reference{}) { // channels show it empty
		o.Shipping = known.value.Shipping
	}
	o.KeepUnshown(known.value)
	m.orders.put(o.ID, o, asOf, open(o))
	return true
}

// list reads all records of a kind that matter, and finds those that are not there
// any more.
func (m *Mirror) list(ctx context.Context, kind Kind) error {
	m.rounds++
	began := time.Now()
	m.began[kind] = began
	var err error
	switch kind {
	case Orders:
		err = m.listOrders(ctx)
	case Productions:
		err = m.listProductions(ctx, began)
	case Downtimes:
		err = m.listDowntimes(ctx, began)
	}
	if refused(err) {
		m.due[kind] = time.Now().Add(m.settings.Every)
		m.problem("the list of "+kind.String(), err.Error())
		return nil // the others go on
	}
	if err != nil {
		return m.listFailed(kind, err)
	}
	m.due[kind] = time.Now().Add(m.settings.Every)
	var next time.Duration
	since := began.Add(-m.settings.Back + margin)
	switch kind {
	case Orders:
		next, err = m.settleOrders(ctx, began)
	case Productions:
		next = settle(m, Productions, &m.productions, began, func(p prodsmart.Production) bool { return p.Open || p.End.After(since) })
	case Downtimes:
		if err = m.findOpen(ctx, began); err != nil {
			return m.listFailed(kind, err)
		}
		next = settle(m, Downtimes, &m.downtimes, began, func(d prodsmart.Downtime) bool { return d.Open || d.End.After(since) })
	}
	if err != nil {
		return m.listFailed(kind, err)
	}
	m.problem("the list of "+kind.String(), "")
	m.fails[kind] = 0
	if next > 0 {
		m.due[kind] = time.Now().Add(next)
	}
	return nil
}

// listFailed has a list read again after a while, so that others are read meanwhile.
func (m *Mirror) listFailed(kind Kind, err error) error {
	m.problem("the list of "+kind.String(), err.Error())
	m.due[kind] = time.Now().Add(pauseAfter(m.fails[kind]))
	m.fails[kind]++
	return err
}

// pages reads one list to its end and takes each record over.
func pages[T prodsmart.Record](ctx context.Context, m *Mirror, fetch func(ctx context.Context, page int) ([]T, error), take func(T, time.Time)) error {
	var asOf time.Time
	records := prodsmart.Pages(mostPages, func(T) bool { return true }, func(page int) (list []T, err error) {
		err = m.request(ctx, false, func(ctx context.Context) (err error) {
			asOf = time.Now()
			list, err = fetch(ctx, page)
			return err
		})
		return list, err
	})
	for record, err := range records {
		if err != nil {
			return err
		}
		m.mu.Lock()
		take(record, asOf)
		m.mu.Unlock()
	}
	return nil
}

func (m *Mirror) listOrders(ctx context.Context) error {
	for _, status := range []string{"notstarted", "started"} {
		err := pages(ctx, m, func(ctx context.Context, page int) ([]prodsmart.ProductionOrder, error) {
			return m.source.ListOrders(ctx, status, page)
		}, func(o prodsmart.ProductionOrder, asOf time.Time) {
			if o.ID == 0 {
				return
			}
			if known := m.orders.entries[o.ID]; known != nil {
				o.KeepUnshown(known.value)
			}
			m.orders.put(o.ID, o, asOf, open(o) || o.RunningStatus == "")
			m.orders.entries[o.ID].seen = m.rounds
			if h, hinted := m.hints[o.ID]; hinted && !h.at.After(asOf) {
				delete(m.hints, o.ID) // this is what it asked for
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *Mirror) listProductions(ctx context.Context, began time.Time) error {
	for _, q := range []prodsmart.ProductionQuery{{Checked: prodsmart.CheckedIn}, {Checked: prodsmart.CheckedOut, Span: prodsmart.Span{EndAfter: began.Add(-m.settings.Back)}}} {
		err := pages(ctx, m, func(ctx context.Context, page int) ([]prodsmart.Production, error) {
			q.Page = page
			return m.source.ListProductions(ctx, q)
		}, func(p prodsmart.Production, asOf time.Time) {
			if p.ID == 0 || !q.Fits(p) {
				return
			}
			m.productions.put(p.ID, p, asOf, true)
			m.productions.entries[p.ID].seen = m.rounds
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *Mirror) listDowntimes(ctx context.Context, began time.Time) error {
	since := began.Add(-m.settings.Back)
	// Whether a downtime that is open passes a filter of ends is not documented.
	for _, span := range []prodsmart.Span{{EndAfter: since}, {StartAfter: since}} {
		if err := m.readDowntimes(ctx, span); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mirror) readDowntimes(ctx context.Context, span prodsmart.Span) error {
	q := prodsmart.DowntimeQuery{Span: span}
	return pages(ctx, m, func(ctx context.Context, page int) ([]prodsmart.Downtime, error) {
		q.Page = page
		return m.source.ListDowntimes(ctx, q)
	}, func(d prodsmart.Downtime, asOf time.Time) {
		if d.ID == 0 || !q.Fits(d) {
			return
		}
		m.downtimes.put(d.ID, d, asOf, true)
		m.downtimes.entries[d.ID].seen = m.rounds
	})
}

// findOpen looks by their beginning for downtimes that are known to go on and that the
// lists did not show: where a filter of ends leaves open ones out, those that began long
// ago are in no list. What there is no room to look for now counts as seen.
func (m *Mirror) findOpen(ctx context.Context, began time.Time) error {
	m.mu.Lock()
	var starts []time.Time
	missing := m.downtimes.missing(m.rounds, began)
	slices.SortStableFunc(missing, func(a, b int64) int { // in turn
		return m.downtimes.entries[a].asOf.Compare(m.downtimes.entries[b].asOf)
	})
	for _, id := range missing {
		e := m.downtimes.entries[id]
		if !e.value.Open || e.value.Start.IsZero() {
			continue
		}
		if len(starts) < mostFound {
			starts = append(starts, e.value.Start)
		} else {
			e.seen = m.rounds
		}
	}
	m.mu.Unlock()
	for _, start := range starts {
		// Channels may tell the beginning less exactly than lists.
		if err := m.readDowntimes(ctx, prodsmart.Span{StartAfter: start.Add(-time.Second), StartBefore: start.Add(time.Second)}); err != nil {
			return err
		}
	}
	return nil
}

// settle takes records that were missed in several lists in a row for gone. next is in
// how long the list is to be read again because one is missed for the first time: a
// record that left while the list was read moved others over its pages. A record that
// is not expected in the lists any more, because it ended too long ago, is not missed.
func settle[T any](m *Mirror, kind Kind, t *table[T], began time.Time, expected func(T) bool) (next time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range t.entries {
		e.open = e.open && expected(e.value)
	}
	for _, id := range t.missing(m.rounds, began) {
		e := t.entries[id]
		if e.missed++; e.missed < sureAfter {
			next = soon
			continue
		}
		t.remove(id, began)
	}
	if next == 0 {
		t.trueAt = began
	}
	m.bound(kind, len(t.entries))
	t.forget(time.Now().Add(-m.settings.Keep), m.settings.Most)
	return next
}

func (m *Mirror) bound(kind Kind, n int) { m.status.Kinds[kind].Bounded = n > m.settings.Most }
