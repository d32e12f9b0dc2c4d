package prodsmart

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// socks is a SOCKS5 proxy that wants a login and leads to one address, or
// answers with a failure instead of connecting. asked gets what it was asked
// for.
func socks(t *testing.T, target string, failure byte, asked chan<- string) string {
	address := rawServer(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		read := func(n int) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return b
		}
		read(int(read(2)[1])) // version, number of methods, methods
		_, _ = conn.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != "gw" || password != "proxy-pass" {
			_, _ = conn.Write([]byte{1, 1})
			return
		}
		_, _ = conn.Write([]byte{1, 0})
		head := read(5) // version, command, nothing, kind of address, length of name
		name, port := string(read(int(head[4]))), read(2)
		asked <- fmt.Sprintf("%s:%d", name, int(port[0])<<8|int(port[1]))
		_, _ = conn.Write([]byte{5, failure, 0, 1, 0, 0, 0, 0, 0, 0})
		out, err := net.Dial("tcp", target)
		if failure != 0 || err != nil {
			return
		}
		defer out.Close()
		var back sync.WaitGroup
		back.Go(func() {
			_, _ = io.Copy(conn, out)
			conn.Close()
		})
		_, _ = io.Copy(out, r)
		out.Close()
		back.Wait()
	})
	return strings.Replace(address, "http", "socks5", 1)
}

func TestSOCKS(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	server := ca.serve(t, withNames("app.example.test"))
	for name, row := range map[string]struct {
		password string
		failure  byte
		want     Verdict
		text     string
	}{
		"good":        {"proxy-pass", 0, Accepted, "500"},
		"wrong login": {"other-pass", 0, Unsent, "the proxy HOST refused the connection: username/password authentication failed; check prodsmart.proxy, proxy_user and proxy_password"},
		"not allowed": {"proxy-pass", 2, Unsent, "the proxy HOST refused the connection: connection not allowed by ruleset; check prodsmart.proxy, proxy_user and proxy_password"},
	} {
		asked := make(chan string, 9)
		proxy := socks(t, server.Listener.Addr().String(), row.failure, asked)
		c := newClient(t, "https://app.example.test", func(cfg *Config) {
			cfg.CAFile, cfg.Proxy, cfg.ProxyUser, cfg.ProxyPassword = ca.file, proxy, "gw", NewSecret(row.password)
		})
		a := send(t, c, row.want)
		if want := strings.Replace(row.text, "HOST", strings.TrimPrefix(proxy, "socks5://"), 1); a.Text != want {
			t.Errorf("%s: got  %s\nwant %s", name, a.Text, want)
		}
		if row.password == "proxy-pass" {
			if got := <-asked; got != "app.example.test:443" {
				t.Errorf("%s: asked for %s", name, got)
			}
		}
	}
}
