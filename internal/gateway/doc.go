// Package gateway wires the rooms together and keeps them alive: it starts the
// connections and starts them again when they fail, gives every batch to the
// rules, keeps what must not be lost, and hands the reports to the uplink. It
// holds no rule of its own about counts, states or posts.
package gateway
