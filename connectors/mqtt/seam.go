package mqtt

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// decoder understands one kind of payload: it says what to subscribe to, and
// makes samples of the messages. A connector has one for its whole life.
//
// Run's goroutine alone calls the methods, except conditions, which may be
// called at any time from any goroutine. None of them may block.
type decoder interface {
	// filters are the subscriptions; they never change.
	filters() []filter
	// begin is called when a connection is there and LinkUp was emitted, before
	// its first message. What an earlier connection said is no longer known.
	begin(now time.Time) outcome
	// message takes the next message. The payload is not kept or changed.
	message(m incoming) outcome
	// tick is called once when the time that the last outcome asked for has
	// come.
	tick(now time.Time) outcome
	// conditions gives what holds as far as the last connection told. It is
	// asked only while that connection lasts.
	conditions() []connectors.Condition
}

// incoming is a message on its way to the decoder.
type incoming struct {
	topic              string
	payload            []byte
	retained, repeated bool // MQTT's RETAIN and DUP
	at                 time.Time
	// key is the Sample.Key of what comes of it.
	key uint64
}

// outcome is what follows from a call of a decoder.
type outcome struct {
	// samples become one batch, in this order. The decoder may use the slice
	// again at its next call.
	samples []connectors.Sample
	// known says that a configured subscription brought the message; false
	// means a leftover of an older configuration.
	known bool
	// counted delays the acknowledgement until the batch is committed.
	counted bool
	// stamp is the device's own time of the message; zero if it has none.
	stamp time.Time
	// wake is when tick is to be called. Zero leaves what was asked before.
	wake time.Time
	// ask is a Sparkplug Edge Node, GROUP/NODE, that is to be asked for its
	// birth certificates; empty for none.
	ask string
}

// newDecoder makes the decoder of a configuration with its defaults and of tags
// that belong to it.
func newDecoder(cfg Config, tags []connectors.Tag) (decoder, error) {
	switch cfg.Payload {
	case PayloadText:
		return newTextDecoder(cfg, tags)
	case PayloadSparkplug:
		return newSparkplugDecoder(cfg, tags)
	}
	return nil, fmt.Errorf("payload %q is unknown; allowed: %s, %s", cfg.Payload, PayloadText, PayloadSparkplug)
}
