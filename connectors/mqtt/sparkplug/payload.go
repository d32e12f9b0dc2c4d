// Package sparkplug follows Sparkplug B as a host application that listens: the
// wire format of payloads, and what births, data and deaths say about the
// metrics of Edge Nodes and their devices. It has no network and no clock.
//
// The wire format is read by hand, field by field, because a host needs few of
// its fields and must survive all of them. Decode takes one MQTT payload and
// leaves the metrics with their values unread: data usually name a metric by
// its alias alone and say no type, so only the birth certificate tells that the
// bits 0xFFFFFFFE are the Int32 -2 and not the UInt32 4294967294. Value reads
// them once the type is known, and refuses what would be a guess.
//
// Everything is bounded: the bytes of a payload, its metrics, the length of a
// name and of a text. What holds many values (data sets, templates, arrays,
// bytes, files) is passed over unread; Value says so. Rebirth makes the bytes
// of the one command that a listening host may send.
package sparkplug

import "strconv"

// The limits of a payload. More bytes or metrics make it unusable, a longer text
// its metric alone; a longer name is cut.
const (
	maxPayload = 8 << 20 // bytes
	maxMetrics = 100_000
	maxName    = 4096 // bytes
	maxText    = 4096 // bytes
)

// DataType is a metric's type as the specification numbers it; 0 is none given.
type DataType uint8

// The types of metrics. Those from DataSet to Template, and what the
// specification numbers after them, hold more than one value.
const (
	Int8 DataType = iota + 1
	Int16
	Int32
	Int64
	UInt8
	UInt16
	UInt32
	UInt64
	Float
	Double
	Boolean
	String
	DateTime
	Text
	UUID
	DataSet
	Bytes
	File
	Template
	// unknownType stands for all numbers that do not fit.
	unknownType DataType = 255
)

// String is the specification's name of the type.
func (t DataType) String() string {
	names := [...]string{
		"no type", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", "String",
		"DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array",
		"Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray",
		"StringArray", "DateTimeArray",
	}
	switch {
	case int(t) < len(names):
		return names[t]
	case t == unknownType:
		return "unknown type"
	}
	return "type " + strconv.Itoa(int(t))
}

// Payload is a message of an Edge Node. It may be used for one Decode after the
// other.
type Payload struct {
	// Time is when the message was made, in milliseconds since 1970 UTC; 0 if
	// it does not say.
	Time uint64
	// Seq counts the messages of a node from 0 to 255 and over again; HasSeq
	// says whether the message has one. Deaths of nodes have none. Of a number
	// beyond 255 the low eight bits are kept: they show a gap just as well.
	Seq    uint8
	HasSeq bool
	// Metrics are in the order of the message. A name may come twice.
	Metrics []Metric
}

// Metric is one metric of a message.
type Metric struct {
	// Name may be empty if Alias stands for it, as births define.
	Name     string
	Alias    uint64
	HasAlias bool
	// Time is in milliseconds since 1970 UTC; 0 if the metric does not say.
	Time uint64
	// Type is as the message says it, 0 if it does not, as is usual in data.
	Type DataType
	// Historical values were kept while the node was offline: they are no news
	// of the present.
	Historical, Transient, Null bool
	// Quality is the property of that name: 192 good, 0 bad, 500 stale;
	// HasQuality says whether there is one.
	Quality    int32
	HasQuality bool

	field carrier
	bits  uint64
	text  string
}
