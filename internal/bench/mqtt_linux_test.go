package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// qos is the gateway's default.
const qos = 1

func topic(machine, signal int) string {
	return "plant/" + machineCode(machine) + "/" + signalNames()[signal]
}

// serveMQTT is a broker with a publisher: one topic per value.
func serveMQTT(ctx context.Context, _ string, _ *atomic.Uint64, say func(string)) error {
	options := &mqtt.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	b := mqtt.New(options)
	if err := b.AddHook(new(auth.AllowHook), nil); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := b.AddListener(listeners.NewNet("loopback", l)); err != nil {
		return err
	}
	if err := b.Serve(); err != nil {
		return err
	}
	say(l.Addr().String())
	changes(ctx.Done(), func(machine int, second int64) {
		for signal := range signals {
			// A refused publish shows as a value that is missing at the clients.
			_ = b.Publish(topic(machine, signal), strconv.AppendInt(nil, valueAt(signal, second), 10), false, qos)
		}
	})
	return b.Close()
}

// bareMQTT subscribes to every topic as the gateway does, and throws the
// messages away.
func bareMQTT(ctx context.Context, address string, total *atomic.Uint64, say func(string)) error {
	o := paho.NewClientOptions()
	o.AddBroker("tcp://" + address)
	o.SetClientID("bare")
	o.SetAutoReconnect(false)
	o.SetDefaultPublishHandler(func(paho.Client, paho.Message) { total.Add(1) })
	lost := make(chan error, 1)
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
	client := paho.NewClient(o)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		return token.Error()
	}
	defer client.Disconnect(100)
	const chunk = 200
	for from := 0; from < machines*signals; from += chunk {
		filters := make(map[string]byte, chunk)
		for i := from; i < from+chunk; i++ {
			filters[topic(i/signals, i%signals)] = qos
		}
		token := client.SubscribeMultiple(filters, nil)
		if !token.WaitTimeout(10 * time.Second) {
			return fmt.Errorf("a subscription was not answered")
		}
		if token.Error() != nil {
			return token.Error()
		}
	}
	say("ready")
	select {
	case <-ctx.Done():
		return nil
	case err := <-lost:
		return err
	}
}
