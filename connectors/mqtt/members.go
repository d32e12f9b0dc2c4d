package mqtt

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The bounds of what a survey shows of one payload.
const (
	maxMembers  = 500
	maxElements = 50 // of one list
	maxNesting  = 16
)

// flattening lists the members of a JSON payload as readings.
type flattening struct {
	topic    string
	doc      *document
	sample   connectors.Sample // what all of them share
	depth    int               // levels that are wanted
	comma    bool
	readings []connectors.Reading
}

// readings gives a message as readings: the payload as a whole, then its
// members down to depth, 0 meaning all.
func readings(m arrival, comma bool, depth int) []connectors.Reading {
	if depth <= 0 || depth > maxNesting {
		depth = maxNesting
	}
	f := flattening{topic: m.Topic(), doc: newDocument(m.Payload()), depth: depth, comma: comma,
		sample: connectors.Sample{Retained: m.Retained()}}
	raw := f.doc.payload
	nested := len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') && len(raw) <= maxPayload && f.doc.isJSON()
	f.add("", 0, "text", nested)
	whole := &f.readings[0]
	whole.Raw = m.Payload()
	if nested {
		whole.Type = jsonType(raw)
		f.descend("", raw, 1)
	}
	if m.Retained() {
		whole.Note = "retained: stored by the broker, of unknown age"
	}
	if err := checkFilter(m.Topic()); err != nil {
		whole.Note = "can not be a tag: " + err.Error()
	}
	return f.readings
}

// add appends one reading, read as a tag of the configuration would be.
func (f *flattening) add(at string, depth int, kind string, nested bool) {
	reading := connectors.Reading{
		Tag:      connectors.Tag{Address: f.topic, Path: at, Bit: connectors.NoBit},
		Name:     at,
		Type:     kind,
		Sample:   f.sample,
		Depth:    depth,
		Children: nested,
	}
	if at == "" {
		reading.Name = f.topic
	}
	r, err := newReader(reading.Tag)
	r.comma = f.comma
	switch {
	case err != nil:
		reading.Sample.Reason = err.Error()
	case nested && depth == 0:
		reading.Sample.Reason = "a document; its members are the values"
	default:
		reading.Sample.Value, reading.Sample.Reason = r.read(f.doc)
	}
	if reading.Sample.Reason == "" {
		reading.Sample.Quality = connectors.Good
	}
	f.readings = append(f.readings, reading)
}

// descend adds what lies below a value.
func (f *flattening) descend(at string, raw []byte, depth int) {
	children(raw, func(n int, key, value []byte) bool {
		switch {
		case len(f.readings) > maxMembers:
			return false
		case key == nil && n >= maxElements:
			f.readings[0].Note = fmt.Sprintf("only %d elements of each list are shown", maxElements)
			return false
		}
		below := fmt.Sprintf("%s[%d]", at, n)
		if key != nil {
			name, ok := unquote(key)
			if !ok {
				return true
			}
			below = joined(at, name)
		}
		nested := value[0] == '{' || value[0] == '['
		f.add(below, depth, jsonType(value), nested)
		if nested && depth < f.depth {
			f.descend(below, value, depth+1)
		}
		return true
	})
}

// joined is the path of a member of what at selects.
func joined(at, name string) string {
	if s, rest, err := parseName(name); err == nil && rest == "" && s.name == name && !strings.HasPrefix(name, "$") {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	quoted, err := json.Marshal(name)
	if err != nil { // a string always can
		return at
	}
	return at + "[" + string(quoted) + "]"
}

// jsonType names the type of a value.
func jsonType(raw []byte) string {
	switch raw[0] {
	case '{':
		return "JSON object"
	case '[':
		return "JSON list"
	case '"':
		return "JSON string"
	case 't', 'f':
		return "JSON boolean"
	case 'n':
		return "JSON null"
	}
	return "JSON number"
}
