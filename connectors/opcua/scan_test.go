package opcua

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// attacks are answers that end a process, or take its memory, in the library.
func attacks(t testing.TB) map[string][]byte {
	t.Helper()
	// The answer to a read of one value, which comes next.
	front := readAnswer(t)
	front = append(front[:len(front)-8], 1, 0, 0, 0, ua.DataValueValue)
	number := func(n int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
	value := func(parts ...[]byte) []byte { return append(bytes.Clone(front), bytes.Join(parts, nil)...) }
	before := func(n int, part ...byte) []byte { return bytes.Repeat(part, n) }
	kind := func(t ua.TypeID, flags byte) []byte { return []byte{byte(t) | flags} }
	const array, divided = ua.VariantArrayValues, ua.VariantArrayValues | ua.VariantArrayDimensions
	header := encoded(t, id.ReadResponse_Encoding_DefaultBinary, &ua.ReadResponse{})[:4+8+4+4]

	deep := func(n int, part []byte) []byte { return value(bytes.Repeat(part, n)) }
	oneVariant := append(kind(ua.TypeIDVariant, array), number(1)...)
	many := append(kind(ua.TypeIDVariant, array), number(0xffff)...)
	return map[string][]byte{
		"length below -1":           value(kind(ua.TypeIDInt32, array), number(-2)),
		"claimed length":            value(kind(ua.TypeIDDataValue, array), number(0xffff), before(10, 0)),
		"dimensions claimed":        value(kind(ua.TypeIDInt32, divided), number(0), number(1<<31-1)),
		"dimensions overflow to 0":  value(kind(ua.TypeIDInt32, divided), number(0), number(3), number(1<<16), number(1<<16), number(1)),
		"dimensions overflow to 1":  value(kind(ua.TypeIDByte, divided), number(1), []byte{7}, number(2), number(641), number(6700417)),
		"dimensions without end":    value(kind(ua.TypeIDByte, divided), number(1), []byte{7}, number(1_000_000), bytes.Repeat(number(1), 1_000_000)),
		"nested diagnostics":        append(bytes.Clone(header), before(maxMessage-len(header), ua.DiagnosticInfoInnerDiagnosticInfo)...),
		"nested variants":           deep(1_000_000, kind(ua.TypeIDVariant, 0)),
		"nested arrays":             deep(1_000_000, oneVariant),
		"nested data values":        deep(1_000_000, append(kind(ua.TypeIDDataValue, 0), ua.DataValueValue)),
		"claims in claims":          deep(100, many),
		"nested diagnostics inside": value(kind(ua.TypeIDDiagnosticInfo, 0), before(1_000_000, ua.DiagnosticInfoInnerDiagnosticInfo)),
		"small in large out":        append(bytes.Clone(front[:len(front)-5]), append(number(15_000_000), before(15_000_000, 0)...)...),
		"an open channel opened":    encoded(t, id.OpenSecureChannelResponse_Encoding_DefaultBinary, &ua.OpenSecureChannelResponse{}),
		"nested extensions":         value(kind(ua.TypeIDExtensionObject, 0), nestedExtensions(t, 2000)),
	}
}

// nestedExtensions are extension objects, each in the one before.
func nestedExtensions(t testing.TB, n int) []byte {
	t.Helper()
	kind, err := ua.Encode(ua.NewFourByteExpandedNodeID(0, id.KeyValuePair_Encoding_DefaultBinary))
	if err != nil {
		t.Fatal(err)
	}
	inner := []byte{0}
	for range n {
		body := append([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, byte(ua.TypeIDExtensionObject)}, inner...)
		next := append(bytes.Clone(kind), ua.ExtensionObjectBinary)
		next = binary.LittleEndian.AppendUint32(next, uint32(len(body)))
		inner = append(next, body...)
	}
	return inner
}

// TestAttacks: none of the messages that end a process reaches the library, what
// is wrong with each is said, and finding out takes little.
func TestAttacks(t *testing.T) {
	for name, message := range attacks(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		err := harmless(message, false)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, errHostile) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("%s: it took %s to find out", name, took)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: it took %d bytes to find out", name, used)
		}
		t.Logf("%s: %v", name, err)
	}
}

// TestScanKnowsEveryType: the library's decoder meets no type in an answer that
// a scan does not know how to follow, and none that contains itself without
// anything that travels in between.
func TestScanKnowsEveryType(t *testing.T) {
	seen := map[reflect.Type]bool{}
	answers := 0
	for n := range 1 << 16 {
		kind, err := ua.Encode(ua.NewFourByteExpandedNodeID(0, uint16(n)))
		if err != nil {
			t.Fatal(err)
		}
		if _, service, _ := ua.DecodeService(kind); service != nil {
			if _, ok := service.(ua.Response); ok {
				answers++
				knows(t, reflect.TypeOf(service), nil, seen)
			}
		}
		if e := extensionType(kind); e != nil {
			knows(t, e, nil, seen)
		}
	}
	if answers < 30 || len(seen) < 300 {
		t.Fatalf("only %d answers and %d types were looked at", answers, len(seen))
	}
}

func knows(t *testing.T, of reflect.Type, in []reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	for _, outer := range in {
		if outer == of {
			t.Errorf("%s contains itself", of)
			return
		}
	}
	if seen[of] {
		return
	}
	seen[of] = true
	// A value of nothing but zeros is followed to its end, or said to be unknown.
	s := scan{rest: make([]byte, 1<<16), room: maxDecoded}
	if err := s.value(of, 0); err != nil {
		t.Errorf("%s: %v", of, err)
	}
	if of.Implements(reflect.TypeFor[ua.BinaryDecoder]()) || of == reflect.TypeFor[time.Time]() {
		return
	}
	switch of.Kind() {
	case reflect.Pointer:
		knows(t, of.Elem(), append(in, of), seen)
	case reflect.Slice:
		knows(t, of.Elem(), nil, seen)
	case reflect.Struct:
		for i := range of.NumField() {
			if !of.Field(i).IsExported() {
				t.Errorf("%s has the field %s, which the library can not set", of, of.Field(i).Name)
			}
			knows(t, of.Field(i).Type, append(in, of), seen)
		}
	}
}

// answers are honest answers with everything in them that travels.
func answers(t testing.TB) [][]byte {
	t.Helper()
	now := time.Unix(1_700_000_000, 0)
	inner := ua.MustVariant([]*ua.Variant{ua.MustVariant(int8(1)), ua.MustVariant("a")})
	values := []any{
		true, int8(1), uint8(2), int16(3), uint16(4), int32(5), uint32(6), int64(7), uint64(8), float32(9), float64(10), "text", now,
		ua.NewGUID("1111AAAA-22BB-33CC-44DD-55EE77FF9900"), []byte("bytes"), ua.XMLElement("<a/>"), ua.NewStringNodeID(2, "node"),
		ua.NewExpandedNodeID(ua.NewGUIDNodeID(2, "1111AAAA-22BB-33CC-44DD-55EE77FF9900"), "urn:x", 3), ua.StatusBad,
		&ua.QualifiedName{NamespaceIndex: 1, Name: "name"}, ua.NewLocalizedTextWithLocale("text", "en"), inner,
		&ua.DataValue{EncodingMask: 0x3f, Value: ua.MustVariant(1.5), SourceTimestamp: now, ServerTimestamp: now},
		&ua.DiagnosticInfo{EncodingMask: 0x7f, AdditionalInfo: "more", InnerDiagnosticInfo: &ua.DiagnosticInfo{}},
		ua.NewExtensionObject(&ua.Argument{Name: "x", DataType: ua.NewTwoByteNodeID(1), ArrayDimensions: []uint32{2}, Description: ua.NewLocalizedText("d")}),
		&ua.ExtensionObject{TypeID: ua.NewFourByteExpandedNodeID(9, 9), EncodingMask: ua.ExtensionObjectBinary, Value: &rawStructure{body: []byte("body")}},
		[]string{"a", "b"}, []time.Time{now, now}, [][]int32{{1, 2, 3}, {4, 5, 6}}, [][][]float64{{{1}, {2}}}, ua.ByteArray{1, 2, 3}, []uint32{},
		[]*ua.NodeID{ua.NewNumericNodeID(1, 1<<20), ua.NewByteStringNodeID(1, []byte("x"))},
	}
	out := [][]byte{readAnswer(t, values...), readAnswer(t)}
	for _, v := range values {
		out = append(out, readAnswer(t, v))
	}
	for kind, answer := range map[uint16]ua.Response{
		id.ServiceFault_Encoding_DefaultBinary:          &ua.ServiceFault{},
		id.GetEndpointsResponse_Encoding_DefaultBinary:  &ua.GetEndpointsResponse{Endpoints: []*ua.EndpointDescription{{EndpointURL: "x", Server: &ua.ApplicationDescription{ApplicationName: ua.NewLocalizedText("n")}}}},
		id.BrowseResponse_Encoding_DefaultBinary:        &ua.BrowseResponse{Results: []*ua.BrowseResult{{ContinuationPoint: []byte("c"), References: []*ua.ReferenceDescription{{ReferenceTypeID: ua.NewTwoByteNodeID(1), NodeID: ua.NewTwoByteExpandedNodeID(2), BrowseName: &ua.QualifiedName{Name: "b"}, DisplayName: ua.NewLocalizedText("d"), TypeDefinition: ua.NewTwoByteExpandedNodeID(3)}}}}},
		id.CreateSessionResponse_Encoding_DefaultBinary: &ua.CreateSessionResponse{SessionID: ua.NewTwoByteNodeID(1), AuthenticationToken: ua.NewTwoByteNodeID(1), ServerSignature: &ua.SignatureData{}},
		id.PublishResponse_Encoding_DefaultBinary: &ua.PublishResponse{NotificationMessage: &ua.NotificationMessage{PublishTime: now, NotificationData: []*ua.ExtensionObject{
			ua.NewExtensionObject(&ua.DataChangeNotification{MonitoredItems: []*ua.MonitoredItemNotification{{ClientHandle: 1, Value: goodValue(1.5)}}}),
			ua.NewExtensionObject(&ua.StatusChangeNotification{Status: ua.StatusBad, DiagnosticInfo: &ua.DiagnosticInfo{}}),
		}}},
	} {
		out = append(out, encoded(t, kind, answer))
	}
	return out
}

// TestHonestAnswers: everything that travels in honest answers is followed to
// its last byte.
func TestHonestAnswers(t *testing.T) {
	for i, message := range answers(t) {
		s := scan{rest: message, room: maxDecoded}
		if err := s.message(false); err != nil || len(s.rest) != 0 {
			t.Errorf("answer %d: %v, %d bytes left of %x", i, err, len(s.rest), message)
		}
	}
}

// FuzzHarmless: a message that is let through does not make the library panic,
// takes memory within bounds, and is followed exactly: what the library can
// decode the scan follows to its end, and nothing else.
func FuzzHarmless(f *testing.F) {
	for _, message := range answers(f) {
		f.Add(message)
	}
	for _, message := range attacks(f) {
		if len(message) < 1<<12 {
			f.Add(message)
		}
	}
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	f.Fuzz(func(t *testing.T, message []byte) {
		s := scan{rest: message, room: maxDecoded}
		err := s.message(false)
		if err != nil && !errors.Is(err, errStops) {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, refused := ua.DecodeService(message)
		runtime.ReadMemStats(&after)
		if (err == nil) != (refused == nil) {
			t.Fatalf("the scan says %v, the library %v", err, refused)
		}
		spent := uint64(maxDecoded - s.room)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<16+6*spent+400*uint64(len(message)) {
			t.Fatalf("%d bytes took %d, %d were counted", len(message), used, spent)
		}
	})
}
