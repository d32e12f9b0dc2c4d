package mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The limits of a payload. What is larger is a bad sample, not a lost
// connection.
const (
	maxPayload = 1 << 20
	maxText    = 4096
)

// reader turns payloads into the values of one tag.
type reader struct {
	kind  string // "", int, float, bool or string
	bit   int
	path  *path // nil: the payload is the value
	comma bool  // the decimal sign of numbers in texts
}

// document is a payload, checked at most once however many tags select from it.
type document struct {
	payload []byte
	checked bool
	valid   bool
}

// newDocument trims what serial converters and C programs leave around a
// value: white space, a byte order mark, trailing zero bytes.
func newDocument(payload []byte) *document {
	payload = bytes.TrimRight(payload, "\x00")
	payload = bytes.TrimPrefix(payload, []byte("\xef\xbb\xbf"))
	return &document{payload: bytes.TrimSpace(payload)}
}

// isJSON says whether the payload is one JSON document. Nesting is limited to
// the 10,000 levels of encoding/json.
func (d *document) isJSON() bool {
	if !d.checked {
		d.checked, d.valid = true, json.Valid(d.payload)
	}
	return d.valid
}

// read gives the value, or the reason why there is none.
func (r reader) read(d *document) (connectors.Value, string) {
	switch {
	case len(d.payload) == 0:
		return connectors.Value{}, "empty payload"
	case len(d.payload) > maxPayload:
		return connectors.Value{}, "payload larger than 1 MiB"
	case r.path == nil:
		return r.text(string(limited(d.payload)), len(d.payload))
	case !d.isJSON():
		return connectors.Value{}, "not JSON"
	}
	raw, found := r.path.find(d.payload)
	if !found {
		return connectors.Value{}, "no member " + r.path.text
	}
	switch raw[0] {
	case '{':
		return connectors.Value{}, "an object, not a value"
	case '[':
		return connectors.Value{}, "a list, not a value"
	case 'n':
		return connectors.Value{}, "null"
	case '"':
		text, ok := unquote(raw)
		if !ok {
			return connectors.Value{}, "not JSON"
		}
		return r.text(text, len(text))
	}
	return r.scalar(string(limited(raw)), len(raw))
}

// text decodes a text of that many bytes, in which numbers have the configured
// decimal sign. Numbers of JSON always have a point.
func (r reader) text(text string, size int) (connectors.Value, string) {
	if r.kind == "string" || size > maxText {
		return r.scalar(text, size)
	}
	word := strings.TrimSpace(text)
	if !r.comma {
		if r.kind == "float" && strings.Contains(word, ",") {
			return r.lenient(word)
		}
		return r.scalar(text, size)
	}
	if plain, ok := pointed(word); ok {
		return r.scalar(plain, len(plain))
	}
	if isNumber(word) { // with a point where none belongs
		if r.kind == "" && r.bit == connectors.NoBit {
			return connectors.String(text), ""
		}
		return connectors.Value{}, "not a number"
	}
	return r.scalar(text, size)
}

// lenient takes a comma for a decimal sign where it can be nothing else. 1,234
// may be one or a thousand.
func (r reader) lenient(word string) (connectors.Value, string) {
	before, after, _ := strings.Cut(word, ",")
	if strings.ContainsAny(after, ",.") || strings.Contains(before, ".") {
		return connectors.Value{}, "not a number"
	}
	if len(after) == 3 && digits(after) {
		return connectors.Value{}, "the comma may separate thousands or decimals; set the decimal sign"
	}
	plain := before + "." + after
	return r.scalar(plain, len(plain))
}

// pointed rewrites a number with a decimal comma, in which points may separate
// groups of three digits: 1.234,5 is 1234.5.
func pointed(word string) (string, bool) {
	whole, fraction, broken := strings.Cut(word, ",")
	if strings.ContainsAny(fraction, ",.") && broken {
		return "", false
	}
	groups := strings.Split(whole, ".")
	for i, g := range groups {
		if i > 0 && (len(g) != 3 || !digits(g)) {
			return "", false
		}
	}
	if first := strings.TrimLeft(groups[0], "+-"); len(groups) > 1 && (len(first) == 0 || len(first) > 3) {
		return "", false
	}
	plain := strings.Join(groups, "")
	if broken {
		plain += "." + fraction
	}
	return plain, isNumber(plain)
}

// limited keeps a copy of a huge text small: longer than maxText is refused
// anyway.
func limited(text []byte) []byte { return text[:min(len(text), maxText)] }

// scalar decodes a text of that many bytes as the tag's type asks. Untyped,
// numbers become numbers, true and false become bits, and anything else stays
// a text.
func (r reader) scalar(text string, size int) (connectors.Value, string) {
	if size > maxText {
		return connectors.Value{}, fmt.Sprintf("text longer than %d bytes", maxText)
	}
	if !utf8.ValidString(text) {
		return connectors.Value{}, "not text"
	}
	var v connectors.Value
	var reason string
	switch r.kind {
	case "string":
		return connectors.String(text), ""
	case "bool":
		return boolean(text)
	case "float":
		return float(text)
	case "int":
		v, reason = whole(text)
	default:
		v, reason = guess(text)
	}
	if reason != "" || r.bit == connectors.NoBit {
		return v, reason
	}
	switch v.Kind() {
	case connectors.KindInt:
		return connectors.Bool(uint64(v.AsInt())>>r.bit&1 == 1), ""
	case connectors.KindUint:
		return connectors.Bool(v.AsUint()>>r.bit&1 == 1), ""
	}
	return connectors.Value{}, "not a whole number, so it has no bits"
}

// guess decodes an untyped text.
func guess(text string) (connectors.Value, string) {
	word := strings.TrimSpace(text)
	switch {
	case isNumber(word):
		return number(word)
	case strings.EqualFold(word, "true"):
		return connectors.Bool(true), ""
	case strings.EqualFold(word, "false"):
		return connectors.Bool(false), ""
	}
	return connectors.String(text), ""
}

// boolean decodes the words that devices use for a bit.
func boolean(text string) (connectors.Value, string) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "on", "yes":
		return connectors.Bool(true), ""
	case "0", "false", "off", "no":
		return connectors.Bool(false), ""
	}
	return connectors.Value{}, "not true or false"
}

// float decodes a number.
func float(text string) (connectors.Value, string) {
	word := strings.TrimSpace(text)
	if !isNumber(word) {
		return connectors.Value{}, "not a number"
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return connectors.Value{}, "number out of range"
	}
	return connectors.Float64(f), ""
}

// whole decodes an integer. 12.0 and 1.2e1 are whole as well, as long as a
// double holds every integer of that size.
func whole(text string) (connectors.Value, string) {
	word := strings.TrimSpace(text)
	if !isNumber(word) {
		return connectors.Value{}, "not a number"
	}
	v, reason := number(word)
	if reason != "" || v.Kind() != connectors.KindFloat64 {
		return v, reason
	}
	f := v.AsFloat()
	switch {
	case f != math.Trunc(f):
		return connectors.Value{}, "not a whole number"
	case math.Abs(f) > 1<<53:
		return connectors.Value{}, "number out of range"
	}
	return connectors.Int(int64(f)), ""
}

// number decodes what isNumber accepts: integers without loss, anything with a
// point or an exponent as the nearest double, whose shortest decimal is what
// the device wrote unless it wrote more than 17 digits.
func number(word string) (connectors.Value, string) {
	if !strings.ContainsAny(word, ".eE") {
		if i, err := strconv.ParseInt(word, 10, 64); err == nil {
			return connectors.Int(i), ""
		}
		if u, err := strconv.ParseUint(strings.TrimPrefix(word, "+"), 10, 64); err == nil {
			return connectors.Uint(u), ""
		}
		return connectors.Value{}, "number out of range"
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return connectors.Value{}, "number out of range"
	}
	return connectors.Float64(f), ""
}

// isNumber says whether a text is a decimal number: a sign, digits with at most
// one point among them, an exponent. Hexadecimal, NaN and Inf are not.
func isNumber(text string) bool {
	if text != "" && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	mantissa, exponent, scientific := text, "", false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent, scientific = text[:i], text[i+1:], true
	}
	before, after, _ := strings.Cut(mantissa, ".")
	if before+after == "" || !digits(before) || !digits(after) {
		return false
	}
	if !scientific {
		return true
	}
	if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
		exponent = exponent[1:]
	}
	return exponent != "" && digits(exponent)
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
