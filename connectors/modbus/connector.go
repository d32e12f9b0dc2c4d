package modbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Connector reads the tags of one Modbus device, gateway or serial line.
type Connector struct {
	cfg     Config
	target  target
	tags    int
	streams []*stream
	totals  totals
	health  health
}

var _ connectors.Connector = (*Connector)(nil)

// totals are the numbers behind Stats.
type totals struct {
	requests, samples   atomic.Uint64
	data, timeouts      atomic.Uint64
	lastGood, roundTrip atomic.Int64
}

// New makes a connector of a configuration, whose missing numbers get their
// defaults, and tags. It does not touch the network. The error names the first
// tag that can not be read, and why.
func New(cfg Config, tags []connectors.Tag) (*Connector, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	target, err := cfg.target()
	if err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	cfg = cfg.Defaults()
	streams, err := layout(cfg, tags)
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, target: target, tags: len(tags), streams: streams}, nil
}

// CheckTag says why a tag can not be read by any device: the address, the type,
// the byte order, a bit or a length that does not go with it. The error says
// what is allowed. What depends on a Config (OneBased, MaxRead) is checked by
// New and Plan.
func CheckTag(tag connectors.Tag) error {
	_, _, err := compile(tag, false, maxRegisters)
	return err
}

// Stats implements connectors.Connector.
func (c *Connector) Stats() connectors.Stats {
	s := connectors.Stats{
		Requests:  c.totals.requests.Load(),
		Samples:   c.totals.samples.Load(),
		Data:      c.totals.data.Load(),
		Timeouts:  c.totals.timeouts.Load(),
		RoundTrip: time.Duration(c.totals.roundTrip.Load()),
	}
	if t := c.totals.lastGood.Load(); t != 0 {
		s.LastGood = time.Unix(0, t)
	}
	return s
}

// Run implements connectors.Connector. LinkUp comes with the first answer of
// the device, be it a refusal. Each period's values come as one batch, or as more
// in a round in which a unit falls silent or answers again. Without tags Run
// waits for ctx and does not connect, since there would be nothing to ask that
// could prove that the device is there.
//
// A device that accepts the connection and does not answer ends Run after three
// timeouts, or after one for each unit if there are more. What was learnt of
// addresses that can not be read together outlives Run; what was learnt of
// silent units does not.
func (c *Connector) Run(ctx context.Context, emit func(connectors.Batch)) error {
	if len(c.streams) == 0 {
		<-ctx.Done()
		return nil
	}
	err := c.attempt(ctx, emit)
	if ctx.Err() != nil {
		return nil
	}
	c.health.ended(err)
	return fmt.Errorf("modbus %s: %w%s", c.cfg.Address, err, advice(err))
}

// attempt is one connection.
func (c *Connector) attempt(ctx context.Context, emit func(connectors.Batch)) error {
	s := newSession(c.streams, c.tags, nil, &c.totals, emit)
	s.pause, s.health = c.cfg.Pause, &c.health
	defer c.health.down()
	if c.cfg.Release {
		fresh := true
		s.reopen = func(ctx context.Context) (*wire, error) {
			w, err := c.cfg.open(ctx, c.target, fresh || s.missed > 0 || s.caller.unsettled())
			fresh = false
			return w, err
		}
		return s.run(ctx)
	}
	w, err := c.cfg.open(ctx, c.target, true)
	if err != nil {
		return err
	}
	defer w.close()
	s.caller = w.caller
	return s.run(ctx)
}

// advice is what a person can do about an error of the connection.
func advice(err error) string {
	var timeout net.Error
	var dns *net.DNSError
	var gone *portGone
	var idle *idleError
	switch {
	case errors.As(err, &gone):
		return ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "; the host is there, but nothing listens on this port: check the port, and that Modbus is switched on in the device"
	case errors.As(err, &dns):
		return "; check the host name, or write the number"
	case errors.As(err, &idle):
		return fmt.Sprintf("; the device ended the connection in the %v in which nothing was asked: if it does so each time, set release, so that each round has a connection of its own, or read more often", idle.waited.Round(time.Second))
	case closedByPeer(err):
		return "; the device closed the connection: many allow only one to four at a time, so check who else is connected"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "; check the address, the cable, and a firewall in between"
	}
	return ""
}

// Conditions implements connectors.Connector.
func (c *Connector) Conditions() []connectors.Condition { return c.health.conditions() }
