package webhook

import (
	"bytes"
	"crypto/subtle"
	"io"
	"net/http"
	"sync"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// mostHeard bounds the messages that a Recorder remembers.
const mostHeard = 200

// Recorder hears messages whether they are signed or not, to find out how a tenant
// sends them. It is an http.Handler for a listener of its own, for as long as somebody
// looks: nothing that it hears may be believed.
type Recorder struct {
	path    string
	secrets []prodsmart.Secret
	news    chan struct{}

	mu    sync.Mutex
	heard []Heard
}

// Heard is one message as it came.
type Heard struct {
	Topic, UUID string
	// Signed says that there was a signature, Matches in which ways it was right.
	Signed  bool
	Matches []Match
	Body    []byte
}

// NewRecorder makes a Recorder that answers at one path. The secrets are those that
// messages may be signed with.
func NewRecorder(path string, secrets []prodsmart.Secret) *Recorder {
	return &Recorder{path: path, secrets: secrets, news: make(chan struct{}, 1)}
}

// ServeHTTP remembers a message, up to the first 200, and answers at once.
func (c *Recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.URL.EscapedPath()), []byte(c.path)) != 1 || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, DefaultMaxBody))
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	h := Heard{Topic: limited(r.Header.Get("x-prodsmart-topic")), UUID: limited(r.Header.Get("x-prodsmart-webhook-uuid")), Signed: signed(r.Header),
		Matches: Matches(r.Header, body, c.secrets), Body: body}
	c.mu.Lock()
	if len(c.heard) < mostHeard {
		c.heard = append(c.heard, h)
	}
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// About gives the messages that have a text in them, oldest first.
func (c *Recorder) About(text string) (out []Heard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.heard {
		if bytes.Contains(h.Body, []byte(text)) {
			out = append(out, h)
		}
	}
	return out
}

// News has an entry once something came since it was read last.
func (c *Recorder) News() <-chan struct{} { return c.news }
