package modbus

import (
	"fmt"
	"strconv"
	"strings"
)

// Area is one of the four address spaces of a unit.
type Area uint8

// The areas. The zero Area is none of them.
const (
	Coil Area = iota + 1
	Discrete
	Input
	Holding
)

// addressSpace is the number of data in each area.
const addressSpace = 1 << 16

const addressForms = "write 40001, 400001, holding:0, input:0, coil:0 or discrete:0, with a unit in front if needed (3/holding:0)"

// String is the area's name in addresses.
func (a Area) String() string {
	switch a {
	case Coil:
		return "coil"
	case Discrete:
		return "discrete"
	case Input:
		return "input"
	case Holding:
		return "holding"
	}
	return "none"
}

// bits says that the area holds single bits, not registers.
func (a Area) bits() bool { return a == Coil || a == Discrete }

// digit is the first digit of the area's numbers in manuals.
func (a Area) digit() byte {
	switch a {
	case Coil:
		return '0'
	case Discrete:
		return '1'
	case Input:
		return '3'
	}
	return '4'
}

// areaOfDigit is the inverse of digit; 0 if no area has that digit.
func areaOfDigit(d byte) Area {
	for a := Coil; a <= Holding; a++ {
		if a.digit() == d {
			return a
		}
	}
	return 0
}

// address is a parsed address.
type address struct {
	unit    uint8
	hasUnit bool
	area    Area
	offset  uint16
}

// parseAddress reads the notations of the package comment. oneBased is
// Config.OneBased.
func parseAddress(text string, oneBased bool) (address, error) {
	var a address
	rest := text
	if unit, after, ok := strings.Cut(text, "/"); ok {
		n, err := decimal(unit)
		if err != nil || n > 255 {
			return a, fmt.Errorf("unit %q is not a number from 0 to 255; %s", unit, addressForms)
		}
		a.unit, a.hasUnit, rest = uint8(n), true, after
	}
	word, number, ok := strings.Cut(rest, ":")
	if !ok {
		area, offset, err := parseManual(rest)
		if err != nil {
			return a, err
		}
		a.area, a.offset = area, offset
		return a, nil
	}
	area, err := parseArea(word)
	if err != nil {
		return a, err
	}
	a.area = area
	a.offset, err = parseOffset(area, number, oneBased)
	return a, err
}

func parseArea(word string) (Area, error) {
	var names []string
	for a := Coil; a <= Holding; a++ {
		if a.String() == word {
			return a, nil
		}
		names = append(names, a.String())
	}
	hint := nearest(word, names, map[string]string{
		"coils": "coil", "co": "coil", "0x": "coil", "output": "coil",
		"inputs": "discrete", "di": "discrete", "discrete_input": "discrete", "1x": "discrete",
		"ir": "input", "input_register": "input", "3x": "input",
		"hr": "holding", "register": "holding", "holding_register": "holding", "4x": "holding",
	})
	return 0, fmt.Errorf("unknown area %q; allowed are coil, discrete, input and holding%s", word, hint)
}

// parseManual reads a number as manuals print it.
func parseManual(number string) (Area, uint16, error) {
	if !isManual(number) {
		return 0, 0, fmt.Errorf("%q is no Modbus address; %s", number, addressForms)
	}
	area := areaOfDigit(number[0])
	if area == 0 {
		return 0, 0, fmt.Errorf("%q begins with %c, which is no area; the first digit is 0 for coils, 1 for discrete inputs, 3 for input registers, 4 for holding registers", number, number[0])
	}
	offset, err := manualOffset(area, number)
	return area, offset, err
}

// isManual says that a number has the shape of the manuals' form: five or six
// decimal digits.
func isManual(number string) bool {
	if len(number) != 5 && len(number) != 6 {
		return false
	}
	_, err := decimal(number)
	return err == nil
}

// manualOffset is the offset of a number of the manuals' form.
func manualOffset(area Area, number string) (uint16, error) {
	n, err := decimal(number[1:])
	if err != nil {
		return 0, fmt.Errorf("%q is no Modbus address; %s", number, addressForms)
	}
	if n < 1 || n > addressSpace {
		zeros := strings.Repeat("0", len(number)-2)
		last := "9999"
		if len(number) == 6 {
			last = strconv.Itoa(addressSpace)
		}
		return 0, fmt.Errorf("%q is out of range; %s data go from %c%s1 to %c%s", number, area, area.digit(), zeros, area.digit(), last)
	}
	return uint16(n - 1), nil
}

// parseOffset reads the number behind an area word.
func parseOffset(area Area, number string, oneBased bool) (uint16, error) {
	if isManual(number) {
		switch other := areaOfDigit(number[0]); other {
		case area:
			return manualOffset(area, number)
		case 0:
		default:
			n, _ := decimal(number)
			return 0, fmt.Errorf("%s:%s contradicts itself: numbers that begin with %c are %s data; write %s:%s, or %s:0x%x if the offset %d is meant",
				area, number, number[0], other, other, number, area, n, n)
		}
	}
	n, err := offsetNumber(number)
	if err != nil {
		return 0, fmt.Errorf("%q is not an offset; write a number from 0 to 65535, decimal or hexadecimal (%s:99, %s:0x63)", number, area, area)
	}
	first := 0
	if oneBased {
		first = 1
	}
	if n < first || n-first >= addressSpace {
		return 0, fmt.Errorf("%s:%s is out of range; the offset goes from %d to %d", area, number, first, addressSpace-1+first)
	}
	return uint16(n - first), nil
}

func offsetNumber(s string) (int, error) {
	if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 24)
		return int(n), err
	}
	return decimal(s)
}

// decimal accepts digits only: no sign, no blank, no underscore.
func decimal(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 24)
	return int(n), err
}
