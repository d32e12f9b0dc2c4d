package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

func (b *builder) state() {
	b.spec.State = mapping.StateSpec{Signal: mapping.NoSignal}
	n := b.v.child("state")
	if n == nil {
		return
	}
	l := b.l
	v := l.view(n, b.v.object.index["state"].sub)
	s := &b.spec.State
	s.StopAfter, s.RunAfter = v.duration("stop_after"), v.duration("run_after")
	s.RunCounts, s.SplitReasons = v.whole("run_counts"), v.truth("split_reasons")
	s.IdleAfter = v.duration("idle_after")
	b.stateWord(v)
	b.stateConditions(v)
	b.stateIdle(v)
	word := v.has("running") || v.has("packml") || v.has("stopped") || v.has("tag")
	condition := v.has("running_when")
	if v.node.kind == mapNode && !v.wrong && !word && !condition && !v.has("idle_after") && !v.has("stopped_when") {
		l.badKey(n, "it is not said when the machine runs; give running with tag, or running_when, or idle_after")
	}
	if v.valid("run_counts") && s.RunCounts > 0 && !b.v.has("count") {
		l.badKey(v.at("run_counts"), "run_counts needs a counter, and no count is read; map count, or remove it")
	}
}

// meaning collects what the values of a state word mean.
type meaning struct {
	b      *builder
	values map[string]mapping.StateValue
	given  map[string]*node
}

func (m *meaning) add(n *node, state mapping.StateValue) {
	text, problem := deviceText(n)
	if problem != "" {
		m.b.l.bad(n, problem)
		return
	}
	if first := m.given[text]; first != nil {
		m.b.l.bad(n, "the value "+quote(text)+" has a meaning already, in "+first.path()+" (line "+lineOf(first)+")")
		return
	}
	m.given[text] = n
	m.values[text] = state
}

func (m *meaning) list(n *node, state mapping.StateValue) {
	items := itemsOf(n)
	if n != nil && !n.dead && len(items) == 0 {
		m.b.l.bad(n, "the list is empty; give values or remove the key")
	}
	for _, item := range items {
		m.add(item, state)
	}
}

func (m *meaning) types(n *node, what string, state mapping.Canonical) {
	for _, e := range m.b.l.entriesOf(n, "downtime types to values, such as {"+what+": [4, 5]}") {
		if !m.b.l.badCode(e.key, "the downtime type") {
			m.list(e.value, mapping.StateValue{State: state, Type: e.key.text})
		}
	}
}

// stateWord reads the meanings of a state word or run bit.
func (b *builder) stateWord(v *view) {
	l := b.l
	keys := []string{"running", "stopped", "setup", "planned", "unknown", "packml", "otherwise"}
	if !slices.ContainsFunc(keys, v.has) {
		if v.has("tag") && !v.wrong {
			l.badKey(v.at("tag"), "it is not said which values of the tag mean running; give running, such as true or [6]")
		}
		return
	}
	m := &meaning{b: b, values: map[string]mapping.StateValue{}, given: map[string]*node{}}
	m.list(v.child("running"), mapping.StateValue{State: mapping.Running})
	if stopped := v.child("stopped"); stopped != nil && stopped.kind == mapNode {
		m.types(stopped, "FAULT", mapping.Stopped)
	} else {
		m.list(stopped, mapping.StateValue{State: mapping.Stopped})
	}
	m.types(v.child("setup"), "SETUP", mapping.Setup)
	m.types(v.child("planned"), "BREAK", mapping.Planned)
	m.list(v.child("unknown"), mapping.StateValue{})
	s := &b.spec.State
	s.Otherwise = mapping.Stopped
	switch {
	case v.text("otherwise") == "running":
		s.Otherwise = mapping.Running
	case v.text("otherwise") == "unknown", v.has("packml") && !v.has("otherwise"):
		s.Otherwise = mapping.Unknown
	}
	if v.valid("packml") {
		b.packml(v, m)
	} else if !v.has("running") && s.Otherwise != mapping.Running && !v.wrong {
		l.badKey(v.node, "no value means running; give running, such as true or [6], or otherwise: running")
	}
	if !v.has("packml") {
		m.twins()
	}
	s.Values = m.values
	s.Signal = b.signal(v, false)
}

// twins lets 1 mean true and 0 mean false, and the other way round: a bit comes
// as either, depending on where it is read.
func (m *meaning) twins() {
	for _, pair := range [][2]string{{"true", "1"}, {"false", "0"}} {
		for i, text := range pair {
			state, ok := m.values[text]
			if _, other := m.values[pair[1-i]]; ok && !other && m.given[pair[1-i]] == nil {
				m.values[pair[1-i]] = state
				break
			}
		}
	}
}

func lineOf(n *node) string {
	parts := strings.Split(n.pos.String(), ":")
	return parts[len(parts)-2]
}

// identifier finds the names an expression may use; texts in quotes are taken
// out before.
var (
	identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	quotedText = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

func exprWord(name string) bool {
	switch name {
	case "in", "and", "or", "not", "true", "false", "nil", "abs", "matches", "contains", "startsWith", "endsWith", "let", "if", "else":
		return true
	}
	return false
}

// stateConditions reads running_when and stopped_when.
func (b *builder) stateConditions(v *view) {
	l := b.l
	s := &b.spec.State
	var names []string
	ok := true
	for _, e := range l.entriesOf(v.child("inputs"), "names to tags") {
		if !isName(e.key.text) || exprWord(e.key.text) {
			l.bad(e.key, "the name of an input has letters, digits and _ only, begins with a letter and is no word of the expressions, got "+quote(e.key.text))
			ok = false
			continue
		}
		names = append(names, e.key.text)
		signal := b.signal(l.view(e.value, v.object.index["inputs"].sub), false)
		s.Inputs = append(s.Inputs, mapping.Input{Name: e.key.text, Signal: signal})
		if !inputUsed(e.key.text, v.text("running_when"), v.text("stopped_when")) && v.has("running_when") {
			l.warn(e.value, "the input is used neither in running_when nor in stopped_when")
		}
	}
	if v.has("inputs") && !v.has("running_when") && !v.has("stopped_when") {
		l.badKey(v.at("inputs"), "the inputs are for running_when, which is not given; add it, or remove inputs")
	}
	if v.has("stopped_when") && !v.has("running_when") {
		l.badKey(v.at("stopped_when"), "stopped_when does not go without running_when; add it")
	}
	if !v.has("running_when") {
		return
	}
	for _, key := range []string{"running", "packml", "stopped", "tag"} {
		if v.has(key) {
			l.badKey(v.at(key), key+" and running_when both say when the machine runs; use one of them")
			break
		}
	}
	if ok {
		s.RunningWhen = b.expression(v, "running_when", names)
		s.StoppedWhen = b.expression(v, "stopped_when", names)
	}
}

func inputUsed(name string, sources ...string) bool {
	for _, source := range sources {
		if slices.Contains(identifier.FindAllString(quotedText.ReplaceAllString(source, ""), -1), name) {
			return true
		}
	}
	return false
}

func (b *builder) expression(v *view, key string, names []string) *mapping.Expr {
	if !v.valid(key) {
		return nil
	}
	source := v.text(key)
	memo := source + "\x00" + strings.Join(names, "\x00")
	if known := b.l.exprs[memo]; known != nil {
		return known
	}
	compiled, err := mapping.CompileExpr(source, names)
	if err != nil {
		hint := ""
		for _, word := range identifier.FindAllString(quotedText.ReplaceAllString(source, ""), -1) {
			if !slices.Contains(names, word) && !exprWord(word) {
				hint = didYouMean(word, names)
				break
			}
		}
		if len(names) == 0 {
			hint = "; the names come from inputs, which is missing: inputs: {power: {tag: …}}"
		}
		b.l.bad(v.at(key), "the condition is not understood: "+err.Error()+hint)
		return nil
	}
	b.l.exprs[memo] = compiled
	return compiled
}

// stateIdle reads idle_after and its influence on the debounce.
func (b *builder) stateIdle(v *view) {
	s := &b.spec.State
	if !v.valid("idle_after") {
		return
	}
	if !b.v.has("count") {
		b.l.badKey(v.at("idle_after"), "idle_after watches the counter, and no count is read; map count, or use running")
		return
	}
	if cycle := b.spec.IdealCycle; cycle > 0 && s.IdleAfter <= cycle {
		b.l.bad(v.at("idle_after"), "it is not longer than the ideal_cycle of "+cycle.String()+": the machine would stand after every part; three to five cycles are usual")
	}
	if s.Values == nil && s.RunningWhen == nil {
		if !v.has("stop_after") {
			s.StopAfter = 0
		}
		if !v.has("run_after") {
			s.RunAfter = 0
		}
	}
	if s.StopAfter > 24*time.Hour {
		s.StopAfter = 24 * time.Hour
	}
}
