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
)

// maxItems bounds a list within an answer, whatever its size in bytes.
const maxItems = 2000

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
		n.list = append(n.list, fmt.Sprintf("%s: %.60q is %s", name, raw, what))
	}
}

// parseObject opens an object; false if it is none.
func parseObject(raw json.RawMessage, n *notes) (object, bool) {
	o := object{notes: n, similar: map[string]string{}}
	if !isKind(raw, '{') || json.Unmarshal(raw, &o.fields) != nil {
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
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
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
		if !there {
			value = o.fields[o.similar[plainName(name)]]
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
	return (value[0] == '{' || value[0] == '[') && len(bytes.TrimSpace(value[1:len(value)-1])) == 0
}

// scalar is the text of a JSON string, number or truth value.
func scalar(raw json.RawMessage) (string, bool) {
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

// truth reads a truth value; stated is false if there is none.
func (o object) truth(names ...string) (value, stated bool) {
	name, raw := o.get(names...)
	if raw == nil {
		return false, false
	}
	text, _ := scalar(raw)
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	o.notes.add(name, raw, "neither true nor false")
	return false, false
}

// moment reads a time; zero if there is none.
func (o object) moment(names ...string) time.Time {
	name, raw := o.get(names...)
	if raw == nil {
		return time.Time{}
	}
	text, _ := scalar(raw)
	t, ok := parseMoment(text, o.notes.zone)
	if !ok {
		o.notes.add(name, raw, "no time")
	}
	return t
}

// The years from and before which a time says that something has not happened:
// an end in 2099 or in the year 1.
const (
	neverFrom   = 2099
	neverBefore = 1971
)

// end is the moment at which something ended; zero if it has not.
func (o object) end(names ...string) time.Time {
	t := o.moment(names...)
	if t.Year() >= neverFrom || t.Year() < neverBefore {
		return time.Time{}
	}
	return t
}

// parseMoment reads a time in any of the forms of the interface. One without a
// zone is of the company's.
func parseMoment(text string, zone *time.Location) (time.Time, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	const seconds = "2006-01-02T15:04:05"
	for _, form := range []string{seconds + "Z07:00", seconds + "Z0700", seconds + "Z07", seconds, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
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
// one.
func (o object) list(names ...string) []json.RawMessage {
	name, raw := o.get(names...)
	if raw == nil {
		return nil
	}
	if !isKind(raw, '[') {
		return []json.RawMessage{raw}
	}
	items, err := arrayItems(raw)
	if err != nil {
		o.notes.add(name, raw, err.Error())
	}
	return slices.DeleteFunc(items, func(item json.RawMessage) bool { return isNothing(item) })
}

// arrayItems opens an array. With an error it gives what was read before.
func arrayItems(raw []byte) ([]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.New("no list")
	}
	var items []json.RawMessage
	for d.More() {
		if len(items) == maxItems {
			return items, fmt.Errorf("a list of more than %d records", maxItems)
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
		return arrayItems(body)
	}
	o, ok := parseObject(body, &notes{})
	switch {
	case !ok:
		return nil, errors.New("no list")
	case len(o.fields) == 1:
		for _, only := range o.fields {
			if isKind(only, '[') {
				return arrayItems(only)
			}
		}
	case len(o.fields) == 0:
		return nil, nil
	}
	if o.id() == 0 {
		return nil, errors.New("an object that is no record")
	}
	return []json.RawMessage{body}, nil
}
