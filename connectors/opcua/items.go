package opcua

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// itemsPerCall is the most that one request creates, whatever the server
	// allows.
	itemsPerCall = 1000
	// itemsAlways is what every server takes in one request.
	itemsAlways = 10
	// splitsMost bounds the search for the items for which a server refuses
	// whole requests, each time that refused items are tried.
	splitsMost = 64
	// notificationsPerPublish bounds one answer of the server; the rest follows
	// in the next.
	notificationsPerPublish = 10_000
	// heartbeatEvery is the sampling interval of the server's clock, which
	// changes all the time, so that a live subscription is never silent.
	heartbeatEvery = time.Second
)

// itemState is what the server makes of a monitored item.
type itemState uint8

const (
	itemRefused itemState = iota // to be created, or created again
	itemWaiting                  // created, no value yet
	itemLive                     // has had a value
)

// monitored is a planned item in one session.
type monitored struct {
	plannedItem
	state  itemState
	id     uint32 // the server's number of it; 0 if it has none
	reason string // why it was refused
	late   bool   // it has been refused, and its tags were told so
	// sampling and queue are the server's word for what was asked.
	sampling time.Duration
	queue    uint32
}

// prepare asks for the server's namespaces and limits, and creates the
// subscription and its items, or finds the nodes to be read. A refused item is
// no error.
func (s *session) prepare(ctx context.Context) error {
	if err := s.readServer(ctx); err != nil {
		return err
	}
	if s.polls = s.c.cfg.Read == ReadPoll; !s.polls {
		err := s.arm(ctx)
		if s.polls = s.c.cfg.Read == ReadAuto && noSubscriptions(err); !s.polls {
			return err
		}
	}
	s.planned()
	return s.resolveItems(ctx)
}

// planned makes an item of each that is planned.
func (s *session) planned() {
	s.items = make([]monitored, 0, len(s.c.plan)+1)
	for _, p := range s.c.plan {
		s.items = append(s.items, monitored{plannedItem: p})
	}
}

// arm creates the subscription and its items.
func (s *session) arm(ctx context.Context) error {
	if err := s.subscribe(ctx); err != nil {
		return err
	}
	s.planned()
	s.items = append(s.items, monitored{plannedItem: plannedItem{
		node:  address{kind: 'i', num: id.Server_ServerStatus_CurrentTime},
		every: max(s.interval, heartbeatEvery),
	}})
	if err := s.createRefused(ctx); err != nil {
		return err
	}
	s.tellRevised()
	return nil
}

// readServer learns the namespaces, which may have another order in each
// session, and the server's limits for one request.
func (s *session) readServer(ctx context.Context) error {
	namespaces, err := s.checkServer(ctx)
	if err != nil {
		return err
	}
	values, err := s.read(ctx, limitNodes()...)
	if err != nil {
		return err
	}
	s.learnLimits(values)
	if fits := int(s.c.fits.Load()); fits > 0 {
		s.perCall = min(s.perCall, fits)
	}
	s.namespaces = namespaces
	return nil
}

// subscribe creates the subscription. Keep-alives are wished about once a
// second, and the subscription shall not outlive its session for long.
func (s *session) subscribe(ctx context.Context) error {
	wished := s.c.cfg.Publishing
	keepAlive := max(1, uint32(heartbeatEvery/wished))
	lifetime := max(3*keepAlive, uint32(min(s.timeout, sessionTimeout)/wished))
	res, err := call[*ua.CreateSubscriptionResponse](ctx, s.ch, &ua.CreateSubscriptionRequest{
		RequestedPublishingInterval: float64(wished) / float64(time.Millisecond),
		RequestedLifetimeCount:      lifetime,
		RequestedMaxKeepAliveCount:  keepAlive,
		MaxNotificationsPerPublish:  notificationsPerPublish,
		PublishingEnabled:           true,
	}, s.c.cfg.Timeout)
	if err != nil {
		return err
	}
	s.sub = res.SubscriptionID
	s.interval = milliseconds(res.RevisedPublishingInterval, time.Millisecond, time.Hour)
	s.keep = s.interval * time.Duration(min(max(1, res.RevisedMaxKeepAliveCount), 10_000))
	return nil
}

// createRefused creates every item that the server has not accepted, or has
// lost. It returns an error only if the session is of no more use.
func (s *session) createRefused(ctx context.Context) error {
	var (
		pending []int
		stale   []uint32
	)
	if err := s.translateRefused(ctx); err != nil {
		return err
	}
	for i := range s.items {
		it := &s.items[i]
		if it.state != itemRefused {
			continue
		}
		if it.id != 0 {
			stale = append(stale, it.id)
			it.id = 0
		}
		node, reason := s.nodeOf(it.node)
		if node == nil {
			it.reason = reason
			continue
		}
		if s.c.unfit[it.node] {
			it.reason = statusName(ua.StatusBadEncodingLimitsExceeded)
			continue
		}
		pending = append(pending, i)
	}
	if err := s.learnMembers(ctx, pending); err != nil {
		return err
	}
	if err := s.forget(ctx, stale); err != nil {
		return err
	}
	s.splits = splitsMost
	return inBatches(len(pending), &s.perCall, func(from, to int) error { return s.createItems(ctx, pending[from:to]) })
}

// translateRefused finds the nodes of the browse paths among the refused items.
func (s *session) translateRefused(ctx context.Context) error {
	var paths []address
	for i := range s.items {
		if s.items[i].state == itemRefused {
			paths = append(paths, s.items[i].node)
		}
	}
	return s.translate(ctx, paths)
}

// learnMembers learns the structures of the items whose members are wanted.
func (s *session) learnMembers(ctx context.Context, pending []int) error {
	for _, i := range pending {
		it := &s.items[i]
		if !slices.ContainsFunc(it.tags, func(t int) bool { return named(s.c.readings[t].path) }) {
			continue
		}
		node, _ := s.nodeOf(it.node)
		if err := s.learn(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// forget removes items that the server no longer serves.
func (s *session) forget(ctx context.Context, ids []uint32) error {
	for len(ids) > 0 {
		n := min(len(ids), s.perCall)
		_, err := call[*ua.DeleteMonitoredItemsResponse](ctx, s.ch, &ua.DeleteMonitoredItemsRequest{
			SubscriptionID: s.sub, MonitoredItemIDs: ids[:n],
		}, s.c.cfg.Timeout)
		if err != nil && fatal(err) {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// createItems creates some items in one request. If the whole request is
// refused, though it was not too large, each half is tried by itself; what is
// still refused then is so for each item.
func (s *session) createItems(ctx context.Context, indexes []int) error {
	req := &ua.CreateMonitoredItemsRequest{SubscriptionID: s.sub, TimestampsToReturn: ua.TimestampsToReturnBoth}
	for _, i := range indexes {
		req.ItemsToCreate = append(req.ItemsToCreate, s.request(i))
	}
	res, err := call[*ua.CreateMonitoredItemsResponse](ctx, s.ch, req, s.c.cfg.Timeout)
	var refused *refusal
	switch {
	case err == nil:
	case errors.Is(err, errLost) && len(indexes) > itemsAlways:
		// Some servers hang up at a message that is too large for them.
		s.c.fits.Store(int32(max(itemsAlways, len(indexes)/2)))
		return err
	case noSubscriptions(err) && s.c.cfg.Read == ReadAuto:
		return err
	case !errors.As(err, &refused) || fatal(refused) || tooLarge(refused) && len(indexes) > 1:
		return err
	case len(indexes) > 1 && s.splits > 0:
		// One node may be what the server minds: it shall not cost the others.
		s.splits--
		half := len(indexes) / 2
		if err := s.createItems(ctx, indexes[:half]); err != nil {
			return err
		}
		return s.createItems(ctx, indexes[half:])
	default:
		for _, i := range indexes {
			s.items[i].reason = statusName(refused.code)
		}
		return nil
	}
	if len(res.Results) != len(indexes) {
		return fmt.Errorf("CreateMonitoredItems: %d items were asked for and %d came", len(indexes), len(res.Results))
	}
	for k, i := range indexes {
		it, r := &s.items[i], res.Results[k]
		switch {
		case r == nil:
			it.reason = reasonNoValue
		case r.StatusCode&severity >= 0x80000000:
			it.reason = statusName(r.StatusCode)
		default:
			it.state, it.id, it.reason = itemWaiting, r.MonitoredItemID, ""
			it.sampling, it.queue = milliseconds(r.RevisedSamplingInterval, 0, 24*time.Hour), r.RevisedQueueSize
		}
	}
	return nil
}

// request describes one item to the server. Its handle is its index.
func (s *session) request(i int) *ua.MonitoredItemCreateRequest {
	it := &s.items[i]
	node, _ := s.nodeOf(it.node)
	params := &ua.MonitoringParameters{
		ClientHandle:     uint32(i),
		SamplingInterval: float64(it.every) / float64(time.Millisecond),
		QueueSize:        s.c.cfg.Queue,
		DiscardOldest:    true,
	}
	if it.each {
		params.QueueSize = max(eachQueue, s.c.cfg.Queue)
		// A message that repeats the last value is a message all the same.
		params.Filter = ua.NewExtensionObject(&ua.DataChangeFilter{Trigger: ua.DataChangeTriggerStatusValueTimestamp})
	}
	if it.tags == nil {
		params.QueueSize = 1
	}
	return &ua.MonitoredItemCreateRequest{
		ItemToMonitor:       &ua.ReadValueID{NodeID: node, AttributeID: ua.AttributeIDValue, DataEncoding: &ua.QualifiedName{}},
		MonitoringMode:      ua.MonitoringModeReporting,
		RequestedParameters: params,
	}
}

// tooLarge says that a smaller request may succeed.
func tooLarge(err error) bool {
	return isStatus(err, ua.StatusBadTooManyOperations, ua.StatusBadEncodingLimitsExceeded,
		ua.StatusBadRequestTooLarge, ua.StatusBadResponseTooLarge, ua.StatusBadTCPMessageTooLarge)
}

// fatal says that an error ends the session: it is not the server's answer, or
// the answer says so.
func fatal(err error) bool {
	var refused *refusal
	return !errors.As(err, &refused) ||
		isStatus(refused, ua.StatusBadSessionIDInvalid, ua.StatusBadSessionClosed, ua.StatusBadSessionNotActivated,
			ua.StatusBadSubscriptionIDInvalid, ua.StatusBadNoSubscription, ua.StatusBadSecureChannelIDInvalid,
			ua.StatusBadSecureChannelClosed, ua.StatusBadShutdown, ua.StatusBadServerHalted)
}

// retry tries the refused items again and says what became of them: those that
// are still refused have a bad sample.
func (s *session) retry(ctx context.Context) error {
	refused := false
	for i := range s.items {
		if s.items[i].state != itemRefused {
			continue
		}
		s.items[i].late = true
		refused = refused || s.items[i].tags != nil
	}
	if !refused {
		return nil
	}
	// The namespaces may have become others along with the nodes.
	limit, known := s.perCall, s.namespaces
	if err := s.readServer(ctx); err != nil {
		return err
	}
	if moved(known, s.namespaces) {
		return errMoved
	}
	s.perCall = min(limit, s.perCall)
	if err := s.createRefused(ctx); err != nil {
		return err
	}
	// Nobody waits for the first value of a late item: its last sample is bad.
	for i := range s.items {
		if s.items[i].state == itemWaiting && s.items[i].late {
			s.items[i].state = itemLive
		}
	}
	s.tellRevised()
	return nil
}

// refusedSamples adds a bad sample for each tag of the refused items.
func (s *session) refusedSamples(into []connectors.Sample) []connectors.Sample {
	for i := range s.items {
		it := &s.items[i]
		if it.state != itemRefused {
			continue
		}
		for _, t := range it.tags {
			into = append(into, connectors.Sample{Tag: t, Reason: it.reason})
		}
	}
	return into
}

// note records what a value means for its item: the first one settles it, and a
// node that has left the server has to be looked for again.
func (s *session) note(it *monitored, dv *ua.DataValue) {
	it.state = itemLive
	if dv == nil {
		return
	}
	switch dv.Status & 0xffff0000 {
	case ua.StatusBadNodeIDUnknown, ua.StatusBadNodeIDInvalid, ua.StatusBadMonitoredItemIDInvalid:
		it.state, it.reason = itemRefused, statusName(dv.Status)
	}
}

// handle finds the item of a notification; nil if the server made it up.
func (s *session) handle(h uint32) *monitored {
	if h > math.MaxInt32 || int(h) >= len(s.items) {
		return nil
	}
	return &s.items[h]
}
