package reconcile

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// window is the time in which something happened.
type window struct{ first, last time.Time }

// near says that t is in the window, or off it by no more than a margin.
func (w window) near(t time.Time, margin time.Duration) bool {
	return !t.Before(w.first.Add(-margin)) && !t.After(w.last.Add(margin))
}

// distance is how far t is off the window, 0 inside.
func (w window) distance(t time.Time) time.Duration {
	return max(w.first.Sub(t), t.Sub(w.last), 0)
}

// outcome is what became of a post.
type outcome uint8

const (
	notApplied outcome = iota
	refused
	doubtful
	applied
)

func (p *Post) outcome() outcome {
	switch p.Verdict {
	case prodsmart.Accepted.String():
		return applied
	case prodsmart.Ambiguous.String():
		return doubtful
	case prodsmart.Refused.String():
		return refused
	}
	return notApplied
}

func (p *Post) window() window { return window{p.Time, p.Time.Add(max(p.Took, 0))} }

// edge reads the body of a stop or start; false if it is none.
func (p *Post) edge() (downtimeType string, running, ok bool) {
	if p.Service != prodsmart.StartStopService.String() {
		return "", false, false
	}
	var body struct {
		Type    string `json:"type"`
		Running *int   `json:"running"`
	}
	if json.Unmarshal([]byte(p.Body), &body) != nil || body.Running == nil {
		return "", false, false
	}
	return body.Type, *body.Running != 0, true
}

// amounts are the totals in the body of a counter post.
type amounts struct {
	Count *int64 `json:"count"`
	Waste []struct {
		Code     string `json:"code"`
		Quantity int64  `json:"quantity"`
	} `json:"waste"`
}

// counter reads the body of a counter post; false if it is none.
func (p *Post) counter() (amounts, bool) {
	var body amounts
	if p.Service != prodsmart.CounterService.String() || json.Unmarshal([]byte(p.Body), &body) != nil {
		return amounts{}, false
	}
	return body, body.Count != nil
}

// stop is a downtime as it was told.
type stop struct {
	kind string
	// begin is when its request was applied. Not known, it began before the
	// posts did. sure is false if no answer says that it was applied, begins is
	// the number of requests that may have been.
	begin       window
	known, sure bool
	begins      int
	// The same of the end; without ended it is held to be open.
	end                        window
	ended, sureEnd, refusedEnd bool
}

// stops are the downtimes that were told, oldest first.
func (in *Input) stops() []stop {
	var h history
	for i := range in.Posts {
		p := &in.Posts[i]
		kind, running, ok := p.edge()
		switch {
		case !ok || p.outcome() == notApplied:
		case running:
			h.start(p, kind)
		default:
			h.stop(p, kind)
		}
	}
	h.shut()
	// A downtime that is held to be open and of which no post speaks was told
	// before the posts begin, or its post did not get into the journal.
	spoken := slices.ContainsFunc(h.list, func(s stop) bool { return !s.ended || s.end.last.After(in.Told.At) })
	if in.Told.Type != "" && !spoken {
		h.list = append(h.list, stop{kind: in.Told.Type, sure: true})
	}
	return h.list
}

// history follows the stops and starts of a machine.
type history struct {
	list []stop
	now  *stop // the last one, while it may be open
}

// shut ends the present stop for good.
func (h *history) shut() {
	if h.now != nil {
		h.list = append(h.list, *h.now)
		h.now = nil
	}
}

func (h *history) stop(p *Post, kind string) {
	out, w := p.outcome(), p.window()
	if same := h.now != nil && h.now.kind == kind && !h.now.ended; same {
		if out == refused { // it is open there already
			h.now.sure = true
			return
		}
		h.now.begins++
		if !h.now.sure {
			h.now.begin.last, h.now.sure = w.last, out == applied
		}
		return
	}
	if out == refused {
		return
	}
	if h.now != nil && !h.now.ended { // another type takes its place
		h.now.end, h.now.ended = w, true
	}
	h.shut()
	h.now = &stop{kind: kind, begin: w, known: true, sure: out == applied, begins: 1}
}

func (h *history) start(p *Post, kind string) {
	out, w := p.outcome(), p.window()
	if h.now == nil {
		// Its begin is older than the posts, or did not get into the journal.
		if out == applied || out == doubtful && len(h.list) == 0 {
			h.now = &stop{kind: kind, sure: true, end: w, ended: true, sureEnd: out == applied}
		}
	} else {
		if !h.now.ended {
			h.now.end, h.now.ended = w, true
			h.now.refusedEnd = out == refused
		}
		if out == refused && !h.now.refusedEnd || out == applied {
			h.now.sureEnd = true // an earlier one had been applied, or this was
		}
		if out != refused {
			h.now.end.last, h.now.refusedEnd = w.last, false
		}
	}
	if out == applied {
		h.shut()
	}
}
