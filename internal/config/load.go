package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// Options are what Load needs of the world. The zero value is the real one.
type Options struct {
	// Env looks up an environment variable; nil means os.LookupEnv.
	Env func(name string) (string, bool)
	// ReadFile reads a file, configuration or secret; nil means os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Glob finds the files of an include pattern; nil means filepath.Glob.
	Glob func(pattern string) ([]string, error)
	// SecretDir holds the files of ${secret:name}; see resolve for the default.
	SecretDir string
	// SkipSecrets leaves references unread, so that a configuration can be
	// checked on another computer.
	SkipSecrets bool
	// SecretsOf is a source of orders whose references are read although SkipSecrets
	// is set: it can be looked at before Prodsmart's credentials are there.
	SecretsOf string
	// Lean lets go of the text once it is understood, for a program that runs
	// for months: Expanded then writes nothing.
	Lean bool
}

// Load reads a configuration with its included files. It returns either a
// configuration, or everything that is wrong, never both. Doubts are in
// Config.Warnings.
func Load(path string, o Options) (*Config, Problems) {
	l, err := newLoader(path, o)
	if err != nil {
		return nil, Problems{{Pos: Pos{path, 1, 1}, Text: err.Error()}}
	}
	config := l.load(path)
	l.settleDeferred()
	if len(l.errors.list) > 0 {
		return nil, l.errors.sorted(l.files)
	}
	config.Warnings = l.warnings.sorted(l.files)
	return config, nil
}

// newLoader prepares the reading of one main file. The error is a fault of the
// schema, not of the file.
func newLoader(path string, o Options) (*loader, error) {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Glob == nil {
		o.Glob = filepath.Glob
	}
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	return &loader{o: o, schema: s, dir: filepath.Dir(path), exprs: map[string]*mapping.Expr{}, made: map[*node]int{}}, nil
}

// loader is one run of Load, or of Connections.
type loader struct {
	o      Options
	schema *schema
	dir    string
	data   string
	files  []string

	// source is the source of orders that is being read; empty outside of them.
	source string

	errors, warnings notes
	// placeholders is set while a template is checked by itself.
	placeholders bool
	deferred     []deferral
	made         map[*node]int

	set         fileSet
	expanded    []entry
	site        *site
	connections map[string]*Connection
	used        map[string]bool
	templates   map[string]*template
	exprs       map[string]*mapping.Expr
	counters    map[counterKey]counterUse
}

func (l *loader) readFile(path string) ([]byte, error) { return l.o.ReadFile(path) }

// beside gives a path relative to the folder of the main file.
func (l *loader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.dir, filepath.FromSlash(path))
}

func (l *loader) load(path string) *Config {
	root := l.readAll(path)
	if root == nil {
		return nil
	}
	config := l.readSite(root)
	l.readConnections(config)
	l.readTemplates()
	l.readMachines(config)
	l.readCalendar(config)
	l.checkPlan(config)
	l.checkBacklog(config)
	l.checkTogether(config)
	config.Files = l.files
	if !l.o.Lean {
		config.tree = l.expandedTree(root, config)
	}
	return config
}

// bad reports a mistake at a node. Of dead nodes enough was said; of what a
// template's placeholder became, judgement waits until all machines are known.
func (l *loader) bad(n *node, text string) { l.note(n, n.pos, text, false) }

// badKey reports a mistake at the key of a node: something is missing in it.
func (l *loader) badKey(n *node, text string) { l.note(n, n.keyPos, text, false) }

func (l *loader) warn(n *node, text string) { l.note(n, n.keyPos, text, true) }

func (l *loader) note(n *node, at Pos, text string, doubt bool) {
	switch {
	case n.dead:
	case len(n.from) > 0:
		l.deferred = append(l.deferred, deferral{node: n, text: text, doubt: doubt})
	default:
		l.put(Problem{Pos: at, Path: n.path(), Text: text}, doubt)
	}
}

func (l *loader) put(p Problem, doubt bool) {
	if doubt {
		l.warnings.add(p)
		return
	}
	l.errors.add(p)
}

// platformData is where the store lives if nothing is said.
func platformData(goos string, env func(string) (string, bool)) string {
	if goos == "windows" {
		if base, ok := env("ProgramData"); ok && base != "" {
			return strings.TrimRight(base, `\/`) + `\prodsmart-gateway`
		}
		return `C:\ProgramData\prodsmart-gateway`
	}
	if goos == "darwin" {
		return "/Library/Application Support/prodsmart-gateway"
	}
	return "/var/lib/prodsmart-gateway"
}

func (l *loader) dataFolder(configured string) string {
	if configured == "" {
		return platformData(runtime.GOOS, l.o.Env)
	}
	return l.beside(configured)
}
