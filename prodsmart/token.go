package prodsmart

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// tokenLife is how long a token is valid; no answer says so, only the
	// documentation.
	tokenLife = 2 * time.Hour
	// A token is renewed between renewFrom and renewTo after it was fetched, at
	// random, so that several gateways do not ask at once.
	renewFrom = 90 * time.Minute
	renewTo   = 110 * time.Minute
	// renewPause is the time between attempts to renew a token that still
	// works.
	renewPause = time.Minute
	// doubtPause is the time in which a token, once it was fetched, is not doubted
	// because of a 400.
	doubtPause = 30 * time.Second
	// maxToken bounds what is taken for a token.
	maxToken = 4096

	scopeBody = `{"scopes":["productions_write"]}`
)

// token is one access token. Its number tells it from those before and after.
type token struct {
	text            Secret
	number          uint64
	renewAt, deadAt time.Time
	fetched         time.Time
}

// tokens keeps the one token that all calls share.
type tokens struct {
	// turn holds one element while somebody fetches a token.
	turn chan struct{}

	mu      sync.Mutex
	current token
	// attempts counts finished fetches; failure is the outcome of the last one,
	// nil if it gave a token.
	attempts uint64
	failure  *Error
}

func (t *tokens) state() (current token, attempts uint64, failure *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, t.attempts, t.failure
}

// doubt says whether a 400 may be the token's fault: there is another one by now,
// or nobody knows that it is good because it was fetched a moment ago.
func (t *tokens) doubt(used token, now time.Time) bool {
	current, _, _ := t.state()
	return current.number != used.number || now.Sub(used.fetched) >= doubtPause
}

// trust ends the doubt in a token that was found to be the one there is.
func (t *tokens) trust(doubted token, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.number == doubted.number {
		t.current.fetched = now
	}
}

// forget lets the next call fetch a token, because the one there is has ended.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = token{number: t.current.number}
}

// Authorize makes sure that there is a token, fetching one if needed. The error
// is an *Error. Calls do it by themselves; it is for those who want to know
// beforehand whether the credentials are good.
func (c *Client) Authorize(ctx context.Context) error {
	if _, failed := c.accessToken(ctx, 0); failed != nil {
		return failed
	}
	return nil
}

// accessToken gives a token other than the one numbered refused (0: none was
// refused). However many callers need one, one request is made, and all of them
// share its outcome. A token that is due but still valid is renewed by one
// caller while the others go on with it.
func (c *Client) accessToken(ctx context.Context, refused uint64) (token, *Error) {
	current, seen, _ := c.tokens.state()
	valid := c.valid(current, refused)
	if valid && c.now().Before(current.renewAt) {
		return current, nil
	}
	if valid {
		select {
		case c.tokens.turn <- struct{}{}:
		default:
			return current, nil
		}
	} else {
		select {
		case c.tokens.turn <- struct{}{}:
		case <-ctx.Done():
			return token{}, c.authorizationError(Answer{Verdict: Unsent, Text: "abandoned while another call fetched a token"})
		}
	}
	defer func() { <-c.tokens.turn }()

	current, attempts, failure := c.tokens.state()
	valid = c.valid(current, refused)
	switch {
	case valid && c.now().Before(current.renewAt):
		return current, nil
	case !valid && attempts != seen && failure != nil:
		return token{}, failure
	}
	fetched, failed := c.renew(ctx, current)
	if failed != nil && valid {
		return current, nil
	}
	return fetched, failed
}

// valid says whether a token may be used by a caller that saw the one numbered
// refused turned away.
func (c *Client) valid(t token, refused uint64) bool {
	return !t.text.IsZero() && t.number > refused && c.now().Before(t.deadAt)
}

// renew fetches a token and keeps it. The caller holds the turn.
func (c *Client) renew(ctx context.Context, old token) (token, *Error) {
	text, failed := c.fetchToken(ctx, old.text)
	now := c.now()
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	if failed != nil {
		c.tokens.current.renewAt = now.Add(renewPause)
		// The next in line tries for itself if this caller merely gave up.
		if ctx.Err() == nil {
			c.tokens.attempts++
			c.tokens.failure = failed
		}
		return token{}, failed
	}
	c.tokens.attempts++
	c.tokens.failure = nil
	c.tokens.current = token{
		text:    text,
		number:  old.number + 1,
		fetched: now,
		renewAt: now.Add(renewFrom + rand.N(renewTo-renewFrom)),
		deadAt:  now.Add(tokenLife),
	}
	c.hide(text, old.text)
	return c.tokens.current, nil
}

// fetchToken asks for a new token and, where that is refused, for the existing
// one. Credentials that are turned away are not tried twice.
func (c *Client) fetchToken(ctx context.Context, old Secret) (Secret, *Error) {
	ask := call{
		endpoint: AuthorizationEndpoint,
		method:   http.MethodPost,
		path:     c.paths[AuthorizationEndpoint],
		body:     []byte(scopeBody),
		auth:     AuthBasic,
		extra:    true,
	}
	r := c.exchange(ctx, ask)
	answer := c.judge(r)
	text := tokenIn(r)
	if text.IsZero() && (answer.Verdict == Refused || answer.Verdict == Accepted) {
		ask.method, ask.body = http.MethodGet, nil
		existing := c.exchange(ctx, ask)
		if text = tokenIn(existing); !text.IsZero() && text.Equal(old) {
			failed := c.authorizationError(Answer{
				Verdict: Unauthorized, Status: existing.status,
				Text: "a new token is refused (" + answer.Text + ") and the existing one does not work any more",
			})
			failed.sameToken = true
			return Secret{}, failed
		}
	}
	if text.IsZero() {
		return Secret{}, c.authorizationError(withoutToken(answer))
	}
	return text, nil
}

// withoutToken is what a fruitless request for a token means for the call that
// needs it: that call did not leave, and a refusal is about the credentials.
func withoutToken(a Answer) Answer {
	switch a.Verdict {
	case Refused:
		a.Verdict = Unauthorized
	case Accepted:
		a.Verdict = Unsent
		a.Text = "the answer holds no token: " + a.Text
	case Ambiguous:
		a.Verdict = Unsent
	}
	return a
}

func (c *Client) authorizationError(a Answer) *Error {
	a.Text = c.clean(a.Text)
	return &Error{Endpoint: AuthorizationEndpoint, Host: c.host, Answer: a}
}

// tokenIn is the token of an authorization object; empty if there is none.
func tokenIn(r reply) Secret {
	if r.status < 200 || r.status > 299 {
		return Secret{}
	}
	var object struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(trimmed(r.body), &object) != nil {
		return Secret{}
	}
	text := object.Token
	if text == "" {
		text = object.AccessToken
	}
	if len(text) > maxToken || strings.ContainsFunc(text, isControl) {
		return Secret{}
	}
	return NewSecret(text)
}
