// Package connectortest holds the suite that every connector must pass, and the
// tools it needs: a TCP proxy that cuts, swallows and refuses, and a recorder
// of batches. It knows no protocol.
package connectortest

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The tags of a Harness, by index.
const (
	// Counter is an unsigned integer.
	Counter = iota
	// Flag is a bool.
	Flag
	// Missing is a tag that is well written and that the server does not have.
	// For protocols in which nothing can be missing (MQTT) it never has a value.
	Missing
)

// Harness is what one protocol brings to the suite.
type Harness struct {
	// Tags are the three tags above.
	Tags []connectors.Tag
	// Serve starts a real server on a free port of 127.0.0.1. The server ends
	// with the test.
	Serve func(t testing.TB) Peer
	// Connect makes a connector that speaks to addr (host:port), which is the
	// proxy in front of the server.
	Connect func(t testing.TB, addr string) connectors.Connector
	// ReportsMissing says that the protocol can tell that a tag does not exist.
	ReportsMissing bool
}

// Peer is a server under the suite's control.
type Peer interface {
	// Addr is host:port and stays the same over Stop and Start.
	Addr() string
	// Set gives a tag a new value.
	Set(t testing.TB, tag int, v connectors.Value)
	// Stop ends the server and all its connections; Start brings it back on
	// the same port, with the values last set.
	Stop(t testing.TB)
	Start(t testing.TB)
}
