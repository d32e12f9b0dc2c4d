package plant

import (
	"math/rand/v2"
	"time"
)

// The times of the plant's own caution, all in real time.
const (
	// settleLink is how long a link must have been carrying data before
	// something happens that a gateway should see at its time.
	settleLink = 3 * time.Second
	// readable is how long a machine must have stood, in sight, before its
	// device may forget the count: several times any sampling period here.
	readable = 2 * time.Second
	// tellMargin is how long a stop goes on after the gateway could know of
	// it, so that it can be told: a few requests of other machines go first.
	tellMargin = 6 * time.Second
	// minRun is how long a machine runs between two stops, in sight.
	minRun = 4 * time.Second
	// prodsmartMargin is what a gateway needs to be back after an outage of
	// Prodsmart.
	prodsmartMargin = 8 * time.Second
)

// phase is what a machine is doing.
type phase uint8

const (
	waiting phase = iota // for somebody to read it
	running
	microstop
	stopped
	halted // after Settle; the state it had stays
)

// resetKind is how a machine's device comes to forget its counters.
type resetKind uint8

const (
	noReset    resetKind = iota
	jobReset             // a new job sets the counters back, with evidence
	download             // a new program: the sessions end, counters begin at 0
	powerCycle           // connections are reset, counters begin at 0, no evidence
	reboot               // the counter begins at 0, a boot counter goes up
)

// reason is one cause of a stop.
type reason struct {
	code int32
	kind string // downtime type
}

// design is what a machine is built as.
type design struct {
	code string
	link string
	// cycle is the time of one raw unit; each gives parts pieces.
	cycle time.Duration
	parts int64
	// scrap is the chance that a cycle gives scrap.
	scrap   float64
	waste   string // waste code; empty if scrap is not counted
	reasons []reason
	reset   resetKind
	// micro says that the machine has microstops too.
	micro bool
	// byCount says that there is no state signal: standing shows as silence.
	byCount bool
	// dead devices never answer, and nothing is made there.
	dead bool
	// total and scrapped are the device's counters at the start.
	total, scrapped uint64
}

// Stop is one stop as it truly was. End is zero while it lasts.
type Stop struct {
	Type  string        `json:"type"`
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end,omitempty"`
}

// registers are what the device shows. They wrap where the device does; here
// they count on.
type registers struct {
	total, good, scrap uint64
	job, boot          int32
	fault              int32
	run                bool
	micro              bool
	temperature        float64
	energy             float64
	zeroUntil          time.Duration // counters read 0 until then
	zeroReads          int           // and so do that many reads
	offline            bool          // the device lost its own link
}

// surroundings are what a machine's life depends on besides itself.
type surroundings struct {
	// linkSince is since when the machine's link carries data; negative if it
	// does not.
	linkSince time.Duration
	// prodsmartSince is since when Prodsmart answers; negative if it does not.
	prodsmartSince time.Duration
	// crowded says that enough other machines stopped lately.
	crowded bool
	// watched says that somebody reads the counter.
	watched bool
	// blind lets everything happen without regard to links and Prodsmart.
	blind  bool
	resets bool
	// settling asks the machine to come to a halt.
	settling bool
}

// machine is one machine. The plant's lock guards it.
type machine struct {
	design
	timing Timing
	random *rand.Rand

	reg   registers
	phase phase
	// since is when the phase began, until when it is planned to end.
	since, until time.Duration
	next         time.Duration // end of the present cycle
	watchedSince time.Duration
	lastScrap    bool
	resetDue     bool
	didReset     resetKind // to be carried out by the plant, once
	pulses       int       // parts to be told one by one

	good, scrap int64 // pieces
	cycles      uint64
	microstops  int
	resets      int
	stops       []Stop
}

func newMachine(d design, t Timing, seed uint64, index int) *machine {
	m := &machine{design: d, timing: t, random: rand.New(rand.NewPCG(seed, uint64(index)+100)), watchedSince: -1}
	m.reg = registers{total: d.total, good: d.total, scrap: d.scrapped, job: 1001, boot: 7, run: true, temperature: 180}
	return m
}

// between gives a random duration.
func (m *machine) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(m.random.Int64N(int64(high-low)))
}

// step lives up to now.
func (m *machine) step(now time.Duration, s surroundings) {
	if m.dead {
		return
	}
	switch m.phase {
	case waiting:
		m.wait(now, s)
	case running:
		m.work(now, s)
	case microstop:
		if now >= m.until || s.settling {
			m.start(now)
		}
	case stopped:
		m.stand(now, s)
	}
}

// wait begins production once the counter has been read for a while.
func (m *machine) wait(now time.Duration, s surroundings) {
	if s.settling {
		m.phase = halted
		return
	}
	if !s.blind && !s.watched {
		m.watchedSince = -1
		return
	}
	if m.watchedSince < 0 {
		m.watchedSince = now
	}
	if s.blind || now-m.watchedSince >= readable {
		m.start(now)
		// The first stops do not come all at once.
		m.until = now + m.between(m.timing.RunMin/3, m.timing.RunMax)
	}
}

func (m *machine) start(now time.Duration) {
	m.phase, m.since = running, now
	m.until = now + m.between(m.timing.RunMin, m.timing.RunMax)
	m.next = now + m.cycleTime()
	m.reg.run, m.reg.micro, m.reg.fault = true, false, 0
}

// cycleTime is the cycle with its jitter of a fifth.
func (m *machine) cycleTime() time.Duration {
	return m.between(m.cycle*4/5, m.cycle*6/5)
}

// work makes parts, and stops when the time has come and it may.
func (m *machine) work(now time.Duration, s surroundings) {
	for m.next <= now {
		at := m.next
		m.next = at + m.cycleTime()
		m.make()
		if s.settling && !m.lastScrap {
			m.halt(at)
			return
		}
	}
	m.reg.temperature += (m.random.Float64() - 0.5) * 0.1
	if now < m.until || !m.mayStop(now, s) {
		return
	}
	if m.micro && m.random.Float64() < 0.3 {
		m.phase, m.since = microstop, now
		m.until = now + m.between(m.timing.MicroMin, m.timing.MicroMax)
		m.reg.run, m.reg.micro = false, true
		m.microstops++
		return
	}
	m.stop(now)
}

// mayStop says whether a stop beginning now can be seen and told. Waste is told
// with the next good piece, so a machine never stops on scrap.
func (m *machine) mayStop(now time.Duration, s surroundings) bool {
	if m.lastScrap || s.settling {
		return false
	}
	return s.blind || (s.linkSince >= 0 && now-s.linkSince >= settleLink &&
		now-m.since >= minRun && now-s.linkSince >= minRun && !s.crowded)
}

// make is one cycle.
func (m *machine) make() {
	m.cycles++
	m.reg.total++
	m.reg.energy += 0.01
	m.pulses++
	// Not twice in a row: late waste must find a good piece to travel with.
	m.lastScrap = m.waste != "" && !m.lastScrap && m.random.Float64() < m.design.scrap
	if m.lastScrap {
		m.reg.scrap++
		m.scrap += m.parts
		return
	}
	m.reg.good++
	m.good += m.parts
}

func (m *machine) stop(now time.Duration) {
	m.phase, m.since = stopped, now
	m.until = now + m.between(m.timing.StopMin, m.timing.StopMax)
	r := m.reasons[m.random.IntN(len(m.reasons))]
	m.reg.run, m.reg.fault = false, r.code
	m.stops = append(m.stops, Stop{Type: r.kind, Start: now})
	m.resetDue = m.reset != noReset && m.random.Float64() < 0.6
}

// stand waits for the end of the stop. The device may lose its counters
// meanwhile.
func (m *machine) stand(now time.Duration, s surroundings) {
	if m.resetDue && s.resets && !s.settling && (s.blind && now-m.since >= readable || inSight(now, m.since, s.linkSince) >= readable) {
		m.forget()
	}
	if s.settling {
		m.phase = halted // it stands on, and so the stop counts
		return
	}
	if now < m.until || !s.blind && !m.told(now, s) {
		return
	}
	m.stops[len(m.stops)-1].End = now
	m.start(now)
}

// stopAfter is how long the machine must stand to be taken for stopped.
func (m *machine) stopAfter() time.Duration {
	if m.byCount {
		return m.timing.IdleAfter
	}
	return m.timing.StopAfter
}

// told says whether a gateway that works had the time to tell of the stop.
func (m *machine) told(now time.Duration, s surroundings) bool {
	if inSight(now, m.since, s.linkSince) < m.stopAfter()+tellMargin {
		return false
	}
	known := max(m.since, s.linkSince) + m.stopAfter()
	return s.prodsmartSince >= 0 && (s.prodsmartSince <= known || now-s.prodsmartSince >= prodsmartMargin)
}

// inSight is how long something that began has been there for a gateway to see.
func inSight(now, began, linkSince time.Duration) time.Duration {
	if linkSince < 0 {
		return 0
	}
	return now - max(began, linkSince)
}

// forget sets the device's counters back.
func (m *machine) forget() {
	m.resetDue = false
	m.resets++
	m.didReset = m.reset
	m.reg.total, m.reg.good, m.reg.scrap = 0, 0, 0
	switch m.reset {
	case jobReset, download:
		m.reg.job++
	case reboot:
		m.reg.boot++
	}
}

// halt ends production for good. A machine without a state signal stands from
// then on, as far as anybody can see, and that is a stop.
func (m *machine) halt(at time.Duration) {
	m.phase, m.since = halted, at
	if m.byCount {
		m.stops = append(m.stops, Stop{Type: m.reasons[0].kind, Start: at})
	}
}

// freshStop says that the machine stopped so lately that it may not have been
// told.
func (m *machine) freshStop(now time.Duration) bool {
	return m.phase == stopped && now-m.since < m.stopAfter()+tellMargin
}
