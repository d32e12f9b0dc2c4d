package mqtt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a path.
const (
	maxPath  = 1024
	maxSteps = 64
	maxIndex = 1_000_000
)

// path selects one value of a JSON document.
type path struct {
	text  string
	steps []step
}

// step goes to a member of an object, or to an element of a list if index is
// not negative.
type step struct {
	name  string
	index int
}

// parsePath reads the notation of Tag.Path: names separated by dots, [0] for
// elements, ["a.b"] or ['a.b'] for names with dots. A leading $ is the whole
// document and may be left out.
func parsePath(text string) (path, error) {
	p := path{text: text}
	if len(text) > maxPath {
		return path{}, fmt.Errorf("the path is longer than %d bytes", maxPath)
	}
	if !utf8.ValidString(text) {
		return path{}, errors.New("the path is not valid UTF-8")
	}
	rest, first := text, true
	if rest == "$" || strings.HasPrefix(rest, "$.") || strings.HasPrefix(rest, "$[") {
		rest, first = rest[1:], false
	} else if rest == "" {
		return path{}, errors.New("the path is empty; $ means the whole document")
	}
	for rest != "" {
		var s step
		var err error
		switch {
		case rest[0] == '[':
			s, rest, err = parseBracket(rest)
		case first:
			s, rest, err = parseName(rest)
		case rest[0] == '.':
			s, rest, err = parseName(rest[1:])
		default:
			err = errors.New("after ] a dot or [ must follow")
		}
		if err != nil {
			return path{}, fmt.Errorf("path %q, at character %d: %w", text, utf8.RuneCountInString(text[:len(text)-len(rest)])+1, err)
		}
		first = false
		p.steps = append(p.steps, s)
		if len(p.steps) > maxSteps {
			return path{}, fmt.Errorf("the path has more than %d steps", maxSteps)
		}
	}
	return p, nil
}

func parseName(text string) (step, string, error) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	name := text[:end]
	switch {
	case name == "":
		return step{}, text, errors.New("a name is missing")
	case strings.ContainsAny(name, `]"'`) || strings.ContainsFunc(name, unicode.IsControl):
		return step{}, text, fmt.Errorf(`%q is no plain name; write ["..."]`, name)
	case strings.TrimSpace(name) != name:
		return step{}, text, fmt.Errorf(`%q begins or ends with a space; if that is meant, write ["..."]`, name)
	}
	return step{name: name, index: -1}, text[end:], nil
}

// parseBracket reads [0], ["name"] or ['name'].
func parseBracket(text string) (step, string, error) {
	inner := text[1:]
	if inner != "" && (inner[0] == '"' || inner[0] == '\'') {
		end := closingQuote(inner)
		if end < 0 || !strings.HasPrefix(inner[end+1:], "]") {
			return step{}, text, fmt.Errorf("%c] is missing", inner[0])
		}
		name := inner[1:end]
		if inner[0] == '"' {
			if err := json.Unmarshal([]byte(inner[:end+1]), &name); err != nil {
				return step{}, text, fmt.Errorf("%s is no JSON string", inner[:end+1])
			}
		}
		return step{name: name, index: -1}, inner[end+2:], nil
	}
	digits, rest, found := strings.Cut(inner, "]")
	if !found {
		return step{}, text, errors.New("] is missing")
	}
	index, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || index > maxIndex {
		return step{}, text, fmt.Errorf("[%s] must be a number from 0 to %d, or a name in quotes", digits, maxIndex)
	}
	return step{index: int(index)}, rest, nil
}

// closingQuote is the index of the quote that ends the one text begins with,
// or -1. Only double quotes know escapes.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i
		case text[i] == '\\' && text[0] == '"':
			i++
		}
	}
	return -1
}

// find gives the bytes of the value that the path selects. doc must be valid
// JSON. Of members with the same name the last one counts, as in most readers.
func (p path) find(doc []byte) ([]byte, bool) {
	value := bytes.TrimSpace(doc)
	for _, s := range p.steps {
		var ok bool
		if s.index >= 0 {
			value, ok = element(value, s.index)
		} else {
			value, ok = member(value, s.name)
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// member finds the value of a name in an object.
func member(doc []byte, name string) (value []byte, found bool) {
	if doc[0] != '{' {
		return nil, false
	}
	children(doc, func(_ int, key, child []byte) bool {
		if sameName(key, name) {
			value, found = child, true
		}
		return true
	})
	return value, found
}

// element finds an element of a list.
func element(doc []byte, index int) (value []byte, found bool) {
	if doc[0] != '[' {
		return nil, false
	}
	children(doc, func(n int, _, child []byte) bool {
		if n == index {
			value, found = child, true
		}
		return !found
	})
	return value, found
}

// children calls do for each member of an object, with its quoted key, or each
// element of a list, with no key, until do says no.
func children(doc []byte, do func(n int, key, value []byte) bool) {
	var key []byte
	i := space(doc, 1)
	for n := 0; doc[i] != '}' && doc[i] != ']'; n++ {
		if doc[0] == '{' {
			end := skip(doc, i)
			key = doc[i:end]
			i = space(doc, end) // the colon
			i = space(doc, i+1) // the value
		}
		end := skip(doc, i)
		if !do(n, key, doc[i:end]) {
			return
		}
		if i = space(doc, end); doc[i] == ',' {
			i = space(doc, i+1)
		}
	}
}

// sameName compares a quoted key with a name.
func sameName(key []byte, name string) bool {
	inner := key[1 : len(key)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner) == name
	}
	text, ok := unquote(key)
	return ok && text == name
}

// unquote reads a JSON string.
func unquote(quoted []byte) (string, bool) {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), true
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return text, err == nil
}

// space gives the index of the next byte that is not white.
func space(doc []byte, i int) int {
	for doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r' {
		i++
	}
	return i
}

// skip gives the index after the value that begins at i. It does not recurse,
// so no document can exhaust the stack.
func skip(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return skipString(doc, i)
	case '{', '[':
	default:
		for i < len(doc) && !ends(doc[i]) {
			i++
		}
		return i
	}
	for depth := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			i = skipString(doc, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

// ends says whether a byte ends a number, true, false or null.
func ends(b byte) bool {
	switch b {
	case ' ', '\t', '\n', '\r', ',', ']', '}':
		return true
	}
	return false
}

// skipString gives the index after the string that begins at i.
func skipString(doc []byte, i int) int {
	for i++; i < len(doc); i++ {
		switch doc[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(doc)
}
