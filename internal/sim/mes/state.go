package mes

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// MachineSetup is a machine as the back office configured it.
type MachineSetup struct {
	Code string `json:"code"`
	Name string `json:"name"`
	// ID is the machine's number; 0 lets the server give one.
	ID int `json:"id"`
	// Waste lists the waste codes of the machine.
	Waste []string `json:"waste"`
	// Parameters of the machine.
	Parameters []ParameterSetup `json:"parameters"`
	// Types are the downtime types assigned to the machine.
	Types []TypeSetup `json:"types"`
	// InProduction says that a worker has a production open from the start.
	InProduction bool `json:"in_production"`
	// Work is what that production is for.
	Work Work `json:"work"`
	// QuantityRatio is the pieces per count of the operation; 0 means 1.
	QuantityRatio float64 `json:"quantity_ratio"`
}

// ParameterSetup is a parameter: the counter service knows it by name, the
// parameters service by code.
type ParameterSetup struct {
	Name string `json:"name"`
	Code string `json:"code"`
	// Kind of the values: number or text; empty takes either.
	Kind string `json:"kind"`
}

// TypeSetup is a downtime type. The lists say its name.
type TypeSetup struct {
	Name string `json:"name"`
	// Code in the back office; empty is the same as the name.
	Code string `json:"code"`
	// RequiresWorker says that only a worker can begin such a downtime.
	RequiresWorker bool `json:"requires_worker"`
}

// Machine is what this Prodsmart holds about one machine.
type Machine struct {
	MachineSetup
	// Counter is the last accepted count, Counted whether there was one.
	Counter float64            `json:"counter"`
	Counted bool               `json:"counted"`
	WasteOf map[string]float64 `json:"waste_of"`
	// Values hold the newest values of the parameters by name, History all of
	// them if the option says that they are appended.
	Values  map[string]json.RawMessage   `json:"values"`
	History map[string][]json.RawMessage `json:"history"`
	// Productions and Downtimes, oldest first.
	Productions []Production `json:"productions"`
	Downtimes   []Downtime   `json:"downtimes"`
	// Uncredited pieces wait for the next production.
	Uncredited      float64            `json:"uncredited"`
	UncreditedWaste map[string]float64 `json:"uncredited_waste"`
	// Accepted is the number of calls that were applied, by service.
	Accepted map[string]int `json:"accepted"`

	counterDay string
	foreign    bool // another writer posted the last accepted count
}

// Work is what a worker begins at a machine. An empty field is not known.
type Work struct {
	// Worker is the worker's number; 0 means 1.
	Worker    int    `json:"worker"`
	Order     string `json:"order,omitempty"`
	Operation string `json:"operation,omitempty"`
	Product   string `json:"product,omitempty"`
}

// Production is one record of a worker at the machine.
type Production struct {
	ID int `json:"id"`
	Work
	Start      time.Time                  `json:"start"`
	End        time.Time                  `json:"end,omitzero"`
	Paused     bool                       `json:"paused"`
	Quantity   float64                    `json:"quantity"`
	Waste      map[string]float64         `json:"waste"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Shipping   string                     `json:"shipping,omitempty"`
	Lot        string                     `json:"lot,omitempty"`
	// Down is the time of the downtimes that fell into the production.
	Down time.Duration `json:"down"`

	orderID int
}

// Downtime is one downtime, stamped by the arrival of the calls.
type Downtime struct {
	ID    int       `json:"id"`
	Type  string    `json:"type"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
	// ByWorker says that a worker began it, not the machine.
	ByWorker bool `json:"by_worker"`
	// StartedBy and ClosedBy are numbers of workers; 0 is the machine.
	StartedBy int `json:"started_by,omitempty"`
	ClosedBy  int `json:"closed_by,omitempty"`
	// Order and Product of the production that was open when it began.
	Order   string `json:"order,omitempty"`
	Product string `json:"product,omitempty"`
}

// Open says that the production has not been finished.
func (p Production) Open() bool { return p.End.IsZero() }

// Open says that the downtime has not been ended.
func (d Downtime) Open() bool { return d.End.IsZero() }

func newMachine(m MachineSetup) *Machine {
	m.Waste, m.Parameters = slices.Clone(m.Waste), slices.Clone(m.Parameters)
	return &Machine{
		MachineSetup:    m,
		WasteOf:         map[string]float64{},
		UncreditedWaste: map[string]float64{},
		Values:          map[string]json.RawMessage{},
		History:         map[string][]json.RawMessage{},
		Accepted:        map[string]int{},
	}
}

// copy is a snapshot that shares nothing with the machine.
func (m *Machine) copy() Machine {
	c := *m
	c.MachineSetup.Waste = slices.Clone(m.MachineSetup.Waste)
	c.Parameters = slices.Clone(m.Parameters)
	c.WasteOf = maps.Clone(m.WasteOf)
	c.UncreditedWaste = maps.Clone(m.UncreditedWaste)
	c.Values = maps.Clone(m.Values)
	c.History = maps.Clone(m.History)
	c.Accepted = maps.Clone(m.Accepted)
	c.Downtimes = slices.Clone(m.Downtimes)
	c.Productions = slices.Clone(m.Productions)
	for i := range c.Productions {
		c.Productions[i].Waste = maps.Clone(c.Productions[i].Waste)
		c.Productions[i].Parameters = maps.Clone(c.Productions[i].Parameters)
	}
	return c
}

func (m *Machine) openProductions() []*Production {
	var open []*Production
	for i := range m.Productions {
		if p := &m.Productions[i]; p.Open() {
			open = append(open, p)
		}
	}
	return open
}

func (m *Machine) openDowntimes() []*Downtime {
	var open []*Downtime
	for i := range m.Downtimes {
		if d := &m.Downtimes[i]; d.Open() {
			open = append(open, d)
		}
	}
	return open
}

// newID numbers machines, records and faults in one row.
func (s *Server) newID() int {
	s.nextID++
	return s.nextID
}

// startProduction opens a record for a worker.
func (s *Server) startProduction(m *Machine, w Work) int {
	return s.startProductionFor(m, w, s.orderID(w.Order))
}

// startProductionFor opens a record for an order, of which several may have the
// code.
func (s *Server) startProductionFor(m *Machine, w Work, order int) int {
	if w.Worker == 0 {
		w.Worker = 1
	}
	p := Production{ID: s.newID(), Work: w, orderID: order, Start: s.now(), Waste: map[string]float64{}, Parameters: map[string]json.RawMessage{}}
	if s.options.NoProduction == NoProductionCredit {
		p.Quantity, m.Uncredited = m.Uncredited, 0
		p.Waste, m.UncreditedWaste = m.UncreditedWaste, map[string]float64{}
	}
	if s.options.CounterScope == ScopePerProduction {
		m.Counter, m.Counted = 0, false
		clear(m.WasteOf)
	}
	m.Productions = append(m.Productions, p)
	begun := &m.Productions[len(m.Productions)-1]
	if begun.Quantity != 0 {
		s.quantityChanged(m, begun)
	} else {
		s.productionChanged(m, begun)
	}
	return p.ID
}

// finishProductions closes all records of the machine and says how many.
func (s *Server) finishProductions(m *Machine) int {
	open := m.openProductions()
	for _, p := range open {
		p.End = s.now()
		s.productionChanged(m, p)
	}
	return len(open)
}

// openDowntime begins a downtime and lets the productions feel it. The worker
// is 0 if the machine began it.
func (s *Server) openDowntime(m *Machine, downtimeType string, worker int) {
	d := Downtime{ID: s.newID(), Type: downtimeType, Start: s.now(), ByWorker: worker != 0, StartedBy: worker}
	open := m.openProductions()
	if len(open) > 0 {
		d.Order, d.Product = open[0].Order, open[0].Product
	}
	m.Downtimes = append(m.Downtimes, d)
	for _, p := range open {
		switch s.options.StopEffect {
		case EffectPause:
			p.Paused = true
		case EffectCheckOut:
			p.End = s.now()
			s.productionChanged(m, p)
		}
	}
	s.downtimeChanged(m, &m.Downtimes[len(m.Downtimes)-1])
}

// closeDowntime ends a downtime; the worker is 0 if the machine did.
func (s *Server) closeDowntime(m *Machine, d *Downtime, worker int) {
	d.End, d.ClosedBy = s.now(), worker
	for _, p := range m.openProductions() {
		p.Paused = false
		from := d.Start
		if p.Start.After(from) {
			from = p.Start
		}
		p.Down += d.End.Sub(from)
	}
	s.downtimeChanged(m, d)
}
