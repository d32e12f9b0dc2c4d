package config

import (
	"strconv"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// reasons reads the fault codes, and the type of a stop without one.
func (b *builder) reasons() {
	l := b.l
	b.spec.DefaultType = b.v.text("default_type")
	standard, at := "", b.v.child("default_type")
	if b.v.valid("default_type") {
		standard = b.spec.DefaultType
	}
	for _, item := range itemsOf(b.v.child("reason")) {
		v := l.view(item, b.v.object.index["reason"].sub)
		if v.node.kind != mapNode {
			continue
		}
		r := mapping.ReasonSpec{Operator: v.truth("operator")}
		r.Signal = b.signal(v, false)
		switch {
		case v.has("types") && v.has("bits"):
			l.badKey(v.at("bits"), "types reads the tag as a code, bits as an alarm word; use one of them, or two entries")
		case v.has("bits"):
			r.Bits = b.bits(v)
		case v.has("types"):
			r.Types = b.types(v.child("types"))
		case !v.wrong:
			l.badKey(v.node, "it is not said what the codes mean; give types, such as {2101: JAM}, or bits")
		}
		if text := v.text("default"); v.valid("default") {
			if standard != "" && standard != text {
				l.bad(v.at("default"), "the default is already "+quote(standard)+", in line "+lineOf(at)+"; one machine has one default type")
			}
			standard, at = text, v.child("default")
			b.spec.DefaultType = text
		}
		if r.Signal != mapping.NoSignal {
			b.spec.Reasons = append(b.spec.Reasons, r)
		}
	}
}

// codes reads a map of values of the device to downtime types.
func (b *builder) codes(n *node, what string) (codes []*node, types []string) {
	for _, e := range b.l.entriesOf(n, what) {
		if e.value.kind != scalarNode || e.value.dead {
			b.l.bad(e.value, "expected a downtime type, got "+e.value.noun())
			continue
		}
		parsed, problem := parseScalar(kindText, e.value)
		if problem == "" {
			problem = codeProblem(parsed.text, "the downtime type")
		}
		if problem != "" {
			b.l.bad(e.value, problem)
			continue
		}
		codes, types = append(codes, e.key), append(types, parsed.text)
	}
	return codes, types
}

func (b *builder) types(n *node) map[string]string {
	codes, types := b.codes(n, "codes to downtime types, such as {2101: JAM}")
	out := make(map[string]string, len(codes))
	for i, code := range codes {
		text, problem := deviceText(code)
		if problem == "" && out[text] != "" {
			problem = "the code " + quote(text) + " has a type already: " + out[text]
		}
		if problem != "" {
			b.l.bad(code, problem)
			continue
		}
		out[text] = types[i]
	}
	return out
}

func (b *builder) bits(v *view) map[int]string {
	if v.has("bit") {
		b.l.badKey(v.at("bit"), "bit makes one bit of the tag, bits reads all of them; use one of the two")
	}
	codes, types := b.codes(v.child("bits"), "bits to downtime types, such as {0: JAM}")
	out := make(map[int]string, len(codes))
	for i, code := range codes {
		bit, err := strconv.Atoi(code.text)
		if err != nil || !plainWhole.MatchString(code.text) || bit < 0 || bit > 63 {
			b.l.bad(code, "expected the number of a bit, 0 to 63, got "+code.noun())
			continue
		}
		out[bit] = types[i]
	}
	return out
}
