package erp

import "testing"

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		text string
		mark Mark
		want string // "" is an error
	}{
		{"480", Point, "480"}, {"480.500", Point, "480.5"}, {"1,200.5", Point, "1200.5"}, {"1 200,5", Comma, "1200.5"},
		{"1.200,5", Comma, "1200.5"}, {"1\u00a0200,50", Comma, "1200.5"}, {"1\u202f200", Comma, "1200"}, {"1'200.5", Point, "1200.5"},
		{"-3", Point, "-3"}, {"3-", Point, "-3"}, {"+3", Point, "3"}, {"1.5e3", Point, "1500"}, {" 7 ", Point, "7"}, {".5", Point, "0.5"},
		{"0,125", Either, "0.125"}, {"12,5", Either, "12.5"}, {"12.5", Either, "12.5"}, {"1.234", Either, ""}, {"1,234", Either, ""},
		{"1.234.567", Either, "1234567"}, {"1.234,5", Either, "1234.5"}, {"1,234.5", Either, "1234.5"}, {"1234,567", Either, ""},
		{"1,2,3", Point, ""}, {"1.200,5", Point, ""}, {"12,34", Point, ""}, {"1,,234", Point, ""}, {"1.2.3", Point, ""},
		{"", Point, ""}, {"-", Point, ""}, {"--3", Point, ""}, {"abc", Point, ""}, {"1e1000000000", Point, ""}, {"1e-999999999", Point, ""},
		{"NaN", Point, ""}, {"0x10", Point, ""}, {"\u0663", Point, ""}, {"12 pcs", Point, ""},
		{"11111111111111111111111111111111111111111111111111111111111111", Point, ""},
	} {
		got, err := ParseDecimal(c.text, c.mark)
		if (err != nil) != (c.want == "") || err == nil && got.String() != c.want {
			t.Errorf("ParseDecimal(%q, %d) = %s, %v; want %q", c.text, c.mark, got, err, c.want)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	f.Add("1.234,5", uint8(1))
	f.Add("1e30", uint8(0))
	f.Fuzz(func(t *testing.T, text string, mark uint8) {
		d, err := ParseDecimal(text, Mark(mark%3))
		if err == nil && len(d.String()) > 200 {
			t.Errorf("%q became a number of %d characters", text, len(d.String()))
		}
	})
}
