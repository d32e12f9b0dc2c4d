package mes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// ForeignPattern is how a foreign client's requests lie in time.
type ForeignPattern string

// The patterns; the first is the default.
const (
	// ForeignEven asks at equal distances.
	ForeignEven ForeignPattern = "even"
	// ForeignPoisson asks at random, as many users do.
	ForeignPoisson ForeignPattern = "poisson"
	// ForeignBurst asks for a quarter of a minute's requests in a row, four
	// times a minute on average and at random.
	ForeignBurst ForeignPattern = "burst"
	// ForeignTopOfMinute asks from the full minute on, 10 times a second (or
	// faster if a minute would not do), as jobs by the clock do.
	ForeignTopOfMinute ForeignPattern = "top_of_minute"
)

// Foreign is another client of the same company.
type Foreign struct {
	// PerMinute is how much it asks for on average, from 0 (there is none) to
	// 6000.
	PerMinute int            `json:"per_minute"`
	Pattern   ForeignPattern `json:"pattern,omitempty"`
	// Retries says that it repeats what was refused, after the time that
	// Retry-After named and 10 a second, with up to 1,000 requests waiting.
	Retries bool `json:"retries,omitempty"`
}

func (f Foreign) check() error {
	known := []ForeignPattern{ForeignEven, ForeignPoisson, ForeignBurst, ForeignTopOfMinute}
	if f.Pattern != "" && !slices.Contains(known, f.Pattern) {
		return fmt.Errorf("foreign pattern %q is not known; allowed: %v", f.Pattern, known)
	}
	if f.PerMinute < 0 || f.PerMinute > 6000 {
		return fmt.Errorf("foreign client with %d requests a minute: must be from 0 to 6000", f.PerMinute)
	}
	return nil
}

const (
	foreignWaits = 1000
	foreignStep  = int64(100 * time.Millisecond)
	never        = math.MaxInt64
)

// foreignClient makes the requests of a Foreign when time has come to them.
type foreignClient struct {
	f       Foreign
	random  *rand.Rand
	next    int64 // when it asks next; never if it does not
	origin  int64 // what even and top_of_minute count from
	n       int64 // requests since origin
	burst   int   // how many of a burst are left
	start   int64 // of the burst
	waiting int   // refused requests that will be repeated
	resume  int64 // when the first of them will be
}

func (c *foreignClient) begin(now int64, f Foreign) {
	*c = foreignClient{f: f, random: c.random, origin: now, next: now, start: now}
	switch {
	case f.PerMinute == 0:
		c.next = never
	case f.Pattern == ForeignTopOfMinute:
		c.origin = (now/minute + 1) * minute
		c.next = c.origin
	case f.Pattern == ForeignPoisson || f.Pattern == ForeignBurst:
		c.schedule()
	default:
		c.origin += c.random.Int64N(minute / int64(f.PerMinute))
		c.next = c.origin
	}
}

// spend makes the requests up to now.
func (c *foreignClient) spend(l *Limit, now int64) {
	for {
		at, repeated := c.next, false
		if c.waiting > 0 && c.resume <= at {
			at, repeated = c.resume, true
		}
		if at > now {
			return
		}
		if !repeated {
			c.schedule()
			if c.waiting > 0 {
				c.waiting = min(c.waiting+1, foreignWaits) // behind the others
				continue
			}
		}
		wait := l.take(at)
		if wait == 0 {
			l.counts.ForeignTaken++
			if repeated {
				c.waiting--
				c.resume = at + foreignStep
			}
			continue
		}
		l.counts.ForeignRefused++
		if c.f.Retries {
			c.waiting = max(c.waiting, 1)
			whole := int64(time.Second)
			c.resume = at + (wait+whole-1)/whole*whole
		}
	}
}

// schedule sets the time of the request after the one at c.next.
func (c *foreignClient) schedule() {
	rate := int64(c.f.PerMinute)
	c.n++
	switch c.f.Pattern {
	case ForeignPoisson:
		c.next += c.gap(1)
	case ForeignBurst:
		size := max(1, c.f.PerMinute/4)
		if c.burst > 0 {
			c.burst--
			c.next += foreignStep / 2
			return
		}
		c.burst = size - 1
		c.start += c.gap(size)
		c.next = max(c.next, c.start)
	case ForeignTopOfMinute:
		c.next = c.origin + c.n/rate*minute + c.n%rate*min(foreignStep, minute/rate)
	default:
		c.next = c.origin + c.n/rate*minute + c.n%rate*minute/rate
	}
}

// gap is a random time between things that come every n requests on average.
func (c *foreignClient) gap(n int) int64 {
	return int64(c.random.ExpFloat64() * float64(n) * float64(minute) / float64(c.f.PerMinute))
}
