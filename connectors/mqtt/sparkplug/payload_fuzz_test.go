package sparkplug

import (
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// FuzzDecode holds what is true of any bytes: no panic; what protobuf's own
// library reads is read, and the same; memory in proportion to the message; no
// trace of the message before; and every metric has, as every type, either a
// value or words.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(Rebirth(time.Unix(1772449200, 0)))
	f.Add([]byte(`{"timestamp":1}`))
	f.Add(payloadOfMany(3))
	f.Add(all(number64(1, 5), number64(3, 255), text(4, "id"), text(5, "body"),
		message(2, text(1, "a"), number64(2, 1), number64(3, 9), number64(4, 3), number64(10, 0xFFFFFFFE)),
		message(2, number64(5, 1), number64(6, 1), number64(7, 1), message(8, text(8, "x")), number64(11, math.MaxUint64)),
		message(2, message(9, text(1, "Quality"), text(1, "engUnit"), message(2, number64(1, 3), number64(3, 500)), message(2, text(8, "mm")))),
		message(2, single(12, 1), double(13, 2), number64(14, 1), text(15, "text"), text(16, "bytes")),
		message(2, message(17), message(18), message(19)), group(9, number64(1, 1)),
	))
	schema := schema(f)
	var used Payload
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Payload
		err := Decode(b, &p)
		again := Decode(b, &used)
		if (err == nil) != (again == nil) || !sameWords(err, again) || !samePayload(&p, &used) {
			t.Fatalf("%+v, %v\nbut with a used payload\n%+v, %v", p, err, used, again)
		}
		if err != nil && (err.Error() == "" || p.Time != 0 || p.HasSeq || len(p.Metrics) != 0) {
			t.Fatalf("after %q there is left %+v", err, p)
		}
		held := 0
		for i := range p.Metrics {
			held += len(p.Metrics[i].Name) + len(p.Metrics[i].text)
			asEveryType(t, &p.Metrics[i])
		}
		if len(p.Metrics) > len(b)/2 || held > 3*len(b) || cap(p.Metrics) > len(b)+16 {
			t.Fatalf("%d bytes become %d metrics (room for %d) with %d bytes of text", len(b), len(p.Metrics), cap(p.Metrics), held)
		}
		want, plain, ok := oracle(t, schema, b)
		if !ok || len(want.Metrics) > maxMetrics {
			return
		}
		if err := Decode(plain, &p); err != nil || !samePayload(&p, &want) {
			t.Fatalf("protobuf reads\n%+v\nhere it is\n%+v, %v", want, p, err)
		}
		if err != nil {
			t.Fatalf("protobuf reads it, but: %v", err)
		}
		// Properties that come more than once are looked at one by one, not as a
		// whole: that may differ in the quality only.
		for i := range used.Metrics {
			used.Metrics[i].Quality, used.Metrics[i].HasQuality = want.Metrics[i].Quality, want.Metrics[i].HasQuality
		}
		if !samePayload(&used, &want) {
			t.Fatalf("protobuf reads\n%+v\nhere it is\n%+v", want, used)
		}
	})
}

func sameWords(a, b error) bool { return a == nil || b == nil || a.Error() == b.Error() }

// samePayload compares what was decoded, whatever room it lies in.
func samePayload(a, b *Payload) bool {
	return a.Time == b.Time && a.Seq == b.Seq && a.HasSeq == b.HasSeq && len(a.Metrics) == len(b.Metrics) &&
		(len(a.Metrics) == 0 || reflect.DeepEqual(a.Metrics, b.Metrics))
}

func asEveryType(t *testing.T, m *Metric) {
	for typ := range 256 {
		v, err := m.Value(DataType(typ))
		if (err == nil) == (v.Kind() == connectors.KindNone) || err != nil && err.Error() == "" {
			t.Fatalf("%+v as %s: %v, %v", m, DataType(typ), v, err)
		}
	}
}

// payloadOfMany is data as Edge Nodes send them: by alias, with time and value.
func payloadOfMany(metrics int) []byte {
	b := number64(1, 1772449200000)
	for i := range metrics {
		b = append(b, message(2, number64(2, uint64(i)), number64(3, 1772449200000), number64(4, uint64(UInt32)), number64(10, uint64(i)*1000))...)
	}
	return append(b, number64(3, 7)...)
}

// TestDecodeCostsNoMemory: data by alias into a payload that was used before.
func TestDecodeCostsNoMemory(t *testing.T) {
	b := payloadOfMany(500)
	var p Payload
	if n := testing.AllocsPerRun(100, func() {
		if err := Decode(b, &p); err != nil || len(p.Metrics) != 500 {
			t.Fatalf("%d metrics, %v", len(p.Metrics), err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDecodeMakesRoomOnce: the smallest metrics, as many as are allowed and one
// more, take no more than their number.
func TestDecodeMakesRoomOnce(t *testing.T) {
	for _, n := range []int{1, 500, maxMetrics, maxMetrics + 1} {
		b := []byte(strings.Repeat("\x12\x00", n))
		var p Payload
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Decode(b, &p)
		runtime.ReadMemStats(&after)
		taken := after.TotalAlloc - before.TotalAlloc
		most := uint64(min(n, maxMetrics))*uint64(unsafe.Sizeof(Metric{}))*5/4 + 16<<10
		t.Logf("%d metrics in %d bytes take %d bytes", n, len(b), taken)
		if (err == nil) != (n <= maxMetrics) || taken > most {
			t.Errorf("%d metrics take %d bytes, more than %d; %v", n, taken, most, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, payload := range map[string][]byte{"aliases": payloadOfMany(500), "birth": birthOfMany(500)} {
		b.Run(name, func(b *testing.B) {
			var p Payload
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Decode(payload, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// birthOfMany is a birth certificate: names, aliases, a property each.
func birthOfMany(metrics int) []byte {
	b := number64(1, 1772449200000)
	for i := range metrics {
		b = append(b, message(2, text(1, "Line 1/Station 12/Counter "+DataType(i).String()), number64(2, uint64(i)), number64(3, 1772449200000),
			number64(4, uint64(UInt32)), message(9, text(1, "Quality"), message(2, number64(1, 3), number64(3, 192))), number64(10, uint64(i)))...)
	}
	return append(b, number64(3, 0)...)
}
