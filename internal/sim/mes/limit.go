package mes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const minute = int64(time.Minute)

// LimitOptions say how a company's requests are limited.
type LimitOptions struct {
	// PerMinute is the number of requests in a minute; 0 means 120, a negative
	// number means no limit.
	PerMinute int
	// Window is sliding unless it says fixed or bucket; fixed windows are whole
	// minutes of the clock, a bucket holds PerMinute and is filled evenly.
	// Refused says whether refused requests count.
	Window  Window
	Refused RefusedCalls
	// Foreign is another client of the company; the zero value means none.
	Foreign Foreign
	// Seed of the foreign client's chance.
	Seed uint64
}

// Limit is the limit of one company, with a foreign client that spends from it
// too. It has no clock of its own: it goes on when it is asked. Its times must
// not go back; one that does counts as the latest. No call allocates memory,
// and one that is refused or taken costs the same whatever the limit is. It is
// not for concurrent use.
type Limit struct {
	o       LimitOptions
	base    time.Time // what times are counted from: a whole minute
	started bool
	now     int64
	// A sliding window needs no more than the newest PerMinute requests that
	// count: there is room if the oldest of them is a minute old.
	ring   []int64
	oldest int
	// A fixed window needs a number.
	window int64
	used   int
	// A bucket needs the time at which it will be full.
	full    int64
	counts  LimitCounts
	foreign foreignClient
}

// LimitCounts say who got how much.
type LimitCounts struct {
	Taken   uint64 `json:"taken"`
	Refused uint64 `json:"refused"`
	// ForeignTaken and ForeignRefused are requests of the foreign client, and
	// ForeignWaiting those that it has been refused and will repeat.
	ForeignTaken   uint64 `json:"foreign_taken"`
	ForeignRefused uint64 `json:"foreign_refused"`
	ForeignWaiting int    `json:"foreign_waiting"`
}

// NewLimit makes a limit that nothing has been taken from.
func NewLimit(o LimitOptions) (*Limit, error) {
	if o.PerMinute == 0 {
		o.PerMinute = 120
	}
	if !slices.Contains([]Window{"", WindowSliding, WindowFixed, WindowBucket}, o.Window) {
		return nil, fmt.Errorf("window %q is not known; allowed: %s, %s, %s", o.Window, WindowSliding, WindowFixed, WindowBucket)
	}
	if !slices.Contains([]RefusedCalls{"", RefusedCallsFree, RefusedCallsCounted}, o.Refused) {
		return nil, fmt.Errorf("refused calls %q are not known; allowed: %s, %s", o.Refused, RefusedCallsFree, RefusedCallsCounted)
	}
	if err := o.Foreign.check(); err != nil {
		return nil, err
	}
	l := &Limit{o: o, ring: make([]int64, max(0, o.PerMinute))}
	for i := range l.ring {
		l.ring[i] = math.MinInt64 / 2
	}
	l.foreign.random = rand.New(rand.NewPCG(o.Seed, 2))
	return l, nil
}

// Take asks for one request at now. If it is refused, retryAfter says when the
// next one would be taken, provided that nobody else asks meanwhile.
func (l *Limit) Take(now time.Time) (ok bool, retryAfter time.Duration) {
	at := l.advance(now)
	wait := l.take(at)
	if wait > 0 {
		l.counts.Refused++
		return false, time.Duration(wait)
	}
	l.counts.Taken++
	return true, 0
}

// Counts says who got how much up to now.
func (l *Limit) Counts(now time.Time) LimitCounts {
	l.advance(now)
	c := l.counts
	c.ForeignWaiting = l.foreign.waiting
	return c
}

// SetForeign puts another foreign client in place of the one there was.
func (l *Limit) SetForeign(now time.Time, f Foreign) error {
	if err := f.check(); err != nil {
		return err
	}
	l.foreign.begin(l.advance(now), f)
	return nil
}

// advance lets the foreign client ask for what it wanted up to now.
func (l *Limit) advance(now time.Time) int64 {
	if !l.started {
		l.started, l.base = true, now.Truncate(time.Minute)
		l.foreign.begin(int64(now.Sub(l.base)), l.o.Foreign)
	}
	l.now = max(l.now, int64(now.Sub(l.base)))
	l.foreign.spend(l, l.now)
	return l.now
}

// take asks for one request at a time, by whomever. It returns 0 if there was
// room, otherwise how long there will be none.
func (l *Limit) take(at int64) (wait int64) {
	if l.o.PerMinute < 0 {
		return 0
	}
	if l.o.Window == WindowFixed {
		if w := at / minute; w != l.window {
			l.window, l.used = w, 0
		}
		if l.used >= l.o.PerMinute {
			return (l.window+1)*minute - at
		}
		l.used++
		return 0
	}
	if l.o.Window == WindowBucket {
		return l.fromBucket(at)
	}
	refused := at-l.ring[l.oldest] < minute
	if !refused || l.o.Refused == RefusedCallsCounted {
		l.ring[l.oldest] = at
		if l.oldest++; l.oldest == len(l.ring) {
			l.oldest = 0
		}
	}
	if !refused {
		return 0
	}
	return l.ring[l.oldest] + minute - at
}

// fromBucket takes one request out of the bucket.
func (l *Limit) fromBucket(at int64) (wait int64) {
	each := minute / int64(l.o.PerMinute) // what fills in one request
	whole := each * int64(l.o.PerMinute)
	after := max(l.full, at) + each
	if after-at <= whole {
		l.full = after
		return 0
	}
	if l.o.Refused == RefusedCallsCounted {
		l.full = at + whole // there was less than one in it, and that is spent
	}
	return l.full + each - whole - at
}

// busiest keeps the largest number of requests in any 60 s.
type busiest struct {
	times []time.Time // of the last 60 s, ascending
	most  int
}

// add counts one request and returns how many there were in the last 60 s.
func (b *busiest) add(now time.Time) int {
	i := 0
	for i < len(b.times) && now.Sub(b.times[i]) >= time.Minute {
		i++
	}
	b.times = append(slices.Delete(b.times, 0, i), now)
	b.most = max(b.most, len(b.times))
	return len(b.times)
}
