package connectortest

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// bad says whether a batch tells that the counter is not known.
func bad(b connectors.Batch) bool {
	if b.Link == connectors.LinkDown {
		return true
	}
	for _, s := range b.Samples {
		if s.Tag == Counter && s.Quality == connectors.Bad {
			return true
		}
	}
	return false
}

// good gives the last good value of the counter in a batch.
func good(b connectors.Batch) (string, bool) {
	for _, s := range slices.Backward(b.Samples) {
		if s.Tag == Counter && s.Quality == connectors.Good {
			return s.Value.Text(), true
		}
	}
	return "", false
}

// repeated says whether a batch has a value that is marked as sent before.
func repeated(b connectors.Batch) bool {
	return slices.ContainsFunc(b.Samples, func(s connectors.Sample) bool { return s.Tag == Counter && s.Redelivered })
}

// detected is when trouble was first reported after a time; zero if never.
func (p *play) detected(after time.Time) time.Time {
	for _, b := range p.Batches() {
		if bad(b) && !b.Time.Before(after) {
			return b.Time
		}
	}
	return time.Time{}
}

func (p *play) lostAfter(t time.Time) bool { return !p.detected(t).IsZero() }

// firstOf is when a value of the counter came for the first time.
func (p *play) firstOf(v uint64) time.Time {
	text := connectors.Uint(v).Text()
	for _, b := range p.Batches() {
		if got, ok := good(b); ok && got == text {
			return b.Time
		}
	}
	return time.Time{}
}

// quiet holds that nothing is said to be known while nothing can be.
func (p *play) quiet(since time.Time) error {
	found := p.detected(since)
	for _, b := range p.Batches() {
		if b.Time.Before(found) || b.Time.Equal(found) {
			continue
		}
		if b.Alive && !p.c.Partial { // it speaks only for what was good
			return fmt.Errorf("values were vouched for while the fault lasted")
		}
		if _, ok := good(b); ok {
			return fmt.Errorf("a value was good while the fault lasted")
		}
		if b.Link == connectors.LinkUp && !p.c.Partial {
			return fmt.Errorf("the link was said to be up while the fault lasted")
		}
	}
	return nil
}

// judge holds every value of the counter against what the peer held: it must
// have been true at some moment since the value before, and since the run before
// had ended, and an Alive must not speak for a value that is long replaced.
func (p *play) judge() error {
	known := map[string]int{}
	for i, h := range p.held {
		known[connectors.Uint(h.value).Text()] = i
	}
	var before, since time.Time // the value before; that, or the end of a run
	last, newest := "", -1
	for _, b := range p.Batches() {
		text, ok := good(b)
		i, was := known[text]
		switch {
		case ok && !was && before.IsZero():
			continue // what the peer held before the first change
		case ok && !was:
			return fmt.Errorf("the value %s was never the peer's", text)
		case ok && i < newest && repeated(b):
			continue // and it says so
		case ok && p.subject.Queues && i < newest:
			return fmt.Errorf("the value %s was reported after a newer one", text)
		case ok && !p.subject.Queues && p.replaced(i, since) > 0:
			return fmt.Errorf("the value %s was reported %v after it had been replaced", text, p.replaced(i, b.Time).Round(time.Millisecond))
		case ok:
			last, newest, before, since = text, i, b.Time, b.Time
		case bad(b):
			last = "" // Alive speaks for what is good
			if b.Link == connectors.LinkDown {
				since = b.Time // what comes next was read over another connection
			}
		case b.Alive && last != "" && p.replaced(newest, b.Time) > p.subject.Silent+p.slack():
			return fmt.Errorf("the value %s was vouched for %v after it had been replaced", last, p.replaced(newest, b.Time).Round(time.Millisecond))
		}
	}
	return nil
}

// replaced is for how long, at a time, a value had surely been replaced; not
// above 0 if it had not.
func (p *play) replaced(i int, at time.Time) time.Duration {
	if i+1 >= len(p.held) {
		return 0
	}
	return at.Sub(p.held[i+1].taken)
}
