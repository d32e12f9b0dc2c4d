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
	if _, _, err := s.call(ctx, "authorization.delete", "", nil, nil); err != nil {
		return s.tokenless(err, "bad_token", "no_token")
	}
	_, err := s.config.API.Authorization(ctx)
	var failed *prodsmart.Error
	switch {
	case err == nil:
		s.found("no_token", "create")
	case errors.As(err, &failed) && (failed.Answer.Status == 404 || failed.Answer.Status == 400):
		s.found("no_token", fmt.Sprint(failed.Answer.Status))
	}
	status, err := s.listed(ctx)
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
	if err := s.wait(ctx, s.config.Pause-time.Since(s.last)); err != nil {
		return 0, err
	}
	s.config.Watch.first()
	for range tries {
		_, err := s.prodsmart.Downtimes(ctx, prodsmart.DowntimeQuery{Span: prodsmart.Span{StartAfter: time.Now()}})
		s.last = time.Now()
		var failed *prodsmart.Error
		if err == nil || errors.As(err, &failed) && failed.Answer.Verdict == prodsmart.Refused {
			return s.config.Watch.first(), nil
		}
		if failed == nil || failed.Answer.Verdict != prodsmart.Ambiguous && failed.Answer.Verdict != prodsmart.Limited {
			return 0, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		if err := s.wait(ctx, max(s.config.Pause, failed.Answer.RetryAfter)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// tokenless leaves questions open because of an error, if there is one.
func (s *session) tokenless(err error, names ...string) error {
	if err != nil {
		s.leave(err.Error(), names...)
	}
	return nil
}

// orders asks what becomes of production orders.
func (s *session) orders(ctx context.Context) (err error) {
	names := []string{"order_code", "order_put", "unknown_order"}
	if s.config.API == nil || s.config.Product == "" {
		s.leave("it needs a product that an order may be made for", names...)
		return nil
	}
	agreed, err := s.agree(ctx, Part{
		Title: "Production orders",
		Does:  fmt.Sprintf("Two inactive orders for 1 of %s, due in a month, whose code begins with %sorder; one is changed, and both are deleted.", s.config.Product, stranger),
		Books: "Nothing that stays, if deleting works.",
	}, names...)
	if !agreed || err != nil {
		return err
	}
	code := fmt.Sprintf("%sorder-%d", stranger, s.began.Unix())
	due := s.began.AddDate(0, 1, 0).UTC().Truncate(time.Second)
	order := map[string]any{"code": code, "start-date": due.Add(-24 * time.Hour).Format(time.RFC3339), "due-date": due.Format(time.RFC3339), "active": false,
		"description": "for a test", "notes": "for a test", "products": []any{map[string]any{"product": s.config.Product, "quantity-ordered": 1}}}
	id, text, err := s.create(ctx, order)
	if err != nil || id == "" {
		s.leave("no order could be made: "+text, names...)
		return err
	}
	defer func() {
		if _, _, bad := s.call(context.WithoutCancel(ctx), "production-orders.delete", id, nil, nil); err == nil {
			err = bad
		}
	}()
	second, _, err := s.create(ctx, order)
	switch {
	case err != nil:
		return err
	case second == "":
		s.found("order_code", "unique_400")
	default:
		s.found("order_code", "duplicates")
		if _, _, err := s.call(ctx, "production-orders.delete", second, nil, nil); err != nil {
			return err
		}
		switch status, _, err := s.call(ctx, "production-orders.get", second, nil, nil); {
		case err != nil:
			return err
		case status == 404 || status == 400:
			s.found("unknown_order", fmt.Sprint(status))
		}
	}
	return s.partialPut(ctx, id)
}

// create makes an order and gives its number; none if it was refused.
func (s *session) create(ctx context.Context, order map[string]any) (id, text string, err error) {
	body, err := json.Marshal(order)
	if err != nil {
		return "", "", err
	}
	status, answer, err := s.call(ctx, "production-orders.create", "", nil, body)
	var made struct {
		ID json.Number `json:"id"`
	}
	if err != nil || status < 200 || status > 299 || json.Unmarshal(answer, &made) != nil {
		return "", string(answer), err
	}
	return made.ID.String(), "", nil
}

// partialPut writes an order without two of its fields.
func (s *session) partialPut(ctx context.Context, id string) error {
	const name = "order_put"
	workers := url.Values{"workers": {"true"}}
	_, answer, err := s.call(ctx, "production-orders.get", id, workers, nil)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(answer, &fields) != nil {
		s.leave("the order could not be read", name)
		return err
	}
	for _, left := range []string{"notes", "description", "status", "running-status", "location", "shipping"} {
		delete(fields, left)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	status, answer, err := s.call(ctx, "production-orders.update", id, workers, body)
	if err != nil || status < 200 || status > 299 {
		s.leave(fmt.Sprintf("the order could not be written: %.200s", answer), name)
		return err
	}
	_, answer, err = s.call(ctx, "production-orders.get", id, workers, nil)
	var now struct{ Notes, Description string }
	switch {
	case err != nil || json.Unmarshal(answer, &now) != nil:
		s.leave("the order could not be read", name)
		return err
	case now.Notes == "" && now.Description == "":
		s.found(name, "replace")
	case now.Notes != "" && now.Description != "":
		s.found(name, "merge")
	}
	return nil
}

// call makes a request in its turn. A refusal has its status and no error.
func (s *session) call(ctx context.Context, operation, key string, filters url.Values, body json.RawMessage) (int, []byte, error) {
	for range tries {
		if err := s.wait(ctx, s.config.Pause-time.Since(s.last)); err != nil {
			return 0, nil, err
		}
		r, err := s.config.API.Call(ctx, operation, key, filters, body)
		s.last = time.Now()
		var failed *prodsmart.Error
		if err == nil || !errors.As(err, &failed) {
			return r.Status, r.Body, err
		}
		switch failed.Answer.Verdict {
		case prodsmart.Refused:
			return failed.Answer.Status, []byte(failed.Answer.Text), nil
		case prodsmart.Limited:
			if err := s.wait(ctx, failed.Answer.RetryAfter); err != nil {
				return 0, nil, err
			}
		case prodsmart.Ambiguous:
			return 0, []byte(failed.Answer.Text), nil
		default:
			return 0, nil, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
	}
	return 0, nil, nil
}
