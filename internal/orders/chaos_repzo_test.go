package orders_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/repzo"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	sim "github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/repzo"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// repzoOffice is a pretend Repzo with reps and an office.
type repzoOffice struct {
	server   *sim.Server
	http     *http.Client
	unit     string
	variants map[string]string // ids by code
	codes    map[string]string // codes by id
	ids      []string
	ever     map[string]int // by number
	began    time.Time
}

func newRepzoOffice(t *testing.T) *repzoOffice {
	o := &repzoOffice{variants: map[string]string{}, codes: map[string]string{}, ever: map[string]int{}, began: time.Now(),
		server: sim.New(sim.Config{Key: "hush-hush", Options: sim.Options{Renumber: true, HideDisabled: true}})}
	network := pipe.New()
	t.Cleanup(network.Serve(o.server))
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	o.http = &http.Client{Transport: transport}
	o.unit = o.server.AddUnit("piece", "1")
	for _, code := range goods() {
		id := o.server.AddProduct(sim.Product{Name: code, Unit: o.unit, Variants: []sim.Variant{{Name: code, SKU: code, Price: 1000}}})[0]
		o.variants[code], o.codes[id] = id, code
	}
	return o
}

func (o *repzoOffice) config() orders.Config {
	s := rules.Defaults("repzo")
	s.Prefix, s.MostCancelled, s.Keep = "RZ-", 20, 15*24*time.Hour
	s.Writes = map[erp.Kind]rules.WriteRule{erp.Meta: {On: rules.OnStep, Step: dec("20")}}
	return orders.Config{
		Name: "repzo", Settings: s, Every: 15 * time.Minute, FullEvery: 12 * time.Hour,
		Open: func(kept string, keep func(string) error) (erp.Source, error) {
			return repzo.New(repzo.Config{Address: "http://127.0.0.1", Key: "hush-hush", Write: repzo.WriteConfig{Kinds: []erp.Kind{erp.Meta}}}, repzo.Deps{HTTP: o.http, Kept: kept, Keep: keep})
		},
	}
}

func (o *repzoOffice) line(r *rand.Rand) sim.Item {
	product, quantity := randomLine(r)
	return sim.Item{Variant: o.variants[product], Unit: o.unit, Quantity: quantity}
}

func (o *repzoOffice) create(r *rand.Rand) {
	order := sim.Order{Status: "approved", ClientName: "Corner Shop", Delivery: time.Now().AddDate(0, 0, 2+r.IntN(8)).Format(time.DateOnly)}
	n := 1 + r.IntN(3)
	for range n {
		order.Items = append(order.Items, o.line(r))
	}
	o.note(o.server.Create(order), n)
}

func (o *repzoOffice) note(id string, lines int) {
	o.ids = append(o.ids, id)
	if made, ok := o.server.Order(id); ok {
		o.ever[made.Number] += lines
	}
}

// act is one thing that the reps or the office do.
func (o *repzoOffice) act(r *rand.Rand) {
	if len(o.ids) == 0 || r.IntN(10) < 6 {
		o.create(r)
		return
	}
	id := o.ids[max(0, len(o.ids)-1-r.IntN(40))]
	now, ok := o.server.Order(id)
	if !ok || now.Disabled || now.Status == "rejected" || now.Invoice != "" {
		return // what is over stays over
	}
	edit := func(change func(d *sim.Order)) { _, _ = o.server.Edit(id, change) }
	switch r.IntN(11) {
	case 0, 1, 2:
		edit(func(d *sim.Order) { d.Items[r.IntN(len(d.Items))].Quantity = strconv.Itoa(10 + r.IntN(90)) })
	case 3, 4:
		edit(func(d *sim.Order) { d.Delivery = time.Now().AddDate(0, 0, 3+r.IntN(8)).Format(time.DateOnly) })
	case 5:
		o.ever[now.Number]++
		edit(func(d *sim.Order) { d.Items = append(d.Items, o.line(r)) })
	case 6:
		edit(func(d *sim.Order) {
			if len(d.Items) > 1 {
				d.Items = d.Items[1:]
			}
		})
	case 7:
		_ = o.server.Reject(id)
	case 8:
		_ = o.server.Hold(id)
	case 9:
		_ = o.server.Approve(id)
	case 10:
		if next, err := o.server.Split(id); err == nil && next != "" {
			o.note(next, 1)
		} else {
			_ = o.server.Disable(id)
		}
	}
}

func (o *repzoOffice) trouble(r *rand.Rand) {
	kinds := []sim.FaultKind{sim.Status500, sim.Commit500, sim.DropBefore, sim.DropAfter, sim.Page, sim.Text, sim.Empty, sim.HalfAnswer, sim.NoList, sim.Unsuccessful, sim.WrongTypes, sim.TooMany}
	o.server.AddFault(sim.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(60)})
}

func (o *repzoOffice) mend() { o.server.ClearFaults() }

func (o *repzoOffice) wants() map[string]document {
	states := map[string]erp.State{"approved": erp.Open, "processing": erp.Open, "pending": erp.Held, "rejected": erp.Cancelled}
	out := map[string]document{}
	for _, d := range o.server.Orders() {
		want := document{state: states[d.Status], ever: o.ever[d.Number]}
		switch {
		case d.Disabled:
			want.state = erp.Cancelled
		case d.Invoice != "":
			want.state = erp.Closed
		}
		for _, i := range d.Items {
			want.lines = append(want.lines, line{o.codes[i.Variant], i.Quantity})
		}
		out[d.Number] = want
	}
	return out
}

// key is the serial number of an order: its _id is another one after each edit.
func (o *repzoOffice) key(id string) string {
	if d, ok := o.server.Order(id); ok {
		return d.Number
	}
	return id
}

func (o *repzoOffice) overspent() string {
	for at := o.began; at.Before(time.Now()); at = at.AddDate(0, 0, 1) {
		sum := 0
		for _, n := range o.server.Used(at) {
			sum += n
		}
		if sum > 10_000 {
			return fmt.Sprintf("%d calls on %s", sum, at.Format(time.DateOnly))
		}
	}
	return ""
}
