package prodsmart

import "time"

// Report is what Prodsmart should know of one machine now. The mapping rules
// write it, the uplink tells it. It holds no history: an older report is of no
// use once a newer one exists.
type Report struct {
	// Known is false until the machine's counter was read for the first time;
	// there is nothing to tell before.
	Known bool `json:"known"`
	// Count is the cumulative number of pieces, never falling. While a
	// downtime is open it stays where it was when the downtime began, unless
	// Contradiction is set.
	Count int64 `json:"count"`
	// Waste holds the cumulative waste per code, sorted by code. A code never
	// disappears and its quantity never falls.
	Waste []Waste `json:"waste,omitempty"`
	// Parameters hold the newest value of each, sorted by name.
	Parameters []Parameter `json:"parameters,omitempty"`
	// Stop is the downtime that should be open; its zero value says that none
	// should. It stays as it was while the machine's state is unknown.
	Stop Stop `json:"stop"`
	// Contradiction says that parts keep coming although the machine says it
	// stands; the count is then told while the downtime stays open.
	Contradiction bool `json:"contradiction,omitempty"`
	// Order names the production order or job that runs at the machine, as the
	// machine says it; empty if it says none. OrderCount is Count when Order
	// began: what came before was made for another one. OrderSince is when that
	// was.
	Order      string    `json:"order,omitempty"`
	OrderCount int64     `json:"order_count,omitempty"`
	OrderSince time.Time `json:"order_since,omitzero"`
}

// Waste is the cumulative quantity of one waste code.
type Waste struct {
	Code     string `json:"code"`
	Quantity int64  `json:"quantity"`
}

// Parameter is one process value. Prodsmart knows it by name in the counter
// service and by code in the parameters service.
type Parameter struct {
	Name string `json:"name"`
	Code string `json:"code"`
	// Value is a JSON literal: a number without loss, or a quoted text.
	Value string `json:"value"`
	// Version grows by one with each value worth telling.
	Version uint64 `json:"version"`
}

// Stop is one downtime as the machine lived it.
type Stop struct {
	// Episode numbers the downtimes of a machine from 1; 0 is no downtime. Two
	// episodes are two downtimes even if their types are equal.
	Episode uint64 `json:"episode,omitempty"`
	// Type is the downtime type as assigned to the machine in Prodsmart.
	Type string `json:"type,omitempty"`
	// Since is when the machine really stopped.
	Since time.Time `json:"since,omitzero"`
}
