package prodsmart

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
)

// Authorization is an access token of the user. Calls fetch and renew theirs by
// themselves; these are for finding out how a tenant deals with tokens.
type Authorization struct {
	Token  Secret
	Scopes []string
}

// Authorization reads the token that there is.
func (c *Client) Authorization(ctx context.Context) (Authorization, error) {
	return c.authorization(ctx, "authorization.get", nil)
}

// CreateAuthorization asks for another token. What becomes of those before is not
// documented.
func (c *Client) CreateAuthorization(ctx context.Context) (Authorization, error) {
	return c.authorization(ctx, "authorization.create", json.RawMessage(scopeBody))
}

// DeleteAuthorization ends the tokens of the user, also for other programs. The
// next call that needs one fetches another.
func (c *Client) DeleteAuthorization(ctx context.Context) error {
	_, err := c.do(ctx, "authorization.delete", "", nil, nil)
	if err != nil && !Gone(err) {
		return err
	}
	c.tokens.forget()
	return nil
}

func (c *Client) authorization(ctx context.Context, name string, body json.RawMessage) (Authorization, error) {
	r, err := c.do(ctx, name, "", nil, body)
	if err != nil {
		return Authorization{}, err
	}
	a := Authorization{Token: tokenIn(r)}
	if a.Token.IsZero() {
		return a, c.unreadable(name, r)
	}
	var object struct {
		Scopes []string `json:"scopes"`
	}
	if json.Unmarshal(trimmed(r.body), &object) == nil {
		a.Scopes = object.Scopes
	}
	return a, nil
}

// Reply is what an operation was answered with.
type Reply struct {
	Status int
	// Body is what came, at most 8 MiB of it. Secrets are not hidden in it.
	Body []byte
}

// Call makes the request of any of Operations as it is: key stands for the mark in
// its path, filters follow it, body is JSON or nil. It is for commissioning; the
// resources know what is in the answers.
func (c *Client) Call(ctx context.Context, operation, key string, filters url.Values, body json.RawMessage) (Reply, error) {
	if _, known := operations()[operation]; !known {
		return Reply{}, &Error{Endpoint: Endpoint(operation), Host: c.host, Answer: Answer{Verdict: Refused, Text: "there is no such operation; it was not sent"}}
	}
	r, err := c.do(ctx, operation, key, filters, slices.Clone(body))
	return Reply{r.status, r.body}, err
}
