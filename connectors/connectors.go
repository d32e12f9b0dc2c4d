// Package connectors is the contract between the protocols that machines speak
// and the rules that interpret what they say. It knows tags, values and their
// quality; it does not know what a tag means, nor how a configuration is
// written.
package connectors

import (
	"context"
	"time"
)

// Tag names one datum of a device and how it is decoded. Tags are comparable:
// two equal tags of one connection are one subscription.
type Tag struct {
	// Address is the protocol's own notation, as the engineer wrote it:
	// an OPC UA node id, a Modbus register, an MQTT topic filter.
	Address string
	// Type is the protocol's name of the data type ("uint32", "float32",
	// "bcd16", "string"...). Empty means the protocol's default for the address.
	Type string
	// Order is the byte order of values longer than one Modbus register: ABCD
	// (default), CDAB, BADC or DCBA.
	Order string
	// Length is the number of registers of a string. 0 where it does not apply.
	Length int
	// Bit selects one bit of an integer, 0 being the least significant, and
	// makes the value a bool. NoBit means the whole value.
	Bit int
	// Path selects a member of a structured value: of a JSON payload ("count",
	// "a.b", "list[0].n"), of an OPC UA array or structure ("[3]",
	// "[0].AccCount"); or a metric of a Sparkplug device by its name. Empty
	// means the whole value.
	Path string
	// Every is the wished sampling period. 0 means the connection's.
	Every time.Duration
	// EachMessage says that every message counts for itself, as a pulse does:
	// the connector may not merge values, asks the source for at-least-once
	// delivery and acknowledges a message only after Batch.Committed.
	EachMessage bool
}

// NoBit is the Bit of a tag whose whole value is meant.
const NoBit = -1

// Quality tells how far a value may be trusted.
type Quality uint8

const (
	// Bad values are not used. The zero value is Bad, so that a forgotten
	// quality can not count parts.
	Bad Quality = iota
	// Uncertain values move no counter unless the configuration allows it.
	Uncertain
	// Good values are the device's word.
	Good
)

// String is the name used in traces, logs and pages.
func (q Quality) String() string {
	switch q {
	case Good:
		return "good"
	case Uncertain:
		return "uncertain"
	}
	return "bad"
}

// Sample is one observation of one tag.
type Sample struct {
	// Tag is the index into the tags the connector was made with.
	Tag int
	// Value is meaningless when Quality is Bad.
	Value   Value
	Quality Quality
	// Reason says in the protocol's words why the quality is not Good
	// ("BadNodeIdUnknown", "exception 2: illegal data address"). It is a
	// bounded set: never a value, never an address.
	Reason string
	// SourceTime is the device's own time of the value; zero if it gave none.
	SourceTime time.Time
	// Retained marks a value the source stored earlier (an MQTT retained
	// message): a state, never a pulse.
	Retained bool
	// Redelivered marks a message the source sent before without learning
	// that it arrived (MQTT DUP).
	Redelivered bool
	// Key identifies a message for the recognition of redeliveries: equal for
	// a message and its redelivery, and with great likelihood different for
	// any two messages in flight. 0 where the protocol has none.
	Key uint64
}

// Link is the state of a connection as a batch reports it.
type Link uint8

const (
	// LinkSame says nothing about the link.
	LinkSame Link = iota
	// LinkUp says that the connection is established and its tags are being
	// watched. The next samples are present values, not events.
	LinkUp
	// LinkDown says that nothing is known from now on. Only the supervisor
	// emits it, when Run has returned.
	LinkDown
)

// Batch is what a connector learnt at one instant. Samples of one batch were
// true together as far as the protocol can tell; their order is the order in
// which the source gave them, and one tag may appear several times.
type Batch struct {
	// Time is the gateway's clock at arrival, with its monotonic reading.
	Time time.Time
	Link Link
	// Alive vouches that every tag whose last sample was Good still holds that
	// value at Time: an OPC UA keep-alive, for instance. A connector that can
	// not know (MQTT) never sets it.
	Alive   bool
	Samples []Sample
	// Committed, if not nil, is called once after everything that follows from
	// the batch is on disk. It must not block. It is not called if the gateway
	// stops or fails before that; the source then delivers again.
	Committed func()
}

// Stats are totals since the connector was made. They never fall.
type Stats struct {
	// Requests sent to the device (reads, publishes, subscribe calls).
	Requests uint64
	// Samples handed to emit.
	Samples uint64
	// Data that the device sent, asked for or not: registers and bits,
	// notifications, messages.
	Data uint64
	// Timeouts is the number of requests that were not answered in time.
	Timeouts uint64
	// LastGood is the time of the newest Good sample or Alive batch.
	LastGood time.Time
	// RoundTrip is the last measured time between a request and its answer;
	// 0 where nothing was measured.
	RoundTrip time.Duration
	// Skew is the device's clock less the gateway's, estimated so that the
	// travelling time does not count; positive if the device is ahead. It has a
	// meaning only if SkewAt, when it was estimated, is not zero.
	Skew   time.Duration
	SkewAt time.Time
}

// Connector is one configured connection and the tags it serves. One
// supervisor owns it; nothing in it retries.
//
// Run makes one attempt: it connects, watches all tags, calls emit from one
// goroutine at a time and returns when the connection is of no more use: it
// failed, went silent, or ctx ended. It emits LinkUp once values can flow and
// before the first sample. It returns an error that says what happened at which
// address, and what a person could do; nil only when ctx ended. Before it
// returns, everything it opened is closed and every goroutine it started has
// ended, within two seconds even if the device does not answer. It is never
// called twice at a time, and may be called again after it returned.
//
// A tag that can not be read is a sample of Bad quality with a reason, as often
// as the tag would have been read, and never ends Run; the other tags go on.
//
// emit may block: that is the back-pressure, and nothing may be dropped
// meanwhile that the source would not give again. emit does not keep Samples
// after it returned, so the slice can be used again.
//
// Stats and Conditions may be called at any time from any goroutine.
// Conditions gives what holds now, in a fixed order, also while Run does not
// run: why the last attempt failed, as far as a kind of trouble says it. The
// list is bounded, and the caller's to keep.
type Connector interface {
	Run(ctx context.Context, emit func(Batch)) error
	Stats() Stats
	Conditions() []Condition
}
