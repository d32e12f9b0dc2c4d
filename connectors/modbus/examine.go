package modbus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// trips is the number of requests that Examine measures with at least,
	// unitTrips those with each unit, and plannedTrips with at most: each
	// request of the plan once.
	trips        = 20
	unitTrips    = 5
	plannedTrips = 200
)

// Examine implements connectors.Surveyor: it asks for what the plan of the tags
// asks for, and nothing else, and measures.
func (s *Survey) Examine(ctx context.Context, tags []connectors.Tag) ([]connectors.Fact, error) {
	plan, err := Plan(s.cfg, tags)
	if err != nil {
		return nil, err
	}
	facts := s.target.facts()
	err = s.with(ctx, func(a *asker) error {
		m, err := measure(ctx, a, plan)
		if err != nil {
			return err
		}
		facts = append(facts, m.facts(a)...)
		facts = append(facts, scanFacts(plan, func(r Request) time.Duration { return m.each(r.Unit) + s.cfg.Pause })...)
		if len(plan) > 0 && !s.target.serial() && !s.cfg.Release {
			facts = append(facts, connectors.Fact{Name: "connections", Value: s.second(ctx, a, plan[0])})
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return facts, nil
}

// facts says how the device is reached.
func (t target) facts() []connectors.Fact {
	framing := []string{"Modbus TCP", "RTU", "ASCII"}[t.framing]
	if !t.serial() {
		if t.framing != framingTCP {
			framing += " over TCP"
		}
		return []connectors.Fact{{Name: "framing", Value: framing}}
	}
	return []connectors.Fact{
		{Name: "framing", Value: framing},
		{Name: "line", Value: fmt.Sprintf("%d baud, %d data bits, parity %c, stop bits %d; %v between frames", t.baud, t.data, t.parity, t.stop, t.silence().Round(time.Microsecond))},
	}
}

// measured is what the requests of a plan have shown.
type measured struct {
	// trips are the round trips of the units' answered requests, refused the
	// requests without data.
	trips   map[uint8][]time.Duration
	refused []string
	// registers and bits are the sizes of the largest requests that were
	// answered.
	registers, bits int
}

// turn is one request that is measured; first says that it is not repeated.
type turn struct {
	Request
	first bool
}

// turns are the requests that are measured: those of the plan, the units taking
// turns, and some again of units that have few.
func turns(plan []Request) []turn {
	var units []uint8
	lists := map[uint8][]Request{}
	longest := 0
	for _, r := range plan {
		if lists[r.Unit] == nil {
			units = append(units, r.Unit)
		}
		lists[r.Unit] = append(lists[r.Unit], r)
		longest = max(longest, len(lists[r.Unit]))
	}
	var all []turn
	if len(units) == 0 {
		return nil
	}
	least := max(unitTrips, trips/len(units))
	for i := 0; i < max(longest, least); i++ {
		for _, u := range units {
			if list := lists[u]; len(all) < plannedTrips && i < max(len(list), least) {
				all = append(all, turn{list[i%len(list)], i < len(list)})
			}
		}
	}
	return all
}

// measure sends the requests of a plan, some more than once if they are few.
func measure(ctx context.Context, a *asker, plan []Request) (measured, error) {
	m := measured{trips: map[uint8][]time.Duration{}}
	for _, r := range turns(plan) {
		if a.absent(r.Unit) {
			continue
		}
		got, err := a.ask(ctx, r.Unit, r.Area, r.Offset, r.Count)
		if err != nil {
			return m, err
		}
		switch {
		case got.verdict == answered && r.Area.bits():
			m.bits = max(m.bits, r.Count)
		case got.verdict == answered:
			m.registers = max(m.registers, r.Count)
		case r.first:
			m.refused = append(m.refused, fmt.Sprintf("%d/%s:%d (%d): %s", r.Unit, r.Area, r.Offset, r.Count, got.reason))
		}
		if got.verdict == answered {
			m.trips[r.Unit] = append(m.trips[r.Unit], a.trip)
		}
	}
	if len(plan) == 0 {
		return m, nil
	}
	return m, a.answers(plan[0].Unit)
}

// median is the middle of some round trips; 0 if there are none.
func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// tripText says what some round trips were.
func tripText(times []time.Duration) string {
	return fmt.Sprintf("%v least, %v median, %v most, of %d requests", short(slices.Min(times)), short(median(times)), short(slices.Max(times)), len(times))
}

// facts says what was measured, in all and for each of several units.
func (m measured) facts(a *asker) []connectors.Fact {
	var facts []connectors.Fact
	add := func(name, value string) { facts = append(facts, connectors.Fact{Name: name, Value: value}) }
	if every := m.all(); len(every) > 0 {
		add("round trip", tripText(every))
	}
	for _, unit := range slices.Sorted(maps.Keys(a.units)) {
		switch name := fmt.Sprintf("round trip of unit %d", unit); {
		case len(a.units) == 1:
		case len(m.trips[unit]) > 0:
			add(name, tripText(m.trips[unit]))
		case a.absent(unit):
			add(name, fmt.Sprintf("none: %s, %d requests", a.units[unit].reason, a.units[unit].silences))
		}
	}
	if m.registers > 0 {
		add("largest request answered", fmt.Sprintf("%d registers", m.registers))
	}
	if m.bits > 0 {
		add("largest request answered", fmt.Sprintf("%d bits", m.bits))
	}
	if a.silences > 0 {
		add("without an answer", fmt.Sprintf("%d of %d requests", a.silences, a.requests))
	}
	if n := len(m.refused); n > 0 {
		const some = 5
		text := strings.Join(m.refused[:min(some, n)], "; ")
		if n > some {
			text += fmt.Sprintf("; and %d more", n-some)
		}
		add("requests without data", text)
	}
	return facts
}

// all are the round trips of all units.
func (m measured) all() []time.Duration {
	return slices.Concat(slices.Collect(maps.Values(m.trips))...)
}

// each is what a request to a unit takes, as far as it was measured: else what
// it takes at the others.
func (m measured) each(unit uint8) time.Duration {
	if own := median(m.trips[unit]); own > 0 {
		return own
	}
	return median(m.all())
}

// short rounds a time to what a person reads.
func short(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// scanFacts holds what each period costs against the period. each is what a
// request takes.
func scanFacts(plan []Request, each func(Request) time.Duration) []connectors.Fact {
	type cost struct {
		requests, registers, bits int
		time                      time.Duration
	}
	costs := map[time.Duration]cost{}
	var periods []time.Duration
	perSecond, load := 0.0, 0.0
	for _, r := range plan {
		c, known := costs[r.Every]
		if !known {
			periods = append(periods, r.Every)
		}
		c.requests++
		c.time += each(r)
		if r.Area.bits() {
			c.bits += r.Count
		} else {
			c.registers += r.Count
		}
		costs[r.Every] = c
		perSecond += 1 / r.Every.Seconds()
		load += each(r).Seconds() / r.Every.Seconds()
	}
	var facts []connectors.Fact
	for _, every := range periods {
		c := costs[every]
		text := fmt.Sprintf("%d requests, %d registers and %d bits, about %v of %v", c.requests, c.registers, c.bits, short(c.time), every)
		facts = append(facts, connectors.Fact{Name: "scan every " + every.String(), Value: text})
	}
	facts = append(facts, connectors.Fact{Name: "requests per second", Value: fmt.Sprintf("%.1f", perSecond)})
	if load > 0 {
		text := fmt.Sprintf("%.0f %% of the time", 100*load)
		if load > 1 {
			text += ": the device can not keep these periods; read less often, fewer data, or raise gap and max_read"
		}
		facts = append(facts, connectors.Fact{Name: "load", Value: text})
	}
	return facts
}

// second tries one more connection beside the first, and what becomes of that.
func (s *Survey) second(ctx context.Context, first *asker, r Request) string {
	const one = "; the device serves one client at a time: close other programs, or set release so that they take turns"
	w, err := s.cfg.open(ctx, s.target, false)
	if err != nil {
		return "a second one is refused" + one
	}
	defer w.close()
	got, err := (&asker{caller: w.caller}).ask(ctx, r.Unit, r.Area, r.Offset, r.Count)
	if err != nil {
		return "a second one is closed at once" + one
	}
	again, err := first.ask(ctx, r.Unit, r.Area, r.Offset, r.Count)
	switch {
	case err != nil:
		return "a second one ends the first" + one
	case again.lost:
		return "a second one silences the first" + one
	case got.lost:
		return "a second one is not answered" + one
	}
	return "two at a time work"
}
