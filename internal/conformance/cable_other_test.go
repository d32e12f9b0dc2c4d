//go:build unix && !linux

package conformance

import (
	"errors"
	"net"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// wired says why no cable can be laid here.
func wired() error { return errors.New("a network of its own needs Linux") }

// layCable is not called where wired gives an error.
func layCable(t testing.TB) (net.Listener, func(name string) connectortest.Fault) {
	t.Helper()
	t.Fatal(wired())
	return nil, nil
}
