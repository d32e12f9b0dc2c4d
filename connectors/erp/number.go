package erp

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Mark is how a system writes the fraction of a number.
type Mark uint8

const (
	// Point: 1,234.5 or 1234.5.
	Point Mark = iota
	// Comma: 1.234,5 or 1234,5.
	Comma
	// Either: 1234.5 and 1234,5, but a single mark before exactly three digits
	// (1.234) could be thousands and is refused.
	Either
)

// Numbers longer, or with more digits on one side, are garbage: a number of a
// thousand million digits is easily written as 1e1000000000.
const (
	longest  = 60
	exponent = 30
)

// ParseDecimal reads a number as business systems write it: with spaces (also
// the narrow and the non-breaking one) or apostrophes between thousands, with a sign before or after, with
// point or comma. Empty text is an error.
func ParseDecimal(text string, mark Mark) (decimal.Decimal, error) {
	bad := func(why string) (decimal.Decimal, error) {
		return decimal.Decimal{}, fmt.Errorf("%.40q is no number%s", text, why)
	}
	t := strings.TrimSpace(text)
	if len(t) > longest {
		return bad(": too long")
	}
	for _, space := range []string{" ", "\u00a0", "\u202f", "\u2009", "'", "\u2019"} {
		t = strings.ReplaceAll(t, space, "")
	}
	if rest, behind := strings.CutSuffix(t, "-"); behind {
		t = "-" + rest
	}
	t, err := plain(t, mark)
	if err != nil {
		return bad(": " + err.Error())
	}
	digits := strings.TrimPrefix(strings.TrimPrefix(t, "-"), "+")
	if digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" || strings.IndexAny(digits, "+-") == 0 {
		return bad("")
	}
	d, err := decimal.NewFromString(t)
	if err != nil {
		return bad("")
	}
	if d.Exponent() > exponent || d.Exponent() < -exponent {
		return bad(": out of range")
	}
	return d, nil
}

// plain gives the number with a point, and without marks between thousands.
func plain(t string, mark Mark) (string, error) {
	points, commas := strings.Count(t, "."), strings.Count(t, ",")
	if mark == Either {
		switch {
		case points > 0 && commas > 0:
			mark = Point
			if strings.LastIndex(t, ",") > strings.LastIndex(t, ".") {
				mark = Comma
			}
		case points+commas == 0:
			return t, nil
		case points+commas > 1:
			mark = Comma
			if commas > 1 {
				mark = Point
			}
		default:
			at := strings.IndexAny(t, ".,")
			if len(t)-at == 4 && strings.TrimLeft(t[:at], "+-0") != "" {
				return "", fmt.Errorf("it could be thousands or a fraction; configure which mark is used")
			}
			mark = Point
			if commas > 0 {
				mark = Comma
			}
		}
	}
	thousands, fraction := ",", "."
	if mark == Comma {
		thousands, fraction = ".", ","
	}
	whole, rest, has := strings.Cut(t, fraction)
	if strings.Contains(rest, thousands) || strings.Contains(rest, fraction) {
		return "", fmt.Errorf("marks in the wrong order")
	}
	groups := strings.Split(strings.TrimLeft(whole, "+-"), thousands)
	for i, g := range groups[1:] {
		if len(g) != 3 || len(groups[i]) > 3 || groups[0] == "" {
			return "", fmt.Errorf("the thousands are not in groups of three")
		}
	}
	whole = strings.ReplaceAll(whole, thousands, "")
	if !has {
		return whole, nil
	}
	return whole + "." + rest, nil
}
