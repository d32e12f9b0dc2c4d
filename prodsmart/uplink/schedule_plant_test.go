package uplink

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// slotsAMinute is the budget of the plants here.
const slotsAMinute = 100

const slotTime = time.Minute / slotsAMinute

// machineState is what one machine of a plant did.
type machineState struct {
	count   int64
	stopped bool
	// episode numbers the downtimes, since is when the last stop or start was.
	episode uint64
	since   time.Time
}

// request is what a scheduler lets leave.
type request struct {
	machine int
	// edge is a stop or start, stopped which of them, episode of what downtime.
	edge, stopped bool
	episode       uint64
	// count is what a counter post says, from the moment that it is from.
	count int64
	from  time.Time
}

// scheduler decides what a plant tells next: a Desk or one of its rivals.
type scheduler interface {
	report(now time.Time, machine int, m machineState)
	next(now time.Time) (r request, wake time.Time, ok bool)
	done(now time.Time, r request, a prodsmart.Answer)
}

// deskSide is a Desk as a scheduler.
type deskSide struct {
	desk  *Desk
	names []string
	index map[string]int
	// flying is what each machine waits for.
	flying []Work
}

// newDeskSide makes a Desk whose machines have nothing to tell yet.
func newDeskSide(now time.Time, machines int, s Settings) *deskSide {
	d := &deskSide{desk: NewDesk(now, s), index: map[string]int{}, flying: make([]Work, machines)}
	for i := range machines {
		name := fmt.Sprint("M", i)
		d.names = append(d.names, name)
		d.index[name] = i
		d.desk.Add(now, name, Record{Told: Told{Counted: true}})
	}
	return d
}

func (d *deskSide) report(now time.Time, machine int, m machineState) {
	r := prodsmart.Report{Known: true, Count: m.count}
	if m.stopped {
		r.Stop = prodsmart.Stop{Episode: m.episode, Type: "X", Since: m.since}
	}
	d.desk.Report(now, d.names[machine], r)
}

func (d *deskSide) next(now time.Time) (request, time.Time, bool) {
	w, wake, ok := d.desk.Next(now)
	if !ok {
		return request{}, wake, false
	}
	i, t := d.index[w.Machine], &w.Record.Telling
	d.flying[i] = w
	return request{machine: i, edge: t.Service == prodsmart.StartStopService, stopped: !t.Running,
		episode: t.Stop.Episode, count: t.Count, from: now}, now, true
}

func (d *deskSide) done(now time.Time, r request, a prodsmart.Answer) {
	d.desk.Done(now, d.flying[r.machine], a)
	d.desk.Events()
}

// flight is a request on its way.
type flight struct {
	request
	answer prodsmart.Answer
	back   time.Time
}

// plant is machines, a scheduler, Prodsmart's limit and the way there, in virtual
// time.
type plant struct {
	now     time.Time
	side    scheduler
	limit   *mes.Limit // nil means none
	random  *rand.Rand
	latency func() time.Duration
	// down says that Prodsmart can not be reached.
	down     bool
	machines []machineState
	flights  []flight
	wake     time.Time
	// Every machine makes a piece each pieceTime, one after the other; 0 means
	// that none does.
	pieceTime time.Duration
	piece     time.Time
	turn      int
	// trouble is called at its time and says when the next one is; zero if there
	// is none.
	troubleAt time.Time
	trouble   func() time.Time

	gauge gauge
}

// newPlant makes a plant of machines that run and made nothing yet.
func newPlant(machines int, side func(now time.Time) scheduler) *plant {
	p := &plant{
		now: midnight, side: side(midnight), random: rand.New(rand.NewPCG(1, 4)),
		latency:  func() time.Duration { return 10 * time.Millisecond },
		machines: make([]machineState, machines),
	}
	p.gauge = newGauge(p.now, machines)
	return p
}

// saturatedPlant is a plant that asks for more than the budget.
func saturatedPlant(machines int, weights func(i int) float64) *plant {
	p := newPlant(machines, func(now time.Time) scheduler { return newDeskSide(now, machines, saturation(machines, weights)) })
	p.produce(machines)
	return p
}

// produce lets a plant of that many machines make ten pieces in each slot.
func (p *plant) produce(machines int) {
	p.pieceTime = time.Duration(machines) * slotTime / 10
	p.piece = p.now.Add(p.pieceTime / time.Duration(machines))
}

// saturation are the settings of a saturated plant. weights may be nil.
func saturation(machines int, weights func(i int) float64) Settings {
	share := time.Duration(machines) * slotTime
	s := Settings{Budget: slotsAMinute, ReportEvery: max(share/10, 50*time.Millisecond), Machines: map[string]Machine{}}
	for i := range machines {
		m := Machine{DefaultType: "X"}
		if weights != nil {
			m.Freshness = weights(i)
		}
		s.Machines[fmt.Sprint("M", i)] = m
	}
	return s
}

// run lets the plant live for a time.
func (p *plant) run(d time.Duration) {
	end := p.now.Add(d)
	for {
		for p.send() {
		}
		next := end
		for _, t := range [...]time.Time{p.piece, p.troubleAt, p.wake} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		for i := range p.flights {
			if p.flights[i].back.Before(next) {
				next = p.flights[i].back
			}
		}
		if !next.Before(end) {
			p.now = end
			return
		}
		if next.After(p.now) {
			p.now = next
		}
		p.happen()
	}
}

// happen is everything that is due.
func (p *plant) happen() {
	for i := 0; i < len(p.flights); i++ {
		if f := p.flights[i]; !f.back.After(p.now) {
			p.flights = append(p.flights[:i], p.flights[i+1:]...)
			i--
			if f.answer.Verdict == prodsmart.Accepted {
				p.gauge.told(p.now, f.request)
			}
			p.side.done(p.now, f.request, f.answer)
		}
	}
	for !p.piece.IsZero() && !p.piece.After(p.now) {
		if m := &p.machines[p.turn]; !m.stopped {
			m.count++
			p.side.report(p.now, p.turn, *m)
		}
		p.turn = (p.turn + 1) % len(p.machines)
		p.piece = p.piece.Add(p.pieceTime / time.Duration(len(p.machines)))
	}
	for !p.troubleAt.IsZero() && !p.troubleAt.After(p.now) {
		p.troubleAt = p.trouble()
	}
}

// turnOver stops a machine that runs, or starts one that stands.
func (p *plant) turnOver(i int) {
	m := &p.machines[i]
	m.stopped, m.since = !m.stopped, p.now
	if m.stopped {
		m.episode++
	}
	p.gauge.happened(p.now, i, *m)
	p.side.report(p.now, i, *m)
}

// send lets one request leave, if one may.
func (p *plant) send() bool {
	r, wake, ok := p.side.next(p.now)
	p.wake = wake
	if !ok {
		return false
	}
	took := p.latency()
	f := flight{request: r, answer: prodsmart.Answer{Verdict: prodsmart.Accepted, Status: 200}, back: p.now.Add(took)}
	if p.down {
		f.answer = prodsmart.Answer{Verdict: prodsmart.Unsent, Text: "no route to host"}
	} else if p.limit != nil {
		if free, after := p.limit.Take(p.now.Add(took / 2)); !free {
			whole := time.Duration(math.Ceil(after.Seconds())) * time.Second
			f.answer = prodsmart.Answer{Verdict: prodsmart.Limited, Status: 429, RetryAfter: whole}
		}
	}
	p.gauge.sent(p.now, f)
	p.flights = append(p.flights, f)
	return true
}
