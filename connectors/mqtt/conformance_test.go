package mqtt

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Harness{
		Tags: []connectors.Tag{
			connectortest.Counter: tag("plant/press/count", ""),
			connectortest.Flag:    tag("plant/+/state", "drive.running"),
			connectortest.Missing: tag("plant/press/missing", ""),
		},
		Serve: func(t testing.TB) connectortest.Peer { return &conforming{newServer(t)} },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			return connector(t, Config{Broker: "tcp://" + addr},
				tag("plant/press/count", ""), tag("plant/+/state", "drive.running"), tag("plant/press/missing", ""))
		},
	})
}

// TestConformanceOfKeptSessions is the same with a session the broker keeps.
func TestConformanceOfKeptSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("the suite has run once")
	}
	tags := []connectors.Tag{pulse("plant/press/count"), tag("plant/+/state", "drive.running"), pulse("plant/press/missing")}
	connectortest.Run(t, connectortest.Harness{
		Tags:  tags,
		Serve: func(t testing.TB) connectortest.Peer { return &conforming{newServer(t)} },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			return connector(t, Config{Broker: "tcp://" + addr, ClientID: "gateway",
				KeepAlive: 2 * time.Second, Timeout: 2 * time.Second}, tags...)
		},
	})
}

// conforming sends the values of the suite as retained messages.
type conforming struct{ *server }

func (p *conforming) Set(t testing.TB, tag int, v connectors.Value) {
	t.Helper()
	switch tag {
	case connectortest.Counter:
		p.retain(t, "plant/press/count", v.Text())
	case connectortest.Flag:
		p.retain(t, "plant/press/state", fmt.Sprintf(`{"drive": {"running": %s}}`, v.Text()))
	}
}
