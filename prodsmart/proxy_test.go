package prodsmart

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tunnel is an HTTP proxy for CONNECT that wants a login.
func tunnel(t *testing.T, opened *atomic.Int32) string { return tunnelTo(t, "", opened) }

// tunnelTo is a tunnel that leads to one address, whatever it is asked for.
func tunnelTo(t *testing.T, target string, opened *atomic.Int32) string {
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
		target, err := net.Dial("tcp", cmp.Or(target, req.Host))
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
	for password, advice := range map[string]string{
		"":           "give it a user and a password: prodsmart.proxy, proxy_user and proxy_password",
		"wrong-pass": "it does not take the user and the password it was given; check prodsmart.proxy_user and proxy_password",
	} {
		a := send(t, newClient(t, server.URL, through(password)), Unsent)
		if want := "the proxy " + host + " refused the connection: 407 Proxy Authentication Required; " + advice; a.Text != want {
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
	if a := send(t, c, Unsent); a.Text != "407 Proxy Authentication Required (a proxy wants a login: give it a user and a password: prodsmart.proxy, proxy_user and proxy_password)" {
		t.Error(a.Text)
	}
	if got := asked.Load(); got != "http://app.example.test/api/machines/A32/counter" {
		t.Error(got)
	}
}

// What a proxy says to CONNECT is told with what to do about it, and it is asked
// once.
func TestProxyRefusals(t *testing.T) {
	const helper = ", which the gateway does not speak: run Px or Cntlm on this computer as prodsmart.proxy, or let Prodsmart's host through without a login"
	login := func(h string) string { return "HTTP/1.1 407 Login\r\n" + h + "Content-Length: 0\r\n\r\n" }
	for answer, text := range map[string]string{
		login("Proxy-Authenticate: NTLM\r\n"):                                         "407 Proxy Authentication Required; it takes only a login with NTLM" + helper,
		login("Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"):        "407 Proxy Authentication Required; it takes only a login with Negotiate or NTLM" + helper,
		login("Proxy-Authenticate: Digest realm=\"a, b\", nonce=\"x\", Kerberos\r\n"): "407 Proxy Authentication Required; it takes only a login with Digest or Kerberos" + helper,
		login("Proxy-Authenticate: NTLM TlRMTVNTUAAC=\r\n"):                           "407 Proxy Authentication Required; it takes only a login with NTLM" + helper,
		login("Proxy-Authenticate: NTLM, basic realm=\"a\"\r\n"):                      "407 Proxy Authentication Required; it does not take the user and the password it was given; check prodsmart.proxy_user and proxy_password",
		login(""): "407 Proxy Authentication Required; it does not take the user and the password it was given; check prodsmart.proxy_user and proxy_password",
		"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n":                                    "403 Forbidden; Prodsmart's host and port must be allowed there",
		"HTTP/1.1 302 See\r\nLocation: https://block.test/x\r\nContent-Length: 0\r\n\r\n": "302 Found; it sends browsers to a page, of a login or a block; Prodsmart's host must be allowed there without one",
		"HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n":                                  "504 Gateway Timeout; it could not reach Prodsmart itself",
		"HTTP/1.1 511 Login\r\nContent-Length: 0\r\n\r\n":                                 "511 Network Authentication Required; the network wants a login in a browser first",
		"HTTP/1.1 418 Tea\r\nContent-Length: 0\r\n\r\n":                                   "418 I'm a teapot",
	} {
		var asked atomic.Int32
		address := rawServer(t, func(conn net.Conn) {
			for r := bufio.NewReader(conn); takeRequest(r); {
				asked.Add(1)
				_, _ = io.WriteString(conn, answer)
			}
		})
		c := newClient(t, "https://app.example.test", func(cfg *Config) {
			cfg.Proxy, cfg.ProxyUser, cfg.ProxyPassword = address, "gw", NewSecret("proxy-pass")
		})
		a := send(t, c, Unsent)
		if want := "the proxy " + strings.TrimPrefix(address, "http://") + " refused the connection: " + text; a.Text != want {
			t.Errorf("got  %s\nwant %s", a.Text, want)
		}
		if asked.Load() != 1 {
			t.Errorf("%s: asked %d times", text, asked.Load())
		}
	}
}

// A TLS connection to the proxy itself is checked too, and its troubles are not
// said to be Prodsmart's.
func TestProxyOverTLS(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	server := ca.serve(t, nil)
	c := newClient(t, "https://app.example.test", func(cfg *Config) { cfg.Proxy = server.URL })
	if a := send(t, c, Unsent); !strings.HasPrefix(a.Text, `the certificate of the proxy was issued by "Plant Root", which this computer does not trust`) {
		t.Error(a.Text)
	}
}

// The standard library reads the environment once in a process, so each case is
// one of its own. An address of this computer would never go through a proxy,
// so Prodsmart has another name there, and the proxy knows where it is.
func TestProxyFromEnvironment(t *testing.T) {
	if address := os.Getenv("TEST_PROXY_PRODSMART"); address != "" {
		c := newClient(t, address, func(cfg *Config) { cfg.Proxy, cfg.CAFile = "", os.Getenv("TEST_PROXY_CA") })
		a := c.Send(t.Context(), counterPost(1))
		_, _ = fmt.Fprintf(os.Stdout, "\n%s: %s\n", a.Verdict, a.Text)
		return
	}
	ca := newAuthority(t, "Plant Root")
	server := ca.serve(t, withNames("app.example.test"))
	var opened atomic.Int32
	proxy := tunnelTo(t, server.Listener.Addr().String(), &opened)
	withLogin := strings.Replace(proxy, "http://", "http://gw:proxy-pass@", 1)
	host := strings.TrimPrefix(proxy, "http://")
	for name, row := range map[string]struct {
		environment []string
		want        string
	}{
		"HTTPS_PROXY":   {[]string{"HTTPS_PROXY=" + withLogin}, "accepted: 500"},
		"small letters": {[]string{"https_proxy=" + withLogin}, "accepted: 500"},
		"no login":      {[]string{"HTTPS_PROXY=" + proxy}, "unsent: the proxy " + host + " refused the connection: 407 Proxy Authentication Required; give it a user"},
		"wrong login":   {[]string{"HTTPS_PROXY=" + strings.Replace(withLogin, "proxy-pass", "other-pass", 1)}, "unsent: the proxy " + host + " refused the connection: 407 Proxy Authentication Required; it does not take"},
		"no address":    {[]string{"HTTPS_PROXY=http://gw:proxy-pass@[::1"}, "unsent: the proxy in the environment (HTTPS_PROXY or HTTP_PROXY) is no address; write it like http://proxy.example:3128"},
		"hash in it":    {[]string{"HTTPS_PROXY=http://gw:#-pass@proxy.example.test:3128"}, "unsent: the proxy in the environment (HTTPS_PROXY or HTTP_PROXY) is no address"},
		"NO_PROXY":      {[]string{"HTTPS_PROXY=" + withLogin, "NO_PROXY=.example.test"}, "unsent: the name app.example.test "},
		"HTTP_PROXY":    {[]string{"HTTP_PROXY=" + withLogin}, "unsent: the name app.example.test "},
	} {
		before := opened.Load()
		test := exec.Command(os.Args[0], "-test.run=^TestProxyFromEnvironment$", "-test.count=1")
		test.Env = append([]string{"TEST_PROXY_PRODSMART=https://app.example.test", "TEST_PROXY_CA=" + ca.file}, row.environment...)
		out, err := test.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "\n"+row.want) || strings.Contains(string(out), "-pass") {
			t.Errorf("%s: %v\n%s\nwant %s", name, err, out, row.want)
		}
		if used := opened.Load() > before; used != strings.HasPrefix(row.want, "accepted") {
			t.Errorf("%s: proxy used: %v", name, used)
		}
	}
}
