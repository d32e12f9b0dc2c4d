package uplink

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// picky is a tenant who has things assigned and not assigned to machines as time
// goes on: downtime types, waste codes, parameters, whole machines.
type picky struct{ denied map[string]bool }

var pickyAbout = []string{"A", "B", "UNSPEC", "S", "T", "t", "u", "M0", "M1"}

// refuses says whether a post has anything in it that is not assigned now. The end
// of a downtime never has: its refusal says that somebody else ended it.
func (p picky) refuses(post prodsmart.Post) bool {
	b := parse(post)
	if b.Running != nil && *b.Running == 1 {
		return false
	}
	found := p.denied[post.Machine] || p.denied[b.Type]
	for _, w := range b.Waste {
		found = found || p.denied[w.Code]
	}
	for _, q := range b.Parameters {
		found = found || p.denied[q.Name+q.Code]
	}
	return found
}

// whim changes the tenant's mind, the reason of a stop, a parameter, or lets
// somebody ask for another try.
func (w *world) whim(p picky) {
	if w.chance(10) {
		about := pickyAbout[w.random.IntN(len(pickyAbout))]
		p.denied[about] = !p.denied[about] && w.chance(600)
	}
	for _, m := range w.machines {
		switch {
		case w.chance(1):
			w.desk.Unpark(w.now, m.code)
		case m.report.Stop.Episode != 0 && w.chance(5):
			m.report.Stop.Type = []string{"A", "B"}[w.random.IntN(2)]
			w.desk.Report(w.now, m.code, m.report)
		case w.chance(5) && len(m.report.Parameters) > 0:
			m.report.Parameters = slices.Clone(m.report.Parameters[:1])
			v := m.report.Parameters[0].Version
			m.report.Parameters = append(m.report.Parameters, prodsmart.Parameter{Name: "u", Code: "u", Value: fmt.Sprint(v), Version: v})
			w.desk.Report(w.now, m.code, m.report)
		}
	}
}

// TestPickyTenant: whatever is refused for a time, with answers lost and the
// gateway killed in between, in the end Prodsmart knows everything, nothing is
// open, and no condition stands.
func TestPickyTenant(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		for _, o := range []tenantOptions{{repeatStop: "noop"}, {repeatStop: "refused", refuseNeedless: true}, {repeatStop: "noop", acceptEqual: true, acceptEqualWaste: true}} {
			if pickyLife(t, seed, o); t.Failed() {
				return
			}
		}
	}
}

func pickyLife(t *testing.T, seed uint64, o tenantOptions) {
	w := newWorld(t, seed, o, 4)
	p := picky{map[string]bool{}}
	w.tenant.refuses, w.tenant.status = p.refuses, []int{400, 404}[seed%2]
	standing := map[string]bool{}
	spend := func(d time.Duration, alive bool) {
		for end := w.now.Add(d); w.now.Before(end); {
			if alive {
				w.whim(p)
			}
			kills := w.kills
			w.run(step, alive)
			if w.kills > kills {
				clear(standing) // conditions begin anew
			}
			for _, e := range w.events {
				key := e.Machine + " " + string(e.Code)
				if delete(standing, key); !e.Over && slices.Contains(conditions, e.Code) {
					standing[key] = true
				}
			}
			w.events = nil
		}
	}
	w.settings.RefusedRetry, w.settings.RefusedMax = time.Minute, 5*time.Minute
	w.start()
	for range 12 {
		w.faults = w.chance(800)
		spend(5*time.Minute, true)
		w.faults = false
		clear(p.denied)
		spend(20*time.Minute, false)
		if w.tenant.status != 400 { // a 400 may be taken for the proof that something was applied
			w.checkOpen(seed)
		}
		if t.Failed() {
			return
		}
	}
	for range 3 {
		for _, m := range w.machines {
			m.report.Stop = prodsmart.Stop{}
			m.report.Count++
			m.report.Waste = slices.Clone(m.report.Waste)
			for i := range m.report.Waste {
				m.report.Waste[i].Quantity++
			}
			w.desk.Report(w.now, m.code, m.report)
		}
		spend(10*time.Minute, false)
	}
	w.checkPicky(seed, standing)
}

// conditions are the codes of machines that begin and end.
var conditions = []Code{CounterRefused, ExtrasRefused, MachineRefused, ParametersRefused, FellBack, BacklogHeld}

func (w *world) checkPicky(seed uint64, standing map[string]bool) {
	if len(standing) > 0 || w.desk.inFlight != 0 {
		w.t.Errorf("seed %d: %v stand, %d are on their way", seed, standing, w.desk.inFlight)
	}
	for _, wrong := range w.tenant.wrong {
		w.t.Errorf("seed %d: %s", seed, wrong)
	}
	for _, m := range w.machines {
		server := w.tenant.machine(m.code)
		if server.count != m.report.Count || len(server.open) > 0 || server.doubles > 0 {
			w.t.Errorf("seed %d %s: count %d, told %d; open %v, doubled %d; record %s", seed, m.code, m.report.Count, server.count, server.open, server.doubles, w.ledger[m.code])
		}
		for _, x := range m.report.Waste {
			if server.waste[x.Code] != x.Quantity {
				w.t.Errorf("seed %d %s: waste %+v, told %d; record %s", seed, m.code, x, server.waste[x.Code], w.ledger[m.code])
			}
		}
		for _, q := range m.report.Parameters {
			if server.parameters[q.Name] != q.Value {
				w.t.Errorf("seed %d %s: parameter %+v, told %s; record %s", seed, m.code, q, server.parameters[q.Name], w.ledger[m.code])
			}
		}
	}
}
