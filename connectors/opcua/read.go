package opcua

import (
	"context"
	"errors"
	"fmt"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// What one request asks for at most, whatever the server allows.
const (
	nodesPerRead   = 500
	nodesPerBrowse = 100
	pathsPerCall   = 200
)

// perRequest is how many operations the server takes in one request of a kind.
// It falls when a server turns a request away as too large.
type perRequest struct {
	read, browse, paths int
}

// learnLimits makes what the server says about itself the session's limits. A
// server that says nothing, or 0, sets none.
func (s *session) learnLimits(values []*ua.DataValue) {
	s.perCall = limitOf(values[0], s.profile.items)
	s.per = perRequest{
		read:   limitOf(values[1], s.profile.read),
		browse: limitOf(values[2], s.profile.browse),
		paths:  limitOf(values[3], s.profile.paths),
	}
}

// limitNodes are the nodes that learnLimits wants the values of, in its order.
func limitNodes() []uint32 {
	return []uint32{
		id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
		id.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
		id.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
		id.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIDs,
	}
}

func limitOf(dv *ua.DataValue, most int) int {
	if dv.Value != nil {
		if n, ok := dv.Value.Value().(uint32); ok && n > 0 && uint64(n) < uint64(most) {
			return int(n)
		}
	}
	return most
}

// inBatches calls ask for n operations, at most *size at a time. A batch that
// the server calls too large is halved, and so is size from then on; a single
// operation that is too large is ask's error.
func inBatches(n int, size *int, ask func(from, to int) error) error {
	for from := 0; from < n; {
		to := min(n, from+max(1, *size))
		err := ask(from, to)
		if tooLarge(err) && to-from > 1 {
			*size = (to - from) / 2
			continue
		}
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// attribute asks for one attribute of one node.
func attribute(node *ua.NodeID, a ua.AttributeID) *ua.ReadValueID {
	return &ua.ReadValueID{NodeID: node, AttributeID: a, DataEncoding: &ua.QualifiedName{}}
}

// readAll reads attributes in as many requests as the server's limits need. Each
// answer is there; what can not be read is a bad status. stamps says which
// times come along.
func (s *session) readAll(ctx context.Context, nodes []*ua.ReadValueID, stamps ua.TimestampsToReturn) ([]*ua.DataValue, error) {
	out := make([]*ua.DataValue, 0, len(nodes))
	err := inBatches(len(nodes), &s.per.read, func(from, to int) error {
		values, err := s.readOnce(ctx, nodes[from:to], stamps)
		out = append(out, values...)
		return err
	})
	return out, err
}

// readOnce reads with one request. If the server refuses it as a whole, though
// it was not too large, each half is asked for by itself: one node may be what
// the server minds. A refusal of a single node is that node's status.
func (s *session) readOnce(ctx context.Context, nodes []*ua.ReadValueID, stamps ua.TimestampsToReturn) ([]*ua.DataValue, error) {
	values, err := s.askRead(ctx, nodes, stamps)
	var refused *refusal
	switch {
	case err == nil, !errors.As(err, &refused), fatal(err):
		return values, err
	case len(nodes) == 1:
		return []*ua.DataValue{badValue(refused.code)}, nil
	case tooLarge(err):
		return nil, err
	}
	first, err := s.readOnce(ctx, nodes[:len(nodes)/2], stamps)
	if err != nil {
		return nil, err
	}
	second, err := s.readOnce(ctx, nodes[len(nodes)/2:], stamps)
	return append(first, second...), err
}

// findUnfit looks for the nodes whose values were too large for a publication,
// if that is what ended the subscription, so that the next one does without
// them. It returns why, with their names.
func (s *session) findUnfit(ctx context.Context, why error) error {
	if !isStatus(why, ua.StatusBadEncodingLimitsExceeded) {
		return why
	}
	var (
		which []address
		nodes []*ua.ReadValueID
	)
	for i := range s.items {
		if it := &s.items[i]; it.tags != nil && it.state != itemRefused {
			node, _ := s.nodeOf(it.node)
			which, nodes = append(which, it.node), append(nodes, attribute(node, ua.AttributeIDValue))
		}
	}
	values, err := s.readAll(ctx, nodes, ua.TimestampsToReturnNeither)
	if err != nil {
		return why
	}
	for k, v := range values {
		if v.Status == ua.StatusBadEncodingLimitsExceeded {
			s.c.unfit[which[k]] = true
			why = fmt.Errorf("%w; %s is too large, for instance an array of more than %d elements, and is left out until the gateway starts again; let the PLC give what is wanted as a node of its own",
				why, which[k], ua.MaxVariantArrayLength)
		}
	}
	return why
}

// askRead is one request for some attributes.
func (s *session) askRead(ctx context.Context, nodes []*ua.ReadValueID, stamps ua.TimestampsToReturn) ([]*ua.DataValue, error) {
	res, err := call[*ua.ReadResponse](ctx, s.ch, &ua.ReadRequest{TimestampsToReturn: stamps, NodesToRead: nodes}, s.c.cfg.Timeout)
	if err != nil {
		return nil, err
	}
	if len(res.Results) != len(nodes) {
		return nil, fmt.Errorf("Read: %d values were asked for and %d came", len(nodes), len(res.Results))
	}
	for i, v := range res.Results {
		if v == nil {
			res.Results[i] = badValue(ua.StatusBadNoData)
		}
	}
	return res.Results, nil
}

// badValue is a status instead of a value.
func badValue(code ua.StatusCode) *ua.DataValue {
	return &ua.DataValue{EncodingMask: ua.DataValueStatusCode, Status: code}
}

// read reads values of the standard namespace. A server that refuses the request
// can not be worked with.
func (s *session) read(ctx context.Context, nodes ...uint32) ([]*ua.DataValue, error) {
	ids := make([]*ua.ReadValueID, len(nodes))
	for i, n := range nodes {
		ids[i] = attribute(numericNodeID(0, n), ua.AttributeIDValue)
	}
	return s.askRead(ctx, ids, ua.TimestampsToReturnNeither)
}

// browseFor says which references of a node to follow: kind and its subtypes.
// mask chooses node classes, 0 being all.
func browseFor(node *ua.NodeID, kind uint32, direction ua.BrowseDirection, mask ua.NodeClass) *ua.BrowseDescription {
	return &ua.BrowseDescription{
		NodeID: node, BrowseDirection: direction, ReferenceTypeID: numericNodeID(0, kind), IncludeSubtypes: true,
		NodeClassMask: uint32(mask), ResultMask: uint32(ua.BrowseResultMaskTargetInfo),
	}
}

// browse asks for at most most references of each node. The caller goes on with
// the continuation points, or releases them.
func (s *session) browse(ctx context.Context, nodes []*ua.BrowseDescription, most uint32) ([]*ua.BrowseResult, error) {
	out := make([]*ua.BrowseResult, 0, len(nodes))
	err := inBatches(len(nodes), &s.per.browse, func(from, to int) error {
		res, err := call[*ua.BrowseResponse](ctx, s.ch, &ua.BrowseRequest{
			View:                          &ua.ViewDescription{ViewID: ua.NewTwoByteNodeID(0)},
			RequestedMaxReferencesPerNode: most,
			NodesToBrowse:                 nodes[from:to],
		}, s.c.cfg.Timeout)
		if err != nil {
			return err
		}
		out = append(out, res.Results...)
		return checkBrowse(res.Results, to-from)
	})
	return out, err
}

// browseNext goes on with one continuation point.
func (s *session) browseNext(ctx context.Context, point []byte) (*ua.BrowseResult, error) {
	res, err := call[*ua.BrowseNextResponse](ctx, s.ch, &ua.BrowseNextRequest{ContinuationPoints: [][]byte{point}}, s.c.cfg.Timeout)
	if err != nil {
		return nil, err
	}
	if err := checkBrowse(res.Results, 1); err != nil {
		return nil, err
	}
	return res.Results[0], nil
}

// release gives continuation points back; servers have few of them.
func (s *session) release(ctx context.Context, points [][]byte) error {
	size := nodesPerBrowse
	return inBatches(len(points), &size, func(from, to int) error {
		_, err := call[*ua.BrowseNextResponse](ctx, s.ch, &ua.BrowseNextRequest{
			ReleaseContinuationPoints: true, ContinuationPoints: points[from:to],
		}, s.c.cfg.Timeout)
		return err
	})
}

func checkBrowse(results []*ua.BrowseResult, asked int) error {
	if len(results) != asked {
		return fmt.Errorf("Browse: %d nodes were asked for and %d came", asked, len(results))
	}
	for _, r := range results {
		if r == nil {
			return errors.New("Browse: a result is missing in the answer")
		}
	}
	return nil
}
