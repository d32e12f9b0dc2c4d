package mes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha1" // the documentation's sample is one
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"sync"
	"time"
)

// Subscription is where webhooks go, as an administrator sets it up.
type Subscription struct {
	// ID is given by the server.
	ID  int    `json:"id"`
	URL string `json:"url"`
	// Topics are patterns such as productionOrder/create or downTime/*; none
	// means all.
	Topics []string `json:"topics"`
	// UUID identifies the subscription.
	UUID string `json:"uuid"`
}

// Hook is one webhook: what was sent, and what became of it.
type Hook struct {
	Subscription int               `json:"subscription"`
	Topic        string            `json:"topic"`
	UUID         string            `json:"uuid"`
	TriggeredAt  time.Time         `json:"triggered_at"`
	Header       map[string]string `json:"header"`
	Body         json.RawMessage   `json:"body"`
	// Outcome is empty until it is sent; then it is the status of the answer,
	// an error, or the fault that struck.
	Outcome string `json:"outcome"`
	// Times is how often it was sent.
	Times int `json:"times"`
}

// subscriber is a subscription with what waits to be sent to it.
type subscriber struct {
	Subscription
	queue []*Hook
	// held wait until another one has overtaken them.
	held    []*Hook
	sending bool
}

// courier sends the webhooks. Its goroutines end with what there is to send,
// and with Close, which waits for them.
type courier struct {
	client  *http.Client
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	subscribers []*subscriber
	log         []*Hook // newest last, up to keepHooks
	sum         uint64  // of all uuids that were given
}

// keepHooks is the number of webhooks that are remembered.
const keepHooks = 10_000

// overtaken is how long a reordered webhook waits for another one at most.
const overtaken = time.Second

// Subscribe sets up webhooks to a URL, for topics or for all. It returns the
// number of the subscription.
func (s *Server) Subscribe(to string, topics []string) (int, error) {
	if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, fmt.Errorf("webhook URL %q: must begin with http:// or https:// and have a host", to)
	}
	for _, t := range topics {
		if _, err := path.Match(t, ""); err != nil {
			return 0, fmt.Errorf("topic %q: %w", t, err)
		}
	}
	s.lock()
	defer s.mu.Unlock()
	sub := Subscription{ID: s.newID(), URL: to, Topics: slices.Clone(topics), UUID: s.newUUID()}
	s.courier.subscribers = append(s.courier.subscribers, &subscriber{Subscription: sub})
	return sub.ID, nil
}

// Unsubscribe ends a subscription. What waits to be sent to it is not.
func (s *Server) Unsubscribe(id int) error {
	s.lock()
	defer s.mu.Unlock()
	list := s.courier.subscribers
	i := slices.IndexFunc(list, func(sub *subscriber) bool { return sub.ID == id })
	if i < 0 {
		return missing("subscription", id)
	}
	list[i].queue, list[i].held = nil, nil
	s.courier.subscribers = slices.Delete(list, i, i+1)
	return nil
}

// Subscriptions lists where webhooks go.
func (s *Server) Subscriptions() []Subscription {
	s.lock()
	defer s.mu.Unlock()
	list := []Subscription{}
	for _, sub := range s.courier.subscribers {
		list = append(list, sub.Subscription)
	}
	return list
}

// Hooks lists the webhooks, oldest first, up to the newest 10,000.
func (s *Server) Hooks() []Hook {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Hook, len(s.courier.log))
	for i, h := range s.courier.log {
		list[i] = *h
	}
	return list
}

// SendHook sends any body to all who follow a topic, and says how many do.
func (s *Server) SendHook(topic string, body json.RawMessage) (int, error) {
	if topic == "" || !json.Valid(body) {
		return 0, fmt.Errorf("webhook %q: needs a topic and a body of JSON", topic)
	}
	s.lock()
	defer s.mu.Unlock()
	return s.hook(topic, body), nil
}

// hook sends a body to all who follow a topic. The caller holds the lock.
func (s *Server) hook(topic string, body json.RawMessage) int {
	n := 0
	for _, sub := range s.courier.subscribers {
		if !sub.follows(topic) {
			continue
		}
		n++
		h := &Hook{Subscription: sub.ID, Topic: topic, UUID: sub.UUID, TriggeredAt: s.now(), Body: body}
		if s.options.WebhookUUID == UUIDPerDelivery {
			h.UUID = s.newUUID()
		}
		h.Header = s.hookHeader(h)
		s.courier.log = append(s.courier.log, h)
		s.courier.log = s.courier.log[max(0, len(s.courier.log)-keepHooks):]
		s.dispatch(sub, h)
	}
	return n
}

func (sub *subscriber) follows(topic string) bool {
	return len(sub.Topics) == 0 || slices.ContainsFunc(sub.Topics, func(pattern string) bool {
		ok, err := path.Match(pattern, topic)
		return ok && err == nil
	})
}

// dispatch queues a webhook as the fault that strikes it says.
func (s *Server) dispatch(sub *subscriber, h *Hook) {
	f := s.strike(serviceWebhooks, "", "")
	if f == nil {
		f = &Fault{}
	}
	switch f.Kind {
	case FaultHookLost:
		h.Outcome = f.outcome()
	case FaultHookRepeated:
		s.enqueue(sub, h, h)
	case FaultHookReordered:
		sub.held = append(sub.held, h)
		s.later(cmp.Or(f.Delay, overtaken), func() {
			if i := slices.Index(sub.held, h); i >= 0 {
				sub.held = slices.Delete(sub.held, i, i+1)
				s.enqueue(sub, h)
			}
		})
	case FaultHookDelayed:
		s.later(f.Delay, func() { s.enqueue(sub, h) })
	default:
		s.enqueue(sub, append([]*Hook{h}, sub.held...)...)
		sub.held = nil
	}
}

// later does something after a time, with the lock, unless Close comes first.
func (s *Server) later(after time.Duration, do func()) {
	if s.courier.ctx.Err() != nil {
		return
	}
	s.courier.running.Go(func() {
		s.config.Sleep(s.courier.ctx, after)
		s.lock()
		defer s.mu.Unlock()
		if s.courier.ctx.Err() == nil {
			do()
		}
	})
}

// enqueue has webhooks sent, one after another.
func (s *Server) enqueue(sub *subscriber, hooks ...*Hook) {
	sub.queue = append(sub.queue, hooks...)
	if !sub.sending && s.courier.ctx.Err() == nil {
		sub.sending = true
		s.courier.running.Go(func() { s.deliver(s.courier.ctx, sub) })
	}
}

// deliver sends what waits until nothing does.
func (s *Server) deliver(ctx context.Context, sub *subscriber) {
	for {
		s.mu.Lock()
		if len(sub.queue) == 0 || ctx.Err() != nil {
			sub.sending = false
			s.mu.Unlock()
			return
		}
		h := sub.queue[0]
		sub.queue = sub.queue[1:]
		s.mu.Unlock()
		outcome := send(ctx, s.courier.client, sub.URL, h)
		s.mu.Lock()
		h.Outcome = outcome
		h.Times++
		s.mu.Unlock()
	}
}

// send makes the one attempt that there is.
func send(ctx context.Context, client *http.Client, to string, h *Hook) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(h.Body))
	if err != nil {
		return err.Error()
	}
	for name, v := range h.Header {
		r.Header.Set(name, v)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	// What the receiver says is of no interest; it is read for the connection.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return resp.Status
}

// hookHeader is what a webhook carries besides its body.
func (s *Server) hookHeader(h *Hook) map[string]string {
	const named256, named1 = "x-prodsmart-hmac-sha256", "x-prodsmart-hmac-sha1"
	header := map[string]string{
		"content-type":             "application/json",
		"x-prodsmart-topic":        h.Topic,
		"x-prodsmart-api-version":  "1",
		"x-prodsmart-webhook-uuid": h.UUID,
		"x-prodsmart-triggered-at": h.TriggeredAt.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	secret := s.config.Secret
	short := base64.StdEncoding.EncodeToString(digest(sha1.New, secret, h.Body))
	long := digest(sha256.New, secret, h.Body)
	switch s.options.SignatureMode {
	case SignatureProse:
		header[named1] = short
	case SignatureHex:
		header[named256] = hex.EncodeToString(long)
	case SignatureBase64:
		header[named256] = base64.StdEncoding.EncodeToString(long)
	case SignatureBoth:
		header[named256], header[named1] = hex.EncodeToString(long), short
	case SignatureNone:
	case SignatureWrong:
		header[named256] = hex.EncodeToString(digest(sha1.New, "not "+secret, h.Body))
	default:
		header[named256] = hex.EncodeToString(digest(sha1.New, secret, h.Body))
	}
	return header
}

func digest(algorithm func() hash.Hash, secret string, body []byte) []byte {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body) // never fails
	return mac.Sum(nil)
}

// newUUID makes an identifier, the same ones in each run.
func (s *Server) newUUID() string {
	s.courier.sum++
	b := sha256.Sum256(fmt.Appendf(nil, "%d %d", s.config.Seed, s.courier.sum))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
