package config

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
)

// Secret is a credential that came by reference. However it is printed, only
// the reference shows.
type Secret struct {
	ref string
	// A pointer, so that printing a struct around it shows an address at most.
	value *string
}

// Reveal gives the secret itself, "" if there is none or Options.SkipSecrets
// was set.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet says whether a reference was given.
func (s Secret) IsSet() bool { return s.ref != "" }

// String is the reference: ${env:NAME}.
func (s Secret) String() string { return s.ref }

// Format prints the reference whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.ref) }

// MarshalText is the reference, for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.ref), nil }

// MarshalYAML is the reference.
func (s Secret) MarshalYAML() (any, error) { return s.ref, nil }

// LogValue is the reference.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.ref) }

var (
	reference  = regexp.MustCompile(`^\$\{(env|file|secret):([^{}]*)\}$`)
	secretName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
)

const referenceHint = "write ${env:NAME}, ${file:path} or ${secret:name}"

// checkReference says what is wrong with the text of a reference, "" if nothing.
func checkReference(text string) string {
	m := reference.FindStringSubmatch(text)
	switch {
	case m == nil && strings.HasPrefix(text, "${"):
		return "the reference " + quote(text) + " is not understood; " + referenceHint
	case m == nil:
		return "a secret may not stand in the file; " + referenceHint
	case m[2] == "":
		return "the reference names nothing; " + referenceHint
	case m[1] == "secret" && (!secretName.MatchString(m[2]) || strings.HasPrefix(m[2], ".")):
		return "the name of a secret has letters, digits, dots, dashes and underscores only, got " + quote(m[2])
	}
	return ""
}

// resolve reads what a reference points to. The lookup:
//
//	${env:NAME}     the environment of the gateway's process
//	${file:path}    the content of a file; a relative path is taken from the
//	                folder of the main configuration file
//	${secret:name}  the file of that name in Options.SecretDir; if that is not
//	                set, in the folder "secrets" beside the main configuration
//	                file, then in the folder "secrets" beside the data folder
//
// One newline at the end of a file is not part of the secret. An empty secret
// is as good as a missing one. The returned text is a problem, "" for none, and
// never contains what was read.
func (l *loader) resolve(ref string) (Secret, string) {
	secret := Secret{ref: ref}
	m := reference.FindStringSubmatch(ref)
	if l.o.SkipSecrets && (l.o.SecretsOf == "" || l.source != l.o.SecretsOf) || m == nil {
		return secret, ""
	}
	var tried []string
	switch m[1] {
	case "env":
		if value, ok := l.o.Env(m[2]); ok && value != "" {
			secret.value = &value
			return secret, ""
		}
		return secret, "the environment variable " + m[2] + " is not set; set it for the gateway's process"
	case "file":
		tried = []string{l.beside(m[2])}
	case "secret":
		if tried = []string{filepath.Join(l.o.SecretDir, m[2])}; l.o.SecretDir == "" {
			tried = []string{l.beside(filepath.Join("secrets", m[2])), filepath.Join(filepath.Dir(l.data), "secrets", m[2])}
			if tried[0] == tried[1] {
				tried = tried[:1]
			}
		}
	}
	for _, path := range tried {
		content, err := l.o.ReadFile(path)
		if err != nil {
			continue
		}
		value := strings.TrimPrefix(string(content), "\uFEFF")
		value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
		if value == "" || len(value) > 4096 || strings.ContainsAny(value, "\x00\n\r") {
			return secret, ref + ": the file " + printablePath(path) + " must hold the secret in one line"
		}
		secret.value = &value
		return secret, ""
	}
	for i := range tried {
		tried[i] = printablePath(tried[i])
	}
	return secret, ref + " can not be read; it is looked for in " + strings.Join(tried, " and ")
}

// printablePath writes paths alike on all systems.
func printablePath(path string) string { return filepath.ToSlash(path) }
