package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// DefaultMost is the largest answer that is read, in bytes, if a Caller does
// not say.
const DefaultMost = 32 << 20

// Caller makes calls to one system. Its zero value works.
type Caller struct {
	// HTTP is nil for a client with the process's proxy settings.
	HTTP *http.Client
	// Most bounds an answer, in bytes; 0 is DefaultMost.
	Most int64
	// Timeout bounds one exchange; 0 is 60 s.
	Timeout time.Duration
	// Secrets are texts that must not be seen in errors: an answer may repeat
	// what it was sent.
	Secrets []string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Took   time.Duration
}

// Do makes one exchange. doing names it in errors. write says that the call may
// change something there: if its answer is lost, the *erp.Error is Unclear. Any
// status is an Answer; see Check.
func (c Caller) Do(ctx context.Context, r *http.Request, doing string, write bool) (Answer, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = time.Minute
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	began := time.Now()
	res, err := c.client().Do(r.WithContext(ctx))
	if err != nil {
		return Answer{}, c.lost(err, r, doing, write)
	}
	defer res.Body.Close()
	most := c.Most
	if most <= 0 {
		most = DefaultMost
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	a := Answer{res.StatusCode, res.Header, body, time.Since(began)}
	if err != nil {
		return a, c.lost(err, r, doing, write)
	}
	if int64(len(body)) > most {
		fault := erp.Garbled
		if write {
			fault = erp.Unclear
		}
		return a, &erp.Error{Fault: fault, Doing: doing, What: fmt.Sprintf("the answer of %s is larger than %d MB", r.URL.Host, most>>20),
			Next: "ask for less at a time (a shorter span, a smaller page)"}
	}
	return a, nil
}

// client is the HTTP client, one that stays on the computer it was sent to.
func (c Caller) client() *http.Client {
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != via[0].URL.Host || via[0].Method != http.MethodGet || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &client
}

// lost is an exchange without an answer.
func (c Caller) lost(err error, r *http.Request, doing string, write bool) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	e := &erp.Error{Fault: erp.Unavailable, Doing: doing, What: c.clean(fmt.Sprintf("%s: %v", r.URL.Host, err)), Err: err}
	var op *net.OpError
	dialed := !(errors.As(err, &op) && op.Op == "dial")
	if errors.Is(err, context.DeadlineExceeded) {
		e.What = r.URL.Host + " did not answer in time"
	}
	if write && dialed {
		e.Fault = erp.Unclear
	}
	return e
}

// clean takes the secrets out of a text, and bounds it.
func (c Caller) clean(text string) string {
	for _, s := range c.Secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return Shorten(text, 300)
}

// Shorten makes text from outside fit for one line of a message.
func Shorten(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool {
		return r < ' ' || r == ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
	}), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}

// Check turns a status that is no success into an *erp.Error. A page of HTML
// where data was expected is Garbled: a portal or a proxy answered.
func (c Caller) Check(a Answer, doing string, write bool) error {
	e := &erp.Error{Doing: doing}
	said := c.clean(string(a.Body[:min(len(a.Body), 2000)]))
	html := strings.HasPrefix(strings.ToLower(strings.TrimSpace(said)), "<!doctype html") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(said)), "<html")
	if html {
		said = "a page of HTML"
	}
	e.What = fmt.Sprintf("answered %d: %s", a.Status, said)
	switch s := a.Status; {
	case s >= 200 && s < 300 && !html:
		return nil
	case s >= 200 && s < 300:
		e.Fault, e.What, e.Next = erp.Garbled, "answered with a page of HTML instead of data", "a proxy, a login page or a wrong address answers"
		if write {
			e.Fault = erp.Unclear
		}
	case s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusProxyAuthRequired:
		e.Fault, e.Next = erp.Denied, "check the user, the password or key, and the rights of the account"
	case s == http.StatusNotFound || s == http.StatusGone:
		if e.Fault = erp.Gone; html {
			e.Next = "check the address"
		}
	case s == http.StatusTooManyRequests:
		e.Fault, e.Until = erp.Unavailable, retryAfter(a.Header)
	case s == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
		e.Fault, e.Until = erp.Unavailable, retryAfter(a.Header)
	case s >= 500 || s == http.StatusRequestTimeout:
		e.Fault = erp.Unavailable
	case s >= 300 && s < 400:
		e.Fault, e.What, e.Next = erp.Misconfigured, fmt.Sprintf("answered %d: it points to another address", s), "write the final address into the configuration"
	default:
		e.Fault = erp.Refused
	}
	if write && (a.Status >= 500 && e.Until.IsZero() || a.Status == http.StatusRequestTimeout) {
		e.Fault = erp.Unclear
	}
	return e
}

// retryAfter is the moment that the header names, zero if it names none. More
// than a day is not believed.
func retryAfter(h http.Header) time.Time {
	text := h.Get("Retry-After")
	now := time.Now().UTC()
	until := time.Time{}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		until = now.Add(time.Duration(n) * time.Second)
	} else if t, err := http.ParseTime(text); err == nil {
		until = t.UTC()
	}
	if until.After(now.Add(24 * time.Hour)) {
		until = now.Add(24 * time.Hour)
	}
	return until
}
