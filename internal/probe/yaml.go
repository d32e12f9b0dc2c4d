package probe

import (
	"strconv"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// YAML writes the match as a configuration takes it, on one line:
// {tag: "holding:104", type: uint32, order: CDAB, scale: 0.01}.
func (m Match) YAML() string { return Line(m.Tag, m.Scale) }

// Line writes a tag as a configuration takes it, on one line. scale may be "".
func Line(t connectors.Tag, scale string) string {
	var b strings.Builder
	b.WriteString("{tag: " + quoted(t.Address))
	add := func(key, value string) {
		if value != "" {
			b.WriteString(", " + key + ": " + value)
		}
	}
	add("type", t.Type)
	if t.Order != "" && t.Order != "ABCD" {
		add("order", t.Order)
	}
	if t.Length > 0 {
		add("length", strconv.Itoa(t.Length))
	}
	if t.Bit != connectors.NoBit {
		add("bit", strconv.Itoa(t.Bit))
	}
	if t.Path != "" {
		add("path", quoted(t.Path))
	}
	add("scale", scale)
	return b.String() + "}"
}

// quoted writes a text for YAML. Single quotes take everything as it is.
func quoted(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return strconv.Quote(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
