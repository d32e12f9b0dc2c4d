package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

const (
	// deepest is how deep JSON may be nested.
	deepest = 64
	// LongestText is the longest text that is believed, in bytes.
	LongestText = 64 << 10
	// mostNotes bounds what is told of one document, mostSpoilt how many texts that are
	// no UTF-8 are told of: in another code page all are.
	mostNotes, mostSpoilt = 100, 5
)

// Value is a piece of JSON with its place in the document. The zero Value is one
// that is missing; reading from it gives missing values.
type Value struct {
	path string
	// raw is nil, bool, json.Number, string, []any or *object.
	raw any
}

type object struct {
	keys []string
	of   map[string]any
}

// Parse reads a whole document. Keys that stand twice in an object (the last
// one counts) and text that is no UTF-8 are problems with their place; the
// document is read all the same. The error is an *erp.Error; the one it wraps says
// where the document breaks off without a word of its text.
func Parse(body []byte) (Value, []erp.Problem, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	p := parser{d: json.NewDecoder(bytes.NewReader(body)), body: body, foreign: !utf8.Valid(body)}
	p.d.UseNumber()
	raw, err := p.value("", 0)
	if err == nil {
		if _, extra := p.d.Token(); extra != io.EOF {
			err = fmt.Errorf("more follows after the document")
		}
	}
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		err = fmt.Errorf("the answer is no JSON: byte %d: %w", p.d.InputOffset(), err)
		return Value{}, p.notes, &erp.Error{Fault: erp.Garbled, What: fmt.Sprintf("%s; it begins with %q", err, Shorten(string(body[:min(len(body), 200)]), 60)), Err: err}
	}
	return Value{raw: raw}, p.notes, nil
}

type parser struct {
	d    *json.Decoder
	body []byte
	// foreign says that something of the body is no UTF-8; spoilt counts such texts.
	foreign bool
	spoilt  int
	notes   []erp.Problem
}

func (p *parser) note(where, what string) {
	if len(p.notes) < mostNotes {
		p.notes = append(p.notes, erp.Problem{Where: where, What: what})
	}
}

// letters notes a text that is no UTF-8. It stands in the body behind from, and ends
// where the parser is.
func (p *parser) letters(path string, from int64) {
	if !p.foreign || utf8.Valid(p.body[from:p.d.InputOffset()]) {
		return
	}
	switch p.spoilt++; {
	case p.spoilt < mostSpoilt:
		p.note(path, "the text is not valid UTF-8; the bytes that are not are shown as \ufffd")
	case p.spoilt == mostSpoilt:
		p.note(path, "the text is not valid UTF-8; the bytes that are not are shown as \ufffd. More of the answer may be like that")
	}
}

func (p *parser) value(path string, depth int) (any, error) {
	from := p.d.InputOffset()
	t, err := p.d.Token()
	if err != nil {
		return nil, err
	}
	p.letters(path, from)
	mark, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth >= deepest {
		return nil, fmt.Errorf("nested deeper than %d", deepest)
	}
	if mark == '[' {
		list := []any{}
		for p.d.More() {
			v, err := p.value(path+"["+strconv.Itoa(len(list))+"]", depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = p.d.Token()
		return list, err
	}
	o := &object{of: map[string]any{}}
	for p.d.More() {
		from := p.d.InputOffset()
		t, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		p.letters(join(path, key), from)
		v, err := p.value(join(path, key), depth+1)
		if err != nil {
			return nil, err
		}
		if _, twice := o.of[key]; twice {
			p.note(join(path, key), "the key stands twice in its record; the last one counts")
		} else {
			o.keys = append(o.keys, key)
		}
		o.of[key] = v
	}
	_, err = p.d.Token()
	return o, err
}

func join(path, key string) string {
	key = Shorten(key, 60)
	if path == "" {
		return key
	}
	return path + "." + key
}

// Path is where the value stands, "order[3].status"; empty for the document.
func (v Value) Path() string { return v.path }

// Missing says that there is nothing: no such key, or null.
func (v Value) Missing() bool { return v.raw == nil }

// Get is the first of the named members that is there, and neither null nor an
// empty text.
func (v Value) Get(names ...string) Value {
	first := Value{}
	if len(names) > 0 {
		first.path = join(v.path, names[0])
	}
	o, ok := v.raw.(*object)
	if !ok {
		return first
	}
	for _, name := range names {
		member, ok := o.of[name]
		if text, is := member.(string); !ok || member == nil || is && strings.TrimSpace(text) == "" {
			continue
		}
		return Value{join(v.path, name), member}
	}
	return first
}

// Keys are the names of an object's members, in their order.
func (v Value) Keys() []string {
	if o, ok := v.raw.(*object); ok {
		return slices.Clone(o.keys)
	}
	return nil
}

// IsObject and IsList say what the value is.
func (v Value) IsObject() bool { _, ok := v.raw.(*object); return ok }
func (v Value) IsList() bool   { _, ok := v.raw.([]any); return ok }

// Each are the elements of a list. A single object where a list is expected is
// a list of one; what is missing is an empty list.
func (v Value) Each() []Value {
	switch raw := v.raw.(type) {
	case []any:
		out := make([]Value, len(raw))
		for i, e := range raw {
			out[i] = Value{v.path + "[" + strconv.Itoa(i) + "]", e}
		}
		return out
	case *object:
		return []Value{v}
	}
	return nil
}

// wrong is an error about the value, with its place.
func (v Value) wrong(what string) error {
	where := v.path
	if where == "" {
		where = "the answer"
	}
	return fmt.Errorf("%s: %s", where, what)
}

// Text is a text, trimmed; a number or a yes or no is its text. What is missing
// is empty; a list, an object or a text over 64 kB is an error.
func (v Value) Text() (string, error) {
	switch raw := v.raw.(type) {
	case nil:
		return "", nil
	case string:
		if len(raw) > LongestText {
			return "", v.wrong(fmt.Sprintf("a text of %d bytes, %d are the most", len(raw), LongestText))
		}
		return strings.TrimSpace(raw), nil
	case json.Number:
		return raw.String(), nil
	case bool:
		return strconv.FormatBool(raw), nil
	}
	return "", v.wrong("a text is expected, not " + v.kind())
}

// Decimal is an exact number; it may be quoted. What is missing is an error: ask
// Missing before.
func (v Value) Decimal(mark erp.Mark) (decimal.Decimal, error) {
	switch raw := v.raw.(type) {
	case json.Number:
		mark = erp.Point
		d, err := erp.ParseDecimal(raw.String(), mark)
		if err != nil {
			return d, v.wrong(err.Error())
		}
		return d, nil
	case string:
		d, err := erp.ParseDecimal(raw, mark)
		if err != nil {
			return d, v.wrong(err.Error())
		}
		return d, nil
	}
	return decimal.Decimal{}, v.wrong("a number is expected, not " + v.kind())
}

// Int is a whole number; it may be quoted, and have a fraction of zero.
func (v Value) Int() (int64, error) {
	d, err := v.Decimal(erp.Point)
	if err != nil {
		return 0, err
	}
	if !d.IsInteger() || !d.BigInt().IsInt64() {
		return 0, v.wrong(d.String() + " is no whole number of 64 bits")
	}
	return d.IntPart(), nil
}

// Bool is yes or no in the usual spellings; what is missing is erp.Unsaid.
func (v Value) Bool() (erp.Answer, error) {
	text, err := v.Text()
	if err != nil {
		return erp.Unsaid, err
	}
	switch strings.ToLower(text) {
	case "":
		return erp.Unsaid, nil
	case "true", "1", "y", "yes", "t":
		return erp.Yes, nil
	case "false", "0", "n", "no", "f":
		return erp.No, nil
	}
	return erp.Unsaid, v.wrong(fmt.Sprintf("%.20q is neither yes nor no", text))
}

func (v Value) kind() string {
	switch v.raw.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case *object:
		return "a record"
	case string:
		return "a text"
	case bool:
		return "yes or no"
	}
	return "a number"
}
