// Package webhook receives what Prodsmart sends by itself when something changes.
// Each message is sent once and never again, and neither its order nor its
// signature is documented without contradictions; so a message is a hint to look,
// and never the truth.
package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// Delivery is one message as it came.
type Delivery struct {
	// Topic is an entity and what happened to it: productionOrder/create.
	Topic string `json:"topic"`
	// UUID identifies the delivery or the subscription; which, is not documented.
	UUID    string `json:"uuid,omitempty"`
	Version string `json:"version,omitempty"`
	// Triggered is when it happened by Prodsmart's clock; zero if it was not said.
	// Received is when it came by ours.
	Triggered time.Time `json:"triggered,omitzero"`
	Received  time.Time `json:"received"`
	Body      []byte    `json:"body"`
}

// Inbox keeps deliveries until they were worked on. Put returns once the delivery
// can not be lost any more; it is called by several goroutines at a time.
type Inbox interface {
	Put(ctx context.Context, d Delivery) error
}

// The defaults of Config.
const (
	DefaultMaxAge  = 15 * time.Minute
	DefaultMaxBody = 1 << 20
)

const (
	// bodyTime bounds the time for the body of a request, putTime that for keeping it.
	bodyTime = 10 * time.Second
	putTime  = 5 * time.Second
	// readAtOnce bounds the requests whose bodies are read at a time, most of which are
	// slow if there are many, and with it the memory: each has up to one body. atOnce
	// bounds the messages that are kept at a time; others wait for putTime.
	readAtOnce = 128
	atOnce     = 16
	// remembered is how many deliveries are known again.
	remembered = 10_000
)

// Config is what a Receiver needs to know.
type Config struct {
	// Path is the only one that is answered, such as /prodsmart/K7xq4: a part that
	// nobody can guess keeps strangers from trying.
	Path string
	// Secrets are the API secret, and the one before while it is replaced.
	Secrets []prodsmart.Secret
	// Signature is how messages are signed. Default: Auto.
	Signature Signature
	// MaxAge is how old a message may be by Prodsmart's clock, and how far ahead of ours;
	// negative is any age, and none. Default: DefaultMaxAge. The time is not signed, so
	// this keeps away what was delayed, and not what somebody sends again on purpose and
	// with another time; that does no harm, because a message is only a hint.
	MaxAge time.Duration
	// MaxBody is in bytes. Default: DefaultMaxBody.
	MaxBody int64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Lost is called for each message that was turned away for want of room, that broke
	// off or was too large, or, signed, for its age, by several goroutines at a time; nil
	// is nothing. What Inbox.Put refused is not among them.
	Lost func()
}

// Receiver is an http.Handler for the messages. It is meant for a listener of its
// own, with TLS or behind a proxy that has it.
type Receiver struct {
	config Config
	inbox  Inbox
	// readers and places have an entry for each request that is read, and kept.
	readers, places chan struct{}

	mu     sync.Mutex
	status Status
	known  map[[sha256.Size]byte]bool
	order  [][sha256.Size]byte // of known, a ring
	next   int
}

// Status counts what came.
type Status struct {
	// Accepted were kept, Repeated were known already.
	Accepted, Repeated uint64
	// Unsigned had no signature or a wrong one, Old were too old, Refused were no
	// messages at all, Lost could not be kept: after one of those only lists tell the
	// truth.
	Unsigned, Old, Refused, Lost uint64
	// Last is when one was accepted; zero if none was.
	Last time.Time
	// Matched is the signature and Header its header, of the last one accepted.
	Matched Signature
	Header  string
	// Problem says what was wrong with the last one that was not accepted, and ProblemAt
	// when that was.
	Problem   string
	ProblemAt time.Time
}

// New makes a Receiver.
func New(c Config, inbox Inbox) (*Receiver, error) {
	if c.Signature == "" {
		c.Signature = Auto
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lost == nil {
		c.Lost = func() {}
	}
	var problems []error
	if !strings.HasPrefix(c.Path, "/") {
		problems = append(problems, fmt.Errorf("path: %q does not begin with a slash", c.Path))
	}
	if err := c.Signature.check(); err != nil {
		problems = append(problems, err)
	}
	if c.Signature != Off && len(c.Secrets) == 0 {
		problems = append(problems, errors.New("secret: there is none to check signatures with"))
	}
	for _, s := range c.Secrets {
		if s.IsZero() {
			problems = append(problems, errors.New("secret: it is empty"))
		}
	}
	if c.MaxBody < 0 {
		problems = append(problems, errors.New("the largest body is negative"))
	}
	return &Receiver{config: c, inbox: inbox, readers: make(chan struct{}, readAtOnce), places: make(chan struct{}, atOnce), known: map[[sha256.Size]byte]bool{}, order: make([][sha256.Size]byte, remembered)},
		errors.Join(problems...)
}

// Status is a snapshot.
func (r *Receiver) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// ServeHTTP takes one message: it is kept, and answered before anybody works on
// it. What is not signed as it should be is answered with 401 and forgotten.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if subtle.ConstantTimeCompare([]byte(q.URL.EscapedPath()), []byte(r.config.Path)) != 1 {
		http.NotFound(w, q)
		return
	}
	if q.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		r.turnAway(w, http.StatusMethodNotAllowed, func(s *Status) { s.Refused++ }, "a request with "+limited(q.Method)+", which is no message")
		return
	}
	body, status, problem := r.read(w, q)
	switch {
	case status == http.StatusServiceUnavailable:
		r.crowded(w, problem)
		return
	case status != 0:
		r.turnAway(w, status, func(s *Status) { s.Refused++ }, problem)
		if len(body) > 0 {
			r.config.Lost() // it may have been a message, and nobody sends it again
		}
		return
	}
	matched, header := r.config.matches(q.Header, body)
	if matched == "" {
		r.turnAway(w, http.StatusUnauthorized, func(s *Status) { s.Unsigned++ }, unsigned(q.Header, r.config.Signature))
		return
	}
	d := Delivery{
		Topic: limited(q.Header.Get("x-prodsmart-topic")), UUID: limited(q.Header.Get("x-prodsmart-webhook-uuid")),
		Version: limited(q.Header.Get("x-prodsmart-api-version")), Received: r.config.Now(), Body: body,
	}
	stamp := strings.TrimSpace(q.Header.Get("x-prodsmart-triggered-at"))
	d.Triggered = stamped(stamp)
	if problem := r.config.late(d, stamp); problem != "" {
		r.turnAway(w, http.StatusUnauthorized, func(s *Status) { s.Old++ }, problem)
		r.config.Lost() // it was signed, and nobody sends it again
		return
	}
	r.keep(w, q, d, stamp, func(s *Status) { s.Matched, s.Header = matched, header })
}

// stamped reads the time of a message; zero if it is none.
func stamped(text string) time.Time {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(form, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// late says why a message is not of this time; nothing if it is.
func (c *Config) late(d Delivery, stamp string) string {
	if c.MaxAge < 0 {
		return ""
	}
	age := d.Received.Sub(d.Triggered)
	switch {
	case stamp == "":
		return "a message without x-prodsmart-triggered-at, so that its age is not known; if all are, set max_age: 0s"
	case d.Triggered.IsZero():
		return fmt.Sprintf("a message with the x-prodsmart-triggered-at %q, so that its age is not known; if all are, set max_age: 0s", limited(stamp))
	case age > c.MaxAge:
		return fmt.Sprintf("a message that is %s old; if all are, a clock is wrong", age.Round(time.Second))
	case -age > c.MaxAge:
		return fmt.Sprintf("a message that is %s ahead of this computer's clock; if all are, a clock is wrong", (-age).Round(time.Second))
	}
	return ""
}

// crowded turns a message away for want of room. Nobody sends it again.
func (r *Receiver) crowded(w http.ResponseWriter, problem string) {
	r.turnAway(w, http.StatusServiceUnavailable, func(s *Status) { s.Lost++ }, problem)
	r.config.Lost()
}

// read reads the body within its bounds; the status is 0 if it could be, and the body
// is what came of it.
func (r *Receiver) read(w http.ResponseWriter, q *http.Request) (body []byte, status int, problem string) {
	select {
	case r.readers <- struct{}{}:
		defer func() { <-r.readers }()
	default:
		return nil, http.StatusServiceUnavailable, fmt.Sprintf("more than %d messages that arrive at a time", readAtOnce)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // not every listener can
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, r.config.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return body, http.StatusRequestEntityTooLarge, fmt.Sprintf("a message of more than %d bytes", r.config.MaxBody)
	case err != nil:
		return body, http.StatusBadRequest, "a message that broke off or came too slowly"
	case len(body) == 0:
		return nil, http.StatusBadRequest, "a message without content"
	}
	return body, 0, ""
}

// keep puts a message that is not known yet into the inbox. One without a time is not
// known again: what it tells may have happened twice.
func (r *Receiver) keep(w http.ResponseWriter, q *http.Request, d Delivery, stamp string, note func(*Status)) {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %x", d.UUID, d.Topic, stamp, sha256.Sum256(d.Body)))
	r.mu.Lock()
	note(&r.status)
	repeated := stamp != "" && r.known[key]
	if repeated {
		r.status.Repeated++
	}
	r.mu.Unlock()
	if repeated {
		w.WriteHeader(http.StatusOK)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.Context()), putTime)
	defer cancel()
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		r.crowded(w, fmt.Sprintf("a message waited %s to be kept, behind %d others", putTime, atOnce))
		return
	}
	if err := r.inbox.Put(ctx, d); err != nil {
		r.turnAway(w, http.StatusServiceUnavailable, func(s *Status) { s.Lost++ }, "a message could not be kept: "+err.Error())
		return
	}
	r.mu.Lock()
	if old := r.order[r.next]; r.known[old] {
		delete(r.known, old)
	}
	r.order[r.next], r.known[key] = key, true
	r.next = (r.next + 1) % len(r.order)
	r.status.Accepted++
	r.status.Last = d.Received
	r.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

func (r *Receiver) turnAway(w http.ResponseWriter, status int, count func(*Status), problem string) {
	r.mu.Lock()
	count(&r.status)
	r.status.Problem, r.status.ProblemAt = problem, r.config.Now()
	r.mu.Unlock()
	w.WriteHeader(status)
}

// limited keeps a header from filling the store.
func limited(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }
