package mapping

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Number is an exact rational number. Whole numbers of 64 bits, which is what
// counters nearly always deal in, take no allocation; everything else is a
// big.Rat. The zero value is 0. Numbers are immutable.
type Number struct {
	small int64
	// rat is nil if small is the whole value, and is never changed once set.
	rat *big.Rat
}

// Whole makes a number of an integer.
func Whole(n int64) Number { return Number{small: n} }

// Ratio makes num/den; den must not be 0.
func Ratio(num, den int64) Number { return fromRat(big.NewRat(num, den)) }

// maxNumberText bounds what ParseNumber reads: far beyond any counter, and too
// short for an exponent that would fill the memory.
const (
	maxNumberText = 60
	maxExponent   = 100
)

var errNumber = errors.New("is not a number: write a whole number, a decimal (0.5) or a fraction (1/12)")

// ParseNumber reads a whole number, a decimal with or without exponent, or a
// fraction of whole numbers ("1/12"), without loss.
func ParseNumber(text string) (Number, error) {
	if len(text) > maxNumberText || text == "" || strings.Trim(text, "+-0123456789.eE/") != "" {
		return Number{}, fmt.Errorf("%q %w", shorten(text), errNumber)
	}
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		var exponent int
		if _, err := fmt.Sscanf(text[at+1:], "%d", &exponent); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return Number{}, fmt.Errorf("%q %w", text, errNumber)
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return Number{}, fmt.Errorf("%q %w", text, errNumber)
	}
	return fromRat(r), nil
}

func shorten(text string) string {
	if len(text) > maxNumberText {
		return strings.ToValidUTF8(text[:maxNumberText], "") + "…"
	}
	return text
}

// fromRat takes ownership of r.
func fromRat(r *big.Rat) Number {
	if r.IsInt() && r.Num().IsInt64() {
		return Number{small: r.Num().Int64()}
	}
	return Number{rat: r}
}

// numberOf reads a device's value as a number. A float means the shortest
// decimal that names it: a device that sends the float nearest to 0.1 means
// 0.1. A bool is 0 or 1, a text must be a number.
func numberOf(v connectors.Value) (Number, error) {
	switch v.Kind() {
	case connectors.KindInt:
		return Whole(v.AsInt()), nil
	case connectors.KindUint:
		if u := v.AsUint(); u > math.MaxInt64 {
			return fromRat(new(big.Rat).SetInt(new(big.Int).SetUint64(u))), nil
		}
		return Whole(int64(v.AsUint())), nil
	case connectors.KindBool:
		if v.AsBool() {
			return Whole(1), nil
		}
		return Number{}, nil
	case connectors.KindFloat32, connectors.KindFloat64:
		return numberOfFloat(v)
	case connectors.KindString:
		return ParseNumber(strings.TrimSpace(v.AsString()))
	}
	return Number{}, errNumber
}

func numberOfFloat(v connectors.Value) (Number, error) {
	f := v.AsFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Number{}, fmt.Errorf("%v is not a finite number", f)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return Whole(int64(f)), nil
	}
	r, ok := new(big.Rat).SetString(v.Text())
	if !ok {
		return Number{}, errNumber
	}
	return fromRat(r), nil
}

func (a Number) big() *big.Rat {
	if a.rat != nil {
		return a.rat
	}
	return new(big.Rat).SetInt64(a.small)
}

// Add is a + b.
func (a Number) Add(b Number) Number {
	if a.rat == nil && b.rat == nil {
		if sum := a.small + b.small; (sum > a.small) == (b.small > 0) {
			return Number{small: sum}
		}
	}
	return fromRat(new(big.Rat).Add(a.big(), b.big()))
}

// Sub is a - b.
func (a Number) Sub(b Number) Number {
	if a.rat == nil && b.rat == nil {
		if diff := a.small - b.small; (diff < a.small) == (b.small > 0) {
			return Number{small: diff}
		}
	}
	return fromRat(new(big.Rat).Sub(a.big(), b.big()))
}

// Mul is a * b.
func (a Number) Mul(b Number) Number {
	if a.rat == nil && b.rat == nil {
		if p, ok := mul64(a.small, b.small); ok {
			return Number{small: p}
		}
	}
	return fromRat(new(big.Rat).Mul(a.big(), b.big()))
}

func mul64(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

// Div is a / b; b must not be 0.
func (a Number) Div(b Number) Number {
	return fromRat(new(big.Rat).Quo(a.big(), b.big()))
}

// Mod is a modulo m in the mathematical sense: 0 <= result < m. m must be
// greater than 0.
func (a Number) Mod(m Number) Number {
	if a.rat == nil && m.rat == nil {
		r := a.small % m.small
		if r < 0 {
			r += m.small
		}
		return Number{small: r}
	}
	return a.Sub(a.Div(m).Floor().Mul(m))
}

// Floor is the greatest whole number that is not above a.
func (a Number) Floor() Number {
	if a.rat == nil {
		return a
	}
	q := new(big.Int).Div(a.rat.Num(), a.rat.Denom())
	return fromRat(new(big.Rat).SetInt(q))
}

// Cmp is -1, 0 or 1 as a is below, equal to or above b.
func (a Number) Cmp(b Number) int {
	if a.rat == nil && b.rat == nil {
		switch {
		case a.small < b.small:
			return -1
		case a.small > b.small:
			return 1
		}
		return 0
	}
	return a.big().Cmp(b.big())
}

// Sign is -1, 0 or 1.
func (a Number) Sign() int {
	if a.rat != nil {
		return a.rat.Sign()
	}
	return Whole(a.small).Cmp(Number{})
}

// IsZero says whether a is 0.
func (a Number) IsZero() bool { return a.rat == nil && a.small == 0 }

// Int64 is the floor of a, held within what 64 bits can carry.
func (a Number) Int64() int64 {
	f := a.Floor()
	if f.rat == nil {
		return f.small
	}
	if f.rat.Sign() < 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}

// String writes a whole number or finite decimal as such, anything else as a
// fraction. ParseNumber reads both.
func (a Number) String() string {
	if a.rat == nil {
		return strconv.FormatInt(a.small, 10)
	}
	if prec, exact := a.rat.FloatPrec(); exact && prec < maxNumberText/2 {
		return a.rat.FloatString(prec)
	}
	return a.rat.RatString()
}

// MarshalText makes numbers texts in the store, without loss.
func (a Number) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote. Unlike ParseNumber it does not
// bound the length: what we wrote we can read.
func (a *Number) UnmarshalText(text []byte) error {
	r, ok := new(big.Rat).SetString(string(text))
	if !ok {
		return fmt.Errorf("%q %w", shorten(string(text)), errNumber)
	}
	*a = fromRat(r)
	return nil
}
