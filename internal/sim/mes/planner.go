package mes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// OrderState is an order with what the clock and the records make of it.
type OrderState struct {
	Order
	Status        string    `json:"status"`
	RunningStatus string    `json:"running_status"`
	Made          []float64 `json:"made"`
}

// Orders gives snapshots of all orders by number.
func (s *Server) Orders() []OrderState {
	s.lock()
	defer s.mu.Unlock()
	list, records := []OrderState{}, s.byOrder()
	for _, o := range s.sortedOrders() {
		made := s.madeOf(o, records[o.ID])
		status, running := s.standing(o, made)
		list = append(list, OrderState{o.copy(), status, running, made})
	}
	return list
}

// PlanOrder creates an order as a planner does, from the body of a POST. It
// returns the order's number.
func (s *Server) PlanOrder(body json.RawMessage) (int, error) {
	in, err := readFields(body)
	if err != nil {
		return 0, err
	}
	s.lock()
	defer s.mu.Unlock()
	o := &Order{Active: true}
	if err := s.readOrder(o, in); err != nil {
		return 0, err
	}
	s.addOrder(o)
	return o.ID, nil
}

// EditOrder changes the fields of an order that the body names, which are those
// of a PUT, and archived.
func (s *Server) EditOrder(id int, body json.RawMessage) error {
	in, err := readFields(body)
	if err != nil {
		return err
	}
	return s.withOrder(id, func(o *Order) error {
		next := o.copy()
		if is := in["archived"]; is != nil {
			if err := json.Unmarshal(is, &next.Archived); err != nil {
				return fmt.Errorf("the field archived is not valid: %w", err)
			}
			delete(in, "archived")
		}
		if err := s.readOrder(&next, in); err != nil {
			return err
		}
		*o = next
		s.orderChanged(o)
		return nil
	})
}

// CloseOrder closes an order by hand, and ArchiveOrder archives it.
func (s *Server) CloseOrder(id int) error {
	return s.EditOrder(id, json.RawMessage(`{"ended":true}`))
}

// ArchiveOrder archives an order by hand.
func (s *Server) ArchiveOrder(id int) error {
	return s.EditOrder(id, json.RawMessage(`{"archived":true}`))
}

// DeleteOrder deletes an order by hand, started or not.
func (s *Server) DeleteOrder(id int) error {
	return s.withOrder(id, func(o *Order) error { s.removeOrder(o); return nil })
}

// StartOrder opens a production for an order on a machine, as a worker would.
// The order of the work is not looked at, and its product may be empty for the
// first one of the order. It returns the production's number.
func (s *Server) StartOrder(id int, machine string, w Work) (int, error) {
	production := 0
	err := s.withOrder(id, func(o *Order) error {
		m := s.machines[machine]
		if m == nil {
			return unknown(machine)
		}
		w.Order = o.Code
		if w.Product == "" {
			w.Product = o.Lines[0].Product
		}
		production = s.startProductionFor(m, w, o.ID)
		return nil
	})
	return production, err
}

// FinishOrder finishes all productions that are open for an order, on whatever
// machine, and says how many.
func (s *Server) FinishOrder(id int) (int, error) {
	n := 0
	err := s.withOrder(id, func(o *Order) error {
		for _, m := range s.machines {
			for _, p := range m.openProductions() {
				if p.orderID != o.ID {
					continue
				}
				p.End = s.now()
				s.productionChanged(m, p)
				n++
			}
		}
		return nil
	})
	return n, err
}

func (s *Server) withOrder(id int, do func(*Order) error) error {
	s.lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil {
		return missing("order", id)
	}
	return do(o)
}

// SeedOrders plans n orders of all kinds: the same ones for the same seed, the
// same time and the same machines. It takes no references amiss.
func (s *Server) SeedOrders(n int, seed uint64) error {
	if n < 0 || n > 100_000 {
		return fmt.Errorf("%d orders: must be from 0 to 100,000", n)
	}
	s.lock()
	defer s.mu.Unlock()
	random := rand.New(rand.NewPCG(seed, 3))
	machines := []string{}
	for code := range s.machines {
		machines = append(machines, code)
	}
	slices.Sort(machines)
	day := s.now().UTC().Truncate(24 * time.Hour)
	for i := range n {
		start := day.AddDate(0, 0, random.IntN(21)-10)
		o := &Order{Code: fmt.Sprintf("WO-%05d", i+1), Description: fmt.Sprintf("Order %d", i+1), Active: random.IntN(10) > 0,
			Start: start, Due: start.AddDate(0, 0, 1+random.IntN(7)), PiecesByBox: float64(random.IntN(3) * 10),
			Archived: random.IntN(20) == 0, Ended: random.IntN(10) == 0}
		for range 1 + random.IntN(3) {
			l := OrderLine{Product: fmt.Sprintf("P%03d", 1+random.IntN(50)), Ordered: float64(10 + random.IntN(5000))}
			if slices.ContainsFunc(o.Lines, func(has OrderLine) bool { return has.Product == l.Product }) {
				continue
			}
			if random.IntN(3) == 0 {
				l.Booked = float64(random.IntN(int(l.Ordered) + 1))
			}
			o.Lines = append(o.Lines, l)
		}
		if len(machines) > 0 {
			o.Machines = []string{machines[random.IntN(len(machines))]}
		}
		if w := s.config.Workers; len(w) > 0 {
			o.Workers = []int{w[random.IntN(len(w))].Number}
		}
		if random.IntN(4) == 0 {
			o.Location, o.Shipping = "SITE1", fmt.Sprintf("SHP-%d", i+1)
			o.Custom = []CustomField{{"Customer", json.RawMessage(`"Şirket"`)}}
		}
		s.addOrder(o)
	}
	return nil
}

// ChannelState is a channel with what waits in it.
type ChannelState struct {
	ChannelSetup
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

// Channels lists the change channels.
func (s *Server) Channels() []ChannelState {
	s.lock()
	defer s.mu.Unlock()
	list := []ChannelState{}
	for _, c := range s.feed.channels {
		c.expire(s.now())
		state := ChannelState{ChannelSetup: c.ChannelSetup, Waiting: len(c.items)}
		if len(c.items) > 0 {
			state.Oldest = c.items[0].at
		}
		list = append(list, state)
	}
	slices.SortFunc(list, func(a, b ChannelState) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// AddChannel makes a change channel, which is told of what changes from now on.
func (s *Server) AddChannel(c ChannelSetup) error {
	s.lock()
	defer s.mu.Unlock()
	return s.addChannel(c)
}

// RemoveChannel takes a change channel away with all that is in it.
func (s *Server) RemoveChannel(name string) error {
	s.lock()
	defer s.mu.Unlock()
	before := len(s.feed.channels)
	s.feed.channels = slices.DeleteFunc(s.feed.channels, func(c *channel) bool { return c.Name == name })
	if len(s.feed.channels) == before {
		return fmt.Errorf("channel %q does not exist", name)
	}
	return nil
}
