package modbus

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// mustFormat compiles the decoding part of a holding register tag.
func mustFormat(t testing.TB, tag connectors.Tag) format {
	t.Helper()
	f, err := parseFormat(tag, Holding)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func registers(words ...uint16) []byte {
	var data []byte
	for _, w := range words {
		data = binary.BigEndian.AppendUint16(data, w)
	}
	return data
}

func TestDecode(t *testing.T) {
	no := connectors.NoBit
	for _, c := range []struct {
		tag  connectors.Tag
		data []byte
		want connectors.Value
	}{
		{connectors.Tag{Type: "uint16", Bit: no}, registers(0x1234), connectors.Uint(0x1234)},
		{connectors.Tag{Type: "uint16", Order: "CDAB", Bit: no}, registers(0x1234), connectors.Uint(0x1234)},
		{connectors.Tag{Type: "uint16", Order: "BADC", Bit: no}, registers(0x1234), connectors.Uint(0x3412)},
		{connectors.Tag{Type: "uint16", Order: "DCBA", Bit: no}, registers(0x1234), connectors.Uint(0x3412)},
		{connectors.Tag{Type: "int16", Bit: no}, registers(0xfffe), connectors.Int(-2)},
		{connectors.Tag{Type: "int16", Bit: no}, registers(0x8000), connectors.Int(-32768)},
		{connectors.Tag{Type: "uint32", Order: "ABCD", Bit: no}, registers(0x1122, 0x3344), connectors.Uint(0x11223344)},
		{connectors.Tag{Type: "uint32", Order: "CDAB", Bit: no}, registers(0x3344, 0x1122), connectors.Uint(0x11223344)},
		{connectors.Tag{Type: "uint32", Order: "BADC", Bit: no}, registers(0x2211, 0x4433), connectors.Uint(0x11223344)},
		{connectors.Tag{Type: "uint32", Order: "DCBA", Bit: no}, registers(0x4433, 0x2211), connectors.Uint(0x11223344)},
		{connectors.Tag{Type: "int32", Bit: no}, registers(0xffff, 0xffff), connectors.Int(-1)},
		{connectors.Tag{Type: "int32", Order: "CDAB", Bit: no}, registers(0, 0x8000), connectors.Int(math.MinInt32)},
		{connectors.Tag{Type: "uint64", Order: "ABCD", Bit: no}, registers(0x1122, 0x3344, 0x5566, 0x7788), connectors.Uint(0x1122334455667788)},
		{connectors.Tag{Type: "uint64", Order: "CDAB", Bit: no}, registers(0x7788, 0x5566, 0x3344, 0x1122), connectors.Uint(0x1122334455667788)},
		{connectors.Tag{Type: "uint64", Order: "BADC", Bit: no}, registers(0x2211, 0x4433, 0x6655, 0x8877), connectors.Uint(0x1122334455667788)},
		{connectors.Tag{Type: "uint64", Order: "DCBA", Bit: no}, registers(0x8877, 0x6655, 0x4433, 0x2211), connectors.Uint(0x1122334455667788)},
		{connectors.Tag{Type: "int64", Bit: no}, registers(0xffff, 0xffff, 0xffff, 0xfffd), connectors.Int(-3)},
		{connectors.Tag{Type: "float32", Order: "CDAB", Bit: no}, registers(0x8000, 0x4640), connectors.Float32(12320.0)},
		{connectors.Tag{Type: "float32", Order: "CDAB", Bit: no}, registers(0x8200, 0x4640), connectors.Float32(12320.5)},
		{connectors.Tag{Type: "float64", Bit: no}, registers(0xc004, 0, 0, 0), connectors.Float64(-2.5)},
		{connectors.Tag{Type: "float64", Order: "DCBA", Bit: no}, registers(0, 0, 0, 0x04c0), connectors.Float64(-2.5)},
		{connectors.Tag{Type: "bcd16", Bit: no}, registers(0x9876), connectors.Uint(9876)},
		{connectors.Tag{Type: "bcd32", Bit: no}, registers(0x1234, 0x5678), connectors.Uint(12345678)},
		{connectors.Tag{Type: "bcd32", Order: "CDAB", Bit: no}, registers(0x5678, 0x1234), connectors.Uint(12345678)},
		{connectors.Tag{Bit: 0}, registers(0x0001), connectors.Bool(true)},
		{connectors.Tag{Bit: 15}, registers(0x8000), connectors.Bool(true)},
		{connectors.Tag{Type: "bool", Bit: 14}, registers(0x8000), connectors.Bool(false)},
		{connectors.Tag{Bit: 8, Order: "BADC"}, registers(0x0001), connectors.Bool(true)},
		{connectors.Tag{Type: "uint32", Bit: 31, Order: "CDAB"}, registers(0, 0x8000), connectors.Bool(true)},
		{connectors.Tag{Type: "string", Length: 3, Bit: no}, []byte("JOB-7 "), connectors.String("JOB-7")},
		{connectors.Tag{Type: "string", Length: 3, Bit: no}, []byte("AB\x00DEF"), connectors.String("AB")},
		{connectors.Tag{Type: "string", Length: 3, Order: "BADC", Bit: no}, []byte("BADCFE"), connectors.String("ABCDEF")},
		{connectors.Tag{Type: "string", Length: 2, Bit: no}, []byte("\x00\x00\x00\x00"), connectors.String("")},
		{connectors.Tag{Type: "string", Length: 2, Bit: no}, []byte("M\xfcll"), connectors.String("Müll")},
		{connectors.Tag{Type: "string", Length: 3, Bit: no}, []byte("Müll\x00"), connectors.String("Müll")},
	} {
		f := mustFormat(t, c.tag)
		got, reason := f.decode(c.data, connectors.Value{})
		if got != c.want || reason != "" {
			t.Errorf("%s %s bit %d of % x: %v %q; want %v", c.tag.Type, c.tag.Order, c.tag.Bit, c.data, got, reason, c.want)
		}
	}
}

func TestDecodeFloatSpecials(t *testing.T) {
	f := mustFormat(t, connectors.Tag{Type: "float32", Bit: connectors.NoBit})
	if v, reason := f.decode(registers(0x7fc0, 0), connectors.Value{}); !math.IsNaN(v.AsFloat()) || reason != "" {
		t.Errorf("NaN came as %v, %q", v.Text(), reason)
	}
	if v, reason := f.decode(registers(0xff80, 0), connectors.Value{}); !math.IsInf(v.AsFloat(), -1) || reason != "" {
		t.Errorf("-Inf came as %v, %q", v.Text(), reason)
	}
}

func TestDecodeBadBCD(t *testing.T) {
	for _, data := range [][]byte{registers(0x00a0), registers(0xf000), registers(0x000b)} {
		f := mustFormat(t, connectors.Tag{Type: "bcd16", Bit: connectors.NoBit})
		if v, reason := f.decode(data, connectors.Value{}); reason != reasonNotBCD {
			t.Errorf("% x: %v, %q", data, v, reason)
		}
	}
}

// TestDecodeRoundTrip puts numbers into registers the way the definition of the
// orders says, byte by byte, and reads them back.
func TestDecodeRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	// Positions of the bytes of a big-endian value in what is sent, for a value
	// of n bytes.
	place := map[string]func(i, n int) int{
		"ABCD": func(i, _ int) int { return i },
		"CDAB": func(i, n int) int { return n - 2 - i/2*2 + i%2 },
		"BADC": func(i, _ int) int { return i ^ 1 },
		"DCBA": func(i, n int) int { return n - 1 - i },
	}
	sizes := map[string]int{"int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8}
	for order, at := range place {
		for name, n := range sizes {
			f := mustFormat(t, connectors.Tag{Type: name, Order: order, Bit: connectors.NoBit})
			for range 200 {
				v := rnd.Uint64() >> (64 - 8*n)
				sent := make([]byte, n)
				for i := range n {
					sent[at(i, n)] = byte(v >> (8 * (n - 1 - i)))
				}
				want := map[string]connectors.Value{
					"int16": connectors.Int(int64(int16(v))), "int32": connectors.Int(int64(int32(v))), "int64": connectors.Int(int64(v)),
					"uint16": connectors.Uint(v), "uint32": connectors.Uint(v), "uint64": connectors.Uint(v),
					"float32": connectors.Float32(math.Float32frombits(uint32(v))), "float64": connectors.Float64(math.Float64frombits(v)),
				}[name]
				if got, reason := f.decode(sent, connectors.Value{}); got != want || reason != "" {
					t.Fatalf("%s %s of % x: %v %q; want %v", name, order, sent, got, reason, want)
				}
			}
		}
	}
}

func TestUnchangedTextIsNotCopied(t *testing.T) {
	f := mustFormat(t, connectors.Tag{Type: "string", Length: 4, Bit: connectors.NoBit})
	data := []byte("JOB-1234")
	last, _ := f.decode(data, connectors.Value{})
	if n := testing.AllocsPerRun(100, func() { last, _ = f.decode(data, last) }); n != 0 {
		t.Errorf("%v allocations for an unchanged text", n)
	}
}

// FuzzDecode holds that any registers give either a value or a reason.
func FuzzDecode(f *testing.F) {
	f.Add("bcd32", "CDAB", 0, connectors.NoBit, []byte{1, 2, 3, 4})
	f.Add("string", "BADC", 2, connectors.NoBit, []byte{0xff, 0xfe, 0, 4})
	f.Add("uint64", "DCBA", 0, 63, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, name, order string, length, bit int, data []byte) {
		fm, err := parseFormat(connectors.Tag{Type: name, Order: order, Length: length, Bit: bit}, Holding)
		if err != nil || len(data) < 2*fm.registers {
			return
		}
		v, reason := fm.decode(data, connectors.Value{})
		if (v.Kind() == connectors.KindNone) != (reason != "") {
			t.Errorf("%v with reason %q", v, reason)
		}
		if again, _ := fm.decode(data, v); again != v {
			t.Errorf("%v, and the second time %v", v, again)
		}
	})
}
