package prodsmart

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// resolving makes a client look names up at a DNS server of the test.
func resolving(t *testing.T, address string, timeout time.Duration, server func(query []byte) []byte) *Client {
	t.Helper()
	dns, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		query := make([]byte, 1500)
		for {
			n, from, err := dns.ReadFrom(query)
			if err != nil {
				return
			}
			if answer := server(query[:n]); answer != nil {
				_, _ = dns.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		dns.Close()
		<-done
	})
	c := newClient(t, address, func(cfg *Config) { cfg.Timeout = timeout })
	c.transport.DialContext = (&net.Dialer{Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := t.Context().Err(); err != nil {
				return nil, err
			}
			var d net.Dialer
			conn, err := d.DialContext(ctx, "udp", dns.LocalAddr().String())
			if err == nil { // nobody waits for an answer after the test
				context.AfterFunc(t.Context(), func() { conn.Close() })
			}
			return conn, err
		},
	}}).DialContext
	return c
}

// answerOf turns a query into an answer with the given code and no records.
func answerOf(query []byte, code byte) []byte {
	answer := append([]byte(nil), query...)
	answer[2] |= 0x80
	answer[3] = 0x80 | code
	binary.BigEndian.PutUint16(answer[10:], 0) // no additional records
	end := 12
	for answer[end] != 0 {
		end += int(answer[end]) + 1
	}
	return answer[:end+5]
}

func TestUnknownNames(t *testing.T) {
	const name = "app.example.test."
	for what, row := range map[string]struct {
		server func([]byte) []byte
		text   string
	}{
		"unknown": {func(q []byte) []byte { return answerOf(q, 3) }, "is not known to the DNS; check its spelling, the DNS server of this computer, and whether a proxy is needed"},
		"refused": {func(q []byte) []byte { return answerOf(q, 5) }, "could not be looked up, the DNS does not answer; check the network and the DNS server of this computer"},
		"broken":  {func(q []byte) []byte { return answerOf(q, 2) }, "could not be looked up, the DNS does not answer; check the network and the DNS server of this computer"},
		"silent":  {func([]byte) []byte { return nil }, "could not be looked up, the DNS does not answer; check the network and the DNS server of this computer"},
	} {
		c := resolving(t, "https://"+name, 300*time.Millisecond, row.server)
		if a := send(t, c, Unsent); a.Text != "the name "+name+" "+row.text {
			t.Errorf("%s: %s", what, a.Text)
		}
	}
}

// A portal of a guest network takes the place of Prodsmart in its own ways. Only
// a plain address lets it speak at all; TLS shows that it is somebody else.
func TestCaptivePortal(t *testing.T) {
	ca, portalCA := newAuthority(t, "Plant Root"), newAuthority(t, "Portal Root")
	trusting := func(cfg *Config) { cfg.CAFile = ca.file }
	for name, row := range map[string]struct {
		change func(*Config)
		server *httptest.Server
		text   string
	}{
		"its own name":      {trusting, ca.serve(t, withNames("portal.test")), "what answers at HOST has a certificate for portal.test; check the address and the proxy, and whether the network wants a login in a browser first"},
		"its own authority": {trusting, portalCA.serve(t, nil), `the certificate of HOST was issued by "Portal Root", which this computer does not trust`},
	} {
		c := newClient(t, row.server.URL, row.change)
		if a := send(t, c, Unsent); !strings.HasPrefix(a.Text, strings.ReplaceAll(row.text, "HOST", c.host)) {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   Verdict
		text   string
	}{
		"page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, loginPage) }, Ambiguous,
			`HOST answered with a web page titled "Guest & Login": is there a captive portal`},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://portal.test/login?to=x", http.StatusFound)
		}, Unsent, "HOST redirects to http://portal.test/login, which is not followed"},
		"511": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNetworkAuthenticationRequired)
			_, _ = io.WriteString(w, loginPage)
		}, Unsent, `HOST answered 511 Network Authentication Required with a web page titled "Guest & Login" (the network wants a login first: open http://HOST`},
	} {
		c := newClient(t, answering(t, row.answer))
		if a := send(t, c, row.want); !strings.HasPrefix(a.Text, strings.ReplaceAll(row.text, "HOST", c.host)) {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
}

// Posts one after the other use one connection, over both versions of HTTP.
func TestConnectionIsKept(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	for _, two := range []bool{false, true} {
		var connections atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "500")
			_ = z.Close()
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		server.TLS = serverConfig(ca.certify(t, nil))
		server.EnableHTTP2 = two
		server.StartTLS()
		c := newClient(t, server.URL, func(cfg *Config) { cfg.CAFile = ca.file })
		for range 3 {
			if a := send(t, c, Accepted); a.Counter == nil || *a.Counter != 500 {
				t.Error(a.Text)
			}
		}
		c.Close()
		server.Close()
		if connections.Load() != 1 {
			t.Errorf("HTTP/2 %v: %d connections", two, connections.Load())
		}
	}
}

// A small answer that unpacks to a huge one costs no more than its limit.
func TestPackedBomb(t *testing.T) {
	c := newClient(t, answering(t, packedBomb))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a := send(t, c, Accepted)
	runtime.ReadMemStats(&after)
	if len(a.Text) > 2*maxText || a.Took > patience/2 {
		t.Errorf("%d bytes of text after %s", len(a.Text), a.Took)
	}
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 16<<20 {
		t.Errorf("%d bytes were needed", grown)
	}
}
