package opcua

import (
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestSampleValues(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 30, 0, 5e8, time.UTC)
	for _, tc := range []struct {
		in   any
		want connectors.Value
	}{
		{true, connectors.Bool(true)},
		{int8(-5), connectors.Int(-5)},
		{uint8(200), connectors.Uint(200)},
		{int16(-300), connectors.Int(-300)},
		{uint16(65535), connectors.Uint(65535)},
		{int32(-70000), connectors.Int(-70000)},
		{uint32(4294967295), connectors.Uint(4294967295)},
		{int64(-1 << 63), connectors.Int(-1 << 63)},
		{uint64(1<<64 - 1), connectors.Uint(1<<64 - 1)},
		{float32(0.1), connectors.Float32(0.1)},
		{0.1, connectors.Float64(0.1)},
		{"läuft", connectors.String("läuft")},
		{at, connectors.String("2026-11-22T08:30:00.5Z")},
		{ua.NewLocalizedText("run"), connectors.String("run")},
		{&ua.QualifiedName{NamespaceIndex: 2, Name: "q"}, connectors.String("q")},
		{ua.NewStringNodeID(2, "n"), connectors.String("ns=2;s=n")},
		{ua.NewGUID("72962B91-FA75-4AE6-8D28-B404DC7DAF63"), connectors.String("72962B91-FA75-4AE6-8D28-B404DC7DAF63")},
		{ua.StatusCode(0x80340000), connectors.Uint(0x80340000)},
	} {
		s := sample(3, readingOf(connectors.Tag{Bit: connectors.NoBit}), goodValue(tc.in))
		if s.Tag != 3 || s.Quality != connectors.Good || s.Reason != "" || s.Value != tc.want || s.SourceTime.IsZero() {
			t.Errorf("%T %v is %+v, want %v", tc.in, tc.in, s, tc.want)
		}
	}
}

func TestSampleRefusals(t *testing.T) {
	whole := connectors.Tag{Bit: connectors.NoBit}
	for _, tc := range []struct {
		name   string
		tag    connectors.Tag
		dv     *ua.DataValue
		reason string
	}{
		{"array", whole, goodValue([]uint32{1, 2}), "array, not a scalar"},
		{"empty array", whole, goodValue([]uint32{}), "array, not a scalar"},
		{"byte string", whole, goodValue([]byte{1}), "byte string, not a number or text"},
		{"structure", whole, goodValue(ua.NewExtensionObject(&ua.ServerStatusDataType{})), "structure, not a scalar"},
		{"nothing", whole, nil, "no value"},
		{"null", whole, &ua.DataValue{Value: &ua.Variant{}}, "no value"},
		{"good without value", whole, &ua.DataValue{}, "no value"},
		{"wrong type", connectors.Tag{Type: "uint16", Bit: connectors.NoBit}, goodValue(int16(1)), "value is not of the configured type"},
		{"bit of a float", connectors.Tag{Bit: 1}, goodValue(1.5), "bit of a value that is not an integer"},
		{"bit of a bool", connectors.Tag{Bit: 0}, goodValue(true), "bit of a value that is not an integer"},
		{"bit too high", connectors.Tag{Bit: 16}, goodValue(uint16(1)), "bit beyond the width of the value"},
		{"bad", whole, &ua.DataValue{Value: ua.MustVariant(int32(5)), Status: ua.StatusBadNodeIDUnknown}, "BadNodeIdUnknown"},
		{"bad with details", whole, &ua.DataValue{Value: ua.MustVariant(int32(5)), Status: ua.StatusBadNoCommunication | 0x480}, "BadNoCommunication"},
		{"bad of a vendor", whole, &ua.DataValue{Status: 0x8ABC0123}, "status 0x8ABC0000"},
		{"reserved severity", whole, &ua.DataValue{Value: ua.MustVariant(int32(5)), Status: 0xC0000000}, "status 0xC0000000"},
	} {
		s := sample(0, readingOf(tc.tag), tc.dv)
		if s.Quality != connectors.Bad || s.Reason != tc.reason || s.Value.Kind() != connectors.KindNone {
			t.Errorf("%s: %+v, want %q", tc.name, s, tc.reason)
		}
	}
}

func TestSampleQuality(t *testing.T) {
	whole := connectors.Tag{Bit: connectors.NoBit}
	overflow := goodValue(uint32(7))
	overflow.Status = 0x480
	if s := sample(0, readingOf(whole), overflow); s.Quality != connectors.Good || s.Value != connectors.Uint(7) {
		t.Errorf("an overflowed queue makes a good value %+v", s)
	}
	doubtful := goodValue(uint32(7))
	doubtful.Status = ua.StatusUncertainLastUsableValue
	if s := sample(0, readingOf(whole), doubtful); s.Quality != connectors.Uncertain || s.Value != connectors.Uint(7) || s.Reason != "UncertainLastUsableValue" {
		t.Errorf("an uncertain value is %+v", s)
	}
	at := time.Unix(1_700_000_000, 0)
	dv := &ua.DataValue{EncodingMask: ua.DataValueValue | ua.DataValueServerTimestamp, Value: ua.MustVariant(true), ServerTimestamp: at}
	if s := sample(0, readingOf(whole), dv); !s.SourceTime.Equal(at) {
		t.Errorf("without a source time the time is %v", s.SourceTime)
	}
	dv.EncodingMask = ua.DataValueValue
	if s := sample(0, readingOf(whole), dv); !s.SourceTime.IsZero() {
		t.Errorf("without any time the time is %v", s.SourceTime)
	}
}

func TestSampleBits(t *testing.T) {
	for _, tc := range []struct {
		in   any
		bit  int
		want bool
	}{
		{uint16(0x8001), 0, true}, {uint16(0x8001), 1, false}, {uint16(0x8001), 15, true},
		{int16(-1), 15, true}, {int16(-32768), 14, false}, {int8(-128), 7, true},
		{uint64(1 << 63), 63, true}, {int64(-1 << 63), 63, true}, {int32(4), 2, true},
	} {
		s := sample(0, readingOf(connectors.Tag{Bit: tc.bit}), goodValue(tc.in))
		if s.Quality != connectors.Good || s.Value != connectors.Bool(tc.want) {
			t.Errorf("bit %d of %T %v is %+v", tc.bit, tc.in, tc.in, s)
		}
	}
}

func TestTypesAgree(t *testing.T) {
	for name, v := range map[string]any{
		"bool": true, "int8": int8(1), "uint8": uint8(1), "byte": uint8(1), "int16": int16(1), "UInt16": uint16(1),
		"int32": int32(1), "uint32": uint32(1), "int64": int64(1), "uint64": uint64(1),
		"float32": float32(1), "Float": float32(1), "float64": 1.0, "Double": 1.0, "string": "a", "SByte": int8(1), "boolean": true,
	} {
		if s := sample(0, readingOf(connectors.Tag{Type: name, Bit: connectors.NoBit}), goodValue(v)); s.Quality != connectors.Good {
			t.Errorf("%T as %s: %+v", v, name, s)
		}
	}
}

func TestStatusNames(t *testing.T) {
	for code, name := range map[ua.StatusCode]string{
		ua.StatusBadNodeIDUnknown:           "BadNodeIdUnknown",
		ua.StatusBadTCPEndpointURLInvalid:   "BadTcpEndpointUrlInvalid",
		ua.StatusBadCertificateURIInvalid:   "BadCertificateUriInvalid",
		ua.StatusBad:                        "Bad",
		ua.StatusUncertain:                  "Uncertain",
		ua.StatusBadUserAccessDenied | 0x12: "BadUserAccessDenied",
	} {
		if got := statusName(code); got != name {
			t.Errorf("0x%X is %s, want %s", uint32(code), got, name)
		}
	}
}
