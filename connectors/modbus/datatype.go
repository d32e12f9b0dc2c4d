package modbus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// dataType is how registers, or one bit of an area of bits, become a value.
type dataType uint8

const (
	typeBool dataType = iota
	typeInt
	typeUint
	typeFloat
	typeBCD
	typeString
)

// format is a data type with its size and byte order.
type format struct {
	kind dataType
	// registers is the size; 1 for bits.
	registers int
	// swapBytes and swapWords say what the byte order does to the bytes of a
	// register and to the order of the registers.
	swapBytes, swapWords bool
	// bit is the bit that is meant, or connectors.NoBit.
	bit int
}

const typeNames = "bool, int16, int32, int64, uint16, uint32, uint64, float32, float64, bcd16, bcd32 and string"

func parseType(name string) (format, error) {
	switch name {
	case "bool":
		return format{kind: typeBool, registers: 1}, nil
	case "int16":
		return format{kind: typeInt, registers: 1}, nil
	case "int32":
		return format{kind: typeInt, registers: 2}, nil
	case "int64":
		return format{kind: typeInt, registers: 4}, nil
	case "uint16":
		return format{kind: typeUint, registers: 1}, nil
	case "uint32":
		return format{kind: typeUint, registers: 2}, nil
	case "uint64":
		return format{kind: typeUint, registers: 4}, nil
	case "float32":
		return format{kind: typeFloat, registers: 2}, nil
	case "float64":
		return format{kind: typeFloat, registers: 4}, nil
	case "bcd16":
		return format{kind: typeBCD, registers: 1}, nil
	case "bcd32":
		return format{kind: typeBCD, registers: 2}, nil
	case "string":
		return format{kind: typeString}, nil
	}
	words := strings.Split(strings.ReplaceAll(typeNames, " and ", ", "), ", ")
	hint := nearest(name, words, map[string]string{
		"bit": "bool", "boolean": "bool", "int": "int16", "short": "int16", "uint": "uint16", "word": "uint16",
		"dint": "int32", "udint": "uint32", "dword": "uint32", "lint": "int64", "ulint": "uint64", "lword": "uint64",
		"real": "float32", "float": "float32", "lreal": "float64", "double": "float64", "bcd": "bcd16", "text": "string",
	})
	return format{}, fmt.Errorf("unknown type %q; allowed are %s%s", name, typeNames, hint)
}

// parseFormat turns the decoding part of a tag of an area into a format.
func parseFormat(tag connectors.Tag, area Area) (format, error) {
	name := tag.Type
	if name == "" {
		name = "uint16"
		if area.bits() {
			name = "bool"
		}
	}
	f, err := parseType(name)
	if err != nil {
		return f, err
	}
	if err := f.setOrder(tag.Order); err != nil {
		return f, err
	}
	if area.bits() && f.kind != typeBool {
		return f, fmt.Errorf("type %s needs registers; %s data are bits, whose type is bool", name, area)
	}
	if err := f.setLength(tag.Length); err != nil {
		return f, err
	}
	return f, f.setBit(tag, area, name)
}

func (f *format) setOrder(order string) error {
	switch order {
	case "", "ABCD":
	case "CDAB":
		f.swapWords = true
	case "BADC":
		f.swapBytes = true
	case "DCBA":
		f.swapBytes, f.swapWords = true, true
	default:
		hint := nearest(order, []string{"ABCD", "CDAB", "BADC", "DCBA"}, map[string]string{
			"big": "ABCD", "ab": "ABCD", "little": "DCBA", "ba": "BADC", "abcdefgh": "ABCD", "ghefcdab": "CDAB", "badcfehg": "BADC", "hgfedcba": "DCBA",
		})
		return fmt.Errorf("unknown byte order %q; allowed are ABCD, CDAB, BADC and DCBA%s", order, hint)
	}
	if f.kind == typeString && f.swapWords {
		return fmt.Errorf("byte order %s has no meaning for a string; allowed are ABCD and BADC", order)
	}
	return nil
}

func (f *format) setLength(length int) error {
	if f.kind != typeString {
		if length != 0 {
			return fmt.Errorf("length %d is given, but only a string has a length; remove it or set type: string", length)
		}
		return nil
	}
	if length < 1 || length > maxRegisters {
		return fmt.Errorf("a string needs its length in registers (two characters each), 1 to %d; %d is given", maxRegisters, length)
	}
	f.registers = length
	return nil
}

func (f *format) setBit(tag connectors.Tag, area Area, name string) error {
	f.bit = tag.Bit
	if tag.Bit == connectors.NoBit {
		if f.kind == typeBool && !area.bits() {
			return fmt.Errorf("a bool in %s registers needs the number of its bit, 0 to 15", area)
		}
		return nil
	}
	switch {
	case area.bits():
		return fmt.Errorf("bit %d is given, but %s data are single bits; remove it", tag.Bit, area)
	case f.kind == typeFloat || f.kind == typeString || f.kind == typeBCD:
		return fmt.Errorf("bit %d of a %s can not be read; bits belong to integers", tag.Bit, name)
	case tag.Bit < 0 || tag.Bit >= 16*f.registers:
		return fmt.Errorf("bit %d does not exist; %s has the bits 0 to %d, 0 being the least significant", tag.Bit, name, 16*f.registers-1)
	}
	return nil
}

// word is the value of up to four registers as an unsigned number.
func (f *format) word(data []byte) uint64 {
	var v uint64
	for i := range f.registers {
		at := i
		if f.swapWords {
			at = f.registers - 1 - i
		}
		r := binary.BigEndian.Uint16(data[2*at:])
		if f.swapBytes {
			r = r<<8 | r>>8
		}
		v = v<<16 | uint64(r)
	}
	return v
}

// decode makes a value of the registers of one tag. data has two bytes for each
// register. The reason is not empty if they hold no such value. last is the
// value decoded before: an unchanged text is not copied again.
func (f *format) decode(data []byte, last connectors.Value) (connectors.Value, string) {
	if f.kind == typeString {
		return f.text(data, last), ""
	}
	v := f.word(data)
	if f.bit != connectors.NoBit {
		return connectors.Bool(v>>f.bit&1 == 1), ""
	}
	switch f.kind {
	case typeInt:
		shift := 64 - 16*f.registers
		return connectors.Int(int64(v<<shift) >> shift), ""
	case typeFloat:
		if f.registers == 2 {
			return connectors.Float32(math.Float32frombits(uint32(v))), ""
		}
		return connectors.Float64(math.Float64frombits(v)), ""
	case typeBCD:
		n, ok := fromBCD(v, 4*f.registers)
		if !ok {
			return connectors.Value{}, reasonNotBCD
		}
		return connectors.Uint(n), ""
	}
	return connectors.Uint(v), ""
}

// fromBCD reads digits of four bits each; false if one of them is above 9.
func fromBCD(v uint64, digits int) (uint64, bool) {
	var n uint64
	for i := digits - 1; i >= 0; i-- {
		d := v >> (4 * i) & 0xf
		if d > 9 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, true
}

// text reads a string of registers.
func (f *format) text(data []byte, last connectors.Value) connectors.Value {
	var room [2 * maxRegisters]byte
	raw := room[:copy(room[:], data[:2*f.registers])]
	if f.swapBytes {
		for i := 0; i < len(raw); i += 2 {
			raw[i], raw[i+1] = raw[i+1], raw[i]
		}
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		raw = raw[:i]
	}
	raw = bytes.TrimRight(raw, " ")
	if last.Kind() == connectors.KindString && last.AsString() == string(raw) {
		return last
	}
	if utf8.Valid(raw) {
		return connectors.String(string(raw))
	}
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
	}
	return connectors.String(string(runes))
}
