package sparkplug

import "time"

// The bounds of asking for births.
const (
	// askPause spreads the requests of one connection: ten in a second.
	askPause = 100 * time.Millisecond
	// longestAsk bounds the growing pause between requests that nobody answers.
	longestAsk = time.Hour
)

// asking is what is known of the requests to one Edge Node. It outlasts
// connections, so that a bad network does not add to a node's load.
type asking struct {
	last       time.Time // zero if there was none
	unanswered int       // since the last birth certificate, or the first message after a silence
}

// due is when the next request may go out: not before every has passed, and
// later each time if no birth certificate comes.
func (a asking) due(every time.Duration) time.Time {
	if a.last.IsZero() {
		return a.last
	}
	pause := every
	for i := 1; i < a.unanswered && pause < longestAsk; i++ {
		pause *= 2
	}
	return a.last.Add(max(every, min(pause, longestAsk)))
}

func (a *asking) asked(now time.Time) {
	a.last = now
	a.unanswered++
}
