package prodsmart

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds the digits of a number, and its exponent: more than an
// int64 has, with room for a fraction of zeros.
const maxDigits = 64

// Decimal is a number exactly as it was written, for quantities that a float
// would falsify. Two Decimals are the same number if and only if they are ==.
// The zero Decimal is no number at all: nothing was said, or nothing that could
// be read.
type Decimal struct{ text string }

// NewDecimal makes a whole number.
func NewDecimal(n int64) Decimal { return Decimal{strconv.FormatInt(n, 10)} }

// ParseDecimal reads a decimal number in any spelling that JSON knows: 12, 12.50,
// 1.2e3. The error is for anything else, and for numbers of more than 64 digits.
func ParseDecimal(text string) (Decimal, error) {
	sign, digits, point, ok := decimalParts(text)
	switch {
	case !ok:
		return Decimal{}, fmt.Errorf("%.80q is no decimal number", text)
	case digits == "":
		return Decimal{"0"}, nil
	case point <= 0:
		return Decimal{sign + "0." + strings.Repeat("0", -point) + digits}, nil
	case point >= len(digits):
		return Decimal{sign + digits + strings.Repeat("0", point-len(digits))}, nil
	}
	return Decimal{sign + digits[:point] + "." + digits[point:]}, nil
}

// IsZero says that there is no number; the number 0 is one.
func (d Decimal) IsZero() bool { return d.text == "" }

// Rat is the number for calculations, owned by the caller; 0 if there is none.
func (d Decimal) Rat() *big.Rat {
	n, ok := new(big.Rat).SetString(d.text)
	if !ok {
		return new(big.Rat)
	}
	return n
}

// String is the shortest spelling without an exponent, or nothing.
func (d Decimal) String() string { return d.text }

// MarshalText gives String to text encodings.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText reads what ParseDecimal reads; an empty text is no number.
func (d *Decimal) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Decimal{}
		return nil
	}
	read, err := ParseDecimal(string(text))
	if err == nil {
		*d = read
	}
	return err
}

// decimalParts takes a decimal number apart: its size is 0.digits times ten to
// the power of point, and digits neither begin nor end with a zero. The work is
// bounded whatever the exponent.
func decimalParts(text string) (sign, digits string, point int, ok bool) {
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		sign, text = strings.TrimPrefix(text[:1], "+"), text[1:]
	}
	mantissa, exponent, scientific := text, 0, false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		scientific = true
		e, err := strconv.Atoi(text[i+1:])
		if err != nil || e < -maxDigits || e > maxDigits {
			return "", "", 0, false
		}
		mantissa, exponent = text[:i], e
	}
	before, after, fraction := strings.Cut(mantissa, ".")
	digits = before + after
	if before == "" || fraction && after == "" && scientific || len(digits) > maxDigits ||
		strings.Trim(digits, "0123456789") != "" {
		return "", "", 0, false
	}
	digits = strings.TrimLeft(digits, "0")
	point = len(before) + exponent - (len(before) + len(after) - len(digits))
	return sign, strings.TrimRight(digits, "0"), point, true
}
