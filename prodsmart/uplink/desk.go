package uplink

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Desk decides what Prodsmart is told next. It is pure: it has no clock, starts
// no goroutine and does no I/O. Its owner calls
//
//	Add      once per machine, with the record from the ledger
//	Report   at every change; at one instant all changes before Next
//	Next     for work that may leave now; its record is to be saved first
//	Sent     when it really leaves, or Drop if it could not be saved
//	Done     with the answer; the record it returns is to be saved
//	Ask      for a request that is no machine's; Next gives its turn as a work
//	         with the ticket, and Returned takes the answer
//	Events   after any of them, for what there is to say
//
// Times never go backwards. A Desk is not safe for concurrent use.
type Desk struct {
	settings Settings
	lanes    []*lane
	agenda   agenda
	byCode   map[string]*lane
	arrivals int
	pace     pacer
	gate     gate
	seq      uint64
	inFlight int
	errands  [errandKinds]queue
	tickets  uint64
	// sent counts the requests of each class that left.
	sent [classes]uint64
	// edges is the number of posts in a row that were not regular.
	edges  int
	events []Event
	// What Next answered last: when to wake (zero: nothing was to come), the
	// slot that it could not go before, and whether the gate was shut.
	wake, slot time.Time
	shut       bool
}

// Work is one request and the record that must be saved before it leaves.
type Work struct {
	// Ticket is the number of an errand, of the kind Errand; 0 for a machine's
	// work, to which all else belongs.
	Ticket  uint64
	Errand  Errand
	Machine string
	Post    prodsmart.Post
	// Record says what is being told.
	Record Record

	seq    uint64
	kind   kind
	class  class
	sent   time.Time
	before Record
	// set says that the waste in doubt is aboard, bare that waste and
	// parameters were left out, unsure that a start or stop of unknown outcome
	// is settled by it.
	set, bare, unsure bool
	// belated is the number of pieces aboard of an earlier order, told too late
	// for it.
	belated int64
	// What the lane had before, to be given back if the request fails.
	since, parameterSince, countTick, parameterTick time.Time
	flush, again, bareNext                          bool
}

// NewDesk makes a Desk without machines. The first slot begins one interval
// after now.
func NewDesk(now time.Time, s Settings) *Desk {
	s = s.withDefaults()
	s.Machines = maps.Clone(s.Machines)
	if s.Machines == nil {
		s.Machines = map[string]Machine{}
	}
	return &Desk{
		settings: s,
		byCode:   map[string]*lane{},
		pace:     newPacer(now, s.Budget, s.Unpaced),
	}
}

// Add makes a machine known with what the ledger says of it; the zero Record
// if it says nothing. For a machine already known it replaces the record, and
// an answer that is still on its way is no longer waited for. A request that
// the record calls active is taken as lost.
func (d *Desk) Add(now time.Time, machine string, r Record) {
	l := d.byCode[machine]
	if l == nil {
		l = &lane{machine: machine, index: d.arrivals}
		d.arrivals++
		d.lanes = append(d.lanes, l)
		d.byCode[machine] = l
		d.configure(l, d.settings.Machines[machine])
	}
	d.land(l)
	l.record = r
	if l.record.Doubt.At.After(now) {
		l.record.Doubt.At = now // the clock was set back
	}
	t := &l.record.Telling
	if t.Active || l.record.Doubt.Open || (!t.Since.IsZero() && !t.Since.Before(l.record.Told.At)) {
		// What was sent last may yet be applied: nothing may overtake it.
		l.hold = now.Add(d.settings.AmbiguousWait)
	}
	if t.Active {
		switch t.Service {
		case prodsmart.CounterService:
			d.doubtCount(l, slices.Equal(t.Waste, l.record.Doubt.Waste))
		case prodsmart.StartStopService:
			d.lostStop(now, l, "the gateway ended before the answer came")
		case prodsmart.ParametersService:
			t.Active = false
		}
	}
	d.settle(now, l)
}

// Configure replaces what is known of a machine and ends what was held because
// of a refusal, as Unpark does.
func (d *Desk) Configure(now time.Time, machine string, m Machine) {
	d.settings.Machines[machine] = m
	if l := d.byCode[machine]; l != nil {
		d.configure(l, m)
		d.Unpark(now, machine)
	}
}

func (d *Desk) configure(l *lane, m Machine) {
	l.set = m
	l.period = or(m.ReportEvery, d.settings.ReportEvery)
	l.target = l.period
	if m.Freshness > 0 {
		l.target = max(1, time.Duration(float64(l.period)/m.Freshness))
	}
	l.phase = 0
	if !d.settings.Aligned {
		// Steps of the golden ratio stay evenly spread however many there are.
		_, part := math.Modf(float64(l.index) * (math.Sqrt(5) - 1) / 2)
		l.phase = time.Duration(part * float64(l.period))
	}
	l.countTick, l.parameterTick = time.Time{}, time.Time{}
}

// Forget drops a machine; an answer that is still on its way is ignored.
func (d *Desk) Forget(machine string) {
	l := d.byCode[machine]
	if l == nil {
		return
	}
	d.land(l)
	d.agenda.put(l, plan{})
	delete(d.byCode, machine)
	for i := range d.lanes {
		if d.lanes[i] == l {
			d.lanes = append(d.lanes[:i], d.lanes[i+1:]...)
			break
		}
	}
}

// Unpark forgets every refusal of a machine, so that it is tried again at once.
// It is called when the machine's configuration changed, here or in Prodsmart.
func (d *Desk) Unpark(now time.Time, machine string) {
	if l := d.byCode[machine]; l != nil {
		l.parked.until, l.extras.until = now, now
		for i := range l.denied {
			l.denied[i].wait.until = now
		}
		l.bare, l.wasteStuck, l.givenUp, l.missed = false, 0, 0, 0
		l.poison, l.single = nil, false
		for name, p := range l.badParameters {
			p.until = now
			l.badParameters[name] = p
		}
		l.types, l.riding = nil, nil
		d.settle(now, l)
	}
}

// Knows says whether Add was called for the machine.
func (d *Desk) Knows(machine string) bool { return d.byCode[machine] != nil }

// Report takes what Prodsmart should know of a machine. It says whether that
// made something due before the time that Next answered last. A machine that
// was not added starts with an empty record.
func (d *Desk) Report(now time.Time, machine string, r prodsmart.Report) bool {
	l := d.byCode[machine]
	if l == nil {
		d.Add(now, machine, Record{})
		l = d.byCode[machine]
	}
	if l.goesOn(r) {
		l.report = r
	} else {
		d.take(now, l, r)
	}
	p := l.plan
	if p.kind == idle || d.shut || !d.mayLeave(p.class) {
		return false
	}
	return d.wake.IsZero() || later(p.at, d.slot).Before(d.wake)
}

// take puts a report in the place of the one before.
func (d *Desk) take(now time.Time, l *lane, r prodsmart.Report) {
	was, first := l.report.Stop, !l.reported
	l.report, l.reported = r, true
	if first || was.Episode != r.Stop.Episode {
		l.wanted = now
	}
	if !first && was.Episode != r.Stop.Episode {
		d.neverTold(now, l, was)
	}
	d.noteChange(now, l, first)
	d.releaseParameters(now, l, func(name string) bool {
		return !slices.ContainsFunc(r.Parameters, func(p prodsmart.Parameter) bool { return p.Name == name })
	})
	d.settle(now, l)
}

// neverTold reports a downtime that is over before it was told (P8).
func (d *Desk) neverTold(now time.Time, l *lane, was prodsmart.Stop) {
	if was.Episode == 0 || was.Episode == l.record.Told.Stop.Episode || was.Episode == l.record.Perhaps.Episode {
		return
	}
	if t := l.record.Telling; t.Active && t.Service == prodsmart.StartStopService && t.Stop.Episode == was.Episode {
		return // it is being told, or may have been
	}
	why := "was over before it could be told"
	if was.Episode == l.missed {
		why = "was refused with every type"
	}
	d.event(Event{Time: now, Machine: l.machine, Code: NotInProdsmart, Level: Notice, Stop: was, From: was.Since, To: now,
		Text: fmt.Sprintf("P8: the downtime %s from %s to %s %s; it is not in Prodsmart.", was.Type, d.clock(was.Since), d.clock(now), why)})
}

// noteChange remembers since when the report differs.
func (d *Desk) noteChange(now time.Time, l *lane, first bool) {
	if f := l.flight; f.seq != 0 && f.kind == tellCounter {
		if t := f.Record.Telling; l.report.Count > t.Count && l.countSince.IsZero() {
			l.countSince = now
		}
	}
	if first && l.report.Stop.Episode != 0 && l.report.Stop.Since.Before(now) && !l.report.Stop.Since.IsZero() &&
		l.record.Told.Stop.Episode != l.report.Stop.Episode {
		l.wanted = l.report.Stop.Since
	}
}

// Events gives what happened since the last call, oldest first.
func (d *Desk) Events() []Event {
	e := d.events
	d.events = nil
	return e
}

func (d *Desk) event(e Event) { d.events = append(d.events, e) }

// flying is the lane that waits for the answer to w; nil if none does any more.
func (d *Desk) flying(w Work) *lane {
	if l := d.byCode[w.Machine]; l != nil && l.flight.seq == w.seq {
		return l
	}
	return nil
}

func (d *Desk) land(l *lane) {
	if l.flight.seq != 0 {
		d.gate.dropped(l.flight.seq)
		l.flight = Work{}
		d.inFlight--
	}
}

// clock writes a time for a sentence.
func (d *Desk) clock(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	if d.settings.Zone != nil {
		t = t.In(d.settings.Zone)
	}
	return t.Format("2006-01-02 15:04:05")
}

// told is what a machine's record acknowledges now.
func (d *Desk) told(machine string) Told {
	r, _ := d.record(machine)
	return r.Told
}

func (d *Desk) record(machine string) (Record, bool) {
	if l := d.byCode[machine]; l != nil {
		return l.record, true
	}
	return Record{}, false
}

// flight is when the work left.
func (d *Desk) flight(w Work) time.Time {
	if l := d.flying(w); l != nil {
		return l.flight.sent
	}
	return w.sent
}
