package mes

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// got is one webhook as it came.
type got struct {
	header http.Header
	body   string
}

func (g got) topic() string { return g.header.Get("X-Prodsmart-Topic") }

// receiver takes the webhooks of a bench.
type receiver struct {
	*testing.T
	url  string
	mu   sync.Mutex
	more chan struct{}
	all  []got
}

// receiver subscribes a receiver to topics, or to all.
func (b *bench) receiver(topics ...string) *receiver {
	b.Helper()
	r := &receiver{T: b.T, more: make(chan struct{}, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || req.Method != http.MethodPost {
			b.Errorf("%s %v", req.Method, err)
		}
		r.mu.Lock()
		r.all = append(r.all, got{req.Header, string(body)})
		r.mu.Unlock()
		r.more <- struct{}{}
	}))
	b.Cleanup(server.Close)
	r.url = server.URL
	if _, err := b.s.Subscribe(server.URL+"/hook", topics); err != nil {
		b.Fatal(err)
	}
	return r
}

// wait waits until there are n webhooks in all.
func (r *receiver) wait(n int) []got {
	r.Helper()
	late := time.After(5 * time.Second)
	for {
		r.mu.Lock()
		all := slices.Clone(r.all)
		r.mu.Unlock()
		if len(all) >= n {
			return all
		}
		select {
		case <-r.more:
		case <-late:
			r.Fatalf("%d webhooks, want %d", len(all), n)
		}
	}
}

// topics waits for n webhooks and gives their topics.
func (r *receiver) topics(n int) string {
	var list []string
	for _, g := range r.wait(n) {
		list = append(list, g.topic())
	}
	return strings.Join(list, " ")
}

func TestOrderWebhooks(t *testing.T) {
	b := company(t, Options{})
	r := b.receiver("productionOrder/*")
	one := b.order("WO-77", fullOrder)
	r.wait(1)
	b.call("PUT", one, plan("WO-77", `,"workers-assigned":[{"number":1}]`), 200)
	r.wait(2)
	b.call("DELETE", one, "", 204)
	if got, want := r.topics(3), "productionOrder/create productionOrder/update productionOrder/delete"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	all := r.wait(3)
	h := all[0].header
	for name, want := range map[string]string{"Content-Type": "application/json", "X-Prodsmart-Api-Version": "1",
		"X-Prodsmart-Triggered-At": "2026-03-04T10:00:00.000Z"} {
		if h.Get(name) != want {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
	if id := h.Get("X-Prodsmart-Webhook-Uuid"); len(id) != 36 || strings.Count(id, "-") != 4 || id == all[1].header.Get("X-Prodsmart-Webhook-Uuid") {
		t.Error(id)
	}
	id := strings.TrimPrefix(one, ordersPath)
	shape := func(description, notes, boxes, serial, shipping, running, workers, machines string) string {
		return `{"code":"WO-77","description":"` + description + `","due-date":"2026-03-05T12:00:00Z","ended":false,"id":` + id + `,"machines":` + machines +
			`,"notes":"` + notes + `","pieces-by-box":` + boxes + `,"products":[{"observations":"","product":"P1","quantity-ordered":10,"quantity-produced":0}],"running-status":"` +
			running + `","serial-number":"` + serial + `","shipping":` + shipping + `,"start-date":"2026-03-04T12:00:00Z","status":"scheduled"`
	}
	plain := func(running string) string {
		return shape("", "", "0", "", "{}", running, "", "[]") + `,"workers-assigned":[{"number":1}]}`
	}
	for i, want := range []string{
		shape("d", "n", "20", "S1", `{"code":"SHP-1"}`, "notstarted", "", `[{"code":"M1"}]`) + `,"unheard-of":{"x":1},"workers-assigned":[{"number":1},{"number":2}]}`,
		plain("notstarted"), plain("deleted"),
	} {
		if all[i].body != want {
			t.Errorf("%d\ngot  %s\nwant %s", i, all[i].body, want)
		}
	}
	if hooks := b.s.Hooks(); len(hooks) != 3 || hooks[0].Times > 1 {
		t.Errorf("%+v", hooks)
	}
}

func TestSignatures(t *testing.T) {
	sum := func(algorithm func() hash.Hash, secret, body string) []byte {
		mac := hmac.New(algorithm, []byte(secret))
		mac.Write([]byte(body))
		return mac.Sum(nil)
	}
	type pair struct{ long, short string }
	for mode, want := range map[SignatureMode]func(body string) pair{
		SignatureSample: func(body string) pair { return pair{hex.EncodeToString(sum(sha1.New, "secret", body)), ""} },
		SignatureProse: func(body string) pair {
			return pair{"", base64.StdEncoding.EncodeToString(sum(sha1.New, "secret", body))}
		},
		SignatureHex: func(body string) pair { return pair{hex.EncodeToString(sum(sha256.New, "secret", body)), ""} },
		SignatureBase64: func(body string) pair {
			return pair{base64.StdEncoding.EncodeToString(sum(sha256.New, "secret", body)), ""}
		},
		SignatureBoth: func(body string) pair {
			return pair{hex.EncodeToString(sum(sha256.New, "secret", body)), base64.StdEncoding.EncodeToString(sum(sha1.New, "secret", body))}
		},
		SignatureNone: func(string) pair { return pair{} },
	} {
		b := company(t, Options{OrderOptions: OrderOptions{SignatureMode: mode}})
		r := b.receiver()
		b.order("A", "")
		g := r.wait(1)[0]
		if has := (pair{g.header.Get("X-Prodsmart-Hmac-Sha256"), g.header.Get("X-Prodsmart-Hmac-Sha1")}); has != want(g.body) {
			t.Errorf("%s: %+v", mode, has)
		}
	}
}

func TestOtherWebhooks(t *testing.T) {
	b := company(t, Options{})
	r := b.receiver()
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	r.wait(1)
	b.clock.Move(2 * time.Minute)
	b.post("startstop", `{"type":"STOP","running":1}`, 200)
	r.wait(2)
	b.control("DELETE", fmt.Sprint("/downtimes/", b.m1().Downtimes[0].ID), "", 200)
	if got, want := r.topics(3), "downTime/create downTime/update downTime/delete"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i, event := range []string{"created", "updated", "deleted"} {
		var body map[string]any
		if err := json.Unmarshal([]byte(r.wait(3)[i].body), &body); err != nil {
			t.Fatal(err)
		}
		spent := "00:02:00"
		if i == 0 {
			spent = "00:00:00"
		}
		if body["event-type"] != "downTime_"+event || body["time-spent"] != spent {
			t.Errorf("%v", body)
		}
	}
	tell := func(kind string, entity map[string]any, deleted bool) {
		b.s.lock()
		defer b.s.mu.Unlock()
		b.s.changed(kind, 9, entity, deleted)
	}
	punch := map[string]any{"id": 9, "date": "2026-03-04T10:00:00Z", "worker": map[string]any{"number": 2}, "type": 1}
	tell(kindPunchClock, punch, false)
	r.wait(4)
	movement := map[string]any{"id": 9, "product-code": "P1", "date-time": "2026-03-04T10:00:00Z", "quantity": "10", "type": "out", "lot": "L-86",
		"shipping": map[string]any{"code": "SHP-1", "clientOrder": map[string]any{"code": "CO-1", "client": "CL-1"}}}
	tell(kindMovement, movement, false)
	r.wait(5)
	tell(kindMovement, movement, true)
	r.wait(6)
	tell(kindMovement, map[string]any{"product-code": "P1", "receiving": map[string]any{"code": "R"}}, false)
	r.wait(7)
	tell(kindMovement, map[string]any{"product-code": "P1"}, false)
	tell(kindProduct, map[string]any{"code": "P1"}, false)
	all := r.wait(8)
	if got := r.topics(8); !strings.HasSuffix(got, "punchClock/create shippingInventoryMovement/create shippingInventoryMovement/delete receivingInventoryMovement/create internalInventoryMovement/update") {
		t.Error(got)
	}
	if got, want := all[3].body, `{"date":"2026-03-04T10:00:00Z","entry":1,"id":9,"notification":"punchClock_created","worker":{"number":2}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(all[4].body), &list); err != nil || len(list) != 1 || list[0]["quantity"] != 10.0 || list[0]["id"] != nil ||
		list[0]["stock-type"] != "out" || within(list[0], "sales-order", "client", "code") != "CL-1" {
		t.Errorf("%s %v", all[4].body, err)
	}
	if all[5].body != `{"id":9}` {
		t.Error(all[5].body)
	}
	b.control("POST", "/webhooks/send", `{"topic":"lot/create","body":[{"code":"L"}]}`, 200)
	if g := r.wait(9)[8]; g.topic() != "lot/create" || g.body != `[{"code":"L"}]` {
		t.Errorf("%+v", g)
	}
}

func TestWebhookFaults(t *testing.T) {
	b := company(t, Options{})
	r := b.receiver()
	fault := func(f Fault) {
		t.Helper()
		f.Times = 1
		if _, err := b.s.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	codes := func(n int) string {
		out := ""
		for _, g := range r.wait(n) {
			var o struct{ Code string }
			if err := json.Unmarshal([]byte(g.body), &o); err != nil {
				t.Fatal(err)
			}
			out += o.Code
		}
		return out
	}
	fault(Fault{Kind: FaultHookLost})
	b.order("A", "")
	fault(Fault{Kind: FaultHookRepeated})
	b.order("B", "")
	if got := codes(2); got != "BB" {
		t.Fatal(got)
	}
	fault(Fault{Kind: FaultHookReordered, Delay: time.Hour})
	b.order("C", "")
	b.order("D", "")
	if got := codes(4); got != "BBDC" {
		t.Fatal(got)
	}
	fault(Fault{Kind: FaultHookReordered, Delay: time.Millisecond})
	b.order("E", "")
	fault(Fault{Kind: FaultHookDelayed, Delay: time.Millisecond})
	codes(5)
	b.order("F", "")
	if got := codes(6); got != "BBDCEF" {
		t.Fatal(got)
	}
	all := r.wait(6)
	if inOneLine(all[0].header) != inOneLine(all[1].header) {
		t.Errorf("a repetition differs: %v %v", all[0].header, all[1].header)
	}
	if h := b.s.Hooks()[0]; h.Outcome != "fault webhook_lost" || h.Times != 0 {
		t.Errorf("%+v", h)
	}
	if err := (Fault{Kind: FaultHookLost, Service: serviceCounter}).check(); err == nil {
		t.Error("a webhook of a service")
	}
	// One that waits when the server ends is not sent.
	fault(Fault{Kind: FaultHookDelayed, Delay: time.Hour})
	b.order("G", "")
}

// TestWebhooksOnce: a receiver that refuses, sends elsewhere or is not there gets
// no second chance, and the others do not suffer from it.
func TestWebhooksOnce(t *testing.T) {
	b := company(t, Options{})
	var mu sync.Mutex
	asked := map[string]int{}
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		asked[req.URL.Path]++
		mu.Unlock()
		switch req.URL.Path {
		case "/refuses":
			w.WriteHeader(500)
		case "/elsewhere":
			http.Redirect(w, req, "/there", http.StatusTemporaryRedirect)
		}
	}))
	for _, path := range []string{"/refuses", "/elsewhere"} {
		if _, err := b.s.Subscribe(bad.URL+path, nil); err != nil {
			t.Fatal(err)
		}
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b.s.Subscribe(gone.URL, nil)
	r := b.receiver()
	b.order("A", "")
	r.wait(1)
	deadline := time.Now().Add(5 * time.Second)
	for {
		done := 0
		for _, h := range b.s.Hooks() {
			done += h.Times
		}
		if done == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", b.s.Hooks())
		}
		time.Sleep(time.Millisecond)
	}
	bad.Close()
	hooks := b.s.Hooks()
	if len(hooks) != 4 || !strings.HasPrefix(hooks[0].Outcome, "500") || !strings.HasPrefix(hooks[1].Outcome, "307") || !strings.Contains(hooks[2].Outcome, "refused") {
		t.Errorf("%+v", hooks)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 2 || asked["/refuses"] != 1 || asked["/elsewhere"] != 1 {
		t.Error(asked)
	}
}

func TestSubscriptions(t *testing.T) {
	b := company(t, Options{})
	for _, to := range []string{"", "ftp://x", "http://", "x", "http://[::1"} {
		if _, err := b.s.Subscribe(to, nil); err == nil {
			t.Errorf("subscribed %q", to)
		}
	}
	b.control("POST", "/webhooks", `{"url":"http://127.0.0.1:9","topics":["["]}`, 400)
	r := b.receiver("downTime/create", "punchClock/*")
	b.order("A", "")
	b.post("startstop", `{"type":"STOP","running":0}`, 200)
	if got := r.topics(1); got != "downTime/create" {
		t.Error(got)
	}
	if got := b.control("GET", "/webhooks", "", 200); !strings.Contains(got, `"topics":["downTime/create","punchClock/*"]`) || !strings.Contains(got, r.url) {
		t.Error(got)
	}
	id := b.s.Subscriptions()[0].ID
	b.control("DELETE", fmt.Sprint("/webhooks/", id), "", 200)
	b.control("DELETE", fmt.Sprint("/webhooks/", id), "", 400)
	b.control("POST", "/webhooks/send", `{"topic":"punchClock/create","body":{}}`, 400)
	b.control("POST", "/webhooks", fmt.Sprintf(`{"url":%q}`, r.url), 200)
	b.control("POST", "/webhooks/send", `{"topic":"","body":{}}`, 400)
	b.control("POST", "/webhooks/send", `{"topic":"lot/create"}`, 400)
}
