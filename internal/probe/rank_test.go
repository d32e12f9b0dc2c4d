package probe

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestParseShown(t *testing.T) {
	for text, want := range map[string]string{
		"229.01":      "[{229.01 2}]",
		"1 234":       "[{1234 0}]",
		"12,5":        "[{12.5 1}]",
		"1.234.567":   "[{1.234567e+06 0}]",
		"1.234,50":    "[{1234.5 2}]",
		"1,234.5":     "[{1234.5 1}]",
		"1,234":       "[{1.234 3} {1234 0}]",
		"1.234":       "[{1.234 3} {1234 0}]",
		"0.123":       "[{0.123 3}]",
		"-3.5":        "[{-3.5 1}]",
		"\u22123":     "[{-3 0}]",
		".5":          "[{0.5 1}]",
		"1'234'567.8": "[{1.2345678e+06 1}]",
		"12,34,567":   "[]",
		"1.2.3":       "[]",
		"ON":          "[]",
		"Order 12":    "[]",
		"-":           "[]",
		"1e5":         "[]",
	} {
		s, err := ParseShown(text)
		if err != nil || fmt.Sprint(s.numbers) != want {
			t.Errorf("%q: %v %v, want %s", text, s.numbers, err, want)
		}
	}
	if _, err := ParseShown("  "); err == nil {
		t.Error("nothing is taken for something")
	}
}

func reading(address, kind string, v connectors.Value) connectors.Reading {
	return connectors.Reading{Tag: connectors.Tag{Address: address, Type: kind, Bit: connectors.NoBit},
		Sample: connectors.Sample{Value: v, Quality: connectors.Good}}
}

func rankOne(t *testing.T, shown string, v connectors.Value) []Match {
	t.Helper()
	return Rank(connectors.Tag{Address: "x"}, Sample{must(t, shown), []connectors.Reading{reading("x", "", v)}})
}

func TestRankFits(t *testing.T) {
	for _, c := range []struct {
		shown string
		value connectors.Value
		scale string
		fits  bool
		cut   bool
	}{
		{"229.01", connectors.Float32(229.0123), "", true, false},
		{"229.01", connectors.Float32(229.019), "", true, true},
		{"229.01", connectors.Float32(229.031), "", false, false},
		{"229.01", connectors.Uint(22901), "0.01", true, false},
		{"22901", connectors.Uint(229010), "0.1", true, false},
		{"12,5", connectors.Int(125), "0.1", true, false},
		{"-12,5", connectors.Int(-125), "0.1", true, false},
		{"2", connectors.Uint(120), "1/60", true, false},
		{"120", connectors.Uint(60), "2", true, false},
		{"3.0", connectors.Uint(10800), "1/3600", true, false},
		{"0", connectors.Uint(0), "", true, false},
		{"5", connectors.Uint(0), "", false, false},
		{"ON", connectors.Bool(true), "", true, false},
		{"ON", connectors.Bool(false), "", false, false},
		{"off", connectors.Bool(false), "", true, false},
		{"ON", connectors.Int(1), "", true, false},
		{"Run 7", connectors.String("RUN 7 "), "", true, false},
		{"Run 7", connectors.String("RUN 8"), "", false, false},
		{"4711", connectors.String("4711"), "", true, false},
		{"7", connectors.Bool(true), "", false, false},
		{"1234", connectors.Float64(inf()), "", false, false},
		{"1234", connectors.Float64(1.7e308), "", false, false},
	} {
		got := rankOne(t, c.shown, c.value)
		if !c.fits {
			if len(got) > 0 {
				t.Errorf("%s fits %s: %+v", c.value.Text(), c.shown, got)
			}
			continue
		}
		if !slices.ContainsFunc(got, func(m Match) bool { return m.Scale == c.scale && m.Cut == c.cut }) {
			t.Errorf("%s as %s: %+v", c.value.Text(), c.shown, got)
		}
	}
}

func inf() float64 { x := 1e308; return x * 10 }

// TestRankSecondSample finds the counter among two registers that hold the same
// at first.
func TestRankSecondSample(t *testing.T) {
	at := func(a, b uint64) []connectors.Reading {
		return []connectors.Reading{reading("r:1", "uint16", connectors.Uint(a)), reading("r:2", "uint16", connectors.Uint(b))}
	}
	asked := connectors.Tag{Address: "r:1"}
	one := Rank(asked, Sample{must(t, "1 240"), at(1240, 1240)})
	if len(one) < 2 || Decided(one) {
		t.Fatalf("one sample can not tell: %+v", one)
	}
	two := Rank(asked, Sample{must(t, "1 240"), at(1240, 1240)}, Sample{must(t, "1 243"), at(1240, 1243)})
	if len(two) != 1 || two[0].Tag.Address != "r:2" || !Decided(two) {
		t.Fatalf("%+v", two)
	}
	if none := Rank(asked, Sample{must(t, "1 240"), at(1240, 1240)}, Sample{must(t, "1 243"), nil}); len(none) != 0 || Decided(none) {
		t.Fatalf("a tag that was not read again fits: %+v", none)
	}
	if none := Rank(asked); none != nil {
		t.Fatal("no sample, no match")
	}
}

// TestSame marks what reads the same, so that nobody takes a guess for an answer.
func TestSame(t *testing.T) {
	got := Rank(connectors.Tag{Address: "r:2"}, Sample{must(t, "5120"), []connectors.Reading{
		reading("r:2", "uint16", connectors.Uint(5120)), reading("r:2", "int16", connectors.Int(5120)), reading("r:1", "uint32", connectors.Uint(5120)),
	}})
	if len(got) < 2 || got[0].Tag.Type != "uint16" || got[1].Tag.Type != "uint32" || !got[1].Same || Decided(got) {
		t.Fatalf("%+v", got)
	}
}

func TestLine(t *testing.T) {
	for want, m := range map[string]Match{
		"{tag: 'holding:104', type: uint32, order: CDAB, scale: 0.01}": {Tag: connectors.Tag{Address: "holding:104", Type: "uint32", Order: "CDAB", Bit: connectors.NoBit}, Scale: "0.01"},
		`{tag: 'nsu=urn:l;s="A"."it''s"', path: '[3]'}`:                {Tag: connectors.Tag{Address: `nsu=urn:l;s="A"."it's"`, Path: "[3]", Bit: connectors.NoBit}},
		"{tag: 'holding:1', type: string, length: 4}":                  {Tag: connectors.Tag{Address: "holding:1", Type: "string", Order: "ABCD", Length: 4, Bit: connectors.NoBit}},
		"{tag: 'holding:1', type: uint16, bit: 3}":                     {Tag: connectors.Tag{Address: "holding:1", Type: "uint16", Bit: 3}},
		`{tag: "a\tb"}`: {Tag: connectors.Tag{Address: "a\tb", Bit: connectors.NoBit}},
	} {
		if got := m.YAML(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzParseShown(f *testing.F) {
	for _, s := range []string{"229.01", "1.234,5", "-0", "ON", "1 000 000", ",", "9999999999999999999999"} {
		f.Add(s, 5.0)
	}
	f.Fuzz(func(t *testing.T, text string, v float64) {
		s, err := ParseShown(text)
		if err != nil {
			return
		}
		for _, m := range Rank(connectors.Tag{Address: text}, Sample{s, []connectors.Reading{reading(text, "", connectors.Float64(v)), reading("1", text, connectors.Int(int64(v)))}}) {
			if m.Bits != m.Bits || m.YAML() == "" {
				t.Fatalf("%+v", m)
			}
		}
	})
}
