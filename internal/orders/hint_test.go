package orders_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
)

// A system that says that something changed is read soon; one that says so all the time
// is read every half minute, and one that fails not earlier than without.
func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Every = time.Hour })
		r.wait(10 * time.Minute)
		r.office.put(sale("1", "100"))
		r.mirror.Hint("su1")
		r.mirror.Hint("nobody")
		r.wait(10 * time.Second)
		r.want("SU-1-1 100xP-100 notstarted made 0")

		before := r.office.count()
		for range 600 {
			r.mirror.Hint("su1")
			r.wait(time.Second)
		}
		if n := r.office.count() - before; n < 18 || n > 21 {
			t.Errorf("%d reads in ten minutes of hints", n)
		}

		r.office.set(func() { r.office.fail = &erp.Error{Fault: erp.Unavailable, Err: errors.New("it is down")} })
		r.wait(time.Minute)
		before = r.office.count()
		for range 60 {
			r.mirror.Hint("su1")
			r.wait(10 * time.Second)
		}
		if n := r.office.count() - before; n > 1 {
			t.Errorf("%d reads of a system that is down", n)
		}
	})
}

// TestProductsWhenAsked: who adds a product in Prodsmart and asks for a read does not
// wait until the products are due. However often somebody asks, they are read once a
// minute at most.
func TestProductsWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *orders.Config) { c.Every = time.Minute })
		order := sale("1", "100")
		order.Lines[0].Product = "NEW"
		r.office.put(order)
		r.wait(5 * time.Minute)
		r.want()
		r.product("NEW")
		r.must(r.mirror.Sync(t.Context(), "su1"))
		r.wait(10 * time.Second)
		r.want("SU-1-1 100xNEW notstarted made 0")

		before := r.reads("products")
		for range 60 {
			r.must(r.mirror.Sync(t.Context(), "su1"))
			r.wait(2 * time.Second)
		}
		if n := r.reads("products") - before; n > 4 { // a reading is two requests
			t.Errorf("products were read %d times in two minutes", n)
		}
	})
}

// reads is how many reads of a service there were.
func (r *rig) reads(service string) int {
	n := 0
	for _, c := range r.server.Calls(0) {
		if c.Method == "GET" && c.Service == service {
			n++
		}
	}
	return n
}
