package uplink

import "time"

// Demand is what one machine asks for when it counts all the time.
type Demand struct {
	// Every is its target freshness, Freshness its weight; 0 means 1.
	Every     time.Duration
	Freshness float64
}

// Expectation is what a budget can do for the demands of machines that all count
// all the time. Stops and starts come on top; they are few and go first.
type Expectation struct {
	// Asked is the number of requests a minute that all ask for, errands
	// included, Budget the number that there is.
	Asked, Budget float64
	// Ages are the largest ages that counts reach before they are told, in the
	// order of the demands. Each is a machine's Every unless the budget is short.
	Ages []time.Duration
	// Fitting is the Every that would fit if all machines had it.
	Fitting time.Duration
	// Machines is how many machines would fit with the longest Every.
	Machines int
}

// Short says that more is asked for than there is.
func (e Expectation) Short() bool { return e.Asked > e.Budget }

// Expect says what a budget of requests a minute does for machines, and for
// errands of the kinds given. While it is short, all ages stretch by one factor,
// divided by the weights; nobody is told more often than he asks for.
func Expect(budget int, machines []Demand, errands ...Errand) Expectation {
	e := Expectation{Budget: float64(budget), Ages: make([]time.Duration, len(machines))}
	reserved, longest := 0., time.Duration(0)
	for _, kind := range errands {
		reserved += perMinute(kind.target())
	}
	e.Asked = reserved
	for _, m := range machines {
		e.Asked += perMinute(m.Every)
		longest = max(longest, m.Every)
	}
	left := max(1, e.Budget-reserved)
	e.Fitting = time.Duration(float64(len(machines)) / left * float64(minute))
	if longest > 0 {
		e.Machines = int(left / perMinute(longest))
	}
	// asked falls as the stretch grows, so the stretch is found by halving.
	asked := func(stretch float64) float64 {
		sum := reserved / max(1, stretch)
		for i, m := range machines {
			e.Ages[i] = m.stretched(stretch)
			sum += perMinute(e.Ages[i])
		}
		return sum
	}
	if asked(0) <= e.Budget {
		return e
	}
	low, high := 0., 1.
	for asked(high) > e.Budget {
		low, high = high, 2*high
	}
	for range 60 {
		middle := (low + high) / 2
		if asked(middle) > e.Budget {
			low = middle
		} else {
			high = middle
		}
	}
	asked(high)
	return e
}

// stretched is the age that a machine reaches at a stretch.
func (m Demand) stretched(by float64) time.Duration {
	weight := m.Freshness
	if weight <= 0 {
		weight = 1
	}
	return max(m.Every, time.Duration(by*float64(m.Every)/weight))
}

func perMinute(every time.Duration) float64 {
	if every <= 0 {
		return 0
	}
	return float64(minute) / float64(every)
}
