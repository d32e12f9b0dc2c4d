package prodsmart

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	c.hide(NewSecret("tok/en+of=today"))
	basic := base64.StdEncoding.EncodeToString([]byte(testKey + ":" + testSecret))
	for _, row := range []struct{ name, in, want string }{
		{"plain", "count must grow", "count must grow"},
		{"lines", "a\r\n\tb\x00c\x1b[31md\u2028e\u202ef\u200bg", "a b c [31md e f g"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"key", "the key " + testKey + " is unknown", "the key [hidden] is unknown"},
		{"secret", testSecret + "!", "[hidden]!"},
		{"in a query", "?s=" + url.QueryEscape(testSecret) + "&t=" + strings.ToLower(url.QueryEscape("tok/en+of=today")), "?s=[hidden]&t=[hidden]"},
		{"in a page", html.EscapeString(testSecret), "[hidden]"},
		{"in JSON", `{"echo":"s3cret/with+odd=chars\u0026"}`, `{"echo":"[hidden]"}`},
		{"basic", "Authorization: Basic " + basic, "Authorization: Basic [hidden]"},
		{"token", "no tok/en+of=today here", "no [hidden] here"},
		{"another's token", "GET /x?access_token=SOMEBODYS&page=2", "GET /x?access_token=[hidden]&page=2"},
		{"a token object", `{"scopes":[],"token" : "SOMEBODYS"}`, `{"scopes":[],"token" : "[hidden]"}`},
		{"another's basic", `authorization=basic QUJDOkRFRg==, x`, `authorization=basic [hidden], x`},
		{"words stay", "Basic information: the token is missing", "Basic information: the token is missing"},
	} {
		if got := c.clean(row.in); got != row.want {
			t.Errorf("%s:\ngot  %q\nwant %q", row.name, got, row.want)
		}
	}
	for in, want := range map[string]int{
		strings.Repeat("ü", 299): 299, strings.Repeat("ü", 300): 300, strings.Repeat("ü", 301): 300, strings.Repeat("x ", 5000): 300,
	} {
		if got := utf8.RuneCountInString(c.clean(in)); got > want || got < want-1 {
			t.Errorf("%d characters became %d, want %d", utf8.RuneCountInString(in), got, want)
		}
	}
	if got := c.clean(strings.Repeat("x", 290) + " " + testSecret); strings.Contains(got, "s3") {
		t.Errorf("a cut secret is shown: %q", got)
	}
}

// TestCleanLongText: a secret anywhere in a long text is not shown, nor the beginning of
// one, and the text is as it would be if all of it was looked at.
func TestCleanLongText(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	k := c.cleaner.Load()
	for _, filler := range []string{"x", " ", "\u202e", "é", testSecret} {
		long := strings.Repeat(filler, 6000)
		for at := 0; at < 6000; at += 37 {
			text := long[:at] + testSecret + `","token":"abc` + long[at:]
			got := c.clean(text)
			if want := shorten(k.plain(text)); got != want {
				t.Fatalf("%q at %d: %q, not %q", filler, at, got, want)
			}
			if filler != testSecret && strings.Contains(got, testSecret[:5]) {
				t.Fatalf("%q at %d shows a secret: %q", filler, at, got)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	c := newClient(f, "http://127.0.0.1:1")
	f.Add("a\xff\u202e\n"+testSecret, uint16(10))
	f.Add("\uFEFF<html>", uint16(0))
	f.Fuzz(func(t *testing.T, s string, at uint16) {
		i := min(int(at), len(s))
		got := c.clean(s[:i] + testSecret + s[i:])
		if strings.Contains(got, testSecret) {
			t.Fatalf("shows the secret: %q", got)
		}
		if utf8.RuneCountInString(got) > maxText || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("no clean line: %q", got)
		}
	})
}
