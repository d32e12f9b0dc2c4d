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

// knowledge is what a stream has learnt of the device's holes.
type knowledge struct {
	// refused has an entry for each span; failures > 0 means that the span by
	// itself was refused.
	refused []trouble
	// cut[i] says that no request may contain both span i-1 and span i: each
	// can be read, but not both together with what lies between.
	cut []bool
	// most is the largest request known to be small enough, if a larger one was
	// refused as too large; else 0.
	most int
}

// reader is a stream during one connection.
type reader struct {
	*stream
	knowledge
	plan []block
	// left are the spans that the plan leaves out because they were refused.
	left []int
	// stale says that the knowledge is newer than the plan.
	stale bool
}

func newReader(s *stream) *reader {
	r := &reader{stream: s}
	r.forget()
	r.replan()
	return r
}

// forget drops what was learnt; the device has changed.
func (r *reader) forget() {
	r.refused = make([]trouble, len(r.spans))
	r.cut = make([]bool, len(r.spans))
	r.knowledge.most = 0
	r.stale = true
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
	r.plan = r.blocks(&r.knowledge)
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
