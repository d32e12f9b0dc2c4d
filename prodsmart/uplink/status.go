package uplink

import (
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Status is a snapshot for pages and metrics.
type Status struct {
	At   time.Time
	Mode Mode
	// Budget is the configured number of requests a minute, Used how many were
	// spent in the last 60 s, Slot the present time between two of them; it is
	// 0 without pacing. Pace is 1 unless a 429 lowered it.
	Budget, Used int
	Slot         time.Duration
	Pace         float64
	// Trouble is the condition that keeps posts back (Unreachable, Unclear,
	// Rejected), empty if none; TroubleSince is when it began.
	Trouble      Code
	TroubleSince time.Time
	// PausedUntil is when the next request may leave because of trouble or a
	// 429; zero if it is not paused.
	PausedUntil time.Time
	// InFlight machines wait for an answer, Due machines could post now if
	// there was room. Due above a handful for long says that the machines ask
	// for more than the budget.
	InFlight, Due int
	// Classes are the kinds of requests that share the budget, the most urgent
	// first.
	Classes []ClassStatus
	// Oldest is the largest Age of all machines.
	Oldest time.Duration
	// Machines are in the order in which they were added.
	Machines []MachineStatus
}

// MachineStatus is the snapshot of one machine.
type MachineStatus struct {
	Machine string
	// Report is what Prodsmart should know, Record what it knows.
	Report prodsmart.Report
	Record Record
	// Age is the time since the oldest change that was not acknowledged; 0 if
	// all is told.
	Age time.Duration
	// Sending says that an answer is awaited.
	Sending bool
	// Next is when the machine's next post may leave; zero if it has none.
	Next time.Time
	// Held is the number of pieces of an earlier order that wait for Release,
	// together with all that were made since.
	Held int64
	// Parked is why posts are held after a refusal, empty if none are: the
	// counter's, or all that the machine is denied. ParkedUntil is when they are
	// tried again.
	Parked      string
	ParkedUntil time.Time
}

// Status is a snapshot of everything at the given time.
func (d *Desk) Status(now time.Time) Status {
	d.pace.forget(now)
	s := Status{
		At: now, Mode: d.settings.Mode, Budget: d.settings.Budget, Used: len(d.pace.recent),
		Slot: d.pace.interval(), Pace: d.pace.pace,
		Trouble: d.gate.why, InFlight: d.inFlight,
		Classes:  d.classStatus(now),
		Machines: make([]MachineStatus, 0, len(d.lanes)),
	}
	if s.Trouble != "" {
		s.TroubleSince = d.gate.since
	}
	if at, _ := d.gate.open(); at.After(now) {
		s.PausedUntil = at
	}
	for _, l := range d.lanes {
		m := l.status(now)
		s.Oldest = max(s.Oldest, m.Age)
		if l.plan.kind != idle && !l.plan.at.After(now) {
			s.Due++
		}
		s.Machines = append(s.Machines, m)
	}
	return s
}

func (l *lane) status(now time.Time) MachineStatus {
	m := MachineStatus{
		Machine: l.machine, Report: l.report, Record: l.record, Sending: l.flight.seq != 0,
	}
	if l.plan.kind != idle {
		m.Next = later(l.plan.at, now)
	}
	if l.held {
		m.Held = l.earlierPieces()
	}
	if l.parked.times > 0 {
		m.Parked, m.ParkedUntil = l.parked.reason, l.parked.until
	}
	for i := range l.denied {
		if n := &l.denied[i]; n.told && m.Parked == "" {
			m.Parked, m.ParkedUntil = n.wait.reason, n.wait.until
		}
	}
	times := []time.Time{l.countSince, l.parameterSince, l.edgeSince}
	if m.Sending {
		times = append(times, l.flight.since)
	}
	for _, since := range times {
		if !since.IsZero() {
			m.Age = max(m.Age, now.Sub(since))
		}
	}
	return m
}
