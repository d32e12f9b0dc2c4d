package opcua

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// measurements is the number of requests that a round trip is measured by.
	measurements = 5
	// refusedShown is the number of refused tags that Examine names.
	refusedShown = 20
)

// Examine implements connectors.Surveyor. It creates the subscription and the
// items that the tags would need, and takes them away again.
func (v *Survey) Examine(ctx context.Context, tags []connectors.Tag) ([]connectors.Fact, error) {
	var facts []connectors.Fact
	err := v.visit(ctx, tags, func(s *survey) error {
		server, err := s.serverFacts(ctx)
		if err != nil {
			return err
		}
		clock, err := s.measure(ctx)
		if err != nil {
			return err
		}
		facts = append(append(append(facts, server...), s.facts()...), clock...)
		if len(tags) == 0 {
			return nil
		}
		mine, err := s.tagFacts(ctx, tags)
		facts = append(facts, mine...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return facts, nil
}

// serverFacts are what the server says about itself.
func (s *survey) serverFacts(ctx context.Context) ([]connectors.Fact, error) {
	numbers := []struct {
		name string
		node uint32
	}{
		{"monitored items per request", id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall},
		{"nodes per read", id.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead},
		{"nodes per browse", id.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse},
		{"sessions", id.Server_ServerCapabilities_MaxSessions},
		{"subscriptions", id.Server_ServerCapabilities_MaxSubscriptions},
		{"monitored items", id.Server_ServerCapabilities_MaxMonitoredItems},
		{"fastest sampling in ms", id.Server_ServerCapabilities_MinSupportedSampleRate},
		{"longest array", id.Server_ServerCapabilities_MaxArrayLength},
	}
	ask := []*ua.ReadValueID{attribute(numericNodeID(0, id.Server_ServerStatus), ua.AttributeIDValue)}
	for _, n := range numbers {
		ask = append(ask, attribute(numericNodeID(0, n.node), ua.AttributeIDValue))
	}
	values, err := s.readAll(ctx, ask, ua.TimestampsToReturnNeither)
	if err != nil {
		return nil, err
	}
	facts := statusFacts(values[0])
	facts = append(facts, connectors.Fact{Name: "namespaces", Value: strings.Join(s.namespaces, ", ")})
	for i, n := range numbers {
		value, problem := connectors.Value{}, reasonNoValue
		if held := values[i+1].Value; held != nil {
			value, problem = plain(held.Value())
		}
		if text := value.Text(); problem == "" && text != "0" {
			facts = append(facts, connectors.Fact{Name: "limit: " + n.name, Value: text})
		}
	}
	return facts, nil
}

func statusFacts(dv *ua.DataValue) []connectors.Fact {
	ext, _ := valueOf(dv).(*ua.ExtensionObject)
	if ext == nil {
		return nil
	}
	status, _ := ext.Value.(*ua.ServerStatusDataType)
	if status == nil {
		return nil
	}
	facts := []connectors.Fact{
		{Name: "state", Value: strings.TrimPrefix(status.State.String(), "ServerState")},
		{Name: "started", Value: status.StartTime.UTC().Format(time.RFC3339)},
	}
	if b := status.BuildInfo; b != nil {
		facts = append(facts,
			connectors.Fact{Name: "maker", Value: b.ManufacturerName},
			connectors.Fact{Name: "product", Value: b.ProductName},
			connectors.Fact{Name: "version", Value: strings.TrimSpace(b.SoftwareVersion + " " + b.BuildNumber)})
	}
	return slices.DeleteFunc(facts, func(f connectors.Fact) bool { return f.Value == "" })
}

// measure finds round trip and clock, by the quickest of some small requests.
func (s *survey) measure(ctx context.Context) ([]connectors.Fact, error) {
	var best, skew time.Duration
	known := false
	for range measurements {
		start := time.Now()
		values, err := s.read(ctx, id.Server_ServerStatus_CurrentTime)
		took := time.Since(start)
		if err != nil {
			return nil, err
		}
		if best != 0 && took >= best {
			continue
		}
		best = took
		if t, ok := valueOf(values[0]).(time.Time); ok && !t.IsZero() {
			skew, known = t.Sub(start.Add(took/2)), true
		}
	}
	facts := []connectors.Fact{{Name: "round trip", Value: best.Round(10 * time.Microsecond).String()}}
	if known {
		facts = append(facts, connectors.Fact{Name: "clock", Value: skewText(skew)})
	}
	return facts, nil
}

// skewText says how a device's clock stands to this computer's.
func skewText(skew time.Duration) string {
	switch d := skew.Abs().Round(time.Millisecond); {
	case d < time.Second:
		return "right to " + max(d, time.Millisecond).String()
	case skew > 0:
		return d.Round(time.Second).String() + " ahead of this computer's"
	default:
		return d.Round(time.Second).String() + " behind this computer's"
	}
}

// tagFacts subscribes to the tags and says what the server made of it.
func (s *survey) tagFacts(ctx context.Context, tags []connectors.Tag) ([]connectors.Fact, error) {
	before := s.c.requests.Load()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if s.polls {
		return s.pollFacts(tags), nil
	}
	facts := []connectors.Fact{
		{Name: "values come", Value: "by subscription"},
		{Name: "publishing", Value: wishedText(s.c.cfg.Publishing, s.interval)},
		{Name: "longest silence of a live subscription", Value: s.keep.String()},
		{Name: "requests to begin", Value: strconv.FormatUint(s.c.requests.Load()-before, 10)},
	}
	made, slow := 0, map[string]int{}
	for i := range s.items[:len(s.items)-1] {
		if it := &s.items[i]; it.state != itemRefused {
			made++
			slow[fmt.Sprintf("sampling %s, queue %d", wishedText(it.every, it.sampling), it.queue)]++
		}
	}
	facts = append(facts, connectors.Fact{Name: "items", Value: fmt.Sprintf("%d of %d accepted", made, len(s.items)-1)})
	for _, text := range slices.Sorted(maps.Keys(slow))[:min(len(slow), refusedShown)] {
		facts = append(facts, connectors.Fact{Name: text, Value: fmt.Sprintf("%d items", slow[text])})
	}
	return append(facts, s.refusedFacts(tags)...), nil
}

// refusedFacts name tags that the server does not serve.
func (s *session) refusedFacts(tags []connectors.Tag) (facts []connectors.Fact) {
	for i := range s.items {
		it := &s.items[i]
		if it.state == itemRefused && it.tags != nil && len(facts) < refusedShown {
			facts = append(facts, connectors.Fact{Name: "refused: " + tags[it.tags[0]].Address, Value: it.reason})
		}
	}
	return facts
}

// pollFacts say how the tags are read without a subscription.
func (s *session) pollFacts(tags []connectors.Tag) []connectors.Fact {
	why := "by reading; the server has no subscriptions"
	if s.c.cfg.Read == ReadPoll {
		why = "by reading, as configured"
	}
	facts := []connectors.Fact{
		{Name: "values come", Value: why},
		{Name: "requests for one round", Value: strconv.Itoa((len(s.items) + s.per.read - 1) / s.per.read)},
	}
	return append(facts, s.refusedFacts(tags)...)
}

// wishedText says what was asked for and what became of it, if that differs.
func wishedText(wished, got time.Duration) string {
	if wished == got {
		return got.String()
	}
	return fmt.Sprintf("%s instead of %s", got, wished)
}
