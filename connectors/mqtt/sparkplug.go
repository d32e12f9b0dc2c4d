package mqtt

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug"
)

// sparkplugDecoder reads the payloads of Sparkplug Edge Nodes.
type sparkplugDecoder struct {
	host *sparkplug.Host
	subs []filter
}

func newSparkplugDecoder(cfg Config, tags []connectors.Tag) (*sparkplugDecoder, error) {
	var every time.Duration
	if cfg.Rebirth {
		every = cfg.RebirthEvery
	}
	host, err := sparkplug.NewHost(tags, every)
	if err != nil {
		return nil, err
	}
	d := &sparkplugDecoder{host: host}
	for topic, of := range host.Filters() {
		d.subs = append(d.subs, filter{topic: topic, qos: *cfg.QoS, tags: of})
	}
	slices.SortFunc(d.subs, func(a, b filter) int { return cmp.Compare(a.topic, b.topic) })
	return d, nil
}

func (d *sparkplugDecoder) filters() []filter { return d.subs }

func (d *sparkplugDecoder) begin(now time.Time) outcome { return follows(d.host.Begin(now)) }

func (d *sparkplugDecoder) tick(now time.Time) outcome { return follows(d.host.Tick(now)) }

func (d *sparkplugDecoder) message(m incoming) outcome {
	return follows(d.host.Message(m.topic, m.payload, m.retained, m.at))
}

func (d *sparkplugDecoder) conditions() []connectors.Condition { return d.host.Conditions() }

func follows(r sparkplug.Result) outcome {
	return outcome{samples: r.Samples, known: r.Known, stamp: r.Sent, wake: r.Wake, ask: r.Ask}
}
