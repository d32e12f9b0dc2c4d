package config

import (
	"path/filepath"
	"strings"
)

// fileSet is what all files together hold.
type fileSet struct {
	connections, templates, machines []entry
	calendar                         []*node
}

const maxFiles = 2000

// readAll reads the main file and what it includes, and gives the main file's
// tree; nil if there is nothing to go on with.
func (l *loader) readAll(path string) *view {
	root := l.readFileInto(path, nil, l.schema.root, nil)
	if root == nil {
		return nil
	}
	if len(l.set.machines) == 0 && !root.has("machines") && !root.wrong {
		l.errors.add(Problem{Pos: Pos{path, 1, 1}, Text: "there is no machine; the key machines: is missing"})
	}
	return root
}

func (l *loader) readFileInto(path string, from *node, o *object, chain []string) *view {
	for _, outer := range chain {
		if sameFile(outer, path) {
			l.bad(from, "the file includes itself: "+printablePath(strings.Join(append(chain, path), " includes ")))
			return nil
		}
	}
	for _, known := range l.files {
		if sameFile(known, path) {
			l.bad(from, quote(printablePath(path))+" is included twice; once is enough")
			return nil
		}
	}
	if len(l.files) >= maxFiles {
		l.bad(from, "more than 2000 files are included")
		return nil
	}
	l.files = append(l.files, path)
	tree := l.readTree(path, from)
	if tree == nil {
		return nil
	}
	v := l.view(tree, l.siteKeysHint(tree, o))
	l.gather("connections", v, &l.set.connections)
	l.gather("templates", v, &l.set.templates)
	l.gather("machines", v, &l.set.machines)
	l.set.calendar = append(l.set.calendar, itemsOf(v.child("calendar"))...)
	for _, item := range itemsOf(v.child("include")) {
		l.include(item, path, append(chain, path))
	}
	return v
}

func sameFile(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }

// siteKeysHint says of keys that exist, but not in an included file, where they
// belong, and marks them as reported.
func (l *loader) siteKeysHint(tree *node, o *object) *object {
	if o != l.schema.part || tree.kind != mapNode {
		return o
	}
	kept := tree.entries[:0:0]
	for _, e := range tree.entries {
		if o.index[e.key.text] == nil && l.schema.root.index[e.key.text] != nil {
			l.bad(e.key, "this key belongs into the main file only; included files hold connections, templates, machines and calendar")
			continue
		}
		kept = append(kept, e)
	}
	tree.entries = kept
	return o
}

func (l *loader) gather(key string, v *view, into *[]entry) {
	n := v.child(key)
	if n == nil {
		return
	}
	for _, e := range l.entriesOf(n, v.object.index[key].named) {
		first := false
		for i := range *into {
			if (*into)[i].key.text == e.key.text {
				l.bad(e.key, "it is given twice; it is already in "+(*into)[i].key.pos.String())
				first = true
				break
			}
		}
		if !first {
			*into = append(*into, e)
		}
	}
}

func (l *loader) include(item *node, from string, chain []string) {
	if item.kind != scalarNode {
		l.bad(item, "expected a file name, got "+item.noun())
		return
	}
	if parsed, problem := parseScalar(kindText, item); problem != "" || parsed.text == "" {
		l.bad(item, problem)
		return
	}
	pattern := filepath.FromSlash(item.text)
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(from), pattern)
	}
	if !strings.ContainsAny(item.text, "*?[") {
		l.readFileInto(pattern, item, l.schema.part, chain)
		return
	}
	paths, err := l.o.Glob(pattern)
	if err != nil {
		l.bad(item, quote(item.text)+" is no pattern; * stands for any letters, ? for one")
		return
	}
	if len(paths) == 0 {
		l.bad(item, quote(item.text)+" matches no file; it is relative to the folder of this file")
	}
	for _, path := range paths {
		l.readFileInto(path, item, l.schema.part, chain)
	}
}
