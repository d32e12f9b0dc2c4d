package probe

import (
	"fmt"
	"math"
)

// scale is a factor between what a device holds and what its display shows.
type scale struct {
	// text is how a configuration writes it; "" for 1.
	text   string
	factor float64
	// cost is how unusual it is, in bits.
	cost float64
}

// scales are the factors worth trying. Decimal powers are how integers carry
// decimals and how units of a thousand are changed. 2 and 1/2 are two parts a
// stroke, and a counter of both edges. 60 and 1/60, 3600 and 1/3600 turn
// seconds, minutes and hours into each other. More factors would only make more
// chance hits.
func scales() []scale {
	out := []scale{{"", 1, 0}}
	for e := 1; e <= 6; e++ {
		cost := [...]float64{0, 2, 2.5, 3.5, 7, 8, 8}[e]
		out = append(out,
			scale{fmt.Sprintf("%.*f", e, math.Pow10(-e)), math.Pow10(-e), cost},
			scale{fmt.Sprintf("%.0f", math.Pow10(e)), math.Pow10(e), cost + 3})
	}
	return append(out, scale{"2", 2, 6}, scale{"0.5", 0.5, 6},
		scale{"60", 60, 7}, scale{"1/60", 1.0 / 60, 6}, scale{"3600", 3600, 8}, scale{"1/3600", 1.0 / 3600, 6})
}
