package orders_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
)

// A proxy repeats the request that makes an order: the second order goes again, unless
// somebody touched it.
func TestRequestDoneTwice(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		r.fault(mes.Fault{Kind: mes.FaultTwice, Service: "production-orders", For: 10 * time.Minute, Delay: time.Minute})
		r.office.put(sale("642", "480"))
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0")
		r.fault(mes.Fault{Kind: mes.FaultTwice, Service: "production-orders", For: 10 * time.Minute, Delay: time.Minute})
		r.office.put(sale("643", "10"))
		for len(r.server.Orders()) < 3 {
			r.wait(time.Second)
		}
		second := r.server.Orders()[2]
		r.must(r.server.EditOrder(second.ID, json.RawMessage(`{"due-date":"2000-03-01T00:00:00Z"}`)))
		r.wait(time.Hour)
		r.want("SU-642-1 480xP-100 notstarted made 0", "SU-643-1 10xP-100 notstarted made 0", "SU-643-1 10xP-100 notstarted made 0")
	})
}

// Workers begin the second order before anybody saw that there are two: the first one
// goes, unless somebody began it too.
func TestRequestDoneTwiceAndBegun(t *testing.T) {
	scenario(t, nil, func(r *rig) {
		for _, code := range []string{"M2", "M3"} {
			r.must(r.server.AddMachine(mes.MachineSetup{Code: code}))
		}
		begin := func(id string, both bool) {
			r.fault(mes.Fault{Kind: mes.FaultTwice, Service: "production-orders", For: 10 * time.Minute, Delay: time.Minute})
			r.office.put(sale(id, "10"))
			have := len(r.server.Orders())
			for len(r.server.Orders()) < have+2 {
				r.wait(time.Second)
			}
			all := r.server.Orders()
			r.work(all[have+1], map[bool]string{false: "M1", true: "M2"}[both], 4)
			if both {
				r.work(all[have], "M3", 4)
			}
			r.wait(time.Hour)
		}
		begin("642", false)
		r.want("SU-642-1 10xP-100 started made 4")
		begin("643", true)
		r.want("SU-642-1 10xP-100 started made 4", "SU-643-1 10xP-100 started made 4", "SU-643-1 10xP-100 started made 4")
	})
}
