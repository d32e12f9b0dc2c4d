package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// This file is the only one that knows which YAML library is used.

// parseYAML reads all documents of a file into raw trees; at most two are read,
// since a second one is a mistake already. It returns no document for an empty
// file.
func parseYAML(text []byte) (docs []*yaml.Node, err error) {
	// The library reports mistakes by panicking inside; what it lets through is
	// a fault of its own on outside bytes and must not end the gateway.
	defer func() {
		if p := recover(); p != nil {
			docs, err = nil, fmt.Errorf("yaml: the text can not be read: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for len(docs) < 2 {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return docs, err
		}
		docs = append(docs, &doc)
	}
	return docs, nil
}

// maxNodes bounds a file after its aliases are followed.
const maxNodes = 2_000_000

// grower makes our tree of the library's.
type grower struct {
	file    string
	report  func(Problem)
	anchors map[*yaml.Node]*node
	open    map[*yaml.Node]bool
	nodes   int
}

func newGrower(file string, report func(Problem)) *grower {
	return &grower{file: file, report: report, anchors: map[*yaml.Node]*node{}, open: map[*yaml.Node]bool{}}
}

func (g *grower) bad(raw *yaml.Node, parent *node, key, text string) *node {
	n := &node{pos: Pos{g.file, raw.Line, raw.Column}, parent: parent, key: key, dead: true}
	n.keyPos = n.pos
	g.report(Problem{Pos: n.pos, Path: n.path(), Text: text})
	return n
}

// grow never returns nil; what can not be used becomes a dead node, of which
// nothing more is said.
func (g *grower) grow(raw *yaml.Node, parent *node, key string) *node {
	if raw.Kind == yaml.AliasNode {
		return g.follow(raw, parent, key)
	}
	if g.nodes++; g.nodes > maxNodes {
		return g.bad(raw, parent, key, "the file is too large; at most 2,000,000 values")
	}
	n := &node{pos: Pos{g.file, raw.Line, raw.Column}, parent: parent, key: key, size: 1}
	n.keyPos = n.pos
	if raw.Anchor != "" {
		g.anchors[raw] = n
		g.open[raw] = true
		defer delete(g.open, raw)
	}
	if raw.Style&yaml.TaggedStyle != 0 {
		return g.bad(raw, parent, key, "YAML tags ("+raw.Tag+") are not used here; remove the tag")
	}
	switch raw.Kind {
	case yaml.MappingNode:
		n.kind = mapNode
		g.growMap(raw, n)
	case yaml.SequenceNode:
		n.kind = listNode
		for i, item := range raw.Content {
			n.addItem(g.grow(item, n, fmt.Sprintf("[%d]", i+1)))
		}
	default:
		n.text, n.tag = raw.Value, raw.ShortTag()
		n.plain = raw.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	}
	return n
}

func (g *grower) follow(raw *yaml.Node, parent *node, key string) *node {
	if g.open[raw.Alias] {
		return g.bad(raw, parent, key, "the alias *"+raw.Value+" contains itself")
	}
	target := g.anchors[raw.Alias]
	if target == nil {
		return g.bad(raw, parent, key, "the alias *"+raw.Value+" has no anchor above it")
	}
	if g.nodes += target.size; g.nodes > maxNodes {
		return g.bad(raw, parent, key, "the aliases of this file expand too far; at most 2,000,000 values")
	}
	return target
}

func (g *grower) growMap(raw *yaml.Node, n *node) {
	seen := make(map[string]*node, len(raw.Content)/2)
	for i := 0; i+1 < len(raw.Content); i += 2 {
		k := raw.Content[i]
		if k.Kind == yaml.AliasNode && k.Alias != nil && k.Alias.Kind == yaml.ScalarNode {
			g.bad(k, n, k.Value, "an alias can not be a key; write the key")
			n.broken = true
			continue
		}
		if k.Kind != yaml.ScalarNode {
			g.bad(k, n, "?", "a key must be a text, not a list or a map; a text in braces needs quotes")
			n.broken = true
			continue
		}
		if k.ShortTag() == "!!merge" {
			g.bad(k, n, k.Value, "merging maps with << is not supported; use a template (templates: and use:)")
			n.broken = true
			continue
		}
		keyNode := g.grow(k, n, k.Value)
		if first := seen[k.Value]; first != nil {
			g.bad(k, n, k.Value, "the key is given twice; it is already in line "+fmt.Sprint(first.pos.Line)+", column "+fmt.Sprint(first.pos.Col))
			n.broken = true
			continue
		}
		seen[k.Value] = keyNode
		v := g.grow(raw.Content[i+1], n, k.Value)
		if v.parent == n {
			v.keyPos = keyNode.pos
		}
		n.addEntry(keyNode, v)
	}
}

// writeYAML writes a tree as YAML.
func writeYAML(w io.Writer, n *node) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(rawOf(n)); err != nil {
		return err
	}
	return encoder.Close()
}

func rawOf(n *node) *yaml.Node {
	switch n.kind {
	case mapNode:
		raw := &yaml.Node{Kind: yaml.MappingNode}
		for _, e := range n.entries {
			raw.Content = append(raw.Content, rawOf(e.key), rawOf(e.value))
		}
		return raw
	case listNode:
		raw := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range n.items {
			raw.Content = append(raw.Content, rawOf(item))
		}
		return raw
	}
	raw := &yaml.Node{Kind: yaml.ScalarNode, Value: n.text}
	if !n.plain {
		raw.Style = yaml.SingleQuotedStyle
	}
	return raw
}
