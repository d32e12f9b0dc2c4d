package sql

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// checkName checks the name of a view: up to three parts with points between.
func checkName(name string) error {
	parts := strings.Split(name, ".")
	if len(parts) > 3 {
		return fmt.Errorf("more than three parts")
	}
	for _, p := range parts {
		if p == "" || len(p) > 128 || strings.ContainsFunc(p, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("\"'`[];\\", r) }) {
			return fmt.Errorf("a part is empty, too long, or has a character that names do not have")
		}
	}
	return nil
}

// checkQuery checks that a text is one SELECT: nothing else begins in it, and it
// does not leave the brackets that are put around it. What the server's own
// read-only transaction refuses is refused there; this is for the servers that
// have none, and against slips.
func checkQuery(text string) error {
	word, words, depth := "", []string(nil), 0
	flush := func() {
		if word != "" {
			words = append(words, strings.ToLower(word))
		}
		word = ""
	}
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' {
			word += string(r)
			continue
		}
		flush()
		pair := string(runes[i:min(i+2, len(runes))])
		switch {
		case r == ';', r == '\\', r == '#', r == '$', r == 0, pair == "--", pair == "/*":
			return fmt.Errorf("%q can not be in it", string(r))
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return fmt.Errorf("a bracket is closed that was not opened")
			}
		case strings.ContainsRune("'\"`[", r):
			end := r
			if r == '[' {
				end = ']'
			}
			n := slices.Index(runes[i+1:], end)
			if n < 0 {
				return fmt.Errorf("%q is not closed", string(r))
			}
			if strings.ContainsRune(string(runes[i+1:i+1+n]), '\\') {
				return fmt.Errorf("a backslash can not be in it")
			}
			i += n + 1
		}
	}
	flush()
	if depth != 0 {
		return fmt.Errorf("a bracket is not closed")
	}
	if len(words) == 0 || words[0] != "select" {
		return fmt.Errorf("it does not begin with SELECT")
	}
	for _, w := range words {
		if slices.Contains([]string{"insert", "update", "delete", "merge", "into", "drop", "alter", "create", "exec", "execute", "call", "truncate", "grant", "revoke",
			"openrowset", "openquery", "opendatasource", "set", "lock", "copy", "load", "attach", "pragma", "vacuum"}, w) {
			return fmt.Errorf("the word %s can not be in it", strings.ToUpper(w))
		}
	}
	return nil
}
