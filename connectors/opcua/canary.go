package opcua

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// canaries is the number of items that are read beside the subscription.
	canaries = 5
	// suspectAtLeast is the shortest time for which a value that was read may
	// differ from the one that was told.
	suspectAtLeast = 2 * time.Second
	// accusedMost is the number of sessions that one node may end. A server may
	// hold back small changes of a node by a deadband of its own, for ever.
	accusedMost = 2
	// canaryBytes is the largest value, as it travels, that is read again and
	// again.
	canaryBytes = 1024
)

// errMoved says that node ids of before mean other nodes now.
var errMoved = errors.New("the server's namespaces are in another order than before, as after a program download; every address is looked for again")

// canary is an item whose value is read now and then, to find a subscription
// that is alive and tells nothing.
type canary struct {
	item int
	told []byte    // the last value told, as it travels; nil if there is none to compare
	off  time.Time // since when what is read differs, and nothing was told
}

// check is what the pulse has read.
type check struct {
	at     time.Time
	values []*ua.DataValue // of the canaries, in their order; nil if not read
	err    error
}

// choose picks some items to be canaries, spread over all. Items whose every
// message counts are not read: their last value may be told again. Nor are those
// that have ended sessions before, nor arrays of which elements are wanted.
// Structures are taken only for want of simple values.
func (s *session) choose() {
	var simple, structures []int
	for i := range s.items {
		it := &s.items[i]
		if it.tags == nil || it.each || it.state == itemRefused || s.c.accused[it.node] >= accusedMost {
			continue
		}
		switch path := s.c.readings[it.tags[0]].path; {
		case len(path) == 0:
			simple = append(simple, i)
		case path[0].name != "":
			structures = append(structures, i)
		}
	}
	for _, able := range [][]int{simple, structures} {
		free := min(canaries-len(s.canaries), len(able))
		for k := range free {
			s.canaries = append(s.canaries, canary{item: able[k*len(able)/free]})
		}
	}
}

// told notes what the subscription says of an item.
func (w *watcher) told(it *monitored, dv *ua.DataValue) {
	for k := range w.canaries {
		if c := &w.canaries[k]; &w.items[c.item] == it {
			c.told, c.off = travelling(dv), time.Time{}
		}
	}
}

// travelling is a good value as it travels; nil for every other.
func travelling(dv *ua.DataValue) []byte {
	if dv == nil || dv.Value == nil || dv.Status&severity != 0 {
		return nil
	}
	raw, err := dv.Value.Encode()
	if err != nil {
		return nil
	}
	return raw
}

// compare holds what was read against what was told. A value may differ for as
// long as sampling and publishing take; beyond that, with nothing told about the
// item meanwhile, the subscription is dead though it answers.
func (w *watcher) compare(got check) error {
	for k := range w.canaries {
		c := &w.canaries[k]
		read := travelling(got.values[k])
		it := &w.items[c.item]
		if c.told == nil || read == nil || it.state != itemLive || bytes.Equal(read, c.told) {
			c.off = time.Time{}
			continue
		}
		if c.off.IsZero() {
			c.off = got.at
			continue
		}
		if patience := max(2*w.interval, 2*it.sampling, suspectAtLeast); got.at.Sub(c.off) >= patience {
			return w.c.accuse(it.node, got.at.Sub(c.off))
		}
	}
	return nil
}

// accuse counts that a node has ended a session, because it has had another
// value than was told for so long, and is the reason. It is called by Run only.
func (c *Connector) accuse(node address, off time.Duration) error {
	c.accused[node]++
	err := fmt.Errorf("the subscription is dead: it answers, but %s has had another value for %s and it does not tell it; a new one is needed", node, off.Round(time.Millisecond))
	if c.accused[node] < accusedMost {
		return err
	}
	return fmt.Errorf("%w; this was so %d times with this node, so it is compared no more: the server may hold back its small changes, see whether a deadband is set for it there", err, c.accused[node])
}

// pulse reads the server's clock and the canaries now and then. It sends its
// last error and ends. Nodes and namespaces are those of its beginning, because
// the session's own belong to another goroutine; nodes are the pulse's to change.
func (s *session) pulse(ctx context.Context, nodes []*ua.ReadValueID, known []string, checks chan<- check) {
	tick := time.NewTicker(min(s.c.pulseEvery, s.timeout/3))
	defer tick.Stop()
	missed := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		got := s.look(ctx, nodes, known)
		if got.err == nil {
			missed = 0
			dropLarge(nodes, got.values)
		} else if missed++; missed < pulsesMissed && !errors.Is(got.err, errMoved) {
			continue
		}
		select {
		case checks <- got:
		case <-ctx.Done():
			return
		}
		if got.err != nil {
			return
		}
	}
}

// look is one beat of the pulse.
func (s *session) look(ctx context.Context, nodes []*ua.ReadValueID, known []string) check {
	namespaces, err := s.checkServer(ctx)
	if err != nil {
		return check{err: err}
	}
	if moved(known, namespaces) {
		return check{err: errMoved}
	}
	got := check{at: time.Now(), values: make([]*ua.DataValue, len(nodes))}
	var ask []*ua.ReadValueID
	for _, n := range nodes {
		if n != nil {
			ask = append(ask, n)
		}
	}
	if len(ask) == 0 {
		return got
	}
	values, err := s.readOnce(ctx, ask, ua.TimestampsToReturnNeither)
	if err != nil {
		return check{err: err}
	}
	for k, n := range nodes {
		if n != nil {
			got.values[k], values = values[0], values[1:]
		}
	}
	return got
}

// dropLarge takes nodes out that are too large to be read again and again.
func dropLarge(nodes []*ua.ReadValueID, values []*ua.DataValue) {
	for k, v := range values {
		if len(travelling(v)) > canaryBytes {
			nodes[k] = nil
		}
	}
}

// moved says that an index may mean another namespace than before. One more, at
// the end, moves no other; a server that does not tell is believed to have the
// old ones.
func moved(before, now []string) bool {
	return len(before) > 0 && len(now) > 0 && !slices.Equal(before, now[:min(len(before), len(now))])
}

// canaryNodes are the canaries as they are read.
func (s *session) canaryNodes() []*ua.ReadValueID {
	out := make([]*ua.ReadValueID, len(s.canaries))
	for k, c := range s.canaries {
		node, _ := s.nodeOf(s.items[c.item].node)
		out[k] = attribute(node, ua.AttributeIDValue)
	}
	return out
}

// tellRevised says whether the server samples or publishes slower than wished.
func (s *session) tellRevised() {
	var found []string
	if slower(s.c.cfg.Publishing, s.interval) {
		found = append(found, fmt.Sprintf("publishes each %s at best, not each %s", s.interval, s.c.cfg.Publishing))
	}
	slow, accepted, example := 0, 0, ""
	for i := range s.items {
		it := &s.items[i]
		if it.state == itemRefused || it.tags == nil {
			continue
		}
		if accepted++; it.every > 0 && slower(it.every, it.sampling) {
			if slow++; example == "" {
				example = fmt.Sprintf("%s each %s, not each %s", it.node, it.sampling, it.every)
			}
		}
	}
	if slow > 0 {
		found = append(found, fmt.Sprintf("samples %d of %d nodes slower than wished, for instance %s", slow, accepted, example))
	}
	if found == nil {
		s.c.notes.clear(connectors.TooSlow, "")
		return
	}
	s.c.notes.set(connectors.TooSlow, "", "the server "+strings.Join(found, ", and ")+"; ask for less often")
}

// slower says that a period is longer than wished by more than a server's
// rounding.
func slower(wished, got time.Duration) bool { return got > wished+wished/2 }
