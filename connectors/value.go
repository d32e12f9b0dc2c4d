package connectors

import (
	"math"
	"strconv"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of values. KindNone is the zero Value, which no device sends.
const (
	KindNone Kind = iota
	KindBool
	KindInt
	KindUint
	KindFloat32
	KindFloat64
	KindString
)

// Value is one scalar as the device gave it, without loss. It is small, needs
// no allocation and is comparable; the zero Value is no value.
type Value struct {
	kind Kind
	bits uint64
	str  string
}

// Bool makes a value of a bit.
func Bool(v bool) Value {
	if v {
		return Value{kind: KindBool, bits: 1}
	}
	return Value{kind: KindBool}
}

// Int makes a value of a signed integer.
func Int(v int64) Value { return Value{kind: KindInt, bits: uint64(v)} }

// Uint makes a value of an unsigned integer.
func Uint(v uint64) Value { return Value{kind: KindUint, bits: v} }

// Float32 makes a value of a single-precision number. The width is kept because
// it decides which decimal the device meant.
func Float32(v float32) Value {
	return Value{kind: KindFloat32, bits: uint64(math.Float32bits(v))}
}

// Float64 makes a value of a double-precision number.
func Float64(v float64) Value { return Value{kind: KindFloat64, bits: math.Float64bits(v)} }

// String makes a value of a text.
func String(v string) Value { return Value{kind: KindString, str: v} }

// Kind says which of the accessors holds the value.
func (v Value) Kind() Kind { return v.kind }

// AsBool is the bit of a KindBool.
func (v Value) AsBool() bool { return v.bits != 0 }

// AsInt is the number of a KindInt.
func (v Value) AsInt() int64 { return int64(v.bits) }

// AsUint is the number of a KindUint.
func (v Value) AsUint() uint64 { return v.bits }

// AsFloat is the number of a KindFloat32 or KindFloat64.
func (v Value) AsFloat() float64 {
	if v.kind == KindFloat32 {
		return float64(math.Float32frombits(uint32(v.bits)))
	}
	return math.Float64frombits(v.bits)
}

// AsString is the text of a KindString.
func (v Value) AsString() string { return v.str }

// Text writes the value as traces and pages show it: numbers in the shortest
// decimal that names them, bits as true and false, texts as they are.
func (v Value) Text() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.AsBool())
	case KindInt:
		return strconv.FormatInt(v.AsInt(), 10)
	case KindUint:
		return strconv.FormatUint(v.bits, 10)
	case KindFloat32:
		return strconv.FormatFloat(v.AsFloat(), 'g', -1, 32)
	case KindFloat64:
		return strconv.FormatFloat(v.AsFloat(), 'g', -1, 64)
	case KindString:
		return v.str
	}
	return ""
}
