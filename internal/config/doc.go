// Package config turns the engineer's YAML into a typed configuration, or into
// the list of everything that is wrong with it, each with file, line and
// column. It holds the schema, with every default and every explanation, in one
// place. It reads files and secrets; it opens no connection, keeps no state and
// never writes a file.
package config

//go:generate go test -run TestReferenceIsUpToDate . -args -write-reference
