package opcua

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// Set implements connectortest.Peer.
func (p *plc) Set(_ testing.TB, tag int, v connectors.Value) {
	switch tag {
	case connectortest.Counter:
		p.is("Counter", uint32(v.AsUint()))
	case connectortest.Flag:
		p.is("Flag", v.AsBool())
	}
}

func TestConformance(t *testing.T) { conform(t, ReadSubscribe) }

func TestConformancePolling(t *testing.T) { conform(t, ReadPoll) }

func conform(t *testing.T, read string) {
	tags := tagsOf("Counter", "Flag", "Missing")
	connectortest.Run(t, connectortest.Harness{
		Tags:  tags,
		Serve: func(t testing.TB) connectortest.Peer { return startPLC(t) },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			cfg := dialling(addr)
			cfg.Read = read
			c, err := New(cfg, tags)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		ReportsMissing: true,
	})
}
