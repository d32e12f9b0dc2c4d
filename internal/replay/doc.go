// Package replay reads and writes traces, and runs a trace through the very
// rules and the very uplink of the gateway on a virtual clock. It is not a
// second implementation of anything: what differs from production is the clock,
// where samples come from, and a Prodsmart that answers at once.
package replay
