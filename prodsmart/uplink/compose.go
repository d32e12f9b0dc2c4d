package uplink

import (
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// begin turns a lane's plan into work and takes a slot for it.
func (d *Desk) begin(now time.Time, l *lane) Work {
	d.seq++
	w := Work{
		Machine: l.machine, seq: d.seq, kind: l.plan.kind, class: l.plan.class, sent: now,
		before: l.record, since: l.plan.since, parameterSince: l.parameterSince,
		countTick: l.countTick, parameterTick: l.parameterTick,
		flush: l.flush, again: l.again, bareNext: l.bare,
	}
	var telling Telling
	switch w.kind {
	case tellCounter:
		telling = d.composeCounter(now, l, &w)
	case tellParameters:
		telling = Telling{Service: prodsmart.ParametersService, Parameters: l.loneParameters(), Since: now, Attempts: 1}
		w.Post.Body = prodsmart.ParametersBody(telling.Parameters)
		l.parameterTick, l.parameterSince = l.tickBefore(now), time.Time{}
	default:
		telling = d.composeEdge(now, l, &w)
	}
	telling.Active = true
	w.Post.Machine, w.Post.Service = l.machine, telling.Service
	l.record.Telling = telling
	w.Record = l.record
	l.flight = w
	d.agenda.put(l, plan{})
	d.inFlight++
	d.leave(now, w)
	return w
}

func (d *Desk) composeEdge(now time.Time, l *lane, w *Work) Telling {
	_, stop := l.transition()
	t := Telling{Service: prodsmart.StartStopService, Stop: stop, Running: w.kind == endStop, Since: now, Attempts: 1}
	lost, isLost := l.lostEdge()
	w.unsure = isLost || t.Running && l.record.Told.Stop.Episode == 0
	if isLost && lost.Running == t.Running {
		t.Since, t.Attempts = lost.Since, lost.Attempts+1
	}
	if w.kind == beginStop && !isLost {
		t.Stop.Type = d.stopType(now, l, stop)
	}
	w.Post.Body = prodsmart.StartStopBody(t.Stop.Type, t.Running)
	return t
}

// composeCounter builds the newest total. What it adds to the bare count obeys
// the doubt: a set of waste quantities that may have been applied goes out
// exactly as it was or not at all, and parameters, which may be what is refused, do
// not ride with it or with a count in doubt. So one refusal settles it.
func (d *Desk) composeCounter(now time.Time, l *lane, w *Work) Telling {
	t := Telling{Service: prodsmart.CounterService, Count: l.report.Count, Order: l.report.Order, Since: now, Attempts: 1}
	doubt := l.record.Doubt
	w.bare = l.bare || l.extras.holds(now) && (d.settings.Waste == AllWaste || len(doubt.Waste) > 0)
	alone := l.extras.holds(now)
	equal := doubt.Open && t.Count == doubt.Highest
	switch {
	case w.bare:
	case d.settings.Waste == AllWaste:
		t.Waste = slices.Clone(l.report.Waste)
	case len(doubt.Waste) > 0:
		if !equal || doubt.Sent == 1 {
			t.Waste, w.set = doubt.Waste, true
		}
	case equal:
	default:
		t.Waste, alone = l.sortedWaste(now)
	}
	if !w.bare && !alone && !equal && !w.set {
		t.Parameters = l.sharedParameters(false)
		l.parameterSince = time.Time{}
	}
	if l.earlierPieces() > 0 && d.orderIsOld(now, l) {
		w.belated = l.earlierPieces()
	}
	w.Post.Body = prodsmart.CounterBody(t.Count, t.Waste, t.Parameters)
	if w.class == regular && !l.again {
		l.countTick = l.tickBefore(now)
	}
	l.countSince = time.Time{}
	l.flush, l.again, l.bare = false, false, false
	return t
}

// takeBack undoes begin: the request was certainly not applied.
func (d *Desk) takeBack(l *lane, w Work) {
	l.record = w.before
	d.restore(l, w)
	l.flush, l.again, l.bare = w.flush, w.again, w.bareNext
}

// restore gives back the times of what is still untold.
func (d *Desk) restore(l *lane, w Work) {
	l.countTick, l.parameterTick = w.countTick, w.parameterTick
	if w.kind == tellCounter {
		l.countSince = w.since
	}
	l.parameterSince = w.parameterSince
}
