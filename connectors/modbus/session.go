package modbus

import (
	"context"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// muteAfter is the number of unanswered requests in a row after which the
	// device, not a unit, is taken for mute.
	muteAfter = 3
	// learning is the number of requests that one round may spend on finding
	// out what a device refuses. It is more than twice the depth of a search
	// through the largest request (2,000 bits), so that every round that has
	// to search finds at least one culprit.
	learning = 32
)

// unit is one unit of the device during one connection.
type unit struct {
	number uint8
	trouble
	// heard is the time of its last answer.
	heard time.Time
	// streak is the number of the last silence the unit took part in.
	streak int
	// sign is a request to ask whether the unit is there.
	sign   block
	signOf Area
	// first is one of its streams; shown says that its silence is known to
	// the connector's conditions.
	first *stream
	shown bool
}

// part is what a round reads of one unit.
type part struct {
	unit    *unit
	readers []*reader
	// owed says when what was not read is tried again, if the unit is well then;
	// short that the last read brought less than all.
	owed  trouble
	short bool
}

// round is everything that is read in one period.
type round struct {
	every time.Duration
	next  time.Time
	// early, if not zero, is when something that failed is tried before next.
	early time.Time
	parts []*part
	// late counts the times in a row that the round ended after the next was
	// due; blocked is session.blocked at its end.
	late    int
	blocked time.Duration
}

// session polls over one connection until that fails. It belongs to one
// goroutine.
type session struct {
	*caller
	// reopen, if not nil, connects for each round.
	reopen func(ctx context.Context) (*wire, error)
	// missed counts the rounds in a row without a connection.
	missed int
	// pause is kept between an answer, at spoke, and the next request.
	pause  time.Duration
	spoke  time.Time
	totals *totals
	health *health
	emit   func(connectors.Batch)
	// blocked is how long emit has blocked in all.
	blocked time.Duration

	units  []*unit
	rounds []*round
	work   []task
	// samples is the batch being made; last keeps texts by tag.
	samples []connectors.Sample
	last    []connectors.Value

	// up says that the device has answered on this connection.
	up bool
	// silence counts the requests without an answer since the last one with;
	// streak numbers such silences. reason is why the last one failed.
	silence, streak int
	reason          string
	// asked, heard and budget belong to the current round.
	asked, heard bool
	budget       int
	// patience is the time before which nothing that failed is tried again.
	patience time.Time
}

// newSession makes ready to poll the streams over a connection. What the streams
// learnt of the device's holes before is used, and added to.
func newSession(streams []*stream, tags int, c *caller, totals *totals, emit func(connectors.Batch)) *session {
	s := &session{
		caller: c,
		totals: totals,
		health: &health{},
		last:   make([]connectors.Value, tags),
		streak: 1,
	}
	s.emit = func(b connectors.Batch) {
		began := time.Now()
		emit(b)
		s.blocked += time.Since(began)
	}
	units := map[uint8]*unit{}
	for _, st := range streams {
		r := newReader(st)
		u := units[st.unit]
		if u == nil {
			u = &unit{number: st.unit, sign: r.part(0, 1), signOf: st.area, first: r.stream}
			units[st.unit] = u
			s.units = append(s.units, u)
		}
		s.add(r, u)
	}
	return s
}

// add puts a reader into its round. Streams come sorted by period, then unit.
func (s *session) add(r *reader, u *unit) {
	if n := len(s.rounds); n == 0 || s.rounds[n-1].every != r.every {
		s.rounds = append(s.rounds, &round{every: r.every})
	}
	to := s.rounds[len(s.rounds)-1]
	if n := len(to.parts); n == 0 || to.parts[n-1].unit != u {
		to.parts = append(to.parts, &part{unit: u})
	}
	p := to.parts[len(to.parts)-1]
	p.readers = append(p.readers, r)
}

// run polls until the connection fails or ctx ends. Every period has its own
// schedule from the start of the connection: a round that takes long shifts
// none of the later ones, and rounds that were missed are left out.
func (s *session) run(ctx context.Context) error {
	start := time.Now()
	for _, r := range s.rounds {
		r.next = start
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := s.rounds[0]
		for _, r := range s.rounds[1:] {
			if r.due().Before(due.due()) {
				due = r
			}
		}
		early := due.due() != due.next
		timer.Reset(time.Until(due.due()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if err := s.turn(ctx, due, early); err != nil {
			return err
		}
		if !early {
			periods := time.Since(start)/due.every + 1
			s.pace(due, start.Add(periods*due.every))
		}
		due.early = s.nextTry(due)
	}
}

// poll does one round: first all units that are well, in one batch, then at most
// one try with something that failed before. A unit that falls silent ends the
// batch, so that what was read before it waits no longer; and when silence has
// cost half of the period, units that were never heard of wait for the next
// round, so that those that are well keep their pace when many are switched off.
func (s *session) poll(ctx context.Context, r *round) error {
	s.samples = s.samples[:0]
	s.asked, s.heard, s.budget = false, false, learning
	var lost time.Duration
	for _, p := range r.parts {
		if p.unit.failures > 0 {
			s.badPart(p, p.unit.reason)
			p.owe()
			continue
		}
		if lost > r.every/2 && p.unit.heard.IsZero() {
			s.badPart(p, reasonWaiting)
			p.owe()
			continue
		}
		began := time.Now()
		if err := s.read(ctx, p, routine); err != nil {
			return err
		}
		if p.unit.failures > 0 {
			lost += time.Since(began)
			s.flush()
		}
		if s.silence >= muteAfter {
			if err := s.settle(ctx); err != nil {
				return err
			}
		}
	}
	if err := s.settleRound(ctx); err != nil {
		return err
	}
	s.flush()
	return s.retry(ctx, r)
}

// settleRound asks further if a round brought silence and nothing else.
func (s *session) settleRound(ctx context.Context) error {
	if s.asked && !s.heard && s.silence > 0 {
		return s.settle(ctx)
	}
	return nil
}

// settle finds out whether some units are silent or the whole device is, by
// asking on until an answer comes or enough requests stayed without one. On a
// fresh connection every unit gets its chance; later the unit that was heard
// last speaks for all.
func (s *session) settle(ctx context.Context) error {
	for s.silence > 0 {
		next := s.witness()
		if s.silence >= muteAfter && (next == nil || s.up && s.silence > muteAfter) {
			return s.mute()
		}
		if next == nil {
			next = s.units[0]
		}
		if next.heard.IsZero() {
			// The datum that was asked for may be what the device is silent
			// about: another one may prove that the unit is there.
			n := s.silence % len(next.first.spans)
			next.sign = next.first.part(n, n+1)
		}
		if _, err := s.ask(ctx, next, next.signOf, next.sign); err != nil {
			return err
		}
	}
	return nil
}

// witness is the unit heard last of those that were not asked in this silence;
// nil if there is none.
func (s *session) witness() *unit {
	var best *unit
	for _, u := range s.units {
		if u.streak == s.streak || s.up && u.heard.IsZero() {
			continue
		}
		if best == nil || u.heard.After(best.heard) {
			best = u
		}
	}
	return best
}

func (s *session) mute() error {
	err := fmt.Errorf("nothing answers (%d requests in a row, the last: %s); %s", s.silence, s.reason, s.muteAdvice())
	if n := s.transport.Dropped(); n > 0 {
		what := "came too late or were garbled"
		if s.numbered {
			what = "came too late or with a wrong transaction number"
		}
		err = fmt.Errorf("%w; %d answers %s", err, n, what)
	}
	return err
}

func (s *session) muteAdvice() string {
	switch {
	case s.reason == reasonGarbled:
		return "what comes are no answers: check baud rate, parity and stop bits, the termination of the line, and that only one program uses it"
	case !s.numbered:
		return "check that the device is on and has this unit number, baud rate and parity, that the wires A and B are not swapped, and that timeout is longer than the device takes"
	}
	return "check that the device is on and serves the units asked for, and that timeout is longer than a serial gateway's own"
}
