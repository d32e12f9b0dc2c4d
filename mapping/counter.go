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
	// saturatedAfter is how long a counter must stand at its end, with the
	// machine running, to be called saturated.
	saturatedAfter = time.Minute
	// rememberedKeys is how many messages are remembered to know a redelivery;
	// brokers keep fewer in flight.
	rememberedKeys = 64
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
	// Keys are the newest messages counted, for the recognition of
	// redeliveries.
	Keys []uint64 `json:"keys,omitempty"`
	// LastPulse is when the last pulse was counted.
	LastPulse time.Time `json:"last_pulse,omitzero"`
}

type pendingLevel struct {
	// Reset says that the level fits a reset (R10); else it is a jump (R11).
	Reset bool      `json:"reset"`
	First Number    `json:"first"`
	Last  Number    `json:"last"`
	Since time.Time `json:"since"`
	At    time.Time `json:"at"`
	Seen  int       `json:"seen"`
}

// counter applies the counter rules to one raw signal.
type counter struct {
	spec    *CounterSpec
	subject string // "count", "waste SCRAP"
	source  string
	rate    rate
	nominal rate
	state   *counterState

	// What follows is known since the start only.
	good         bool      // the last sample was usable
	sourceTime   time.Time // of the last accepted sample in this session
	olderSince   time.Time // samples have been older than that since
	evidenceUsed time.Time
	bit, bitSeen bool
	factor       Number // of ScaleSignal
	factorKnown  bool
	factorChange bool // in the batch being worked on
	formerFactor Number
	endSince     time.Time // standing at a saturation value
	saturated    bool
	complained   string // the last R1 complaint, so that it is made once
	heldAt       time.Time
}

// heldQuiet is how long a counter that jumps again and again is not mentioned
// again.
const heldQuiet = time.Minute

func newCounter(spec *CounterSpec, subject, source string) (*counter, error) {
	c := &counter{spec: spec, subject: subject, source: source, state: &counterState{Source: source}}
	var err error
	if c.rate, err = newRate(spec.MaxRate); err != nil {
		return nil, fmt.Errorf("%s: max_rate %w", subject, err)
	}
	if c.nominal, err = newRate(spec.NominalRate); err != nil {
		return nil, fmt.Errorf("%s: nominal_rate %w", subject, err)
	}
	c.state.Total = spec.InitialTotal
	return c, nil
}

// restore takes over a stored state. R3: another source or other rules keep the
// total and take a new baseline.
func (c *counter) restore(st *counterState, out *Outcome, t time.Time) {
	c.state = st
	if st.Source == c.source {
		return
	}
	if st.Based {
		out.event(t, "R3", c.subject, Notice,
			fmt.Sprintf("the tag or its rules changed in the configuration: the total %s is kept, and counting goes on from the next value", st.Total), st)
	}
	st.Source, st.Based, st.Pending = c.source, false, nil
	out.dirty()
}

// linkUp forgets what is only true within one session of the source.
func (c *counter) linkUp() {
	c.sourceTime, c.olderSince, c.bitSeen = time.Time{}, time.Time{}, false
}

// linkDown marks the value as of unknown age; the level stays trusted.
func (c *counter) linkDown() { c.good, c.bitSeen = false, false }

// scaled takes a new value of the scale signal. A bad one leaves the factor as
// it was.
func (c *counter) scaled(s *connectors.Sample, out *Outcome, t time.Time) {
	if s.Quality != connectors.Good {
		return
	}
	factor, err := numberOf(s.Value)
	if err != nil || factor.Sign() < 0 {
		out.event(t, "S1", c.subject, Notice, fmt.Sprintf("the scale factor %q is not a number of 0 or more: the former factor stays", shorten(s.Value.Text())), nil)
		return
	}
	if c.factorKnown && factor.Cmp(c.factor) != 0 {
		if !c.factorChange {
			c.formerFactor = c.factor
		}
		c.factorChange = true
		// After a loss the units in between would be counted with the new factor.
		out.dirty()
		out.event(t, "S1", c.subject, Info, fmt.Sprintf("the scale factor changed from %s to %s; what was counted before keeps the former", c.factor, factor), nil)
	}
	c.factor, c.factorKnown = factor, true
}

// sample applies the rules to one sample of the counter's signal. evidence is
// the time of the newest evidence of a reset, zero if there is none; sameBatch
// says that it came with this sample. It returns the raw units added.
func (c *counter) sample(t time.Time, s *connectors.Sample, evidence time.Time, sameBatch bool, latch *Number, out *Outcome) Number {
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
	st := c.state
	if !st.Based {
		return c.baseline(t, s, raw, out)
	}
	if c.older(t, s, raw, out) {
		return Number{}
	}
	if !s.SourceTime.IsZero() {
		c.sourceTime = s.SourceTime
	}
	if st.Pending == nil && raw.Cmp(st.Raw) == 0 { // R6, the usual case
		st.At = t
		return Number{}
	}
	armed := evidence.After(c.evidenceUsed) && t.Sub(evidence) <= evidenceWindow
	return c.decide(t, raw, armed, armed && sameBatch, latch, out)
}

// usable is R1 for what the source says of the sample.
func (c *counter) usable(t time.Time, s *connectors.Sample, out *Outcome) bool {
	if s.Quality == connectors.Good || (s.Quality == connectors.Uncertain && c.spec.AllowUncertain) {
		if c.spec.ScaleSignal == NoSignal || c.factorKnown {
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
	if c.complained == problem {
		return
	}
	c.complained = problem
	out.event(t, "R1", c.subject, Notice, problem+"; nothing is counted until a good value comes", c.state)
}

// baseline is R2 (and the second half of R3).
func (c *counter) baseline(t time.Time, s *connectors.Sample, raw Number, out *Outcome) Number {
	st := c.state
	st.Raw, st.At, st.Based, st.Pending = raw, t, true, nil
	c.sourceTime = s.SourceTime
	out.event(t, "R2", c.subject, Info, fmt.Sprintf("first value %s: counting starts here, at a total of %s", raw, st.Total), st)
	out.changed()
	return Number{}
}

// older is R4: a sample that is not newer than what was counted already.
func (c *counter) older(t time.Time, s *connectors.Sample, raw Number, out *Outcome) bool {
	if s.Retained && raw.Cmp(c.state.Raw) < 0 {
		out.event(t, "R4", c.subject, Info, fmt.Sprintf("the stored message %s is older than the counted %s: ignored", raw, c.state.Raw), nil)
		return true
	}
	if s.SourceTime.IsZero() || c.sourceTime.IsZero() || t.Sub(s.SourceTime).Abs() > clockTrust || !s.SourceTime.Before(c.sourceTime) {
		c.olderSince = time.Time{}
		return false
	}
	if c.olderSince.IsZero() {
		c.olderSince = t
		out.event(t, "R4", c.subject, Info, "the sample is older than the one before it: ignored", nil)
	}
	if t.Sub(c.olderSince) <= c.spec.MaxGap {
		return true
	}
	out.event(t, "R4", c.subject, Notice, fmt.Sprintf("the device's clock has been behind for %v: its times are no longer used", c.spec.MaxGap), nil)
	c.olderSince = time.Time{}
	return false
}

// decide walks the rows R5 to R11 for a value that is not simply unchanged.
func (c *counter) decide(t time.Time, raw Number, armed, sameBatch bool, latch *Number, out *Outcome) Number {
	st, spec := c.state, c.spec
	dt := t.Sub(st.At)
	if dt < 0 { // only the wall clock can go back, over a restart
		dt = spec.MaxGap
	}
	allowed := c.rate.allowed(dt, spec.Burst)
	delta := raw.Sub(st.Raw)
	if armed && c.fitsReset(raw, allowed) && (delta.Sign() < 0 || (sameBatch && dt > spec.ConfirmTime)) {
		return c.reset(t, raw, latch, out)
	}
	switch {
	case delta.Sign() == 0: // R6 after all
		c.dismiss(t, out)
		st.At = t
		return Number{}
	case delta.Sign() > 0 && delta.Cmp(allowed) <= 0:
		c.dismiss(t, out)
		if armed && sameBatch {
			out.event(t, "R7", c.subject, Info, fmt.Sprintf("there was evidence of a reset, but the counter went on from %s to %s", st.Raw, raw), nil)
		}
		c.uncertain(t, dt, delta, allowed, out)
		return c.accept(t, raw, delta, out)
	}
	if delta.Sign() < 0 {
		if added, ok := c.wrap(t, dt, raw, delta, allowed, out); ok {
			return added
		}
		if delta.Add(spec.Backstep).Sign() >= 0 { // R9
			c.dismiss(t, out)
			st.At = t
			out.event(t, "R9", c.subject, Info, fmt.Sprintf("stepped back from %s to %s, within the backstep of %s: nothing is added until it passes the old value", st.Raw, raw, spec.Backstep), st)
			return Number{}
		}
	}
	c.hold(t, raw, delta, allowed, out)
	return c.settle(t, out)
}

// fitsReset says whether the machine can have made raw since a reset.
func (c *counter) fitsReset(raw, allowed Number) bool {
	made := raw.Sub(c.spec.ResetTo)
	return made.Sign() >= 0 && made.Cmp(allowed) <= 0
}

// reset is R5: a reset that the device itself proves.
func (c *counter) reset(t time.Time, raw Number, latch *Number, out *Outcome) Number {
	st := c.state
	made := raw.Sub(c.spec.ResetTo)
	text := fmt.Sprintf("reset from %s to %s, proved by the device", st.Raw, raw)
	if latch != nil {
		if tail := latch.Sub(st.Raw); tail.Sign() > 0 && tail.Cmp(c.rate.allowed(max(t.Sub(st.At), 0), c.spec.Burst)) <= 0 {
			made = made.Add(tail)
			text += fmt.Sprintf("; the latched final value %s adds %s", latch, tail)
		}
	}
	c.evidenceUsed = t
	st.Pending = nil
	out.dirty()
	out.counted(t, "R5", c.subject, Info, text, raw, st.Raw, made)
	return c.accept(t, raw, made, out)
}

// wrap is R8.
func (c *counter) wrap(t time.Time, dt time.Duration, raw, delta, allowed Number, out *Outcome) (Number, bool) {
	spec, st := c.spec, c.state
	if spec.Modulus.IsZero() || (spec.Decrease != Wrap && spec.Decrease != WrapOrReset) {
		return Number{}, false
	}
	bound := allowed
	if spec.Decrease == WrapOrReset {
		// A reset near the top must not pass for a wrap: only what the usual
		// rate explains does.
		bound = c.nominal.allowed(dt+dt/2, spec.Burst)
	}
	made := delta.Mod(spec.Modulus)
	if made.Cmp(bound) > 0 {
		return Number{}, false
	}
	c.dismiss(t, out)
	out.dirty()
	out.counted(t, "R8", c.subject, Info, fmt.Sprintf("rolled over from %s to %s", st.Raw, raw), raw, st.Raw, made)
	c.uncertain(t, dt, made, allowed, out)
	return c.accept(t, raw, made, out), true
}

// uncertain notes that a wrapping counter was out of sight for so long that
// whole rounds may be missing; the smallest number was added.
func (c *counter) uncertain(t time.Time, dt time.Duration, added, allowed Number, out *Outcome) {
	if c.spec.Modulus.IsZero() || dt <= c.spec.MaxGap {
		return
	}
	rounds := allowed.Sub(added).Div(c.spec.Modulus).Floor()
	if rounds.Sign() <= 0 {
		return
	}
	out.counted(t, "R8", c.subject, Notice, fmt.Sprintf(
		"count uncertain: not seen for %v, in which up to %s further rounds of %s are possible; the smallest number was added",
		dt.Round(time.Second), rounds, c.spec.Modulus), c.state.Raw, c.state.Raw, added)
}

// accept moves the baseline and adds raw units to the total with the factor
// that is valid now.
func (c *counter) accept(t time.Time, raw, made Number, out *Outcome) Number {
	st := c.state
	st.Raw, st.At = raw, t
	c.endSince, c.saturated = time.Time{}, false
	if made.IsZero() {
		out.dirty()
		return made
	}
	factor := c.spec.Scale
	if c.spec.ScaleSignal != NoSignal {
		active := c.factor
		if c.factorChange && c.formerFactor.Cmp(active) < 0 {
			// The units may have been made before or after the change: the
			// smaller factor can not count too much.
			active = c.formerFactor
		}
		factor = factor.Mul(active)
	}
	st.Total = st.Total.Add(made.Mul(factor))
	out.grown()
	return made
}

// saturation is R12: called while the machine runs and the value stands.
func (c *counter) saturation(t time.Time, running bool, out *Outcome) {
	if c.saturated || !c.state.Based || !c.good || c.spec.Kind != Totaliser || c.state.Pending != nil {
		return
	}
	if !running || !c.atEnd() {
		c.endSince = time.Time{}
		return
	}
	if c.endSince.IsZero() {
		c.endSince = t
		return
	}
	if t.Sub(c.endSince) < saturatedAfter {
		return
	}
	c.saturated = true
	out.event(t, "R12", c.subject, Alarm, fmt.Sprintf(
		"counter saturated: it has stood at %s for %v while the machine runs; parts are lost until it is reset or replaced by a wider one",
		c.state.Raw, t.Sub(c.endSince).Round(time.Second)), c.state)
}

func (c *counter) atEnd() bool {
	raw := c.state.Raw
	if from := c.spec.SaturatesFrom; !from.IsZero() && raw.Cmp(from) >= 0 {
		return true
	}
	for _, end := range c.spec.SaturatesAt {
		if raw.Cmp(end) == 0 {
			return true
		}
	}
	return false
}
