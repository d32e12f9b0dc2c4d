package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/hooks/K7xq4"

var noon = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

// box is an inbox in memory; err is what Put says.
type box struct {
	mu   sync.Mutex
	list []Delivery
	err  error
	wait chan struct{}
}

func (b *box) Put(_ context.Context, d Delivery) error {
	if b.wait != nil {
		<-b.wait
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.list = append(b.list, d)
	}
	return b.err
}

func config(change ...func(*Config)) Config {
	c := Config{Path: path, Secrets: []prodsmart.Secret{prodsmart.NewSecret("s3cret")}, Now: func() time.Time { return noon }}
	for _, f := range change {
		f(&c)
	}
	return c
}

func receiver(t testing.TB, c Config, in Inbox) *Receiver {
	t.Helper()
	r, err := New(c, in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const order = `{"id":3990,"code":"WO-77","running-status":"started","products":[]}`

// message is a signed message; change may alter it.
func message(body string, change ...func(http.Header)) *http.Request {
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	q.Header.Set("x-prodsmart-topic", "productionOrder/update")
	q.Header.Set("x-prodsmart-webhook-uuid", "u1")
	q.Header.Set("x-prodsmart-api-version", "1")
	q.Header.Set("x-prodsmart-triggered-at", "2026-01-10T11:59:46.142Z")
	q.Header.Set("x-prodsmart-hmac-sha256", hex.EncodeToString(sha1Of("s3cret", body)))
	for _, f := range change {
		f(q.Header)
	}
	return q
}

func sha1Of(secret, body string) []byte {
	m := hmac.New(sha1.New, []byte(secret))
	io.WriteString(m, body)
	return m.Sum(nil)
}

func sha256Of(secret, body string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	io.WriteString(m, body)
	return m.Sum(nil)
}

func serve(r *Receiver, q *http.Request) int {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, q)
	return w.Code
}

func TestAMessageIsKept(t *testing.T) {
	in := &box{}
	r := receiver(t, config(), in)
	if code := serve(r, message(order)); code != 200 {
		t.Fatalf("status %d: %+v", code, r.Status())
	}
	d := in.list[0]
	if d.Topic != "productionOrder/update" || d.UUID != "u1" || d.Version != "1" || !d.Received.Equal(noon) ||
		!d.Triggered.Equal(time.Date(2026, 1, 10, 11, 59, 46, 142e6, time.UTC)) || string(d.Body) != order {
		t.Errorf("%+v", d)
	}
	if s := r.Status(); s.Accepted != 1 || s.Matched != SHA1Hex || s.Header != "x-prodsmart-hmac-sha256" || !s.Last.Equal(noon) {
		t.Errorf("%+v", s)
	}
}

// TestSignatures is every header, algorithm and spelling against every setting.
func TestSignatures(t *testing.T) {
	one, two := sha1Of("s3cret", order), sha256Of("s3cret", order)
	spellings := map[Signature][]string{
		SHA1Hex:   {hex.EncodeToString(one), strings.ToUpper(hex.EncodeToString(one)), "  " + hex.EncodeToString(one) + " "},
		SHA256Hex: {hex.EncodeToString(two), strings.ToUpper(hex.EncodeToString(two))},
		SHA1Base64: {base64.StdEncoding.EncodeToString(one), base64.RawStdEncoding.EncodeToString(one),
			base64.URLEncoding.EncodeToString(one), base64.RawURLEncoding.EncodeToString(one)},
		SHA256Base64: {base64.StdEncoding.EncodeToString(two), base64.RawStdEncoding.EncodeToString(two),
			base64.URLEncoding.EncodeToString(two), base64.RawURLEncoding.EncodeToString(two)},
	}
	for is, texts := range spellings {
		for _, text := range texts {
			for _, header := range headers() {
				for _, want := range Signatures() {
					r := receiver(t, config(func(c *Config) { c.Signature = want }), &box{})
					code := serve(r, message(order, func(h http.Header) {
						h.Del("x-prodsmart-hmac-sha256")
						h.Set(header, text)
					}))
					good := want == Auto || want == Off || want == is
					if (code == 200) != good {
						t.Errorf("%s in %s with %s: status %d", is, header, want, code)
					}
					if s := r.Status(); good && want != Off && (s.Matched != is || s.Header != header) {
						t.Errorf("%s in %s: %+v", is, header, s)
					}
				}
			}
		}
	}
}

func TestWhatIsTurnedAway(t *testing.T) {
	for name, c := range map[string]struct {
		request *http.Request
		change  func(*Config)
		status  int
		problem string
	}{
		"no signature":       {message(order, func(h http.Header) { h.Del("x-prodsmart-hmac-sha256") }), nil, 401, "a message without a signature"},
		"garbage":            {message(order, func(h http.Header) { h.Set("x-prodsmart-hmac-sha256", "zzz") }), nil, 401, "a signature in x-prodsmart-hmac-sha256 that is neither hex nor base64 of SHA-1 or SHA-256"},
		"another secret":     {message(order, func(h http.Header) { h.Set("x-prodsmart-hmac-sha256", hex.EncodeToString(sha1Of("other", order))) }), nil, 401, "a wrong signature in x-prodsmart-hmac-sha256: is the secret that of the API key, and signature: auto what the tenant uses"},
		"another body":       {message(order+" ", func(h http.Header) { h.Set("x-prodsmart-hmac-sha256", hex.EncodeToString(sha1Of("s3cret", order))) }), nil, 401, "a wrong signature"},
		"old":                {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2026-01-10T11:44:00Z") }), nil, 401, "a message that is 16m0s old; if all are, a clock is wrong"},
		"old, but any age":   {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2020-01-10T11:44:00Z") }), func(c *Config) { c.MaxAge = -1 }, 200, ""},
		"of tomorrow":        {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2026-01-10T12:16:00Z") }), nil, 401, "a message that is 16m0s ahead of this computer's clock; if all are, a clock is wrong"},
		"a little ahead":     {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2026-01-10T12:14:00Z") }), nil, 200, ""},
		"another zone":       {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2026-01-10T14:59:00.123+0300") }), nil, 200, ""},
		"without a time":     {message(order, func(h http.Header) { h.Del("x-prodsmart-triggered-at") }), nil, 401, "a message without x-prodsmart-triggered-at, so that its age is not known; if all are, set max_age: 0s"},
		"a time of nonsense": {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "yesterday") }), nil, 401, "a message with the x-prodsmart-triggered-at \"yesterday\", so that its age is not known; if all are, set max_age: 0s"},
		"no time, any age":   {message(order, func(h http.Header) { h.Del("x-prodsmart-triggered-at") }), func(c *Config) { c.MaxAge = -1 }, 200, ""},
		"nonsense, any age":  {message(order, func(h http.Header) { h.Set("x-prodsmart-triggered-at", "yesterday") }), func(c *Config) { c.MaxAge = -1 }, 200, ""},
		"too large":          {message(strings.Repeat("x", 101)), func(c *Config) { c.MaxBody = 100 }, 413, "a message of more than 100 bytes"},
		"broken off":         {httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader(order[:20]), iotest.ErrReader(io.ErrUnexpectedEOF))), nil, 400, "a message that broke off or came too slowly"},
		"empty":              {message(""), nil, 400, "a message without content"},
		"another path":       {httptest.NewRequest("POST", "/hooks/other", strings.NewReader(order)), nil, 404, ""},
		"another method":     {httptest.NewRequest("GET", path, nil), nil, 405, "a request with GET, which is no message"},
		"the secret before": {message(order, func(h http.Header) { h.Set("x-prodsmart-hmac-sha256", hex.EncodeToString(sha1Of("before", order))) }),
			func(c *Config) { c.Secrets = append(c.Secrets, prodsmart.NewSecret("before")) }, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := &box{}
			change := c.change
			if change == nil {
				change = func(*Config) {}
			}
			lost := 0
			r := receiver(t, config(func(c *Config) { c.Lost = func() { lost++ } }, change), in)
			if code := serve(r, c.request); code != c.status {
				t.Errorf("status %d, want %d", code, c.status)
			}
			want := int(r.Status().Old)
			if name == "too large" || name == "broken off" {
				want = 1
			}
			if lost != want {
				t.Errorf("%d are told as lost instead of %d", lost, want)
			}
			if s := r.Status(); !strings.HasPrefix(s.Problem, c.problem) || c.problem == "" && s.Problem != "" {
				t.Errorf("problem %q", s.Problem)
			}
			if s := r.Status(); s.ProblemAt.Equal(noon) != (s.Problem != "") {
				t.Errorf("%+v", s)
			}
			if (len(in.list) == 1) != (c.status == 200) {
				t.Errorf("%d deliveries are kept", len(in.list))
			}
		})
	}
}

// TestRepeatedMessages are kept once; one that could not be kept is not known.
func TestRepeatedMessages(t *testing.T) {
	in := &box{err: errors.New("the disk is full")}
	r := receiver(t, config(), in)
	if code := serve(r, message(order)); code != 503 || r.Status().Lost != 1 || !strings.Contains(r.Status().Problem, "the disk is full") {
		t.Fatalf("status %d: %+v", code, r.Status())
	}
	in.err = nil
	for range 3 {
		if code := serve(r, message(order)); code != 200 {
			t.Fatalf("status %d", code)
		}
	}
	for _, change := range []func(http.Header){
		func(h http.Header) { h.Set("x-prodsmart-webhook-uuid", "u2") },
		func(h http.Header) { h.Set("x-prodsmart-topic", "productionOrder/delete") },
		func(h http.Header) { h.Set("x-prodsmart-triggered-at", "2026-01-10T11:59:47Z") },
	} {
		serve(r, message(order, change))
	}
	if s := r.Status(); len(in.list) != 4 || s.Accepted != 4 || s.Repeated != 2 {
		t.Errorf("%d kept, %+v", len(in.list), s)
	}
}

// TestMemoryIsBounded: whatever comes, no more than so many deliveries are known.
func TestMemoryIsBounded(t *testing.T) {
	r := receiver(t, config(func(c *Config) { c.Signature, c.MaxAge = Off, -1 }), &box{})
	for i := range remembered + 50 {
		q := httptest.NewRequest("POST", path, strings.NewReader("{}"))
		q.Header.Set("x-prodsmart-webhook-uuid", time.Duration(i).String())
		q.Header.Set("x-prodsmart-triggered-at", "2026-01-10T11:59:46.142Z")
		serve(r, q)
	}
	if len(r.known) != remembered {
		t.Errorf("%d are known", len(r.known))
	}
}

// TestWithoutATimeNothingIsKnownAgain: where messages have no time, a body that comes
// again may tell of another change, and is kept.
func TestWithoutATimeNothingIsKnownAgain(t *testing.T) {
	in := &box{}
	r := receiver(t, config(func(c *Config) { c.MaxAge = -1 }), in)
	for range 3 {
		serve(r, message(order, func(h http.Header) { h.Del("x-prodsmart-triggered-at") }))
	}
	if s := r.Status(); len(in.list) != 3 || s.Accepted != 3 || s.Repeated != 0 {
		t.Errorf("%d kept, %+v", len(in.list), s)
	}
}

// TestABrokenSender: a message that ends too early is none.
func TestABrokenSender(t *testing.T) {
	r := receiver(t, config(), &box{})
	server := httptest.NewServer(r)
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	c.Close()
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 400")) {
		t.Errorf("%s", answer)
	}
}

func TestBadConfigurations(t *testing.T) {
	for want, c := range map[string]Config{
		`path: "hooks" does not begin with a slash`: config(func(c *Config) { c.Path = "hooks" }),
		"secret: there is none to check signatures": config(func(c *Config) { c.Secrets = nil }),
		"secret: it is empty":                       config(func(c *Config) { c.Secrets = append(c.Secrets, prodsmart.Secret{}) }),
		`signature: "md5" is none of`:               config(func(c *Config) { c.Signature = "md5" }),
	} {
		if _, err := New(c, &box{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		topic, body string
		want        Hint
	}{
		{"productionOrder/create", order, Hint{Entity: ProductionOrder, ID: 3990}},
		{"PRODUCTION_ORDER/UPDATE", `{"id":"3990"}`, Hint{Entity: ProductionOrder, ID: 3990}},
		{"productionOrder/delete", `{"id":3990,"code":"x"}`, Hint{Entity: ProductionOrder, ID: 3990, Deleted: true}},
		{"productionOrder/update", `{"id":3990,"running-status":"Deleted"}`, Hint{Entity: ProductionOrder, ID: 3990, Deleted: true}},
		{"", order, Hint{Entity: ProductionOrder, ID: 3990}},
		{"", `{"id":1,"downtime-type":"x","event-type":"downTime_created"}`, Hint{Entity: Downtime, ID: 1}},
		{"", `{"id":1,"event-type":"downTime_deleted"}`, Hint{Entity: Downtime, ID: 1, Deleted: true}},
		{"downTime/update", `{"id":1}`, Hint{Entity: Downtime, ID: 1}},
		{"", `{"id":932015,"entry":1}`, Hint{Entity: PunchClock, ID: 932015}},
		{"punchClock/x", `{"id":932015,"notification":"punchClock_deleted"}`, Hint{Entity: PunchClock, ID: 932015, Deleted: true}},
		{"lot/create", `[{"code":"L"}]`, Hint{Entity: Other}},
		{"salesOrder/delete", `{"id":111}`, Hint{Entity: Other, ID: 111, Deleted: true}},
		{"productionOrder/update", `{"id":{"a":1},"running-status":7,"notification":[]}`, Hint{Entity: ProductionOrder}},
		{"productionOrder/update", `{"id":-4.5}`, Hint{Entity: ProductionOrder}},
	} {
		c.want.Topic = c.topic
		if got, err := Parse(Delivery{Topic: c.topic, Body: []byte(c.body)}); err != nil || got != c.want {
			t.Errorf("%s %s: %+v %v, want %+v", c.topic, c.body, got, err, c.want)
		}
	}
	for _, body := range []string{"", "x", "7", "[1", `{"id":1`, "null"} {
		if _, err := Parse(Delivery{Body: []byte(body)}); !errors.Is(err, ErrNoMessage) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("productionOrder/create", order)
	f.Add("", `{"event-type":"downTime_deleted"}`)
	f.Fuzz(func(t *testing.T, topic, body string) {
		if h, err := Parse(Delivery{Topic: topic, Body: []byte(body)}); err == nil && h.ID < 0 {
			t.Errorf("%+v", h)
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add(hex.EncodeToString(sha1Of("s3cret", order)), []byte(order))
	f.Add(base64.StdEncoding.EncodeToString(sha256Of("s3cret", order)), []byte(order))
	c := config()
	c.Signature = Auto
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		h := http.Header{"X-Prodsmart-Hmac-Sha1": {value}}
		found, _ := c.matches(h, body)
		digest, _ := decoded(strings.TrimSpace(value))
		if genuine := bytes.Equal(digest, sha1Of("s3cret", string(body))) || bytes.Equal(digest, sha256Of("s3cret", string(body))); genuine != (found != "") {
			t.Errorf("%q for %q is taken for %q", value, body, found)
		}
	})
}
