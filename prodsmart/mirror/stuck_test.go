package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// cursed is a plant in which some things can never be read. Its fields are set before
// anything runs.
type cursed struct {
	*plant
	// order and list are what each reading of one order, and of a list of orders, ends
	// with; nil is the plant's own answer.
	order map[int64]error
	list  error
	reads map[int64]int
	lists int
}

func newCursed() *cursed {
	return &cursed{plant: newPlant(1), order: map[int64]error{}, reads: map[int64]int{}}
}

func (c *cursed) GetOrder(ctx context.Context, id int64) (prodsmart.ProductionOrder, error) {
	c.mu.Lock()
	c.reads[id]++
	err := c.order[id]
	c.mu.Unlock()
	if err != nil {
		return prodsmart.ProductionOrder{}, err
	}
	return c.plant.GetOrder(ctx, id)
}

func (c *cursed) ListOrders(ctx context.Context, status string, page int) ([]prodsmart.ProductionOrder, error) {
	c.mu.Lock()
	c.lists++
	err := c.list
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return c.plant.ListOrders(ctx, status, page)
}

// set makes an order, or takes one away.
func (c *cursed) set(id int64, status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if status == "" {
		delete(c.orders, id)
		return
	}
	c.orders[id] = prodsmart.ProductionOrder{ID: id, Code: fmt.Sprint("WO-", id), RunningStatus: status}
}

func (c *cursed) read(id int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[id]
}

// next is another number each time.
func (c *cursed) next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	return c.nextID
}

// broken is what a server says that can not read one of its records.
var broken = &prodsmart.Error{Endpoint: prodsmart.ProductionOrdersEndpoint, Answer: prodsmart.Answer{Verdict: prodsmart.Ambiguous, Status: 500, Text: "oops"}}

// message puts a message about an order into the inbox.
func (c *cursed) message(t *testing.T, id int64) {
	t.Helper()
	body := fmt.Sprintf(`{"topic":"productionOrder/update","body":%q}`, encoded(fmt.Sprintf(`{"id":%d}`, id)))
	if err := c.inbox.Put(t.Context(), Item{At: time.Now(), Webhook: true, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

func encoded(text string) string {
	b, err := json.Marshal([]byte(text))
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(b), `"`)
}

// TestAnOrderThatCanNotBeRead: whatever its reading ends with, the lists and channels
// go on, it is named, and it is not asked for again and again.
func TestAnOrderThatCanNotBeRead(t *testing.T) {
	for name, err := range map[string]error{"refused": errForbidden, "broken": broken, "unauthorized": &prodsmart.Error{Answer: prodsmart.Answer{Verdict: prodsmart.Unauthorized, Status: 403, Text: "no"}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCursed()
				c.order[7] = err
				c.set(3, "started")
				c.downtimes[1] = prodsmart.Downtime{ID: 1, Open: true, Start: now()}
				c.message(t, 7)
				m := following(t, Settings{}, c, c.inbox)
				time.Sleep(2 * time.Second)
				if s := m.Status(); !strings.Contains(s.Problem, "reading an order: ") {
					t.Errorf("it is not named: %+v", s)
				}
				time.Sleep(2 * time.Hour)
				s := m.Status()
				for k, kind := range s.Kinds {
					if age := time.Since(kind.TrueAt); age > 11*time.Minute {
						t.Errorf("%s are known to be right %s ago", Kind(k), age)
					}
				}
				if len(m.Orders()) != 1 || len(m.Downtimes()) != 1 || s.Hints != 0 || s.Problem != "" || c.read(7) > 10 {
					t.Errorf("%d orders, %d downtimes, asked %d times, %+v", len(m.Orders()), len(m.Downtimes()), c.read(7), s)
				}
			})
		})
	}
}

// TestAMissingOrderThatCanNotBeRead: while nobody knows what became of an order that
// left the lists, the copy is not called right. In the end the lists are believed: it
// is none of those that are open, and it is not asked for any more.
func TestAMissingOrderThatCanNotBeRead(t *testing.T) {
	for name, err := range map[string]error{"refused": errForbidden, "broken": broken} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCursed()
				c.set(7, "started")
				c.set(8, "started")
				m := following(t, Settings{}, c, c.inbox)
				time.Sleep(9 * time.Minute)
				before := m.Status().Kinds[Orders].TrueAt
				c.mu.Lock()
				c.order[7] = err
				c.mu.Unlock()
				c.set(7, "")
				c.set(8, "closed")
				time.Sleep(80 * time.Second)
				if s := m.Status(); !s.Kinds[Orders].TrueAt.Equal(before) || !strings.Contains(s.Problem, "reading an order: ") {
					t.Errorf("the copy is called right, though an order could not be read: %+v", s)
				}
				if o, _ := m.Order(8); o.RunningStatus != "closed" {
					t.Errorf("it kept another one from being read: %+v", o)
				}
				time.Sleep(time.Hour)
				s := m.Status()
				if _, there := m.Order(7); there || time.Since(s.Kinds[Orders].TrueAt) > 11*time.Minute || s.Problem != "" {
					t.Errorf("the order is there %t, %+v", there, s)
				}
				asked := c.read(7)
				time.Sleep(5 * time.Hour)
				if more := c.read(7) - asked; asked > 10 || more != 0 {
					t.Errorf("asked %d times, and %d times in five quiet hours", asked, more)
				}
			})
		})
	}
}

// TestAListThatAlwaysFails keeps no other list from being read, and is tried less and
// less often.
func TestAListThatAlwaysFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCursed()
		c.list = broken
		c.downtimes[1] = prodsmart.Downtime{ID: 1, Open: true, Start: now()}
		m := following(t, Settings{}, c, c.inbox)
		time.Sleep(2 * time.Hour)
		s := m.Status()
		if len(m.Downtimes()) != 1 || time.Since(s.Kinds[Downtimes].TrueAt) > 11*time.Minute || time.Since(s.Kinds[Productions].TrueAt) > 11*time.Minute {
			t.Errorf("%+v", s)
		}
		c.mu.Lock()
		if c.lists > 40 {
			t.Errorf("asked %d times in two hours", c.lists)
		}
		c.mu.Unlock()
		if !strings.Contains(s.Problem, "the list of production_orders: ") {
			t.Errorf("%q", s.Problem)
		}
	})
}

// TestMessagesWithoutEnd: where more orders change than can be read one by one, the
// lists are read all the same, and what they showed is not read again.
func TestMessagesWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCursed()
		for id := range int64(200) {
			c.set(id+1, "started")
		}
		m := following(t, Settings{Channels: map[Kind]string{Downtimes: "d"}}, c, c.inbox)
		for range 1800 { // an hour with 200 messages in 40 s, where 80 slots are
			for range 10 {
				c.message(t, (c.next()*37)%200+1)
			}
			m.Wake()
			time.Sleep(2 * time.Second)
		}
		s := m.Status()
		for k, kind := range s.Kinds {
			if age := time.Since(kind.TrueAt); age > 15*time.Minute {
				t.Errorf("%s are known to be right %s ago", Kind(k), age)
			}
		}
	})
}

// TestManyMessagesAtOnce: where the list costs less than reading each order by itself,
// it is read instead, also at the start, but only once a minute.
func TestManyMessagesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCursed()
		plan := func(first int64) {
			for id := first; id < first+60; id++ {
				c.set(id, "notstarted")
				c.message(t, id)
			}
		}
		calls := func() int {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.calls
		}
		plan(1)
		m := following(t, Settings{}, c, c.inbox)
		time.Sleep(2 * time.Minute)
		if n := calls(); n > 20 || len(m.Orders()) != 60 || m.Status().Hints != 0 {
			t.Errorf("%d orders after %d requests, %+v", len(m.Orders()), n, m.Status())
		}
		before := calls()
		plan(101)
		m.Wake()
		time.Sleep(30 * time.Second)
		if n := calls() - before; n > 20 || len(m.Orders()) != 120 || m.Status().Hints != 0 {
			t.Errorf("%d orders after %d more requests, %+v", len(m.Orders()), n, m.Status())
		}
	})
}

// TestAClockThatWasPutBack: what came by itself at a time that is to come is worked on
// at once, and outlives nothing newer.
func TestAClockThatWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCursed()
		c.set(7, "started")
		m := following(t, Settings{}, c, c.inbox)
		time.Sleep(time.Minute)
		c.set(7, "closed")
		body := fmt.Sprintf(`{"topic":"productionOrder/update","body":%q}`, encoded(`{"id":7}`))
		ahead := time.Now().Add(3 * time.Hour)
		if err := errors.Join(c.inbox.Put(t.Context(), Item{At: ahead, Webhook: true, Body: []byte(body)}),
			c.inbox.Put(t.Context(), Item{At: ahead, Channel: Downtimes, Body: []byte(`[{"id":5,"downtime-type":"X","checked-out":false,"start-time":"2000-01-01T00:00:00Z"}]`)})); err != nil {
			t.Fatal(err)
		}
		m.Wake()
		time.Sleep(10 * time.Second)
		if o, _ := m.Order(7); o.RunningStatus != "closed" || m.Status().Hints != 0 {
			t.Errorf("%+v, %d hints", o, m.Status().Hints)
		}
		if len(m.Downtimes()) != 1 {
			t.Errorf("%+v", m.Downtimes())
		}
		time.Sleep(30 * time.Minute)
		if len(m.Downtimes()) != 0 {
			t.Errorf("the lists are not believed: %+v", m.Downtimes())
		}
	})
}
