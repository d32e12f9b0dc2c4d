package mqtt

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// textDecoder reads plain and JSON payloads, and minds what devices say of
// their availability.
type textDecoder struct {
	tags     []connectors.Tag
	readers  []reader
	topics   topics
	subs     []filter
	timePath *path // nil: payloads carry no time
	watches  *watches
	found    []int
	samples  []connectors.Sample
}

func newTextDecoder(cfg Config, tags []connectors.Tag) (*textDecoder, error) {
	d := &textDecoder{tags: tags}
	for i, tag := range tags {
		r, err := newReader(tag)
		if err != nil {
			return nil, fmt.Errorf("tag %d: %w", i+1, err)
		}
		r.comma = cfg.Decimal == DecimalComma
		d.readers = append(d.readers, r)
		d.topics.add(tag.Address, i)
	}
	if cfg.TimePath != "" {
		p, err := parsePath(cfg.TimePath)
		if err != nil {
			return nil, fmt.Errorf("time path: %w", err)
		}
		d.timePath = &p
	}
	var err error
	if d.watches, err = newWatches(cfg.Availability, tags); err != nil {
		return nil, err
	}
	d.subs = group(tags, d.watches.topics(), *cfg.QoS)
	return d, nil
}

func (d *textDecoder) filters() []filter { return d.subs }

func (d *textDecoder) begin(time.Time) outcome {
	d.watches.forget()
	return outcome{}
}

func (d *textDecoder) tick(time.Time) outcome { return outcome{} }

func (d *textDecoder) conditions() []connectors.Condition { return d.watches.conditions() }

// message makes one sample for every tag of the topic. A device that goes away
// makes the other tags of it Bad besides.
func (d *textDecoder) message(m incoming) outcome {
	doc := newDocument(m.payload)
	gone, watched := d.watches.hear(m.topic, doc)
	d.samples = d.samples[:0]
	for _, tag := range gone {
		d.samples = append(d.samples, connectors.Sample{Tag: tag, Reason: deviceOffline, Retained: m.retained})
	}
	d.found = d.topics.match(d.found[:0], m.topic)
	o := outcome{known: watched || len(d.found) > 0}
	if len(d.found) > 0 && d.timePath != nil {
		o.stamp = d.timePath.stamp(doc)
	}
	for _, tag := range d.found {
		sample := connectors.Sample{
			Tag:         tag,
			Quality:     connectors.Good,
			SourceTime:  o.stamp,
			Retained:    m.retained,
			Redelivered: m.repeated,
			Key:         m.key,
		}
		each := d.tags[tag].EachMessage
		if sample.Value, sample.Reason = d.readers[tag].read(doc); sample.Reason == "" && !each && d.watches.away(tag) {
			sample.Value, sample.Reason = connectors.Value{}, deviceOffline
		}
		if sample.Reason != "" {
			sample.Quality = connectors.Bad
		}
		d.samples = append(d.samples, sample)
		o.counted = o.counted || each
	}
	o.samples = d.samples
	return o
}
