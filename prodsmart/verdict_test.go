package prodsmart

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const loginPage = "<!DOCTYPE html><html><head><title>Guest &amp; Login\n</title></head><body>500</body></html>"

func TestVerdictOfStatus(t *testing.T) {
	for _, row := range []struct {
		status  int
		kind    string
		body    string
		want    Verdict
		text    string // the whole text
		counter int64
	}{
		{200, "text/plain", "500", Accepted, "500", 500},
		{200, "application/json", `{"count":500}`, Accepted, `{"count":500}`, 500},
		{200, "", "", Accepted, "", 0},
		{201, "application/json", `"500.0"`, Accepted, `"500.0"`, 500},
		{202, "", "queued", Accepted, "queued", 0},
		{204, "", "", Accepted, "", 0},
		{200, "text/html; charset=utf-8", "500", Accepted, "500", 500},
		{200, "text/html", loginPage, Ambiguous, `HOST answered with a web page titled "Guest & Login": is there a captive portal or a filtering proxy in between? Open http://HOST in a browser on this computer`, 0},
		{200, "text/plain", "\uFEFF \n<html>500</html>", Ambiguous, `HOST answered with a web page: is there a captive portal or a filtering proxy in between? Open http://HOST in a browser on this computer`, 0},
		{200, "text/html", "Please log in<br>", Ambiguous, `HOST answered with a web page: is there a captive portal or a filtering proxy in between? Open http://HOST in a browser on this computer`, 0},
		{200, "text/plain", "Invalid JSON", Refused, "Invalid JSON", 0},
		{400, "text/plain", "count must be greater than 700\r\nsee manual", Refused, "count must be greater than 700 see manual", 0},
		{400, "", "", Refused, "400 Bad Request", 0},
		{404, "application/json", `{"error":"no machine"}`, Refused, `{"error":"no machine"}`, 0},
		{404, "text/html", loginPage, Refused, `HOST answered 404 Not Found with a web page titled "Guest & Login" (check prodsmart.url and the prefix)`, 0},
		{405, "", "x", Refused, "x", 0},
		{409, "", "x", Refused, "x", 0},
		{412, "", "x", Refused, "x", 0},
		{413, "", "x", Refused, "x", 0},
		{422, "", "x", Refused, "x", 0},
		{401, "", "no", Unauthorized, "no (check the API key and secret, and the rights of their user in Prodsmart)", 0},
		{403, "", "", Unauthorized, "403 Forbidden (check the API key and secret, and the rights of their user in Prodsmart)", 0},
		{407, "", "", Unsent, "407 Proxy Authentication Required (a proxy wants a login: give it a user and a password: prodsmart.proxy, proxy_user and proxy_password)", 0},
		{408, "", "", Ambiguous, "408 Request Timeout", 0},
		{425, "", "", Ambiguous, "425 Too Early", 0},
		{499, "", "", Ambiguous, "status 499", 0},
		{429, "", "slow down", Limited, "slow down", 0},
		{500, "", "boom", Ambiguous, "boom", 0},
		{502, "text/html", loginPage, Ambiguous, `HOST answered 502 Bad Gateway with a web page titled "Guest & Login"`, 0},
		{503, "", "", Ambiguous, "503 Service Unavailable", 0},
		{504, "", "", Ambiguous, "504 Gateway Timeout", 0},
		{511, "text/html", loginPage, Unsent, `HOST answered 511 Network Authentication Required with a web page titled "Guest & Login" (the network wants a login first: open http://HOST in a browser on this computer)`, 0},
		{599, "", "", Ambiguous, "status 599", 0},
		{700, "", "", Ambiguous, "status 700", 0},
	} {
		c := newClient(t, saying(t, row.status, row.kind, row.body))
		a := send(t, c, row.want)
		want := strings.ReplaceAll(row.text, "HOST", c.host)
		if a.Text != want || a.Status != row.status {
			t.Errorf("%d %q: status %d,\ntext %q,\nwant %q", row.status, row.body, a.Status, a.Text, want)
		}
		if (a.Counter == nil) != (row.counter == 0) || a.Counter != nil && *a.Counter != row.counter {
			t.Errorf("%d %q: counter %s, want %d", row.status, row.body, text(a.Counter), row.counter)
		}
		if a.Took <= 0 {
			t.Errorf("took %s", a.Took)
		}
	}
}

func TestPause(t *testing.T) {
	for _, row := range []struct {
		status int
		header string
		want   time.Duration
	}{
		{429, "", 30 * time.Second}, {429, "12", 12 * time.Second}, {429, "soon", 30 * time.Second}, {429, "86400", 10 * time.Minute},
		{503, "", 0}, {503, "12", 12 * time.Second}, {500, "12", 0}, {200, "12", 0},
	} {
		c := newClient(t, answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if row.header != "" {
				w.Header().Set("Retry-After", row.header)
			}
			w.WriteHeader(row.status)
		}))
		if a := c.Send(t.Context(), counterPost(1)); a.RetryAfter != row.want {
			t.Errorf("%d with %q asks for %s, want %s", row.status, row.header, a.RetryAfter, row.want)
		}
	}
}

// A redirect is never followed, be it to the same host or to another one, and
// its target is told without what may be secret in it.
func TestRedirect(t *testing.T) {
	var elsewhere, here atomic.Int32
	other := answering(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for status, want := range map[int]Verdict{301: Unsent, 302: Unsent, 303: Ambiguous, 307: Unsent, 308: Unsent, 304: Ambiguous} {
		for _, target := range []string{other + "/v2/x?access_token=abc", "/login?next=x", ""} {
			here.Store(0)
			c := newClient(t, answering(t, func(w http.ResponseWriter, _ *http.Request) {
				here.Add(1)
				if target != "" {
					w.Header().Set("Location", target)
				}
				w.WriteHeader(status)
			}))
			a := send(t, c, want)
			told, _, _ := strings.Cut(target, "?")
			if !strings.Contains(a.Text, "redirects to "+told) || strings.Contains(a.Text, "abc") || !strings.Contains(a.Text, "set prodsmart.url") {
				t.Errorf("%d to %q: %s", status, target, a.Text)
			}
			if here.Load() != 1 {
				t.Errorf("%d to %q: %d requests", status, target, here.Load())
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect to another host was followed")
	}
}

func TestLargeAndPackedAnswers(t *testing.T) {
	var packed atomic.Bool
	c := newClient(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		if !packed.Load() {
			chunk := []byte(strings.Repeat("x", 1<<10))
			for range 10 << 10 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
			return
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("does not offer gzip")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"count":500`+strings.Repeat(" ", 1<<10)+"}")
		z.Close()
	}))
	if a := send(t, c, Accepted); len(a.Text) > 2*maxText || a.Counter != nil {
		t.Errorf("text of %d bytes", len(a.Text))
	}
	packed.Store(true)
	if a := send(t, c, Accepted); a.Counter == nil || *a.Counter != 500 {
		t.Errorf("packed answer: %q", a.Text)
	}
}

// What is sent is the body of the post, byte for byte, with Basic and without
// anything that would let somebody repeat it.
func TestRequest(t *testing.T) {
	codes := []string{"A32", "Pres 1", "Bükme-2", "a/b", "..", ".", "100%", "a?b#c", "a+b;c=d&e", "x%2Fy", "\\", "日本", "a\xffb", "-_.~"}
	type seen struct {
		r    *http.Request
		body string
	}
	var mu sync.Mutex
	var got []seen
	address := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, seen{r, string(body)})
	})
	c := newClient(t, address, func(cfg *Config) { cfg.UserAgent = "gw/1.2" })
	for _, code := range codes {
		for _, s := range []Service{StartStopService, CounterService, ParametersService} {
			expect(t, c.Send(t.Context(), Post{Machine: code, Service: s, Body: []byte(`{"n":"` + s.String() + `"}`)}), Accepted)
			r := got[len(got)-1]
			path := strings.Split(r.r.URL.EscapedPath(), "/")
			if len(path) != 5 || path[1] != "api" || path[2] != "machines" || path[4] != s.String() {
				t.Fatalf("%q: path %q", code, r.r.URL.EscapedPath())
			}
			if whole := "/api/machines/" + code + "/" + s.String(); r.r.URL.Path != whole {
				t.Errorf("path %q, want %q", r.r.URL.Path, whole)
			}
			if r.body != `{"n":"`+s.String()+`"}` || r.r.Method != http.MethodPost {
				t.Errorf("%s %q", r.r.Method, r.body)
			}
		}
	}
	h := got[0].r
	if key, secret, ok := h.BasicAuth(); !ok || key != testKey || secret != testSecret {
		t.Error("no Basic")
	}
	if h.URL.RawQuery != "" || h.Header.Get("Content-Type") != "application/json" || h.UserAgent() != "gw/1.2" ||
		!strings.Contains(h.Header.Get("Accept"), "application/json") {
		t.Errorf("query %q, header %v", h.URL.RawQuery, h.Header)
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "Expect", "Cookie", "Referer"} {
		if _, there := h.Header[name]; there {
			t.Errorf("sends %s", name)
		}
	}
}

func TestIncompletePost(t *testing.T) {
	c := newClient(t, saying(t, 200, "", ""), func(cfg *Config) {
		cfg.OnRequest = func(Request) { t.Error("a request left") }
	})
	expect(t, c.Send(t.Context(), Post{Service: CounterService}), Refused)
	expect(t, c.Send(t.Context(), Post{Machine: "A", Service: 9}), Refused)
}

func TestHook(t *testing.T) {
	var told []Request
	c := newClient(t, saying(t, 400, "", "no"), func(cfg *Config) {
		cfg.OnRequest = func(r Request) { told = append(told, r) }
	})
	send(t, c, Refused)
	expect(t, c.Send(cancelled(), counterPost(1)), Unsent)
	if len(told) != 1 || told[0].Endpoint != CounterEndpoint || told[0].Extra || told[0].Status != 400 || told[0].Took <= 0 {
		t.Errorf("%+v", told)
	}
}

// A server's echo of the credentials is not shown.
func TestEcho(t *testing.T) {
	c := newClient(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		key, secret, _ := r.BasicAuth()
		w.WriteHeader(400)
		_, _ = io.WriteString(w, "bad user "+key+" "+secret+" "+r.Header.Get("Authorization"))
	}))
	a := send(t, c, Refused)
	if a.Text != "bad user [hidden] [hidden] Basic [hidden]" {
		t.Error(a.Text)
	}
}
