//go:build unix

package conformance

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug/sparkplugtest"
)

// edge is a Sparkplug Edge Node that has its payloads made by a library that is
// not ours, at Mosquitto. It connects where the machines do.
type edge struct {
	at    *broker
	node  *sparkplugtest.Edge
	count string // what the metric is called
}

func (e *edge) Addr() string { return e.at.addr }

func (e *edge) Connect(t testing.TB, addr string) connectors.Connector {
	t.Helper()
	c, err := mqtt.New(mqtt.Config{Broker: "tcp://" + addr, ClientID: "gateway", User: "gateway", Password: "right",
		KeepAlive: keepAlive, Timeout: mqttAnswer, Payload: mqtt.PayloadSparkplug, Rebirth: true},
		[]connectors.Tag{{Address: "Plant/Edge1/Press5", Path: "count", Bit: connectors.NoBit}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (e *edge) Set(v uint64) error {
	e.node.Set(map[string]any{e.count: v})
	return nil
}

// Clock implements connectortest.Clocked.
func (e *edge) Clock(ahead time.Duration) error {
	e.node.Clock(ahead)
	return nil
}

func (e *edge) Fault(name string) (connectortest.Fault, bool) {
	again := func(change func([]sparkplugtest.Metric)) func() error {
		return func() error { e.node.Return(change); return nil }
	}
	leave := func() error { e.node.Leave(); return nil }
	named := func(count string) func([]sparkplugtest.Metric) {
		return func(m []sparkplugtest.Metric) { m[0].Name, e.count = count, count }
	}
	switch name {
	case connectortest.Downloaded:
		return connectortest.Fault{Begin: leave, End: again(func(m []sparkplugtest.Metric) {
			m[0].Alias, m[1].Alias = m[1].Alias, m[0].Alias
		})}, true
	case connectortest.Moved:
		return connectortest.Fault{Begin: again(named("elsewhere")), End: again(named("count"))}, true
	case connectortest.Vanished:
		return connectortest.Fault{Begin: leave, End: again(func([]sparkplugtest.Metric) {})}, true
	}
	return e.at.Fault(name)
}

func edgeNode(t *testing.T) (connectortest.Subject, string) {
	s, version := mosquitto(t)
	s.Protocol, s.Peer = "Sparkplug B", "sparkplug-payload"
	const same = "the connection is that of MQTT"
	s.Cannot = map[string]string{
		connectortest.CertificateReplaced: same,
		connectortest.CertificateEnded:    same,
		connectortest.PasswordChanged:     same,
		connectortest.SessionsTaken:       same,
		connectortest.SessionsKept:        "the broker keeps no session: births tell what holds",
	}
	s.Serve = func(t testing.TB, c connectortest.Case) connectortest.Source {
		encoder := sparkplugtest.New(t)
		b := serveMosquitto(t, c)
		return &edge{at: b, count: "count", node: sparkplugtest.NewEdge(t, encoder, "127.0.0.1:"+b.machinesPort,
			sparkplugtest.Metric{Name: "count", Type: "UInt32", Value: 0},
			sparkplugtest.Metric{Name: "other", Type: "UInt32", Value: 1_000_000})}
	}
	return s, "1.0.3 at Mosquitto " + version
}
