package plc

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/gate"
)

// Broker is an MQTT broker that lets everybody in. It keeps sessions and
// retained messages as long as it lives, also while its gate is shut: that is a
// broker with persistence that restarts.
type Broker struct {
	// Gate is what clients connect through. Publish does not pass it: the
	// devices are on the broker's side.
	Gate *gate.Gate

	srv *mqtt.Server
}

// NewBroker starts a broker on addr; port 0 chooses one.
func NewBroker(addr string) (*Broker, error) {
	b := &Broker{srv: mqtt.New(&mqtt.Options{
		InlineClient: true,
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	err = errors.Join(
		b.srv.AddHook(new(auth.AllowHook), nil),
		b.srv.AddListener(listeners.NewNet("loopback", ln)),
	)
	if err == nil {
		err = b.srv.Serve()
	}
	if err != nil {
		ln.Close()
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	if b.Gate, err = gate.Open(addr, ln.Addr().String(), gate.Options{}); err != nil {
		_ = b.srv.Close()
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	return b, nil
}

// Publish hands a message of a device to the broker, qos 0 or 1.
func (b *Broker) Publish(topic string, payload []byte, retain bool, qos byte) error {
	if err := b.srv.Publish(topic, payload, retain, qos); err != nil {
		return fmt.Errorf("MQTT topic %s: %w", topic, err)
	}
	return nil
}

// Subscribed says whether a client, connected or with a session kept for it,
// has subscribed to a topic.
func (b *Broker) Subscribed(topic string) bool {
	return len(b.srv.Topics.Subscribers(topic).Subscriptions) > 0
}

// Close ends the broker.
func (b *Broker) Close() {
	b.Gate.Close()
	_ = b.srv.Close() // it reports nothing
}
