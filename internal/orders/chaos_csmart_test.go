package orders_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/csmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	sim "github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// csmartOffice is a pretend CSMART with people in it, whose lists have the ways of its
// language. Nobody can ask it for one order: what is missing is gone.
type csmartOffice struct {
	server   *sim.Server
	http     *http.Client
	products map[string]string // ids by code
	ids      []string
	ever     map[string]int
	gone     map[string]bool
	number   int
	began    time.Time
}

func newCSMARTOffice(t *testing.T) *csmartOffice {
	o := &csmartOffice{products: map[string]string{}, ever: map[string]int{}, gone: map[string]bool{}, began: time.Now(),
		server: sim.New(sim.Config{Domain: "meble", Email: "biuro@meble.pl", Password: "hush-hush", Options: sim.Options{NumericKeys: true, EmptyText: true, BOM: true, Comma: true, PolishDates: true, NoCode: true}})}
	network := pipe.New()
	t.Cleanup(network.Serve(o.server))
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	o.http = &http.Client{Transport: transport}
	for _, code := range goods() {
		o.products[code] = o.server.AddProduct(sim.Product{Code: code, Name: "Wyrób " + code, Unit: "szt"})
	}
	o.server.AddAccount(sim.Account{Name: "Meble Nowak", TaxNo: "5250000000", Type: "firma"})
	return o
}

func (o *csmartOffice) config() orders.Config {
	s := rules.Defaults("csmart")
	s.Prefix, s.MostCancelled, s.Keep = "CS-", 20, 15*24*time.Hour
	s.Writes = map[erp.Kind]rules.WriteRule{erp.Task: {On: rules.OnClose}}
	return orders.Config{
		Name: "csmart", Settings: s, Every: 15 * time.Minute, FullEvery: 24 * time.Hour,
		Open: func(string, func(string) error) (erp.Source, error) {
			return csmart.New(csmart.Config{Address: "http://127.0.0.1/app/api.php", Domain: "meble", Email: "biuro@meble.pl", Password: "hush-hush",
				Tasks: csmart.TaskConfig{Kinds: []erp.Kind{erp.Task}}}, csmart.Deps{HTTP: o.http})
		},
	}
}

func (o *csmartOffice) item(r *rand.Rand) sim.Item {
	code, quantity := randomLine(r)
	return sim.Item{Product: o.products[code], Code: code, Name: "Wyrób " + code, Quantity: quantity + ".000", Unit: "szt", Price: "1500.00"}
}

// act is one thing that the office does.
func (o *csmartOffice) act(r *rand.Rand) {
	if len(o.ids) == 0 || r.IntN(10) < 6 {
		o.number++
		order := sim.Order{Number: fmt.Sprintf("ZS/%d/2026", o.number), Status: "nowe", Date: time.Now().Format(time.DateOnly), Delivery: time.Now().AddDate(0, 0, 2+r.IntN(8)).Format(time.DateOnly), AccountName: "Meble Nowak", TaxNo: "5250000000"}
		n := 1 + r.IntN(3)
		for range n {
			order.Items = append(order.Items, o.item(r))
		}
		id := o.server.Create(order)
		o.ids, o.ever[id] = append(o.ids, id), n
		return
	}
	id := o.ids[max(0, len(o.ids)-1-r.IntN(40))]
	if o.gone[id] {
		return
	}
	switch r.IntN(12) {
	case 0, 1, 2:
		o.server.Edit(id, func(d *sim.Order) { _, d.Items[r.IntN(len(d.Items))].Quantity = randomLine(r) })
	case 3, 4:
		o.server.Edit(id, func(d *sim.Order) { d.Delivery = time.Now().AddDate(0, 0, 3+r.IntN(8)).Format(time.DateOnly) })
	case 5:
		o.ever[id]++
		o.server.Edit(id, func(d *sim.Order) { d.Items = append(d.Items, o.item(r)) })
	case 6:
		o.server.Edit(id, func(d *sim.Order) {
			if len(d.Items) > 1 {
				d.Items = d.Items[1:]
			}
		})
	case 7:
		o.over(id, "anulowane")
	case 8:
		o.over(id, "zrealizowane")
	case 9, 10:
		o.server.Edit(id, func(d *sim.Order) {
			switch d.Status {
			case "nowe":
				d.Status = "wstrzymane"
			case "wstrzymane":
				d.Status = "nowe"
			}
		})
	case 11:
		o.gone[id] = true
		o.server.Delete(id)
	}
}

// over ends an order.
func (o *csmartOffice) over(id, status string) {
	o.gone[id] = true
	o.server.Edit(id, func(d *sim.Order) { d.Status = status })
}

func (o *csmartOffice) trouble(r *rand.Rand) {
	kinds := []sim.FaultKind{sim.Status500, sim.TooMany, sim.Failed, sim.Expired, sim.DropBefore, sim.DropAfter, sim.Commit500, sim.CommitFail, sim.Page, sim.Warning, sim.Empty, sim.HalfAnswer, sim.NoData, sim.WrongTypes}
	o.server.AddFault(sim.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(60)})
}

func (o *csmartOffice) mend() { o.server.ClearFaults() }

func (o *csmartOffice) wants() map[string]document {
	states := map[string]erp.State{"nowe": erp.Open, "wstrzymane": erp.Held, "anulowane": erp.Cancelled, "zrealizowane": erp.Closed}
	out := map[string]document{}
	for _, d := range o.server.Orders() {
		want := document{state: states[d.Status], ever: o.ever[d.ID]}
		for _, i := range d.Items {
			want.lines = append(want.lines, line{i.Code, i.Quantity})
		}
		out[d.ID] = want
	}
	return out
}

// overspent holds the calls of a day against one read each quarter of an hour, and what is
// looked up and written besides. Tasks are one for each line.
func (o *csmartOffice) overspent() string {
	for at := o.began; at.Before(time.Now()); at = at.AddDate(0, 0, 1) {
		for module, most := range map[string]int{"SalesOrders": 96 + 24, "Products": 24 + 24} {
			if n := o.server.Count(module, "List", at); n > most {
				return fmt.Sprintf("%d reads of %s on %s", n, module, at.Format(time.DateOnly))
			}
		}
	}
	seen := map[string]string{}
	for _, task := range o.server.Tasks() {
		if other := seen[task.Description2]; other != "" {
			return fmt.Sprintf("two tasks have the marker %s: %s and %s", task.Description2, other, task.ID)
		}
		seen[task.Description2] = task.ID
	}
	return ""
}
