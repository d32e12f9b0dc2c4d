package config

import "strings"

// Connections reads only the connections of a configuration and its included
// files: for a person who asks a device before there are machines, or while the
// rest has mistakes. It returns the connections that are without a mistake, and
// all mistakes of the others and of the files as such. Machines, templates and
// Prodsmart are not looked at.
func Connections(path string, o Options) ([]Connection, Problems) {
	l, err := newLoader(path, o)
	if err != nil {
		return nil, Problems{{Pos: Pos{path, 1, 1}, Text: err.Error()}}
	}
	var c Config
	if root := l.readFileInto(path, nil, l.schema.root, nil); root != nil {
		l.data = l.dataFolder(root.text("data"))
		l.site = &site{name: root.text("site")}
		l.readConnections(&c)
	}
	problems := l.errors.sorted(l.files)
	var well []Connection
	for _, connection := range c.Connections {
		if len(problems.Of(connection.Name)) == 0 {
			well = append(well, connection)
		}
	}
	return well, problems
}

// Of gives the problems of one connection.
func (p Problems) Of(connection string) Problems {
	var own Problems
	path := "connections." + connection
	for _, problem := range p {
		if problem.Path == path || strings.HasPrefix(problem.Path, path+".") {
			own = append(own, problem)
		}
	}
	return own
}
