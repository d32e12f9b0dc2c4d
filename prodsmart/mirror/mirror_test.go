package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// forbidden is a plant whose user may not read some things.
type forbidden struct {
	*plant
	orders, channel bool
	taken           int
}

var errForbidden = &prodsmart.Error{Endpoint: prodsmart.ProductionOrdersEndpoint, Answer: prodsmart.Answer{Verdict: prodsmart.Refused, Status: 400, Text: "not for you"}}

// may reads what the test changes.
func (f *forbidden) may(p *bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *p
}

func (f *forbidden) ListOrders(ctx context.Context, status string, page int) ([]prodsmart.ProductionOrder, error) {
	if f.may(&f.orders) {
		return nil, errForbidden
	}
	return f.plant.ListOrders(ctx, status, page)
}

func (f *forbidden) TakeChanges(ctx context.Context, channel string, workers bool) ([]json.RawMessage, error) {
	f.mu.Lock()
	f.taken++
	f.mu.Unlock()
	if f.may(&f.channel) {
		return nil, errForbidden
	}
	return f.plant.TakeChanges(ctx, channel, workers)
}

// following runs a mirror for a test.
func following(t *testing.T, s Settings, source Source, in Inbox) *Mirror {
	ctx, cancel := context.WithCancel(t.Context())
	m := New(s, source, reader(t), in, slots)
	ended := make(chan struct{})
	go func() { defer close(ended); m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return m
}

// TestWhatIsRefusedKeepsNothingElseBack: a list and a channel that may not be read are
// named, asked for seldom, and the rest goes on.
func TestWhatIsRefusedKeepsNothingElseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &forbidden{plant: newPlant(1), orders: true, channel: true}
		f.productions[1] = prodsmart.Production{ID: 1, Open: true, Start: now()}
		m := following(t, Settings{Channels: map[Kind]string{Downtimes: "d"}}, f, f.inbox)
		time.Sleep(time.Hour)
		s := m.Status()
		f.mu.Lock()
		if len(m.Productions()) != 1 || time.Since(s.Kinds[Productions].TrueAt) > 11*time.Minute || !s.Kinds[Orders].TrueAt.IsZero() {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(s.Problem, "the list of production_orders: ") || !strings.Contains(s.Problem, "the change channel of downtimes: ") || f.taken > 8 {
			t.Errorf("%q, asked %d times", s.Problem, f.taken)
		}
		f.orders, f.channel = false, false
		f.mu.Unlock()
		time.Sleep(11 * time.Minute)
		if s := m.Status(); s.Problem != "" || s.Kinds[Orders].TrueAt.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

// TestAFullInbox: while nothing can be kept, nothing is taken over from there, and it is
// said; lists are read all the same. Then all is well again.
func TestAFullInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(1)
		p.inbox.err = errors.New("the disk is full")
		m := following(t, Settings{}, p, p.inbox)
		time.Sleep(time.Minute)
		if s := m.Status(); !strings.Contains(s.Problem, "the inbox: the disk is full") || s.Kinds[Orders].TrueAt.IsZero() {
			t.Errorf("%+v", s)
		}
		p.inbox.mu.Lock()
		p.inbox.err = nil
		p.inbox.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if s := m.Status(); s.Problem != "" || s.Kinds[Orders].TrueAt.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

// TestABurstAboutOneOrder costs few requests, and ends with the newest.
func TestABurstAboutOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(1)
		m := following(t, Settings{}, p, p.inbox)
		p.mu.Lock()
		p.orders[7] = prodsmart.ProductionOrder{ID: 7, Code: "WO-7", RunningStatus: "notstarted"}
		p.mu.Unlock()
		time.Sleep(time.Minute)
		p.mu.Lock()
		before := p.calls
		p.mu.Unlock()
		for i := range 100 {
			p.mu.Lock()
			o := p.orders[7]
			o.Notes = string(rune('a' + i%26))
			p.orders[7] = o
			p.changed(Orders, 7)
			p.mu.Unlock()
			m.Wake()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		p.mu.Lock()
		defer p.mu.Unlock()
		if o, _ := m.Order(7); o.Notes != p.orders[7].Notes {
			t.Errorf("%+v", o)
		}
		if n := p.calls - before; n < 2 || n > 6 {
			t.Errorf("%d requests for 100 messages in 10 s", n)
		}
	})
}

// TestSuspicionsWithoutEnd cost a list a minute, whoever makes them.
func TestSuspicionsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(1)
		m := following(t, Settings{}, p, p.inbox)
		time.Sleep(2 * time.Minute)
		before := m.Status().Kinds[Orders].TrueAt
		p.mu.Lock()
		calls := p.calls
		p.mu.Unlock()
		m.Suspect()
		time.Sleep(10 * time.Second)
		if !m.Status().Kinds[Orders].TrueAt.After(before) {
			t.Error("one suspicion waits")
		}
		for range 600 {
			m.Suspect()
			time.Sleep(time.Second)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := p.calls - calls; n > 100 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestBounds: closed orders are dropped, the oldest first, and open ones never.
func TestBounds(t *testing.T) {
	tab := newTable[int]()
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range int64(100) {
		tab.put(i, int(i), base.Add(time.Duration(i)*time.Minute), i%2 == 0)
	}
	tab.forget(base.Add(20*time.Minute), 70)
	if n := len(tab.entries); n != 70 {
		t.Errorf("%d entries", n)
	}
	for i := int64(0); i < 100; i += 2 {
		if tab.entries[i] == nil {
			t.Errorf("open %d is dropped", i)
		}
	}
	if tab.entries[99] == nil || tab.entries[61] != nil && tab.entries[59] == nil && tab.entries[57] != nil {
		t.Error("not the oldest are dropped")
	}
	if tab.put(99, 0, base, true) || tab.remove(99, base) {
		t.Error("what is older replaces what is newer")
	}
}
