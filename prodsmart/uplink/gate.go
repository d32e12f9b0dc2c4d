package uplink

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// gate knows whether anything may be sent at all: whether Prodsmart is
// reachable, answers clearly, takes the credentials and has not asked for a
// pause. While it is shut by trouble, one request at a time tries the way.
type gate struct {
	why   Code      // the trouble; empty if there is none
	since time.Time // when trouble began
	until time.Time // in trouble, nothing leaves before
	pause time.Time // nothing leaves before, because of a 429
	fails int
	// probe is the number of the work that tries the way; 0 if none does.
	probe uint64
	// unclear counts unclear answers in a row, the whole service over.
	unclear int
	// limited says that Throttled was reported and not yet ended.
	limited bool
	// taken is when the newest request left that was accepted.
	taken time.Time
	// alone is the machine that was last turned away on its own, aloneRow the
	// number of different ones in a row.
	alone    string
	aloneRow int
}

// open says when the next request may leave; shut says that it has to wait for
// the answer of the one that is trying.
func (g *gate) open() (at time.Time, shut bool) {
	if g.why == "" {
		return g.pause, false
	}
	return later(g.until, g.pause), g.probe != 0
}

func (g *gate) sent(seq uint64) {
	if g.why != "" {
		g.probe = seq
	}
}

// accepted remembers that the way was free for a request sent at that time.
func (g *gate) accepted(sent time.Time) {
	g.taken = later(g.taken, sent)
	g.alone, g.aloneRow = "", 0
}

// dropped forgets a trying request that was never sent.
func (g *gate) dropped(seq uint64) {
	if g.probe == seq {
		g.probe = 0
	}
}

// saw takes an answer and says what is worth telling. recovered is true when
// trouble ended by it.
func (g *gate) saw(now time.Time, w Work, a prodsmart.Answer) (events []Event, recovered bool) {
	g.dropped(w.seq)
	switch a.Verdict {
	case prodsmart.Unsent:
		return g.failed(now, w, Unreachable, 0, fmt.Sprintf("Prodsmart can not be reached: %s. Counts go on and are told once it is reachable; check network, name resolution, proxy and firewall.", a.Text)), false
	case prodsmart.Unauthorized:
		return g.failed(now, w, Rejected, unauthorizedWait, fmt.Sprintf("Prodsmart does not accept the credentials (status %d): %s. Nothing is told until they are right; check the API key and secret.", a.Status, a.Text)), false
	case prodsmart.Ambiguous:
		g.unclear++
		if g.unclear >= unclearLimit || g.why != "" {
			return g.failed(now, w, Unclear, 0, fmt.Sprintf("%d requests in a row to Prodsmart had no clear answer, the last one: %s. Each is settled by itself once answers come again.", g.unclear, a.Text)), false
		}
		return nil, false
	case prodsmart.Limited:
		g.pause = later(g.pause, now.Add(a.RetryAfter))
	}
	g.unclear = 0
	if g.why != "" {
		events = append(events, Event{Time: now, Code: g.why, Over: true, Level: Notice,
			Text: fmt.Sprintf("Prodsmart answers again after %s.", now.Sub(g.since).Round(time.Second))})
		g.why, g.fails, recovered = "", 0, true
	}
	return events, recovered
}

// failed opens or prolongs trouble. Requests that were on their way when it
// began do not prolong it.
func (g *gate) failed(now time.Time, w Work, why Code, wait time.Duration, text string) []Event {
	if g.why != "" && w.sent.Before(g.since) {
		return nil
	}
	if wait == 0 {
		wait = doubled(time.Second, g.fails, longestBackoff)
	}
	g.fails++
	g.probe = 0
	g.until = later(g.until, now.Add(wait))
	if g.why == why {
		return nil
	}
	var events []Event
	if g.why != "" {
		events = append(events, Event{Time: now, Code: g.why, Over: true, Level: Info, Text: "It gave way to another trouble."})
	}
	if g.why == "" {
		g.since = now
	}
	g.why = why
	return append(events, Event{Time: now, Code: why, Level: Alarm, Text: text})
}
