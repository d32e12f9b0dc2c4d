// Package uplink tells Prodsmart what it should know. It compares the report of
// each machine with what was told and what is being told, spends the company's
// request budget on the most urgent difference, and is the only place that
// waits and tries again.
//
// A Desk decides and is pure: time is given to it. An Uplink runs a Desk
// against a Ledger, which saves what is about to be told before it leaves, and
// a Poster, which sends it. The package knows no connector, no mapping rule and
// no HTTP.
package uplink
