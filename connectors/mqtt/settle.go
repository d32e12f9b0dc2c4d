package mqtt

import (
	"sync/atomic"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// How long a resumed session is listened to before what it says of states is
// believed: until no message has come for settleQuiet while the broker waits
// for no acknowledgement, but not longer than settleLongest.
const (
	settleQuiet   = 250 * time.Millisecond
	settleLongest = 3 * time.Second
)

// settling holds back what a resumed session says of states until the messages
// that waited at the broker are through. Those that count for themselves go on
// at once; of any other tag only the last sample is told, because the ones
// before it were never true while the gateway listened.
type settling struct {
	end     time.Time
	samples []connectors.Sample
	last    map[int]int // of samples, by tag
	// open is the number of messages whose commit the broker waits for.
	open atomic.Int64
	// waited says that open was not 0 at the last look: the silence of the
	// broker begins after the commit only.
	waited bool
}

func newSettling(now time.Time) *settling {
	return &settling{end: now.Add(settleLongest), last: map[int]int{}}
}

// hold takes away what is to wait, and gives what is not. The given slice is
// used for that.
func (h *settling) hold(tags []connectors.Tag, o outcome) []connectors.Sample {
	pass := o.samples[:0]
	for _, s := range o.samples {
		if o.counted && tags[s.Tag].EachMessage {
			delete(h.last, s.Tag)
			pass = append(pass, s)
			continue
		}
		h.last[s.Tag] = len(h.samples)
		h.samples = append(h.samples, s)
	}
	if len(h.samples) > 2*len(h.last)+maxIdle {
		h.compact()
	}
	return pass
}

// compact drops the samples that later ones have replaced.
func (h *settling) compact() {
	rest := h.samples[:0]
	for i, s := range h.samples {
		if n, ok := h.last[s.Tag]; ok && n == i {
			h.last[s.Tag] = len(rest)
			rest = append(rest, s)
		}
	}
	h.samples = rest
}

// settle ends the holding if its time has come, and tells what was held.
func (d *delivery) settle(now time.Time) {
	h := d.held
	if h == nil {
		return
	}
	waiting := h.open.Load() > 0
	if (waiting || h.waited) && now.Before(h.end) {
		h.waited = waiting
		d.quiet.Reset(settleQuiet)
		return
	}
	d.held = nil
	h.compact()
	if len(h.samples) > 0 {
		d.hand(connectors.Batch{Time: now, Samples: h.samples})
	}
}
