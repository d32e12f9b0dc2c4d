package config

import (
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// builder makes the rules of one machine out of its merged tree.
type builder struct {
	l    *loader
	v    *view
	spec mapping.Spec
	// signals finds tags that are used twice.
	signals map[mapping.Signal]int
	// noConnection says that the missing connection was reported.
	noConnection bool
}

// signal makes a signal of the keys of a tag. It gives NoSignal after reporting
// why that is not possible.
func (b *builder) signal(v *view, each bool) int {
	l := b.l
	if v.node == nil || v.node.dead {
		return mapping.NoSignal
	}
	if !v.has("tag") {
		if !v.wrong {
			l.badKey(v.node, `the key "tag" is missing; it is the address in the device's own notation`)
		}
		return mapping.NoSignal
	}
	connection := b.connection(v)
	if connection == nil || v.wrong || connection.Kind == "" {
		return mapping.NoSignal
	}
	tag := connectors.Tag{Address: v.text("tag"), Type: v.text("type"), Order: v.text("order"), Path: v.text("path"),
		Length: v.whole("length"), Bit: connectors.NoBit, EachMessage: each && connection.Kind != KindModbus}
	if v.valid("bit") {
		tag.Bit = v.whole("bit")
	}
	if v.object.index["every"].def == "" { // a parameter's every is not the sampling
		tag.Every = v.duration("every")
	}
	if err := checkTag(connection, tag); err != nil {
		l.bad(v.at(culprit(connection, tag, v)), oneLine(err))
		return mapping.NoSignal
	}
	s := mapping.Signal{Connection: connection.Name, Tag: tag}
	if i, ok := b.signals[s]; ok {
		return i
	}
	b.signals[s] = len(b.spec.Signals)
	b.spec.Signals = append(b.spec.Signals, s)
	return b.signals[s]
}

// culprit is the key to blame for a tag that is refused: the one without which
// it would not be, else the address.
func culprit(c *Connection, tag connectors.Tag, v *view) string {
	for _, key := range []string{"type", "order", "length", "bit", "path", "every"} {
		if !v.valid(key) {
			continue
		}
		other := tag
		switch key {
		case "type":
			other.Type = ""
		case "order":
			other.Order = ""
		case "length":
			other.Length = 0
		case "bit":
			other.Bit = connectors.NoBit
		case "path":
			other.Path = ""
		case "every":
			other.Every = 0
		}
		if checkTag(c, other) == nil {
			return key
		}
	}
	return "tag"
}

// connection finds the connection of a tag: its own, the machine's, or the only
// one there is.
func (b *builder) connection(v *view) *Connection {
	l := b.l
	name, at := b.v.text("connection"), b.v.child("connection")
	if v.has("connection") {
		name, at = v.text("connection"), v.child("connection")
	}
	if name == "" {
		if names := l.connectionNames(); len(names) == 1 && at == nil {
			name = names[0]
		} else if at == nil && !b.noConnection && !b.v.wrong {
			b.noConnection = true
			hint := "; there is none yet: add one under connections"
			if len(names) > 0 {
				hint = "; there are " + strings.Join(names, ", ")
			}
			l.badKey(v.node, "it is not said which connection this is read from; set connection for the machine"+hint)
		}
	}
	if name == "" {
		return nil
	}
	found := l.connections[name]
	if found == nil {
		hint := didYouMean(name, l.connectionNames())
		if names := l.connectionNames(); hint == "" && len(names) > 0 {
			hint = "; there are " + strings.Join(names, ", ")
		}
		l.bad(at, "there is no connection "+quote(name)+hint)
		return nil
	}
	l.used[name] = true
	return found
}

// tagOf reads a tag that may be a plain address.
func (b *builder) tagOf(v *view, key string) int {
	n := v.child(key)
	if n == nil {
		return mapping.NoSignal
	}
	return b.signal(b.l.view(n, v.object.index[key].sub), false)
}

// typeLimit gives the largest value of an integer type; ok is false for types
// that are none, or not known.
func typeLimit(name string) (limit mapping.Number, ok bool) {
	switch strings.ToLower(name) {
	case "sbyte", "int8":
		return mapping.Whole(1<<7 - 1), true
	case "byte", "uint8":
		return mapping.Whole(1<<8 - 1), true
	case "int16":
		return mapping.Whole(1<<15 - 1), true
	case "uint16":
		return mapping.Whole(1<<16 - 1), true
	case "int32":
		return mapping.Whole(1<<31 - 1), true
	case "uint32":
		return mapping.Whole(1<<32 - 1), true
	case "int64":
		return mapping.Whole(1<<63 - 1), true
	case "uint64":
		return mapping.Whole(1<<63 - 1).Mul(mapping.Whole(2)).Add(mapping.Whole(1)), true
	case "bcd16":
		return mapping.Whole(9999), true
	case "bcd32":
		return mapping.Whole(99_999_999), true
	}
	return mapping.Number{}, false
}

func isFloat(name string) bool {
	switch strings.ToLower(name) {
	case "float", "float32", "double", "float64":
		return true
	}
	return false
}

func isBool(name string) bool {
	lower := strings.ToLower(name)
	return lower == "bool" || lower == "boolean"
}

// isBit says whether a signal can be true and false only.
func (b *builder) isBit(signal int) bool {
	s := b.spec.Signals[signal]
	if s.Tag.Bit != connectors.NoBit || isBool(s.Tag.Type) {
		return true
	}
	address := canonicalAddress(b.l.connections[s.Connection], s.Tag)
	return b.l.connections[s.Connection].Kind == KindModbus &&
		(strings.Contains(address, modbus.Coil.String()+":") || strings.Contains(address, modbus.Discrete.String()+":"))
}

// counterKey is one raw counter of the plant.
type counterKey struct {
	device, address, path string
	bit                   int
}

type counterUse struct {
	machine, subject string
	pos              Pos
}

// claim reports a counter that feeds two totals.
func (b *builder) claim(signal int, subject string, at *node) {
	if signal == mapping.NoSignal || at.dead {
		return
	}
	s := b.spec.Signals[signal]
	key := counterKey{b.l.connections[s.Connection].device(), canonicalAddress(b.l.connections[s.Connection], s.Tag), s.Tag.Path, s.Tag.Bit}
	first, taken := b.l.counters[key]
	if !taken {
		b.l.counters[key] = counterUse{b.spec.Code, subject, at.pos}
		return
	}
	b.l.bad(at, fmt.Sprintf("the tag %s already counts %s of machine %s (%s); one counter belongs to one total",
		quote(s.Tag.Address), first.subject, first.machine, first.pos))
}
