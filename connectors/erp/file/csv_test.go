package file

import (
	"fmt"
	"strings"
	"testing"
)

// shown is a row for comparing: cells between bars with their places.
func shown(r row) string {
	var parts []string
	for i, c := range r.cells {
		parts = append(parts, r.place(i)+"="+c.text)
	}
	s := strings.Join(parts, "|")
	if r.bad != "" {
		s = fmt.Sprintf("%d bad: %.30s", r.line, r.bad)
	}
	if r.open {
		s += " (open)"
	}
	return s
}

func TestRowsOfText(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"a;b\nc;d\n", []string{"1:1=a|1:3=b", "2:1=c|2:3=d"}},
		{"a;b\r\nc;d", []string{"1:1=a|1:3=b", "2:1=c|2:3=d (open)"}},
		{"a;b\rc;d\r", []string{"1:1=a|1:3=b", "2:1=c|2:3=d"}},
		{"\n\na\n", []string{"1:1=", "2:1=", "3:1=a"}},
		{"ä;b;\n", []string{"1:1=ä|1:3=b|1:5="}},
		{"\"a;b\";\"c\"\"d\"\n", []string{"1:1=a;b|1:7=c\"d"}},
		{"\"a\r\nb\";c\nd\n", []string{"1:1=a\r\nb|2:4=c", "3:1=d"}},
		{"12\" pipe;x\n", []string{"1:1=12\" pipe|1:10=x"}},
		{"\"a\"  ;b\n", []string{"1:1=a|1:7=b"}},
		{"\"a\"x;b\nc\n", []string{"1 bad: text follows behind a closing", "2:1=c"}},
		{"\"12 inch;b\nc;d\n", []string{"1 bad: a quote opens here and is not", "2:1=c|2:3=d"}},
		{"c;d\n\"cut", []string{"1:1=c|1:3=d", "2 bad: a quote opens here and is not (open)"}},
		{"\"\";\"\"\n", []string{"1:1=|1:4="}},
		{strings.Repeat("x", 101) + ";b\nc\n", []string{"1 bad: a cell is longer than 100 byte", "2:1=c"}},
		{strings.Repeat(";", 1001) + "\nc\n", []string{"1 bad: the row has more than 1000 cel", "2:1=c"}},
		{"", nil},
	} {
		var got []string
		for l := newLines(c.text, ';', 100); ; {
			r, more := l.next()
			if !more {
				break
			}
			got = append(got, shown(r))
		}
		if fmt.Sprint(len(got)) != fmt.Sprint(len(c.want)) {
			t.Errorf("%.60q has the rows %q", c.text, got)
			continue
		}
		for i := range got {
			want := c.want[i]
			if strings.Contains(want, " bad: ") && strings.HasPrefix(got[i], strings.TrimSuffix(want, " (open)")) && strings.HasSuffix(got[i], "(open)") == strings.HasSuffix(want, "(open)") {
				continue
			}
			if got[i] != want {
				t.Errorf("%.60q row %d = %q, want %q", c.text, i, got[i], want)
			}
		}
	}
}

func TestDecode(t *testing.T) {
	utf16 := func(s string, high bool) string {
		out := []byte("\xff\xfe")
		if high {
			out = []byte("\xfe\xff")
		}
		for _, r := range s {
			if high {
				out = append(out, byte(r>>8), byte(r))
			} else {
				out = append(out, byte(r), byte(r>>8))
			}
		}
		return string(out)
	}
	for _, c := range []struct {
		raw, encoding, want string
		doubt, refused      bool
	}{
		{"Stück", "auto", "Stück", false, false},
		{"\xef\xbb\xbfStück", "auto", "Stück", false, false},
		{"St\xfcck \x80", "auto", "Stück €", false, false},
		{"St\xfcck Stück", "auto", "Stück StÃ¼ck", true, false},
		{"\xf8\xf2", "windows-1251", "шт", false, false},
		{"\xe8\xe2", "ibm866", "шт", false, false},
		{utf16("Stück шт", false), "auto", "Stück шт", false, false},
		{utf16("Stück шт", true), "windows-1251", "Stück шт", false, false},
		{utf16("Stück", false) + "x", "auto", "", false, true},
		{"a\x00b\x00", "auto", "", false, true},
		{"St\xfcck", "utf-8", "St\ufffdck", true, false},
		{"\xef\xbb\xbfSt\xfcck", "auto", "St\ufffdck", true, false},
		{"Stück S\xc3", "auto", "", false, true},
		{"Caf\xe9", "auto", "Café", false, false},
		{"a\x81", "auto", "a\ufffd", true, false},
		{"a\x00b\x00", "utf-16le", "ab", false, false},
	} {
		text, doubt, err := decode([]byte(c.raw), c.encoding, "windows-1252")
		if text != c.want || (doubt != "") != c.doubt || (err != nil) != c.refused {
			t.Errorf("%q as %s = %q, doubt %q, %v", c.raw, c.encoding, text, doubt, err)
		}
	}
}
