package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// API is what Run needs for the questions about tokens and orders; a
// *prodsmart.Client whose Config.OnRequest is Watch.Note.
type API interface {
	Authorization(ctx context.Context) (prodsmart.Authorization, error)
	CreateAuthorization(ctx context.Context) (prodsmart.Authorization, error)
	DeleteAuthorization(ctx context.Context) error
	Call(ctx context.Context, operation, key string, filters url.Values, body json.RawMessage) (prodsmart.Reply, error)
}

// Watch sees the status of each request, also of those that the client makes again
// by itself. The zero Watch is ready.
type Watch struct {
	mu       sync.Mutex
	statuses []int
}

// Note is for prodsmart.Config.OnRequest.
func (w *Watch) Note(r prodsmart.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Endpoint != prodsmart.AuthorizationEndpoint && len(w.statuses) < 1000 {
		w.statuses = append(w.statuses, r.Status)
	}
}

// first forgets what was seen and gives the first of it; 0 if nothing was.
func (w *Watch) first() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.statuses = nil }()
	if len(w.statuses) == 0 {
		return 0
	}
	return w.statuses[0]
}

// place asks whether the interface is mounted elsewhere too. Nothing is booked by it.
func (s *session) place(ctx context.Context) error {
	const name = "mount"
	if s.config.Elsewhere == nil {
		s.leave("no other prefix was given", name)
		return nil
	}
	_, err := s.config.Elsewhere.Downtimes(ctx, prodsmart.DowntimeQuery{})
	var failed *prodsmart.Error
	switch {
	case err == nil:
		s.found(name, "both")
	case errors.As(err, &failed) && (failed.Answer.Status == 404 || failed.Answer.Verdict == prodsmart.Refused):
		s.found(name, "one")
	case errors.As(err, &failed):
		s.leave("the answer was unclear: "+failed.Answer.Text, name)
	default:
		return err
	}
	return nil
}

// tokens asks what becomes of tokens.
func (s *session) tokens(ctx context.Context) error {
	names := []string{"new_token", "bad_token", "no_token"}
	if s.config.API == nil || s.config.Watch == nil {
		s.leave("tokens were not to be looked at", names...)
		return nil
	}
	agreed, err := s.agree(ctx, Part{
		Title: "Tokens",
		Does:  "Three tokens are asked for and ended.",
		Books: "Nothing; but the tokens of other programs with the same API key end, and they have to ask for new ones, which they should do by themselves.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	if _, err := s.listed(ctx); err != nil { // now the client has a token
		return err
	}
	one, err := s.config.API.CreateAuthorization(ctx)
	if err != nil {
		return s.tokenless(err, names...)
	}
	two, err := s.config.API.CreateAuthorization(ctx)
	if err != nil {
		return s.tokenless(err, names...)
	}
	status, err := s.listed(ctx)
	switch {
	case err != nil:
		return err
	case one.Token.Equal(two.Token):
		s.found("new_token", "same")
	case status >= 200 && status < 300:
		s.found("new_token", "coexist")
	case rejected(status):
		s.found("new_token", "rotate")
		s.found("bad_token", fmt.Sprint(status))
	}
	return s.ended(ctx)
}

// ended ends all tokens, and looks what is answered without one and to an old one.
func (s *session) ended(ctx context.Context) error {
	if _, err := s.listed(ctx); err != nil {
		return err
	}
	status, text, err := s.call(ctx, "authorization.delete", "", nil, nil)
	if err != nil {
		return s.tokenless(err, "bad_token", "no_token")
	}
	if status < 200 || status > 299 {
		s.leave(fmt.Sprintf("the tokens could not be ended: %.200s", text), "bad_token", "no_token")
		return nil
	}
	_, err = s.config.API.Authorization(ctx)
	var failed *prodsmart.Error
	switch {
	case err == nil:
		s.found("no_token", "create")
	case errors.As(err, &failed) && (failed.Answer.Status == 404 || failed.Answer.Status == 400):
		s.found("no_token", fmt.Sprint(failed.Answer.Status))
	}
	status, err = s.listed(ctx)
	if _, told := s.answers["bad_token"]; err == nil && !told && rejected(status) {
		s.found("bad_token", fmt.Sprint(status))
	}
	if err != nil {
		return err
	}
	// The client takes a 400 for a refusal as long as its token is fresh.
	return s.tokenless(s.config.API.DeleteAuthorization(ctx), "bad_token")
}

func rejected(status int) bool { return slices.Contains([]int{400, 401, 403}, status) }

// listed reads a list with the client's token, and gives the status of the first
// request. That a token is refused like a wrong value is no error here.
func (s *session) listed(ctx context.Context) (int, error) {
	s.config.Watch.first()
	_, err := s.request(ctx, true, func() (prodsmart.Answer, error) {
		_, err := s.prodsmart.Downtimes(ctx, prodsmart.DowntimeQuery{Span: prodsmart.Span{StartAfter: time.Now()}})
		return answerOf(err)
	})
	return s.config.Watch.first(), err
}

// tokenless leaves questions open because of an error, if there is one.
func (s *session) tokenless(err error, names ...string) error {
	if err != nil {
		s.leave(err.Error(), names...)
	}
	return nil
}

// call makes any request. A refusal has its status and no error; an answer that was
// unclear has the status 0.
func (s *session) call(ctx context.Context, operation, key string, filters url.Values, body json.RawMessage) (int, []byte, error) {
	var r prodsmart.Reply
	a, err := s.request(ctx, false, func() (prodsmart.Answer, error) {
		var failed error
		r, failed = s.config.API.Call(ctx, operation, key, filters, body)
		return answerOf(failed)
	})
	switch {
	case err != nil:
		return 0, nil, err
	case a.Verdict == prodsmart.Accepted:
		return r.Status, r.Body, nil
	case a.Verdict == prodsmart.Refused:
		return a.Status, []byte(a.Text), nil
	}
	return 0, []byte(a.Text), nil
}
