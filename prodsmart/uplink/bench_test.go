package uplink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// BenchmarkReport is what sample ingestion pays for an unchanged and a growing
// count.
func BenchmarkReport(b *testing.B) {
	for _, grows := range []int64{0, 1} {
		b.Run(fmt.Sprint("grows=", grows), func(b *testing.B) {
			desk := NewDesk(midnight, Settings{})
			rep := prodsmart.Report{Known: true, Waste: []prodsmart.Waste{{Code: "S"}, {Code: "T"}}}
			b.ReportAllocs()
			now := midnight
			for b.Loop() {
				rep.Count += grows
				now = now.Add(time.Millisecond)
				desk.Report(now, "M", rep)
			}
		})
	}
}
