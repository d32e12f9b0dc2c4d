package prodsmart

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// counterKeys are the members of an answer that can only be the machine's
// counter, the likeliest first.
func counterKeys() []string {
	return []string{"count", "counter", "machine-counter", "machinecounter", "machine_counter",
		"new-value", "newvalue", "new_value", "value", "total"}
}

const (
	// counterDepth is how deep a counter is searched for in an object.
	counterDepth = 3
	// maxInt64 is how many digits an int64 has at most.
	maxInt64 = 19
)

// counterIn finds the machine's counter in the answer of the counter service,
// whose form is not documented: a bare number, a JSON number or string, an
// object or list that holds it, or a sentence with exactly one whole number.
// It is nil if there is none, or more than one candidate.
func counterIn(body []byte) *int64 {
	body = trimmed(body)
	if len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var value any
	if d.Decode(&value) == nil {
		if _, err := d.Token(); err == io.EOF {
			return counterOf(value, counterDepth)
		}
	}
	return counterInText(string(body))
}

func counterOf(value any, depth int) *int64 {
	switch v := value.(type) {
	case json.Number:
		return whole(v.String())
	case string:
		return counterInText(v)
	case []any:
		if len(v) == 1 && depth > 0 {
			return counterOf(v[0], depth-1)
		}
	case map[string]any:
		return counterInObject(v, depth)
	}
	return nil
}

// counterInObject looks at the object's own members first, then into the
// objects below it; there, only one of them may hold a counter.
func counterInObject(object map[string]any, depth int) *int64 {
	for _, key := range counterKeys() {
		for name, member := range object {
			if !strings.EqualFold(name, key) {
				continue
			}
			switch m := member.(type) {
			case json.Number:
				return whole(m.String())
			case string:
				return whole(strings.TrimSpace(m))
			}
		}
	}
	if depth == 0 {
		return nil
	}
	var found *int64
	for _, member := range object {
		below, ok := member.(map[string]any)
		if !ok {
			continue
		}
		if n := counterInObject(below, depth-1); n != nil {
			if found != nil {
				return nil
			}
			found = n
		}
	}
	return found
}

// counterInText finds the one whole number of a text. Numbers inside of words,
// dates, times and versions are none.
func counterInText(text string) *int64 {
	var found *int64
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`"'()[]{}=`, r)
	}) {
		word = strings.Trim(strings.TrimRight(word, ".,;:!"), ":")
		n := whole(word)
		if n == nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = n
	}
	return found
}

// whole reads a decimal number that is an integer, however it is written: 500,
// 500.0, 5e2. It is nil for anything else, fractions and numbers beyond an
// int64 included.
func whole(text string) *int64 {
	sign, digits, point, ok := decimalParts(text)
	switch {
	case !ok:
		return nil
	case digits == "":
		return new(int64)
	case len(digits) > point || point > maxInt64:
		return nil
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", point-len(digits)), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
