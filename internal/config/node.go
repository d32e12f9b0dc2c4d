package config

import (
	"fmt"
	"strings"
)

// Pos is a place in a configuration file. Lines and columns count from 1,
// columns in characters.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
}

// String writes file:line:col.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// node is one value of a configuration file with its place. Trees of machines
// are merged from nodes of a template and nodes of the machine, each of which
// keeps the place and the path it was written at.
type node struct {
	kind   nodeKind
	pos    Pos
	keyPos Pos // of the key, where there is one
	parent *node
	key    string

	text  string
	tag   string // what YAML takes the scalar for: !!str, !!int, !!bool...
	plain bool   // written without quotes

	entries []entry
	items   []*node
	size    int

	// origin and from are set in what became of a text with placeholders: the
	// text in the template, and the values that were put in.
	origin *node
	from   []*node
	// dead marks what was reported already.
	dead bool
	// broken marks a map that lost an entry, which was reported.
	broken bool
}

type entry struct{ key, value *node }

func (n *node) addEntry(key, value *node) {
	n.entries = append(n.entries, entry{key, value})
	n.size += 1 + value.size
}

func (n *node) addItem(item *node) {
	n.items = append(n.items, item)
	n.size += item.size
}

func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key.text == key {
			return e.value
		}
	}
	return nil
}

// path is where the node was written: machines.BEND-2.count.max_rate.
func (n *node) path() string {
	var keys []string
	for at := n; at != nil && at.parent != nil; at = at.parent {
		keys = append(keys, at.key)
	}
	var b strings.Builder
	for i := len(keys) - 1; i >= 0; i-- {
		if b.Len() > 0 && !strings.HasPrefix(keys[i], "[") {
			b.WriteByte('.')
		}
		b.WriteString(printable(keys[i]))
	}
	return b.String()
}

// printable shortens a text of the file for a message and takes out what would
// disturb a terminal.
func printable(text string) string {
	const most = 60
	out := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, text))
	if len(out) > most {
		return string(out[:most]) + "…"
	}
	return string(out)
}

func quote(text string) string { return `"` + printable(text) + `"` }

// noun says what kind of YAML value a node is.
func (n *node) noun() string {
	switch n.kind {
	case mapNode:
		return "a map"
	case listNode:
		return "a list"
	}
	if n.text == "" && n.plain {
		return "nothing"
	}
	return quote(n.text)
}
