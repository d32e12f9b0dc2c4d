package opcua

import (
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// severity are the bits of a status code that tell good from uncertain from
// bad. The other bits carry details, such as an overflow of the server's queue,
// which do not make a good value less good.
const (
	severity          ua.StatusCode = 0xC0000000
	severityUncertain ua.StatusCode = 0x40000000
)

// Reasons of bad samples that are not status codes.
const (
	reasonNoValue   = "no value"
	reasonArray     = "array, not a scalar"
	reasonStructure = "structure, not a scalar"
	reasonBytes     = "byte string, not a number or text"
	reasonType      = "value of a type that can not be read"
	reasonNoBits    = "bit of a value that is not an integer"
	reasonBitBeyond = "bit beyond the width of the value"
	reasonNotType   = "value is not of the configured type"
	reasonNamespace = "namespace is not on the server"
	reasonAddress   = "address can not be used"
	// reasonNoMessages is for a tag whose every message counts, where values are
	// read now and then.
	reasonNoMessages = "the server has no subscriptions, and reading now and then can not see every message"
	// Of members.
	reasonNoArray          = "an index into a value that is no array"
	reasonBeyond           = "index beyond the end of the array"
	reasonNoStructure      = "a member of a value that is no structure"
	reasonNoField          = "the structure has no member of this name"
	reasonUnknownStructure = "the server does not say how the structure is made; use the node of the member itself"
	reasonCut              = "the structure is not as its definition says"
)

// reading is what a tag wants of its node's values. It is small, because every
// notification looks at it.
type reading struct {
	want ua.TypeID // TypeIDNull for any
	bit  int8      // connectors.NoBit for the whole value
	path []step    // to a member; empty for the whole value
}

func readingOf(tag connectors.Tag) reading {
	want, _ := typeOf(tag.Type)
	path, _ := parsePath(tag.Path)
	return reading{want: want, bit: int8(tag.Bit), path: path}
}

// sample reads what a server said of one node for one tag.
func sample(index int, r reading, dv *ua.DataValue) connectors.Sample {
	s := connectors.Sample{Tag: index}
	if dv == nil {
		s.Reason = reasonNoValue
		return s
	}
	s.SourceTime = sourceTime(dv)
	quality, reason := qualityOf(dv.Status)
	if quality == connectors.Bad {
		s.Reason = reason
		return s
	}
	value, problem := scalar(dv.Value, r)
	if problem != "" {
		s.Reason = problem
		return s
	}
	s.Value, s.Quality, s.Reason = value, quality, reason
	return s
}

// qualityOf maps a status code; the reason is empty for a good one.
func qualityOf(code ua.StatusCode) (connectors.Quality, string) {
	switch code & severity {
	case 0:
		return connectors.Good, ""
	case severityUncertain:
		return connectors.Uncertain, statusName(code)
	}
	return connectors.Bad, statusName(code)
}

// sourceTime prefers the device's clock to the server's.
func sourceTime(dv *ua.DataValue) time.Time {
	if dv.Has(ua.DataValueSourceTimestamp) && !dv.SourceTimestamp.IsZero() {
		return dv.SourceTimestamp
	}
	if dv.Has(ua.DataValueServerTimestamp) && !dv.ServerTimestamp.IsZero() {
		return dv.ServerTimestamp
	}
	return time.Time{}
}

// scalar reads a variant as the tag wants it; problem is a reason or empty.
func scalar(v *ua.Variant, r reading) (value connectors.Value, problem string) {
	if v == nil || v.Type() == ua.TypeIDNull {
		return value, reasonNoValue
	}
	if v.Has(ua.VariantArrayValues) {
		return value, reasonArray
	}
	if r.want != ua.TypeIDNull && r.want != v.Type() {
		return value, reasonNotType
	}
	value, problem = plain(v.Value())
	if problem != "" || r.bit == connectors.NoBit {
		return value, problem
	}
	return bit(value, width(v.Type()), int(r.bit))
}

// bit selects one bit of an integer of some width.
func bit(value connectors.Value, width, n int) (connectors.Value, string) {
	if width == 0 {
		return connectors.Value{}, reasonNoBits
	}
	if n >= width {
		return connectors.Value{}, reasonBitBeyond
	}
	bits := value.AsUint()
	if value.Kind() == connectors.KindInt {
		bits = uint64(value.AsInt())
	}
	return connectors.Bool(bits>>n&1 == 1), ""
}

// plain converts the scalar types of OPC UA.
func plain(v any) (connectors.Value, string) {
	switch x := v.(type) {
	case bool:
		return connectors.Bool(x), ""
	case int8:
		return connectors.Int(int64(x)), ""
	case int16:
		return connectors.Int(int64(x)), ""
	case int32:
		return connectors.Int(int64(x)), ""
	case int64:
		return connectors.Int(x), ""
	case uint8:
		return connectors.Uint(uint64(x)), ""
	case uint16:
		return connectors.Uint(uint64(x)), ""
	case uint32:
		return connectors.Uint(uint64(x)), ""
	case uint64:
		return connectors.Uint(x), ""
	case float32:
		return connectors.Float32(x), ""
	case float64:
		return connectors.Float64(x), ""
	case ua.StatusCode:
		return connectors.Uint(uint64(x)), ""
	}
	return text(v)
}

// text converts the types of OPC UA that people read.
func text(v any) (connectors.Value, string) {
	switch x := v.(type) {
	case string:
		return connectors.String(x), ""
	case ua.XMLElement:
		return connectors.String(string(x)), ""
	case time.Time:
		if x.IsZero() {
			return connectors.Value{}, reasonNoValue
		}
		return connectors.String(x.UTC().Format(time.RFC3339Nano)), ""
	case *ua.LocalizedText:
		return connectors.String(x.Text), ""
	case *ua.QualifiedName:
		return connectors.String(x.Name), ""
	case *ua.GUID:
		return connectors.String(x.String()), ""
	case *ua.NodeID:
		return connectors.String(x.String()), ""
	case *ua.ExpandedNodeID:
		return connectors.String(x.String()), ""
	case *ua.ExtensionObject:
		return connectors.Value{}, reasonStructure
	case []byte:
		return connectors.Value{}, reasonBytes
	}
	return connectors.Value{}, reasonType
}
