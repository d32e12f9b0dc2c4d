package modbus

import "time"

// How long something that failed is left alone: the first time, and at most; it
// doubles in between. A silent unit costs a timeout with each try, a refused
// address only a round trip; but a unit comes back whole and is waited for,
// while an address that is refused beside others that are not seldom appears.
const (
	unitPause      = time.Second
	unitPauseMost  = 8 * time.Second
	addressPause   = 5 * time.Second
	addressPauseTo = 30 * time.Second
	renewAfter     = 30 * time.Minute
	renewAfterMost = 24 * time.Hour
)

// trouble is what is remembered of something that failed. The zero trouble is
// none.
type trouble struct {
	failures int
	reason   string
	next     time.Time
}

// silent notes that a unit, or a unit about one request, gave no answer.
func (t *trouble) silent(now time.Time, reason string) {
	t.fail(now, reason, unitPause, unitPauseMost)
}

// refuse notes that the device refused a span.
func (t *trouble) refuse(now time.Time, reason string) {
	t.fail(now, reason, addressPause, addressPauseTo)
}

func (t *trouble) fail(now time.Time, reason string, pause, most time.Duration) {
	for i := 0; i < t.failures && pause < most; i++ {
		pause *= 2
	}
	t.failures++
	t.reason = reason
	t.next = now.Add(min(pause, most))
}

// resting says that there is trouble and that the next try is not due.
func (t *trouble) resting(now time.Time) bool { return t.failures > 0 && now.Before(t.next) }

// due says that there is trouble and that the next try is due.
func (t *trouble) due(now time.Time) bool { return t.failures > 0 && !now.Before(t.next) }

// knowledge is what a stream has learnt of the device's holes.
type knowledge struct {
	// refused has an entry for each span; failures > 0 means that the span by
	// itself was refused.
	refused []trouble
	// cut[i] says that no request may contain both span i-1 and span i: each
	// can be read, but not both together with what lies between. apart says
	// the same of requests that got no answer.
	cut, apart []bool
	// trial[i] says that apart[i] was doubted, and no answer has come since.
	trial []bool
	// renew is when the cuts are tried again, doubted when that was done last,
	// and doubts how often it was, only to be learnt again soon.
	renew, doubted time.Time
	doubts         int
	// most is the largest request known to be small enough, if a larger one was
	// refused as too large; else 0.
	most int
}

// reader is a stream during one connection. Its knowledge is the stream's and
// outlives it.
type reader struct {
	*stream
	*knowledge
	plan []block
	// left are the spans that the plan leaves out because they were refused.
	left []int
	// stale says that the knowledge is newer than the plan, returned that a
	// datum answers that had been silent, so that all is to be learnt anew.
	stale, returned bool
}

func newReader(s *stream) *reader {
	r := &reader{stream: s, stale: true}
	if s.learnt == nil {
		s.learnt = &knowledge{}
		r.knowledge = s.learnt
		r.forget()
	}
	r.knowledge = s.learnt
	r.replan()
	return r
}

// forget drops what was learnt; the device has changed.
func (r *reader) forget() {
	r.refused = make([]trouble, len(r.spans))
	r.cut = make([]bool, len(r.spans))
	r.apart = make([]bool, len(r.spans))
	r.trial = make([]bool, len(r.spans))
	r.knowledge.most = 0
	r.stale, r.returned = true, false
}

// doubt lets the device's map be asked for as if it were whole, now and then,
// since the map may have changed, or a silence have been an accident. A request
// that is refused again costs some requests of one round and no value. One that
// is silent again costs its values for one round, so nothing is put together
// beside what is silent, two requests at a time, and what was on trial is parted
// at once; and what is learnt anew each time is doubted half as often each time.
func (r *reader) doubt(now time.Time) {
	if r.renew.IsZero() || now.Before(r.renew) {
		return
	}
	r.renew, r.doubted = time.Time{}, now
	r.doubts++
	clear(r.cut)
	r.knowledge.most = 0
	r.stale = true
	well, parted := false, false
	for i := range r.plan {
		b := &r.plan[i]
		try := well && b.failures == 0 && r.apart[b.lo]
		if try {
			r.apart[b.lo], r.trial[b.lo] = false, true
		}
		parted = parted || r.apart[b.lo]
		well = b.failures == 0 && !try
	}
	if parted {
		r.renew = now.Add(r.patience())
	}
}

// passed notes that a request was answered: what was on trial in it belongs
// together, and the next trial need not wait long.
func (r *reader) passed(b *block, now time.Time) {
	if r.doubts == 0 {
		return // nothing is on trial
	}
	for i := b.lo + 1; i < b.hi; i++ {
		if r.trial[i] {
			r.trial[i] = false
			r.doubts, r.doubted = 1, now
			if !r.renew.IsZero() {
				r.renew = now.Add(renewAfter)
			}
		}
	}
}

// failed parts again what was on trial in a request; true if something was.
func (r *reader) failed(b *block, now time.Time) bool {
	was := false
	for i := b.lo + 1; i < b.hi; i++ {
		if r.trial[i] {
			r.trial[i], r.apart[i], was = false, true, true
		}
	}
	if was {
		r.doubtLater(now)
	}
	return was
}

// patience is how long what was learnt is believed.
func (r *reader) patience() time.Duration {
	wait := renewAfter
	for range r.doubts {
		if wait *= 2; wait >= renewAfterMost {
			return renewAfterMost
		}
	}
	return wait
}

// doubtLater notes that something was learnt that is to be doubted one day.
func (r *reader) doubtLater(now time.Time) {
	r.stale = true
	if !r.renew.IsZero() {
		return
	}
	if now.Sub(r.doubted) > r.patience() {
		r.doubts = 0
	}
	r.renew = now.Add(r.patience())
}

// silent notes that a request got no answer. If the unit answers others, the
// request is to blame: the second time it is halved, until what stays silent is
// a single span.
func (r *reader) silent(b *block, now time.Time, reason string, vouched bool) {
	b.silent(now, reason)
	if r.failed(b, now) {
		return
	}
	if vouched && b.failures >= 2 && b.hi-b.lo > 1 {
		r.apart[(b.lo+b.hi)/2] = true
		r.doubtLater(now)
	}
}

// lonely says that a request was separated from its neighbours because it got
// no answer.
func (r *reader) lonely(b *block) bool {
	return b.hi-b.lo == 1 && (r.apart[b.lo] || b.hi < len(r.apart) && r.apart[b.hi])
}

// replan makes the plan anew if there is new knowledge.
func (r *reader) replan() {
	if !r.stale {
		return
	}
	r.stale, r.left = false, r.left[:0]
	for i := range r.refused {
		if r.refused[i].failures > 0 {
			r.left = append(r.left, i)
		}
	}
	r.plan = r.blocks(r.knowledge)
}

// tooLarge notes that a request of one size was refused as too large and that a
// smaller one was not. The largest that was not counts, until it is refused too.
func (r *reader) tooLarge(size, allowed int) {
	if size <= r.knowledge.most {
		r.knowledge.most = allowed
		return
	}
	r.knowledge.most = max(r.knowledge.most, allowed)
}
