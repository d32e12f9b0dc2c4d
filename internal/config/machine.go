package config

import (
	"strings"
	"unicode/utf8"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

const maxCode = 50

// badCode checks a free name or code: of a machine, a connection, a waste code.
// It reports what is wrong and gives true if it can not be used.
func (l *loader) badCode(key *node, what string) bool {
	if key.dead {
		return true
	}
	if problem := codeProblem(key.text, what); problem != "" {
		l.bad(key, problem)
		return true
	}
	if key.plain {
		if why := trap(key, true); why != "" {
			l.bad(key, why)
			return true
		}
	}
	return false
}

func codeProblem(text, what string) string {
	switch {
	case text == "":
		return what + " is empty"
	case strings.TrimSpace(text) != text:
		return what + " begins or ends with a blank; remove it"
	case strings.ContainsFunc(text, isControl):
		return what + " holds a control character; remove it"
	case utf8.RuneCountInString(text) > maxCode:
		return what + " is too long; at most 50 characters"
	}
	return ""
}

func (l *loader) readMachines(c *Config) {
	l.counters = map[counterKey]counterUse{}
	folded := map[string]entry{}
	for _, e := range l.set.machines {
		if l.badCode(e.key, "the machine code") {
			continue
		}
		if other, ok := folded[strings.ToLower(e.key.text)]; ok {
			l.warn(e.key, "the code differs from "+quote(other.key.text)+" ("+other.key.pos.String()+") in small and capital letters only")
		}
		folded[strings.ToLower(e.key.text)] = e
		if strings.Contains(e.key.text, "/") {
			l.warn(e.key, "a code with / is known to be trouble in addresses; if Prodsmart refuses it, rename the machine there")
		}
		if m := l.readMachine(e); m != nil {
			c.Machines = append(c.Machines, *m)
		}
	}
	l.checkWas(c)
	for _, t := range l.templates {
		if t.users == 0 {
			l.put(Problem{Pos: t.node.keyPos, Path: t.node.path(), Text: "no machine uses this template"}, true)
		}
	}
	for name, connection := range l.connections {
		if !l.used[name] && len(l.set.machines) > 0 {
			l.put(Problem{Pos: connection.Pos, Path: "connections." + name, Text: "no machine uses this connection"}, true)
		}
	}
}

func (l *loader) checkWas(c *Config) {
	was := map[string]string{}
	codes := map[string]bool{}
	for _, m := range c.Machines {
		codes[m.Spec.Code] = true
	}
	for _, m := range c.Machines {
		if m.Was == "" {
			continue
		}
		n := l.machineNode(m.Spec.Code).get("was")
		switch {
		case n == nil:
		case codes[m.Was]:
			l.bad(n, "the machine "+quote(m.Was)+" still exists; was names a code that is gone")
		case was[m.Was] != "":
			l.bad(n, quote(m.Was)+" is also what machine "+was[m.Was]+" was; totals go to one machine only")
		}
		was[m.Was] = m.Spec.Code
	}
}

func (l *loader) machineNode(code string) *node {
	for _, e := range l.set.machines {
		if e.key.text == code {
			return e.value
		}
	}
	return nil
}

func (l *loader) readMachine(e entry) *Machine {
	merged, name := e.value, ""
	if e.value.kind == mapNode && !e.value.dead {
		merged, name = l.applyTemplate(e.value)
	}
	if merged == nil {
		return nil
	}
	l.expanded = append(l.expanded, entry{e.key, merged})
	m := l.buildMachine(e.key.text, merged)
	if m != nil {
		m.Pos, m.Template = e.key.pos, name
	}
	return m
}

// applyTemplate gives the tree of a machine with its template put in, and the
// template's name; nil if the machine can not be judged.
func (l *loader) applyTemplate(own *node) (*node, string) {
	use := own.get("use")
	if use == nil {
		return own, ""
	}
	t := l.templates[use.text]
	if use.kind != scalarNode || t == nil {
		names := sortedKeys(l.templates)
		hint := didYouMean(use.text, names)
		if hint == "" && len(names) > 0 {
			hint = "; there are " + strings.Join(names, ", ")
		}
		l.bad(use, "there is no template "+quote(use.text)+hint)
		return nil, ""
	}
	t.users++
	if t.body == nil || t.body.dead {
		return nil, ""
	}
	rest, args := l.splitArguments(t, own)
	for _, p := range t.params {
		if args[p.name] != nil {
			continue
		}
		if p.standard == nil {
			args[p.name] = &argument{param: p, text: "1", whole: 1, dead: true}
			if p.kind != "" {
				l.badKey(own, "the parameter "+p.name+" of template "+t.name+" is missing; it is "+aKind(p.kind))
			}
			continue
		}
		if a, problem := argumentOf(p, p.standard); problem == "" {
			args[p.name] = a
		}
	}
	return l.instance(t, args, rest), t.name
}

// splitArguments parts what a machine says into the keys of a machine and the
// arguments of its template.
func (l *loader) splitArguments(t *template, own *node) (*node, map[string]*argument) {
	rest := &node{kind: mapNode, pos: own.pos, keyPos: own.keyPos, parent: own.parent, key: own.key}
	args := map[string]*argument{}
	for _, e := range own.entries {
		p := t.param(e.key.text)
		switch {
		case e.key.text == "use":
		case p != nil:
			a, problem := argumentOf(p, e.value)
			if problem != "" {
				l.bad(e.value, "the parameter is "+aKind(p.kind)+": "+problem)
				a = &argument{param: p, text: "1", whole: 1, dead: true}
			}
			a.given = e.value
			args[p.name] = a
		case l.schema.machine.index[e.key.text] == nil:
			names := append(t.names(), l.schema.machine.keys()...)
			hint := didYouMean(e.key.text, names)
			if hint == "" {
				hint = "; the parameters are " + strings.Join(t.names(), ", ")
			}
			l.bad(&node{pos: e.key.pos, parent: own, key: e.key.text, dead: e.key.dead},
				"the key "+quote(e.key.text)+" is neither a parameter of template "+t.name+" nor known in a machine"+hint)
		default:
			rest.addEntry(e.key, e.value)
		}
	}
	return rest, args
}

func aKind(kind string) string {
	switch kind {
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "string":
		return "a text"
	}
	return "a number"
}

// buildMachine makes the rules of a machine. It gives nil after reporting what
// makes that impossible; a machine with lesser mistakes is built as far as it
// goes, so that everything wrong with it is found.
func (l *loader) buildMachine(code string, n *node) *Machine {
	v := l.view(n, l.schema.machine)
	if n.kind != mapNode || n.dead {
		return nil
	}
	b := &builder{l: l, v: v, signals: map[mapping.Signal]int{}}
	b.spec = mapping.Spec{Code: code, Name: v.text("name"), Line: v.text("line"), Online: mapping.NoSignal,
		IdealCycle: v.duration("ideal_cycle"), CommTimeout: v.duration("comm_timeout")}
	b.count()
	b.waste()
	b.state()
	b.reasons()
	b.evidence()
	b.order()
	b.online()
	b.parameters()
	if len(n.entries) == 0 || !v.has("count") && !v.has("state") && !v.has("parameters") && !v.has("waste") && !v.wrong {
		l.badKey(n, "the machine reads nothing; give it count, state or parameters")
	}
	m := &Machine{Spec: b.spec, Was: v.text("was"), ReportEvery: v.duration("report_every"), Freshness: v.number("freshness"), Report: v.truth("report")}
	if m.ReportEvery == 0 {
		m.ReportEvery = l.site.reportEvery
	}
	return m
}

func (b *builder) evidence() {
	for _, item := range itemsOf(b.v.child("reset_evidence")) {
		if s := b.signal(b.l.view(item, b.v.object.index["reset_evidence"].sub), false); s != mapping.NoSignal {
			b.spec.ResetEvidence = append(b.spec.ResetEvidence, s)
		}
	}
}

func (b *builder) order() {
	if s := b.tagOf(b.v, "order"); s != mapping.NoSignal {
		b.spec.Order = &mapping.OrderSpec{Signal: s}
	}
}

func (b *builder) online() {
	n := b.v.child("online")
	if n == nil {
		return
	}
	v := b.l.view(n, b.v.object.index["online"].sub)
	b.spec.Online = b.signal(v, false)
	b.spec.OnlineIs = []string{"true", "1", "online", "Online", "ONLINE"}
	if !v.has("is") {
		return
	}
	b.spec.OnlineIs = nil
	for _, item := range itemsOf(v.child("is")) {
		text, problem := deviceText(item)
		if problem != "" {
			b.l.bad(item, problem)
			continue
		}
		b.spec.OnlineIs = append(b.spec.OnlineIs, text)
	}
	if len(b.spec.OnlineIs) == 0 && !v.child("is").dead {
		b.l.bad(v.child("is"), "the list is empty; give the values that mean alive, or remove the key")
	}
}

func (b *builder) parameters() {
	l := b.l
	codes := map[string]string{}
	for _, e := range l.entriesOf(b.v.child("parameters"), "parameter names") {
		if l.badCode(e.key, "the name of a parameter") {
			continue
		}
		v := l.view(e.value, b.v.object.index["parameters"].sub)
		p := mapping.ParameterSpec{Name: e.key.text, Code: v.text("code"), Signal: b.signal(v, false),
			Scale: v.number("scale"), Every: v.duration("every"), Deadband: v.number("deadband")}
		if p.Code == "" {
			p.Code = p.Name
		}
		if v.valid("scale") && p.Scale.IsZero() {
			l.bad(v.at("scale"), "a scale of 0 makes every value 0; give another one or remove the key")
		}
		if other, ok := codes[p.Code]; ok {
			l.badKey(v.at("code"), "the code "+quote(p.Code)+" is already told by the parameter "+other)
		}
		codes[p.Code] = p.Name
		if p.Signal != mapping.NoSignal {
			b.spec.Parameters = append(b.spec.Parameters, p)
		}
	}
}
