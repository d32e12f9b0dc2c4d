package opcua

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

// client is one connection at the server, with at most one session and one
// subscription. It is guarded by its plc's mu.
type client struct {
	plc *plc
	tcp *net.TCPConn
	sc  *uasc.SecureChannel

	items   []*watched
	publish []ua.Request // publish requests not answered yet
	ids     []uint32     // and their numbers
	seq     uint32
	idle    int
	keep    int
}

// watched is one monitored item.
type watched struct {
	name  string
	req   *ua.MonitoredItemCreateRequest
	last  *ua.DataValue
	queue []*ua.DataValue
}

// changed queues a value as the item's filter and queue have it.
func (w *watched) changed(dv *ua.DataValue) {
	_, each := w.req.RequestedParameters.Filter.Value.(*ua.DataChangeFilter)
	if !each && w.last != nil && w.last.Status == dv.Status && w.last.Value != nil && dv.Value != nil && w.last.Value.Value() == dv.Value.Value() {
		return
	}
	w.last = dv
	w.queue = append(w.queue, dv)
	if size := int(w.req.RequestedParameters.QueueSize); len(w.queue) > size {
		w.queue = slices.Clone(w.queue[len(w.queue)-size:])
		oldest := *w.queue[0]
		oldest.EncodingMask |= ua.DataValueStatusCode
		oldest.Status |= 0x480 // info type data value, overflow
		w.queue[0] = &oldest
	}
}

// serve talks to one client until the connection ends.
func (c *client) serve() {
	p := c.plc
	ctx, cancel := context.WithCancel(context.Background())
	defer func() {
		cancel()
		_ = c.tcp.Close()
		p.mu.Lock()
		delete(p.clients, c)
		p.mu.Unlock()
	}()
	conn, err := uacp.NewConn(c.tcp, uacp.DefaultServerACK)
	if err != nil {
		return
	}
	if hello, err := conn.Receive(); err != nil || string(hello[:4]) != "HELF" || conn.Send("ACKF", uacp.DefaultServerACK) != nil {
		return
	}
	sc, err := uasc.NewServerSecureChannel("", conn, &uasc.Config{
		SecurityPolicyURI: ua.SecurityPolicyURINone,
		SecurityMode:      ua.MessageSecurityModeNone,
		Lifetime:          uint32(time.Hour / time.Millisecond),
	}, make(chan error, 1), 7, 1, 8)
	if err != nil {
		return
	}
	c.sc = sc
	for {
		msg := sc.Receive(ctx)
		if msg.Err != nil {
			return
		}
		req := msg.Request()
		if req == nil {
			continue // the library has opened the channel
		}
		if res := c.answer(ctx, req, msg.RequestID); res != nil && sc.SendResponseWithContext(ctx, msg.RequestID, res) != nil {
			return
		}
	}
}

// answer makes the response to a request; nil if it comes later or never.
func (c *client) answer(ctx context.Context, r ua.Request, n uint32) ua.Response {
	p := c.plc
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hang {
		return nil
	}
	if code, ok := p.refuse[ua.ServiceTypeID(r)]; ok {
		p.denied++
		return fault(r, code)
	}
	switch req := r.(type) {
	case *ua.GetEndpointsRequest:
		return &ua.GetEndpointsResponse{ResponseHeader: header(r), Endpoints: p.offered(req.EndpointURL)}
	case *ua.CreateSessionRequest:
		if p.onlyFor != "" && req.EndpointURL != p.onlyFor {
			return fault(r, ua.StatusBadTCPEndpointURLInvalid)
		}
		p.opened = req
		p.sessions++
		p.nonce = make([]byte, 32)
		if _, err := rand.Read(p.nonce); err != nil {
			return fault(r, ua.StatusBadInternalError)
		}
		return &ua.CreateSessionResponse{
			ResponseHeader: header(r), SessionID: ua.NewNumericNodeID(1, 1), AuthenticationToken: ua.NewNumericNodeID(1, 2),
			RevisedSessionTimeout: req.RequestedSessionTimeout, ServerNonce: p.nonce, ServerCertificate: p.certificate,
			ServerSignature: &ua.SignatureData{},
		}
	case *ua.ActivateSessionRequest:
		p.token = req.UserIdentityToken.Value
		return &ua.ActivateSessionResponse{ResponseHeader: header(r)}
	case *ua.CloseSessionRequest:
		p.closed++
		return &ua.CloseSessionResponse{ResponseHeader: header(r)}
	case *ua.ReadRequest:
		return c.read(req)
	case *ua.BrowseRequest:
		res := &ua.BrowseResponse{ResponseHeader: header(r)}
		for _, n := range req.NodesToBrowse {
			res.Results = append(res.Results, p.page(n.NodeID.StringID(), 0, int(req.RequestedMaxReferencesPerNode)))
		}
		return res
	case *ua.BrowseNextRequest:
		return p.goOn(req)
	case *ua.CreateSubscriptionRequest:
		return c.subscribe(ctx, req)
	case *ua.CreateMonitoredItemsRequest:
		return c.create(req)
	case *ua.DeleteMonitoredItemsRequest:
		for _, it := range req.MonitoredItemIDs {
			c.items[it-1].name = ""
		}
		return &ua.DeleteMonitoredItemsResponse{ResponseHeader: header(r), Results: make([]ua.StatusCode, len(req.MonitoredItemIDs))}
	case *ua.PublishRequest:
		c.publish, c.ids = append(c.publish, r), append(c.ids, n)
		return nil
	}
	return fault(r, ua.StatusBadServiceUnsupported)
}

func (p *plc) offered(url string) []*ua.EndpointDescription {
	if p.endpoints != nil {
		return p.endpoints
	}
	return []*ua.EndpointDescription{{
		EndpointURL: url, Server: &ua.ApplicationDescription{ApplicationName: ua.NewLocalizedText("plc")},
		SecurityMode: ua.MessageSecurityModeNone, SecurityPolicyURI: ua.SecurityPolicyURINone,
		UserIdentityTokens: []*ua.UserTokenPolicy{{PolicyID: "anybody", TokenType: ua.UserTokenTypeAnonymous}},
	}}
}

func (c *client) read(req *ua.ReadRequest) ua.Response {
	res := &ua.ReadResponse{ResponseHeader: header(req)}
	for _, n := range req.NodesToRead {
		if p := c.plc.poison; p != "" && n.NodeID.StringID() == p {
			return fault(req, ua.StatusBadInternalError)
		}
		c.plc.reads[n.NodeID.StringID()]++
		res.Results = append(res.Results, c.value(n.NodeID))
	}
	return res
}

// value is what a node says when it is read.
func (c *client) value(n *ua.NodeID) *ua.DataValue {
	p := c.plc
	if n.Namespace() != 0 {
		if dv, ok := p.values[n.StringID()]; ok && p.has(n) {
			return dv
		}
		return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadNodeIDUnknown}
	}
	switch n.IntID() {
	case id.Server_NamespaceArray:
		return goodValue(p.namespaces)
	case id.Server_ServerStatus_CurrentTime:
		return goodValue(time.Now().Add(p.skew))
	case id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall:
		if p.tellLimit {
			return goodValue(uint32(p.perCall))
		}
		return goodValue(uint32(0))
	}
	return goodValue(int32(0))
}

// has says that a node is in the plant's namespace.
func (p *plc) has(n *ua.NodeID) bool {
	ns := int(n.Namespace())
	return ns < len(p.namespaces) && p.namespaces[ns] == plantURI
}

func (c *client) subscribe(ctx context.Context, req *ua.CreateSubscriptionRequest) ua.Response {
	interval := req.RequestedPublishingInterval
	if c.plc.interval != 0 {
		interval = c.plc.interval
	}
	c.keep = int(req.RequestedMaxKeepAliveCount)
	c.plc.running.Go(func() {
		tick := time.NewTicker(time.Duration(interval * float64(time.Millisecond)))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := c.tell(ctx); err != nil {
				if !errors.Is(err, io.EOF) {
					_ = c.tcp.Close()
				}
				return
			}
		}
	})
	return &ua.CreateSubscriptionResponse{
		ResponseHeader: header(req), SubscriptionID: 1, RevisedPublishingInterval: interval,
		RevisedLifetimeCount: req.RequestedLifetimeCount, RevisedMaxKeepAliveCount: req.RequestedMaxKeepAliveCount,
	}
}

// tell answers one publish request, if there is one and something to tell.
func (c *client) tell(ctx context.Context) error {
	c.plc.mu.Lock()
	if c.plc.hang || len(c.publish) == 0 {
		c.plc.mu.Unlock()
		return nil
	}
	var changes []*ua.MonitoredItemNotification
	for _, it := range c.items {
		for _, dv := range it.queue {
			changes = append(changes, &ua.MonitoredItemNotification{ClientHandle: it.req.RequestedParameters.ClientHandle, Value: dv})
		}
		it.queue = nil
	}
	msg := &ua.NotificationMessage{SequenceNumber: c.seq + 1, PublishTime: time.Now()}
	if c.idle++; len(changes) == 0 && (c.plc.mute || c.idle < c.keep) {
		c.plc.mu.Unlock()
		return nil
	}
	if c.idle = 0; len(changes) > 0 {
		c.seq++
		msg.NotificationData = []*ua.ExtensionObject{ua.NewExtensionObject(&ua.DataChangeNotification{MonitoredItems: changes})}
	}
	req, n := c.publish[0], c.ids[0]
	c.publish, c.ids = c.publish[1:], c.ids[1:]
	c.plc.mu.Unlock()
	return c.sc.SendResponseWithContext(ctx, n, &ua.PublishResponse{ResponseHeader: header(req), SubscriptionID: 1, NotificationMessage: msg})
}

func (c *client) create(req *ua.CreateMonitoredItemsRequest) ua.Response {
	p := c.plc
	p.calls = append(p.calls, len(req.ItemsToCreate))
	p.asked = append(p.asked, req.ItemsToCreate...)
	for _, r := range req.ItemsToCreate {
		if node := r.ItemToMonitor.NodeID; p.poison != "" && node.StringID() == p.poison {
			return fault(req, ua.StatusBadInternalError)
		}
	}
	if p.largest > 0 && len(req.ItemsToCreate) >= p.largest {
		_ = c.tcp.Close()
		return nil
	}
	if p.perCall > 0 && len(req.ItemsToCreate) > p.perCall {
		return fault(req, ua.StatusBadTooManyOperations)
	}
	res := &ua.CreateMonitoredItemsResponse{ResponseHeader: header(req)}
	for _, r := range req.ItemsToCreate {
		node := r.ItemToMonitor.NodeID
		it := &watched{name: node.StringID(), req: r}
		dv, ok := p.values[it.name]
		ok = ok && p.has(node)
		switch {
		case node.Namespace() == 0:
			it.name, dv = "", goodValue(time.Now())
		case !ok && p.missing != 0:
			res.Results = append(res.Results, &ua.MonitoredItemCreateResult{StatusCode: p.missing, FilterResult: ua.NewExtensionObject(nil)})
			continue
		case !ok:
			dv = &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: ua.StatusBadNodeIDUnknown}
		}
		if dv.Value == nil || dv.Value.Value() != "" { // an empty text stands for no value yet
			it.changed(dv)
		}
		c.items = append(c.items, it)
		res.Results = append(res.Results, &ua.MonitoredItemCreateResult{
			MonitoredItemID: uint32(len(c.items)), RevisedSamplingInterval: max(p.sampling, r.RequestedParameters.SamplingInterval), RevisedQueueSize: r.RequestedParameters.QueueSize, FilterResult: ua.NewExtensionObject(nil),
		})
	}
	return res
}

func fault(r ua.Request, code ua.StatusCode) ua.Response {
	h := header(r)
	h.ServiceResult = code
	return &ua.ServiceFault{ResponseHeader: h}
}

func header(r ua.Request) *ua.ResponseHeader {
	return &ua.ResponseHeader{
		Timestamp:          time.Now(),
		RequestHandle:      r.Header().RequestHandle,
		ServiceDiagnostics: &ua.DiagnosticInfo{},
		AdditionalHeader:   ua.NewExtensionObject(nil),
	}
}
