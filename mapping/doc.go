// Package mapping holds the rules of one machine: how raw counters become
// totals that never fall, how signals become a state, when a stop is a
// downtime and why, and what Prodsmart should be told. It is pure: it does no
// I/O, has no clock of its own and logs nothing. Time comes with the batches.
package mapping
