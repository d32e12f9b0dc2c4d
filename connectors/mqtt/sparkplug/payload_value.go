package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// carrier is the field of the metric that its value came in; 0 is none.
type carrier uint8

const (
	inInt       carrier = 10
	inLong      carrier = 11
	inFloat     carrier = 12
	inDouble    carrier = 13
	inBool      carrier = 14
	inText      carrier = 15
	inBytes     carrier = 16
	inDataSet   carrier = 17
	inTemplate  carrier = 18
	inExtension carrier = 19
	inLongText  carrier = 20 // a text beyond the limit, which was not kept
)

func (c carrier) wire() protowire.Type {
	switch c {
	case inInt, inLong, inBool:
		return protowire.VarintType
	case inFloat:
		return protowire.Fixed32Type
	case inDouble:
		return protowire.Fixed64Type
	}
	return protowire.BytesType
}

func (c carrier) String() string {
	switch c {
	case inInt, inLong:
		return "a whole number"
	case inFloat, inDouble:
		return "a floating-point number"
	case inBool:
		return "true or false"
	case inText, inLongText:
		return "a text"
	case inBytes:
		return "bytes"
	case inDataSet:
		return "a data set"
	case inTemplate:
		return "a template"
	}
	return "an extension"
}

// Value reads the metric's value as type t, which is the birth certificate's,
// or as the type that the message itself says if t is 0. Whole numbers become
// Int or Uint by their type, Float and Double keep their width, DateTime is the
// Uint of its milliseconds since 1970 UTC. The error says in words why there is
// no value that could be used; it holds neither metric nor node nor the value, so
// that there is a bounded number of them.
func (m *Metric) Value(t DataType) (connectors.Value, error) {
	switch {
	case m.Null:
		return connectors.Value{}, errors.New("null: the node has no value")
	case t == 0:
		t = m.Type
	case m.Type != 0 && m.Type != t:
		return connectors.Value{}, fmt.Errorf("sent as %s, but the birth certificate says %s; a rebirth of the node settles which", m.Type, t)
	}
	switch {
	case t == 0:
		return connectors.Value{}, errors.New("neither the message nor a birth certificate says its data type")
	case t >= DataSet:
		return connectors.Value{}, fmt.Errorf("%s %s is not one value; have the node publish the member that is needed as a metric of its own", t.article(), t)
	case m.field == 0:
		return connectors.Value{}, errors.New("the message has no value for it")
	}
	switch t {
	case Float, Double:
		return m.number(t)
	case Boolean:
		if m.field == inBool {
			return connectors.Bool(m.bits != 0), nil
		}
		return connectors.Value{}, m.mismatch(t)
	case String, Text, UUID:
		return m.string(t)
	}
	return m.whole(t)
}

func (m *Metric) mismatch(t DataType) error {
	return fmt.Errorf("%s %s, but sent as %s", t.article(), t, m.field)
}

func (m *Metric) number(t DataType) (connectors.Value, error) {
	switch m.field {
	case inFloat:
		return connectors.Float32(math.Float32frombits(uint32(m.bits))), nil
	case inDouble:
		return connectors.Float64(math.Float64frombits(m.bits)), nil
	}
	return connectors.Value{}, m.mismatch(t)
}

func (m *Metric) string(t DataType) (connectors.Value, error) {
	switch {
	case m.field == inLongText:
		return connectors.Value{}, fmt.Errorf("text longer than %d bytes", maxText)
	case m.field != inText:
		return connectors.Value{}, m.mismatch(t)
	case !utf8.ValidString(m.text):
		return connectors.Value{}, errors.New("text that is not UTF-8")
	}
	return connectors.String(m.text), nil
}

// whole reads an integer of either width of field; which one a sender takes for
// its UInt32 differs. Signed numbers come as two's complement of their own
// width, or of a wider one. What does not fit its type is refused, as is a
// 64-bit number in the 32-bit field that could be negative or not.
func (m *Metric) whole(t DataType) (connectors.Value, error) {
	if m.field != inInt && m.field != inLong {
		return connectors.Value{}, m.mismatch(t)
	}
	width := t.width()
	if t >= UInt8 {
		if m.bits>>1>>(width-1) != 0 {
			return connectors.Value{}, fmt.Errorf("a number beyond %s %s", t.article(), t)
		}
		return connectors.Uint(m.bits), nil
	}
	sent := uint(64)
	if m.field == inInt {
		sent = 32
	}
	if width > sent {
		if m.bits >= 1<<31 {
			return connectors.Value{}, fmt.Errorf("%s %s, but sent in 32 bits, of which nobody knows whether they are negative", t.article(), t)
		}
		return connectors.Int(int64(m.bits)), nil
	}
	wide := int64(m.bits<<(64-sent)) >> (64 - sent)
	own := int64(m.bits<<(64-width)) >> (64 - width)
	if wide != own && m.bits>>1>>(width-1) != 0 {
		return connectors.Value{}, fmt.Errorf("a number beyond %s %s", t.article(), t)
	}
	return connectors.Int(own), nil
}

// article goes before the type's name.
func (t DataType) article() string {
	if name := t.String(); name[0] == 'I' || t == unknownType {
		return "an"
	}
	return "a"
}

// width is the number of bits of a whole number.
func (t DataType) width() uint {
	switch t {
	case Int8, UInt8:
		return 8
	case Int16, UInt16:
		return 16
	case Int32, UInt32:
		return 32
	}
	return 64
}
