package modbus

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// kind names an area's data in words.
func (a Area) kind() string {
	switch a {
	case Coil:
		return "coil"
	case Discrete:
		return "discrete input"
	case Input:
		return "input register"
	}
	return "holding register"
}

// text writes an address so that it is read again as the same datum: with the
// unit if it is to be named, and in hexadecimal where a decimal number would be
// taken for one of the manuals' form.
func (at spot) text(oneBased bool) string {
	n := at.offset
	if oneBased {
		n++
	}
	number := strconv.Itoa(n)
	if isManual(number) && areaOfDigit(number[0]) != 0 {
		number = fmt.Sprintf("0x%x", n)
	}
	if at.hasUnit {
		return fmt.Sprintf("%d/%s:%s", at.unit, at.area, number)
	}
	return at.area.String() + ":" + number
}

// sample decodes the data of one tag.
func (f *format) sample(area Area, data []byte) connectors.Sample {
	sample := connectors.Sample{Quality: connectors.Good}
	if area.bits() {
		sample.Value = connectors.Bool(data[0]&1 == 1)
		return sample
	}
	if sample.Value, sample.Reason = f.decode(data, connectors.Value{}); sample.Reason != "" {
		sample.Quality = connectors.Bad
	}
	return sample
}

// rawOf is a copy of the data of one tag as they travelled.
func rawOf(area Area, registers int, data []byte) []byte {
	if area.bits() {
		return []byte{data[0] & 1}
	}
	return bytes.Clone(data[:2*registers])
}

// readings are all ways to read registers that begin at a spot. whole asks for
// the bits of the first register and for a text as well.
func (s *Survey) readings(at spot, data []byte, whole bool) []connectors.Reading {
	var all []connectors.Reading
	add := func(tag connectors.Tag) {
		tag.Address = at.text(s.cfg.OneBased)
		f, err := parseFormat(tag, at.area)
		if err != nil || 2*f.registers > len(data) {
			return
		}
		r := connectors.Reading{Tag: tag, Type: at.area.kind(), Sample: f.sample(at.area, data), Raw: rawOf(at.area, f.registers, data)}
		if r.Sample.Quality == connectors.Good {
			r.Note = doubtful(r.Sample.Value)
			all = append(all, r)
		}
	}
	for _, kind := range []string{"uint16", "int16", "bcd16"} {
		for _, order := range []string{"", "BADC"} {
			add(connectors.Tag{Type: kind, Order: order, Bit: connectors.NoBit})
		}
	}
	for _, kind := range []string{"uint32", "int32", "float32", "bcd32", "uint64", "int64", "float64"} {
		for _, order := range []string{"", "CDAB", "BADC", "DCBA"} {
			add(connectors.Tag{Type: kind, Order: order, Bit: connectors.NoBit})
		}
	}
	if !whole {
		return all
	}
	for _, order := range []string{"", "BADC"} {
		if n := printable(data, order); n > 0 {
			add(connectors.Tag{Type: "string", Order: order, Length: n, Bit: connectors.NoBit})
		}
	}
	for bit := range 16 {
		add(connectors.Tag{Type: "uint16", Bit: bit})
	}
	return all
}

// bit is the reading of one bit of an area of bits.
func (s *Survey) bit(at spot, data []byte, i int) connectors.Reading {
	on := data[i/8]>>(i%8)&1 == 1
	return connectors.Reading{
		Tag:    connectors.Tag{Address: at.text(s.cfg.OneBased), Type: "bool", Bit: connectors.NoBit},
		Type:   at.area.kind(),
		Sample: connectors.Sample{Value: connectors.Bool(on), Quality: connectors.Good},
	}
}

// doubtful says of a number why it is hardly what a machine shows.
func doubtful(v connectors.Value) string {
	if v.Kind() != connectors.KindFloat32 && v.Kind() != connectors.KindFloat64 {
		return ""
	}
	switch f := math.Abs(v.AsFloat()); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "no number"
	case f != 0 && (f < 1e-9 || f > 1e12):
		return "hardly a number of this kind"
	}
	return ""
}

// printable is the number of registers that hold a text; 0 if it is shorter than
// two characters.
func printable(data []byte, order string) int {
	n := 0
	for i := range data {
		c := data[i]
		if order == "BADC" {
			c = data[i^1]
		}
		if c < 0x20 || c > 0x7e {
			break
		}
		n++
	}
	if n < 2 {
		return 0
	}
	return (n + 1) / 2
}
