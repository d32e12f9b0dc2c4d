// Package conformance runs the recovery suite of connectortest against servers
// and brokers that other people wrote, and writes what it measured as a page. It
// has no cases of its own: those are the same for all protocols.
package conformance
