package config

import (
	"strings"
)

// template is what machines of a class share.
type template struct {
	name   string
	node   *node
	body   *node // without params
	params []*param
	// parts holds the texts with placeholders.
	parts map[*node][]part
	// dynamic marks every node with a placeholder in or below it.
	dynamic map[*node]bool
	users   int
}

type param struct {
	name     string
	kind     string // int, number, string, bool
	node     *node
	standard *node // nil for none
	used     bool
}

// part is a piece of a text: literal, or an expression over parameters.
type part struct {
	literal string
	expr    *arith
}

// argument is the value of a parameter for one machine.
type argument struct {
	param *param
	text  string
	whole int64
	// given is where the machine gave it, nil for the default.
	given *node
	dead  bool
}

func (t *template) param(name string) *param {
	for _, p := range t.params {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (t *template) names() []string {
	names := make([]string, len(t.params))
	for i, p := range t.params {
		names[i] = p.name
	}
	return names
}

func (l *loader) readTemplates() {
	l.templates = map[string]*template{}
	for _, e := range l.set.templates {
		t := &template{name: e.key.text, node: e.value, parts: map[*node][]part{}, dynamic: map[*node]bool{}}
		l.templates[t.name] = t
		if e.value.dead {
			continue
		}
		before := len(l.errors.list)
		l.placeholders = true
		l.deepView(e.value, l.schema.template)
		l.placeholders = false
		if e.value.kind != mapNode {
			t.body = &node{kind: mapNode, pos: e.value.pos, dead: true}
			continue
		}
		t.body = &node{kind: mapNode, pos: e.value.pos, keyPos: e.value.keyPos, parent: e.value.parent, key: e.value.key}
		for _, inner := range e.value.entries {
			if inner.key.text == "params" {
				l.readParams(t, inner.value)
				continue
			}
			if l.schema.template.index[inner.key.text] != nil { // others were reported
				t.body.addEntry(inner.key, inner.value)
			}
		}
		l.scan(t, t.body)
		for _, p := range t.params {
			if !p.used && !p.node.dead && len(l.errors.list) == before {
				l.badKey(p.node, "the parameter is used nowhere in the template; write {"+p.name+"} in a text, or remove it")
			}
		}
	}
}

// deepView checks a template with everything in it.
func (l *loader) deepView(n *node, o *object) {
	v := l.view(n, o)
	for _, f := range o.fields {
		child := v.child(f.key)
		if child == nil || f.sub == nil || child.dead {
			continue
		}
		switch f.kind {
		case kindMap:
			if child.kind == mapNode {
				for _, e := range child.entries {
					l.deepView(e.value, f.sub)
				}
			}
		case kindObjects, kindAny:
			for _, item := range itemsOf(child) {
				l.deepView(item, f.sub)
			}
		case kindObject:
			l.deepView(child, f.sub)
		}
	}
}

var paramKinds = []string{"int", "number", "string", "bool"}

func (l *loader) readParams(t *template, n *node) {
	for _, e := range l.entriesOf(n, "parameter names") {
		p := &param{name: e.key.text, node: e.value}
		kindNode := e.value
		if e.value.kind == mapNode && len(e.value.entries) == 1 {
			kindNode, p.standard = e.value.entries[0].key, e.value.entries[0].value
		}
		p.kind = kindNode.text
		if !isName(p.name) {
			l.bad(e.key, "the name of a parameter has letters, digits and _ only and begins with a letter, got "+quote(p.name))
			continue
		}
		if l.schema.machine.index[p.name] != nil {
			l.bad(e.key, "a parameter can not be called like a key of a machine; choose another name")
		}
		if kindNode.kind != scalarNode || !containsText(paramKinds, p.kind) {
			l.bad(e.value, "expected the type of the parameter, int, number, string or bool, or {int: 2} with a default, got "+kindNode.noun()+didYouMean(p.kind, paramKinds))
			p.kind, p.standard = "", nil
		}
		if p.standard != nil {
			if _, problem := argumentOf(p, p.standard); problem != "" {
				l.bad(p.standard, "the default does not fit the type "+p.kind+": "+problem)
				p.kind, p.standard = "", nil
			}
		}
		t.params = append(t.params, p)
	}
}

func containsText(list []string, text string) bool {
	for _, item := range list {
		if item == text {
			return true
		}
	}
	return false
}

func isName(text string) bool {
	for i, r := range text {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return text != "" && len(text) <= 50
}

// argumentOf reads a value for a parameter.
func argumentOf(p *param, n *node) (*argument, string) {
	a := &argument{param: p, dead: n.dead || p.kind == ""}
	if a.dead {
		return a, ""
	}
	if n.kind != scalarNode {
		return nil, "expected a value, got " + n.noun()
	}
	k := map[string]kind{"int": kindInt, "number": kindNumber, "string": kindAddress, "bool": kindBool}[p.kind]
	v, problem := parseScalar(k, n)
	if problem != "" {
		return nil, problem
	}
	a.text, a.whole = n.text, v.whole
	return a, ""
}

// scan finds the placeholders of a template and reports those that can not be.
func (l *loader) scan(t *template, n *node) bool {
	if n.dead {
		return false
	}
	found := false
	for _, e := range n.entries {
		found = l.scan(t, e.value) || found
	}
	for _, item := range n.items {
		found = l.scan(t, item) || found
	}
	if n.kind == scalarNode && strings.ContainsAny(n.text, "{}") {
		parts, problem := t.parse(n.text)
		if problem != "" {
			l.bad(n, problem)
			n.dead = true
			return false
		}
		t.parts[n] = parts
		found = true
	}
	if found {
		t.dynamic[n] = true
	}
	return found
}

// parse splits a text at its placeholders. {{ and }} stand for braces.
func (t *template) parse(text string) ([]part, string) {
	var parts []part
	literal := strings.Builder{}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c {
			literal.WriteByte(c)
			i++
			continue
		}
		if c == '}' {
			return nil, "} without { in " + quote(text) + "; write }} for a brace"
		}
		if c != '{' {
			literal.WriteByte(c)
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return nil, "{ without } in " + quote(text) + "; write {{ for a brace"
		}
		expr, problem := parseArith(text[i+1:i+end], t)
		if problem != "" {
			return nil, problem
		}
		parts = append(parts, part{literal: literal.String()}, part{expr: expr})
		literal.Reset()
		i += end
	}
	return append(parts, part{literal: literal.String()}), ""
}

// instance gives a machine's tree: the template with the arguments put in, and
// what the machine says itself laid over it.
func (l *loader) instance(t *template, args map[string]*argument, own *node) *node {
	merged := merge(l.fill(t, t.body, args), own)
	l.tally(merged)
	return merged
}

// tally counts how many machines use a text with placeholders.
func (l *loader) tally(n *node) {
	if n.origin != nil {
		l.made[n.origin]++
	}
	for _, e := range n.entries {
		l.tally(e.value)
	}
	for _, item := range n.items {
		l.tally(item)
	}
}

func (l *loader) fill(t *template, n *node, args map[string]*argument) *node {
	if !t.dynamic[n] {
		return n
	}
	out := &node{kind: n.kind, pos: n.pos, keyPos: n.keyPos, parent: n.parent, key: n.key}
	switch n.kind {
	case mapNode:
		for _, e := range n.entries {
			out.addEntry(e.key, l.fill(t, e.value, args))
		}
	case listNode:
		for _, item := range n.items {
			out.addItem(l.fill(t, item, args))
		}
	default:
		l.fillText(out, t.parts[n], n, args)
	}
	return out
}

func (l *loader) fillText(out *node, parts []part, origin *node, args map[string]*argument) {
	out.origin, out.tag = origin, "!!str"
	var b strings.Builder
	var only *argument
	for _, p := range parts {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		text, used, problem := p.expr.eval(args)
		for _, a := range used {
			out.dead = out.dead || a.dead
			if a.given != nil {
				out.from = append(out.from, a.given)
			}
		}
		if problem != "" && !out.dead {
			failed := *out
			failed.text = origin.text
			l.bad(&failed, problem)
			out.dead = true
		}
		b.WriteString(text)
		if len(used) > 0 {
			only = used[0]
		}
	}
	out.text = b.String()
	if len(parts) == 3 && parts[0].literal == "" && parts[2].literal == "" && only != nil {
		out.plain = only.param.kind != "string"
		out.tag = map[string]string{"int": "!!int", "number": "!!float", "bool": "!!bool", "string": "!!str"}[only.param.kind]
	}
}

// merge lays a map over another: maps are merged, everything else is replaced.
func merge(under, over *node) *node {
	if over.kind != mapNode || under.kind != mapNode || over.dead {
		return over
	}
	out := &node{kind: mapNode, pos: over.pos, keyPos: over.keyPos, parent: over.parent, key: over.key}
	for _, e := range under.entries {
		value := e.value
		if own := over.get(e.key.text); own != nil {
			value = merge(value, own)
		}
		out.addEntry(e.key, value)
	}
	for _, e := range over.entries {
		if under.get(e.key.text) == nil {
			out.addEntry(e.key, e.value)
		}
	}
	return out
}
