package opcua

import (
	"testing"
	"time"

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

func TestConformance(t *testing.T) {
	tags := tagsOf("Counter", "Flag", "Missing")
	connectortest.Run(t, connectortest.Harness{
		Tags:  tags,
		Serve: func(t testing.TB) connectortest.Peer { return startPLC(t) },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			c, err := New(dialling(addr), tags)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		ReportsMissing: true,
	})
}

// node is the address of a node of the plant, as an engineer writes it.
func node(name string) string { return "nsu=" + plantURI + ";s=" + name }

// tagsOf makes plain tags of plant nodes.
func tagsOf(names ...string) []connectors.Tag {
	var tags []connectors.Tag
	for _, n := range names {
		tags = append(tags, connectors.Tag{Address: node(n), Bit: connectors.NoBit})
	}
	return tags
}

// dialling is a configuration for a server at an address, as quick as allowed.
func dialling(addr string) Config {
	return Config{Endpoint: "opc.tcp://" + addr, Publishing: 100 * time.Millisecond, Timeout: 3 * time.Second}
}
