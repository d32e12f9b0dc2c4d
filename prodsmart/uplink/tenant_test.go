package uplink

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// tenantOptions are the open questions of the machine services.
type tenantOptions struct {
	acceptEqual      bool   // else refused
	acceptEqualWaste bool   // else refused
	repeatStop       string // noop, opens, refused
	refuseNeedless   bool   // a start without an open downtime
	refuseZero       bool   // nothing that does not grow, the first zero included
}

// tenant is a pretend Prodsmart that remembers what it should never have seen.
type tenant struct {
	tenantOptions
	machines map[string]*tenantMachine
	wrong    []string
	// refuses says what is not taken now, with the given status; nil takes all.
	refuses func(prodsmart.Post) bool
	status  int
}

type tenantMachine struct {
	counted    bool
	count      int64
	waste      map[string]int64
	parameters map[string]string
	open       []string // types of the open downtimes
	opened     int
	doubles    int
}

func (t *tenant) machine(code string) *tenantMachine {
	m := t.machines[code]
	if m == nil {
		m = &tenantMachine{waste: map[string]int64{}, parameters: map[string]string{}}
		t.machines[code] = m
	}
	return m
}

// apply does what a post asks for and says whether it was taken.
func (t *tenant) apply(now time.Time, p prodsmart.Post) bool {
	if t.refuses != nil && t.refuses(p) {
		return false
	}
	m, b := t.machine(p.Machine), parse(p)
	switch p.Service {
	case prodsmart.StartStopService:
		return t.startStop(m, b)
	case prodsmart.ParametersService:
		for _, q := range b.Parameters {
			m.parameters[q.Code] = string(q.Value)
		}
		return true
	}
	if *b.Count < m.count {
		t.wrong = append(t.wrong, fmt.Sprintf("%s %s: count %d after %d", now.Format("15:04:05.0"), p.Machine, *b.Count, m.count))
		return false
	}
	if *b.Count == m.count && !t.acceptEqual && (m.counted || t.refuseZero) {
		return false
	}
	for _, w := range b.Waste {
		stored, known := m.waste[w.Code]
		if w.Quantity < stored {
			t.wrong = append(t.wrong, fmt.Sprintf("%s %s: waste %d after %d", now.Format("15:04:05.0"), p.Machine, w.Quantity, stored))
		}
		if w.Quantity <= stored && !t.acceptEqualWaste && (known || t.refuseZero) {
			return false
		}
	}
	m.counted, m.count = true, *b.Count
	for _, w := range b.Waste {
		m.waste[w.Code] = w.Quantity
	}
	for _, q := range b.Parameters {
		m.parameters[q.Name] = string(q.Value)
	}
	return true
}

func (t *tenant) startStop(m *tenantMachine, b body) bool {
	if *b.Running == 1 {
		if len(m.open) == 0 {
			return !t.refuseNeedless
		}
		m.open = m.open[:len(m.open)-1]
		return true
	}
	if len(m.open) > 0 && m.open[len(m.open)-1] == b.Type {
		switch t.repeatStop {
		case "noop":
			return true
		case "refused":
			return false
		}
		m.doubles++
	} else {
		m.open = nil // another type closes and opens
	}
	m.open = append(m.open, b.Type)
	m.opened++
	return true
}
