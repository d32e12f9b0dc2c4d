//go:build unix

package conformance

import (
	"maps"
	"os"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// withCable lets a subject lie behind a cable, or says why none can be laid,
// which root must be able to where peers are required.
func withCable(t *testing.T, s connectortest.Subject) connectortest.Subject {
	t.Helper()
	if err := wired(); err != nil {
		if connectortest.PeersRequired() && os.Geteuid() == 0 {
			t.Fatal(err)
		}
		return withoutCable(s, err.Error())
	}
	s.Cable = layCable
	return s
}

// withoutCable gives the reason why a subject lies behind none.
func withoutCable(s connectortest.Subject, why string) connectortest.Subject {
	s.Cannot = maps.Clone(s.Cannot)
	s.Cannot[connectortest.CablePulled] = why
	s.Cannot[connectortest.InterfaceDown] = why
	return s
}
