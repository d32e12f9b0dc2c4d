package orders_test

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
)

// A machine that stands for longer than the plant wants to know is told to the office,
// once, and once more when it runs again; short stops are not told.
func TestLongStopsAreTold(t *testing.T) {
	scenario(t, withWrites(erp.Task, rules.WriteRule{On: rules.OnClose, Down: 45 * time.Minute}), func(r *rig) {
		r.office.put(sale("642", "100"))
		r.wait(time.Hour)
		stop := func(how time.Duration) {
			r.must(r.server.WorkerStops("M1", "JAM", 1))
			r.wait(how)
			_, err := r.server.WorkerStarts("M1", 1)
			r.must(err)
			r.wait(30 * time.Minute)
		}
		stop(20 * time.Minute)
		stop(3 * time.Hour)
		r.down()
		r.wait(2 * time.Hour)
		r.office.set(func() {
			var told []string
			for _, w := range r.office.written {
				told = append(told, string(w.Stage)+" "+w.Code+": "+w.Text+" after "+w.Earlier)
			}
			if len(told) != 2 || r.office.written[0].Stage != erp.Stopped || r.office.written[1].Stage != erp.Runs || r.office.written[1].Earlier != "d"+r.office.written[0].ID {
				r.Errorf("%q", told)
			}
		})
	})
}
