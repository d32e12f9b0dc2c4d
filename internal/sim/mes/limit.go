package mes

import "time"

// limiter counts a company's requests. It also keeps, apart from the rule that
// it applies, the largest number of requests seen in any 60 s.
type limiter struct {
	counted []time.Time // requests that count, within the window
	fixed   time.Time   // beginning of the fixed window
	all     []time.Time // every request of the last 60 s
	most    int
}

// request says whether a request at now is within the limit, and if not, how
// long to wait.
func (l *limiter) request(now time.Time, o Options) (bool, time.Duration) {
	l.all = append(since(l.all, now.Add(-time.Minute)), now)
	l.most = max(l.most, len(l.all))
	if o.Limit < 0 {
		return true, 0
	}
	if o.Window == WindowFixed {
		begin := now.Truncate(time.Minute)
		if !begin.Equal(l.fixed) {
			l.fixed, l.counted = begin, nil
		}
	} else {
		l.counted = since(l.counted, now.Add(-time.Minute))
	}
	if len(l.counted) < o.Limit {
		l.counted = append(l.counted, now)
		return true, 0
	}
	if o.RefusedCalls == RefusedCallsCounted {
		l.counted = append(l.counted, now)
	}
	if o.Window == WindowFixed {
		return false, l.fixed.Add(time.Minute).Sub(now)
	}
	return false, l.counted[len(l.counted)-o.Limit].Add(time.Minute).Sub(now)
}

// since drops the times up to and including t; times are ascending.
func since(times []time.Time, t time.Time) []time.Time {
	i := 0
	for i < len(times) && !times[i].After(t) {
		i++
	}
	return times[i:]
}
