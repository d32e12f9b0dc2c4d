package bench

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"
)

const namespaceURI = "urn:bench:line"

func nodeName(machine, signal int) string {
	return machineCode(machine) + "." + signalNames()[signal]
}

// serveOPCUA offers the plant with the library's own server: None, anonymous.
func serveOPCUA(ctx context.Context, _ string, _ *atomic.Uint64, say func(string)) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s := server.New(
		server.EndPoint("127.0.0.1", port), server.ServerName("bench"),
		server.EnableSecurity("None", ua.MessageSecurityModeNone), server.EnableAuthMode(ua.UserTokenTypeAnonymous),
	)
	ns := server.NewNodeNameSpace(s, namespaceURI)
	var seconds [machines]atomic.Int64
	nodes := make([]*ua.NodeID, machines*signals)
	for i := range nodes {
		m, signal := i/signals, i%signals
		nodes[i] = ua.NewStringNodeID(ns.ID(), nodeName(m, signal))
		node := server.NewVariableNode(nodes[i], nodeName(m, signal), func() *ua.DataValue {
			return present(valueAt(signal, seconds[m].Load()))
		})
		ns.AddNode(node)
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	say(fmt.Sprintf("opc.tcp://127.0.0.1:%d", port))
	changes(ctx.Done(), func(machine int, second int64) {
		seconds[machine].Store(second)
		for signal := range signals {
			s.ChangeNotification(nodes[machine*signals+signal])
		}
	})
	return s.Close()
}

func present(v int64) *ua.DataValue {
	now := time.Now()
	return &ua.DataValue{
		EncodingMask: ua.DataValueValue | ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
		Value:        ua.MustVariant(uint32(v)), SourceTimestamp: now, ServerTimestamp: now,
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// bareOPCUA subscribes to everything as the gateway does, and throws the values
// away.
func bareOPCUA(ctx context.Context, address string, total *atomic.Uint64, say func(string)) error {
	client, err := opcua.NewClient(address, opcua.SecurityMode(ua.MessageSecurityModeNone), opcua.AutoReconnect(false))
	if err != nil {
		return err
	}
	if err := client.Connect(ctx); err != nil {
		return err
	}
	ns, err := client.FindNamespace(ctx, namespaceURI)
	if err != nil {
		return err
	}
	values := make(chan *opcua.PublishNotificationData, 16)
	sub, err := client.Subscribe(ctx, &opcua.SubscriptionParameters{Interval: time.Second, MaxKeepAliveCount: 10, MaxNotificationsPerPublish: 10_000}, values)
	if err != nil {
		return err
	}
	const chunk = 1000
	for from := 0; from < machines*signals; from += chunk {
		var items []*ua.MonitoredItemCreateRequest
		for i := from; i < from+chunk; i++ {
			node := ua.NewStringNodeID(ns, nodeName(i/signals, i%signals))
			items = append(items, &ua.MonitoredItemCreateRequest{
				ItemToMonitor:  &ua.ReadValueID{NodeID: node, AttributeID: ua.AttributeIDValue, DataEncoding: &ua.QualifiedName{}},
				MonitoringMode: ua.MonitoringModeReporting,
				RequestedParameters: &ua.MonitoringParameters{
					ClientHandle: uint32(i), SamplingInterval: 1000, QueueSize: 10, DiscardOldest: true,
				},
			})
		}
		if _, err := sub.Monitor(ctx, ua.TimestampsToReturnBoth, items...); err != nil {
			return err
		}
	}
	say("ready")
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-values:
			if n.Error != nil {
				return n.Error
			}
			if data, ok := n.Value.(*ua.DataChangeNotification); ok {
				total.Add(uint64(len(data.MonitoredItems)))
			}
		}
	}
}
