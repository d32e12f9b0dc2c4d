package modbus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// trips is the number of requests that Examine measures with at least, and
	// plannedTrips with at most: each request of the plan once.
	trips        = 20
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
		facts = append(facts, m.facts...)
		facts = append(facts, scanFacts(plan, m.median+s.cfg.Pause)...)
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
	median time.Duration
	facts  []connectors.Fact
}

// measure sends the requests of a plan, some more than once if they are few.
func measure(ctx context.Context, a *asker, plan []Request) (measured, error) {
	var m measured
	var times []time.Duration
	var refused []string
	largest := map[bool]int{}
	n := 0
	if len(plan) > 0 {
		n = min(max(trips, len(plan)), plannedTrips)
	}
	for i := range n {
		r := plan[i%len(plan)]
		got, err := a.ask(ctx, r.Unit, r.Area, r.Offset, r.Count)
		if err != nil {
			return m, err
		}
		switch {
		case got.verdict == answered:
			times = append(times, a.trip)
			largest[r.Area.bits()] = max(largest[r.Area.bits()], r.Count)
		case i < len(plan):
			refused = append(refused, fmt.Sprintf("%d/%s:%d (%d): %s", r.Unit, r.Area, r.Offset, r.Count, got.reason))
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		m.median = times[len(times)/2]
		m.facts = append(m.facts, connectors.Fact{Name: "round trip", Value: fmt.Sprintf("%v least, %v median, %v most, of %d requests",
			short(times[0]), short(m.median), short(times[len(times)-1]), len(times))})
	}
	for _, bits := range []bool{false, true} {
		if largest[bits] > 0 {
			what := map[bool]string{false: "registers", true: "bits"}[bits]
			m.facts = append(m.facts, connectors.Fact{Name: "largest request answered", Value: fmt.Sprintf("%d %s", largest[bits], what)})
		}
	}
	if a.silences > 0 {
		m.facts = append(m.facts, connectors.Fact{Name: "without an answer", Value: fmt.Sprintf("%d of %d requests", a.silences, a.requests)})
	}
	if len(refused) > 0 {
		const some = 5
		text := strings.Join(refused[:min(some, len(refused))], "; ")
		if len(refused) > some {
			text += fmt.Sprintf("; and %d more", len(refused)-some)
		}
		m.facts = append(m.facts, connectors.Fact{Name: "requests without data", Value: text})
	}
	return m, nil
}

// short rounds a time to what a person reads.
func short(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// scanFacts holds what each period costs against the period.
func scanFacts(plan []Request, each time.Duration) []connectors.Fact {
	type cost struct {
		requests, registers, bits int
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
		if r.Area.bits() {
			c.bits += r.Count
		} else {
			c.registers += r.Count
		}
		costs[r.Every] = c
		perSecond += 1 / r.Every.Seconds()
		load += each.Seconds() / r.Every.Seconds()
	}
	var facts []connectors.Fact
	for _, every := range periods {
		c := costs[every]
		text := fmt.Sprintf("%d requests, %d registers and %d bits, about %v of %v", c.requests, c.registers, c.bits, short(time.Duration(c.requests)*each), every)
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
