package uplink

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// refused sorts a refusal: one that only says that something had been applied
// before, and one that says that something is wrong.
func (d *Desk) refused(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	l.record.Telling.Active = false
	switch w.kind {
	case beginStop:
		d.stopRefused(now, l, w, a)
	case endStop:
		d.startRefused(now, l, w, a)
	case tellParameters:
		t := w.Record.Telling
		l.lost = 0
		if l.single = len(t.Parameters) > 1; l.single {
			return // one at a time, to find which
		}
		d.parameterRefused(now, l, t.Parameters[0], a)
	case tellCounter:
		d.countRefused(now, l, w, a)
	}
}

// parameterRefused holds a parameter that was refused by itself. Its newest value
// is tried again later; those in between are not told.
func (d *Desk) parameterRefused(now time.Time, l *lane, bad prodsmart.Parameter, a prodsmart.Answer) {
	p := l.badParameters[bad.Name]
	p.extend(now, d.settings, a.Text)
	if l.badParameters == nil {
		l.badParameters = map[string]parking{}
	}
	l.badParameters[bad.Name] = p
	if p.times == 1 {
		d.event(Event{Time: now, Machine: l.machine, Code: ParametersRefused, Level: Alarm,
			Text: fmt.Sprintf("Prodsmart refuses the parameter %s (status %d): %s. It is held, and its newest value is tried again at %s; all others go on. Check that the machine has a parameter of this code in Prodsmart.", bad.Code, a.Status, a.Text, d.clock(p.until))})
	}
}

// parametersLost lets parameters whose answer was lost twice go out with a counter
// only. No counter takes one that was refused by itself, so that waits once more.
func (d *Desk) parametersLost(now time.Time, l *lane, lost []prodsmart.Parameter) {
	if p := l.badParameters[lost[0].Name]; p.times > 0 {
		p.extend(now, d.settings, p.reason)
		l.badParameters[lost[0].Name] = p
		return
	}
	if l.lost++; l.lost > 1 {
		l.riding = versions(l.riding, lost)
	}
}

// releaseParameters ends the holding of the parameters that end says, because one
// was taken or is not reported any more.
func (d *Desk) releaseParameters(now time.Time, l *lane, end func(name string) bool) {
	if len(l.badParameters) == 0 {
		return
	}
	for name := range l.badParameters {
		if end(name) {
			delete(l.badParameters, name)
		}
	}
	if len(l.badParameters) == 0 {
		d.event(Event{Time: now, Machine: l.machine, Code: ParametersRefused, Over: true, Level: Notice, Text: "No parameter of this machine is held back any more."})
	}
}

// seenBefore says whether a refusal can mean that the request had been applied
// before: a 400 judges what was sent. Any other status speaks of the machine,
// the path or something on the way, and proves nothing.
func seenBefore(a prodsmart.Answer) bool { return a.Status == http.StatusBadRequest }

func (d *Desk) stopRefused(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	stop := w.Record.Telling.Stop
	if w.unsure && seenBefore(a) && l.types[stop.Type].times == 0 {
		l.record.Told.Stop, l.record.Perhaps = stop, prodsmart.Stop{}
		d.event(Event{Time: now, Machine: l.machine, Code: TakenAsTold, Level: Notice, Stop: stop,
			Text: fmt.Sprintf("P7: Prodsmart refused the repeated beginning of the downtime %s (%s): the first one, whose answer was lost, is taken as applied.", stop.Type, a.Text)})
		d.lateness(now, l, w, StopLate)
		return
	}
	if w.unsure {
		l.record.Perhaps = stop
	}
	types := make(map[string]parking, len(l.types)+1)
	for t, p := range l.types {
		types[t] = p
	}
	p := types[stop.Type]
	p.extend(now, d.settings, a.Text)
	types[stop.Type] = p
	l.types = types
	next := "No other type is left for this stop."
	if other := d.stopType(now, l, l.report.Stop); l.report.Stop.Episode == stop.Episode && other != "" {
		next = fmt.Sprintf("The default type %s is tried instead.", other)
	}
	level := Alarm
	if l.missed == stop.Episode {
		level = Info // it was reported when it was given up
	}
	d.event(Event{Time: now, Machine: l.machine, Code: StopRefused, Level: level, Stop: stop,
		Text: fmt.Sprintf("P13: Prodsmart refused a downtime of type %s (status %d): %s. %s Assign the type to the machine in Prodsmart, or correct its name here.", stop.Type, a.Status, a.Text, next)})
	d.stillborn(now, l, w)
}

func (d *Desk) startRefused(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	stop := w.Record.Telling.Stop
	l.record.Told.Stop, l.record.Perhaps = prodsmart.Stop{}, prodsmart.Stop{}
	l.flush = l.untoldCount(d.settings)
	if w.unsure {
		d.event(Event{Time: now, Machine: l.machine, Code: TakenAsTold, Level: Notice, Stop: stop,
			Text: fmt.Sprintf("P7: Prodsmart refused the end of the downtime %s (%s) after an answer was lost: none is taken to be open.", stop.Type, a.Text)})
		d.ended(now, l, w)
		return
	}
	d.event(Event{Time: now, Machine: l.machine, Code: StartRefused, Level: Alarm, Stop: stop,
		Text: fmt.Sprintf("Prodsmart refused to end the downtime %s (status %d): %s. It is taken as ended, perhaps by a worker; check in Prodsmart that it is not open any more.", stop.Type, a.Status, a.Text)})
}

func (d *Desk) countRefused(now time.Time, l *lane, w Work, a prodsmart.Answer) {
	t := w.Record.Telling
	told, doubt := &l.record.Told, &l.record.Doubt
	d.restore(l, w)
	equal := doubt.Open && t.Count <= doubt.Highest && seenBefore(a)
	switch {
	case !told.Counted && t.Count == 0 && seenBefore(a):
		told.Counted, told.CountAt, told.At = true, now, now
		*doubt = Doubt{}
		d.event(Event{Time: now, Machine: l.machine, Code: FirstZeroRefused, Level: Info,
			Text: fmt.Sprintf("Prodsmart takes no first count of 0 (%s); it counts as told.", a.Text)})
	case equal:
		d.toldLate(now, l, w)
		told.Counted, told.Count, told.CountAt, told.Order, told.At = true, t.Count, now, t.Order, now
		rest := *doubt
		*doubt = Doubt{}
		if rest.Bare {
			doubt.Waste, doubt.Sent = rest.Waste, rest.Sent
		} else {
			tellWaste(told, rest.Waste)
		}
		l.flush = l.flush || w.flush
		d.event(Event{Time: now, Machine: l.machine, Code: TakenAsTold, Level: Notice,
			Text: fmt.Sprintf("Prodsmart refused the count %d (%s), which had been sent before without a clear answer: it is taken as applied.", t.Count, a.Text)})
	case w.set && seenBefore(a):
		tellWaste(told, doubt.Waste)
		doubt.Waste = nil
		l.again, l.flush = true, w.flush
		d.event(Event{Time: now, Machine: l.machine, Code: TakenAsTold, Level: Notice,
			Text: fmt.Sprintf("Prodsmart refused the count %d (%s) with waste that had been sent before without a clear answer: the waste is taken as applied, the count is sent without it.", t.Count, a.Text)})
	case told.Counted && t.Count == told.Count:
		l.wasteStuck = t.Count + 1
		d.event(Event{Time: now, Machine: l.machine, Code: WasteRefused, Level: Notice,
			Text: fmt.Sprintf("Prodsmart refused waste without a new piece (status %d): %s. It goes with the next piece; set waste_only to hold.", a.Status, a.Text)})
	case !w.bare && len(t.Waste)+len(t.Parameters) > 0:
		l.again, l.bare, l.flush = true, true, w.flush
		l.refusal, l.refusedWaste, l.refusedPlain = a.Text, t.Waste, len(t.Parameters) == 0
		if l.refusal == "" {
			l.refusal = fmt.Sprintf("status %d", a.Status)
		}
	default:
		d.park(now, l, t.Count, a)
	}
}

// park holds a counter after a real refusal. Stops and starts of the machine go
// on without it.
func (d *Desk) park(now time.Time, l *lane, count int64, a prodsmart.Answer) {
	reported := l.parked.times > 0
	reason := fmt.Sprintf("status %d: %s", a.Status, a.Text)
	l.parked.extend(now, d.settings, reason)
	l.refusal = ""
	if reported {
		return
	}
	d.event(Event{Time: now, Machine: l.machine, Code: CounterRefused, Level: Alarm,
		Text: fmt.Sprintf("Prodsmart refused the count %d (%s). Counting goes on here; it is tried again at %s and when the configuration changes. Check the machine code in Prodsmart, and whether its counter is above this one.", count, reason, d.clock(l.parked.until))})
}

// nilWithout is a copy of m without the key, nil if nothing is left.
func nilWithout(m map[string]parking, key string) map[string]parking {
	if _, ok := m[key]; !ok {
		return m
	}
	var n map[string]parking
	for k, v := range m {
		if k != key {
			if n == nil {
				n = map[string]parking{}
			}
			n[k] = v
		}
	}
	return n
}
