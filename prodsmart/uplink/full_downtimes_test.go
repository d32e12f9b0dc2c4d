package uplink_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// onTheWay is the longest time between a request's start and its application.
const onTheWay = clientTimeout + lateness + time.Second

// late is from when on a start or stop that was told late must have an event:
// the default of Settings.LateAfter, and a request's time.
const late = time.Minute + onTheWay

// checkDowntimes matches Prodsmart's downtimes with the machine's.
func (p *plant) checkDowntimes(m *reference, s mes.Machine) {
	own := slices.DeleteFunc(s.Downtimes, func(d mes.Downtime) bool { return d.ByWorker })
	match := p.match(m, own)
	p.checkLateness(m)
	for i, e := range m.episodes {
		if j := slices.Index(match, i); j >= 0 {
			p.checkTimes(m, own[j], e)
		} else {
			p.checkMissing(m, e)
		}
	}
	for j, d := range own {
		if match[j] < 0 && !p.meddled(m) {
			p.fail(p.t, "%s: the downtime %s from %s to %s in Prodsmart never happened, or stands there twice", m.code, d.Type, stamp(d.Start), stamp(d.End))
		}
	}
}

// match finds for each downtime the episode that it shows, -1 if there is none:
// in order, as many as possible, and those that fit best.
func (p *plant) match(m *reference, own []mes.Downtime) []int {
	episodes := m.episodes
	best := make([][]int, len(episodes)+1) // of the episodes and downtimes from there on
	for i := range best {
		best[i] = make([]int, len(own)+1)
	}
	fit := func(i, j int) int {
		if fits := p.fit(m, own[j], episodes[i]); fits > 0 {
			return fits + best[i+1][j+1]
		}
		return -1
	}
	for i := len(episodes) - 1; i >= 0; i-- {
		for j := len(own) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1], fit(i, j))
		}
	}
	match := slices.Repeat([]int{-1}, len(own))
	for i, j := 0, 0; i < len(episodes) && j < len(own); {
		switch best[i][j] {
		case fit(i, j):
			match[j] = i
			i, j = i+1, j+1
		case best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return match
}

// fit says how well a downtime in Prodsmart shows an episode: it was begun while
// the episode lasted, or, which is worse, while a request was on its way. 0 is
// not at all.
func (p *plant) fit(m *reference, d mes.Downtime, e episode) int {
	switch {
	case !p.asked(e.Type, d.Type) || d.Start.Before(e.Since):
		return 0
	case !p.meddled(m) && !d.Open() && (e.end.IsZero() || d.End.Before(e.end)):
		return 0
	case e.end.IsZero() || d.Start.Before(e.end):
		return 1000
	case d.Start.Before(e.end.Add(onTheWay)):
		return 999 - int(d.Start.Sub(e.end)/time.Millisecond)/50 // at least 600
	}
	return 0
}

// checkLateness: no event says that a stop was told later than it was.
func (p *plant) checkLateness(m *reference) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if by := e.Time.Sub(e.Stop.Since); e.Machine == m.code && e.Code == uplink.StopLate && e.Late > by {
			p.fail(p.t, "%s: %s: %s; it was %s", m.code, stamp(e.Time), e.Text, by)
		}
	}
}

// checkTimes: a downtime is told promptly when that is possible, and with an
// event otherwise.
func (p *plant) checkTimes(m *reference, d mes.Downtime, e episode) {
	if !e.end.IsZero() && !d.Open() {
		by := d.End.Sub(e.end)
		if by > prompt && p.clearBetween(e.end, e.end.Add(prompt)) {
			p.fail(p.t, "%s: the end of the downtime %s was told %s late", m.code, e, by)
		}
		if by > late && !p.killedBetween(e.Since, d.End.Add(prompt)) && !p.heard(m.code, e.Episode, uplink.StartLate, uplink.NotInProdsmart) {
			p.fail(p.t, "%s: the end of the downtime %s was told %s late without an event", m.code, e, by)
		}
	}
	by := d.Start.Sub(e.Since)
	if by > late && !p.killedBetween(e.Since, d.Start.Add(prompt)) && !p.heard(m.code, e.Episode, uplink.StopLate, uplink.NotInProdsmart) {
		p.fail(p.t, "%s: the downtime %s was told %s late without an event", m.code, e, by)
	}
}

// checkMissing: an episode is only missing if there was no time to tell it, and
// the gateway says so.
func (p *plant) checkMissing(m *reference, e episode) {
	end := e.end
	if end.IsZero() {
		end = time.Now()
	}
	if p.mayMiss(m, e) || p.meddled(m) {
		return
	}
	if p.clearWithin(e.Since, end) {
		p.fail(p.t, "%s: the downtime %s is missing in Prodsmart", m.code, e)
		return
	}
	if !p.killedBetween(e.Since, end.Add(prompt)) && !p.heard(m.code, e.Episode, uplink.NotInProdsmart, uplink.StopGivenUp, uplink.TakenAsTold) {
		p.fail(p.t, "%s: the downtime %s is missing in Prodsmart without an event", m.code, e)
	}
}

// meddled says that workers begin and end downtimes of the machine, too, which
// take the place of its own.
func (p *plant) meddled(m *reference) bool { return p.workerStops && m == p.machines[0] }

// String tells the episode in messages.
func (e episode) String() string {
	return fmt.Sprintf("%s (episode %d, from %s to %s)", e.Type, e.Episode, stamp(e.Since), stamp(e.end))
}

// clearBetween says that all worked from a to b.
func (p *plant) clearBetween(a, b time.Time) bool {
	return slices.ContainsFunc(p.clear, func(c span) bool {
		return !c.from.After(a) && (c.to.IsZero() || !c.to.Before(b))
	})
}

// clearWithin says that all worked for long enough at some time between a and b.
func (p *plant) clearWithin(a, b time.Time) bool {
	return slices.ContainsFunc(p.clear, func(c span) bool {
		from, to := c.from, c.to
		if a.After(from) {
			from = a
		}
		if to.IsZero() || to.After(b) {
			to = b
		}
		return to.Sub(from) >= prompt
	})
}

// killedBetween says that the gateway was dead at some time between a and b.
func (p *plant) killedBetween(a, b time.Time) bool {
	for i, l := range p.lives {
		back := time.Now()
		if i+1 < len(p.lives) {
			back = p.lives[i+1].from
		}
		if !l.to.IsZero() && !l.to.After(b) && !back.Before(a) {
			return true
		}
	}
	return false
}
