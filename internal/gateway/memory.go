package gateway

import (
	"os"
	"runtime/debug"
)

// collectAt is how far the heap may grow, in per cent of what lives, before it
// is collected. What lives hardly changes while a gateway runs and little is
// thrown away, so collecting at less than Go's 100 % costs next to nothing and
// spares a factory PC half of the heap.
const collectAt = 40

// thrift keeps memory small until the returned function is called. Whoever sets
// GOGC or GOMEMLIMIT in the environment decides instead.
func thrift() func() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(collectAt)
	return func() { debug.SetGCPercent(before) }
}
