package prodsmart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tenant is a Prodsmart that wants tokens. Its fields are set before it serves,
// or under mu.
type tenant struct {
	mu     sync.Mutex
	valid  string
	issued int
	// posts counts applied posts, turned those with a token that is not valid.
	posts, turned, asked int
	// authorization answers a request for a token; nil issues a new one.
	authorization http.HandlerFunc
	// rejects is the status for a wrong token.
	rejects int
}

func (s *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/api/authorization" {
		s.asked++
		key, secret, _ := r.BasicAuth()
		if key != testKey || secret != testSecret || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if s.authorization != nil {
			s.authorization(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(body) != scopeBody {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.issued++
		s.valid = fmt.Sprintf("token/%d+=", s.issued)
		w.Header().Set("Link", `<http:/api.example.test/api/authorizations>;rel="self"`)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"_links":{"self":{"href":"/api/authorizations"}},"scopes":["productions_write"],"token":%q}`, s.valid)
		return
	}
	if _, _, basic := r.BasicAuth(); basic || s.valid == "" || r.URL.Query().Get("access_token") != s.valid {
		s.turned++
		w.WriteHeader(s.rejects)
		_, _ = io.WriteString(w, "bad token "+r.URL.RawQuery)
		return
	}
	s.posts++
	_, _ = io.WriteString(w, "500")
}

func (s *tenant) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = "expired"
}

func newTenant(t *testing.T, change ...func(*Config)) (*tenant, *Client) {
	s := &tenant{rejects: http.StatusUnauthorized}
	return s, newClient(t, answering(t, s.ServeHTTP), append(change, withToken)...)
}

// together makes n posts at a time.
func together(t *testing.T, c *Client, n int) []Answer {
	answers := make([]Answer, n)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = c.Send(t.Context(), counterPost(int64(i))) })
	}
	all.Wait()
	return answers
}

func TestTokenIsShared(t *testing.T) {
	s, c := newTenant(t)
	for range 3 {
		for _, a := range together(t, c, 20) {
			expect(t, a, Accepted)
		}
	}
	if err := c.Authorize(t.Context()); err != nil {
		t.Error(err)
	}
	if s.asked != 1 || s.posts != 60 || s.turned != 0 {
		t.Errorf("%d requests for a token, %d posts, %d turned away", s.asked, s.posts, s.turned)
	}
}

// A token that expires while many callers use it is renewed exactly once, and
// each post is applied exactly once, whether the tenant says 401 or 403.
func TestTokenExpires(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		var own, extra atomic.Int32
		s, c := newTenant(t, func(cfg *Config) {
			cfg.OnRequest = func(r Request) {
				if r.Extra {
					extra.Add(1)
				} else {
					own.Add(1)
				}
			}
		})
		s.rejects = status
		send(t, c, Accepted)
		s.expire()
		for _, a := range together(t, c, 20) {
			expect(t, a, Accepted)
		}
		if s.issued != 2 || s.posts != 21 || s.turned == 0 {
			t.Errorf("%d tokens, %d posts, %d turned away", s.issued, s.posts, s.turned)
		}
		if int(own.Load()) != 21 || int(extra.Load()) != 2+s.turned {
			t.Errorf("%d requests asked for and %d extra were told, want 21 and %d", own.Load(), extra.Load(), 2+s.turned)
		}
	}
}

// A tenant that turns away even a fresh token is asked once more, not for ever,
// and the token is not shown.
func TestFreshTokenIsRefused(t *testing.T) {
	s, c := newTenant(t)
	s.authorization = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"token":"useless-token"}`) }
	a := send(t, c, Unauthorized)
	if s.asked != 2 || s.turned != 2 || a.Status != 401 {
		t.Errorf("%d requests for a token, %d turned away, status %d", s.asked, s.turned, a.Status)
	}
	if !strings.HasPrefix(a.Text, "bad token access_token=[hidden] (check") {
		t.Error(a.Text)
	}
}

func TestNoToken(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, row := range map[string]struct {
		authorization http.HandlerFunc
		want          Verdict
		asked         int
		text          string
	}{
		"wrong secret":   {answer(401, "who are you"), Unauthorized, 1, "no access token: who are you (check the API key"},
		"refused":        {answer(400, "no scopes"), Unauthorized, 2, "no access token: no scopes"},
		"limited":        {answer(429, "slow"), Limited, 1, "no access token: slow"},
		"broken":         {answer(500, "boom"), Unsent, 1, "no access token: boom"},
		"web page":       {answer(200, loginPage), Unsent, 1, "no access token: HOST answered with a web page"},
		"no token in it": {answer(200, `{"scopes":[]}`), Unsent, 2, `no access token: the answer holds no token: {"scopes":[]}`},
		"no text":        {answer(200, `{"token":7}`), Unsent, 2, "no access token: the answer holds no token"},
		"a strange one":  {answer(200, `{"token":"a\nb"}`), Unsent, 2, "no access token: the answer holds no token"},
		"too long":       {answer(200, `{"token":"`+strings.Repeat("x", maxToken+1)+`"}`), Unsent, 2, "no access token: the answer holds no token"},
		"redirect":       {answer(302, ""), Unsent, 1, "no access token: HOST redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newTenant(t)
			s.authorization = row.authorization
			a := send(t, c, row.want)
			if want := strings.ReplaceAll(row.text, "HOST", c.host); !strings.HasPrefix(a.Text, want) {
				t.Errorf("text %q, want %q", a.Text, want)
			}
			if s.asked != row.asked || s.turned != 0 {
				t.Errorf("%d requests for a token, want %d; %d posts without one", s.asked, row.asked, s.turned)
			}
			if a.Verdict == Limited && a.RetryAfter != 7*time.Second {
				t.Errorf("pause %s", a.RetryAfter)
			}
			var failure *Error
			if err := c.Authorize(t.Context()); !errors.As(err, &failure) || failure.Answer.Verdict != row.want ||
				!strings.HasPrefix(err.Error(), "prodsmart authorization at "+c.host+": "+row.want.String()) {
				t.Errorf("Authorize: %v", err)
			}
		})
	}
}

// Where POST is refused the existing token serves; once it does not work any
// more that is said instead of asking in circles.
func TestExistingToken(t *testing.T) {
	s, c := newTenant(t)
	s.valid = "existing-token"
	s.authorization = func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		_, _ = io.WriteString(w, `{"token":"existing-token"}`)
	}
	send(t, c, Accepted)
	s.expire()
	a := send(t, c, Unauthorized)
	if !strings.Contains(a.Text, "the existing one does not work any more") || s.asked != 4 || s.turned != 1 {
		t.Errorf("%d requests for a token, %d turned away: %s", s.asked, s.turned, a.Text)
	}
}

// A token is renewed between 90 and 110 minutes; while that fails it is used
// for as long as it lives.
func TestTokenAge(t *testing.T) {
	s, c := newTenant(t)
	now := time.Now()
	c.now = func() time.Time { return now }
	send(t, c, Accepted)
	start := now
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{time.Minute, 1}, {renewFrom - time.Second, 1}, {renewTo, 2}, {renewTo + renewFrom - time.Second, 2}} {
		now = start.Add(step.at)
		send(t, c, Accepted)
		if s.issued != step.want || s.turned != 0 {
			t.Errorf("after %s: %d tokens, want %d", step.at, s.issued, step.want)
		}
	}
	renewed := c.tokens.current.renewAt
	if age := renewed.Sub(start.Add(renewTo)); age < renewFrom || age > renewTo {
		t.Errorf("the next renewal is due after %s", age)
	}

	s.authorization = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	s.asked = 0
	dead := c.tokens.current.deadAt
	now = renewed
	for range 5 {
		send(t, c, Accepted)
	}
	if s.asked != 1 {
		t.Errorf("a failing renewal was tried %d times at once", s.asked)
	}
	now = now.Add(renewPause)
	send(t, c, Accepted)
	if s.asked != 2 {
		t.Errorf("a failing renewal was tried %d times, want 2", s.asked)
	}
	now = dead
	send(t, c, Unsent)
	if s.turned != 0 {
		t.Error("a dead token was used")
	}
}

// faked answers requests without a network, so that time is fake as well.
type faked func(*http.Request) (*http.Response, error)

func (f faked) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// All that wait for a token share the failure to get one; nobody asks again.
func TestFailureIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1:1", withToken)
		var asked atomic.Int32
		release := make(chan struct{})
		c.http.Transport = faked(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			<-release
			return nil, io.ErrUnexpectedEOF
		})
		done := make(chan []Answer)
		go func() { done <- together(t, c, 20) }()
		synctest.Wait()
		close(release)
		for _, a := range <-done {
			expect(t, a, Unsent)
		}
		if asked.Load() != 1 {
			t.Errorf("%d requests for a token", asked.Load())
		}
	})
}

// If the one who asks gives up, the next in line asks; who gives up while
// waiting does not wait on.
func TestCallersGiveUpWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1:1", withToken)
		var asked atomic.Int32
		c.http.Transport = faked(func(r *http.Request) (*http.Response, error) {
			if asked.Add(1) == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return nil, io.ErrUnexpectedEOF
		})
		leading, stopLeading := context.WithCancel(t.Context())
		waiting, stopWaiting := context.WithCancel(t.Context())
		ctxs := []context.Context{leading, waiting, t.Context()}
		answers := make([]Answer, len(ctxs))
		var all sync.WaitGroup
		for i, ctx := range ctxs {
			all.Go(func() { answers[i] = c.Send(ctx, counterPost(1)) })
			synctest.Wait()
		}
		stopWaiting()
		synctest.Wait()
		if want := "no access token: abandoned while another call fetched a token"; answers[1].Text != want {
			t.Errorf("waiting: %q, want %q", answers[1].Text, want)
		}
		stopLeading()
		all.Wait()
		if asked.Load() != 2 || answers[0].Verdict != Unsent || answers[2].Verdict != Unsent {
			t.Errorf("%d requests for a token, %+v", asked.Load(), answers)
		}
	})
}

// TestATokenThatIsRefusedLikeAPayload has a tenant that answers 400 to a token
// that somebody ended. A real refusal costs no more than one renewal in a while.
func TestATokenThatIsRefusedLikeAPayload(t *testing.T) {
	s, c := newTenant(t)
	s.rejects = http.StatusBadRequest
	now := time.Now()
	c.now = func() time.Time { return now }
	expect(t, c.Send(t.Context(), counterPost(1)), Accepted)
	s.expire()
	expect(t, c.Send(t.Context(), counterPost(2)), Refused) // it was fetched just now
	now = now.Add(doubtPause)
	expect(t, c.Send(t.Context(), counterPost(3)), Accepted)
	if s.asked != 2 || s.posts != 2 || s.turned != 2 {
		t.Errorf("%d requests for a token, %d posts, %d turned away", s.asked, s.posts, s.turned)
	}
}

// Several posts are on their way when the token ends: the first 400 renews it, and
// the others, whose token is no longer the one there is, are made again with it.
func TestPostsTogetherWithATokenThatIsRefusedLikeAPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1:1", withToken)
		s := &tenant{rejects: http.StatusBadRequest}
		var delay atomic.Int64
		c.http.Transport = faked(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if r.URL.Path != "/api/authorization" {
				time.Sleep(time.Duration(delay.Add(1)) * time.Second)
			}
			return w.Result(), nil
		})
		expect(t, c.Send(t.Context(), counterPost(1)), Accepted)
		time.Sleep(doubtPause)
		s.expire()
		for _, a := range together(t, c, 5) {
			expect(t, a, Accepted)
		}
		if s.asked != 2 || s.posts != 6 || s.turned != 5 {
			t.Errorf("%d requests for a token, %d posts, %d turned away", s.asked, s.posts, s.turned)
		}
	})
}
