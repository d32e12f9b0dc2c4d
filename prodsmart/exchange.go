package prodsmart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBody is how much of an answer is read unless a call asks for more.
	maxBody = 64 << 10
	// bodyTimeout bounds the time between the head of an answer and its end.
	// The status is known by then, so a dripping body may not hold a machine up.
	bodyTimeout = 5 * time.Second
)

// call is one request before it becomes HTTP.
type call struct {
	endpoint Endpoint
	method   string
	// path is percent-encoded and follows the prefix.
	path string
	// query is what follows the path, besides the token.
	query url.Values
	// body is JSON; nil is none.
	body []byte
	// most is how much of an answer is read; 0 is maxBody. An answer that may
	// be large also has the time of a request for it.
	most int
	// auth chooses the credential; with AuthToken the token is put into token
	// by perform.
	auth  Auth
	token Secret
	extra bool
}

// reply is what came back, or did not.
type reply struct {
	// status is 0 if no head of an answer came; err says why.
	status int
	header http.Header
	// body is at most what the call wanted; cut says that there was more, broken that
	// the answer ended before its body did.
	body   []byte
	cut    bool
	broken error
	err    error
	// left says that at least one byte of the request may have left.
	left bool
	// repeated says that the server turned the request away over HTTP/2 in a way
	// that made the transport want to make it again.
	repeated bool
	// sought is the name that was being looked up when the time was over, if it
	// was one.
	sought string
	// abandoned says that the caller's context ended first.
	abandoned bool
	took      time.Duration
}

// exchange makes exactly one request and waits for its answer. It is the only
// function that touches the network.
func (c *Client) exchange(ctx context.Context, r call) reply {
	if err := ctx.Err(); err != nil {
		return reply{err: err, abandoned: true}
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var f flight
	out := c.roundTrip(f.trace(limited, cancel), cancel, r)
	out.left = f.left.Load() || out.status != 0
	out.repeated = f.repeated.Load()
	if name := f.sought.Load(); name != nil {
		out.sought = *name
	}
	out.abandoned = ctx.Err() != nil
	out.took = time.Since(began)
	if out.left && c.onRequest != nil {
		c.onRequest(Request{Endpoint: r.endpoint, Extra: r.extra, Status: out.status, Took: out.took})
	}
	return out
}

func (c *Client) roundTrip(ctx context.Context, cancel context.CancelFunc, r call) reply {
	req, err := c.httpRequest(ctx, r)
	if err != nil {
		return reply{err: err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode < 100 { // package net/http lets a status of 000 pass
		return reply{err: fmt.Errorf("malformed HTTP status code %03d", resp.StatusCode)}
	}
	most, patience := maxBody, c.bodyTimeout
	if r.most > 0 {
		most, patience = r.most, c.timeout
	}
	drip := time.AfterFunc(patience, cancel)
	defer drip.Stop()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	out := reply{status: resp.StatusCode, header: resp.Header, body: body, broken: err}
	if len(body) > most {
		out.body, out.cut = body[:most], true
	}
	return out
}

func (c *Client) httpRequest(ctx context.Context, r call) (*http.Request, error) {
	query := maps.Clone(r.query)
	if query == nil {
		query = url.Values{}
	}
	if !r.token.IsZero() {
		query.Set("access_token", r.token.Reveal())
	}
	address := c.base + r.path
	if len(query) > 0 {
		address += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, errors.New("the address of the request can not be built; check the url, the prefix and the paths")
	}
	if r.endpoint == ChangesEndpoint {
		// package net/http makes a request without a body again by itself when a kept
		// connection breaks. This one empties what it reads, and must not be repeated.
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	if r.auth == AuthBasic {
		req.SetBasicAuth(c.key.Reveal(), c.secret.Reveal())
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/plain;q=0.9, */*;q=0.5")
	req.Header.Set("User-Agent", c.agent)
	return req, nil
}

// perform makes a call with its credential. A token that is refused is renewed
// once and the call made again; a refusal is no application, so nothing is told
// twice. The error says that no token could be had, and that the call itself
// was not applied.
func (c *Client) perform(ctx context.Context, r call) (reply, *Error) {
	if r.auth == AuthBasic {
		return c.exchange(ctx, r), nil
	}
	t, failed := c.accessToken(ctx, 0)
	if failed != nil {
		return reply{}, failed
	}
	r.token = t.text
	out := c.exchange(ctx, r)
	switch out.status {
	case http.StatusUnauthorized, http.StatusForbidden:
	case http.StatusBadRequest:
		// What a tenant answers to a token that is not valid any more is not
		// documented. It may be this; else it is a refusal, which comes again.
		if !c.tokens.doubt(t, c.now()) {
			return out, nil
		}
	default:
		return out, nil
	}
	doubted := t
	if t, failed = c.accessToken(ctx, t.number); failed != nil {
		if out.status == http.StatusBadRequest && failed.sameToken {
			c.tokens.trust(doubted, c.now())
			return out, nil // the token is the one there is: the refusal is the post's
		}
		return reply{}, failed
	}
	r.token, r.extra = t.text, true
	return c.exchange(ctx, r), nil
}

// Error is an answer other than Accepted, from the calls that return an error.
type Error struct {
	Endpoint Endpoint
	// Host is where the call went to.
	Host   string
	Answer Answer
	// sameToken says that a token was given, and was the one that is doubted.
	sameToken bool
}

// AnswerOf is what the error of a call says of Prodsmart: Accepted if there is none,
// and Ambiguous if it is none of this package's.
func AnswerOf(err error) Answer {
	var failed *Error
	switch {
	case err == nil:
		return Answer{Verdict: Accepted}
	case errors.As(err, &failed):
		return failed.Answer
	}
	return Answer{Verdict: Ambiguous, Text: err.Error()}
}

// Error says what happened and where.
func (e *Error) Error() string {
	status := ""
	if e.Answer.Status != 0 {
		status = fmt.Sprintf(" (HTTP %d)", e.Answer.Status)
	}
	return fmt.Sprintf("prodsmart %s at %s: %s%s: %s", e.Endpoint, e.Host, e.Answer.Verdict, status, e.Answer.Text)
}
