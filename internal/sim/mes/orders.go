package mes

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Order is a production order.
type Order struct {
	ID           int           `json:"id"`
	Code         string        `json:"code"`
	Description  string        `json:"description"`
	Notes        string        `json:"notes"`
	Start        time.Time     `json:"start"`
	Due          time.Time     `json:"due"`
	Lines        []OrderLine   `json:"lines"`
	Shipping     string        `json:"shipping"`
	SerialNumber string        `json:"serial_number"`
	Location     string        `json:"location"`
	Workers      []int         `json:"workers"`
	Machines     []string      `json:"machines"`
	Custom       []CustomField `json:"custom"`
	PiecesByBox  float64       `json:"pieces_by_box"`
	Active       bool          `json:"active"`
	Staged       bool          `json:"staged"`
	// Ended says that somebody closed it, Archived that somebody archived it.
	Ended    bool `json:"ended"`
	Archived bool `json:"archived"`
	// Messages are the short ones that notify brought.
	Messages []string `json:"messages"`
	// Extra are fields that the documentation does not know. Reads give them.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// OrderLine is one product of an order.
type OrderLine struct {
	Product      string  `json:"product"`
	Ordered      float64 `json:"ordered"`
	Observations string  `json:"observations"`
	// Booked is what was made besides the records of this Prodsmart.
	Booked float64 `json:"booked"`
}

// CustomField is a field that the company made up.
type CustomField struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// WorkerSetup is a worker, with the groups that he or she is in besides All.
type WorkerSetup struct {
	Number int      `json:"number"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// allWorkers is the group that everybody is in.
const allWorkers = "All"

// copy is a snapshot that shares nothing with the order.
func (o *Order) copy() Order {
	c := *o
	c.Lines, c.Workers, c.Machines = slices.Clone(o.Lines), slices.Clone(o.Workers), slices.Clone(o.Machines)
	c.Custom, c.Messages, c.Extra = slices.Clone(o.Custom), slices.Clone(o.Messages), maps.Clone(o.Extra)
	return c
}

// sortedOrders are all orders by number. The caller holds the lock.
func (s *Server) sortedOrders() []*Order {
	return slices.SortedFunc(maps.Values(s.orders), func(a, b *Order) int { return cmp.Compare(a.ID, b.ID) })
}

// addOrder gives an order its number and takes it in. An order that records
// know already by its code gets the number that they know.
func (s *Server) addOrder(o *Order) {
	o.ID = s.codeID("order", o.Code)
	if s.orders[o.ID] != nil || s.gone[o.ID] {
		o.ID = s.newID()
	}
	s.orders[o.ID] = o
	s.orderChanged(o)
}

// removeOrder deletes an order.
func (s *Server) removeOrder(o *Order) {
	entity := s.orderShape(o)
	entity["running-status"] = "deleted"
	delete(s.orders, o.ID)
	s.gone[o.ID] = true
	s.changed(kindOrder, o.ID, entity, true)
}

// orderID is the number of the order of a code: of the oldest one that is not
// closed if several have it; 0 for no code.
func (s *Server) orderID(code string) int {
	if code == "" {
		return 0
	}
	found := 0
	for _, o := range s.sortedOrders() {
		if o.Code != code {
			continue
		}
		if !o.Ended && !o.Archived {
			return o.ID
		}
		found = cmp.Or(found, o.ID)
	}
	if found != 0 {
		return found
	}
	return s.codeID("order", code)
}

// made is what there is of each line of an order. A record of no product that
// the order has counts for the first line. Of a product that is known with its
// operations, only what the last one made is there.
func (s *Server) made(o *Order) []float64 {
	var records []*Production
	for _, m := range s.machines {
		for i := range m.Productions {
			if p := &m.Productions[i]; p.orderID == o.ID {
				records = append(records, p)
			}
		}
	}
	return s.madeOf(o, records)
}

// byOrder are the records of all orders, by their number.
func (s *Server) byOrder() map[int][]*Production {
	records := map[int][]*Production{}
	for _, m := range s.machines {
		for i := range m.Productions {
			p := &m.Productions[i]
			records[p.orderID] = append(records[p.orderID], p)
		}
	}
	return records
}

// madeOf is made, with the order's records.
func (s *Server) madeOf(o *Order, records []*Production) []float64 {
	made, last := make([]float64, len(o.Lines)), make([]string, len(o.Lines))
	for i, l := range o.Lines {
		made[i], last[i] = l.Booked, s.lastOperation(l.Product)
	}
	for _, p := range records {
		line := max(0, slices.IndexFunc(o.Lines, func(l OrderLine) bool { return l.Product == p.Product }))
		if p.Operation == "" || last[line] == "" || p.Operation == last[line] {
			made[line] += p.Quantity
		}
	}
	return made
}

// lastOperation is the code of the operation that finishes a product; empty if
// that is not known.
func (s *Server) lastOperation(product string) string {
	p := s.product(product)
	if p == nil {
		return ""
	}
	last := ""
	operations, _ := p.fields["operations"].([]any)
	for _, operation := range operations {
		is, _ := operation.(map[string]any)
		if disabled, _ := is["disabled"].(bool); !disabled {
			last = within(is, "code")
		}
	}
	return last
}

// standing is the state of an order by the clock and by what was made.
func (s *Server) standing(o *Order, made []float64) (status, running string) {
	begun, complete := false, true
	for i, l := range o.Lines {
		begun = begun || made[i] > 0
		complete = complete && made[i] >= l.Ordered
	}
	now := s.now()
	switch {
	case complete:
		status = "completed"
	case now.After(o.Due):
		status = "delayed"
	case now.Before(o.Start) && !begun:
		status = "scheduled"
	default:
		status = "onschedule"
	}
	switch {
	case o.Archived:
		running = "archived"
	case o.Ended || complete && s.options.OrderCompletion == CompletionCloses:
		running = "closed"
	case begun:
		running = "started"
	default:
		running = "notstarted"
	}
	return status, running
}

// orderChanged tells of an order.
func (s *Server) orderChanged(o *Order) {
	if s.listens(kindOrder, o.ID) {
		s.changed(kindOrder, o.ID, s.orderShape(o), false)
	}
}

// productionChanged tells of a production.
func (s *Server) productionChanged(m *Machine, p *Production) {
	if s.listens(kindProduction, p.ID) {
		s.changed(kindProduction, p.ID, s.productionShape(m, p, false), false)
	}
}

// quantityChanged tells of a production with another quantity, and of the order
// that it is for.
func (s *Server) quantityChanged(m *Machine, p *Production) {
	s.productionChanged(m, p)
	if o := s.orders[p.orderID]; o != nil {
		s.orderChanged(o)
	}
}

// productionRemoved tells that a production is gone.
func (s *Server) productionRemoved(m *Machine, p Production) {
	s.changed(kindProduction, p.ID, s.productionShape(m, &p, false), true)
	if o := s.orders[p.orderID]; o != nil {
		s.orderChanged(o)
	}
}

// downtimeChanged tells of a downtime.
func (s *Server) downtimeChanged(m *Machine, d *Downtime) {
	if s.listens(kindDowntime, d.ID) {
		s.changed(kindDowntime, d.ID, s.downtimeShape(m, d), false)
	}
}
