package repzo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Create is what a rep does: a sales order that waits for approval, unless the order
// says another status. It returns its id.
func (s *Server) Create(o Order) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(o).ID
}

func (s *Server) create(o Order) *Order {
	o = o.clone()
	now := s.now()
	for _, t := range []struct {
		to *string
		is string
	}{{&o.Status, "pending"}, {&o.Class, "proforma"}, {&o.Issue, now.Format(time.DateOnly)}} {
		if *t.to == "" {
			*t.to = t.is
		}
	}
	if o.ID == "" {
		o.ID = s.id()
	}
	if o.Number == "" {
		o.Number = s.serial("PRO")
	}
	if o.SyncID == "" {
		o.SyncID = fmt.Sprintf("29816665-1664-4a06-8300-%012x", s.next)
	}
	o.Version, o.Created, o.Updated = max(o.Version, 1), now, now
	s.lines(o.Items, false)
	s.lines(o.Returns, false)
	s.orders = append(s.orders, &o)
	s.event("salesorder.create", &o)
	if o.Status == "approved" {
		s.event("salesorder.approve", &o)
	}
	return &o
}

// current is the latest version of the order that has, or once had, the id.
func (s *Server) current(id string) *Order {
	o := s.find(id)
	for _, later := range s.orders {
		if o != nil && later.Number == o.Number && later.Version > o.Version {
			o = later
		}
	}
	return o
}

// change changes the latest version in place.
func (s *Server) change(id string, do func(o *Order)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.current(id)
	if o == nil {
		return fmt.Errorf("there is no order %s", id)
	}
	do(o)
	o.Updated = s.now()
	return nil
}

// Approve, Reject and Hold set the status of an order: approved, rejected, pending.
func (s *Server) Approve(id string) error {
	return s.change(id, func(o *Order) {
		o.Status = "approved"
		s.event("salesorder.approve", o)
	})
}

func (s *Server) Reject(id string) error {
	return s.change(id, func(o *Order) { o.Status = "rejected" })
}

func (s *Server) Hold(id string) error {
	return s.change(id, func(o *Order) { o.Status = "pending" })
}

// Disable is how an order is deleted: it is hidden.
func (s *Server) Disable(id string) error {
	return s.change(id, func(o *Order) { o.Disabled = true })
}

// Label sets the custom status of an order; empty takes it away.
func (s *Server) Label(id, status string) error {
	return s.change(id, func(o *Order) { o.CustomStatus = status })
}

// Convert makes an invoice of an order.
func (s *Server) Convert(id string) error {
	return s.change(id, func(o *Order) { o.Invoice, o.Converted = s.id(), s.now() })
}

// Edit changes what an order says: there is another version of it, whose id it
// returns.
func (s *Server) Edit(id string, change func(o *Order)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current(id)
	if old == nil {
		return "", fmt.Errorf("there is no order %s", id)
	}
	return s.edit(old, change).ID, nil
}

func (s *Server) edit(old *Order, change func(o *Order)) *Order {
	o := old
	if !s.config.Options.SameID {
		later := old.clone()
		o = &later
		old.Superseded, old.Updated = true, s.now()
		s.orders = append(s.orders, o)
		o.ID = s.id()
	}
	o.Version++
	change(o)
	o.Updated = s.now()
	s.lines(o.Items, s.config.Options.Renumber)
	s.lines(o.Returns, s.config.Options.Renumber)
	return o
}

// Split moves the last line of an order to another one, whose id it returns; it is
// empty if there is only one line.
func (s *Server) Split(id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current(id)
	if old == nil || len(old.Items) < 2 {
		return "", nil
	}
	moved := old.clone()
	moved.ID, moved.Number, moved.SyncID, moved.Version, moved.Meta, moved.Returns = "", "", "", 0, nil, nil
	moved.Items = moved.Items[len(moved.Items)-1:]
	moved.Items[0].ID = ""
	s.edit(old, func(o *Order) { o.Items = o.Items[:len(o.Items)-1] })
	return s.create(moved).ID, nil
}

// Erase removes all versions of an order as if it had never been. The API can not;
// the vendor's support could.
func (s *Server) Erase(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(id); o != nil {
		s.orders = slices.DeleteFunc(s.orders, func(other *Order) bool { return other.Number == o.Number })
	}
}

// Orders gives the latest version of each order, in the order of their creation.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Order
	for _, o := range s.orders {
		if !o.Superseded {
			out = append(out, o.clone())
		}
	}
	slices.SortStableFunc(out, func(a, b Order) int { return strings.Compare(a.Number, b.Number) })
	return out
}

// Order gives the latest version of the order that has, or once had, an id.
func (s *Server) Order(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.current(id)
	if o == nil {
		return Order{}, false
	}
	return o.clone(), true
}
