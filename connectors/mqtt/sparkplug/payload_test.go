package sparkplug

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The fields of a message as protobuf writes them, one after the other.

func number64(field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
}

func text(field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), v)
}

func single(field protowire.Number, v float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, field, protowire.Fixed32Type), math.Float32bits(v))
}

func double(field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, field, protowire.Fixed64Type), math.Float64bits(v))
}

func group(field protowire.Number, of ...[]byte) []byte {
	b := protowire.AppendTag(nil, field, protowire.StartGroupType)
	b = append(b, all(of...)...)
	return protowire.AppendTag(b, field, protowire.EndGroupType)
}

// message is a message inside another one.
func message(field protowire.Number, of ...[]byte) []byte {
	return text(field, string(all(of...)))
}

func all(of ...[]byte) []byte {
	var b []byte
	for _, f := range of {
		b = append(b, f...)
	}
	return b
}

// onlyMetric decodes a payload of one metric.
func onlyMetric(t *testing.T, of ...[]byte) Metric {
	t.Helper()
	var p Payload
	if err := Decode(message(2, of...), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Metrics) != 1 {
		t.Fatalf("%d metrics", len(p.Metrics))
	}
	return p.Metrics[0]
}

type metricCase struct {
	sent []byte
	want Metric
}

func (c metricCase) check(t *testing.T) {
	if got := onlyMetric(t, c.sent); got != c.want {
		t.Errorf("%+v, want %+v", got, c.want)
	}
}

// TestMetric holds what is read beside the value. Singular fields that come
// again count with what came last, those of another wire type are unknown.
func TestMetric(t *testing.T) {
	for name, c := range map[string]metricCase{
		"nothing":                   {nil, Metric{}},
		"name":                      {text(1, "Größe/2"), Metric{Name: "Größe/2"}},
		"name twice":                {all(text(1, "a"), text(1, "b")), Metric{Name: "b"}},
		"name that is no UTF-8":     {text(1, "a\xff\xfeb"), Metric{Name: "a\uFFFDb"}},
		"name beyond the limit":     {text(1, strings.Repeat("x", maxName+1)), Metric{Name: strings.Repeat("x", maxName) + "…"}},
		"name as a number":          {number64(1, 5), Metric{}},
		"alias 0":                   {number64(2, 0), Metric{HasAlias: true}},
		"alias of 64 bits":          {number64(2, math.MaxUint64), Metric{Alias: math.MaxUint64, HasAlias: true}},
		"alias as text":             {text(2, "5"), Metric{}},
		"time":                      {number64(3, 1772449200000), Metric{Time: 1772449200000}},
		"time before 1970":          {number64(3, math.MaxUint64), Metric{Time: math.MaxUint64}},
		"time as double":            {double(3, 5), Metric{}},
		"type":                      {number64(4, 10), Metric{Type: Double}},
		"type of tomorrow":          {number64(4, 254), Metric{Type: 254}},
		"type beyond all":           {number64(4, 256+3), Metric{Type: unknownType}},
		"type of more than 32 bits": {number64(4, 1<<32+3), Metric{Type: Int32}}, // a uint32, as protobuf reads it
		"flags":                     {all(number64(5, 1), number64(6, 2), number64(7, 1<<63)), Metric{Historical: true, Transient: true, Null: true}},
		"flags taken back":          {all(number64(5, 1), number64(5, 0), number64(6, 1), number64(6, 0)), Metric{}},
		"metadata":                  {message(8, text(8, "a description")), Metric{}},
		"unknown fields":            {all(number64(20, 1), text(1000, "x"), group(77, text(1, "n"), group(78)), single(21, 1), double(536870911, 1)), Metric{}},
	} {
		t.Run(name, c.check)
	}
}

func TestQuality(t *testing.T) {
	quality := func(value ...[]byte) []byte { return message(9, text(1, "Quality"), message(2, value...)) }
	for name, c := range map[string]metricCase{
		"quality":                      {quality(number64(1, 3), number64(3, 192)), Metric{Quality: 192, HasQuality: true}},
		"quality 0":                    {quality(number64(1, 3), number64(3, 0)), Metric{HasQuality: true}},
		"quality without a type":       {quality(number64(3, 500)), Metric{Quality: 500, HasQuality: true}},
		"quality in 64 bits":           {quality(number64(1, 4), number64(4, 500)), Metric{Quality: 500, HasQuality: true}},
		"quality that is negative":     {quality(number64(3, 0xFFFFFFFF)), Metric{Quality: -1, HasQuality: true}},
		"quality beyond 32 bits":       {quality(number64(4, 1<<40)), Metric{Quality: math.MaxInt32, HasQuality: true}},
		"quality as Float":             {quality(single(5, 192)), Metric{Quality: 192, HasQuality: true}},
		"quality as Double":            {quality(double(6, 192)), Metric{Quality: 192, HasQuality: true}},
		"quality of a fraction":        {quality(double(6, 192.5)), Metric{}},
		"quality not a number":         {quality(double(6, math.NaN())), Metric{}},
		"quality without end":          {quality(double(6, math.Inf(1))), Metric{}},
		"quality as text":              {quality(text(8, "192")), Metric{}},
		"quality, then a text":         {quality(number64(3, 192), text(8, "good")), Metric{}},
		"quality, then true":           {quality(number64(3, 192), number64(7, 1)), Metric{}},
		"quality, then a set":          {quality(number64(3, 192), message(9)), Metric{}},
		"quality, then sets":           {quality(number64(3, 192), message(10)), Metric{}},
		"quality twice":                {message(9, text(1, "Quality"), text(1, "Quality"), message(2, number64(3, 500)), message(2, number64(3, 0))), Metric{HasQuality: true}},
		"a text, then quality":         {quality(text(8, "good"), number64(3, 192)), Metric{Quality: 192, HasQuality: true}},
		"quality null":                 {quality(number64(2, 1), number64(3, 192)), Metric{}},
		"quality of no value":          {quality(number64(1, 3)), Metric{}},
		"quality without its value":    {message(9, text(1, "Quality")), Metric{}},
		"values without keys":          {message(9, message(2, number64(3, 192))), Metric{}},
		"values before keys":           {message(9, message(2, number64(3, 7)), message(2, number64(3, 192)), text(1, "Other"), text(1, "Quality")), Metric{Quality: 192, HasQuality: true}},
		"quality among others":         {message(9, text(1, "engUnit"), text(1, "Quality"), text(1, "x"), message(2, text(8, "mm")), message(2, number64(3, 500)), message(2, number64(3, 1))), Metric{Quality: 500, HasQuality: true}},
		"quality in small letters":     {message(9, text(1, "quality"), message(2, number64(3, 500))), Metric{Quality: 500, HasQuality: true}},
		"its own spelling goes first":  {message(9, text(1, "Quality"), text(1, "quality"), message(2, number64(3, 500)), message(2, number64(3, 192))), Metric{Quality: 500, HasQuality: true}},
		"its own spelling goes second": {message(9, text(1, "quality"), text(1, "Quality"), message(2, number64(3, 500)), message(2, number64(3, 192))), Metric{Quality: 192, HasQuality: true}},
		"an inner quality is another":  {message(9, text(1, "set"), message(2, number64(1, 20), message(9, text(1, "Quality"), message(2, number64(3, 0))))), Metric{}},
	} {
		t.Run(name, c.check)
	}
}

func TestPayload(t *testing.T) {
	named := func(name string) []byte { return message(2, text(1, name)) }
	for name, c := range map[string]struct {
		sent []byte
		want string // time, seq or -, names
	}{
		"nothing":                 {nil, "0 -"},
		"all":                     {all(number64(1, 5), named("a"), named("b"), number64(3, 255), text(4, "some id"), text(5, "body")), "5 255 a b"},
		"seq 0":                   {number64(3, 0), "0 0"},
		"seq beyond its range":    {number64(3, 258), "0 2"},
		"seq as text":             {text(3, "1"), "0 -"},
		"the last counts":         {all(number64(1, 5), number64(3, 1), number64(1, 6), number64(3, 2)), "6 2"},
		"a name twice":            {all(named("a"), named("a")), "0 - a a"},
		"fields between":          {all(named("a"), number64(99, 1), group(2, named("x")), single(98, 1), named("b")), "0 - a b"},
		"metrics of another wire": {all(number64(2, 1), named("b")), "0 - b"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Payload{Time: 77, Seq: 7, HasSeq: true, Metrics: []Metric{{Name: "old"}}}
			if err := Decode(c.sent, &p); err != nil {
				t.Fatal(err)
			}
			if got := outline(&p); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func outline(p *Payload) string {
	words := []string{connectors.Uint(p.Time).Text(), "-"}
	if p.HasSeq {
		words[1] = connectors.Uint(uint64(p.Seq)).Text()
	}
	for _, m := range p.Metrics {
		words = append(words, m.Name)
	}
	return strings.Join(words, " ")
}

func TestNoPayload(t *testing.T) {
	const hint = "is the sender's payload type Sparkplug B, not JSON or Sparkplug A?"
	nested := func(depth int) []byte {
		var b []byte
		for range depth {
			b = protowire.AppendTag(b, 5, protowire.StartGroupType)
		}
		for range depth {
			b = protowire.AppendTag(b, 5, protowire.EndGroupType)
		}
		return b
	}
	good := message(2, text(1, "good"))
	for name, c := range map[string]struct {
		sent []byte
		want string
	}{
		"JSON":                     {[]byte(`{"timestamp":1,"metrics":[]}`), hint},
		"text":                     {[]byte("hello"), hint},
		"a byte":                   {[]byte{0xFF}, hint},
		"cut in a number":          {[]byte{0x08, 0x80}, hint},
		"cut in a tag":             {[]byte{0x80}, hint},
		"cut in a length":          {[]byte{0x12, 0x80}, hint},
		"cut in a metric":          {append(all(good, good), 0x12, 5, 1), hint},
		"cut in a float":           {[]byte{0x65, 1, 2}, hint},
		"cut in a double":          {[]byte{0x69, 1, 2}, hint},
		"a length of 64 bits":      {protowire.AppendVarint([]byte{0x12}, math.MaxUint64), hint},
		"a number of 11 bytes":     {append([]byte{0x08}, []byte(strings.Repeat("\xff", 10)+"\x01")...), hint},
		"field 0":                  {[]byte{0x00, 0x00}, hint},
		"a reserved wire type":     {[]byte{0x0E}, hint},
		"the end of a group":       {protowire.AppendTag(nil, 9, protowire.EndGroupType), hint},
		"a group without end":      {protowire.AppendTag(nil, 9, protowire.StartGroupType), hint},
		"a group ended as another": {protowire.AppendTag(protowire.AppendTag(nil, 9, protowire.StartGroupType), 8, protowire.EndGroupType), hint},
		"groups without bottom":    {nested(1 << 20), hint},
		"a metric that is none":    {all(good, message(2, text(1, "x"), []byte{0x80})), "metric 2: not a Sparkplug B payload"},
		"properties that are none": {all(good, message(2, text(9, "\x80"))), "metric 2: not a Sparkplug B payload"},
		"quality that is none":     {message(2, message(9, text(1, "Quality"), text(2, "\x80"))), "metric 1: not a Sparkplug B payload"},
		"compressed":               {all(text(4, "SPBV1.0_COMPRESSED"), text(5, "...")), "switch compression off at the Edge Node"},
		"too many metrics":         {[]byte(strings.Repeat("\x12\x00", maxMetrics+1)), "more than 100000 metrics"},
		"too many bytes":           {make([]byte, maxPayload+1), "has 8388609 bytes; at most 8388608 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Payload{Time: 77, Seq: 7, HasSeq: true, Metrics: []Metric{{Name: "old"}}}
			err := Decode(c.sent, &p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if got := outline(&p); got != "0 -" {
				t.Errorf("what is left: %s", got)
			}
			// What was of no use does no harm to the next one.
			if err := Decode(good, &p); err != nil || outline(&p) != "0 - good" {
				t.Errorf("the next one: %s, %v", outline(&p), err)
			}
		})
	}
}

// TestDecodeKeepsNothingOfTheMessage: the buffer belongs to the caller again.
func TestDecodeKeepsNothingOfTheMessage(t *testing.T) {
	b := message(2, text(1, "name"), text(15, "value"))
	var p Payload
	if err := Decode(b, &p); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 'X'
	}
	if got := shown(p.Metrics[0].Value(String)); p.Metrics[0].Name != "name" || got != "string value" {
		t.Errorf("%q, %s", p.Metrics[0].Name, got)
	}
}

func TestRebirth(t *testing.T) {
	now := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	var p Payload
	if err := Decode(Rebirth(now), &p); err != nil {
		t.Fatal(err)
	}
	ms := uint64(now.UnixMilli())
	if p.Time != ms || p.HasSeq || len(p.Metrics) != 1 {
		t.Fatalf("%+v", p)
	}
	m := p.Metrics[0]
	if got := shown(m.Value(0)); m.Name != "Node Control/Rebirth" || m.Time != ms || m.HasAlias || m.Type != Boolean || got != "bool true" {
		t.Errorf("%+v, %s", m, got)
	}
	if err := Decode(Rebirth(time.Unix(-5, 0)), &p); err != nil || p.Time != 0 {
		t.Errorf("before 1970: time %d, %v", p.Time, err)
	}
}

func TestDataTypeNames(t *testing.T) {
	for typ, want := range map[DataType]string{
		0: "no type", Int8: "Int8", Template: "Template", 20: "PropertySet", 21: "PropertySetList", 22: "Int8Array", 34: "DateTimeArray",
		35: "type 35", unknownType: "unknown type",
	} {
		if got := typ.String(); got != want {
			t.Errorf("%d: %s, want %s", typ, got, want)
		}
	}
}
