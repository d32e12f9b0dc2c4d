package prodsmart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// The operations of a resource are the parts that it is made of: what a resource
// can not do does not compile. Each call is one request, save those that say
// otherwise, and nothing is tried again; errors are of type *Error, whose Answer is
// judged like that of a post.

// query asks a list for records.
type query[T any] interface {
	// put writes the filters.
	put(v url.Values)
	// Fits says whether a record is what was asked for.
	Fits(T) bool
}

// decoder reads a record.
type decoder[T any] func(json.RawMessage, *notes) T

// mostPages bounds what All reads of a list: 10,000 records.
const mostPages = 400

// Lister is a resource with a list.
type Lister[T Record, Q query[T]] struct {
	client    *Client
	operation string
	decode    decoder[T]
}

func lister[T Record, Q query[T]](c *Client, operation string, decode decoder[T]) Lister[T, Q] {
	return Lister[T, Q]{c, operation, decode}
}

// List gives one page of the list, counted from 1, as Prodsmart gives it: also with
// records that the query did not ask for. Whoever has to spread requests reads
// lists with it and Pages.
func (l Lister[T, Q]) List(ctx context.Context, q Q, page int) ([]T, error) {
	filters := url.Values{}
	q.put(filters)
	return list(ctx, l.client, operations()[l.operation].Endpoint, filters, page, l.decode)
}

// All reads the list page by page, a request each, and gives the records that were
// asked for, each once. It ends after an error, or with ErrMorePages after 10,000
// records. Records that are changed meanwhile may be missing, because pages shift.
func (l Lister[T, Q]) All(ctx context.Context, q Q) iter.Seq2[T, error] {
	return Pages(mostPages, q.Fits, func(page int) ([]T, error) { return l.List(ctx, q, page) })
}

// Getter is a resource of which one record can be read.
type Getter[T any] struct {
	client    *Client
	operation string
	decode    decoder[T]
}

func getter[T any](c *Client, operation string, decode decoder[T]) Getter[T] {
	return Getter[T]{c, operation, decode}
}

func (g Getter[T]) get(ctx context.Context, key string, filters url.Values) (T, error) {
	var none T
	r, err := g.client.do(ctx, g.operation, key, filters, nil)
	if err != nil {
		return none, err
	}
	if t, ok := readOne(g.client, r, g.decode); ok {
		return inWhole(t), nil
	}
	return none, g.client.unreadable(g.operation, r)
}

// ByID is a Getter by number.
type ByID[T any] struct{ Getter[T] }

// Get reads the record with a number.
func (g ByID[T]) Get(ctx context.Context, id int64) (T, error) { return g.get(ctx, number(id), nil) }

// ByCode is a Getter by code.
type ByCode[T any] struct{ Getter[T] }

// Get reads the record with a code.
func (g ByCode[T]) Get(ctx context.Context, code string) (T, error) { return g.get(ctx, code, nil) }

// Creator is a resource that records can be added to.
type Creator[T any] struct {
	client    *Client
	operation string
	decode    decoder[T]
	encode    func(T, writing) json.RawMessage
}

func creator[T any](c *Client, operation string, decode decoder[T], encode func(T, writing) json.RawMessage) Creator[T] {
	return Creator[T]{c, operation, decode, encode}
}

// Create adds a record and gives it as Prodsmart made it, or as it was sent if the
// answer does not show it. After an answer of Ambiguous it may be there.
func (r Creator[T]) Create(ctx context.Context, t T) (T, error) {
	got, err := r.client.do(ctx, r.operation, "", nil, r.encode(t, toCreate))
	if err != nil {
		return t, err
	}
	if made, ok := readOne(r.client, got, r.decode); ok {
		return made, nil
	}
	return t, nil
}

// Updater is a resource whose records can be replaced.
type Updater[T any] struct{ creator Creator[T] }

func updater[T any](c *Client, operation string, decode decoder[T], encode func(T, writing) json.RawMessage) Updater[T] {
	return Updater[T]{creator(c, operation, decode, encode)}
}

func (r Updater[T]) update(ctx context.Context, key string, filters url.Values, t T) (T, error) {
	c := r.creator
	got, err := c.client.do(ctx, c.operation, key, filters, c.encode(t, toUpdate))
	if err != nil {
		return t, err
	}
	if made, ok := readOne(c.client, got, c.decode); ok {
		return inWhole(made), nil
	}
	return t, nil
}

// inWhole notes at a record that it was read with all its fields.
func inWhole[T any](t T) T {
	if d, ok := any(&t).(interface{ original() *Original }); ok {
		d.original().whole = true
	}
	return t
}

// ErrNotRead is returned by Update for a record that was not read from Prodsmart in
// full, so that replacing it would lose what was not read.
var ErrNotRead = errors.New("it was not read in full, so writing it would lose what is missing; Get it first")

// notRead is ErrNotRead for a record. Its number is 0 if it has none.
func notRead(what string, id int64, code string) error {
	if id == 0 {
		return fmt.Errorf("prodsmart: %s %s: %w", what, code, ErrNotRead)
	}
	return fmt.Errorf("prodsmart: %s %d (%s): %w", what, id, code, ErrNotRead)
}

// Deleter is a resource whose records can be deleted by their number.
type Deleter struct {
	client    *Client
	operation string
}

func deleter(c *Client, operation string) Deleter { return Deleter{c, operation} }

// Delete deletes a record. One that is not there is deleted already.
func (d Deleter) Delete(ctx context.Context, id int64) error { return d.delete(ctx, number(id)) }

func (d Deleter) delete(ctx context.Context, key string) error {
	_, err := d.client.do(ctx, d.operation, key, nil, nil)
	if Gone(err) {
		return nil
	}
	return err
}

// CodeDeleter is a resource whose records can be deleted by their code.
type CodeDeleter struct{ deleter Deleter }

// Delete deletes a record. One that is not there is deleted already.
func (d CodeDeleter) Delete(ctx context.Context, code string) error {
	return d.deleter.delete(ctx, code)
}

// Gone says of an error that Prodsmart has no such record. A web page with the same
// status comes from something in between.
func Gone(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && !failed.Answer.Page && (failed.Answer.Status == http.StatusNotFound || failed.Answer.Status == http.StatusGone)
}

// do makes the request of an operation. key replaces the mark in its path.
func (c *Client) do(ctx context.Context, name, key string, filters url.Values, body json.RawMessage) (reply, error) {
	o := operations()[name]
	path := c.paths[o.Endpoint]
	for _, mark := range marks() {
		if !strings.Contains(path, mark) {
			continue
		}
		if key == "" || key == "0" {
			return reply{}, &Error{Endpoint: o.Endpoint, Host: c.host, Answer: Answer{Verdict: Refused, Text: "the record has no number or code; it was not sent"}}
		}
		path = strings.ReplaceAll(path, mark, segment(key))
	}
	auth := AuthToken
	if o.Auth == AuthBasic || o.Auth == AuthEither && c.auth == AuthBasic {
		auth = AuthBasic
	}
	r, failed := c.perform(ctx, call{endpoint: o.Endpoint, method: o.Method, path: path, query: filters, body: body, auth: auth, most: maxList})
	if failed != nil {
		answer := failed.Answer
		answer.Text = c.clean("no access token: " + answer.Text)
		return r, &Error{Endpoint: failed.Endpoint, Host: failed.Host, Answer: answer}
	}
	shown := r
	shown.body = r.body[:min(len(r.body), maxBody)]
	if answer := c.judge(shown); answer.Verdict != Accepted {
		return r, &Error{Endpoint: o.Endpoint, Host: c.host, Answer: answer}
	}
	return r, nil
}

// readOne reads the record that an answer shows; false if it shows none.
func readOne[T any](c *Client, r reply, decode decoder[T]) (T, bool) {
	var none T
	body := trimmed(r.body)
	if r.cut || r.broken != nil || isNothing(body) || !json.Valid(body) {
		return none, false
	}
	if isKind(body, '[') {
		items, err := arrayItems(body, 2)
		if err != nil || len(items) != 1 {
			return none, false
		}
		body = items[0]
	}
	if !isKind(body, '{') {
		return none, false
	}
	return decode(json.RawMessage(body), &notes{zone: c.zone}), true
}

// unreadable is the error for an answer that should have shown a record.
func (c *Client) unreadable(name string, r reply) error {
	text := fmt.Sprintf("the answer shows no record; it begins with: %.200s", bodyText(r))
	switch {
	case r.cut:
		text = fmt.Sprintf("the answer is larger than %d MiB; it was not read to its end", maxList>>20)
	case r.broken != nil:
		text = fmt.Sprintf("the answer broke off after %d bytes", len(r.body))
	}
	return &Error{Endpoint: operations()[name].Endpoint, Host: c.host, Answer: Answer{Verdict: Ambiguous, Status: r.status, Text: c.clean(text), Took: r.took}}
}
