package prodsmart

import (
	"bufio"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tunnel is an HTTP proxy for CONNECT that wants a login.
func tunnel(t *testing.T, opened *atomic.Int32) string {
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte("gw:proxy-pass"))
	return rawServer(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		req, err := http.ReadRequest(r)
		if err != nil || req.Method != http.MethodConnect {
			_, _ = io.WriteString(conn, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
			return
		}
		if req.Header.Get("Proxy-Authorization") != login {
			_, _ = io.WriteString(conn, "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
			return
		}
		target, err := net.Dial("tcp", req.Host)
		if err != nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 502 Down\r\nContent-Length: 0\r\n\r\n")
			return
		}
		defer target.Close()
		opened.Add(1)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connected\r\n\r\n")
		var back sync.WaitGroup
		back.Go(func() {
			_, _ = io.Copy(conn, target)
			conn.Close()
		})
		_, _ = io.Copy(target, r)
		target.Close()
		back.Wait()
	})
}

func TestProxy(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	server := ca.serve(t, nil)
	var opened atomic.Int32
	proxy := tunnel(t, &opened)
	host := strings.TrimPrefix(proxy, "http://")
	through := func(password string) func(*Config) {
		return func(cfg *Config) {
			cfg.CAFile, cfg.Proxy = ca.file, proxy
			if password != "" {
				cfg.ProxyUser, cfg.ProxyPassword = "gw", NewSecret(password)
			}
		}
	}
	good := newClient(t, server.URL, through("proxy-pass"))
	send(t, good, Accepted)
	send(t, good, Accepted)
	if opened.Load() != 1 {
		t.Errorf("%d tunnels", opened.Load())
	}
	for _, password := range []string{"", "wrong-pass"} {
		a := send(t, newClient(t, server.URL, through(password)), Unsent)
		if want := "the proxy " + host + " refused the connection: 407 Proxy Authentication Required; give it a user and a password"; a.Text != want {
			t.Error(a.Text)
		}
	}
	server.Close()
	a := send(t, newClient(t, server.URL, through("proxy-pass")), Unsent)
	if want := "the proxy " + host + " refused the connection: 502 Bad Gateway; it could not reach Prodsmart itself"; a.Text != want {
		t.Error(a.Text)
	}
}

func TestProxyIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, scheme := range []string{"http", "socks5"} {
		a := send(t, newClient(t, "https://app.example.test", func(cfg *Config) { cfg.Proxy = scheme + "://" + l.Addr().String() }), Unsent)
		if want := "the proxy " + l.Addr().String() + " refused the connection; check the address and port, and whether it is up"; a.Text != want {
			t.Errorf("%s: %s", scheme, a.Text)
		}
	}
}

// A plain http address goes through the proxy as a whole request, and the
// proxy's own answers are told from Prodsmart's where they can be.
func TestPlainProxy(t *testing.T) {
	var asked atomic.Value
	proxy := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	c := newClient(t, "http://app.example.test", func(cfg *Config) { cfg.Proxy = proxy })
	send(t, c, Unsent)
	if got := asked.Load(); got != "http://app.example.test/api/machines/A32/counter" {
		t.Error(got)
	}
}

func TestProxyFromEnvironment(t *testing.T) {
	req, err := http.NewRequest(http.MethodPost, "https://app.example.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	// The standard library reads the environment once in a process, so only the
	// absence of a proxy can be seen here, and that an error would hide it.
	if u, err := environmentProxy(req); err != nil && u != nil {
		t.Error("both a proxy and an error")
	}
	c := newClient(t, "https://app.example.test")
	if got := c.explain(reply{err: errBadProxyVariable}); !strings.Contains(got, "HTTPS_PROXY") {
		t.Error(got)
	}
}
