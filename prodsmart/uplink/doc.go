// Package uplink tells Prodsmart what it should know. It compares the report of
// each machine with what was told and what is being told, spends the company's
// request budget on the most urgent difference, and is the only place that
// waits and tries again. It knows no connector and no mapping rule.
package uplink
