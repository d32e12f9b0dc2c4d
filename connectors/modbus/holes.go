package modbus

import (
	"fmt"
	"strings"
)

// dataRange are data of an area, by their offsets; end is behind the last one.
type dataRange struct {
	unit       uint8
	hasUnit    bool
	area       Area
	start, end int
}

// covers says that the range has a datum in common with start to end.
func (r dataRange) covers(start, end int) bool { return start < r.end && r.start < end }

// parseRange reads "holding:100-119", "3/input:7" or "holding", which are all
// data of an area. The number behind the dash is the last datum, in the same
// notation as the first.
func parseRange(text string, oneBased bool) (dataRange, error) {
	unit, rest, hasUnit := strings.Cut(text, "/")
	if !hasUnit {
		unit, rest = "", text
	} else {
		unit += "/"
	}
	if !strings.Contains(rest, ":") && !isManual(strings.SplitN(rest, "-", 2)[0]) {
		area, err := parseArea(rest)
		if err != nil {
			return dataRange{}, err
		}
		a, err := parseAddress(unit+area.String()+":0x1", oneBased)
		return dataRange{unit: a.unit, hasUnit: a.hasUnit, area: area, end: addressSpace}, err
	}
	first, last, isRange := strings.Cut(rest, "-")
	a, err := parseAddress(unit+first, oneBased)
	if err != nil {
		return dataRange{}, err
	}
	r := dataRange{unit: a.unit, hasUnit: a.hasUnit, area: a.area, start: int(a.offset), end: int(a.offset) + 1}
	if !isRange {
		return r, nil
	}
	if word, _, ok := strings.Cut(first, ":"); ok {
		last = word + ":" + last
	}
	b, err := parseAddress(unit+last, oneBased)
	if err != nil {
		return dataRange{}, err
	}
	if b.area != a.area || b.offset < a.offset {
		return dataRange{}, fmt.Errorf("%q ends before it begins, or in another area; write for instance holding:100-119", text)
	}
	r.end = int(b.offset) + 1
	return r, nil
}

// holes are the parsed Holes.
func (c Config) holes() ([]dataRange, error) {
	all := make([]dataRange, 0, len(c.Holes))
	for _, text := range c.Holes {
		r, err := parseRange(text, c.OneBased)
		if err != nil {
			return nil, fmt.Errorf("holes: %w", err)
		}
		if !r.hasUnit && c.Unit != nil {
			r.unit = *c.Unit
		}
		all = append(all, r)
	}
	return all, nil
}

// setWalls finds out where the holes that the configuration names forbid to read
// on. A hole without a unit is one of the configuration's unit.
func (s *stream) setWalls(holes []dataRange) {
	s.wall = make([]bool, len(s.spans))
	// reach is the end of the spans so far that touch no hole.
	reach := 0
	for i, sp := range s.spans {
		alone := false
		for _, h := range holes {
			if h.unit != s.unit || h.area != s.area {
				continue
			}
			s.wall[i] = s.wall[i] || i > 0 && reach < sp.start && h.covers(reach, sp.start)
			alone = alone || h.covers(sp.start, sp.end)
		}
		if !alone {
			reach = max(reach, sp.end)
			continue
		}
		s.wall[i] = true
		if i+1 < len(s.wall) {
			s.wall[i+1] = true
		}
	}
}
