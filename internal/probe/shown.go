package probe

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Shown is a value as a display shows it.
type Shown struct {
	text string
	// numbers are what the text may mean: two where a sign may part thousands
	// or decimals.
	numbers []number
	// bit is what a word such as ON means; isBit says that it is one.
	bit, isBit bool
}

// number is a decimal number with the digits that were shown behind its sign.
type number struct {
	value    float64
	decimals int
}

// unit is the worth of the last shown digit.
func (n number) unit() float64 { return math.Pow10(-n.decimals) }

// ParseShown reads what a person typed: "229.01", "1 234", "12,5", "1.234.567",
// "ON", or any other text. Only an empty text is an error.
func ParseShown(text string) (Shown, error) {
	s := Shown{text: strings.TrimSpace(text)}
	if s.text == "" {
		return s, errors.New("nothing is shown: give the value as the display writes it, such as 229.01 or ON")
	}
	switch strings.ToLower(s.text) {
	case "on", "true", "yes":
		s.bit, s.isBit = true, true
	case "off", "false", "no":
		s.isBit = true
	default:
		s.numbers = parseNumbers(s.text)
	}
	return s, nil
}

// String is the text as it was typed.
func (s Shown) String() string { return s.text }

// parseNumbers gives every number that a text may mean, none for other texts.
func parseNumbers(text string) []number {
	sign := 1.0
	text = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "", "\u2212", "-").Replace(text)
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = -1, rest
	} else {
		text = strings.TrimPrefix(text, "+")
	}
	points, commas := strings.Count(text, "."), strings.Count(text, ",")
	var out []number
	add := func(decimal string) {
		if n, ok := parseDecimal(text, decimal); ok {
			n.value *= sign
			out = append(out, n)
		}
	}
	switch {
	case points+commas == 0:
		add("")
	case points > 0 && commas > 0: // the last of the two is the decimal sign
		decimal := "."
		if strings.LastIndex(text, ",") > strings.LastIndex(text, ".") {
			decimal = ","
		}
		add(decimal)
	case points > 1 || commas > 1:
		add("")
	case points == 1:
		add(".")
		add("")
	default:
		add(",")
		add("")
	}
	return out
}

// parseDecimal reads digits with the given decimal sign, "" for a whole number;
// the other sign then parts thousands, three digits each.
func parseDecimal(text, decimal string) (number, bool) {
	whole, fraction := text, ""
	if decimal != "" {
		whole, fraction, _ = strings.Cut(text, decimal)
	}
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == '.' || r == ',' })
	if len(groups)-1 != strings.Count(whole, ".")+strings.Count(whole, ",") && whole != "" {
		return number{}, false
	}
	for i, g := range groups {
		if len(groups) > 1 && (i > 0 && len(g) != 3 || len(g) > 3 || i == 0 && g[0] == '0') {
			return number{}, false
		}
	}
	digits := strings.Join(groups, "")
	if digits+fraction == "" || len(digits) > 20 || len(fraction) > 9 || strings.Trim(digits+fraction, "0123456789") != "" {
		return number{}, false
	}
	value, err := strconv.ParseFloat("0"+digits+"."+fraction+"0", 64)
	return number{value, len(fraction)}, err == nil
}
