package modbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// near is how many data on each side of a tag Around reads.
const near = 64

// Survey asks a Modbus device what an engineer wants to know before he maps it.
// It reads only, with the function codes 1 to 4, one request at a time, and
// keeps the configured pauses. Its methods may be called from several
// goroutines; each connects by itself.
type Survey struct {
	cfg    Config
	target target
}

var _ connectors.Surveyor = (*Survey)(nil)

// NewSurvey makes a survey of a configuration, whose missing numbers get their
// defaults. It does not touch the network.
func NewSurvey(cfg Config) (*Survey, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	t, err := cfg.target()
	if err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	return &Survey{cfg: cfg.Defaults(), target: t}, nil
}

// asker sends the requests of one survey and counts them.
type asker struct {
	*caller
	pause    time.Duration
	spoke    time.Time
	requests int
	// silences counts the requests without an answer, heard those with one.
	silences, heard int
	trip            time.Duration
	units           map[uint8]*hearing
}

// hearing is what became of the requests to one unit: the number of those without
// an answer, why the last of them had none, and whether one had an answer.
type hearing struct {
	silences int
	reason   string
	heard    bool
}

// absentAfter is the number of requests that a unit leaves unanswered before it
// is taken for absent, if it has never answered any.
const absentAfter = 2

// absent says that a unit is not worth another request.
func (a *asker) absent(unit uint8) bool {
	u := a.units[unit]
	return u != nil && !u.heard && u.silences >= absentAfter
}

// reason is why a unit that is absent did not answer; else the one given.
func (a *asker) reason(unit uint8, reason string) string {
	if a.absent(unit) {
		return a.units[unit].reason
	}
	return reason
}

// note remembers what became of a request to a unit.
func (a *asker) note(unit uint8, got answer) {
	if a.units == nil {
		a.units = map[uint8]*hearing{}
	}
	u := a.units[unit]
	if u == nil {
		u = &hearing{}
		a.units[unit] = u
	}
	if got.verdict == silent {
		u.silences++
		u.reason = got.reason
		return
	}
	u.heard = u.heard || !got.lost
}

// ask sends one request. The error is not nil if the connection is of no more
// use, or if nothing has ever answered.
func (a *asker) ask(ctx context.Context, unit uint8, area Area, start, count int) (answer, error) {
	if err := rest(ctx, a.pause-time.Since(a.spoke)); err != nil {
		return answer{}, err
	}
	a.requests++
	began := time.Now()
	data, err := a.fetch(unit, area, uint16(start), uint16(count))
	a.spoke = time.Now()
	a.trip = a.took(began, a.spoke)
	var link *linkError
	if errors.As(err, &link) {
		return answer{}, err
	}
	got, alive := judge(data, err, area, count)
	got.lost = !alive
	a.note(unit, got)
	switch {
	case alive:
		a.heard++
	case a.silences+1 >= muteAfter && a.heard == 0:
		a.silences++
		return answer{}, a.nothing(unit)
	default:
		a.silences++
	}
	return got, nil
}

// answers is an error if requests were sent, one of them to a unit, and none was
// answered.
func (a *asker) answers(unit uint8) error {
	if a.heard > 0 || a.silences == 0 {
		return nil
	}
	return a.nothing(unit)
}

// nothing says that no request was answered, of which the last was to a unit.
func (a *asker) nothing(unit uint8) error {
	return fmt.Errorf("unit %d: nothing answers (%d requests in a row, the last: %s); check that the device is on, its unit number, and on a serial line baud rate, parity and wires", unit, a.silences, a.units[unit].reason)
}

// with connects, does something and leaves nothing open.
func (s *Survey) with(ctx context.Context, do func(*asker) error) error {
	w, err := s.cfg.open(ctx, s.target, true)
	if err == nil {
		err = do(&asker{caller: w.caller, pause: s.cfg.Pause})
		w.close()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, connectors.ErrMore):
		return err
	}
	var stopped *stopError
	if errors.As(err, &stopped) {
		return stopped.err
	}
	return fmt.Errorf("modbus %s: %w%s", s.cfg.Address, err, advice(err))
}

// stopError carries an error of whoever is told, past those of the device.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// spot is where a tag is.
type spot struct {
	unit    uint8
	hasUnit bool
	area    Area
	offset  int
}

func (s *Survey) spot(a address) spot {
	at := spot{unit: *s.cfg.Unit, hasUnit: a.hasUnit, area: a.area, offset: int(a.offset)}
	if a.hasUnit {
		at.unit = a.unit
	}
	return at
}

// Around implements connectors.Surveyor: what 64 data before and behind the tag
// could be. Data that the device refuses are left out, and holes of the
// configuration are not touched.
func (s *Survey) Around(ctx context.Context, tag connectors.Tag) ([]connectors.Reading, error) {
	where, f, err := compile(tag, s.cfg.OneBased, s.cfg.MaxRead)
	if err != nil {
		return nil, fmt.Errorf("modbus: tag %s: %w", tag.Address, err)
	}
	at := s.spot(where)
	var all []connectors.Reading
	var last string
	err = s.with(ctx, func(a *asker) error {
		sc := &scan{asker: a, at: at, most: s.cfg.most(at.area), exact: true, found: func(start int, data []byte, count int) error {
			all = append(all, s.around(at, start, data, count)...)
			return nil
		}}
		from, to := max(0, at.offset-near), min(addressSpace, at.offset+f.registers+near)
		err := sc.ranges(ctx, s.cfg, from, to)
		last = sc.reason
		if errors.Is(err, connectors.ErrMore) && len(all) > 0 {
			return nil
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("modbus %s: tag %s: nothing near it can be read (%s); check unit, area and number, or browse the area", s.cfg.Address, tag.Address, last)
	}
	return all, err
}

// around gives the readings at every offset of a readable range.
func (s *Survey) around(at spot, start int, data []byte, count int) []connectors.Reading {
	var all []connectors.Reading
	for i := range count {
		at.offset = start + i
		if at.area.bits() {
			all = append(all, s.bit(at, data, i))
			continue
		}
		all = append(all, s.readings(at, data[2*i:min(len(data), 2*i+8)], false)...)
	}
	return all
}
