package config

import "slices"

// deferral is a problem with what a template's placeholder became. Whether the
// template or the value put in is to blame shows when all machines are known.
type deferral struct {
	node  *node
	text  string
	doubt bool
}

// settleDeferred reports each deferred problem once: at the template if every
// machine that uses it has it and the text around the placeholder can be at
// fault, else at the value that the machine gave.
func (l *loader) settleDeferred() {
	failed := map[*node]map[*node]bool{}
	for _, d := range l.deferred {
		if failed[d.node.origin] == nil {
			failed[d.node.origin] = map[*node]bool{}
		}
		failed[d.node.origin][d.node] = true
	}
	blamed := map[*node]bool{}
	for _, d := range l.deferred {
		origin := d.node.origin
		if len(failed[origin]) == l.made[origin] && l.templateFails(d.node) {
			if !blamed[origin] {
				blamed[origin] = true
				text := d.text
				if d.node.text != "" {
					text += " (as " + quote(d.node.text) + ", for " + machineOf(d.node.from[0]) + ")"
				}
				l.put(Problem{Pos: origin.pos, Path: origin.path(), Text: text}, d.doubt)
			}
			continue
		}
		given := d.node.from[0]
		l.put(Problem{Pos: given.pos, Path: given.path(),
			Text: "with this value " + origin.path() + " is " + quote(d.node.text) + ": " + d.text}, d.doubt)
	}
	l.deferred = nil
}

func machineOf(given *node) string {
	if given.parent == nil {
		return given.path()
	}
	return given.parent.path()
}

// templateFails says whether the text around a placeholder is wrong whatever
// value is put in. A lone placeholder never is. Otherwise only an address can
// be tried: more than one machine with different values has failed, or the
// address fails with 1 in the place of the numbers as well.
func (l *loader) templateFails(n *node) bool {
	t := l.templateOf(n.origin)
	if t == nil {
		return false
	}
	parts := t.parts[n.origin]
	if len(parts) == 3 && parts[0].literal == "" && parts[2].literal == "" {
		return false
	}
	sample := map[string]*argument{}
	for _, p := range t.params {
		a := &argument{param: p, text: "1", whole: 1}
		if p.standard != nil {
			if standard, problem := argumentOf(p, p.standard); problem == "" {
				a = standard
			}
		}
		a.given = p.node
		sample[p.name] = a
	}
	if slices.ContainsFunc(t.params, func(p *param) bool { return p.kind == "string" && p.standard == nil }) {
		return l.made[n.origin] > 1
	}
	trial := l.trial()
	trial.tryTemplate(t, sample)
	return slices.ContainsFunc(trial.deferred, func(d deferral) bool { return d.node.origin == n.origin })
}

func (l *loader) templateOf(origin *node) *template {
	for _, t := range l.templates {
		if t.parts[origin] != nil {
			return t
		}
	}
	return nil
}

// trial is a loader that knows what this one knows and keeps its problems to
// itself.
func (l *loader) trial() *loader {
	return &loader{o: l.o, schema: l.schema, dir: l.dir, data: l.data, site: l.site, connections: l.connections,
		used: map[string]bool{}, templates: l.templates, exprs: l.exprs, made: map[*node]int{}, counters: map[counterKey]counterUse{}}
}

// tryTemplate builds a machine of a template and nothing else.
func (l *loader) tryTemplate(t *template, args map[string]*argument) {
	own := &node{kind: mapNode, pos: t.node.pos, keyPos: t.node.keyPos, parent: t.node.parent, key: t.node.key}
	l.buildMachine(t.name, l.instance(t, args, own))
}
