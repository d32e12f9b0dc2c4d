package orders_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smartup"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	sim "github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// smartupOffice is a pretend Smartup with people in it.
type smartupOffice struct {
	server *sim.Server
	http   *http.Client
	ids    []string
	ever   map[string]int
	gone   map[string]bool
	began  time.Time
	far    time.Time
}

func newSmartupOffice(t *testing.T) *smartupOffice {
	o := &smartupOffice{ever: map[string]int{}, gone: map[string]bool{}, began: time.Now(), server: sim.New(sim.Config{User: "gateway@plant", Password: "hush-hush", ProjectCode: "trade", FilialID: "12",
		Options: sim.Options{Renumber: true}})}
	network := pipe.New()
	t.Cleanup(network.Serve(o.server))
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	o.http = &http.Client{Transport: transport}
	return o
}

func (o *smartupOffice) config() orders.Config {
	s := rules.Defaults("smartup")
	s.Prefix, s.MostCancelled, s.Keep = "SU-", 20, 15*24*time.Hour
	s.Writes = map[erp.Kind]rules.WriteRule{erp.Note: {On: rules.OnStep, Step: dec("20")}}
	return orders.Config{
		Name: "smartup", Settings: s, Every: 15 * time.Minute, FullEvery: 24 * time.Hour, Unseen: 6 * 24 * time.Hour, UnseenPerDay: 50,
		Open: func(kept string, keep func(string) error) (erp.Source, error) {
			return smartup.New(smartup.Config{Address: "http://127.0.0.1", User: "gateway@plant", Password: "hush-hush", ProjectCode: "trade", FilialID: "12",
				Write: smartup.WriteConfig{Kinds: []erp.Kind{erp.Note}}}, smartup.Deps{HTTP: o.http, Kept: kept, Keep: keep})
		},
	}
}

func randomLine(r *rand.Rand) (product, quantity string) {
	all := goods()
	return all[r.IntN(len(all))], strconv.Itoa(10 + r.IntN(90))
}

func (o *smartupOffice) create(r *rand.Rand) {
	order := sim.Order{Status: "B#N", DeliveryDate: time.Now().AddDate(0, 0, 2+r.IntN(8)), PersonCode: "c7", PersonName: "Bahor Savdo", FilialCode: "f1"}
	n := 1 + r.IntN(3)
	for range n {
		product, quantity := randomLine(r)
		order.Lines = append(order.Lines, sim.Line{ProductCode: product, Quantity: quantity, Kind: "P"})
	}
	if r.IntN(5) == 0 {
		order.Lines = append(order.Lines, sim.Line{ProductCode: "G-1", Quantity: "3", Kind: "G"})
	}
	id := o.server.Create(order)
	o.ids = append(o.ids, id)
	o.ever[id] = n
}

// act is one thing that the sales people do.
func (o *smartupOffice) act(r *rand.Rand) {
	if len(o.ids) == 0 || r.IntN(10) < 6 {
		o.create(r)
		return
	}
	id := o.ids[max(0, len(o.ids)-1-r.IntN(40))]
	if o.gone[id] {
		return
	}
	switch r.IntN(12) {
	case 0, 1, 2:
		_ = o.server.Edit(id, func(d *sim.Order) {
			_, d.Lines[r.IntN(len(d.Lines))].Quantity = randomLine(r)
		})
	case 3, 4:
		_ = o.server.Edit(id, func(d *sim.Order) { d.DeliveryDate = d.DeliveryDate.AddDate(0, 0, 1+r.IntN(3)) })
	case 5:
		o.ever[id]++
		_ = o.server.Edit(id, func(d *sim.Order) {
			product, quantity := randomLine(r)
			d.Lines = append(d.Lines, sim.Line{ProductCode: product, Quantity: quantity, Kind: "P"})
		})
	case 6:
		_ = o.server.Edit(id, func(d *sim.Order) {
			if len(d.Lines) > 1 {
				d.Lines = d.Lines[1:]
			}
		})
	case 7:
		o.set(id, "C")
	case 8:
		o.set(id, "D")
	case 9:
		o.set(id, "B#N")
	case 10:
		o.set(id, "B#S")
	case 11:
		if next, err := o.server.Split(id); err == nil && next != "" {
			o.ids = append(o.ids, next)
			o.ever[next] = 1
		}
	}
}

// set changes a status as people may: what is over stays over.
func (o *smartupOffice) set(id, status string) {
	for _, d := range o.server.Orders() {
		if d.DealID == id && (d.Status == "C" || d.Status == "B#S") {
			return
		}
	}
	_ = o.server.SetStatus(id, status)
}

func (o *smartupOffice) trouble(r *rand.Rand) {
	kinds := []sim.FaultKind{sim.Status500, sim.Commit500, sim.DropBefore, sim.DropAfter, sim.Page, sim.Text, sim.Empty, sim.HalfAnswer, sim.NoRoot}
	o.server.AddFault(sim.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(60)})
}

func (o *smartupOffice) mend() { o.server.ClearFaults() }

func (o *smartupOffice) wants() map[string]document {
	states := map[string]erp.State{"B#N": erp.Open, "B#E": erp.Open, "B#W": erp.Open, "D": erp.Held, "C": erp.Cancelled, "B#S": erp.Closed}
	out := map[string]document{}
	for _, d := range o.server.Orders() {
		want := document{state: states[d.Status], ever: o.ever[d.DealID]}
		for _, l := range d.Lines {
			if l.Kind == "P" {
				want.lines = append(want.lines, line{l.ProductCode, l.Quantity})
			}
		}
		out[d.DealID] = want
	}
	return out
}

func (o *smartupOffice) overspent() string {
	for at := o.began; at.Before(time.Now()); at = at.AddDate(0, 0, 1) {
		for class, most := range map[string]int{sim.Frequent: 500, sim.Rare: 300, sim.Reference: 100} {
			if n := o.server.Used(class, at); n > most {
				return fmt.Sprintf("%d %s calls on %s", n, class, at.Format(time.DateOnly))
			}
		}
	}
	return ""
}
