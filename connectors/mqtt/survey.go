package mqtt

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The bounds of a survey.
const (
	maxTopics  = 10_000
	maxAround  = 1000
	listenFor  = 10 * time.Second
	versionOf  = "$SYS/broker/version"
	everything = "#"
)

// Survey asks a broker, and listens to what comes there. Each call is a
// connection of its own, with a client id of its own and a session that the
// broker does not keep, so that a gateway that runs is not thrown out.
type Survey struct {
	cfg Config
}

var _ connectors.Surveyor = (*Survey)(nil)

// NewSurvey makes a survey of a broker. It touches neither the network nor the
// disk.
func NewSurvey(cfg Config) (*Survey, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	cfg = cfg.Defaults()
	cfg.ClientID = cmp.Or(cfg.ClientID, "prodsmart") + "-" + rand.Text()[:6]
	cfg.Availability = nil
	return &Survey{cfg: cfg}, nil
}

// visitor is the connection of a survey.
type visitor struct {
	*Connector
	session *session
}

// errEnough ends listening without being a failure.
var errEnough = errors.New("enough was heard")

// visit connects, subscribes and calls granted with the broker's answers; then
// it calls heard for every message until that fails or the time is over.
func (v *Survey) visit(ctx context.Context, filters map[string]byte, listen time.Duration,
	granted func(visitor, map[string]byte) error, heard func(arrival) error) error {
	c, err := New(v.cfg, nil)
	if err != nil {
		return err
	}
	secure, err := v.cfg.tlsConfig(c.at)
	if err != nil {
		return fmt.Errorf("mqtt %s: %w", c.at.addr(), err)
	}
	s := newSession(ctx, c, secure)
	defer s.close()
	defer context.AfterFunc(ctx, s.cut)()
	if at, err := s.connect(); err != nil {
		return cmp.Or(ctx.Err(), c.trouble(at, err))
	}
	answers := map[string]byte{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(filters)), filtersPerRequest) {
		wanted := map[string]byte{}
		for _, topic := range part {
			wanted[topic] = filters[topic]
		}
		answer, err := s.request(ctx, wanted, v.cfg.Timeout)
		if err != nil {
			return cmp.Or(ctx.Err(), c.trouble(subscribing, err))
		}
		maps.Copy(answers, answer)
	}
	if err := granted(visitor{c, s}, answers); err != nil {
		return err
	}
	err = s.hear(ctx, c, listen, heard)
	switch {
	case err == nil || errors.Is(err, errEnough):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// hear calls heard for each message until the time is over.
func (s *session) hear(ctx context.Context, c *Connector, listen time.Duration, heard func(arrival) error) error {
	timer := time.NewTimer(listen)
	defer timer.Stop()
	var batch []arrival
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		case err := <-s.lost:
			return c.trouble(listening, err)
		case <-s.inbox.arrived:
		}
		batch = s.inbox.take(batch)
		for _, a := range batch {
			if err := heard(a); err != nil {
				return err
			}
		}
	}
}

// allowed is an error if the broker refuses one of the subscriptions.
func allowed(_ visitor, granted map[string]byte) error {
	for topic, qos := range granted {
		if qos > 2 {
			return fmt.Errorf("mqtt: the broker refuses the subscription %q; ask for a narrower one, or for the right to it", topic)
		}
	}
	return nil
}

// Browse implements connectors.Surveyor. It listens for Walk.For, 10 s if that
// is 0, to the filter Walk.Root, everything if that is empty, and reports each
// topic once, when its first message comes, with the members of a JSON payload.
// Walk.Depth counts the topic as the first level.
//
// Of Sparkplug nodes it reports every node and device with the metrics of its
// birth certificate; Walk.Root is then GROUP, GROUP/NODE or GROUP/NODE/DEVICE.
// Nodes that live and whose birth did not come are named at the end. They are
// asked for it if Config.Rebirth allows it.
func (v *Survey) Browse(ctx context.Context, walk connectors.Walk, found func(connectors.Reading) error) error {
	if v.cfg.Payload == PayloadSparkplug {
		return v.browseEdge(ctx, walk, found)
	}
	root := cmp.Or(walk.Root, everything)
	if err := checkFilter(root); err != nil {
		return fmt.Errorf("mqtt: %w", err)
	}
	seen := map[string]bool{}
	count := 0
	return v.visit(ctx, map[string]byte{root: 0}, cmp.Or(walk.For, listenFor), allowed, func(a arrival) error {
		if seen[a.Topic()] {
			return nil
		}
		if len(seen) == maxTopics {
			return connectors.ErrMore
		}
		seen[strings.Clone(a.Topic())] = true
		for _, reading := range readings(a, v.cfg.Decimal == DecimalComma, walk.Depth-1) {
			if walk.Depth > 0 && reading.Depth >= walk.Depth {
				continue
			}
			if walk.Limit > 0 && count == walk.Limit {
				return connectors.ErrMore
			}
			count++
			if !walk.Values {
				reading.Sample, reading.Raw = connectors.Sample{}, nil
			}
			if err := found(reading); err != nil {
				return err
			}
		}
		return nil
	})
}

// Probe implements connectors.Surveyor. It waits for the first message of each
// topic, at most Config.Timeout. The members of the payload follow the tag.
func (v *Survey) Probe(ctx context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	if v.cfg.Payload == PayloadSparkplug {
		return v.probeEdge(ctx, tags)
	}
	out := make([][]connectors.Reading, len(tags))
	filters := map[string]byte{}
	var byTopic topics
	missing := 0
	for i, tag := range tags {
		reading := connectors.Reading{Tag: tag, Sample: connectors.Sample{Reason: fmt.Sprintf("no message within %v", v.cfg.Timeout)}}
		if err := v.cfg.CheckTag(tag); err != nil {
			reading.Sample.Reason = err.Error()
		} else {
			filters[tag.Address] = 0
			byTopic.add(tag.Address, i)
			missing++
		}
		out[i] = []connectors.Reading{reading}
	}
	if missing == 0 {
		return out, nil
	}
	refused := func(_ visitor, granted map[string]byte) error {
		for i, tag := range tags {
			if qos, ok := granted[tag.Address]; ok && qos > 2 {
				out[i][0].Sample.Reason = "the broker refused the subscription"
				missing--
			}
		}
		if missing == 0 {
			return errEnough
		}
		return nil
	}
	err := v.visit(ctx, filters, v.cfg.Timeout, refused, func(a arrival) error {
		for _, i := range byTopic.match(nil, a.Topic()) {
			if out[i][0].Raw == nil {
				out[i] = v.probed(tags[i], a)
				missing--
			}
		}
		if missing == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// probed reads a message with a tag.
func (v *Survey) probed(tag connectors.Tag, a arrival) []connectors.Reading {
	all := readings(a, v.cfg.Decimal == DecimalComma, 0)
	first := connectors.Reading{Tag: tag, Name: a.Topic(), Type: "text", Note: all[0].Note, Raw: append([]byte{}, a.Payload()...),
		Sample: connectors.Sample{Retained: a.Retained()}}
	r, err := newReader(tag)
	if err != nil {
		first.Sample.Reason = err.Error()
		return []connectors.Reading{first}
	}
	r.comma = v.cfg.Decimal == DecimalComma
	if first.Sample.Value, first.Sample.Reason = r.read(newDocument(a.Payload())); first.Sample.Reason == "" {
		first.Sample.Quality = connectors.Good
	}
	for _, other := range all {
		if other.Tag.Path == tag.Path {
			first.Type = other.Type
		}
	}
	return append([]connectors.Reading{first}, all[1:]...)
}

// Around implements connectors.Surveyor: all members of the messages on the
// tag's topic, and on those beside it, that come within Config.Timeout.
func (v *Survey) Around(ctx context.Context, tag connectors.Tag) ([]connectors.Reading, error) {
	if v.cfg.Payload == PayloadSparkplug {
		return v.aroundEdge(ctx, tag)
	}
	if err := v.cfg.CheckTag(tag); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	filters := map[string]byte{tag.Address: 0}
	if i := strings.LastIndexByte(tag.Address, '/'); i >= 0 && !strings.HasSuffix(tag.Address, "#") {
		filters[tag.Address[:i]+"/+"] = 0
	}
	var own, beside []connectors.Reading
	var mine topics
	mine.add(tag.Address, 0)
	seen := map[string]bool{}
	err := v.visit(ctx, filters, v.cfg.Timeout, allowed, func(a arrival) error {
		if seen[a.Topic()] {
			return nil
		}
		seen[a.Topic()] = true
		list := readings(a, v.cfg.Decimal == DecimalComma, 0)
		if len(own)+len(beside)+len(list) > maxAround {
			return errEnough
		}
		if len(mine.match(nil, a.Topic())) > 0 {
			own = append(own, list...)
		} else {
			beside = append(beside, list...)
		}
		return nil
	})
	return append(own, beside...), err
}

// Examine implements connectors.Surveyor.
func (v *Survey) Examine(ctx context.Context, tags []connectors.Tag) ([]connectors.Fact, error) {
	var facts []connectors.Fact
	say := func(name, format string, args ...any) {
		facts = append(facts, connectors.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	filters := map[string]byte{versionOf: 0}
	kept := false
	d, err := newDecoder(v.cfg, tags)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	for _, f := range d.filters() {
		filters[f.topic] = f.qos
		kept = kept || f.each
	}
	granted := func(c visitor, answers map[string]byte) error {
		say("round trip", "%v", c.Stats().RoundTrip.Round(10*time.Microsecond))
		say("security", "%s", c.state.security())
		for _, end := range c.state.endings() {
			say(end.whose+" certificate valid until", "%s", end.at.UTC().Format(time.RFC3339))
		}
		switch {
		case v.cfg.Payload == PayloadSparkplug:
			say("session", "not kept; begins with the births of the Edge Nodes")
		case kept:
			say("session", "kept by the broker while the gateway is away, because messages are counted")
		default:
			say("session", "not kept; begins with the retained messages")
		}
		delete(answers, versionOf)
		for _, topic := range slices.Sorted(maps.Keys(answers)) {
			if qos := answers[topic]; qos > 2 {
				say("subscription "+topic, "refused")
			} else {
				say("subscription "+topic, "QoS %d granted", qos)
			}
		}
		return nil
	}
	version := ""
	err = v.visit(ctx, filters, min(v.cfg.Timeout, time.Second), granted, func(a arrival) error {
		if a.Topic() != versionOf {
			return nil
		}
		version = string(limited(a.Payload()))
		return errEnough
	})
	if err != nil {
		return nil, err
	}
	return append([]connectors.Fact{{Name: "broker", Value: cmp.Or(version, "does not tell its version")}}, facts...), nil
}

// security says how the last connection was protected.
func (s *state) security() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tls == nil {
		return "none: everything, also the password, travels in the clear"
	}
	return tls.VersionName(s.tls.Version) + ", " + tls.CipherSuiteName(s.tls.CipherSuite)
}

// endings are the ends of the certificates of the last connection.
func (s *state) endings() []ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ends)
}
