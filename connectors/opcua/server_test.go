package opcua

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// plantURI is the namespace of the test servers' nodes.
const plantURI = "urn:plant"

// plc is a real OPC UA server whose nodes, limits and answers a test decides.
type plc struct {
	port int

	mu     sync.Mutex
	srv    *server.Server
	stop   context.CancelFunc
	before []string // namespaces that come before the plant's
	values map[string]*ua.DataValue
	// refuse is what the server says to monitoring nodes it does not have; 0
	// accepts them and reports their status as a value.
	refuse ua.StatusCode
	// perCall is the largest number of items in one request; tellLimit says
	// whether the server tells its clients beforehand.
	perCall   int
	tellLimit bool
	endpoints []*ua.EndpointDescription
	calls     []int // items asked for in each request
	each      []*ua.MonitoredItemCreateRequest
}

// newPLC makes a server that is not started yet.
func newPLC(t testing.TB) *plc {
	t.Helper()
	log.SetOutput(io.Discard) // the server library's
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return &plc{port: port, values: map[string]*ua.DataValue{}, refuse: ua.StatusBadNodeIDUnknown}
}

// startPLC makes a server and starts it.
func startPLC(t testing.TB) *plc {
	t.Helper()
	p := newPLC(t)
	p.Start(t)
	return p
}

func (p *plc) Addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// Start starts the server. It ends with the test at the latest.
func (p *plc) Start(t testing.TB) {
	t.Helper()
	srv := server.New(
		server.EndPoint("127.0.0.1", p.port),
		server.EnableSecurity("None", ua.MessageSecurityModeNone),
		server.EnableAuthMode(ua.UserTokenTypeAnonymous),
	)
	p.mu.Lock()
	for _, uri := range p.before {
		srv.AddNamespace(&space{plc: p, uri: uri})
	}
	p.mu.Unlock()
	srv.AddNamespace(&space{plc: p, uri: plantURI})
	srv.RegisterHandler(id.CreateSubscriptionRequest_Encoding_DefaultBinary, func(sc *uasc.SecureChannel, r ua.Request, n uint32) (ua.Response, error) {
		// The library keeps the subscriptions of lost clients, and gives their
		// numbers out again. Each test has one client.
		srv.SubscriptionService.Mu.Lock()
		var old []uint32
		for sub := range srv.SubscriptionService.Subs {
			old = append(old, sub)
		}
		srv.SubscriptionService.Mu.Unlock()
		for _, sub := range old {
			srv.SubscriptionService.DeleteSubscription(sub)
		}
		return srv.SubscriptionService.CreateSubscription(sc, r, n)
	})
	srv.RegisterHandler(id.CreateMonitoredItemsRequest_Encoding_DefaultBinary, func(sc *uasc.SecureChannel, r ua.Request, n uint32) (ua.Response, error) {
		return p.createItems(srv, sc, r, n)
	})
	srv.RegisterHandler(id.GetEndpointsRequest_Encoding_DefaultBinary, func(sc *uasc.SecureChannel, r ua.Request, n uint32) (ua.Response, error) {
		return p.getEndpoints(srv, r), nil
	})
	srv.RegisterHandler(id.ReadRequest_Encoding_DefaultBinary, func(sc *uasc.SecureChannel, r ua.Request, n uint32) (ua.Response, error) {
		return p.read(srv, r), nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if err = srv.Start(ctx); err == nil {
			break
		}
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	p.mu.Lock()
	p.srv, p.stop = srv, cancel
	p.mu.Unlock()
	t.Cleanup(func() { p.Stop(t) })
}

// Stop ends the server and its connections; a second call does nothing.
func (p *plc) Stop(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	srv, stop := p.srv, p.stop
	p.srv = nil
	p.mu.Unlock()
	if srv == nil {
		return
	}
	srv.SubscriptionService.Mu.Lock()
	var subs []uint32
	for sub := range srv.SubscriptionService.Subs {
		subs = append(subs, sub)
	}
	srv.SubscriptionService.Mu.Unlock()
	for _, sub := range subs {
		srv.SubscriptionService.DeleteSubscription(sub)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	stop()
}

// put gives a node a value, or another one; a nil value takes the node away.
func (p *plc) put(name string, dv *ua.DataValue) {
	p.mu.Lock()
	if dv == nil {
		delete(p.values, name)
	} else {
		p.values[name] = dv
	}
	srv, ns := p.srv, uint16(1+len(p.before))
	p.mu.Unlock()
	if srv != nil {
		srv.ChangeNotification(ua.NewStringNodeID(ns, name))
	}
}

// is puts a good value with a source time.
func (p *plc) is(name string, v any) {
	p.put(name, &ua.DataValue{
		EncodingMask:    ua.DataValueValue | ua.DataValueSourceTimestamp,
		Value:           ua.MustVariant(v),
		SourceTimestamp: time.Now(),
	})
}

func (p *plc) createItems(srv *server.Server, sc *uasc.SecureChannel, r ua.Request, n uint32) (ua.Response, error) {
	req := r.(*ua.CreateMonitoredItemsRequest)
	all := req.ItemsToCreate
	var known []*ua.MonitoredItemCreateRequest
	p.mu.Lock()
	p.calls = append(p.calls, len(all))
	p.each = append(p.each, all...)
	limit, refuse := p.perCall, p.refuse
	missing := make([]bool, len(all))
	for i, it := range all {
		if node := it.ItemToMonitor.NodeID; node.Namespace() != 0 {
			_, ok := p.values[node.StringID()]
			missing[i] = refuse != 0 && (!ok || int(node.Namespace()) != 1+len(p.before))
		}
		if !missing[i] {
			known = append(known, it)
		}
	}
	p.mu.Unlock()
	if limit > 0 && len(all) > limit {
		return nil, ua.StatusBadTooManyOperations
	}
	req.ItemsToCreate = known
	res, err := srv.MonitoredItemService.CreateMonitoredItems(sc, req, n)
	if err != nil {
		return nil, err
	}
	answer := res.(*ua.CreateMonitoredItemsResponse)
	accepted := answer.Results
	answer.Results = nil
	for i := range all {
		if missing[i] {
			answer.Results = append(answer.Results, &ua.MonitoredItemCreateResult{StatusCode: refuse, FilterResult: ua.NewExtensionObject(nil)})
			continue
		}
		answer.Results = append(answer.Results, accepted[0])
		accepted = accepted[1:]
	}
	return answer, nil
}

func (p *plc) getEndpoints(srv *server.Server, r ua.Request) ua.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	eps := p.endpoints
	if eps == nil {
		eps = srv.Endpoints()
	}
	return &ua.GetEndpointsResponse{ResponseHeader: header(r), Endpoints: eps}
}

func (p *plc) read(srv *server.Server, r ua.Request) ua.Response {
	req := r.(*ua.ReadRequest)
	res := &ua.ReadResponse{ResponseHeader: header(r)}
	for _, n := range req.NodesToRead {
		if n.NodeID.IntID() == id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall {
			p.mu.Lock()
			limit := uint32(0)
			if p.tellLimit {
				limit = uint32(p.perCall)
			}
			p.mu.Unlock()
			res.Results = append(res.Results, &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant(limit)})
			continue
		}
		ns, err := srv.Namespace(int(n.NodeID.Namespace()))
		if err != nil {
			res.Results = append(res.Results, &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadNodeIDUnknown})
			continue
		}
		res.Results = append(res.Results, ns.Attribute(n.NodeID, n.AttributeID))
	}
	return res
}

func header(r ua.Request) *ua.ResponseHeader {
	return &ua.ResponseHeader{
		Timestamp:          time.Now(),
		RequestHandle:      r.Header().RequestHandle,
		ServiceDiagnostics: &ua.DiagnosticInfo{},
		StringTable:        []string{},
		AdditionalHeader:   ua.NewExtensionObject(nil),
	}
}

// space is a namespace of a plc.
type space struct {
	plc *plc
	uri string
	id  uint16
}

func (s *space) Name() string                                  { return s.uri }
func (s *space) AddNode(n *server.Node) *server.Node           { return n }
func (s *space) Node(*ua.NodeID) *server.Node                  { return nil }
func (s *space) Objects() *server.Node                         { return nil }
func (s *space) Root() *server.Node                            { return nil }
func (s *space) Browse(*ua.BrowseDescription) *ua.BrowseResult { return &ua.BrowseResult{} }
func (s *space) ID() uint16                                    { return s.id }
func (s *space) SetID(id uint16)                               { s.id = id }
func (s *space) SetAttribute(*ua.NodeID, ua.AttributeID, *ua.DataValue) ua.StatusCode {
	return ua.StatusBadNotWritable
}

func (s *space) Attribute(n *ua.NodeID, _ ua.AttributeID) *ua.DataValue {
	s.plc.mu.Lock()
	defer s.plc.mu.Unlock()
	if dv, ok := s.plc.values[n.StringID()]; ok && s.uri == plantURI {
		return dv
	}
	return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadNodeIDUnknown}
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
