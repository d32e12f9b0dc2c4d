package board

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// BenchmarkScrape is a scrape of 1,000 machines, without the making of the
// status.
func BenchmarkScrape(b *testing.B) {
	p := newPretend()
	one, told := p.status.Machines[0], p.status.Uplink.Machines[0]
	p.status.Machines, p.status.Uplink.Machines = nil, []uplink.MachineStatus{}
	for i := range 1000 {
		one.Code = fmt.Sprintf("M-%04d", i)
		told.Machine = one.Code
		p.status.Machines = append(p.status.Machines, one)
		p.status.Uplink.Machines = append(p.status.Uplink.Machines, told)
	}
	h, err := Handler(p, time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
