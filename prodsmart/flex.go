package prodsmart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// What is read of an answer at most: records of a list, bytes of a record,
// entries of a list within a record, and bytes of a single value. Each is far
// beyond what there is, and keeps what an answer of any content takes to a few
// times its size.
const (
	maxItems  = 2000
	maxRecord = 64 << 10
	maxParts  = 100
	maxValue  = 1000
	// maxWriting is for what people write: notes grow with each message to the workers.
	maxWriting = 1 << 20
)

// object is one JSON object of an answer, read leniently: each value may be
// spelled in any of the ways that the interface is known to spell it, and what
// can not be read is noted and costs nothing else. Fields nobody asks for are
// ignored.
type object struct {
	fields map[string]json.RawMessage
	// similar finds a field whose name is spelled in another style.
	similar map[string]string
	notes   *notes
}

// notes is what could not be read in a record, for people, and where its times
// without a zone were written.
type notes struct {
	zone *time.Location
	list []string
}

// maxNotes bounds what is noted of one record.
const maxNotes = 8

func (n *notes) add(name string, raw json.RawMessage, what string) {
	if len(n.list) < maxNotes {
		n.list = append(n.list, fmt.Sprintf("%s: %.60q is %s", name, raw[:min(len(raw), 4*60)], what))
	}
}

// parseObject opens an object; false if it is none, or larger than any is.
func parseObject(raw json.RawMessage, n *notes) (object, bool) {
	o := object{notes: n, similar: map[string]string{}}
	if !isKind(raw, '{') || len(raw) > maxRecord || json.Unmarshal(raw, &o.fields) != nil {
		return object{notes: n}, false
	}
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if plain := plainName(name); o.similar[plain] == "" {
			o.similar[plain] = name
		}
	}
	return o, true
}

// plainName is a name without what its styles differ in: start-time, start_time
// and startTime are one.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func isKind(raw json.RawMessage, first byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] == first
}

// get is the value of the first of the names that has one. Null, "", {} and []
// are none.
func (o object) get(names ...string) (name string, value json.RawMessage) {
	for _, name = range names {
		value, there := o.fields[name]
		if similar := o.similar[plainName(name)]; !there && similar != "" {
			value = o.fields[similar]
		}
		if value = bytes.TrimSpace(value); !isNothing(value) {
			return name, value
		}
	}
	return "", nil
}

func isNothing(value []byte) bool {
	switch string(value) {
	case "", "null", `""`:
		return true
	}
	last := len(value) - 1
	if last < 1 || !(value[0] == '{' && value[last] == '}' || value[0] == '[' && value[last] == ']') {
		return false
	}
	return len(bytes.TrimSpace(value[1:last])) == 0
}

// scalar is the text of a JSON string, number or truth value; false for anything
// else, and for what is longer than any value.
func scalar(raw json.RawMessage) (string, bool) {
	if len(raw) > maxValue {
		return "", false
	}
	if isKind(raw, '"') {
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	}
	return string(raw), len(raw) > 0 && !isKind(raw, '{') && !isKind(raw, '[')
}

// text reads a text, or what stands for one.
func (o object) text(names ...string) string {
	name, raw := o.get(names...)
	if raw == nil {
		return ""
	}
	var text string
	if isKind(raw, '"') && len(raw) <= maxWriting && json.Unmarshal(raw, &text) == nil {
		return text
	}
	text, ok := scalar(raw)
	if !ok {
		o.notes.add(name, raw, "no text")
	}
	return text
}

// decimal reads a number, which may be quoted.
func (o object) decimal(names ...string) Decimal {
	name, raw := o.get(names...)
	if raw == nil {
		return Decimal{}
	}
	text, _ := scalar(raw)
	d, err := ParseDecimal(strings.TrimSpace(text))
	if err != nil {
		o.notes.add(name, raw, "no number")
	}
	return d
}

// id reads the number of a record; 0 is none.
func (o object) id() int64 {
	name, raw := o.get("id")
	if raw == nil {
		return 0
	}
	text, _ := scalar(raw)
	n := whole(strings.TrimSpace(text))
	if n == nil {
		o.notes.add(name, raw, "no number of a record")
		return 0
	}
	return *n
}

// truth reads a truth value; stated is false if there is none, known if there is
// one that can not be read.
func (o object) truth(names ...string) (value, stated, known bool) {
	name, raw := o.get(names...)
	if raw == nil {
		return false, false, true
	}
	text, _ := scalar(raw)
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, true, true
	case "false", "0", "no":
		return false, true, true
	}
	o.notes.add(name, raw, "neither true nor false")
	return false, false, false
}

// duration reads 00H02m00s, 00:02:00 or 00H02.
func (o object) duration(names ...string) time.Duration {
	name, raw := o.get(names...)
	if raw == nil {
		return 0
	}
	text, _ := scalar(raw)
	d, ok := parseDuration(text)
	if !ok {
		o.notes.add(name, raw, "no duration")
	}
	return d
}

func parseDuration(text string) (time.Duration, bool) {
	parts := strings.FieldsFunc(strings.TrimSpace(text), func(r rune) bool { return strings.ContainsRune("hHmMsS:", r) })
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second}[:len(parts)] {
		n := whole(parts[i])
		if n == nil || *n < 0 || *n > 1e6 || i > 0 && *n > 59 {
			return 0, false
		}
		total += time.Duration(*n) * unit
	}
	return total, true
}

// list is the values of an array that say something; a single value is a list of
// one. The last one is nil if there are more than can be read.
func (o object) list(names ...string) []json.RawMessage {
	name, raw := o.get(names...)
	if raw == nil {
		return nil
	}
	if !isKind(raw, '[') {
		return []json.RawMessage{raw}
	}
	items, err := arrayItems(raw, maxParts)
	items = slices.DeleteFunc(items, func(item json.RawMessage) bool { return isNothing(item) })
	if err != nil {
		o.notes.add(name, raw, err.Error())
		items = append(items, nil)
	}
	return items
}

// arrayItems opens an array of at most so many items. With an error it gives what
// was read before.
func arrayItems(raw []byte, most int) ([]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("no list")
	}
	var items []json.RawMessage
	for d.More() {
		if len(items) == most {
			return items, fmt.Errorf("a list of more than %d records", most)
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return items, fmt.Errorf("no valid JSON after %d records", len(items))
		}
		items = append(items, item)
	}
	if _, err := d.Token(); err != nil {
		return items, fmt.Errorf("no valid JSON after %d records", len(items))
	}
	if _, err := d.Token(); err != io.EOF {
		return items, errors.New("more than a list")
	}
	return items, nil
}

// listItems opens the answer of a list service: an array, a single record, or
// an object whose only member is the array. Null is an empty list.
func listItems(body []byte) ([]json.RawMessage, error) {
	body = trimmed(body)
	switch {
	case string(body) == "null":
		return nil, nil
	case isKind(body, '['):
		return arrayItems(body, maxItems)
	case !isKind(body, '{') || !json.Valid(body):
		return nil, errors.New("no list")
	case isNothing(body):
		return nil, nil
	}
	if only := onlyMember(body); isKind(only, '[') {
		return arrayItems(only, maxItems)
	}
	// The documentation shows a list of products that is one product, without a number.
	if o := openDocument(body, &notes{}); o.id() == 0 && (o.text("code") == "" || o.text("name") == "") {
		return nil, errors.New("an object that is no record")
	}
	return []json.RawMessage{body}, nil
}

// onlyMember is the value of the member of a valid object that has one, and nil
// if there are more.
func onlyMember(body []byte) (value json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(body))
	for range 2 { // the brace and the name
		if _, err := d.Token(); err != nil {
			return nil
		}
	}
	if d.Decode(&value) != nil || d.More() {
		return nil
	}
	return value
}
