package mapping

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The fixed times of the counter rules.
const (
	// evidenceWindow is how long evidence of a reset waits for the counter to
	// fall: devices change the job number and the counter in different scans.
	evidenceWindow = 10 * time.Second
	// clockTrust is how far a source's clock may be off for its times to order
	// samples.
	clockTrust = 5 * time.Minute
	// settling is how long after a link came up the sources of one machine may
	// take to say what they have to say.
	settling = 10 * time.Second
	// rememberedKeys is how many messages are remembered to know a redelivery;
	// brokers keep fewer in flight.
	rememberedKeys = 256
)

// counterState is what a counter must not forget. All of it is on disk before
// anything that follows from it is told.
type counterState struct {
	// Source identifies the tag and the rules the raw value was read with.
	Source string `json:"source"`
	// Based says that Raw and At hold a trusted level.
	Based bool      `json:"based"`
	Raw   Number    `json:"raw"`
	At    time.Time `json:"at,omitzero"`
	// Total is the exact sum in pieces, the remainder of scaling included.
	Total Number `json:"total"`
	// Pending is a level that was seen but is not believed yet.
	Pending *pendingLevel `json:"pending,omitempty"`
	// Left is the level that was given up without proof for the present one.
	Left *leftLevel `json:"left,omitempty"`
	// Factor is the least value of the scale signal since At; nil if it was
	// never read.
	Factor *Number `json:"factor,omitempty"`
	// Latch is the last value of the latch signal; nil if it was never read.
	Latch *Number `json:"latch,omitempty"`
	// Keys are the newest messages counted, for the recognition of
	// redeliveries.
	Keys []uint64 `json:"keys,omitempty"`
	// LastPulse is when the last pulse was counted.
	LastPulse time.Time `json:"last_pulse,omitzero"`
}

// counter applies the counter rules to one raw signal.
type counter struct {
	spec    *CounterSpec
	subject string // "count", "waste SCRAP"
	source  string
	rate    rate
	nominal rate
	state   counterState
	// ends says that it has values at which it stands still for good.
	ends bool

	// What follows is known since the start only.
	good         bool      // the last sample was usable
	sourceTime   time.Time // of the last accepted sample in this session, if it can be trusted
	olderSince   time.Time // samples have been older than that since
	evidenceUsed time.Time
	latchedAt    time.Time // the latch signal changed; zero once that was used
	bit, bitSeen bool
	factor       Number // of ScaleSignal
	factorKnown  bool
	factorDue    time.Time          // until then the factor of a new session is waited for
	waiting      *connectors.Sample // that waits for the factor; nil if none
	waitingAt    time.Time
	window       window
	endSince     time.Time // standing at a saturation value
	saturated    bool
	complained   string            // the last R1 complaint, so that it is made once
	announced    bool              // the pending level was mentioned
	below        bool              // within the backstep below the level
	mentioned    *[topics]mentions // nil as long as nothing was
}

// topic is something that can happen again and again; the journal hears of it
// at most maxMentions times in quietFor.
type topic uint8

const (
	aboutQuality topic = iota
	aboutAge
	aboutLevels
	aboutBackstep
	aboutFactor
	aboutEvidence
	topics
)

const (
	quietFor    = 10 * time.Minute
	maxMentions = 5
)

// mentions are those of one topic since the quiet began to count.
type mentions struct {
	since time.Time
	n     int
}

// may says whether there may be another mention, and takes it that it is made.
func (m *mentions) may(t time.Time) bool { return m.count(t) <= maxMentions }

// count is the number of mentions with the one that is made now.
func (m *mentions) count(t time.Time) int {
	if since := t.Sub(m.since); m.since.IsZero() || since < 0 || since >= quietFor {
		*m = mentions{since: t}
	}
	m.n++
	return m.n
}

func (c *counter) may(t time.Time, about topic) bool {
	if c.mentioned == nil {
		c.mentioned = &[topics]mentions{}
	}
	return c.mentioned[about].may(t)
}

func newCounter(spec *CounterSpec, subject, source string) (*counter, error) {
	c := &counter{spec: spec, subject: subject, source: source, state: counterState{Source: source}}
	var err error
	if c.rate, err = newRate(spec.MaxRate); err != nil {
		return nil, fmt.Errorf("%s: max_rate %w", subject, err)
	}
	if c.nominal, err = newRate(spec.NominalRate); err != nil {
		return nil, fmt.Errorf("%s: nominal_rate %w", subject, err)
	}
	c.state.Total = spec.InitialTotal
	c.ends = len(spec.SaturatesAt) > 0 || !spec.SaturatesFrom.IsZero()
	return c, nil
}

// restore takes over a stored state. R3: another source or other rules keep the
// total and take a new baseline.
func (c *counter) restore(st *counterState, out *Outcome, t time.Time) {
	c.state = *st
	st = &c.state
	if extra := len(st.Keys) - rememberedKeys; extra > 0 {
		st.Keys = st.Keys[extra:]
	}
	if st.Factor != nil {
		c.factor, c.factorKnown = *st.Factor, true
	}
	if st.Source == c.source {
		return
	}
	if st.Based {
		out.event(t, "R3", c.subject, Notice,
			fmt.Sprintf("the tag or its rules changed in the configuration: the total %s is kept, and counting goes on from the next value", st.Total), st)
	}
	st.Source, st.Based, st.Pending, st.Left, st.Latch = c.source, false, nil, nil, nil
	out.dirty()
}

// linkUp forgets what is only true within one session of the source.
func (c *counter) linkUp() {
	c.sourceTime, c.olderSince, c.good, c.bitSeen = time.Time{}, time.Time{}, false, false
}

// linkDown marks the value as of unknown age; the level stays trusted.
func (c *counter) linkDown() { c.good, c.bitSeen, c.waiting = false, false, nil }

// sample applies the rules to one sample of the counter's signal. evidence is
// the time of the newest evidence of a reset, zero if there is none; sameBatch
// says that it came with this sample. It returns the raw units added.
func (c *counter) sample(t time.Time, s *connectors.Sample, evidence time.Time, sameBatch bool, out *Outcome) Number {
	if !c.usable(t, s, out) {
		return Number{}
	}
	switch c.spec.Kind {
	case Edges:
		return c.edge(t, s, out)
	case Messages:
		return c.message(t, s, out)
	}
	raw, err := numberOf(s.Value)
	if problem := c.implausible(raw, err); problem != "" {
		c.complain(t, problem, out)
		return Number{}
	}
	c.good, c.complained = true, ""
	st := &c.state
	if !st.Based {
		return c.baseline(t, s, raw, out)
	}
	if c.older(t, s, raw, out) {
		c.good = false // a sign of life would vouch for another value than the level
		return Number{}
	}
	c.noteSourceTime(t, s)
	if st.Pending == nil && raw.Cmp(st.Raw) == 0 { // R6, the usual case
		c.below = false
		if !s.Retained {
			c.still(t)
		}
		return Number{}
	}
	at := st.At
	armed := evidence.After(c.evidenceUsed) && t.Sub(evidence) <= evidenceWindow
	made := c.decide(t, raw, armed, armed && sameBatch, out)
	if s.Retained {
		st.At = at // a stored value may be of any time since
	}
	return made
}

// still notes that the level had not changed at t. What a stalled connection
// held back, or a server's present value behind its old one, comes directly after
// it and was made before.
func (c *counter) still(t time.Time) {
	c.spend(t, t.Sub(c.state.At), Number{})
	c.seenAt(t)
}

// seenAt notes that the level was true at t: what comes is made after it, and
// with the present factor.
func (c *counter) seenAt(t time.Time) {
	c.state.At = t
	if c.spec.ScaleSignal != NoSignal {
		c.useFactor()
	}
}

// usable is R1 for what the source says of the sample.
func (c *counter) usable(t time.Time, s *connectors.Sample, out *Outcome) bool {
	if s.Quality == connectors.Good || (s.Quality == connectors.Uncertain && c.spec.AllowUncertain) {
		if c.spec.ScaleSignal == NoSignal {
			return true
		}
		if c.spec.Kind == Totaliser && t.Before(c.factorDue) {
			waiting := *s
			c.good, c.waiting, c.waitingAt = false, &waiting, t // the number does not run away
			return false
		}
		if c.factorKnown {
			return true
		}
		c.complain(t, "the scale factor was not read yet", out)
		return false
	}
	reason := s.Reason
	if reason == "" {
		reason = "no reason given"
	}
	c.bitSeen = false
	c.complain(t, "quality "+s.Quality.String()+": "+reason, out)
	return false
}

// implausible is R1 for the value itself; empty if there is nothing wrong.
func (c *counter) implausible(raw Number, err error) string {
	switch {
	case err != nil:
		return "the value " + err.Error()
	case raw.Sign() < 0 && c.spec.Modulus.IsZero():
		return "the value is negative, which a counter that does not wrap can not be"
	case !c.spec.Modulus.IsZero() && raw.Cmp(c.spec.Modulus) >= 0:
		return "the value lies above the modulus " + c.spec.Modulus.String() + ": check wraps_at"
	}
	return ""
}

func (c *counter) complain(t time.Time, problem string, out *Outcome) {
	c.good = false
	if c.complained == problem || !c.may(t, aboutQuality) {
		return
	}
	c.complained = problem
	out.event(t, "R1", c.subject, Notice, problem+"; nothing is counted until a good value comes", &c.state)
}

// baseline is R2 (and the second half of R3).
func (c *counter) baseline(t time.Time, s *connectors.Sample, raw Number, out *Outcome) Number {
	st := &c.state
	st.Raw, st.Based, st.Pending = raw, true, nil
	c.seenAt(t)
	c.noteSourceTime(t, s)
	out.event(t, "R2", c.subject, Info, fmt.Sprintf("first value %s: counting starts here, at a total of %s", raw, st.Total), st)
	out.changed()
	return Number{}
}

// trusted says whether a source's time is near enough to the gateway's to order
// samples.
func trusted(t time.Time, s *connectors.Sample) bool {
	return !s.SourceTime.IsZero() && t.Sub(s.SourceTime).Abs() <= clockTrust
}

func (c *counter) noteSourceTime(t time.Time, s *connectors.Sample) {
	if trusted(t, s) {
		c.sourceTime = s.SourceTime
	}
}

// older is R4: a sample that is not newer than what was counted already.
func (c *counter) older(t time.Time, s *connectors.Sample, raw Number, out *Outcome) bool {
	if (s.Retained || s.Redelivered) && raw.Cmp(c.state.Raw) < 0 {
		if c.may(t, aboutAge) {
			kind := map[bool]string{true: "stored", false: "repeated"}[s.Retained]
			out.event(t, "R4", c.subject, Info, fmt.Sprintf("the %s message %s is older than the counted %s: ignored", kind, raw, c.state.Raw), nil)
		}
		return true
	}
	if c.sourceTime.IsZero() || !trusted(t, s) || !s.SourceTime.Before(c.sourceTime) {
		c.olderSince = time.Time{}
		return false
	}
	if c.olderSince.IsZero() {
		c.olderSince = t
		if c.may(t, aboutAge) {
			out.event(t, "R4", c.subject, Info, "the sample is older than the one before it: ignored", nil)
		}
	}
	if t.Sub(c.olderSince) <= c.spec.MaxGap {
		return true
	}
	out.event(t, "R4", c.subject, Notice, fmt.Sprintf("the device's clock has been behind for %v: its times are no longer used", c.spec.MaxGap), nil)
	c.olderSince = time.Time{}
	return false
}
