package uplink

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Done takes the answer to a work and returns the machine's record, to be
// saved. It is false if nobody waits for that answer any more.
func (d *Desk) Done(now time.Time, w Work, a prodsmart.Answer) (Record, bool) {
	return d.done(now, w, a, false)
}

// Cut is Done for a request that was given up because the gateway ends: it is
// treated as what it is, but says nothing of Prodsmart.
func (d *Desk) Cut(now time.Time, w Work, a prodsmart.Answer) (Record, bool) {
	return d.done(now, w, a, a.Verdict == prodsmart.Unsent || a.Verdict == prodsmart.Ambiguous)
}

func (d *Desk) done(now time.Time, w Work, a prodsmart.Answer, cut bool) (Record, bool) {
	l := d.flying(w)
	if l == nil {
		return Record{}, false
	}
	w = l.flight
	d.inFlight--
	l.flight = Work{}
	own, recovered := !cut && d.ownTrouble(l, a), false
	if own || cut {
		d.gate.dropped(w.seq)
	} else {
		var events []Event
		events, recovered = d.gate.saw(now, w, a)
		d.events = append(d.events, events...)
	}
	if a.Verdict == prodsmart.Limited {
		d.throttled(now, w, a)
	}
	switch a.Verdict {
	case prodsmart.Accepted:
		l.unclear, l.hold = 0, time.Time{}
		d.gate.accepted(w.sent)
		d.admitted(now, l, w)
		d.quicken(now)
		d.accepted(now, l, w, a)
	case prodsmart.Refused:
		l.unclear, l.hold = 0, time.Time{}
		d.admitted(now, l, w)
		d.refused(now, l, w, a)
	case prodsmart.Ambiguous:
		d.unclear(now, l, w, a)
	case prodsmart.Limited:
		d.takeBack(l, w)
		d.stillborn(now, l, w)
	default:
		if !cut {
			d.denied(now, l, w, a, own)
		}
		d.takeBack(l, w)
		d.stillborn(now, l, w)
	}
	if d.gate.why != "" {
		l.tries++
	}
	d.settle(now, l)
	if recovered {
		d.wakeAll(now)
	}
	return l.record, true
}

// throttled lowers the pace after a 429.
func (d *Desk) throttled(now time.Time, w Work, a prodsmart.Answer) {
	d.pace.slower(now, w.sent, a.RetryAfter)
	if d.gate.limited {
		return
	}
	d.gate.limited = true
	d.event(Event{Time: now, Code: Throttled, Level: Notice,
		Text: fmt.Sprintf("Prodsmart asked for a pause of %s (429): the company's requests are used up. %d requests a minute are spent from now on instead of %d, until more turn out to be free. See which other integrations spend from the same limit, or lower the budget.",
			a.RetryAfter, max(1, int(float64(d.settings.Budget)*d.pace.pace)), d.settings.Budget)})
}

// quicken recovers the pace after a 429.
func (d *Desk) quicken(now time.Time) {
	if d.pace.faster(now) && d.gate.limited {
		d.gate.limited = false
		d.event(Event{Time: now, Code: Throttled, Over: true, Level: Info, Text: "The full pace of requests is free again."})
	}
}

// wakeAll shortens long pauses of machines once the service is well again.
func (d *Desk) wakeAll(now time.Time) {
	latest := now.Add(d.settings.AmbiguousWait)
	for _, l := range d.lanes {
		l.unclear, l.tries = 0, 0
		woken := l.hold.After(latest)
		if woken {
			l.hold = latest
		}
		for i := range l.denied {
			if n := &l.denied[i]; !n.told && n.wait.until.After(latest) {
				n.wait.until, woken = latest, true
			}
		}
		if woken {
			d.settle(now, l)
		}
	}
}

// stillborn reports a stop that was not applied and is not wanted any more.
func (d *Desk) stillborn(now time.Time, l *lane, w Work) {
	if w.kind == beginStop && !w.unsure && w.Record.Telling.Stop.Episode != l.report.Stop.Episode {
		d.neverTold(now, l, w.Record.Telling.Stop)
	}
}

func (d *Desk) accepted(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	t := w.Record.Telling
	told := &l.record.Told
	l.record.Telling.Active = false
	told.At = now
	l.types = nilWithout(l.types, t.Stop.Type)
	switch w.kind {
	case beginStop:
		told.Stop, l.record.Perhaps = t.Stop, prodsmart.Stop{}
		d.lateness(now, l, w, StopLate)
	case endStop:
		told.Stop, l.record.Perhaps = prodsmart.Stop{}, prodsmart.Stop{}
		l.flush = l.untoldCount(d.settings)
		d.ended(now, l, w)
	case tellParameters:
		tellVersions(told, t.Parameters)
		l.lost = 0
		if len(t.Parameters) == 1 {
			d.releaseParameters(now, l, func(name string) bool { return name == t.Parameters[0].Name })
		}
		l.single = l.single && len(l.sharedParameters(true)) > 0
	case tellCounter:
		d.countAccepted(now, l, w, a)
	}
}

// ended reports what is wrong with a downtime that is over: it was ended late
// (P10), or the answer to its beginning never came, so that nobody knows whether
// and from when on it is there.
func (d *Desk) ended(now time.Time, l *lane, w Work) {
	stop := w.Record.Telling.Stop
	if w.before.Told.Stop.Episode == stop.Episode {
		d.lateness(now, l, w, StartLate)
		return
	}
	d.event(Event{Time: now, Machine: l.machine, Code: NotInProdsmart, Level: Notice, Stop: stop, From: stop.Since, To: w.since,
		Text: fmt.Sprintf("P7: the answer to the beginning of the downtime %s since %s never came, and it was over at %s: it may be missing in Prodsmart, or be there with other times.", stop.Type, d.clock(stop.Since), d.clock(w.since))})
}

// lateness reports P9 and P10.
func (d *Desk) lateness(now time.Time, l *lane, w Work, code Code) {
	late := now.Sub(w.since)
	if w.since.IsZero() || late < d.settings.LateAfter {
		return
	}
	stop := w.Record.Telling.Stop
	text := fmt.Sprintf("P9: the downtime %s since %s was told %s late; it is that much too short in Prodsmart.", stop.Type, d.clock(stop.Since), late.Round(time.Second))
	from := stop.Since
	if code == StartLate {
		from = w.since
		text = fmt.Sprintf("P10: the end of the downtime %s was told %s late; it is that much too long in Prodsmart.", stop.Type, late.Round(time.Second))
	}
	d.event(Event{Time: now, Machine: l.machine, Code: code, Level: Notice, Stop: stop, Late: late, From: from, To: now, Text: text})
}

func (d *Desk) countAccepted(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	t := w.Record.Telling
	told, doubt := &l.record.Told, &l.record.Doubt
	first := !told.Counted
	told.Counted, told.Count, told.CountAt, told.Order = true, t.Count, now, t.Order
	tellWaste(told, t.Waste)
	tellVersions(told, t.Parameters)
	if w.set {
		doubt.Waste = nil
	}
	if len(doubt.Waste) == 0 {
		*doubt = Doubt{}
	} else {
		*doubt = Doubt{Waste: doubt.Waste, Sent: doubt.Sent}
	}
	if l.parked.times > 0 {
		if l.parked.reason != "" {
			d.event(Event{Time: now, Machine: l.machine, Code: CounterRefused, Over: true, Level: Notice, Text: fmt.Sprintf("Prodsmart takes the counter again, at %d.", t.Count)})
		}
		l.parked = parking{}
	}
	d.toldLate(now, l, w)
	d.extrasOutcome(now, l, w, first)
	d.watchServer(now, l, t.Count, a)
}

// extrasOutcome learns from a count that was taken: bare after a refusal, or
// whole after a time of bare ones.
func (d *Desk) extrasOutcome(now time.Time, l *lane, w Work, first bool) {
	refusal, waste, plain := l.refusal, l.refusedWaste, l.refusedPlain
	l.refusal, l.refusedWaste, l.refusedPlain = "", nil, false
	switch {
	case w.bare && refusal != "":
		if zero := zeroWaste(waste); first && plain && len(zero) > 0 {
			tellWaste(&l.record.Told, zero)
			d.event(Event{Time: now, Machine: l.machine, Code: FirstZeroRefused, Level: Info,
				Text: fmt.Sprintf("Prodsmart took the first count %d only without the waste quantities of 0; they count as told.", w.Record.Telling.Count)})
		} else {
			reported := l.extras.times > 0
			if plain && len(waste) == 1 && d.settings.Waste != AllWaste {
				d.poisoned(now, l, waste[0].Code, refusal)
			} else {
				l.extras.extend(now, d.settings, refusal)
			}
			if !reported {
				d.event(Event{Time: now, Machine: l.machine, Code: ExtrasRefused, Level: Alarm,
					Text: fmt.Sprintf("Prodsmart took the count %d only without its waste and parameters: %s. The count goes on alone; check that the machine's waste codes and parameters exist in Prodsmart.", w.Record.Telling.Count, refusal)})
			}
		}
	case !w.bare && l.extras.times > 0 && len(w.Record.Telling.Waste)+len(w.Record.Telling.Parameters) > 0:
		for _, x := range w.Record.Telling.Waste {
			l.poison = nilWithout(l.poison, x.Code)
		}
		if len(l.poison) > 0 || l.extras.holds(w.sent) {
			return
		}
		l.extras = parking{}
		d.event(Event{Time: now, Machine: l.machine, Code: ExtrasRefused, Over: true, Level: Notice, Text: "Prodsmart takes waste and parameters with the count again."})
	}
}

// poisoned holds a waste code that was refused by itself.
func (d *Desk) poisoned(now time.Time, l *lane, code, refusal string) {
	if l.poison == nil {
		l.poison = map[string]parking{}
	}
	p := l.poison[code]
	p.extend(now, d.settings, refusal)
	l.poison[code] = p
	if p.times == 1 {
		d.event(Event{Time: now, Machine: l.machine, Code: WasteRefused, Level: Alarm,
			Text: fmt.Sprintf("Prodsmart refuses waste of code %s: %s. It is held and tried again at %s; all other waste goes on. Check that the machine has this code in Prodsmart.", code, refusal, d.clock(p.until))})
	}
	l.extras.times, l.extras.until = max(1, l.extras.times), now // found
}

// zeroWaste gives the quantities of 0 in a post, which a tenant that wants growth
// refuses at first contact.
func zeroWaste(waste []prodsmart.Waste) []prodsmart.Waste {
	var zero []prodsmart.Waste
	for _, w := range waste {
		if w.Quantity == 0 {
			zero = append(zero, w)
		}
	}
	return zero
}

// watchServer compares the counter in the answer with what was sent.
func (d *Desk) watchServer(now time.Time, l *lane, sent int64, a prodsmart.Answer) {
	if a.Counter == nil {
		return
	}
	server := *a.Counter
	if above := server > sent; above != l.above {
		l.above = above
		e := Event{Time: now, Machine: l.machine, Code: OtherWriter, Over: !above, Level: Alarm,
			Text: fmt.Sprintf("Prodsmart's counter is %d although only %d was sent: somebody else writes to this machine, or this gateway lost its state. Find the other writer.", server, sent)}
		if !above {
			e.Level, e.Text = Notice, fmt.Sprintf("Prodsmart's counter is %d, no longer above what was sent.", server)
		}
		d.event(e)
	}
	if under := server < sent; under != l.under {
		l.under = under
		if under {
			d.event(Event{Time: now, Machine: l.machine, Code: ServerBelow, Level: Info,
				Text: fmt.Sprintf("Prodsmart answered %d to the count %d.", server, sent)})
		}
	}
}

// unclear remembers what may have been applied.
func (d *Desk) unclear(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	l.hold = now.Add(doubled(d.settings.AmbiguousWait, l.unclear, longestAmbiguous))
	l.unclear++
	d.restore(l, w)
	if d.gate.why == "" && l.unclear == 1 {
		d.event(Event{Time: now, Machine: l.machine, Code: AnswerLost, Level: Info,
			Text: fmt.Sprintf("P7: the answer to a %s post is unclear (%s); it may or may not have been applied and is settled by the next one.", w.Post.Service, a.Text)})
	}
	switch w.kind {
	case tellCounter:
		if w.class == edge {
			if l.edgeOf != l.report.Stop.Episode {
				l.edgeOf, l.edgeCounts = l.report.Stop.Episode, 0
			}
			l.edgeCounts++
		}
		d.doubtCount(l, w.set)
	case tellParameters:
		l.record.Telling.Active = false
		d.parametersLost(now, l, w.Record.Telling.Parameters)
	default:
		d.lostStop(now, l, a.Text)
	}
}

// lostStop treats a start or stop whose answer never came.
func (d *Desk) lostStop(now time.Time, l *lane, why string) {
	t := &l.record.Telling
	if t.Running || d.settings.RepeatStop != RepeatOpens {
		return // stays active, to be settled
	}
	t.Active = false
	l.record.Told.Stop = t.Stop
	d.event(Event{Time: now, Machine: l.machine, Code: TakenAsTold, Level: Notice, Stop: t.Stop,
		Text: fmt.Sprintf("P7: the answer to the beginning of the downtime %s is unclear (%s) and this tenant opens a second one when it is repeated, so it is taken as told; it may be missing in Prodsmart.", t.Stop.Type, why)})
}

// doubtCount moves the counter telling of a lane into its doubt.
func (d *Desk) doubtCount(l *lane, set bool) {
	t, doubt := l.record.Telling, &l.record.Doubt
	left := len(doubt.Waste) > 0 && !set
	if doubt.Open && t.Count <= doubt.Highest {
		doubt.Equal++
		doubt.Bare = doubt.Bare || left
	} else {
		doubt.Highest, doubt.Equal, doubt.Bare = t.Count, 0, left
	}
	if len(doubt.Waste) == 0 && d.settings.Waste != AllWaste {
		// Whether a quantity of 0 was applied makes no difference.
		doubt.Waste = slices.DeleteFunc(slices.Clone(t.Waste), func(w prodsmart.Waste) bool { return w.Quantity == 0 })
	}
	doubt.Open, doubt.At = true, t.Since
	doubt.Sent++
	l.record.Telling.Active = false
}

// tellWaste acknowledges quantities; it never lowers one.
func tellWaste(told *Told, waste []prodsmart.Waste) {
	if len(waste) == 0 {
		return
	}
	m := make(map[string]int64, len(told.Waste)+len(waste))
	maps.Copy(m, told.Waste)
	for _, w := range waste {
		m[w.Code] = max(m[w.Code], w.Quantity)
	}
	told.Waste = m
}

func tellVersions(told *Told, parameters []prodsmart.Parameter) {
	told.Parameters = versions(told.Parameters, parameters)
}

// versions is a copy of m that knows the parameters' versions as well.
func versions(m map[string]uint64, parameters []prodsmart.Parameter) map[string]uint64 {
	if len(parameters) == 0 {
		return m
	}
	n := make(map[string]uint64, len(m)+len(parameters))
	maps.Copy(n, m)
	for _, p := range parameters {
		n[p.Name] = p.Version
	}
	return n
}
