package prodsmart

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText bounds Answer.Text, in characters.
	maxText = 300
	// minHidden is the length from which a credential is searched for in
	// texts; a shorter one would blank out ordinary words.
	minHidden = 4
)

// cleaner makes texts of the outside fit for people and logs: one line, of
// bounded length, without secrets. It never changes; a new one is made when the
// token changes.
type cleaner struct {
	secrets  *strings.Replacer
	patterns []*regexp.Regexp
	// longest is the length of the longest secret, in bytes.
	longest int
}

// credentialForms are the secrets that live as long as the client.
func credentialForms(cfg Config) []Secret {
	pair := cfg.Key.Reveal() + ":" + cfg.Secret.Reveal()
	basic := base64.StdEncoding.EncodeToString([]byte(pair))
	return []Secret{cfg.Key, cfg.Secret, NewSecret(basic), cfg.ProxyPassword}
}

// hide makes the client blank out the credentials and the given tokens from now
// on.
func (c *Client) hide(tokens ...Secret) {
	var forms []string
	for _, secret := range slices.Concat(c.hidden, tokens) {
		if len(secret.Reveal()) >= minHidden {
			forms = append(forms, spellings(secret.Reveal())...)
		}
	}
	// The longest first: of two that begin alike the longer must win.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	next := &cleaner{}
	if len(forms) > 0 {
		next.longest = len(forms[0])
	}
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, mask)
	}
	next.secrets = strings.NewReplacer(pairs...)
	if before := c.cleaner.Load(); before != nil {
		next.patterns = before.patterns
	} else {
		next.patterns = []*regexp.Regexp{
			regexp.MustCompile(`(?i)(access_token=)[^&\s"'<>]+`),
			regexp.MustCompile(`(?i)("(?:access_)?token"\s*:\s*")[^"]*`),
			regexp.MustCompile(`(?i)(authorization["']?\s*[:=]\s*["']?(?:basic|bearer)\s+)[^\s"',;}]+`),
		}
	}
	c.cleaner.Store(next)
}

// spellings are the ways in which a server may echo a secret.
func spellings(secret string) []string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		quoted = []byte(`""`) // a string always marshals
	}
	all := []string{
		secret, html.EscapeString(secret), string(quoted[1 : len(quoted)-1]),
		url.QueryEscape(secret), url.PathEscape(secret), segment(secret),
	}
	for _, s := range all[3:] {
		all = append(all, lowerEscapes(s))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lowerEscapes writes percent escapes with small letters.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// clean makes a text fit for people and logs.
func (c *Client) clean(s string) string { return c.cleaner.Load().line(s) }

// line looks at the beginning of a long text only, if that is more than is told of it: a
// list of orders is long, and its first words are what is kept. A secret that the cut
// goes through is in the part that is not told.
func (k *cleaner) line(s string) string {
	told := utf8.UTFMax*maxText + k.longest
	if most := 2 * told; len(s) > most {
		if text := k.plain(s[:most]); len(text) > told {
			return shorten(text)
		}
	}
	return shorten(k.plain(s))
}

// plain is a text as one line, without secrets.
func (k *cleaner) plain(s string) string {
	s = k.secrets.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	for _, p := range k.patterns {
		s = p.ReplaceAllString(s, "${1}"+mask)
	}
	s = strings.Join(strings.FieldsFunc(s, isControl), " ")
	return strings.Join(strings.Fields(s), " ")
}

// shorten cuts a text off after so many characters as are told.
func shorten(s string) string {
	count := 0
	for i := range s {
		if count == maxText-1 && len(s[i:]) > 1 {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// isControl says that a character does something to a line of text instead of
// being in it: control characters, line separators, direction marks.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// bodyText is the body of a reply as text, not yet cleaned.
func bodyText(r reply) string { return string(trimmed(r.body)) }

// trimmed is a body without a byte order mark and blanks around it.
func trimmed(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\uFEFF")))
}
