package mes

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// DowntimeEdit is what a person changes of a downtime; nil leaves it as it is.
type DowntimeEdit struct {
	Type  *string    `json:"type"`
	Start *time.Time `json:"start"`
	// End ends a downtime that is open.
	End *time.Time `json:"end"`
}

// ProductionEdit is what a person changes of a production; nil leaves it as it
// is. What machines count later is added to the changed quantity.
type ProductionEdit struct {
	Quantity *float64 `json:"quantity"`
	// Waste replaces the quantities of the codes in it; 0 removes one.
	Waste     map[string]float64 `json:"waste"`
	Worker    *int               `json:"worker"`
	Order     *string            `json:"order"`
	Operation *string            `json:"operation"`
	Product   *string            `json:"product"`
	Start     *time.Time         `json:"start"`
	// End finishes a production that is open.
	End *time.Time `json:"end"`
}

// EditDowntime changes a downtime by hand.
func (s *Server) EditDowntime(id int, e DowntimeEdit) error {
	s.lock()
	defer s.mu.Unlock()
	m, i := s.findDowntime(id)
	if m == nil {
		return missing("downtime", id)
	}
	d := &m.Downtimes[i]
	changed := *d
	put(&changed.Type, e.Type)
	put(&changed.Start, e.Start)
	put(&changed.End, e.End)
	if !changed.Open() && changed.End.Before(changed.Start) {
		return fmt.Errorf("downtime %d would end before it begins", id)
	}
	if d.Open() && !changed.Open() {
		s.closeDowntime(m, d, 1)
		changed.ClosedBy = d.ClosedBy
	}
	*d = changed
	s.downtimeChanged(m, d)
	return nil
}

// DeleteDowntime removes a downtime by hand, open or not.
func (s *Server) DeleteDowntime(id int) error {
	s.lock()
	defer s.mu.Unlock()
	m, i := s.findDowntime(id)
	if m == nil {
		return missing("downtime", id)
	}
	if d := &m.Downtimes[i]; d.Open() {
		s.closeDowntime(m, d, 1) // what was paused goes on
	}
	gone := m.Downtimes[i]
	m.Downtimes = slices.Delete(m.Downtimes, i, i+1)
	s.changed(kindDowntime, id, s.downtimeShape(m, &gone), true)
	return nil
}

// EditProduction changes a production by hand. The counter of the machine stays.
func (s *Server) EditProduction(id int, e ProductionEdit) error {
	s.lock()
	defer s.mu.Unlock()
	m, i := s.findProduction(id)
	if m == nil {
		return missing("production", id)
	}
	p := &m.Productions[i]
	changed := *p
	put(&changed.Quantity, e.Quantity)
	put(&changed.Worker, e.Worker)
	put(&changed.Order, e.Order)
	put(&changed.Operation, e.Operation)
	put(&changed.Product, e.Product)
	put(&changed.Start, e.Start)
	put(&changed.End, e.End)
	if !changed.Open() && changed.End.Before(changed.Start) {
		return fmt.Errorf("production %d would end before it begins", id)
	}
	if e.Order != nil {
		changed.orderID = s.orderID(*e.Order)
	}
	for code, q := range e.Waste {
		changed.Waste[code] = q
		if q == 0 {
			delete(changed.Waste, code)
		}
	}
	s.replaceProduction(m, p, changed)
	return nil
}

// DeleteProduction removes a production by hand, open or not.
func (s *Server) DeleteProduction(id int) error {
	s.lock()
	defer s.mu.Unlock()
	m, i := s.findProduction(id)
	if m == nil {
		return missing("production", id)
	}
	s.dropProduction(m, i)
	return nil
}

// ForeignCall is a call to a machine's service (counter, parameters or
// startstop) by another writer of the company. It spends from the company's
// limit, is recorded with By "foreign", and breaks no rule of the client's.
func (s *Server) ForeignCall(service, machine, body string) (status int, text string) {
	s.lock()
	defer s.mu.Unlock()
	d := delivery{r: &http.Request{Method: http.MethodPost}, call: Call{Time: s.now(), Method: http.MethodPost,
		Path: "/api/machines/" + machine + "/" + service, Machine: machine, Body: body, By: byForeign}}
	switch service {
	case serviceCounter, serviceParameters, serviceStartStop:
		d.call.Service = service
	}
	ok, pause := s.limit.Take(d.call.Time)
	d.over, d.pause = !ok, pause
	a := s.carryOut(&d)
	return a.status, a.body
}

func (s *Server) findDowntime(id int) (*Machine, int) {
	for _, m := range s.machines {
		if i := slices.IndexFunc(m.Downtimes, func(d Downtime) bool { return d.ID == id }); i >= 0 {
			return m, i
		}
	}
	return nil, 0
}

func (s *Server) findProduction(id int) (*Machine, int) {
	for _, m := range s.machines {
		if i := slices.IndexFunc(m.Productions, func(p Production) bool { return p.ID == id }); i >= 0 {
			return m, i
		}
	}
	return nil, 0
}

func missing(what string, id int) error { return fmt.Errorf("%s %d does not exist", what, id) }

// put replaces a value by one that may be given.
func put[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}
