package config

import "io"

// Expanded writes the configuration in one file, without templates: every
// machine as it came out, secrets as their references. What it writes is a
// configuration that means the same.
func (c *Config) Expanded(w io.Writer) error {
	if c.tree == nil { // Options.Lean
		return nil
	}
	return writeYAML(w, c.tree)
}

func (l *loader) expandedTree(root *view, c *Config) *node {
	tree := &node{kind: mapNode}
	put := func(key string, value *node) {
		tree.addEntry(&node{text: key, plain: true}, value)
	}
	group := func(entries []entry) *node {
		out := &node{kind: mapNode}
		for _, e := range entries {
			out.addEntry(e.key, e.value)
		}
		return out
	}
	for _, f := range l.schema.root.fields {
		switch f.key {
		case "include", "templates":
		case "connections":
			if len(l.set.connections) > 0 {
				put(f.key, group(l.set.connections))
			}
		case "machines":
			put(f.key, group(l.expanded))
		case "calendar":
			if len(l.set.calendar) > 0 {
				put(f.key, &node{kind: listNode, items: l.set.calendar})
			}
		default:
			if n := root.child(f.key); n != nil {
				put(f.key, n)
			}
		}
	}
	return tree
}
