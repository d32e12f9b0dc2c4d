package opcua

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

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

// want fails unless an error says something.
func want(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q, want it to say %q", err, part)
		}
	}
}
