package mapping

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"time"
)

// rate is a rational number of raw units per second, ready for exact bounds
// without allocation.
type rate struct{ num, den uint64 }

func newRate(n Number) (rate, error) {
	if n.Sign() <= 0 {
		return rate{}, fmt.Errorf("must be greater than 0")
	}
	r := n.big()
	const finest = 1_000_000_000
	if !r.Num().IsUint64() || !r.Denom().IsUint64() || r.Denom().Uint64() > finest {
		// Finer than a billionth changes no bound that a person could notice.
		scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt64(finest))
		whole := fromRat(scaled).Floor().Int64()
		return rate{num: uint64(max(whole, 1)), den: finest}, nil
	}
	return rate{num: r.Num().Uint64(), den: r.Denom().Uint64()}, nil
}

// allowed is floor(rate × dt) + burst.
func (r rate) allowed(dt time.Duration, burst Number) Number {
	hi, lo := bits.Mul64(r.num, uint64(max(dt, 0)))
	divisor := r.den * uint64(time.Second)
	if hi >= divisor {
		return Whole(math.MaxInt64)
	}
	q, _ := bits.Div64(hi, lo, divisor)
	return Whole(int64(min(q, math.MaxInt64/2))).Add(burst)
}
