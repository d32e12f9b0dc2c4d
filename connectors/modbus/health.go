package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// slowAfter is the number of rounds in a row that must come too late before
	// the device is called too slow.
	slowAfter = 3
	// exhaustedAfter is the number of connections in a row that must be closed
	// before anything was answered.
	exhaustedAfter = 2
)

// health is what is wrong with a device, for Conditions. The zero health is
// well. It may be used by several goroutines.
type health struct {
	mu     sync.Mutex
	silent map[uint8]string
	slow   map[time.Duration]string
	// rejected counts the connections that were closed without an answer; heard
	// says that the present one had one.
	rejected int
	heard    bool
}

// conditions is the list for connectors.Connector.
func (h *health) conditions() []connectors.Condition {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []connectors.Condition
	if h.rejected >= exhaustedAfter {
		all = append(all, connectors.Condition{Trouble: connectors.SessionsExhausted,
			Detail: fmt.Sprintf("the device accepts the connection and closes it before it answers, %d times in a row: most devices serve one to four clients at a time; close one of the others, or set release so that they take turns", h.rejected)})
	}
	for _, number := range slices.Sorted(maps.Keys(h.silent)) {
		all = append(all, connectors.Condition{Trouble: connectors.UnitSilent, Subject: fmt.Sprintf("unit %d", number),
			Detail: h.silent[number] + "; check its power, its wires, its unit number, and its baud rate and parity"})
	}
	for _, every := range slices.Sorted(maps.Keys(h.slow)) {
		all = append(all, connectors.Condition{Trouble: connectors.TooSlow, Subject: "every " + every.String(), Detail: h.slow[every]})
	}
	return all
}

// setUnit notes that a unit is silent, or without a reason that it is not.
func (h *health) setUnit(number uint8, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason == "" {
		delete(h.silent, number)
		return
	}
	if h.silent == nil {
		h.silent = map[uint8]string{}
	}
	h.silent[number] = reason
}

// setPace notes that a period can not be kept, or without a detail that it can.
func (h *health) setPace(every time.Duration, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if detail == "" {
		delete(h.slow, every)
		return
	}
	if h.slow == nil {
		h.slow = map[time.Duration]string{}
	}
	h.slow[every] = detail
}

// answered notes the first answer of a connection.
func (h *health) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejected, h.heard = 0, true
}

// down notes that there is no connection, so that nothing is known of units.
func (h *health) down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.silent)
	clear(h.slow)
}

// ended notes why a connection ended.
func (h *health) ended(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var link *linkError
	if !h.heard && errors.As(err, &link) && closedByPeer(err) {
		h.rejected++
		return
	}
	h.rejected, h.heard = 0, false
}

// closedByPeer says that the device ended the connection.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// report tells the conditions which units fell silent or answer again.
func (s *session) report() {
	for _, u := range s.units {
		if bad := s.up && u.failures > 0; bad != u.shown {
			u.shown = bad
			reason := ""
			if bad {
				reason = u.reason
			}
			s.health.setUnit(u.number, reason)
		}
	}
}

// pace sets when a round is read next, and finds out whether the device keeps
// up. Time that emit blocked is not the device's.
func (s *session) pace(r *round, next time.Time) {
	took := time.Since(r.next) - (s.blocked - r.blocked)
	r.next, r.blocked = next, s.blocked
	if took <= r.every {
		if r.late >= slowAfter {
			s.health.setPace(r.every, "")
		}
		r.late = 0
		return
	}
	r.late++
	if r.late >= slowAfter {
		requests := 0
		for _, p := range r.parts {
			for _, rd := range p.readers {
				requests += len(rd.plan)
			}
		}
		s.health.setPace(r.every, fmt.Sprintf("a round of %d requests ended %v after it was due, and the next is due after %v; read less often, or fewer data, or raise gap and max_read",
			requests, took.Round(time.Millisecond), r.every))
	}
}

// turn does one round, or again what failed in the last, over a connection of its
// own where the device is shared with others. Once the device has answered, some
// rounds without a connection are borne, since it may be another client's turn.
func (s *session) turn(ctx context.Context, r *round, early bool) error {
	defer s.report()
	do := s.poll
	if early {
		do = s.catchUp
	}
	if s.reopen == nil {
		return do(ctx, r)
	}
	w, err := s.reopen(ctx)
	borne := true
	if err == nil {
		s.caller = w.caller
		err = do(ctx, r)
		w.close()
		var link *linkError
		borne = errors.As(err, &link)
	}
	if err == nil {
		s.missed = 0
		return nil
	}
	s.missed++
	if ctx.Err() != nil || !borne || !s.up || s.missed >= muteAfter {
		return err
	}
	s.samples = s.samples[:0]
	for _, p := range r.parts {
		if early && p.owed.failures == 0 {
			continue // was read
		}
		if !early {
			s.badPart(p, reasonNoLink)
		}
		p.short = false
		p.owe()
		p.owed.next = time.Now().Add(max(unitPause, r.every/promptShare))
	}
	s.flush()
	return nil
}
