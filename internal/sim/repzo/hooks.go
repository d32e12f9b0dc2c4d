package repzo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hooks are the webhooks of one receiver.
type hooks struct {
	url    string
	secret []byte
	client *http.Client

	mu    sync.Mutex
	queue []message
	wake  chan struct{}
	sent  []Delivery
	event int
}

// message is an event that waits for its delivery.
type message struct {
	id, event string
	body      []byte
	tries     int
	at        time.Time
}

// Delivery is one attempt to deliver an event.
type Delivery struct {
	ID, Event string
	// Status is what the receiver answered; 0 is nothing.
	Status int
	At     time.Time
}

// Subscribe lets events be delivered to an address, signed with a secret of the form
// whsec_ and base64. Deliver delivers them.
func (s *Server) Subscribe(url, secret string, client *http.Client) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return fmt.Errorf("the secret is none: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = &hooks{url: url, secret: key, client: client, wake: make(chan struct{}, 1)}
	return nil
}

// Deliveries gives the attempts so far.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	h := s.hooks
	s.mu.Unlock()
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Delivery(nil), h.sent...)
}

// event queues a delivery of a document as it is now.
func (s *Server) event(name string, o *Order) {
	h := s.hooks
	if h == nil {
		return
	}
	body, err := json.Marshal(s.shaped("/proforma", s.spellOrder(o)))
	if err != nil {
		return // it was made of JSON
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.event++
	h.queue = append(h.queue, message{id: fmt.Sprintf("msg_%08d", h.event), event: name, body: body, at: s.now()})
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// pauses are between the attempts to deliver a message.
func pauses() []time.Duration {
	return []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}
}

// Deliver delivers events, and again those that were not accepted, until ctx ends.
// Call it after Subscribe.
func (s *Server) Deliver(ctx context.Context) {
	s.mu.Lock()
	h := s.hooks
	s.mu.Unlock()
	if h == nil {
		return
	}
	for ctx.Err() == nil {
		m, wait, ok := h.due(s.now())
		if ok {
			h.attempt(ctx, m, s.now())
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// due takes the first message whose time has come; otherwise it says how long none has.
func (h *hooks) due(now time.Time) (message, time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wait := time.Hour
	for i, m := range h.queue {
		if !m.at.After(now) {
			h.queue = append(h.queue[:i], h.queue[i+1:]...)
			return m, 0, true
		}
		wait = min(wait, m.at.Sub(now))
	}
	return message{}, wait, false
}

// attempt makes one delivery; one that is not accepted waits for the next.
func (h *hooks) attempt(ctx context.Context, m message, now time.Time) {
	status := 0
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(m.body))
	if err == nil {
		stamp := strconv.FormatInt(now.Unix(), 10)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "Svix-Webhooks/1.24.0")
		r.Header.Set("svix-id", m.id)
		r.Header.Set("svix-timestamp", stamp)
		r.Header.Set("svix-signature", "v1,"+h.sign(m.id, stamp, m.body))
		var res *http.Response
		if res, err = h.client.Do(r); err == nil {
			status = res.StatusCode
			_ = res.Body.Close() // only the status counts
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, Delivery{m.id, m.event, status, now})
	if status >= 200 && status < 300 || m.tries >= len(pauses()) {
		return
	}
	m.at = now.Add(pauses()[m.tries])
	m.tries++
	h.queue = append(h.queue, m)
}

func (h *hooks) sign(id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, h.secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
