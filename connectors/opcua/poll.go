package opcua

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// pollSlack is how much earlier than its time an item is read along with others.
const pollSlack = 5 * time.Millisecond

// noSubscriptions says that a server does not know subscriptions at all.
func noSubscriptions(err error) bool {
	return isStatus(err, ua.StatusBadServiceUnsupported, ua.StatusBadNotImplemented, ua.StatusBadNotSupported)
}

// poller reads the items whose time has come, in Run's own goroutine. A value is
// told at each reading, so nothing else vouches for it.
type poller struct {
	*session
	emit func(connectors.Batch)
	due  []time.Time // of each item
}

// poll reads the items again and again until that fails.
func (s *session) poll(ctx context.Context, emit func(connectors.Batch)) error {
	var guarding sync.WaitGroup
	finished := make(chan struct{})
	guarding.Go(func() { s.guard(ctx, finished) })
	defer func() {
		close(finished)
		guarding.Wait()
	}()
	start := time.Now()
	p := poller{session: s, emit: emit, due: make([]time.Time, len(s.items))}
	for i := range p.due {
		p.due[i] = start
	}
	s.deliver(emit, connectors.Batch{Time: start, Link: connectors.LinkUp})
	// Tags may have longer periods than the session has to live.
	keep := time.NewTicker(min(s.c.pulseEvery, s.timeout/3))
	defer keep.Stop()
	retry := time.NewTicker(s.c.retryEvery)
	defer retry.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			err = p.round(ctx)
			timer.Reset(time.Until(p.next()))
		case <-keep.C:
			var now []string
			if now, err = s.checkServer(ctx); err == nil && moved(s.namespaces, now) {
				err = errMoved
			}
		case <-retry.C:
			err = s.findLost(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// next is when something is to be read.
func (p *poller) next() time.Time {
	first := time.Now().Add(time.Minute)
	for _, t := range p.due {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

// round reads what is due, and makes one batch of each request.
func (p *poller) round(ctx context.Context) error {
	start := time.Now()
	var which []int
	p.samples = p.samples[:0]
	for i := range p.items {
		it := &p.items[i]
		if p.due[i].After(start.Add(pollSlack)) {
			continue
		}
		every := it.period(p.c.cfg)
		if p.due[i] = p.due[i].Add(every); !p.due[i].After(start) {
			p.due[i] = start.Add(every) // rounds were missed: they are not made up for
		}
		if it.state == itemRefused {
			for _, t := range it.tags {
				p.samples = append(p.samples, connectors.Sample{Tag: t, Reason: it.reason})
			}
			continue
		}
		which = append(which, i)
	}
	if len(p.samples) > 0 {
		p.deliver(p.emit, connectors.Batch{Time: start, Samples: p.samples})
	}
	err := inBatches(len(which), &p.per.read, func(from, to int) error { return p.some(ctx, which[from:to]) })
	if err == nil {
		p.tellPace(time.Since(start), which)
	}
	return err
}

// some reads a few items and tells their values.
func (p *poller) some(ctx context.Context, which []int) error {
	ask := make([]*ua.ReadValueID, len(which))
	for k, i := range which {
		node, _ := p.nodeOf(p.items[i].node)
		ask[k] = attribute(node, ua.AttributeIDValue)
	}
	values, err := p.readOnce(ctx, ask, ua.TimestampsToReturnBoth)
	if err != nil {
		return err
	}
	p.c.data.Add(uint64(len(values)))
	p.samples = p.samples[:0]
	for k, i := range which {
		it := &p.items[i]
		for _, t := range it.tags {
			p.samples = append(p.samples, p.types.sample(t, p.c.readings[t], values[k]))
		}
		p.note(it, values[k])
	}
	p.deliver(p.emit, connectors.Batch{Time: time.Now(), Samples: p.samples})
	return nil
}

// tellPace compares how long a round took with the shortest period in it.
func (p *poller) tellPace(took time.Duration, which []int) {
	shortest := time.Duration(0)
	for _, i := range which {
		if every := p.items[i].period(p.c.cfg); shortest == 0 || every < shortest {
			shortest = every
		}
	}
	if shortest > 0 && took > shortest {
		p.c.notes.set(connectors.TooSlow, "", fmt.Sprintf("reading %d nodes took %s, and they are wished each %s; read fewer tags or less often",
			len(which), took.Round(time.Millisecond), shortest))
	} else if shortest > 0 && took < shortest*4/5 {
		p.c.notes.clear(connectors.TooSlow, "")
	}
}

// period is the time between two readings of an item.
func (p plannedItem) period(cfg Config) time.Duration {
	if p.every > 0 {
		return p.every
	}
	return cfg.Publishing
}

// resolve gives the items that can be read their nodes, and the others their
// reasons. A tag whose every message counts is one of the others: reading now
// and then does not see every message, and sees some of them twice.
func (s *session) resolveItems(ctx context.Context) error {
	paths := make([]address, len(s.items))
	for i := range s.items {
		paths[i] = s.items[i].node
	}
	if err := s.translate(ctx, paths); err != nil {
		return err
	}
	var fresh []int
	for i := range s.items {
		it := &s.items[i]
		node, reason := s.nodeOf(it.node)
		switch {
		case it.each:
			it.state, it.reason = itemRefused, reasonNoMessages
		case node == nil:
			it.state, it.reason = itemRefused, reason
		case it.state == itemRefused:
			it.state = itemWaiting
			fresh = append(fresh, i)
		}
	}
	return s.learnMembers(ctx, fresh)
}

// findLost looks again for the nodes that are not there.
func (s *session) findLost(ctx context.Context) error {
	lost := false
	for i := range s.items {
		lost = lost || s.items[i].state == itemRefused && !s.items[i].each
	}
	if !lost {
		return nil
	}
	known := s.namespaces
	if err := s.readServer(ctx); err != nil {
		return err
	}
	if moved(known, s.namespaces) {
		return errMoved
	}
	return s.resolveItems(ctx)
}

// checkServer reads the server's clock, and its namespaces as they are now. It
// keeps the session.
func (s *session) checkServer(ctx context.Context) (namespaces []string, err error) {
	start := time.Now()
	values, err := s.read(ctx, id.Server_ServerStatus_CurrentTime, id.Server_NamespaceArray)
	if err != nil {
		return nil, err
	}
	s.c.clock(values[0], start, time.Now())
	namespaces, _ = valueOf(values[1]).([]string)
	return namespaces, nil
}
