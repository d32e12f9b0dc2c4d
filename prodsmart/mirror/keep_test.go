package mirror

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// shy is a plant whose filter of ends leaves out downtimes that go on.
type shy struct{ *plant }

func (s shy) ListDowntimes(ctx context.Context, q prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
	if q.EndAfter.IsZero() {
		return s.plant.ListDowntimes(ctx, q)
	}
	list, err := s.plant.ListDowntimes(ctx, q)
	var over []prodsmart.Downtime
	for _, d := range list {
		if !d.Open {
			over = append(over, d)
		}
	}
	return over, err
}

// TestOpenForDays: a downtime that goes on for days stays, although no list shows it,
// until it ends or is deleted.
func TestOpenForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(1)
		for id := range int64(30) {
			p.downtimes[id+1] = prodsmart.Downtime{ID: id + 1, Type: "REPAIR", Open: true, Start: now().Add(-time.Duration(id+1) * time.Minute)}
		}
		m := following(t, Settings{}, shy{p}, p.inbox)
		time.Sleep(72 * time.Hour)
		if got := len(m.Downtimes()); got != 30 {
			t.Fatalf("%d of 30 downtimes are there", got)
		}
		p.mu.Lock()
		delete(p.downtimes, 7)
		ended := p.downtimes[8]
		ended.Open, ended.End = false, now()
		p.downtimes[8] = ended
		p.mu.Unlock()
		time.Sleep(2 * time.Hour)
		open, over := 0, 0
		for _, d := range m.Downtimes() {
			if d.Open {
				open++
			} else {
				over++
			}
			if d.ID == 7 {
				t.Error("a deleted downtime is there")
			}
		}
		if open != 28 || over != 1 || m.Status().Problem != "" {
			t.Errorf("%d are open, %d over; %s", open, over, m.Status().Problem)
		}
	})
}

// TestFieldsStay: what one way of reading an order does not show stays as another one
// showed it, until it is shown otherwise.
func TestFieldsStay(t *testing.T) {
	m := New(Settings{}, newPlant(1), reader(t), &shelf{}, slots)
	at := time.Now()
	r := reader(t)
	got := func(raw string) prodsmart.ProductionOrder { return r.ReadProductionOrder(json.RawMessage(raw)) }
	whole := got(`{"id":7,"code":"A","running-status":"started","products":[{"product":"P","quantity-ordered":5}],"custom-fields":[{"Colour":"red"}],
		"material-staging-complete":true,"shipping":{"code":"S"},"location":{"code":"L"},"workers-assigned":[{"number":3}],"pieces-by-box":4}`)
	whole.SerialNumber = "N"
	m.orders.put(7, whole, at, true)
	check := func(what, notes string, workers int, staged prodsmart.Flag) {
		t.Helper()
		o, _ := m.Order(7)
		if o.Notes != notes || len(o.CustomFields) != 1 || o.Shipping.Code != "S" || o.Location.Code != "L" || len(o.Workers) != workers || o.SerialNumber != "N" ||
			o.MaterialStaged != staged || o.PiecesByBox != prodsmart.NewDecimal(4) || !o.Original.IsZero() {
			t.Errorf("%s: %+v", what, o)
		}
	}
	channel := `{"id":7,"code":"A","running-status":"started","products":[{"product":"P","quantity-ordered":5}],"shipping":{},"notes":"n1"`
	m.change(Orders, json.RawMessage(channel+"}"), at.Add(1))
	check("a channel without workers", "n1", 1, prodsmart.Yes)
	m.change(Orders, json.RawMessage(channel+`,"workers-assigned":[],"material-staging-complete":false}`), at.Add(2))
	check("a channel with workers", "n1", 0, prodsmart.No)
	p := newPlant(1)
	p.orders[7] = got(`{"id":7,"code":"A","running-status":"started","products":[{"product":"P","quantity-ordered":5}],"shipping":"S","notes":"n2"}`)
	m.source = p
	if err := m.listOrders(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("a list", "n2", 0, prodsmart.No)
}
