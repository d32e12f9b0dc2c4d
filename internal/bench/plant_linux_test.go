package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The plant: every value of every machine changes once a second.
const (
	machines = 1000
	signals  = 10
	// groups is how many parts of the machines change one after the other
	// within a second.
	groups = 10
)

// The signals of a machine: a part counter, two waste counters, a state word
// that runs from one meaning of running to the next, and process values.
func signalNames() [signals]string {
	return [signals]string{"good", "scrap", "rework", "state", "temp", "pressure", "speed", "torque", "energy", "level"}
}

const stateSignal = 3

// valueAt is what a signal shows in the given second.
func valueAt(signal int, second int64) int64 {
	switch {
	case signal < stateSignal:
		return second
	case signal == stateSignal:
		return 6 + second%2
	}
	return 100 + int64(signal) + second%50
}

// site writes the configuration of the plant into a new folder: one connection,
// all machines, dry-run. tag gives what a machine's signal reads.
func site(tb testing.TB, connection, extra string, tag func(machine, signal int) string) (path string) {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "data: data\nmetrics: {listen: %q}\nconnections: {plc: %s}\n%smachines:\n", metricsAddress(tb), connection, extra)
	names := signalNames()
	for m := range machines {
		fmt.Fprintf(&b, "  %s:\n    ideal_cycle: 1s\n    count: {%s, is: good, resets: true}\n    waste:\n", machineCode(m), tag(m, 0))
		for s := 1; s < stateSignal; s++ {
			fmt.Fprintf(&b, "      %s: {%s, resets: true}\n", strings.ToUpper(names[s]), tag(m, s))
		}
		fmt.Fprintf(&b, "    state: {%s, running: [6, 7], stop_after: 60s}\n    parameters:\n", tag(m, stateSignal))
		for s := stateSignal + 1; s < signals; s++ {
			fmt.Fprintf(&b, "      %s: {%s, every: 60s, deadband: 0.5}\n", names[s], tag(m, s))
		}
	}
	path = filepath.Join(tb.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// metricsAddress is a free port of this computer. Another program may take it
// before the gateway does; then the gateway says so.
func metricsAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// clock gives the current second of a plant that began at start, for the group
// of the machines that a machine belongs to.
func clock(start time.Time, machine int) int64 {
	phase := time.Duration(machine%groups) * time.Second / groups
	return int64((time.Since(start) + phase) / time.Second)
}

// changes calls change for each machine once a second, a group at a time, until
// done is closed.
func changes(done <-chan struct{}, change func(machine int, second int64)) {
	tick := time.NewTicker(time.Second / groups)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		for m := int(n % groups); m < machines; m += groups {
			change(m, n/groups)
		}
	}
}
