package sparkplug

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// schema is Sparkplug's, as far as a host needs it, in protobuf's own words.
func schema(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	var out strings.Builder
	out.WriteString(`name: "sparkplug.proto" syntax: "proto2"`)
	declare(&out, "Nothing")
	declare(&out, "PropertyValue", "type 1 UINT32", "is_null 2 BOOL", "int_value 3 UINT32 value", "long_value 4 UINT64 value",
		"float_value 5 FLOAT value", "double_value 6 DOUBLE value", "boolean_value 7 BOOL value", "string_value 8 STRING value",
		"set_value 9 Nothing value", "sets_value 10 Nothing value")
	declare(&out, "PropertySet", "keys 1 STRING *", "values 2 PropertyValue *")
	declare(&out, "Metric", "name 1 STRING", "alias 2 UINT64", "timestamp 3 UINT64", "datatype 4 UINT32", "is_historical 5 BOOL",
		"is_transient 6 BOOL", "is_null 7 BOOL", "metadata 8 Nothing", "properties 9 PropertySet", "int_value 10 UINT32 value",
		"long_value 11 UINT64 value", "float_value 12 FLOAT value", "double_value 13 DOUBLE value", "boolean_value 14 BOOL value",
		"string_value 15 STRING value", "bytes_value 16 BYTES value", "dataset_value 17 Nothing value",
		"template_value 18 Nothing value", "extension_value 19 Nothing value")
	declare(&out, "Payload", "timestamp 1 UINT64", "metrics 2 Metric *", "seq 3 UINT64", "uuid 4 STRING", "body 5 BYTES")
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(out.String()), &file); err != nil {
		t.Fatal(err)
	}
	made, err := protodesc.NewFile(&file, &protoregistry.Files{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Messages().ByName("Payload")
}

// declare writes a message; a field is NAME NUMBER TYPE, then * if it is
// repeated or value if it is one of the oneof.
func declare(out *strings.Builder, name string, list ...string) {
	fmt.Fprintf(out, " message_type { name: %q", name)
	for _, f := range list {
		w := strings.Fields(f)
		label, kind, more := "OPTIONAL", "type: TYPE_"+w[2], ""
		if strings.ToUpper(w[2]) != w[2] {
			kind = fmt.Sprintf("type: TYPE_MESSAGE type_name: %q", "."+w[2])
		}
		switch {
		case len(w) > 3 && w[3] == "*":
			label = "REPEATED"
		case len(w) > 3:
			more = "oneof_index: 0"
		}
		fmt.Fprintf(out, " field { name: %q number: %s label: LABEL_%s %s %s }", w[0], w[1], label, kind, more)
	}
	if strings.Contains(strings.Join(list, "|"), " value") {
		out.WriteString(` oneof_decl { name: "value" }`)
	}
	out.WriteString(" }")
}

// oracle is what protobuf's own library reads in a message, which is b in its
// plainest form: every field once, merged. It has no limits and gives false if
// the message is none.
func oracle(t testing.TB, s protoreflect.MessageDescriptor, b []byte) (p Payload, plain []byte, ok bool) {
	t.Helper()
	read := dynamicpb.NewMessage(s)
	if proto.Unmarshal(b, read) != nil {
		return p, nil, false
	}
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	p.Time, _ = whole(read, "timestamp")
	seq, has := whole(read, "seq")
	p.Seq, p.HasSeq = uint8(seq), has
	list := read.Get(s.Fields().ByName("metrics")).List()
	for i := range list.Len() {
		p.Metrics = append(p.Metrics, asMetric(list.Get(i).Message()))
	}
	return p, plain, true
}

func asMetric(read protoreflect.Message) Metric {
	var m Metric
	get := func(name protoreflect.Name) protoreflect.Value {
		return read.Get(read.Descriptor().Fields().ByName(name))
	}
	m.Name = strings.ToValidUTF8(cut(get("name").String(), maxName, "…"), "\uFFFD")
	m.Alias, m.HasAlias = whole(read, "alias")
	m.Time, _ = whole(read, "timestamp")
	typ, _ := whole(read, "datatype")
	m.Type = DataType(min(typ, 255))
	m.Historical, m.Transient, m.Null = get("is_historical").Bool(), get("is_transient").Bool(), get("is_null").Bool()
	m.Quality, m.HasQuality = qualityOf(get("properties").Message())
	which := read.WhichOneof(read.Descriptor().Oneofs().ByName("value"))
	if which == nil {
		return m
	}
	m.field = carrier(which.Number())
	switch v := read.Get(which).Interface().(type) {
	case uint32:
		m.bits = uint64(v)
	case uint64:
		m.bits = v
	case float32:
		m.bits = uint64(math.Float32bits(v))
	case float64:
		m.bits = math.Float64bits(v)
	case bool:
		m.bits = map[bool]uint64{true: 1}[v]
	case string:
		if m.text = v; len(v) > maxText {
			m.field, m.text = inLongText, ""
		}
	}
	return m
}

func cut(s string, limit int, mark string) string {
	if len(s) > limit {
		return s[:limit] + mark
	}
	return s
}

// whole is a field of a whole number.
func whole(read protoreflect.Message, name protoreflect.Name) (uint64, bool) {
	f := read.Descriptor().Fields().ByName(name)
	return read.Get(f).Uint(), read.Has(f)
}

// qualityOf is the property of that name, in the specification's spelling if
// there is one, else the last that differs in small and capital letters.
func qualityOf(set protoreflect.Message) (int32, bool) {
	fields := set.Descriptor().Fields()
	keys, values := set.Get(fields.ByName("keys")).List(), set.Get(fields.ByName("values")).List()
	at := -1
	for _, same := range []func(string) bool{
		func(key string) bool { return strings.EqualFold(key, "quality") },
		func(key string) bool { return key == "Quality" },
	} {
		for i := range keys.Len() {
			if same(keys.Get(i).String()) {
				at = i
			}
		}
	}
	if at < 0 || at >= values.Len() {
		return 0, false
	}
	value := values.Get(at).Message()
	which := value.WhichOneof(value.Descriptor().Oneofs().ByName("value"))
	if which == nil || value.Get(value.Descriptor().Fields().ByName("is_null")).Bool() {
		return 0, false
	}
	var v float64
	switch n := value.Get(which).Interface().(type) {
	case uint32:
		v = float64(int32(n))
	case uint64:
		v = float64(int64(n))
	case float32:
		v = float64(n)
	case float64:
		v = n
	default:
		return 0, false
	}
	if v != math.Trunc(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return int32(min(max(v, math.MinInt32), math.MaxInt32)), true
}
