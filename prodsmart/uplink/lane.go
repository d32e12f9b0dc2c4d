package uplink

import (
	"slices"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// lane is one machine's way to Prodsmart: what it should know, what it knows,
// and what stands between.
type lane struct {
	machine string
	index   int // order of arrival: spreads the phases, breaks ties
	set     Machine
	period  time.Duration
	// target is what the age of an untold change is measured by against those of
	// other machines: the period, less for a machine that is to be fresher.
	target time.Duration
	phase  time.Duration

	// record is never changed in place where somebody else may hold it: its
	// maps and slices are replaced, not written.
	record   Record
	report   prodsmart.Report
	reported bool

	// flight is the work whose answer is awaited; its seq is 0 if there is none.
	flight Work

	// The times since when something is untold; zero if nothing is.
	countSince, parameterSince, edgeSince time.Time
	// edgeKind and edgeEpisode are the start or stop that is untold since
	// edgeSince; wanted is since when the report says what it says of downtimes.
	edgeKind    kind
	edgeEpisode uint64
	wanted      time.Time
	// The ticks that were used, so that one tick makes one post.
	countTick, parameterTick time.Time

	// flush wants the counter posted directly, because a downtime just ended;
	// again wants it posted directly, because the refusal taught something.
	flush, again bool
	// hold is the end of a pause after an unclear answer, unclear their number
	// in a row.
	hold    time.Time
	unclear int
	// denied is what is known of each service that does not let the machine in,
	// tries the number of its requests that failed since the gate is shut.
	denied [3]denial
	tries  int

	parked parking // the counter, after a real refusal
	extras parking // waste and parameters, after only the bare count was taken
	// bare sends the next count alone; refusal is the text that led to it,
	// refusedWaste the waste of that post, and refusedPlain says that it carried
	// no parameters.
	bare         bool
	refusal      string
	refusedWaste []prodsmart.Waste
	refusedPlain bool
	// wasteStuck is the count + 1 at which waste alone was refused.
	wasteStuck int64
	// poison holds the waste codes that were refused by themselves; turn is the
	// code that went out last while the bad ones were sought.
	poison map[string]parking
	turn   string
	// badParameters were refused by themselves and go alone, after their pause;
	// single sends one at a time to find them.
	badParameters map[string]parking
	single        bool

	// edgeCounts is the number of lost counter posts before the stop edgeOf.
	edgeCounts int
	edgeOf     uint64
	// givenUp is the episode that no type is taken for now, missed that of which
	// this was reported, types the refused types.
	givenUp, missed uint64
	types           map[string]parking

	// riding holds parameter versions that only go out with a counter any more,
	// lost is how often they were lost.
	riding map[string]uint64
	lost   int

	// below, above, under and held remember that a condition was reported.
	below, above, under, held bool
	// released is when the order began whose backlog was released.
	released time.Time

	// plan is changed by agenda.put alone; in and place say where the agenda
	// holds it.
	plan  plan
	in    *lanes
	place int
}

// parking is a pause after refusals; it doubles with each.
type parking struct {
	until  time.Time
	times  int
	reason string
}

func (p *parking) extend(now time.Time, s Settings, reason string) {
	p.until = now.Add(doubled(s.RefusedRetry, p.times, s.RefusedMax))
	p.times++
	p.reason = reason
}

func (p parking) holds(now time.Time) bool { return p.times > 0 && now.Before(p.until) }

// kind is what a plan or a work does.
type kind uint8

const (
	idle kind = iota
	beginStop
	endStop
	tellCounter
	tellParameters
	runErrand
)

// class orders plans before their age does.
type class uint8

const (
	edge    class = iota // a stop or start, and the counter before a stop
	after                // the counter after a start
	regular              // everything else
)

// plan is the next thing a lane has to say. It holds no clock: it stays right
// until the report or the record changes.
type plan struct {
	kind   kind
	class  class
	at     time.Time // not before
	since  time.Time // untold since
	target time.Duration
}

// before says whether p is more urgent than q at the given time.
func (p plan) before(q plan, now time.Time) bool {
	if p.class != q.class {
		return p.class < q.class
	}
	if p.class == edge {
		return p.since.Before(q.since)
	}
	return p.aged(q, now)
}

// aged says whether p waits longer than q, each measured by its target.
func (p plan) aged(q plan, now time.Time) bool {
	return float64(now.Sub(p.since))*float64(q.target) > float64(now.Sub(q.since))*float64(p.target)
}

// tick is the reporting instant that serves a change at since, given the one
// that was used last. A change at the very instant of a tick belongs to it.
func (l *lane) tick(since, used time.Time) time.Time {
	at := l.tickBefore(since)
	if at.Before(since) {
		at = at.Add(l.period)
	}
	if !at.After(used) {
		at = used.Add(l.period)
	}
	return at
}

// tickBefore is the last reporting instant at or before t.
func (l *lane) tickBefore(t time.Time) time.Time {
	return t.Add(-l.phase).Truncate(l.period).Add(l.phase)
}

// known says that there is something to tell at all.
func (l *lane) known() bool {
	return l.reported && (l.report.Known || l.set.NoCounter)
}

// lostEdge is the start or stop whose answer never came.
func (l *lane) lostEdge() (Telling, bool) {
	t := l.record.Telling
	return t, t.Active && t.Service == prodsmart.StartStopService && l.flight.seq == 0
}

// goesOn says that r is the present report with a higher count or more waste,
// while a regular post of the counter is planned that tells the newest anyway:
// nothing else follows from it. A plant that counts reports this all the time.
func (l *lane) goesOn(r prodsmart.Report) bool {
	now := &l.report
	if l.plan.kind != tellCounter || l.plan.class != regular || l.flight.seq != 0 || l.parked.times > 0 ||
		l.below || l.record.Doubt.Open || r.Count < now.Count ||
		r.Known != now.Known || r.Contradiction != now.Contradiction || r.Stop != now.Stop || len(r.Parameters) != len(now.Parameters) || !sameOrder(&r, now) {
		return false
	}
	for i := range r.Parameters {
		if r.Parameters[i].Version != now.Parameters[i].Version || r.Parameters[i].Name != now.Parameters[i].Name {
			return false
		}
	}
	return true
}

// transition is the start or stop that the difference between report and told
// asks for. A start or stop of unknown outcome is settled before anything else:
// repeated if it is still wanted, ended if it is not.
func (l *lane) transition() (kind, prodsmart.Stop) {
	want := l.report.Stop
	if t, lost := l.lostEdge(); lost {
		if !t.Running && t.Stop.Episode == want.Episode {
			return beginStop, t.Stop
		}
		return endStop, t.Stop
	}
	open := l.record.Told.Stop
	switch {
	case open.Episode == 0 && l.record.Perhaps.Episode != 0 && l.record.Perhaps.Episode != want.Episode:
		return endStop, l.record.Perhaps
	case open.Episode != 0 && open.Episode != want.Episode:
		return endStop, open
	case open.Episode == 0 && want.Episode != 0 && !l.gaveUp():
		return beginStop, want
	}
	return idle, prodsmart.Stop{}
}

// gaveUp says that no type is taken now for the stop that the report shows.
func (l *lane) gaveUp() bool { return l.givenUp != 0 && l.givenUp == l.report.Stop.Episode }

// floor is the highest count that was told or may have been.
func (l *lane) floor() int64 {
	if l.record.Doubt.Open {
		return max(l.record.Told.Count, l.record.Doubt.Highest)
	}
	return l.record.Told.Count
}

// untoldCount says that the counter has something to tell, now or later.
func (l *lane) untoldCount(s Settings) bool {
	told, r := l.record.Told, l.report
	switch {
	case l.set.NoCounter || !l.known() || r.Count < l.floor():
		return false
	case !told.Counted:
		return s.FirstZero == PostZero || l.record.Doubt.Open || r.Count > 0
	case l.record.Doubt.Open || r.Count > told.Count:
		return true
	}
	return s.WasteOnly == SendWaste && l.wasteStuck != r.Count+1 && len(l.grownWaste()) > 0
}

// heldByStop says that a downtime open in Prodsmart, or perhaps open, keeps the
// counter back.
func (l *lane) heldByStop() bool {
	return l.record.Told.Stop.Episode != 0 && !l.report.Contradiction
}

// grownWaste is the waste with something new to tell. A quantity of 0 is told
// with a first count of 0 only; elsewhere it is nothing new, and a tenant that
// wants growth would refuse the count with it.
func (l *lane) grownWaste() []prodsmart.Waste {
	zeros := !l.record.Told.Counted && l.report.Count == 0
	var grown []prodsmart.Waste
	for _, w := range l.report.Waste {
		if w.Quantity > l.record.Told.Waste[w.Code] || (zeros && w.Quantity == 0) {
			grown = append(grown, w)
		}
	}
	return grown
}

// sortedWaste is the grown waste that may share a post. While extras are held
// it is one code, whose turn it is, so that the bad one is found. Later it is
// all but the bad ones; of those each goes alone when its pause is over.
func (l *lane) sortedWaste(now time.Time) (waste []prodsmart.Waste, alone bool) {
	one := l.extras.holds(now)
	var bad []prodsmart.Waste
	for _, w := range l.grownWaste() {
		p, known := l.poison[w.Code]
		switch {
		case p.holds(now):
		case known && !one:
			bad = []prodsmart.Waste{w}
		case one && len(waste) > 0 && (w.Code <= l.turn || waste[0].Code > l.turn):
		case one:
			waste = []prodsmart.Waste{w}
		default:
			waste = append(waste, w)
		}
	}
	switch _, again := l.poison[l.turn]; {
	case one && len(waste) > 0:
		l.turn = waste[0].Code
	case len(bad) > 0 && (len(waste) == 0 || !again):
		l.turn = bad[0].Code
		return bad, true
	case !one:
		l.turn = "" // a bad one may be next
	}
	return waste, one
}

// sharedParameters are those with something new to tell that may share a post:
// none of them was refused by itself.
func (l *lane) sharedParameters(alone bool) []prodsmart.Parameter {
	return slices.DeleteFunc(l.newParameters(alone), func(p prodsmart.Parameter) bool { return l.badParameters[p.Name].times > 0 })
}

// refusedParameter is the one with something new to tell whose pause ends first,
// of those that were refused by themselves.
func (l *lane) refusedParameter() (first prodsmart.Parameter, until time.Time) {
	for _, p := range l.newParameters(true) {
		if bad := l.badParameters[p.Name]; bad.times > 0 && (until.IsZero() || bad.until.Before(until)) {
			first, until = p, bad.until
		}
	}
	return first, until
}

// loneParameters are those of a post of their own: all that share one, or the
// first of them while the bad one is sought, or else one that was refused before.
func (l *lane) loneParameters() []prodsmart.Parameter {
	if shared := l.sharedParameters(true); len(shared) > 0 {
		if l.single {
			return shared[:1]
		}
		return shared
	}
	first, _ := l.refusedParameter()
	return []prodsmart.Parameter{first}
}

// newParameters are those with a version that was not told. alone leaves out
// those that only ride along with a counter.
func (l *lane) newParameters(alone bool) []prodsmart.Parameter {
	var fresh []prodsmart.Parameter
	for _, p := range l.report.Parameters {
		if p.Version == 0 || p.Version == l.record.Told.Parameters[p.Name] {
			continue
		}
		if alone && p.Version == l.riding[p.Name] {
			continue
		}
		fresh = append(fresh, p)
	}
	return fresh
}
