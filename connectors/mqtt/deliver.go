package mqtt

import (
	"context"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// delivery hands the messages of one session to emit, on Run's goroutine.
type delivery struct {
	c       *Connector
	s       *session
	emit    func(connectors.Batch)
	samples []connectors.Sample
	found   []int
}

// begin emits LinkUp, and a bad sample for every tag whose subscription was not
// granted.
func (d *delivery) begin(refused map[string]string) {
	d.hand(connectors.Batch{Time: time.Now(), Link: connectors.LinkUp})
	if len(refused) == 0 {
		return
	}
	d.samples = d.samples[:0]
	for _, f := range d.c.filters {
		reason, ok := refused[f.topic]
		if !ok {
			continue
		}
		for _, tag := range f.tags {
			d.samples = append(d.samples, connectors.Sample{Tag: tag, Reason: reason})
		}
	}
	d.hand(connectors.Batch{Time: time.Now(), Samples: d.samples})
}

// run delivers until the connection or the context ends.
func (d *delivery) run(ctx context.Context) error {
	var batch []arrival
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-d.s.lost:
			d.rest(ctx, batch)
			return err
		case <-d.s.inbox.arrived:
		}
		batch = d.s.inbox.take(batch)
		for _, a := range batch {
			if ctx.Err() != nil {
				return nil
			}
			d.message(a)
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
}

// message makes one batch of one message and sees to its acknowledgement.
func (d *delivery) message(a arrival) {
	d.found = d.c.topics.match(d.found[:0], a.Topic())
	if len(d.found) == 0 {
		d.c.meter.ignoring()
		d.s.acks.add(a.Message)
		return
	}
	doc := newDocument(a.Payload())
	key := uint64(0)
	if a.Qos() > 0 {
		key = messageKey(a.MessageID(), a.Topic(), a.Payload())
	}
	each := false
	d.samples = d.samples[:0]
	for _, tag := range d.found {
		sample := connectors.Sample{
			Tag:         tag,
			Quality:     connectors.Good,
			Retained:    a.Retained(),
			Redelivered: a.Duplicate(),
			Key:         key,
		}
		if sample.Value, sample.Reason = d.c.readers[tag].read(doc); sample.Reason != "" {
			sample.Quality = connectors.Bad
		}
		d.samples = append(d.samples, sample)
		each = each || d.c.tags[tag].EachMessage
	}
	batch := connectors.Batch{Time: a.at, Samples: d.samples}
	if each {
		batch.Committed = func() { d.s.acks.add(a.Message) }
		d.hand(batch)
		return
	}
	d.hand(batch)
	d.s.acks.add(a.Message)
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
