package probe

import (
	"math"
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// typeCost says how unusual it is in a PLC that a value is held this way, in
// bits. That upper words are 0 speaks for a wider type and against it: wide
// counters pass 65536 on their first day or two, and empty registers are common.
func typeCost(r connectors.Reading) float64 {
	cost := 0.0
	switch r.Tag.Type {
	case "uint64", "int64":
		cost = 6
	case "float64":
		cost = 5
	case "bcd16", "bcd32":
		cost = 3
	case "string":
		cost = 1
	}
	if strings.HasPrefix(r.Tag.Type, "int") {
		cost += 0.25
	}
	switch r.Tag.Order {
	case "CDAB":
		cost += 0.5
	case "BADC", "DCBA":
		cost += 3
	}
	if r.Tag.Bit != connectors.NoBit {
		cost++
	}
	return cost
}

// nearCost is the price of an address other than the asked one, in bits.
func nearCost(asked, tag connectors.Tag) float64 {
	if asked.Address == tag.Address {
		return 0
	}
	a, b := place(asked.Address), place(tag.Address)
	if a.number < 0 || b.number < 0 || a.before != b.before {
		return 4 // another node or topic: one of a few
	}
	distance := math.Abs(float64(a.number - b.number))
	cost := math.Log2(1 + distance)
	if strings.HasSuffix(tag.Type, "32") && int(distance)%2 == 1 {
		cost += 0.5 // tables of double words begin where one double word begins
	}
	return cost
}

// spot is an address that ends in a number.
type spot struct {
	before string
	number int
}

// place parts an address into its number and what stands before it; the number
// is -1 where there is none.
func place(address string) spot {
	end := len(address)
	for end > 0 && address[end-1] >= '0' && address[end-1] <= '9' {
		end--
	}
	n, err := strconv.Atoi(address[end:])
	if err != nil {
		return spot{address, -1}
	}
	return spot{address[:end], n}
}
