package config

import (
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// pace is what a counter inherits if it says nothing of its own rate.
type pace struct {
	max, nominal mapping.Number
	// assumed says that nothing was known and 10/s was taken.
	assumed bool
}

func (b *builder) idealPace() pace {
	cycle := b.spec.IdealCycle
	if cycle <= 0 {
		ten := mapping.Whole(10)
		return pace{max: ten, nominal: ten.Div(mapping.Whole(3)), assumed: true}
	}
	nominal := mapping.Ratio(int64(time.Second), int64(cycle))
	return pace{max: nominal.Mul(mapping.Whole(3)), nominal: nominal}
}

func (b *builder) count() {
	n := b.v.child("count")
	if n == nil {
		return
	}
	l := b.l
	v := l.view(n, b.v.object.index["count"].sub)
	counter, ok := b.counter(v, b.idealPace(), "count")
	if !v.has("is") && n.kind == mapNode && !v.wrong {
		l.badKey(n, "it is not said what the device counts; write is: good for good pieces, or is: total for all pieces with the rejects")
		ok = false
	}
	if !ok {
		return
	}
	b.spec.Count = &mapping.CountSpec{CounterSpec: counter, Is: quantity(v.text("is")), Post: l.site.countIs}
	if n.kind == scalarNode {
		l.bad(n, "it is not said what the device counts; write {tag: "+quote(n.text)+", is: good} or is: total")
	}
	if b.v.has("waste") || !v.valid("is") {
		return
	}
	switch {
	case b.spec.Count.Is == mapping.TotalParts && l.site.countIs == mapping.GoodParts:
		l.warn(v.at("is"), "the device counts all pieces, Prodsmart good ones, and no waste is read: the quality will read 100 %; map waste, or leave it as it is if rejects are entered by hand")
	case b.spec.Count.Is == mapping.GoodParts && l.site.countIs == mapping.TotalParts:
		l.warn(v.at("is"), "the device counts good pieces, Prodsmart all of them, and no waste is read: the total will miss the rejects; map waste")
	}
}

func (b *builder) waste() {
	n := b.v.child("waste")
	if n == nil {
		return
	}
	l := b.l
	standard := b.idealPace()
	if b.spec.Count != nil {
		standard = pace{max: b.spec.Count.MaxRate, nominal: b.spec.Count.NominalRate}
	}
	entries := l.entriesOf(n, "waste codes")
	if !b.v.has("count") && len(entries) > 0 {
		l.badKey(n, "waste is told together with the count, and no count is read; map count as well")
	}
	for _, e := range entries {
		if l.badCode(e.key, "the waste code") {
			continue
		}
		v := l.view(e.value, b.v.object.index["waste"].sub)
		if counter, ok := b.counter(v, standard, "waste "+e.key.text); ok {
			b.spec.Waste = append(b.spec.Waste, mapping.WasteSpec{Code: e.key.text, CounterSpec: counter})
		}
	}
}

// counter reads one counter. ok is false if it can not be used.
func (b *builder) counter(v *view, standard pace, subject string) (mapping.CounterSpec, bool) {
	l := b.l
	c := mapping.CounterSpec{
		Signal: b.signal(v, v.text("pulse") != ""), Scale: v.number("scale"), ScaleSignal: b.tagOf(v, "scale_tag"),
		Modulus: v.number("wraps_at"), ResetTo: v.number("reset_to"), Burst: v.number("burst"),
		ConfirmUp: v.whole("confirm_up"), ConfirmDown: v.whole("confirm_down"), ConfirmTime: v.duration("confirm_time"),
		Backstep: v.number("backstep"), MinCycle: v.duration("min_cycle"), Latch: b.tagOf(v, "latch"),
		AllowUncertain: v.truth("allow_uncertain"), InitialTotal: v.number("initial_total"),
	}
	switch v.text("pulse") {
	case "edge":
		c.Kind = mapping.Edges
	case "message":
		c.Kind = mapping.Messages
	}
	if v.text("on_jump") == "accept" {
		c.OnJump = mapping.Accept
	}
	switch {
	case v.valid("wraps_at") && v.truth("resets"):
		c.Decrease = mapping.WrapOrReset
	case v.valid("wraps_at"):
		c.Decrease = mapping.Wrap
	case v.truth("resets"):
		c.Decrease = mapping.Reset
	}
	b.rates(&c, v, standard)
	b.pulse(&c, v)
	b.bounds(&c, v)
	b.combinations(&c, v)
	if minus := v.child("minus"); minus != nil {
		sub := l.view(minus, v.object.index["minus"].sub)
		other, ok := b.counter(sub, pace{max: c.MaxRate, nominal: c.NominalRate}, "")
		if ok && other.Signal == c.Signal {
			l.bad(sub.at("tag"), "the same tag is taken away from itself; minus is another counter")
		}
		c.Minus = &other
	}
	if subject != "" {
		b.claim(c.Signal, subject, v.at("tag"))
	}
	return c, c.Signal != mapping.NoSignal && !v.wrong
}

// rates settles max_rate, nominal_rate and max_gap.
func (b *builder) rates(c *mapping.CounterSpec, v *view, standard pace) {
	l := b.l
	c.MaxRate, c.NominalRate = standard.max, standard.nominal
	if v.valid("max_rate") {
		c.MaxRate = v.rate("max_rate")
		if c.MaxRate.Sign() <= 0 {
			l.bad(v.at("max_rate"), "the rate must be greater than 0")
			c.MaxRate = standard.max
		}
		if b.spec.IdealCycle <= 0 || c.NominalRate.Cmp(c.MaxRate) > 0 {
			c.NominalRate = c.MaxRate.Div(mapping.Whole(3))
		}
		ideal := b.idealPace()
		if !ideal.assumed && c.MaxRate.Cmp(ideal.nominal) < 0 && v.object.index["is"] != nil {
			l.bad(v.at("max_rate"), "it is below one piece in an ideal_cycle of "+b.spec.IdealCycle.String()+": parts would be taken for jumps; give the physical peak, or leave it out for three times the ideal rate")
		}
	} else if standard.assumed && v.node != nil && !v.wrong && c.Kind == mapping.Totaliser && v.text("pulse") == "" {
		l.warn(v.node, "neither max_rate nor ideal_cycle is given; 10/s is taken for the physical peak: faster counters lose parts, slower ones believe too large jumps")
	}
	if v.valid("nominal_rate") {
		c.NominalRate = v.rate("nominal_rate")
		switch {
		case c.NominalRate.Sign() <= 0:
			l.bad(v.at("nominal_rate"), "the rate must be greater than 0")
			c.NominalRate = standard.nominal
		case c.NominalRate.Cmp(c.MaxRate) > 0:
			l.bad(v.at("nominal_rate"), "the usual rate is above max_rate; max_rate is the physical peak")
		}
	}
	c.MaxGap = 24 * time.Hour
	if !c.Modulus.IsZero() {
		third := c.Modulus.Div(c.MaxRate).Div(mapping.Whole(3)).Mul(mapping.Whole(int64(time.Second)))
		c.MaxGap = min(c.MaxGap, time.Duration(third.Int64()))
	}
	if v.valid("max_gap") {
		c.MaxGap = v.duration("max_gap")
	}
}

// pulse checks what makes sense for pulses only, and what does not.
func (b *builder) pulse(c *mapping.CounterSpec, v *view) {
	l := b.l
	if c.Kind == mapping.Totaliser {
		if v.valid("min_cycle") && !v.has("pulse") {
			l.badKey(v.at("min_cycle"), "min_cycle is for pulses; set pulse, or remove it")
		}
		return
	}
	kind := v.text("type")
	switch {
	case c.Kind == mapping.Edges && isFloat(kind):
		l.bad(v.at("type"), "an edge is the change of a bit, and "+kind+" is none; use type bool, or bit with an integer type")
	case c.Kind == mapping.Edges && !v.has("bit") && kind != "" && !isBool(kind):
		l.bad(v.at("type"), "an edge is the change of a bit, and "+quote(kind)+" is none; use type bool, or add bit")
	}
	for _, key := range []string{"wraps_at", "resets", "reset_to", "backstep", "on_jump", "latch"} {
		if v.has(key) {
			l.badKey(v.at(key), key+" does not go with pulse: a pulse has no value that could fall or jump")
		}
	}
	if c.Signal == mapping.NoSignal {
		return
	}
	connection := l.connections[b.spec.Signals[c.Signal].Connection]
	if c.Kind == mapping.Messages && connection.Kind != KindMQTT {
		l.bad(v.at("pulse"), "messages exist on MQTT connections only, and "+connection.Name+" is "+connection.Kind+"; use pulse: edge")
	}
	if c.Kind == mapping.Edges && connection.Kind == KindModbus {
		l.warn(v.at("pulse"), "a polled bit misses pulses shorter than the polling period, and all pulses of an outage; a counter in the PLC is safer")
	}
}

// bounds settles where the counter ends, and compares it with its type.
func (b *builder) bounds(c *mapping.CounterSpec, v *view) {
	l := b.l
	one := mapping.Whole(1)
	kind := v.text("type")
	if kind == "" && c.Signal != mapping.NoSignal && l.connections[b.spec.Signals[c.Signal].Connection].Kind == KindModbus {
		kind = "uint16"
	}
	limit, known := typeLimit(kind)
	last := c.Modulus.Sub(one)
	if v.valid("wraps_at") {
		switch {
		case c.Modulus.Floor().Cmp(c.Modulus) != 0:
			l.bad(v.at("wraps_at"), "expected a whole number, got "+v.at("wraps_at").noun())
		case isBool(kind):
			l.bad(v.at("wraps_at"), "a bool does not count; choose an integer type")
		case known && last.Cmp(limit) > 0:
			hint := "; the largest value of " + kind + " is " + limit.String()
			if lower := strings.ToLower(kind); lower == "int16" || lower == "int32" {
				hint += ": read it as u" + lower
			}
			l.bad(v.at("wraps_at"), "a counter of type "+kind+" never gets there"+hint)
		case endsBelow(c.Modulus):
			l.warn(v.at("wraps_at"), "it is the number of values, one more than the highest; did you mean "+c.Modulus.Add(one).String()+"?")
		}
	}
	if c.Kind != mapping.Totaliser {
		return
	}
	if c.Signal != mapping.NoSignal && b.isBit(c.Signal) {
		l.bad(v.at("tag"), "the tag is a bit, and a bit does not count; add pulse: edge to count its changes to true")
	}
	ends := []mapping.Number{limit}
	if !known {
		ends = []mapping.Number{mapping.Whole(1<<15 - 1), mapping.Whole(1<<16 - 1), mapping.Whole(1<<31 - 1), mapping.Whole(1<<32 - 1)}
	}
	if isFloat(kind) || isBool(kind) {
		ends = nil
	}
	for _, end := range ends {
		if !v.valid("wraps_at") || end.Cmp(last) != 0 {
			c.SaturatesAt = append(c.SaturatesAt, end)
		}
	}
	if kind == "float32" || kind == "Float" || kind == "float" {
		c.SaturatesFrom = mapping.Whole(1 << 24)
	}
}

// endsBelow knows the highest values of usual counters, which are easily
// written instead of the number of values.
func endsBelow(n mapping.Number) bool {
	for _, highest := range []int64{999, 9999, 99_999, 999_999, 32_767, 65_535, 1<<31 - 1, 1<<32 - 1} {
		if n.Cmp(mapping.Whole(highest)) == 0 {
			return true
		}
	}
	return false
}

// combinations finds settings that contradict each other.
func (b *builder) combinations(c *mapping.CounterSpec, v *view) {
	l := b.l
	if v.valid("scale") && c.Scale.Sign() <= 0 {
		l.bad(v.at("scale"), "the scale must be greater than 0, got "+v.at("scale").noun())
	}
	if v.valid("initial_total") && c.InitialTotal.Floor().Cmp(c.InitialTotal) != 0 {
		l.bad(v.at("initial_total"), "expected whole pieces, got "+v.at("initial_total").noun())
	}
	if c.Kind != mapping.Totaliser {
		return
	}
	if !v.truth("resets") && !v.wrong {
		for _, key := range []string{"reset_to", "latch"} {
			if v.has(key) {
				l.badKey(v.at(key), key+" says what happens at a reset, and resets is not true; set resets: true, or remove it")
			}
		}
	}
	if v.truth("resets") && c.OnJump == mapping.Accept {
		l.badKey(v.at("on_jump"), "on_jump: accept does not go with resets: true: after a glitch to 0 the whole counter would be added again; use rebase")
	}
	if v.valid("reset_to") && v.valid("wraps_at") && c.ResetTo.Cmp(c.Modulus) >= 0 {
		l.bad(v.at("reset_to"), "the value after a reset is beyond wraps_at")
	}
	if v.valid("backstep") && v.valid("wraps_at") && c.Backstep.Cmp(c.Modulus) >= 0 {
		l.bad(v.at("backstep"), "the fall allowed is as large as the counter; it is meant for a few pieces")
	}
}
