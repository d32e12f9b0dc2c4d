package mirror

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestAChannelOfAnotherKind: what comes out of a channel that was written down for the
// wrong kind is gone there, so it is taken for what it is, and the mistake is named.
func TestAChannelOfAnotherKind(t *testing.T) {
	p := newPlant(1)
	m := New(Settings{}, p, reader(t), p.inbox, slots)
	const down = `{"id":5,"downtime-type":"X","checked-out":false,"start-time":"2000-01-01T00:00:00Z","machines":[]}`
	m.work(Item{At: time.Now(), Channel: Orders, Body: []byte("[" + down + "]")})
	if s := m.Status(); len(m.Downtimes()) != 1 || s.Hints != 0 || !strings.Contains(s.Problem, "the change channel of production_orders has downtimes in it") {
		t.Errorf("%+v, %+v", m.Downtimes(), s)
	}
	m.work(Item{At: time.Now(), Channel: Orders, Body: []byte(`[{"id":7,"running-status":"deleted","products":[]}]`)})
	if s := m.Status(); s.Problem != "" {
		t.Errorf("it is put right, and still named: %q", s.Problem)
	}
	m.work(Item{At: time.Now(), Channel: Downtimes, Body: []byte(`[{"id":9,"production-order":{"code":"WO-1","id":3},"operation":{"code":"OP"},"quantity":1,"checked-out":false,"start-time":"2000-01-01T00:00:00Z"}]`)})
	if s := m.Status(); len(m.Productions()) != 1 || !strings.Contains(s.Problem, "the change channel of downtimes has productions in it") {
		t.Errorf("%+v, %+v", m.Productions(), s)
	}
}

// FuzzChange: whatever comes out of a channel or through the door, nothing breaks, and
// nothing without a number is kept.
func FuzzChange(f *testing.F) {
	f.Add(uint8(0), `[{"id":7,"running-status":"deleted","products":[]}]`)
	f.Add(uint8(0), `[{"id":"7","products":[{"product":"P"}],"running-status":"started"}]`)
	f.Add(uint8(1), `[{"id":9,"production-order":{"id":3},"quantity":"1,5","status":"deleted"}]`)
	f.Add(uint8(2), `[{"id":5,"downtime-type":"X","event-type":"downTime_deleted","start-time":7}]`)
	f.Add(uint8(3), `{"topic":"productionOrder/delete","body":"eyJpZCI6N30="}`)
	p := newPlant(1)
	r := reader(f)
	f.Fuzz(func(t *testing.T, kind uint8, body string) {
		m := New(Settings{}, p, r, p.inbox, slots)
		m.work(Item{At: time.Now(), Channel: Kind(kind) % kinds, Webhook: kind%(uint8(kinds)+1) == uint8(kinds), Body: []byte(body)})
		if s := m.Status(); s.Batches+s.Messages != 1 {
			t.Errorf("%+v", s)
		}
		if m.orders.entries[0] != nil || m.productions.entries[0] != nil || m.downtimes.entries[0] != nil || m.hints[0] != (hint{}) {
			t.Error("something without a number is kept")
		}
		if !json.Valid([]byte(body)) && m.Status().Unread != 1 {
			t.Errorf("%q is read", body)
		}
	})
}
