package uplink

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// settle brings a lane's times and its plan up to date after anything changed.
func (d *Desk) settle(now time.Time, l *lane) {
	if !l.known() {
		d.agenda.put(l, plan{})
		return
	}
	d.watchFloor(now, l)
	d.watchBacklog(now, l)
	d.chooseStop(now, l)
	flying := l.flight.seq != 0
	carries := flying && l.flight.kind == tellCounter
	if !carries {
		l.countSince = sinceWhen(now, l.countSince, l.untoldCount(d.settings))
	}
	if !carries && !(flying && l.flight.kind == tellParameters) {
		l.parameterSince = sinceWhen(now, l.parameterSince, len(l.sharedParameters(false)) > 0)
	}
	k, stop := l.transition()
	if k != l.edgeKind || stop.Episode != l.edgeEpisode {
		l.edgeKind, l.edgeEpisode, l.edgeSince = k, stop.Episode, l.wanted
	}
	l.edgeSince = sinceWhen(now, l.edgeSince, k != idle)
	var next plan
	if !flying {
		next = d.planFor(now, l)
	}
	d.agenda.put(l, next)
}

func sinceWhen(now, since time.Time, untold bool) time.Time {
	if !untold {
		return time.Time{}
	}
	if since.IsZero() {
		return now
	}
	return since
}

// watchFloor reports a count below what was told, which no post can repair.
func (d *Desk) watchFloor(now time.Time, l *lane) {
	below := !l.set.NoCounter && l.report.Count < l.floor()
	if below == l.below {
		return
	}
	l.below = below
	e := Event{Time: now, Machine: l.machine, Code: FellBack, Over: !below, Level: Alarm,
		Text: fmt.Sprintf("The count is %d but Prodsmart was told %d; nothing lower is ever sent, so the counter is held until the count is above it. Was an older store brought back?", l.report.Count, l.floor())}
	if !below {
		e.Level, e.Text = Notice, fmt.Sprintf("The count is %d, no longer below what Prodsmart was told.", l.report.Count)
	}
	d.event(e)
}

// chooseStop gives an episode up when no type is left to begin it with.
func (d *Desk) chooseStop(now time.Time, l *lane) {
	if k, stop := l.transition(); k != beginStop || l.flight.seq != 0 {
		return
	} else if _, lost := l.lostEdge(); lost {
		return
	} else if d.stopType(now, l, stop) == "" {
		l.givenUp = stop.Episode
		if l.missed == stop.Episode {
			return
		}
		l.missed = stop.Episode
		d.event(Event{Time: now, Machine: l.machine, Code: StopGivenUp, Level: Alarm, Stop: stop, From: stop.Since,
			Text: fmt.Sprintf("P13: Prodsmart takes no downtime type for the stop since %s (%q, default %q); it is not in Prodsmart. Assign the types to the machine there; it is tried again slowly while the stop lasts.", d.clock(stop.Since), stop.Type, l.set.DefaultType)})
	}
}

// stopType is the type to begin a downtime with: its own, else the default one,
// else none.
func (d *Desk) stopType(now time.Time, l *lane, stop prodsmart.Stop) string {
	for _, t := range [...]string{stop.Type, l.set.DefaultType} {
		if t != "" && !l.types[t].holds(now) {
			return t
		}
	}
	return ""
}

// planFor is the next thing that the lane has to say. Parameters go alone only
// if no counter post carries them within a period of their own tick.
func (d *Desk) planFor(now time.Time, l *lane) plan {
	if k, stop := l.transition(); k != idle {
		p := plan{kind: k, class: edge, since: l.edgeSince, target: l.target}
		p.at = later(l.hold, l.deniedUntil(prodsmart.StartStopService))
		if k == beginStop && d.counterBefore(now, l, stop) {
			p.kind, p.at = tellCounter, later(l.hold, l.deniedUntil(prodsmart.CounterService))
		}
		return p
	}
	count, parameters := d.counterPlan(now, l), d.parametersPlan(l)
	deadline := parameters.at.Add(l.period)
	if l.extras.holds(now) {
		// They can not ride along, so they take turns.
		deadline, parameters.target = parameters.at, l.period
	}
	next := parameters
	if count.kind != idle && (parameters.kind == idle || !count.at.After(deadline)) {
		next = count
	}
	if again := l.againPlan(); again.kind != idle && (next.kind == idle || again.at.Before(next.at)) {
		return again
	}
	return next
}

// againPlan tries a stop again that every type was refused for, as soon as the
// pause of one of them is over.
func (l *lane) againPlan() plan {
	if !l.gaveUp() || l.record.Told.Stop.Episode != 0 {
		return plan{}
	}
	var at time.Time
	for i, t := range [...]string{l.report.Stop.Type, l.set.DefaultType} {
		if until := l.types[t].until; t != "" && (i == 0 || at.IsZero() || until.Before(at)) {
			at = later(until, l.wanted)
		}
	}
	if at.IsZero() {
		return plan{}
	}
	at = later(at, later(l.hold, l.deniedUntil(prodsmart.StartStopService)))
	return plan{kind: beginStop, class: regular, at: at, since: at, target: l.target}
}

// counterBefore says whether the counter has to go before the stop. A parked or
// denied counter, and one whose answer was lost twice, does not keep the stop back.
func (d *Desk) counterBefore(now time.Time, l *lane, stop prodsmart.Stop) bool {
	if _, lost := l.lostEdge(); lost || l.held || l.parked.holds(now) || l.denied[prodsmart.CounterService].wait.holds(now) || !l.untoldCount(d.settings) {
		return false
	}
	return l.edgeOf != stop.Episode || l.edgeCounts < 2
}

func (d *Desk) counterPlan(now time.Time, l *lane) plan {
	if !l.untoldCount(d.settings) || l.heldByStop() || l.held {
		return plan{}
	}
	p := plan{kind: tellCounter, class: regular, at: l.hold, since: l.countSince, target: l.target}
	if l.flush {
		p.class = after
	}
	doubt, told := l.record.Doubt, l.record.Told
	switch {
	case l.again:
	case l.parked.times > 0:
		p.class, p.at = regular, later(l.hold, l.parked.until)
	case doubt.Open && l.report.Count == doubt.Highest:
		p.at = later(l.hold, doubt.At.Add(doubled(d.settings.EqualWait, doubt.Equal, d.settings.RefusedMax)))
	case l.flush:
	case d.boundary(now, l):
		p.class = after
	case !told.Counted && !doubt.Open && d.settings.FirstZero == PostZero:
	default:
		p.at = later(l.hold, l.tick(l.countSince, l.countTick))
	}
	p.at = later(p.at, l.deniedUntil(prodsmart.CounterService))
	return p
}

func (d *Desk) parametersPlan(l *lane) plan {
	since := l.parameterSince
	if len(l.sharedParameters(true)) == 0 {
		if _, since = l.refusedParameter(); since.IsZero() {
			return plan{}
		}
	}
	hold := later(l.hold, l.deniedUntil(prodsmart.ParametersService))
	return plan{
		kind: tellParameters, class: regular, since: since,
		at:     later(hold, l.tick(since, l.parameterTick)),
		target: parameterPatience * l.target,
	}
}
