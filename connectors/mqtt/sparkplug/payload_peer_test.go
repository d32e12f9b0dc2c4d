package sparkplug

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug/sparkplugtest"
)

// TestPeerValues has a library that is not ours write every type of value, in
// one message, and reads it.
func TestPeerValues(t *testing.T) {
	const many = "is not one value; have the node publish the member that is needed as a metric of its own"
	const null = "null: the node has no value"
	type of = sparkplugtest.Metric
	cases := []struct {
		sent of
		want string
	}{
		{of{Type: "Int8", Value: -128}, "int -128"},
		{of{Type: "Int8", Value: 127}, "int 127"},
		{of{Type: "Int16", Value: -32768}, "int -32768"},
		{of{Type: "Int16", Value: -1}, "int -1"},
		{of{Type: "Int32", Value: math.MinInt32}, "int -2147483648"},
		{of{Type: "Int32", Value: math.MaxInt32}, "int 2147483647"},
		{of{Type: "Int64", Value: "-9223372036854775808"}, "int -9223372036854775808"},
		{of{Type: "Int64", Value: "-2"}, "int -2"},
		{of{Type: "Int64", Value: "9223372036854775807"}, "int 9223372036854775807"},
		{of{Type: "Int64", Value: -3}, "int -3"}, // a number of the library's language, not its 64-bit type
		{of{Type: "UInt8", Value: 255}, "uint 255"},
		{of{Type: "UInt16", Value: 65535}, "uint 65535"},
		{of{Type: "UInt32", Value: math.MaxUint32}, "uint 4294967295"},
		{of{Type: "UInt64", Value: "18446744073709551615"}, "uint 18446744073709551615"},
		{of{Type: "UInt64", Value: 0}, "uint 0"},
		{of{Type: "DateTime", Value: "1772449200000"}, "uint 1772449200000"},
		{of{Type: "Float", Value: 0.1}, "float32 0.1"},
		{of{Type: "Float", Special: "nan"}, "float32 NaN"},
		{of{Type: "Float", Special: "ninf"}, "float32 -Inf"},
		{of{Type: "Double", Value: 0.1}, "float64 0.1"},
		{of{Type: "Double", Value: math.MaxFloat64}, "float64 1.7976931348623157e+308"},
		{of{Type: "Double", Special: "nan"}, "float64 NaN"},
		{of{Type: "Double", Special: "inf"}, "float64 +Inf"},
		{of{Type: "Boolean", Value: true}, "bool true"},
		{of{Type: "Boolean", Value: false}, "bool false"},
		{of{Type: "String", Value: "Größe ✓ 𝟙"}, "string Größe ✓ 𝟙"},
		{of{Type: "String", Value: ""}, "string "},
		{of{Type: "String", Value: strings.Repeat("ü", 3000)}, "text longer than 4096 bytes"},
		{of{Type: "Text", Value: "two\nlines"}, "string two\nlines"},
		{of{Type: "UUID", Value: "c3a5ff92-6a4b-4c36-9a0e-2d5c7a3f4b10"}, "string c3a5ff92-6a4b-4c36-9a0e-2d5c7a3f4b10"},
		{of{Type: "UInt32"}, null},
		{of{Type: "Double"}, null},
		{of{Type: "String"}, null},
		{of{Type: "Bytes", Value: "AQID"}, "a Bytes " + many},
		{of{Type: "File", Value: "AQID"}, "a File " + many},
		{of{Type: "Template", Value: map[string]any{"templateRef": "press", "metrics": []of{{Name: "n", Type: "Int8", Value: 1}}}}, "a Template " + many},
		{of{Type: "DataSet", Value: map[string]any{"numOfColumns": 1, "columns": []string{"n"}, "types": []string{"Int64"}, "rows": [][]int{{1}}}}, "a DataSet " + many},
	}
	sent := sparkplugtest.Payload{}
	for i, c := range cases {
		c.sent.Name = fmt.Sprint(i)
		sent.Metrics = append(sent.Metrics, c.sent)
	}
	p := fromPeer(t, sparkplugtest.New(t), sent)
	for i, c := range cases {
		m := &p.Metrics[i]
		if m.Name != fmt.Sprint(i) || m.Type.String() != c.sent.Type {
			t.Errorf("%+v is read as %q, %s", c.sent, m.Name, m.Type)
		}
		for _, birth := range []DataType{0, m.Type} {
			if got := shown(m.Value(birth)); got != c.want {
				t.Errorf("%+v as %s is read as %s, want %s", c.sent, birth, got, c.want)
			}
		}
	}
}

func fromPeer(t *testing.T, peer *sparkplugtest.Encoder, sent sparkplugtest.Payload) *Payload {
	t.Helper()
	var p Payload
	decodeFromPeer(t, peer, sent, &p)
	return &p
}

func decodeFromPeer(t *testing.T, peer *sparkplugtest.Encoder, sent sparkplugtest.Payload, p *Payload) {
	t.Helper()
	b, err := peer.Encode(sent)
	if err != nil {
		t.Fatal(err)
	}
	if err := Decode(b, p); err != nil {
		t.Fatal(err)
	}
	if len(p.Metrics) != len(sent.Metrics) {
		t.Fatalf("%d metrics of %d", len(p.Metrics), len(sent.Metrics))
	}
}

// TestPeerMetrics reads what is said beside the values.
func TestPeerMetrics(t *testing.T) {
	const at = 1772449200123
	type of = sparkplugtest.Metric
	property := func(kind string, v any) map[string]any { return map[string]any{"type": kind, "value": v} }
	cases := []struct {
		sent of
		want Metric
	}{
		{of{Name: "Line 1/Größe"}, Metric{Name: "Line 1/Größe"}},
		{of{Alias: 7}, Metric{Alias: 7, HasAlias: true}},
		{of{Name: "a", Alias: 1 << 40}, Metric{Name: "a", Alias: 1 << 40, HasAlias: true}},
		{of{Timestamp: at}, Metric{Time: at}},
		{of{Historical: true}, Metric{Historical: true}},
		{of{Transient: true}, Metric{Transient: true}},
		{of{Properties: map[string]any{"Quality": property("Int32", 500)}}, Metric{Quality: 500, HasQuality: true}},
		{of{Properties: map[string]any{"Quality": property("Int32", 0)}}, Metric{HasQuality: true}},
		{of{Properties: map[string]any{"Quality": property("Int32", -1)}}, Metric{Quality: -1, HasQuality: true}},
		{of{Properties: map[string]any{"Quality": property("Int64", 192)}}, Metric{Quality: 192, HasQuality: true}},
		{of{Properties: map[string]any{"Quality": property("Int32", nil)}}, Metric{}},
		{of{Properties: map[string]any{"Quality": property("String", "good")}}, Metric{}},
		{of{Properties: map[string]any{
			"engUnit": property("String", "mm"), "Quality": property("Int32", 192), "scale": property("Double", 2),
			"more": property("PropertySet", map[string]any{"Quality": property("Int32", 0)}),
		}}, Metric{Quality: 192, HasQuality: true}},
		{of{Properties: map[string]any{"engUnit": property("String", "mm")}}, Metric{}},
	}
	peer := sparkplugtest.New(t)
	for _, c := range cases {
		c.sent.Type, c.sent.Value = "UInt16", 40
		c.want.Type, c.want.field, c.want.bits = UInt16, inInt, 40
		p := fromPeer(t, peer, sparkplugtest.Payload{Metrics: []of{c.sent}})
		if p.Metrics[0] != c.want || p.Time != 0 || p.HasSeq {
			t.Errorf("%+v is read as %+v, want %+v", c.sent, p.Metrics[0], c.want)
		}
	}
}

// TestPeerPayloads reads whole messages: the least one, and five hundred metrics
// through one Payload, of which every message leaves its own only.
func TestPeerPayloads(t *testing.T) {
	peer := sparkplugtest.New(t)
	for _, seq := range []int{0, 1, 255} {
		p := fromPeer(t, peer, sparkplugtest.Payload{Timestamp: 1772449200000, Seq: &seq})
		if p.Time != 1772449200000 || !p.HasSeq || int(p.Seq) != seq {
			t.Errorf("seq %d is read as %+v", seq, p)
		}
	}
	var p Payload
	for _, first := range []int{0, 1000} {
		sent := sparkplugtest.Payload{Timestamp: 1772449200000}
		for i := range 500 {
			sent.Metrics = append(sent.Metrics, sparkplugtest.Metric{Alias: uint64(i + 1), Type: "UInt32", Value: first + i})
		}
		decodeFromPeer(t, peer, sent, &p)
		for i := range p.Metrics {
			want := fmt.Sprintf("uint %d", first+i)
			if got := shown(p.Metrics[i].Value(UInt32)); got != want || p.Metrics[i].Alias != uint64(i+1) {
				t.Fatalf("metric %d is read as %s, want %s", i, got, want)
			}
		}
		slices.Reverse(p.Metrics) // what a caller does to them is no matter
	}
}

// TestPeerReadsRebirth: the other way round, for the one command there is.
func TestPeerReadsRebirth(t *testing.T) {
	now := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	answer, err := sparkplugtest.New(t).Decode(Rebirth(now))
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Timestamp string
		Seq       any
		Metrics   []map[string]any
	}
	if err := json.Unmarshal([]byte(answer), &read); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	ms := fmt.Sprint(now.UnixMilli())
	want := map[string]any{"name": "Node Control/Rebirth", "type": "Boolean", "value": true, "timestamp": ms}
	if read.Timestamp != ms || read.Seq != nil || len(read.Metrics) != 1 || !maps.Equal(read.Metrics[0], want) {
		t.Errorf("the library reads %s, want %v", answer, want)
	}
}
