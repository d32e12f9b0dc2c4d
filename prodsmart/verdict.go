package prodsmart

import (
	"fmt"
	"html"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// defaultPause is what a 429 without Retry-After asks for.
	defaultPause = 30 * time.Second
	minPause     = time.Second
	maxPause     = 10 * time.Minute
)

// judge says what a reply means.
func (c *Client) judge(r reply) Answer {
	a := Answer{Status: r.status, Took: r.took, Page: r.status != 0 && isPage(r)}
	switch {
	case r.status == 0:
		a.Verdict, a.Text = Unsent, c.explain(r)
		if r.left {
			a.Verdict = Ambiguous
		}
	case r.status >= 200 && r.status <= 299:
		a.Verdict, a.Text = c.judgeSuccess(r)
	case r.status >= 300 && r.status <= 399:
		a.Verdict, a.Text = c.judgeRedirect(r)
	default:
		a.Verdict, a.Text = judgeFailure(r.status), c.failureText(r)
	}
	a.RetryAfter = pauseOf(r, time.Now())
	a.Text = c.clean(a.Text)
	return a
}

// judgeSuccess looks behind a 2xx: a web page did not come from the interface,
// and an answer that speaks of invalid JSON means that the body was not
// understood, whatever the status. An answer that broke off after its head is
// as good as a whole one, because the status is all that is documented.
func (c *Client) judgeSuccess(r reply) (Verdict, string) {
	text := bodyText(r)
	switch {
	case isPage(r):
		return Ambiguous, fmt.Sprintf("%s answered with a web page%s: is there a captive portal or a filtering proxy in between? Open %s in a browser on this computer", c.host, pageTitle(r.body), c.site)
	case len(text) < 200 && strings.Contains(strings.ToLower(text), "invalid json"):
		return Refused, text
	case r.broken != nil && text == "":
		return Accepted, "(the answer broke off after its status)"
	case r.broken != nil:
		return Accepted, text + " (the answer broke off here)"
	}
	return Accepted, text
}

// judgeRedirect treats a redirect as a request that did not get through: no
// service documents one, so it comes from something in between or says that
// the address is wrong, and it is never the payload's fault. After a 303 the
// request may have been carried out.
func (c *Client) judgeRedirect(r reply) (Verdict, string) {
	target := "elsewhere"
	if u, err := url.Parse(r.header.Get("Location")); err == nil && u.Host != "" {
		target = u.Scheme + "://" + u.Host + u.EscapedPath()
	} else if err == nil && u.Path != "" {
		target = u.EscapedPath()
	}
	text := fmt.Sprintf("%s redirects to %s, which is not followed: set prodsmart.url and prefix to where the service is; if that is a login page, a proxy or portal is in between", c.host, target)
	switch r.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return Unsent, text
	}
	return Ambiguous, text
}

// judgeFailure sorts the remaining statuses.
func judgeFailure(status int) Verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return Unauthorized
	case http.StatusTooManyRequests:
		return Limited
	case http.StatusProxyAuthRequired, http.StatusNetworkAuthenticationRequired:
		return Unsent // only what is in between says so
	case http.StatusRequestTimeout, http.StatusTooEarly, 499:
		return Ambiguous
	}
	if status >= 400 && status <= 499 {
		return Refused
	}
	return Ambiguous
}

// failureText is what a person should read about a status that is no success.
// The server's own words come first and unchanged, because configured patterns
// may classify them.
func (c *Client) failureText(r reply) string {
	text := bodyText(r)
	switch {
	case isPage(r):
		text = fmt.Sprintf("%s answered %s with a web page%s", c.host, statusName(r.status), pageTitle(r.body))
	case text == "":
		text = statusName(r.status)
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return text + " (check the API key and secret, and the rights of their user in Prodsmart)"
	case http.StatusProxyAuthRequired:
		return fmt.Sprintf("%s (a proxy wants a login: %s)", text, loginAdvice(r.header, c.proxyLogin))
	case http.StatusNetworkAuthenticationRequired:
		return fmt.Sprintf("%s (the network wants a login first: open %s in a browser on this computer)", text, c.site)
	case http.StatusNotFound:
		if isPage(r) {
			return text + " (check prodsmart.url and the prefix)"
		}
	}
	return text
}

func statusName(status int) string {
	if name := http.StatusText(status); name != "" {
		return strconv.Itoa(status) + " " + name
	}
	return "status " + strconv.Itoa(status)
}

// isPage says that a body is markup. A content type of text/html alone is not
// enough, since it is what many servers put on a bare number, or on JSON.
func isPage(r reply) bool {
	body := trimmed(r.body)
	switch {
	case len(body) > 0 && body[0] == '<':
		return true
	case len(body) > 0 && (body[0] == '{' || body[0] == '['):
		return false
	}
	kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if kind != "text/html" && kind != "application/xhtml+xml" {
		return false
	}
	return strings.ContainsRune(string(body), '<') || len(body) == 0 && r.broken != nil
}

// pageTitle is the title of a web page, ready to be put into a sentence.
func pageTitle(body []byte) string {
	found := regexp.MustCompile(`(?is)<title[^>]*>\s*(.{1,200}?)\s*</title>`).FindSubmatch(body)
	if found == nil {
		return ""
	}
	return ` titled "` + html.UnescapeString(string(found[1])) + `"`
}

// pauseOf is the pause that an answer asks for: always one after a 429, only a
// stated one after a 503, none otherwise.
func pauseOf(r reply, now time.Time) time.Duration {
	if r.status != http.StatusTooManyRequests && r.status != http.StatusServiceUnavailable {
		return 0
	}
	if pause, stated := retryAfter(r.header, now); stated {
		return pause
	}
	if r.status == http.StatusTooManyRequests {
		return defaultPause
	}
	return 0
}

// retryAfter reads the Retry-After header, in seconds or as a date, and bounds
// it. A date is taken relative to the server's own clock where the answer shows
// it. It says false if there is none that can be read.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return maxPause, true
		}
		return bounded(time.Duration(seconds) * time.Second), true
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e6 {
		return bounded(time.Duration(seconds * float64(time.Second))), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return bounded(at.Sub(now)), true
}

func bounded(pause time.Duration) time.Duration { return min(max(pause, minPause), maxPause) }
