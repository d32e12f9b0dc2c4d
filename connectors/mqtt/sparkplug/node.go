package sparkplug

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// reorderWithin is how long a message that is ahead of its turn waits for those
// before it. The specification leaves the time to the host.
const reorderWithin = 2 * time.Second

// followWithin is how long the births of an Edge Node's devices may take after
// its own before a device is said to be away.
const followWithin = 10 * time.Second

// The bounds of what may wait.
const (
	maxEarly      = 64
	maxEarlyBytes = 1 << 20
)

// node is an Edge Node with the devices that tags name. Its messages are
// numbered together.
type node struct {
	place   place
	own     *source // the node itself; it may have no tags
	devices map[string]*source
	order   []*source // own and devices, as the configuration has them

	heard bool // anything since the connection began
	death id   // bdSeq of the last birth certificate, by which its death is known
	birth birthmark
	// Devices introduce themselves after their node; follow is when those that
	// have not done so are taken to be away, zero before a birth and after that.
	follow time.Time
	alone  bool // that time is over

	counted bool   // next is known
	next    uint8  // the sequence number that is expected
	last    uint64 // the node's own time of the newest message
	stray   int    // messages in a row that were taken for old ones
	early   []early
	waiting time.Time // when those in early are no longer kept waiting; zero if none

	why     string // a birth certificate is needed for; empty if nothing happened
	garbled string // why the newest message could not be read; empty if it could
	ask     asking
}

// id is a bdSeq: the number that a birth and its death have in common.
type id struct {
	given  bool
	number connectors.Value
}

// birthmark recognises a birth certificate that is delivered again.
type birthmark struct {
	sent uint64
	seq  uint8
}

// early is a message that came before its turn.
type early struct {
	seq     uint8
	kind    kind
	device  string
	payload []byte
}

func newNode(at place) *node {
	own := newSource(at)
	return &node{place: at, own: own, devices: map[string]*source{}, order: []*source{own}}
}

// source gives the node itself or one of its devices; nil if no tag names it.
func (n *node) source(device string) *source {
	if device == "" {
		return n.own
	}
	return n.devices[device]
}

// begin forgets what an earlier connection said.
func (n *node) begin(out *teller) {
	n.heard, n.death, n.birth = false, id{}, birthmark{}
	n.follow, n.alone = time.Time{}, false
	n.recount(nil)
	n.why, n.garbled = "", ""
	n.ask.unanswered = 0
	for _, s := range n.order {
		s.fall(waiting, unborn, out)
	}
}

// recount begins to count the sequence with a message; with none the next one
// that comes is taken as it is.
func (n *node) recount(p *Payload) {
	n.early, n.waiting, n.stray, n.last = nil, time.Time{}, 0, 0
	n.counted = false
	if p != nil && p.HasSeq {
		n.counted, n.next, n.last = true, p.Seq+1, p.Time
	}
}

// message takes a message of the node or of any of its devices. raw is what p
// was decoded of.
func (n *node) message(k kind, device string, p *Payload, raw []byte, now time.Time, out *teller) {
	n.hear()
	switch k {
	case nodeBirth:
		n.born(p, now, out)
		return
	case nodeDeath:
		n.died(p, out)
		return
	}
	if n.own.standing == dead {
		n.ask.unanswered = 0
		n.wish("it sends messages after its death certificate, and its birth certificate was not seen")
		for _, s := range n.order {
			s.fall(waiting, unborn, out)
		}
	}
	switch n.turn(p) {
	case inTurn:
		n.take(k, device, p, out)
		n.drain(out)
	case old:
	case ahead:
		if len(n.early) == 0 {
			n.waiting = now.Add(reorderWithin)
		}
		n.early = append(n.early, early{p.Seq, k, device, bytes.Clone(raw)})
		if size := n.earlyBytes(); len(n.early) >= maxEarly || size > maxEarlyBytes {
			n.giveUp(out)
		}
	}
}

// hear notes a sign of life. The first one of a connection says that requests
// can reach the node; later ones, of a node that goes on without an answer, do
// not make it be asked more often.
func (n *node) hear() {
	if !n.heard {
		n.ask.unanswered = 0
	}
	n.heard, n.garbled = true, ""
}

// tick does what is due.
func (n *node) tick(now time.Time, out *teller) {
	if !n.waiting.IsZero() && !now.Before(n.waiting) {
		n.giveUp(out)
	}
	if !n.follow.IsZero() && !now.Before(n.follow) {
		n.follow, n.alone = time.Time{}, true
	}
}

func (n *node) earlyBytes() int {
	size := 0
	for _, e := range n.early {
		size += len(e.payload)
	}
	return size
}

// turn is the place of a message in the sequence.
type turn uint8

const (
	inTurn turn = iota
	ahead
	old
)

// maxStray is how many messages in a row may be taken for old ones. A node whose
// clock was set back would else not be heard for a long time.
const maxStray = 3

// turn judges a sequence number, which goes from 0 to 255 and over again. A
// number behind the expected one belongs to a message that was seen, or given
// up, before, if the node's own time does not say otherwise.
func (n *node) turn(p *Payload) turn {
	switch distance := p.Seq - n.next; {
	case !p.HasSeq || !n.counted || distance == 0:
		n.stray = 0
		return inTurn
	case distance >= 128 && p.Time <= n.last && n.stray < maxStray:
		n.stray++
		return old
	case slices.ContainsFunc(n.early, func(e early) bool { return e.seq == p.Seq }):
		return old
	}
	return ahead
}

// take gives a message that is in turn to whom it concerns.
func (n *node) take(k kind, device string, p *Payload, out *teller) {
	if p.HasSeq {
		n.counted, n.next = true, p.Seq+1
		n.last = max(n.last, p.Time)
	}
	s := n.source(device)
	if s == nil {
		return
	}
	switch k {
	case deviceBirth:
		s.birth(p, out)
		if n.understood() {
			n.why = ""
		}
	case deviceDeath:
		s.fall(dead, deviceOffline, out)
	case nodeData, deviceData:
		if s.standing == waiting || s.standing == dead {
			n.wish("it sends data, and its birth certificate was not seen")
		}
		s.data(p, out)
	}
}

// drain takes what has waited for its turn and is now in it.
func (n *node) drain(out *teller) {
	for len(n.early) > 0 {
		at := slices.IndexFunc(n.early, func(e early) bool { return e.seq == n.next })
		if at < 0 {
			return
		}
		e := n.early[at]
		n.early = slices.Delete(n.early, at, at+1)
		n.resume(e, out)
	}
	n.waiting = time.Time{}
}

func (n *node) resume(e early, out *teller) {
	var p Payload
	if err := Decode(e.payload, &p); err == nil { // it was decoded once
		n.take(e.kind, e.device, &p, out)
	}
}

// giveUp ends waiting for messages that are missing: nothing is certain any more
// until the next birth certificate. Those that came are taken in their order.
func (n *node) giveUp(out *teller) {
	list, first := n.early, n.next
	n.early, n.waiting = nil, time.Time{}
	slices.SortStableFunc(list, func(a, b early) int { return int(a.seq-first) - int(b.seq-first) })
	n.doubt(fmt.Sprintf("message %d of its sequence did not come, %d did instead", first, list[0].seq), out)
	for _, e := range list {
		n.resume(e, out)
	}
}

// doubt makes everything uncertain that the node had said, for a message is
// missing.
func (n *node) doubt(why string, out *teller) {
	for _, s := range n.order {
		if s.standing == alive || s.standing == doubtful {
			s.fall(doubtful, missing, out)
		}
	}
	n.wish(why)
}

// unreadable takes note of a payload that is none. If it was the node's own, its
// number is missing from the sequence and the next message shows it; if it was a
// stranger's, nothing is lost. A birth certificate ends what was known all the
// same, and another one is needed.
func (n *node) unreadable(k kind, device string, err error, out *teller) {
	n.hear()
	n.garbled = err.Error()
	switch k {
	case nodeBirth:
		n.wish("its birth certificate could not be read")
		for _, s := range n.order {
			s.fall(doubtful, unreadable, out)
		}
	case deviceBirth:
		if s := n.source(device); s != nil {
			n.wish("the birth certificate of its device " + device + " could not be read")
			s.fall(doubtful, unreadable, out)
		}
	}
}

// born takes the birth certificate of the node, which ends everything that was
// known of it: each of its devices follows with a certificate of its own.
func (n *node) born(p *Payload, now time.Time, out *teller) {
	mark := birthmark{p.Time, p.Seq}
	if p.Time != 0 && mark == n.birth && n.own.standing == alive {
		return // delivered again
	}
	n.birth, n.death = mark, deathOf(p)
	n.recount(p)
	n.why, n.ask.unanswered = "", 0
	n.follow, n.alone = now.Add(followWithin), false
	for _, s := range n.order[1:] {
		s.fall(waiting, unborn, out)
	}
	n.own.birth(p, out)
}

// died takes the death certificate of the node, which the broker sends in its
// stead. One with another number than the birth has is late news, as long as no
// later birth can have been missed.
func (n *node) died(p *Payload, out *teller) {
	if d := deathOf(p); n.own.standing == alive && d.given && n.death.given && d != n.death {
		return
	}
	n.recount(nil)
	n.why, n.birth = "", birthmark{}
	n.follow, n.alone = time.Time{}, false
	for _, s := range n.order {
		s.fall(dead, nodeOffline, out)
	}
}

// deathOf finds bdSeq among the metrics of a node's birth or death.
func deathOf(p *Payload) id {
	for i := range p.Metrics {
		if p.Metrics[i].Name == "bdSeq" {
			v, err := p.Metrics[i].Value(p.Metrics[i].Type)
			switch {
			case err != nil:
			case v.Kind() == connectors.KindInt && v.AsInt() >= 0:
				return id{true, connectors.Uint(uint64(v.AsInt()))}
			case v.Kind() == connectors.KindUint:
				return id{true, v}
			}
		}
	}
	return id{}
}

// wish notes what a birth certificate is needed for. The first reason stays.
func (n *node) wish(why string) {
	if n.why == "" {
		n.why = why
	}
}

// understood says that nothing would be learnt from a birth certificate: every
// source that has tags is alive, or has said that it is away.
func (n *node) understood() bool {
	for _, s := range n.order {
		if len(s.order) > 0 && (s.standing == waiting || s.standing == doubtful) {
			return false
		}
	}
	return true
}

// needsBirth says whether the node must introduce itself before all can be
// understood. A device that did not follow the birth of its node is away: asking
// again would not bring it.
func (n *node) needsBirth() bool {
	switch {
	case n.own.standing == dead || n.understood():
		return false
	case n.why != "":
		return true
	}
	return n.own.standing != alive
}
