package modbus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestAddress(t *testing.T) {
	const any = -1
	for _, c := range []struct {
		text   string
		unit   int
		area   Area
		offset int
	}{
		{"40001", any, Holding, 0},
		{"49999", any, Holding, 9998},
		{"400001", any, Holding, 0},
		{"465536", any, Holding, 65535},
		{"30001", any, Input, 0},
		{"365536", any, Input, 65535},
		{"10003", any, Discrete, 2},
		{"00001", any, Coil, 0},
		{"000001", any, Coil, 0},
		{"065536", any, Coil, 65535},
		{"3/40001", 3, Holding, 0},
		{"holding:0", any, Holding, 0},
		{"input:12", any, Input, 12},
		{"coil:3", any, Coil, 3},
		{"discrete:3", any, Discrete, 3},
		{"holding:65535", any, Holding, 65535},
		{"holding:0x63", any, Holding, 99},
		{"holding:0X63", any, Holding, 99},
		{"holding:40001", any, Holding, 0},
		{"holding:400001", any, Holding, 0},
		{"3/holding:40001", 3, Holding, 0},
		{"0/discrete:10003", 0, Discrete, 2},
		{"255/coil:00003", 255, Coil, 2},
		{"input:30100", any, Input, 99},
		{"holding:0x9c41", any, Holding, 40001},
		{"holding:0x2713", any, Holding, 10003},
		{"holding:20000", any, Holding, 20000},
		{"holding:9999", any, Holding, 9999},
		{"coil:50000", any, Coil, 50000},
	} {
		a, err := parseAddress(c.text, false)
		unit := any
		if a.hasUnit {
			unit = int(a.unit)
		}
		if err != nil || unit != c.unit || a.area != c.area || int(a.offset) != c.offset {
			t.Errorf("%s: unit %d, %s:%d, error %v; want unit %d, %s:%d", c.text, unit, a.area, a.offset, err, c.unit, c.area, c.offset)
		}
	}
}

func TestAddressOneBased(t *testing.T) {
	for text, want := range map[string]int{
		"holding:1": 0, "holding:65536": 65535, "holding:0x64": 99, "holding:40001": 0, "40001": 0, "coil:00001": 0, "input:20000": 19999,
	} {
		if a, err := parseAddress(text, true); err != nil || int(a.offset) != want {
			t.Errorf("%s: offset %d, error %v; want %d", text, a.offset, err, want)
		}
	}
	_, err := parseAddress("holding:0", true)
	if want := "holding:0 is out of range; the offset goes from 1 to 65536"; err == nil || err.Error() != want {
		t.Errorf("holding:0: %v; want %s", err, want)
	}
}

func TestAddressErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                 `"" is no Modbus address; ` + addressForms,
		"4001":             `"4001" is no Modbus address; ` + addressForms,
		"4000001":          `"4000001" is no Modbus address; ` + addressForms,
		"+4001":            `"+4001" is no Modbus address; ` + addressForms,
		"40 01":            `"40 01" is no Modbus address; ` + addressForms,
		"20001":            `"20001" begins with 2, which is no area; the first digit is 0 for coils, 1 for discrete inputs, 3 for input registers, 4 for holding registers`,
		"40000":            `"40000" is out of range; holding data go from 40001 to 49999`,
		"465537":           `"465537" is out of range; holding data go from 400001 to 465536`,
		"000000":           `"000000" is out of range; coil data go from 000001 to 065536`,
		"256/40001":        `unit "256" is not a number from 0 to 255; ` + addressForms,
		"-1/40001":         `unit "-1" is not a number from 0 to 255; ` + addressForms,
		"/40001":           `unit "" is not a number from 0 to 255; ` + addressForms,
		"{unit}/holding:0": `unit "{unit}" is not a number from 0 to 255; ` + addressForms,
		"1/2/40001":        `"2/40001" is no Modbus address; ` + addressForms,
		"holdin:0":         `unknown area "holdin"; allowed are coil, discrete, input and holding; did you mean holding?`,
		"Holding:0":        `unknown area "Holding"; allowed are coil, discrete, input and holding; did you mean holding?`,
		"hr:0":             `unknown area "hr"; allowed are coil, discrete, input and holding; did you mean holding?`,
		"pressure:0":       `unknown area "pressure"; allowed are coil, discrete, input and holding`,
		"holding:":         `"" is not an offset; write a number from 0 to 65535, decimal or hexadecimal (holding:99, holding:0x63)`,
		"holding:-1":       `"-1" is not an offset; write a number from 0 to 65535, decimal or hexadecimal (holding:99, holding:0x63)`,
		"holding:1_0":      `"1_0" is not an offset; write a number from 0 to 65535, decimal or hexadecimal (holding:99, holding:0x63)`,
		"holding:0x":       `"0x" is not an offset; write a number from 0 to 65535, decimal or hexadecimal (holding:99, holding:0x63)`,
		"holding:65536":    `holding:65536 is out of range; the offset goes from 0 to 65535`,
		"holding:0x10000":  `holding:0x10000 is out of range; the offset goes from 0 to 65535`,
		"holding:40000":    `"40000" is out of range; holding data go from 40001 to 49999`,
		"holding:10003":    `holding:10003 contradicts itself: numbers that begin with 1 are discrete data; write discrete:10003, or holding:0x2713 if the offset 10003 is meant`,
		"coil:40001":       `coil:40001 contradicts itself: numbers that begin with 4 are holding data; write holding:40001, or coil:0x9c41 if the offset 40001 is meant`,
		"holding:00012":    `holding:00012 contradicts itself: numbers that begin with 0 are coil data; write coil:00012, or holding:0xc if the offset 12 is meant`,
	} {
		if _, err := parseAddress(text, false); err == nil || err.Error() != want {
			t.Errorf("%q\n got %v\nwant %s", text, err, want)
		}
	}
}

// FuzzAddress holds that whatever is accepted has exactly one meaning: written
// in words, it parses to the same place.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"40001", "400001", "3/holding:40001", "coil:0x9c41", "255/10003", "holding:65536", "//", "1/holding:0x", "00000", "input:99999999999999999999"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, oneBased bool) {
		a, err := parseAddress(text, oneBased)
		if err != nil {
			if len(text) < 100 && len(err.Error()) > 800 {
				t.Errorf("error of %d bytes for %q", len(err.Error()), text)
			}
			return
		}
		first := 0
		if oneBased {
			first = 1
		}
		words := fmt.Sprintf("%s:0x%x", a.area, int(a.offset)+first)
		if a.hasUnit {
			words = fmt.Sprintf("%d/%s", a.unit, words)
		}
		if b, err := parseAddress(words, oneBased); err != nil || a != b {
			t.Errorf("%q is %v, but %q is %v, %v", text, a, words, b, err)
		}
		manual := fmt.Sprintf("%c%05d", a.area.digit(), int(a.offset)+1)
		if b, err := parseAddress(manual, oneBased); err != nil || a.area != b.area || a.offset != b.offset {
			t.Errorf("%q is %v, but %q is %v, %v", text, a, manual, b, err)
		}
	})
}

func TestCheckTag(t *testing.T) {
	good := []connectors.Tag{
		{Address: "40001", Bit: connectors.NoBit},
		{Address: "10001", Bit: connectors.NoBit},
		{Address: "coil:1", Type: "bool", Bit: connectors.NoBit},
		{Address: "40001", Bit: 15},
		{Address: "40001", Type: "bool", Bit: 0},
		{Address: "40001", Type: "uint64", Bit: 63, Order: "CDAB"},
		{Address: "40001", Type: "string", Length: 125, Order: "BADC", Bit: connectors.NoBit},
		{Address: "holding:65532", Type: "float64", Bit: connectors.NoBit},
	}
	for _, tag := range good {
		if err := CheckTag(tag); err != nil {
			t.Errorf("%+v: %v", tag, err)
		}
	}
	no := connectors.NoBit
	for _, c := range []struct {
		tag  connectors.Tag
		want string
	}{
		{connectors.Tag{Address: "40001", Type: "dint", Bit: no}, `unknown type "dint"; allowed are bool, int16, int32, int64, uint16, uint32, uint64, float32, float64, bcd16, bcd32 and string; did you mean int32?`},
		{connectors.Tag{Address: "40001", Type: "flaot32", Bit: no}, `did you mean float32?`},
		{connectors.Tag{Address: "40001", Type: "UINT32", Bit: no}, `did you mean uint32?`},
		{connectors.Tag{Address: "40001", Type: strings.Repeat("x", 99), Bit: no}, `unknown type`},
		{connectors.Tag{Address: "40001", Type: "uint32", Order: "cdab", Bit: no}, `unknown byte order "cdab"; allowed are ABCD, CDAB, BADC and DCBA; did you mean CDAB?`},
		{connectors.Tag{Address: "40001", Type: "uint32", Order: "little", Bit: no}, `did you mean DCBA?`},
		{connectors.Tag{Address: "40001", Type: "string", Length: 4, Order: "CDAB", Bit: no}, `byte order CDAB has no meaning for a string; allowed are ABCD and BADC`},
		{connectors.Tag{Address: "40001", Type: "string", Bit: no}, `a string needs its length in registers (two characters each), 1 to 125; 0 is given`},
		{connectors.Tag{Address: "40001", Type: "string", Length: 126, Bit: no}, `1 to 125; 126 is given`},
		{connectors.Tag{Address: "40001", Type: "uint32", Length: 2, Bit: no}, `length 2 is given, but only a string has a length`},
		{connectors.Tag{Address: "40001", Type: "bool", Bit: no}, `a bool in holding registers needs the number of its bit, 0 to 15`},
		{connectors.Tag{Address: "40001", Type: "bool", Bit: 16}, `bit 16 does not exist; bool has the bits 0 to 15`},
		{connectors.Tag{Address: "40001", Type: "uint32", Bit: 32}, `bit 32 does not exist; uint32 has the bits 0 to 31`},
		{connectors.Tag{Address: "40001", Bit: -2}, `bit -2 does not exist`},
		{connectors.Tag{Address: "40001", Type: "float32", Bit: 1}, `bit 1 of a float32 can not be read; bits belong to integers`},
		{connectors.Tag{Address: "10001", Bit: 0}, `bit 0 is given, but discrete data are single bits; remove it`},
		{connectors.Tag{Address: "10001", Type: "uint16", Bit: no}, `type uint16 needs registers; discrete data are bits, whose type is bool`},
		{connectors.Tag{Address: "holding:65535", Type: "uint32", Bit: no}, `2 registers from holding:65535 go beyond the last one, holding:65535`},
		{connectors.Tag{Address: "40001", Path: "a.b", Bit: no}, `path "a.b" has no meaning in Modbus; remove it`},
		{connectors.Tag{Address: "40001", EachMessage: true, Bit: no}, `a register has no messages that could count for themselves`},
		{connectors.Tag{Address: "40001", Every: -1, Bit: no}, `every: -1ns is not possible; allowed is 10ms to 1h0m0s`},
	} {
		if err := CheckTag(c.tag); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v\n got %v\nwant %s", c.tag, err, c.want)
		}
	}
}
