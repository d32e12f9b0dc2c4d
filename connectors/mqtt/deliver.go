package mqtt

import (
	"context"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// delivery hands the messages of one session to emit, on Run's goroutine.
type delivery struct {
	c    *Connector
	s    *session
	emit func(connectors.Batch)
	wake *time.Timer // of the decoder
	left leftovers
	// held is what waits for a resumed session to settle, which is when no
	// message came for quiet; nil afterwards and in other sessions.
	held  *settling
	quiet *time.Timer
	// since is when the connection was there: what waited at the broker comes
	// first, and its age says nothing about clocks.
	since time.Time
}

func newDelivery(c *Connector, s *session, emit func(connectors.Batch)) *delivery {
	d := &delivery{c: c, s: s, emit: emit, wake: time.NewTimer(time.Hour), quiet: time.NewTimer(settleQuiet), since: time.Now()}
	d.wake.Stop()
	d.quiet.Stop()
	return d
}

// begin emits LinkUp, and a bad sample for every tag whose subscription was not
// granted.
func (d *delivery) begin(filters []filter, refused map[string]string) {
	d.hand(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	var samples []connectors.Sample
	for _, f := range filters {
		reason, ok := refused[f.topic]
		if !ok {
			continue
		}
		for _, tag := range f.tags {
			samples = append(samples, connectors.Sample{Tag: tag, Reason: reason})
		}
	}
	if len(samples) > 0 {
		d.hand(connectors.Batch{Time: time.Now(), Samples: samples})
	}
	now := time.Now()
	d.follow(now, d.c.decoder.begin(now), nil)
	if d.s.resumed {
		d.held = newSettling(now)
		d.quiet.Reset(settleQuiet)
	}
}

// run delivers until the connection or the context ends.
func (d *delivery) run(ctx context.Context) error {
	defer d.wake.Stop()
	defer d.quiet.Stop()
	var batch []arrival
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-d.s.lost:
			d.rest(ctx, batch)
			return err
		case now := <-d.quiet.C:
			d.settle(now)
			continue
		case now := <-d.wake.C:
			d.follow(now, d.c.decoder.tick(now), nil)
			continue
		case <-d.s.inbox.arrived:
		}
		batch = d.s.inbox.take(batch)
		for _, a := range batch {
			if ctx.Err() != nil {
				return nil
			}
			d.message(a)
		}
		if d.held != nil {
			d.quiet.Reset(max(0, min(settleQuiet, time.Until(d.held.end))))
		}
	}
}

// rest delivers what arrived before the connection broke and the broker will
// not give again. Messages of a kept session are left to their redelivery.
func (d *delivery) rest(ctx context.Context, used []arrival) {
	for _, a := range d.s.inbox.take(used) {
		if ctx.Err() != nil {
			return
		}
		if !d.c.persistent || a.Qos() == 0 {
			d.message(a)
		}
	}
	if d.held != nil {
		d.held.end = time.Time{} // there is no more to wait for
		d.settle(time.Now())
	}
}

// message makes one batch of one message and sees to its acknowledgement.
func (d *delivery) message(a arrival) {
	in := incoming{topic: a.Topic(), payload: a.Payload(), retained: a.Retained(), repeated: a.Duplicate(), at: a.at}
	if a.Qos() > 0 {
		in.key = messageKey(a.MessageID(), in.topic, in.payload)
	}
	o := d.c.decoder.message(in)
	d.c.meter.receiving(o.known)
	if !o.known {
		if d.c.persistent {
			d.s.unsubscribe(d.left.filters(in.topic))
		}
		d.s.acks.add(a.Ack)
		return
	}
	if !o.stamp.IsZero() && !in.retained && !in.repeated && a.at.Sub(d.since) >= d.backlog() {
		d.c.clocks.stamped(sourceOf(d.c.cfg.Payload, in.topic), o.stamp, a.at)
	}
	held := d.held
	if held != nil {
		o.samples = held.hold(d.c.tags, o)
	}
	if o.counted {
		if held == nil {
			d.follow(a.at, o, func() { d.s.acks.add(a.Ack) })
			return
		}
		held.open.Add(1)
		d.follow(a.at, o, func() { held.open.Add(-1); d.s.acks.add(a.Ack) })
		return
	}
	d.follow(a.at, o, nil)
	d.s.acks.add(a.Ack)
}

// backlog is for how long after connecting messages may be ones that waited.
func (d *delivery) backlog() time.Duration {
	if d.s.resumed {
		return 30 * time.Second
	}
	return 0
}

// follow does what a decoder's outcome asks for.
func (d *delivery) follow(at time.Time, o outcome, committed func()) {
	if len(o.samples) > 0 {
		d.hand(connectors.Batch{Time: at, Samples: o.samples, Committed: committed})
	}
	if !o.wake.IsZero() {
		d.wake.Reset(time.Until(o.wake))
	}
	if o.ask != "" && d.c.cfg.Rebirth {
		d.s.askRebirth(o.ask, at)
	}
}

// hand emits a batch. Its time never lies before that of the batch before:
// messages may have arrived while the subscriptions were still being answered.
func (d *delivery) hand(b connectors.Batch) {
	if b.Time.Before(d.c.last) {
		b.Time = d.c.last
	}
	d.c.last = b.Time
	d.c.meter.emitting(b)
	d.emit(b)
}

// messageKey is the FNV-1a hash of packet id, topic and payload; never 0. A
// redelivery carries the same three, also after a restart of either side.
func messageKey(id uint16, topic string, payload []byte) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	h = (h ^ uint64(id>>8)) * prime
	h = (h ^ uint64(id&0xff)) * prime
	for i := range len(topic) {
		h = (h ^ uint64(topic[i])) * prime
	}
	h = (h ^ 0xff) * prime // no topic holds this byte
	for _, b := range payload {
		h = (h ^ uint64(b)) * prime
	}
	return max(h, 1)
}
