// Package mqtt reads machines that send their values to an MQTT 3.1.1 broker.
// It subscribes, decodes plain, JSON and Sparkplug B payloads, and acknowledges
// each message after it was taken over. It sets no last will, does not know what
// a value means, and sends no message to anybody but, if that is allowed, the
// request to a Sparkplug Edge Node to introduce itself again.
package mqtt

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Connector is one connection to a broker and the tags it serves.
//
// If a tag has EachMessage, the broker keeps the session and the messages of
// such tags while the gateway is away, and each of them is acknowledged after
// Batch.Committed. Topics of other tags alone are then subscribed to with QoS 0,
// so that no state of an outage is taken for the present one; what waited of
// them nevertheless is told as one, the last. Without such a tag nothing is
// kept, and a connection begins with the retained messages alone.
type Connector struct {
	cfg        Config
	at         endpoint
	persistent bool
	tags       []connectors.Tag
	decoder    decoder
	meter      meter
	clocks     clocks
	state      state
	last       time.Time // of the last batch; only Run uses it
}

var _ connectors.Connector = (*Connector)(nil)

// filter is one subscription.
type filter struct {
	topic string
	qos   byte
	each  bool
	first bool // its retained messages must come before those of the others
	tags  []int
}

// judge is the reason why a filter's tags will not come as configured; empty if
// they will.
func (f filter) judge(granted map[string]byte) string {
	switch qos, ok := granted[f.topic]; {
	case !ok || qos > 2:
		return "the broker refused the subscription"
	case f.each && qos == 0:
		return "the broker grants QoS 0 only, so messages can be lost"
	}
	return ""
}

// New makes a connector of a configuration, whose missing numbers get their
// defaults, and tags. It reads the certificate files to see that they can be
// used, and does not touch the network.
//
// A connection without a client id gets a random one, unless a tag has
// EachMessage: the broker finds the messages of the last run by the id.
func New(cfg Config, tags []connectors.Tag) (*Connector, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if err := cfg.CheckTags(tags); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	c := &Connector{cfg: cfg.Defaults(), tags: slices.Clone(tags)}
	var err error
	if c.at, err = parseBroker(cfg.Broker); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if _, err = cfg.tlsConfig(c.at); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	for _, tag := range tags {
		c.persistent = c.persistent || tag.EachMessage
	}
	if c.decoder, err = newDecoder(c.cfg, c.tags); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if c.cfg.ClientID == "" {
		if c.persistent {
			return nil, errors.New("mqtt: a connection that counts messages needs a client id, by which the broker keeps what comes while the gateway is away")
		}
		c.cfg.ClientID = "prodsmart-" + rand.Text()[:12]
	}
	return c, nil
}

// group makes one filter of all tags with the same topic, in a fixed order. The
// topics of first come before the others and need no tag. If messages of any
// tag count, all filters without such a tag get QoS 0.
func group(tags []connectors.Tag, first []string, qos byte) []filter {
	index := map[string]int{}
	var filters []filter
	at := func(topic string) *filter {
		n, ok := index[topic]
		if !ok {
			n = len(filters)
			index[topic] = n
			filters = append(filters, filter{topic: topic, qos: qos})
		}
		return &filters[n]
	}
	for _, topic := range first {
		at(topic).first = true
	}
	for i, tag := range tags {
		f := at(tag.Address)
		f.tags = append(f.tags, i)
		if tag.EachMessage {
			f.each, f.qos = true, 1
		}
	}
	if slices.ContainsFunc(filters, func(f filter) bool { return f.each }) {
		// The broker keeps the session. Nobody wants states of yesterday.
		for i := range filters {
			if !filters[i].each {
				filters[i].qos = 0
			}
		}
	}
	slices.SortFunc(filters, func(a, b filter) int {
		if a.first != b.first {
			if a.first {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.topic, b.topic)
	})
	return filters
}

// Stats implements connectors.Connector. Requests are greetings, subscriptions
// and pings. The skew is that of the source whose clock is off most.
func (c *Connector) Stats() connectors.Stats {
	stats, _ := c.meter.read()
	stats.Skew, stats.SkewAt = c.clocks.worst()
	return stats
}

// Ignored is the number of messages that came for no tag: those of a
// subscription that an older configuration left in the broker's session. They
// are acknowledged. It may be called at any time from any goroutine.
func (c *Connector) Ignored() uint64 {
	_, ignored := c.meter.read()
	return ignored
}

// Run implements connectors.Connector. LinkUp comes when the broker has
// answered all subscriptions; a tag whose subscription was refused then gets a
// bad sample.
func (c *Connector) Run(ctx context.Context, emit func(connectors.Batch)) error {
	err := c.run(ctx, emit)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *Connector) run(ctx context.Context, emit func(connectors.Batch)) error {
	secure, err := c.cfg.tlsConfig(c.at)
	if err != nil {
		return fmt.Errorf("mqtt %s: %w", c.at.addr(), err)
	}
	c.meter.connecting()
	s := newSession(ctx, c, secure)
	defer s.close()
	// Until the link is up there is nothing that a polite end would save.
	uncut := context.AfterFunc(ctx, s.cut)
	defer uncut()
	if at, err := s.connect(); err != nil {
		return c.trouble(at, err)
	}
	connected := time.Now()
	if c.persistent {
		c.state.greeted(s.resumed, connected)
	}
	filters := c.decoder.filters()
	refused, err := s.subscribe(ctx, filters, c.cfg.Timeout)
	if err != nil {
		c.state.closure(err, time.Since(connected))
		return c.trouble(subscribing, err)
	}
	if ctx.Err() != nil || !uncut() {
		return nil
	}
	d := newDelivery(c, s, emit)
	d.begin(filters, refused)
	c.state.open(connected, unheard(filters, refused))
	defer c.state.shut()
	err = d.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	c.state.closure(err, time.Since(connected))
	return c.trouble(listening, err)
}

// unheard gives the topics of availability that were refused and so tell
// nothing of the devices.
func unheard(filters []filter, refused map[string]string) []string {
	var list []string
	for _, f := range filters {
		if refused[f.topic] != "" && f.first {
			list = append(list, f.topic)
		}
	}
	return list
}

// Conditions implements connectors.Connector.
func (c *Connector) Conditions() []connectors.Condition {
	list := c.state.conditions(time.Now(), c.cfg.ClientID)
	if c.state.isOpen() {
		list = append(list, c.decoder.conditions()...)
	}
	remedy := ""
	if c.cfg.Payload != PayloadSparkplug { // there the times are part of the protocol
		remedy = ", or leave out the time path"
	}
	return merged(append(list, c.clocks.conditions(remedy)...))
}
