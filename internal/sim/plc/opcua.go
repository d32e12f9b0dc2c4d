package plc

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/gate"
)

// NamespaceURI of the variables of an OPCUA server.
const NamespaceURI = "urn:plantsim:line"

// sampling is how often the server looks at its variables. A change that lasts
// shorter may go unseen, as with any server.
const sampling = 50 * time.Millisecond

// Variable is one value of an OPC UA server.
type Variable struct {
	// ID is the string identifier: the s= part of the node id.
	ID string
	// Read gives the present value: bool, an integer of fixed width, float32,
	// float64 or string. It is called from several goroutines. nil makes the
	// value BadNoCommunication.
	Read func() any
}

// OPCUA is an OPC UA server without security whose variables lie under Objects
// in a namespace of their own.
type OPCUA struct {
	// Gate is what clients connect through.
	Gate *gate.Gate

	srv       *server.Server
	variables []Variable
	nodes     []*ua.NodeID
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// NewOPCUA starts a server on addr; port 0 chooses one.
func NewOPCUA(addr string, variables []Variable) (*OPCUA, error) {
	front, err := gate.Open(addr, "", gate.Options{SpareServer: true})
	if err != nil {
		return nil, fmt.Errorf("OPC UA server: %w", err)
	}
	public, err := advertised(front.Addr())
	if err != nil {
		front.Close()
		return nil, fmt.Errorf("OPC UA server: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &OPCUA{Gate: front, variables: variables, cancel: cancel}
	port, err := onFreePort(func(port int) error {
		// The library listens at the first endpoint, and offers a client the one
		// it asked for by name.
		o.srv = server.New(append([]server.Option{
			server.EndPoint("127.0.0.1", port),
			server.ServerName("plantsim"),
			server.EnableSecurity("None", ua.MessageSecurityModeNone),
			server.EnableAuthMode(ua.UserTokenTypeAnonymous),
		}, public...)...)
		o.addNodes()
		return o.srv.Start(ctx)
	})
	if err != nil {
		cancel()
		front.Close()
		return nil, fmt.Errorf("OPC UA server: %w", err)
	}
	o.done.Add(1)
	go func() { defer o.done.Done(); o.sample(ctx) }()
	front.Aim(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	return o, nil
}

// advertised are the endpoints under which clients know a gate.
func advertised(addr string) ([]server.Option, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", addr, err)
	}
	options := []server.Option{server.EndPoint(host, port)}
	if ip := net.ParseIP(host); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		options = append(options, server.EndPoint("localhost", port))
	}
	return options, nil
}

// Endpoint is the address as clients write it.
func (o *OPCUA) Endpoint() string { return "opc.tcp://" + o.Gate.Addr() }

// Close ends the server and waits for what it started.
func (o *OPCUA) Close() {
	o.Gate.Close()
	o.stop()
}

// Forget drops all subscriptions, as a server that restarts does. It is called
// when the gate was cut or shut: the library numbers subscriptions such that one
// left behind could take a newer one with it when it ends.
func (o *OPCUA) Forget() {
	o.srv.SubscriptionService.Mu.Lock()
	var ids []uint32
	for id := range o.srv.SubscriptionService.Subs {
		ids = append(ids, id)
	}
	o.srv.SubscriptionService.Mu.Unlock()
	for _, id := range ids {
		o.srv.SubscriptionService.DeleteSubscription(id)
	}
}

// Watched says whether a client monitors a variable.
func (o *OPCUA) Watched(id string) bool {
	items := o.srv.MonitoredItemService
	items.Mu.Lock()
	defer items.Mu.Unlock()
	for i, v := range o.variables {
		if v.ID == id {
			return len(items.Nodes[o.nodes[i].String()]) > 0
		}
	}
	return false
}

func (o *OPCUA) stop() {
	o.Forget()        // the library would wait until their clients stayed away for long
	_ = o.srv.Close() // it has no way to fail but a channel that is gone already
	o.cancel()
	o.done.Wait()
}

func (o *OPCUA) addNodes() {
	ns := server.NewNodeNameSpace(o.srv, NamespaceURI)
	root, err := o.srv.Namespace(0)
	if err == nil {
		root.Objects().AddRef(ns.Objects(), server.RefTypeIDHasComponent, true)
	}
	o.nodes = make([]*ua.NodeID, len(o.variables))
	for i, v := range o.variables {
		o.nodes[i] = ua.NewStringNodeID(ns.ID(), v.ID)
		node := server.NewVariableNode(o.nodes[i], v.ID, func() *ua.DataValue { return dataValue(v.Read()) })
		ns.AddNode(node)
		ns.Objects().AddRef(node, server.RefTypeIDHasComponent, true)
	}
}

// sample notifies the subscribers of what changed since the last look.
func (o *OPCUA) sample(ctx context.Context) {
	t := time.NewTicker(sampling)
	defer t.Stop()
	last := make([]any, len(o.variables))
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for i, v := range o.variables {
			if now := v.Read(); now != last[i] {
				last[i] = now
				o.srv.ChangeNotification(o.nodes[i])
			}
		}
	}
}

func dataValue(v any) *ua.DataValue {
	now := time.Now()
	d := &ua.DataValue{
		EncodingMask:    ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
		SourceTimestamp: now,
		ServerTimestamp: now,
	}
	if v == nil {
		d.EncodingMask |= ua.DataValueStatusCode
		d.Status = ua.StatusBadNoCommunication
		return d
	}
	variant, err := ua.NewVariant(v)
	if err != nil {
		d.EncodingMask |= ua.DataValueStatusCode
		d.Status = ua.StatusBadInternalError
		return d
	}
	d.EncodingMask |= ua.DataValueValue
	d.Value = variant
	return d
}
