package mqtt

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestMosquittoWithAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.issue(t, "broker", "broker.plant", time.Now().Add(-time.Minute))
	m := newMosquitto(t, anonymous, "certfile "+ca.file("broker.pem"), "keyfile "+ca.file("broker.key"))
	c := connector(t, Config{Broker: "ssl://" + m.addr, CA: ca.file("ca.pem"), ServerName: "broker.plant"}, tag("a", ""))
	if err := c.Run(t.Context(), func(connectors.Batch) {}); err == nil || !strings.Contains(err.Error(), "expired or not valid yet") {
		t.Errorf("Run says %v", err)
	}
	if list := c.Conditions(); len(list) != 1 || list[0].Trouble != connectors.CertificateExpiring {
		t.Errorf("conditions are %+v", list)
	}
}

func TestABrokerThatIsDownIsNoSecondClient(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.kick = true
	c := connector(t, Config{Broker: "tcp://" + s.addr, ClientID: "gateway"}, tag("a", ""))
	for range 3 {
		_ = c.Run(t.Context(), func(connectors.Batch) {})
	}
	s.Stop(t)
	_ = c.Run(t.Context(), func(connectors.Batch) {})
	if list := c.Conditions(); len(list) != 0 {
		t.Errorf("nobody listens, but the conditions are %+v", list)
	}
}
