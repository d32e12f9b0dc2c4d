package sparkplug

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decode reads one message into p, whose former content is dropped and whose
// room is used again. It keeps nothing of b. After an error p is empty; the
// error says in words why the message is none, without the topic.
func Decode(b []byte, p *Payload) error {
	clear(p.Metrics)
	*p = Payload{Metrics: p.Metrics[:0]}
	err := p.decode(b)
	if err != nil {
		clear(p.Metrics)
		*p = Payload{Metrics: p.Metrics[:0]}
	}
	return err
}

func (p *Payload) decode(b []byte) error {
	if len(b) > maxPayload {
		return fmt.Errorf("the payload has %d bytes; at most %d are read", len(b), maxPayload)
	}
	return fields(b, func(f field) error {
		switch {
		case f.is(1, protowire.VarintType):
			p.Time = f.bits
		case f.is(2, protowire.BytesType):
			if len(p.Metrics) == maxMetrics {
				return fmt.Errorf("the payload has more than %d metrics", maxMetrics)
			}
			if len(p.Metrics) == cap(p.Metrics) {
				p.Metrics = append(make([]Metric, 0, min(metricsIn(b), maxMetrics)), p.Metrics...)
			}
			p.Metrics = append(p.Metrics, Metric{})
			if err := p.Metrics[len(p.Metrics)-1].decode(f.bytes); err != nil {
				return fmt.Errorf("metric %d: %w", len(p.Metrics), err)
			}
		case f.is(3, protowire.VarintType):
			p.Seq, p.HasSeq = uint8(f.bits), true
		case f.is(4, protowire.BytesType) && string(f.bytes) == "SPBV1.0_COMPRESSED":
			return errors.New("the payload is compressed, which is not read; switch compression off at the Edge Node")
		}
		return nil
	})
}

// metricsIn counts, so that room is made once and not more than it takes.
func metricsIn(b []byte) int {
	n := 0
	_ = fields(b, func(f field) error { // what is wrong shows when it is read
		if f.is(2, protowire.BytesType) {
			n++
		}
		return nil
	})
	return n
}

func (m *Metric) decode(b []byte) error {
	return fields(b, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType):
			m.Name = name(f.bytes)
		case f.is(2, protowire.VarintType):
			m.Alias, m.HasAlias = f.bits, true
		case f.is(3, protowire.VarintType):
			m.Time = f.bits
		case f.is(4, protowire.VarintType):
			m.Type = DataType(min(uint32(f.bits), uint32(unknownType)))
		case f.is(5, protowire.VarintType):
			m.Historical = f.bits != 0
		case f.is(6, protowire.VarintType):
			m.Transient = f.bits != 0
		case f.is(7, protowire.VarintType):
			m.Null = f.bits != 0
		case f.is(9, protowire.BytesType):
			return m.properties(f.bytes)
		case f.number >= 10 && f.number <= 19:
			m.keep(f)
		}
		return nil
	})
}

// name is a metric's name. One beyond the limit, which no tag can ask for, is
// cut: its alias still needs an owner.
func name(b []byte) string {
	cut := ""
	if len(b) > maxName {
		b, cut = b[:maxName], "…"
	}
	return strings.ToValidUTF8(string(b), "\uFFFD") + cut
}

// keep takes a value as it is, to be read when the type is known. The last one
// counts, as protobuf wants it.
func (m *Metric) keep(f field) {
	c := carrier(f.number)
	if f.wire != c.wire() {
		return // protobuf: a field of another wire type is an unknown one
	}
	m.field, m.bits, m.text = c, f.bits, ""
	switch {
	case c == inInt:
		m.bits = uint64(uint32(f.bits))
	case c == inBool:
		m.bits = min(f.bits, 1)
	case c == inText && len(f.bytes) > maxText:
		m.field = inLongText
	case c == inText:
		m.text = string(f.bytes)
	}
}

// properties looks for the quality; the others say nothing about the value.
func (m *Metric) properties(b []byte) error {
	const none = -1
	keys, at, exact := 0, none, false
	err := fields(b, func(f field) error {
		if !f.is(1, protowire.BytesType) {
			return nil
		}
		// Some senders write it their own way; the specification's goes first.
		switch own := string(f.bytes) == "Quality"; {
		case own, !exact && bytes.EqualFold(f.bytes, []byte("quality")):
			at, exact = keys, own
		}
		keys++
		return nil
	})
	if err != nil || at == none {
		return err
	}
	values := 0
	return fields(b, func(f field) error {
		if !f.is(2, protowire.BytesType) {
			return nil
		}
		values++
		if values-1 != at {
			return nil
		}
		return m.quality(f.bytes)
	})
}

// quality reads a property's value. One that is no whole number is none.
func (m *Metric) quality(b []byte) error {
	var null, has bool
	var v float64
	err := fields(b, func(f field) error {
		switch {
		case f.is(2, protowire.VarintType):
			null = f.bits != 0
		case f.is(3, protowire.VarintType):
			v, has = float64(int32(f.bits)), true
		case f.is(4, protowire.VarintType):
			v, has = float64(int64(f.bits)), true
		case f.is(5, protowire.Fixed32Type):
			v, has = float64(math.Float32frombits(uint32(f.bits))), true
		case f.is(6, protowire.Fixed64Type):
			v, has = math.Float64frombits(f.bits), true
		case f.is(7, protowire.VarintType), f.number >= 8 && f.number <= 10 && f.wire == protowire.BytesType:
			has = false // another kind of value takes the place of the number
		}
		return nil
	})
	if err != nil || null || !has || v != math.Trunc(v) || math.IsInf(v, 0) {
		return err
	}
	m.Quality, m.HasQuality = int32(min(max(v, math.MinInt32), math.MaxInt32)), true
	return nil
}

// field is one field of a protobuf message: bits of the numeric wire types,
// bytes of the others.
type field struct {
	number protowire.Number
	wire   protowire.Type
	bits   uint64
	bytes  []byte
}

func (f field) is(number protowire.Number, wire protowire.Type) bool {
	return f.number == number && f.wire == wire
}

// fields calls each for every field of a message, in order. Groups, which
// Sparkplug does not have, are passed over.
func fields(b []byte, each func(field) error) error {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return malformed(n)
		}
		b = b[n:]
		f := field{number: number, wire: wire}
		switch wire {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, wire, b)
		}
		if n < 0 {
			return malformed(n)
		}
		b = b[n:]
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

func malformed(n int) error {
	return fmt.Errorf("not a Sparkplug B payload (%w); is the sender's payload type Sparkplug B, not JSON or Sparkplug A?", protowire.ParseError(n))
}
