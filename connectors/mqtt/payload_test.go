package mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// decode reads one payload with one tag and shows kind, value and reason.
func decode(t testing.TB, tag connectors.Tag, payload string) string {
	t.Helper()
	r, err := newReader(tag)
	if err != nil {
		t.Fatal(err)
	}
	v, reason := r.read(newDocument([]byte(payload)))
	if reason != "" {
		return "bad: " + reason
	}
	kind := map[connectors.Kind]string{
		connectors.KindBool: "bool", connectors.KindInt: "int", connectors.KindUint: "uint",
		connectors.KindFloat64: "float", connectors.KindString: "string",
	}[v.Kind()]
	return kind + " " + v.Text()
}

func TestPayloads(t *testing.T) {
	const machine = `{"count": 18446744073709551615, "a": {"b": -12, "a.b": 1.5, "": 0},
		"list": [{"n": "12"}, {"n": 7}], "on": true, "none": null, "text": "Läuft", "n": 1, "n": 2,
		"esc\u0061ped": "x\ny", "word": 5, "deep": [[1, [2, 3]]], "empty": "", "half": "0,5", "zero": "007"}`
	for _, c := range []struct{ typ, path, payload, want string }{
		// Plain payloads without a type.
		{"", "", "12", "int 12"},
		{"", "", "-12", "int -12"},
		{"", "", "+12", "int 12"},
		{"", "", " 12\r\n", "int 12"},
		{"", "", "12\x00\x00", "int 12"},
		{"", "", "\xef\xbb\xbf12", "int 12"},
		{"", "", "0012", "int 12"},
		{"", "", "9223372036854775807", "int 9223372036854775807"},
		{"", "", "9223372036854775808", "uint 9223372036854775808"},
		{"", "", "18446744073709551615", "uint 18446744073709551615"},
		{"", "", "18446744073709551616", "bad: number out of range"},
		{"", "", "-9223372036854775809", "bad: number out of range"},
		{"", "", "0.1", "float 0.1"},
		{"", "", "21.299999237060547", "float 21.299999237060547"},
		{"", "", ".5", "float 0.5"},
		{"", "", "5.", "float 5"},
		{"", "", "1e3", "float 1000"},
		{"", "", "1e999", "bad: number out of range"},
		{"", "", "true", "bool true"},
		{"", "", "FALSE", "bool false"},
		{"", "", "on", "string on"},
		{"", "", "RUN", "string RUN"},
		{"", "", "NaN", "string NaN"},
		{"", "", "Inf", "string Inf"},
		{"", "", "0x10", "string 0x10"},
		{"", "", "1_000", "string 1_000"},
		{"", "", "1,5", "string 1,5"},
		{"", "", "12 parts", "string 12 parts"},
		{"", "", "-", "string -"},
		{"", "", "1e", "string 1e"},
		{"", "", `{"count": 1}`, `string {"count": 1}`},
		{"", "", "", "bad: empty payload"},
		{"", "", " \x00", "bad: empty payload"},
		{"", "", "\xff\xfe1", "bad: not text"},
		{"", "", strings.Repeat("x", maxText+1), "bad: text longer than 4096 bytes"},
		{"", "", strings.Repeat("1", maxPayload+1), "bad: payload larger than 1 MiB"},
		// Types.
		{"int", "", "12.0", "int 12"},
		{"int", "", "1e3", "int 1000"},
		{"int", "", "12.5", "bad: not a whole number"},
		{"int", "", "1e300", "bad: number out of range"},
		{"int", "", "true", "bad: not a number"},
		{"float", "", "12", "float 12"},
		{"float", "", "1,5", "float 1.5"},
		{"float", "", "1,500.0", "bad: not a number"},
		{"float", "", "1,234", "bad: the comma may separate thousands or decimals; set the decimal sign"},
		{"float", "", "NaN", "bad: not a number"},
		{"bool", "", "on", "bool true"},
		{"bool", "", "0", "bool false"},
		{"bool", "", "2", "bad: not true or false"},
		{"string", "", "007", "string 007"},
		{"string", "", "true", "string true"},
		// JSON.
		{"", "count", machine, "uint 18446744073709551615"},
		{"", "a.b", machine, "int -12"},
		{"", "$.a.b", machine, "int -12"},
		{"", `a["a.b"]`, machine, "float 1.5"},
		{"", `a['a.b']`, machine, "float 1.5"},
		{"", `["a"]["b"]`, machine, "int -12"},
		{"", `a[""]`, machine, "int 0"},
		{"", "list[0].n", machine, "int 12"},
		{"", "list[1].n", machine, "int 7"},
		{"", "list[2].n", machine, "bad: no member list[2].n"},
		{"", "deep[0][1][1]", machine, "int 3"},
		{"", "on", machine, "bool true"},
		{"", "text", machine, "string Läuft"},
		{"", "n", machine, "int 2"},
		{"", "escaped", machine, "string x\ny"},
		{"", "wor", machine, "bad: no member wor"},
		{"", "none", machine, "bad: null"},
		{"", "a", machine, "bad: an object, not a value"},
		{"", "list", machine, "bad: a list, not a value"},
		{"", "a.b.c", machine, "bad: no member a.b.c"},
		{"", "count[0]", machine, "bad: no member count[0]"},
		{"", "list.n", machine, "bad: no member list.n"},
		{"", "empty", machine, "string "},
		{"int", "empty", machine, "bad: not a number"},
		{"float", "half", machine, "float 0.5"},
		{"string", "zero", machine, "string 007"},
		{"string", "count", machine, "string 18446744073709551615"},
		{"", "$", `"12"`, "int 12"},
		{"", "$", "12", "int 12"},
		{"", "$[1]", "[1, 2]", "int 2"},
		{"", "$", "", "bad: empty payload"},
		{"", "count", "12", "bad: no member count"},
		{"", "count", "count=12", "bad: not JSON"},
		{"", "count", `{"count": 12`, "bad: not JSON"},
		{"", "count", `{"count": 12}}`, "bad: not JSON"},
		{"", "count", `{"count": 012}`, "bad: not JSON"},
		{"", "count", `{"count": NaN}`, "bad: not JSON"},
		{"", "a", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), "bad: not JSON"},
		{"", "$", `"` + strings.Repeat("x", maxText+1) + `"`, "bad: text longer than 4096 bytes"},
	} {
		tag := tag("t", c.path)
		tag.Type = c.typ
		if got := decode(t, tag, c.payload); got != c.want {
			t.Errorf("type %q path %q payload %.60q: got %s, want %s", c.typ, c.path, c.payload, got, c.want)
		}
	}
}

func TestBits(t *testing.T) {
	for _, c := range []struct {
		bit     int
		payload string
		want    string
	}{
		{0, "5", "bool true"},
		{1, "5", "bool false"},
		{2, "5", "bool true"},
		{63, "-1", "bool true"},
		{63, "18446744073709551615", "bool true"},
		{63, "9223372036854775807", "bool false"},
		{0, "1.0", "bad: not a whole number, so it has no bits"},
		{0, "true", "bad: not a whole number, so it has no bits"},
		{0, "", "bad: empty payload"},
	} {
		tag := connectors.Tag{Address: "t", Bit: c.bit}
		if got := decode(t, tag, c.payload); got != c.want {
			t.Errorf("bit %d of %q: got %s, want %s", c.bit, c.payload, got, c.want)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"a..b":                     "a name is missing",
		".a":                       "a name is missing",
		"a.":                       "a name is missing",
		"$.":                       "a name is missing",
		"a[":                       "] is missing",
		"a[0":                      "] is missing",
		"a[-1]":                    "must be a number",
		"a[x]":                     "must be a number",
		"a[9999999]":               "must be a number",
		`a["b]`:                    `"] is missing`,
		`a["b"`:                    `"] is missing`,
		`a["\q"]`:                  "is no JSON string",
		"a[0]b":                    "a dot or [ must follow",
		"a]":                       "is no plain name",
		"a .b":                     "ends with a space",
		strings.Repeat("a", 2000):  "longer than",
		strings.Repeat("[0]", 100): "steps",
		"a\xff":                    "not valid UTF-8",
	} {
		if _, err := parsePath(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("path %q: got %v, want ...%s...", text, err, want)
		}
	}
	if _, err := parsePath("a.b..c"); err == nil || !strings.Contains(err.Error(), "at character 5") {
		t.Errorf("the position is missing or wrong: %v", err)
	}
}

// FuzzPath: what parses selects without a crash, and agrees with encoding/json.
func FuzzPath(f *testing.F) {
	for _, text := range []string{"count", "a.b", "list[0].n", `["a.b"]`, "$", "$.a[1]['x']", "a[", "a..b", `a["\u0041"]`} {
		f.Add(text, `{"a":{"b":[1,{"x":2}]},"list":[{"n":"1"}],"a.b":3,"A":null}`)
	}
	f.Fuzz(func(t *testing.T, text, doc string) {
		p, err := parsePath(text)
		if err != nil || !json.Valid([]byte(doc)) {
			return
		}
		raw, found := p.find([]byte(doc))
		want, exists := walk(t, doc, p.steps)
		if found != exists {
			t.Fatalf("path %q in %s: found %t, encoding/json says %t", text, doc, found, exists)
		}
		if !found {
			return
		}
		if got := parse(t, string(raw)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("path %q in %s: got %v, encoding/json says %v", text, doc, got, want)
		}
	})
}

func parse(t *testing.T, doc string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(doc))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return v
}

// walk follows the steps in what encoding/json makes of the document.
func walk(t *testing.T, doc string, steps []step) (any, bool) {
	t.Helper()
	v := parse(t, doc)
	for _, s := range steps {
		switch node := v.(type) {
		case map[string]any:
			next, ok := node[s.name]
			if !ok || s.index >= 0 {
				return nil, false
			}
			v = next
		case []any:
			if s.index < 0 || s.index >= len(node) {
				return nil, false
			}
			v = node[s.index]
		default:
			return nil, false
		}
	}
	return v, true
}

// FuzzPayload: no payload crashes, a value is never without a kind, a reason
// never holds the payload.
func FuzzPayload(f *testing.F) {
	for _, payload := range []string{"12", "-0.5e3", "true", `{"a":{"b":"7"}}`, `{"a":`, "\x00", "[[[[", `"\ud800"`, "1,5", "+"} {
		for i := range kinds {
			f.Add([]byte(payload), i, i-1)
		}
	}
	reasons := map[string]bool{}
	for _, reason := range []string{"", "empty payload", "payload larger than 1 MiB", "not JSON", "no member a.b",
		"no member $", "an object, not a value", "a list, not a value", "null", "text longer than 4096 bytes",
		"not text", "not a number", "not a whole number", "number out of range", "not true or false",
		"not a whole number, so it has no bits", "the comma may separate thousands or decimals; set the decimal sign"} {
		reasons[reason] = true
	}
	f.Fuzz(func(t *testing.T, payload []byte, kind, bit int) {
		for _, path := range []string{"", "$", "a.b"} {
			tag := connectors.Tag{Address: "t", Path: path, Type: kinds[uint(kind)%uint(len(kinds))], Bit: bit}
			r, err := newReader(tag)
			if err != nil {
				return
			}
			before := bytes.Clone(payload)
			v, reason := r.read(newDocument(payload))
			if !bytes.Equal(payload, before) {
				t.Fatal("the payload was changed")
			}
			if !reasons[reason] {
				t.Fatalf("unknown reason %q", reason)
			}
			if (reason == "") != (v.Kind() != connectors.KindNone) {
				t.Fatalf("kind %d with reason %q", v.Kind(), reason)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	payload := []byte(`{"ts": 1700000000123, "machine": "PRESS-01", "good": 123456, "scrap": 12, "running": true}`)
	r, err := newReader(tag("t", "scrap"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := r.read(newDocument(payload)); reason != "" {
			b.Fatal(reason)
		}
	}
}
