package sparkplug

import (
	"fmt"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Host follows the Edge Nodes that tags name: it turns their messages into
// samples, and knows what it is missing. Every tag has a sample from Begin on.
//
// One goroutine calls Begin, Message and Tick; Conditions may be called at any
// time from any goroutine. The times come from the caller and never go back.
type Host struct {
	rebirth time.Duration // between two requests to a node; 0: none is allowed
	nodes   map[place]*node
	order   []*node

	mu      sync.Mutex
	out     *teller
	payload Payload
	wake    time.Time // when Tick is to be called; zero if not at all
	nextAsk time.Time
}

// Result is what follows from a call.
type Result struct {
	// Samples are valid until the next call. They are in the order of the
	// message.
	Samples []connectors.Sample
	// Known says that the message was of a node that a tag names.
	Known bool
	// Sent is the node's own time of the message; zero if it has none, or is
	// no news.
	Sent time.Time
	// Wake is when Tick is to be called; zero leaves what was said before.
	Wake time.Time
	// Ask is the Edge Node that is to be asked for its birth certificate,
	// GROUP/NODE; empty for none.
	Ask string
}

// NewHost makes a host for tags that CheckTag has let pass. rebirth is the
// shortest time between two requests to one Edge Node for its birth
// certificates; 0 means that none may be asked.
func NewHost(tags []connectors.Tag, rebirth time.Duration) (*Host, error) {
	h := &Host{rebirth: rebirth, nodes: map[place]*node{}, out: newTeller(tags)}
	for i, tag := range tags {
		if err := CheckTag(tag); err != nil {
			return nil, fmt.Errorf("tag %d: %w", i+1, err)
		}
		at, err := parsePlace(tag.Address)
		if err != nil {
			return nil, fmt.Errorf("tag %d: %w", i+1, err)
		}
		n := h.nodes[at.edge()]
		if n == nil {
			n = newNode(at.edge())
			h.nodes[at.edge()] = n
			h.order = append(h.order, n)
		}
		s := n.source(at.device)
		if s == nil {
			s = newSource(at)
			n.devices[at.device] = s
			n.order = append(n.order, s)
		}
		s.want(tag.Path, i)
	}
	return h, nil
}

// Filters are the subscriptions that bring all messages of the nodes, each with
// the tags that depend on it. No two overlap.
func (h *Host) Filters() map[string][]int {
	filters := map[string][]int{}
	for _, n := range h.order {
		var tags []int
		for _, s := range n.order {
			for _, m := range s.order {
				tags = append(tags, m.tags...)
			}
		}
		for _, f := range n.place.filters() {
			filters[f] = tags
		}
	}
	return filters
}

// Begin is called when a connection begins. What an earlier one said is no
// longer known: births may have been missed.
func (h *Host) Begin(now time.Time) Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.begin()
	h.out.forget()
	h.wake = time.Time{}
	for _, n := range h.order {
		n.begin(h.out)
	}
	return h.result(h.tick(now))
}

// Message takes a message. It keeps nothing of payload. A retained message is
// of unknown age, while a Sparkplug node never retains one, and says nothing.
func (h *Host) Message(topic string, payload []byte, retained bool, now time.Time) Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.begin()
	k, at, ok := parseTopic(topic)
	n := h.nodes[at.edge()]
	if !ok || n == nil {
		return Result{}
	}
	if retained || !k.follows(at.device != "") {
		return Result{Known: true}
	}
	r := Result{Known: true}
	if err := Decode(payload, &h.payload); err != nil {
		n.unreadable(k, at.device, err, h.out)
	} else {
		r.Sent = instant(h.payload.Time)
		if k == nodeDeath {
			r.Sent = time.Time{} // it was made when the node connected
		}
		n.message(k, at.device, &h.payload, payload, now, h.out)
	}
	r.Samples = h.out.samples
	if due := sooner(h.wake, h.due(n, now)); due != h.wake {
		h.wake, r.Wake = due, due
	}
	return r
}

// Tick is called when a Result.Wake has come.
func (h *Host) Tick(now time.Time) Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.begin()
	return h.result(h.tick(now))
}

func (h *Host) result(ask string) Result {
	return Result{Samples: h.out.samples, Wake: h.wake, Ask: ask}
}

// tick does what is due, at most one request of all, and finds when the next is.
func (h *Host) tick(now time.Time) (ask string) {
	h.wake = time.Time{}
	for _, n := range h.order {
		n.tick(now, h.out)
		if ask == "" && h.mayAsk(n) && !now.Before(n.ask.due(h.rebirth)) && !now.Before(h.nextAsk) {
			ask = n.place.String()
			n.ask.asked(now)
			h.nextAsk = now.Add(askPause)
		}
	}
	for _, n := range h.order {
		h.wake = sooner(h.wake, h.due(n, now))
	}
	return ask
}

func (h *Host) mayAsk(n *node) bool { return h.rebirth > 0 && n.needsBirth() }

// due is when something must be done about a node; zero if nothing.
func (h *Host) due(n *node, now time.Time) time.Time {
	at := sooner(n.waiting, n.follow)
	if !h.mayAsk(n) {
		return at
	}
	ask := n.ask.due(h.rebirth)
	for _, bound := range [...]time.Time{h.nextAsk, now} {
		if ask.Before(bound) {
			ask = bound
		}
	}
	return sooner(at, ask)
}

// sooner is the earlier of two times of which a zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// maxConditions bounds the list.
const maxConditions = 100

// Conditions gives what holds as far as the present connection told.
func (h *Host) Conditions() []connectors.Condition {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []connectors.Condition
	for _, n := range h.order {
		list = append(list, n.conditions(h.rebirth > 0)...)
		if len(list) >= maxConditions {
			return list[:maxConditions]
		}
	}
	return list
}

// conditions says what a person should know about a node.
func (n *node) conditions(mayAsk bool) []connectors.Condition {
	var list []connectors.Condition
	say := func(trouble connectors.Trouble, about place, detail string) {
		list = append(list, connectors.Condition{Trouble: trouble, Subject: about.String(), Detail: detail})
	}
	if n.garbled != "" {
		say(connectors.SourceIncomplete, n.place, "its newest message can not be read: "+n.garbled)
	}
	if n.own.standing == dead {
		say(connectors.SourceOffline, n.place, "its death certificate came: it has left the broker, or was lost to it; check the Edge Node and its network")
		return list
	}
	for _, s := range n.order[1:] {
		switch {
		case s.standing == dead:
			say(connectors.SourceOffline, s.place, "the Edge Node says that the device is away; check its power and network")
		case s.standing == waiting && n.alone && n.why == "":
			say(connectors.SourceOffline, s.place, "the Edge Node has introduced itself without this device; check that it is connected there, and how its name is spelt")
		}
	}
	if n.garbled != "" || !n.needsBirth() {
		return list
	}
	why := n.why
	switch {
	case !n.heard:
		why = "nothing was heard of it since the connection began; check how group and node are spelt, and that the Edge Node runs"
	case why == "":
		why = "its birth certificate was not seen since the connection began"
	}
	next := "; trigger Node Control/Rebirth at the Edge Node, or let the gateway ask for it by rebirth: true"
	if mayAsk {
		next = "; the gateway asks it for a rebirth"
	}
	say(connectors.SourceIncomplete, n.place, why+next)
	return list
}
