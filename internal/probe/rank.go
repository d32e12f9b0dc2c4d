package probe

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Sample is what a display showed and what the device held at the same time.
type Sample struct {
	Shown    Shown
	Readings []connectors.Reading
}

// Match is a tag that fits all samples.
type Match struct {
	Tag connectors.Tag
	// Name and Type are the device's words; may be empty.
	Name, Type string
	// Scale is the factor from the device's value to the shown one as a
	// configuration writes it; "" for 1.
	Scale string
	// Values are the device's, one a sample.
	Values []connectors.Value
	// Bits says how much speaks for it: a match with one bit more is about
	// twice as likely to be what is meant.
	Bits float64
	// Cut says that the display cuts digits off instead of rounding.
	Cut bool
	// Same says that the match before it in the list reads the same values, so
	// that only other values can tell the two apart.
	Same bool
}

// clear is the lead in bits that makes the first match the answer: about 16 to 1.
const clear = 4

// Decided says that the first match is far more likely than the second.
func Decided(matches []Match) bool {
	return len(matches) == 1 || len(matches) > 1 && matches[0].Bits-matches[1].Bits >= clear
}

// Rank gives the tags that fit every sample, the likeliest first. Readings of
// the samples belong together by their tags. asked is the tag a person named:
// what is near it is likelier. What fits depends on the digits that are shown:
// the device's value, scaled, must round to them, or be cut to them, in the same
// way in each sample.
func Rank(asked connectors.Tag, samples ...Sample) []Match {
	if len(samples) == 0 {
		return nil
	}
	later := make([]map[connectors.Tag]connectors.Sample, len(samples))
	for i, s := range samples[1:] {
		later[i+1] = make(map[connectors.Tag]connectors.Sample, len(s.Readings))
		for _, r := range s.Readings {
			later[i+1][r.Tag] = r.Sample
		}
	}
	found, factors := map[variant]Match{}, scales()
	for _, r := range samples[0].Readings {
		values, ok := history(r, later)
		if !ok {
			continue
		}
		for _, m := range fits(values, samples, factors) {
			m.Tag, m.Name, m.Type, m.Values = r.Tag, r.Name, r.Type, values
			m.Bits -= typeCost(r) + nearCost(asked, r.Tag)
			v := variantOf(m)
			if old, ok := found[v]; !ok || m.Bits > old.Bits {
				found[v] = m
			}
		}
	}
	return ordered(found)
}

// history is what a reading held at each sample; false if that is not known.
func history(r connectors.Reading, later []map[connectors.Tag]connectors.Sample) ([]connectors.Value, bool) {
	values := make([]connectors.Value, len(later))
	for i := range later {
		s := r.Sample
		if i > 0 {
			s = later[i][r.Tag]
		}
		if s.Quality == connectors.Bad || s.Value.Kind() == connectors.KindNone {
			return nil, false
		}
		values[i] = s.Value
	}
	return values, true
}

// variant names matches of which a person needs to see one only: those that
// differ in the sign bit's meaning, which no positive value shows.
type variant struct {
	tag   connectors.Tag
	scale string
}

func variantOf(m Match) variant {
	v := variant{m.Tag, m.Scale}
	v.tag.Type = strings.TrimPrefix(v.tag.Type, "u")
	return v
}

func ordered(found map[variant]Match) []Match {
	out := make([]Match, 0, len(found))
	for _, m := range found {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Bits, a.Bits), cmp.Compare(a.Tag.Address, b.Tag.Address), cmp.Compare(a.Tag.Path, b.Tag.Path),
			cmp.Compare(a.Tag.Type, b.Tag.Type), cmp.Compare(a.Tag.Order, b.Tag.Order), cmp.Compare(a.Tag.Bit, b.Tag.Bit), cmp.Compare(a.Scale, b.Scale))
	})
	for i := range out {
		out[i].Same = i > 0 && slices.Equal(numbersOf(out[i].Values), numbersOf(out[i-1].Values)) && out[i].Scale == out[i-1].Scale
	}
	return out
}

// fits gives the ways in which a tag's values make what was shown, with the
// evidence in Bits.
func fits(values []connectors.Value, samples []Sample, factors []scale) []Match {
	first := samples[0].Shown
	if values[0].Kind() == connectors.KindString || len(first.numbers) == 0 {
		if ok, evidence := fitsPlainly(values, samples); ok {
			return []Match{{Bits: evidence}}
		}
		return nil
	}
	if values[0].Kind() == connectors.KindBool {
		return nil
	}
	var out []Match
	for _, s := range factors {
		for _, cut := range []bool{false, true} {
			evidence, ok := fitsNumber(values, samples, s, cut)
			if !ok {
				continue
			}
			out = append(out, Match{Scale: s.text, Cut: cut, Bits: evidence - s.cost})
			break // cut says less than rounded
		}
	}
	return out
}

// fitsPlainly compares bits and texts. ON is a bit that is set, or a number 1.
func fitsPlainly(values []connectors.Value, samples []Sample) (bool, float64) {
	evidence := 0.0
	for i, v := range values {
		shown := samples[i].Shown
		switch n, isNumber := numberOf(v); {
		case v.Kind() == connectors.KindString && strings.EqualFold(strings.TrimSpace(v.AsString()), shown.text):
			evidence += 4 * float64(len(shown.text))
		case v.Kind() == connectors.KindBool && shown.isBit && v.AsBool() == shown.bit:
			evidence++
		case isNumber && shown.isBit && n == map[bool]float64{true: 1}[shown.bit]:
			evidence++
		default:
			return false, 0
		}
	}
	return true, evidence
}

// fitsNumber says whether every value shows as it was shown, and how little
// chance would do that.
func fitsNumber(values []connectors.Value, samples []Sample, s scale, cut bool) (float64, bool) {
	evidence := 0.0
	if cut {
		evidence = -2
	}
	for i, v := range values {
		raw, ok := numberOf(v)
		if !ok || raw == 0 && s.factor != 1 {
			return 0, false // no scale can be seen at 0
		}
		best, fitted := 0.0, false
		for _, n := range samples[i].Shown.numbers {
			if shows(raw*s.factor, n, cut) {
				best, fitted = max(best, surprise(v, raw, n.unit()/s.factor)), true
			}
		}
		if !fitted {
			return 0, false
		}
		if i == 0 || samples[i].Shown.text != samples[i-1].Shown.text {
			evidence += best
		}
	}
	return evidence, true
}

// shows says whether a display with n's digits shows n for x.
func shows(x float64, n number, cut bool) bool {
	// What binary numbers and factors such as 1/3 lose.
	loss := 1e-9*math.Abs(n.value) + 1e-12
	if cut {
		x, shown := math.Abs(x), math.Abs(n.value)
		return x >= shown-loss && x < shown+n.unit()-loss
	}
	return math.Abs(x-n.value) <= n.unit()/2+loss
}

// surprise is how many bits of a value chance would have to hit, less the bits
// that are free because width (in the device's units) shows the same.
func surprise(v connectors.Value, raw, width float64) float64 {
	switch v.Kind() {
	case connectors.KindFloat32:
		free := math.Log2(max(1, width/ulp(raw, 23)))
		return max(0, 32-float64(min(16, bits.TrailingZeros32(math.Float32bits(float32(raw)))))-free)
	case connectors.KindFloat64:
		free := math.Log2(max(1, width/ulp(raw, 52)))
		return max(0, 64-float64(min(48, bits.TrailingZeros64(math.Float64bits(raw))))-free)
	}
	return max(0, math.Log2(math.Abs(raw)+1)-math.Log2(max(1, width)))
}

// ulp is the distance to the next number with so many bits behind the first.
func ulp(x float64, mantissa int) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, e-1-mantissa)
}

// numberOf is a value as a number; false for bits and texts.
func numberOf(v connectors.Value) (float64, bool) {
	switch v.Kind() {
	case connectors.KindInt:
		return float64(v.AsInt()), true
	case connectors.KindUint:
		return float64(v.AsUint()), true
	case connectors.KindFloat32, connectors.KindFloat64:
		f := v.AsFloat()
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

func numbersOf(values []connectors.Value) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.Text()
	}
	return out
}
