package modbus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// browseRequests bounds a walk: some minutes on a slow line.
	browseRequests = 4000
	// browseReadings is the bound where Walk.Limit gives none.
	browseReadings = 10000
	// browseSilences bounds what a device that keeps silent about what it does
	// not know may cost.
	browseSilences = 16
	// exactUpTo is the size of a range in which every datum is found.
	exactUpTo = 256
	// samplesOf is the number of data that are tried in a refused request of a
	// larger range.
	samplesOf = 16
	// singly is the size up to which data that were refused together are asked
	// for one by one.
	singly = 8
	// The range of each area that is looked through if none is named.
	modestRegisters = 500
	modestBits      = 1000
)

// scan finds out which data of an area can be read, and reads them.
type scan struct {
	*asker
	at   spot
	most int
	// exact asks for every datum of what is refused; else samples are taken.
	exact bool
	// found gets every readable range and its data, in order.
	found func(start int, data []byte, count int) error
	// reason is why the last refused request was refused.
	reason string

	// The readable range that may go on: its start, data and count.
	start, count int
	data         []byte
}

// ranges scans from a datum to another, around the configuration's holes.
func (sc *scan) ranges(ctx context.Context, cfg Config, from, to int) error {
	holes, err := cfg.holes()
	if err != nil {
		return err
	}
	slices.SortFunc(holes, func(x, y dataRange) int { return x.start - y.start })
	for _, h := range holes {
		if h.unit != sc.at.unit || h.area != sc.at.area || !h.covers(from, to) {
			continue
		}
		if err := sc.span(ctx, from, h.start); err != nil {
			return sc.end(err)
		}
		from = max(from, h.end)
	}
	return sc.end(sc.span(ctx, from, to))
}

// end hands over what was found up to the end of a scan, be it early, unless
// whoever is told wants no more.
func (sc *scan) end(err error) error {
	var stopped *stopError
	if errors.As(err, &stopped) {
		return err
	}
	return errors.Join(sc.flush(), err)
}

// span scans in the largest requests, until the device says that it has no such
// area.
func (sc *scan) span(ctx context.Context, from, to int) error {
	for ; from < to && sc.reason != exceptionReason(exceptionFunction); from += sc.most {
		if err := sc.block(ctx, from, min(to, from+sc.most), sc.exact); err != nil {
			return err
		}
	}
	return nil
}

// block reads some data, and what can be read of them if not all can be. exact
// asks for every datum of what is refused; else some are tried first.
func (sc *scan) block(ctx context.Context, from, to int, exact bool) error {
	ok, err := sc.read(ctx, from, to)
	if ok || err != nil || to-from == 1 || sc.reason == exceptionReason(exceptionFunction) {
		return err
	}
	if !exact {
		if found, err := sc.sample(ctx, from, to); err != nil || !found {
			return err
		}
		exact = to-from <= exactUpTo
	}
	if exact && to-from <= singly {
		for at := from; at < to; at++ {
			if _, err := sc.read(ctx, at, at+1); err != nil {
				return err
			}
		}
		return nil
	}
	mid := (from + to) / 2
	if err := sc.block(ctx, from, mid, exact); err != nil {
		return err
	}
	return sc.block(ctx, mid, to, exact)
}

// sample says whether one of some data of a refused range can be read.
func (sc *scan) sample(ctx context.Context, from, to int) (bool, error) {
	step := max(1, (to-from)/samplesOf)
	for at := from; at < to; at += step {
		if a, err := sc.try(ctx, at, 1); err != nil || a.verdict == answered {
			return err == nil, err
		}
	}
	a, err := sc.try(ctx, to-1, 1)
	return err == nil && a.verdict == answered, err
}

// try sends one request, within the bounds of the scan.
func (sc *scan) try(ctx context.Context, start, count int) (answer, error) {
	if sc.requests >= browseRequests || sc.silences >= browseSilences {
		return answer{}, fmt.Errorf("%w: ended at %s:%d after %d requests, %d of them without an answer; name a smaller range", connectors.ErrMore, sc.at.area, start, sc.requests, sc.silences)
	}
	a, err := sc.ask(ctx, sc.at.unit, sc.at.area, start, count)
	if err != nil {
		return a, fmt.Errorf("%s:%d: %w", sc.at.area, start, err)
	}
	if a.verdict != answered {
		sc.reason = a.reason
	}
	if a.verdict == silent && !a.lost {
		// The gateway answers, for a unit that does not.
		sc.silences++
	}
	return a, nil
}

// read asks for a range; true if it came.
func (sc *scan) read(ctx context.Context, from, to int) (bool, error) {
	a, err := sc.try(ctx, from, to-from)
	if err != nil || a.verdict != answered {
		return false, err
	}
	if bits := sc.at.area.bits(); bits || sc.count > 0 && sc.start+sc.count != from {
		if err := sc.flush(); err != nil {
			return true, err
		}
	}
	if sc.count == 0 {
		sc.start = from
	}
	sc.count += to - from
	sc.data = append(sc.data, a.data...)
	return true, nil
}

// flush hands over the readable range that was found.
func (sc *scan) flush() error {
	if sc.count == 0 {
		return nil
	}
	err := sc.found(sc.start, sc.data, sc.count)
	sc.count, sc.data = 0, sc.data[:0]
	return err
}

// Browse implements connectors.Surveyor. Walk.Root is an area or a range, with a
// unit in front where it is not the configuration's: "holding", "3/input:0-99".
// An empty Root is the beginning of all four areas. Readings of depth 0 are
// ranges that can be read; below each are its data that are not zero. In a range
// of up to 256 data every one that can be read is found; in a larger one, where
// a request is refused some of its data are tried, and it is left out if none
// can be read.
func (s *Survey) Browse(ctx context.Context, walk connectors.Walk, found func(connectors.Reading) error) error {
	roots, err := s.roots(walk.Root)
	if err != nil {
		return err
	}
	limit := walk.Limit
	if limit <= 0 {
		limit = browseReadings
	}
	told := false
	tell := func(r connectors.Reading) error {
		told = true
		if limit == 0 {
			return connectors.ErrMore
		}
		limit--
		if err := found(r); err != nil {
			return &stopError{err}
		}
		return nil
	}
	return s.with(ctx, func(a *asker) error {
		var nothing error
		for _, r := range roots {
			at := spot{unit: r.unit, hasUnit: r.hasUnit, area: r.area}
			sc := &scan{asker: a, at: at, most: s.cfg.most(r.area), exact: r.end-r.start <= exactUpTo}
			sc.found = func(start int, data []byte, count int) error {
				return s.tellRange(at, start, data, count, walk.Depth, tell)
			}
			err := sc.ranges(ctx, s.cfg, r.start, r.end)
			if !absent(sc.reason) {
				nothing = fmt.Errorf("unit %d: nothing can be read (%s); try again when the device is ready, and check the unit number", r.unit, sc.reason)
			}
			if err != nil && (told || nothing == nil || !errors.Is(err, connectors.ErrMore)) {
				return err
			}
		}
		if !told {
			return nothing
		}
		return nil
	})
}

// absent says that a reason means that a device has no such data.
func absent(reason string) bool {
	switch reason {
	case "", exceptionReason(exceptionFunction), exceptionReason(exceptionAddress), exceptionReason(exceptionQuantity):
		return true
	}
	return false
}

// roots are the ranges that a walk begins with.
func (s *Survey) roots(root string) ([]dataRange, error) {
	if root != "" {
		r, err := parseRange(root, s.cfg.OneBased)
		if err != nil {
			return nil, fmt.Errorf("modbus: %w", err)
		}
		if !r.hasUnit {
			r.unit = *s.cfg.Unit
		}
		return []dataRange{r}, nil
	}
	var all []dataRange
	for _, area := range []Area{Holding, Input, Coil, Discrete} {
		end := modestRegisters
		if area.bits() {
			end = modestBits
		}
		all = append(all, dataRange{unit: *s.cfg.Unit, area: area, end: end})
	}
	return all, nil
}

// tellRange hands over a readable range and what in it is not zero.
func (s *Survey) tellRange(at spot, start int, data []byte, count, depth int, tell func(connectors.Reading) error) error {
	var below []int
	for i := range count {
		if at.area.bits() && data[i/8]>>(i%8)&1 == 1 || !at.area.bits() && (data[2*i] != 0 || data[2*i+1] != 0) {
			below = append(below, i)
		}
	}
	at.offset = start
	name := at.text(s.cfg.OneBased)
	if last := at; count > 1 {
		last.offset, last.hasUnit = start+count-1, false
		name += "-" + last.text(s.cfg.OneBased)[len(at.area.String())+1:]
	}
	r := connectors.Reading{Tag: connectors.Tag{Address: at.text(s.cfg.OneBased), Bit: connectors.NoBit}, Name: name, Type: at.area.kind() + "s",
		Children: len(below) > 0, Note: fmt.Sprintf("%d can be read, %d are not zero", count, len(below))}
	r.Sample.Reason = "a range has no value"
	if err := tell(r); err != nil || depth == 1 {
		return err
	}
	for _, i := range below {
		at.offset = start + i
		r := s.bitOrRegister(at, data, i)
		r.Depth = 1
		if err := tell(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Survey) bitOrRegister(at spot, data []byte, i int) connectors.Reading {
	if at.area.bits() {
		return s.bit(at, data, i)
	}
	return s.readings(at, data[2*i:2*i+2], false)[0]
}
