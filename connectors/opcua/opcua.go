// Package opcua reads tags from OPC UA servers through subscriptions, or by
// reading again and again where a server has none. It is one connection's life: dial, secure channel, session, subscription, monitored
// items, and the notice that any of them is gone. It does not reconnect, it
// does not interpret values, and it has no way to change anything on a server
// but its own session.
//
// A tag's address is a node id, nsu=URI;s=Name, or the browse path to a node,
// path:/Objects/nsu=URI;Line/nsu=URI;Good. Both are looked for anew in each
// session, and in one session as long as they are not found. Tag.Path chooses an
// element of an array or a member of a structure, [0].AccCount.
//
// A subscription ends with its session. What changed while there was none is
// not told later: the next session starts with present values. For a tag whose
// every message counts this means that pulses during an interruption, and those
// beyond the server's queue, are lost; a total in the PLC is not. Batches have
// no Committed, because there is nothing that the server would give again.
//
// It stands on the encoding, the secure channel and the cryptography of
// gopcua/opcua, not on that library's client: the client hides keep-alives,
// reconnects on its own, and can not be interrupted while a server is silent.
package opcua

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Connector is one connection to one server.
type Connector struct {
	cfg      Config
	endpoint endpoint
	readings []reading // by tag
	plan     []plannedItem
	// retryEvery is the time between two attempts at refused items.
	retryEvery time.Duration
	pulseEvery time.Duration
	// fits is the number of items in one request that a server has shown it can
	// not bear, halved; 0 if it bore all.
	fits  atomic.Int32
	notes notes
	// accused counts the sessions that a node has ended as a canary. It belongs
	// to the goroutine of Run.
	accused map[address]int
	// unfit are nodes whose values are too large to be taken, as those of long
	// arrays. It belongs to the goroutine of Run.
	unfit map[address]bool

	requests  atomic.Uint64
	samples   atomic.Uint64
	data      atomic.Uint64
	timeouts  atomic.Uint64
	lastGood  atomic.Pointer[time.Time]
	roundTrip atomic.Int64
	skew      atomic.Pointer[skew]
}

var _ connectors.Connector = (*Connector)(nil)

// plannedItem is one monitored item to be: a node at one sampling interval, and
// the tags that want it. Tags that differ only in Bit or Type share one.
type plannedItem struct {
	node  address
	every time.Duration // 0: as fast as the server can
	each  bool
	tags  []int
}

// New makes a connector. It touches neither the network nor the disk. The error
// joins every problem of the configuration and of the tags.
func New(cfg Config, tags []connectors.Tag) (*Connector, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.Defaults()
	ep, err := parseEndpoint(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	plan, err := planItems(cfg, tags)
	if err != nil {
		return nil, err
	}
	c := &Connector{cfg: cfg, endpoint: ep, plan: plan, retryEvery: retryEvery, pulseEvery: pulseEvery, accused: make(map[address]int), unfit: make(map[address]bool)}
	for _, tag := range tags {
		c.readings = append(c.readings, readingOf(tag))
	}
	return c, nil
}

// Run implements connectors.Connector.
func (c *Connector) Run(ctx context.Context, emit func(connectors.Batch)) error {
	err := c.attempt(ctx, emit)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("opcua %s: %w", c.cfg.Endpoint, err)
}

func (c *Connector) attempt(ctx context.Context, emit func(connectors.Batch)) error {
	s, err := c.openSession(ctx)
	if err != nil {
		return err
	}
	if err = s.prepare(ctx); err == nil {
		if s.polls {
			err = s.poll(ctx, emit)
		} else {
			err = s.findUnfit(ctx, s.watch(ctx, emit))
		}
	}
	s.ch.closeAfter(err)
	return err
}

// Stats implements connectors.Connector. RoundTrip is measured on every request
// but the publish requests, which the server keeps on purpose.
func (c *Connector) Stats() connectors.Stats {
	st := connectors.Stats{
		Requests:  c.requests.Load(),
		Samples:   c.samples.Load(),
		Data:      c.data.Load(),
		Timeouts:  c.timeouts.Load(),
		RoundTrip: time.Duration(c.roundTrip.Load()),
	}
	if t := c.lastGood.Load(); t != nil {
		st.LastGood = *t
	}
	if k := c.skew.Load(); k != nil {
		st.Skew, st.SkewAt = k.ahead, k.at
	}
	return st
}

// deliver hands a batch over and counts it.
func (c *Connector) deliver(emit func(connectors.Batch), b connectors.Batch) {
	good := b.Alive
	for i := range b.Samples {
		good = good || b.Samples[i].Quality == connectors.Good
	}
	if good {
		at := b.Time
		c.lastGood.Store(&at)
	}
	c.samples.Add(uint64(len(b.Samples)))
	emit(b)
}

// Conditions implements connectors.Connector.
func (c *Connector) Conditions() []connectors.Condition { return c.notes.list() }
