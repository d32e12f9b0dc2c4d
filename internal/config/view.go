package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// view is a map of the file that was checked against its object. Its getters
// give what was written or, for a key that is missing or wrong, the default.
type view struct {
	node   *node
	object *object
	values map[string]value
	nodes  map[string]*node
	// wrong says that something in it was reported already.
	wrong bool
}

// view checks a node against an object and reports everything that is wrong in
// it, nested objects excepted: those are viewed by whoever needs them.
func (l *loader) view(n *node, o *object) *view {
	v := &view{node: n, object: o, values: map[string]value{}, nodes: map[string]*node{}}
	if n == nil {
		return v
	}
	if n.dead {
		v.wrong = true
		return v
	}
	if n.kind == scalarNode && o.short != "" && trap(n, true) == "" {
		v.take(l, o.index[o.short], n)
		return v
	}
	if n.kind != mapNode {
		v.wrong = true
		hint := ""
		if n.kind == scalarNode && n.plain && (n.text == "" || n.tag == "!!null") {
			l.bad(n, "the value is missing; give one or remove the key")
			return v
		}
		if o.short != "" {
			hint = ", or the " + o.short + " alone"
		}
		l.bad(n, "expected a map of keys"+hint+", got "+n.noun())
		return v
	}
	v.wrong = n.broken
	for _, e := range n.entries {
		f := o.index[e.key.text]
		if f == nil {
			v.wrong = true
			l.unknownKey(e, o)
			continue
		}
		v.take(l, f, e.value)
	}
	for _, f := range o.fields {
		if f.required && v.nodes[f.key] == nil && !v.wrong {
			v.wrong = true
			l.badKey(n, "the key "+quote(f.key)+" is missing; "+f.doc)
		}
	}
	return v
}

func (l *loader) unknownKey(e entry, o *object) {
	keys := slices.DeleteFunc(o.keys(), func(key string) bool { return strings.HasPrefix(key, "-") })
	hint := didYouMean(e.key.text, keys)
	if hint == "" {
		hint = "; allowed are " + strings.Join(keys, ", ")
	}
	l.bad(&node{pos: e.key.pos, parent: e.key.parent, key: e.key.text, dead: e.key.dead},
		"the key "+quote(e.key.text)+" is not known in "+o.name+hint)
}

func (v *view) take(l *loader, f *field, n *node) {
	v.nodes[f.key] = n
	if n.dead {
		v.wrong = true
		return
	}
	if l.placeholders && n.kind == scalarNode && strings.Contains(n.text, "{") {
		return // checked for each machine that uses the template
	}
	switch f.kind {
	case kindTexts, kindScalars, kindObject, kindObjects, kindMap, kindCodes, kindTypes, kindScalarsTypes, kindParams, kindNames, kindAny:
		return
	}
	if n.kind != scalarNode {
		v.wrong = true
		l.bad(n, "expected "+kindNoun(f.kind)+", got "+n.noun()+bracesHint(n))
		return
	}
	parsed, problem := parseScalar(f.kind, n)
	if problem == "" && len(f.allowed) > 0 && !slices.Contains(f.allowed, parsed.text) {
		problem = n.noun() + " is not possible; allowed are " + oneOf(f.allowed) + didYouMean(parsed.text, f.allowed)
	}
	if problem == "" {
		if why := f.limits(parsed); why != "" {
			problem = n.noun() + " is out of range; " + why
		}
	}
	if problem != "" {
		v.wrong = true
		l.bad(n, problem)
		return
	}
	v.values[f.key] = parsed
}

// bracesHint explains {name} without quotes, which YAML reads as a map.
func bracesHint(n *node) string {
	if n.kind == mapNode && len(n.entries) == 1 && n.entries[0].value.text == "" && n.entries[0].value.plain {
		return `; a parameter needs quotes: "{` + printable(n.entries[0].key.text) + `}"`
	}
	return ""
}

func kindNoun(k kind) string {
	switch k {
	case kindBool:
		return "true or false"
	case kindInt:
		return "a whole number"
	case kindNumber, kindShare:
		return "a number"
	case kindDuration:
		return "a time span such as 60s"
	case kindRate:
		return "a rate such as 1/s"
	}
	return "a text"
}

func (v *view) has(key string) bool    { return v.nodes[key] != nil }
func (v *view) child(key string) *node { return v.nodes[key] }

// valid says that a key was given and understood.
func (v *view) valid(key string) bool { _, ok := v.values[key]; return ok }

func (v *view) value(key string) value {
	if got, ok := v.values[key]; ok {
		return got
	}
	if f := v.object.index[key]; f != nil {
		return f.standard
	}
	return value{}
}

func (v *view) text(key string) string            { return v.value(key).text }
func (v *view) truth(key string) bool             { return v.value(key).truth }
func (v *view) whole(key string) int              { return int(v.value(key).whole) }
func (v *view) number(key string) mapping.Number  { return v.value(key).number }
func (v *view) duration(key string) time.Duration { return v.value(key).duration }
func (v *view) rate(key string) mapping.Number    { return v.value(key).rate }

// at is where to point for a key: its value, or the whole if it is not there.
func (v *view) at(key string) *node {
	if n := v.nodes[key]; n != nil {
		return n
	}
	return v.node
}

// texts reads kindTexts.
func (l *loader) texts(n *node) []string {
	var out []string
	for _, item := range itemsOf(n) {
		if item.kind != scalarNode {
			l.bad(item, "expected a text, got "+item.noun())
			continue
		}
		parsed, problem := parseScalar(kindAddress, item)
		if problem != "" {
			l.bad(item, problem)
			continue
		}
		out = append(out, parsed.text)
	}
	return out
}

// itemsOf makes a list of a value that may stand alone.
func itemsOf(n *node) []*node {
	if n == nil || n.dead {
		return nil
	}
	if n.kind == listNode {
		return n.items
	}
	return []*node{n}
}

// entriesOf gives the entries of a map of free names; anything else is reported.
func (l *loader) entriesOf(n *node, what string) []entry {
	switch {
	case n == nil || n.dead:
		return nil
	case n.kind != mapNode:
		if n.kind == scalarNode && n.plain && n.text == "" {
			l.bad(n, "the value is missing; give one or remove the key")
			return nil
		}
		l.bad(n, "expected a map of "+what+", got "+n.noun())
		return nil
	}
	return n.entries
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
