package orders_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// spoil takes the unit, or the code, away from all lines, as a list that could not be
// read does.
func (r *rig) spoil(o erp.Order, unit bool) {
	o.Lines = append([]erp.Line(nil), o.Lines...)
	for i := range o.Lines {
		if unit {
			o.Lines[i].Unit, o.Lines[i].Factor = "crate", dec("0")
		} else {
			o.Lines[i].Product = ""
		}
	}
	r.office.put(o)
	r.wait(2 * time.Hour)
}

// Lines of which nothing can be made for a while take nothing out of what is in
// Prodsmart, whatever is made of them.
func TestLinesThatSayNothingUsable(t *testing.T) {
	for target, want := range map[rules.Target]string{rules.ProductionOrders: "SU-1-1", rules.Aggregate: "SU-P-100-2000-01-10-1"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(c *orders.Config) { c.Settings.Target = target })
			r.office.put(sale("1", "100"))
			r.wait(time.Hour)
			r.want(want + " 100xP-100 notstarted made 0")
			id := r.one(want).ID
			for _, unit := range []bool{true, false} {
				r.spoil(sale("1", "100"), unit)
				r.want(want + " 100xP-100 notstarted made 0")
			}
			r.office.put(sale("1", "120"))
			r.wait(2 * time.Hour)
			r.want(want + " 120xP-100 notstarted made 0")
			if now := r.one(want).ID; now != id {
				t.Errorf("%s: it was made anew: %d instead of %d", target, now, id)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Settings.Target = rules.ClientOrders })
		r.office.put(sale("1", "100"))
		r.wait(time.Hour)
		for _, unit := range []bool{true, false} {
			r.spoil(sale("1", "100"), unit)
			if sold := r.sales(); len(sold) != 1 || len(sold[0].Products) != 1 || sold[0].Products[0].Quantity.String() != "100" {
				t.Errorf("%+v", sold)
			}
		}
		// A line that is put first, and can not be made, doubles nothing.
		o := sale("1", "100")
		o.Lines[0].ID = "l2"
		o.Lines = append([]erp.Line{{ID: "l1", Loose: true, Product: "P-200", Quantity: dec("3"), Unit: "crate", Manufactured: erp.Yes},
			{ID: "l3", Loose: true, Product: "P-100", Quantity: dec("7"), Unit: "crate", Manufactured: erp.Yes}}, o.Lines...)
		r.office.put(o)
		r.wait(2 * time.Hour)
		if sold := r.sales(); len(sold) != 1 || len(sold[0].Products) != 1 || sold[0].Products[0].Quantity.String() != "100" {
			t.Errorf("%+v", sold)
		}
	})
}

// An edited version that came once without its number, and was made, is the same order:
// what was made of it is cancelled, what was there stays, and nothing is asked for ever.
func TestMadeTwice(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.office.set(func() { r.office.caps.ByID = true })
		set := func(o erp.Order) {
			r.office.set(func() { r.office.orders = map[string]erp.Order{"1": o} })
			r.wait(2 * time.Hour)
		}
		order := sale("v1", "24")
		order.Aliases, order.Number = []string{"N1"}, "N1"
		set(order)
		second := order
		second.ID, second.Aliases, second.Number = "v2", nil, ""
		set(second)
		second.Aliases, second.Number = []string{"N1", "v1"}, "N1"
		set(second)
		r.want("SU-v1-1 24xP-100 notstarted made 0")
		asked := 0
		r.office.set(func() { asked = len(r.office.asked) })
		set(second)
		r.office.set(func() {
			if n := len(r.office.asked) - asked; n > 0 {
				r.Errorf("asked %d times more", n)
			}
		})
	})
}

// scant is an office whose calls of the day are nearly used up.
type scant struct {
	*office
	looks atomic.Int64
}

func (s *scant) Stretch() int     { s.looks.Add(1); return 0 }
func (s *scant) Left() []erp.Left { return nil }

// While calls are scarce nothing is done again and again.
func TestScarceCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Settings.StockOwner, c.StockEvery = rules.SourceOwns, 5*time.Minute })
		s := &scant{office: r.office}
		r.config.Open = func(string, func(string) error) (erp.Source, error) { return s, nil }
		r.office.put(sale("1", "100"))
		r.wait(6 * time.Hour)
		if n := s.looks.Load(); n > 6*3600/10 {
			t.Errorf("it looked %d times in six hours", n)
		}
	})
}

// unread is an office whose list of articles can not be read at first.
type unread struct {
	*office
	fails int
}

func (u *unread) ReadProducts(context.Context, erp.Ask) (erp.ProductRead, error) {
	if u.fails++; u.fails <= 2 {
		return erp.ProductRead{}, &erp.Error{Fault: erp.Unavailable, What: "busy", Err: errors.New("503")}
	}
	return erp.ProductRead{Products: []erp.Product{{Code: "N-1", Name: "Named"}}, Complete: true}, nil
}

// A product is not made under its code because the list of names could not be read.
func TestNamesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Products = true })
		u := &unread{office: r.office}
		u.caps.Products = true
		r.config.Open = func(string, func(string) error) (erp.Source, error) { return u, nil }
		r.office.put(fresh("1", "N-1", ""))
		r.wait(2 * time.Hour)
		r.want("SU-1-1 10xN-1 notstarted made 0")
		made := ""
		for _, c := range r.server.Calls(0) {
			if c.Method == "POST" && c.Path == "/api/products" {
				made = c.Body
			}
		}
		if made != `{"code":"N-1","name":"Named"}` || u.fails != 3 {
			t.Errorf("%s, asked %d times", made, u.fails)
		}
	})
}
