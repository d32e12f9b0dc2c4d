package prodsmart

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return authority{cert: cert, key: key, file: file}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify makes a certificate for a server of this computer; change may alter
// it.
func (a authority) certify(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func serverConfig(c tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

func withNames(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, names }
}

// serve starts a TLS server with a certificate of the authority, which answers
// every counter post with 500.
func (a authority) serve(t *testing.T, change func(*x509.Certificate)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("speaks %s", r.Proto)
		}
		_, _ = io.WriteString(w, "500")
	}))
	s.TLS = serverConfig(a.certify(t, change))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t, "Plant Root")
	trusting := func(cfg *Config) { cfg.CAFile = ca.file }
	good := ca.serve(t, nil)
	if a := send(t, newClient(t, good.URL, trusting), Accepted); *a.Counter != 500 {
		t.Error(a.Text)
	}
	for name, row := range map[string]struct {
		server *httptest.Server
		now    time.Time
		text   string
	}{
		"expired": {ca.serve(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().AddDate(-2, 0, 0), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		}), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
			"the certificate of HOST expired on 2026-01-02; the clock of this computer says 2026-11-22 10:00 UTC, so either set the clock right or have the certificate renewed"},
		"clock behind": {ca.serve(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
		}), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
			"the certificate of HOST is valid only from 2099-01-02, but the clock of this computer says 2026-11-22 10:00 UTC; set the clock right"},
		"another name": {ca.serve(t, withNames("a.test", "b.test")), time.Now(),
			"what answers at HOST has a certificate for a.test, b.test; check the address and the proxy, and whether the network wants a login in a browser first"},
	} {
		c := newClient(t, row.server.URL, trusting)
		c.now = func() time.Time { return row.now }
		if a := send(t, c, Unsent); a.Text != strings.ReplaceAll(row.text, "HOST", c.host) {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
	c := newClient(t, good.URL, func(cfg *Config) { cfg.CAFile = newAuthority(t, "Another Root").file })
	if a := send(t, c, Unsent); a.Text != `the certificate of `+c.host+` was issued by "Plant Root", which this computer does not trust; if a proxy looks into TLS, give its authority as prodsmart.ca` {
		t.Error(a.Text)
	}
	// Insecure allows http; it does not make TLS believe everybody.
	send(t, newClient(t, good.URL, func(cfg *Config) { cfg.Insecure = true }), Unsent)
}

func TestNoTLSThere(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"http": func(conn net.Conn) {
			_, _ = bufio.NewReader(conn).Peek(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		},
		"ssh": func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n") },
	} {
		address := rawServer(t, func(conn net.Conn) {
			serve(conn)
			_, _ = io.Copy(io.Discard, conn)
		})
		c := newClient(t, strings.Replace(address, "http", "https", 1))
		if a := send(t, c, Unsent); a.Text != "what answers at "+c.host+" does not speak TLS; check the address, its port and the proxy" {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
	release := make(chan struct{})
	defer close(release)
	address := rawServer(t, func(net.Conn) { <-release })
	c := newClient(t, strings.Replace(address, "http", "https", 1), func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond })
	if a := send(t, c, Unsent); !strings.HasPrefix(a.Text, "no connection to "+c.host+" in time;") {
		t.Error(a.Text)
	}
	address = rawServer(t, func(conn net.Conn) { _, _ = bufio.NewReader(conn).Peek(1) })
	c = newClient(t, strings.Replace(address, "http", "https", 1))
	if a := send(t, c, Unsent); !strings.HasPrefix(a.Text, c.host+" closed the connection before the request left") {
		t.Error(a.Text)
	}
}

func TestAuthorityFile(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "ca.der")
	if err := os.WriteFile(broken, []byte{0x30, 0x82}, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		broken:           "prodsmart: ca: " + broken + " holds no certificate in PEM form",
		broken + ".none": "prodsmart: ca: open " + broken + ".none: ",
	} {
		_, err := New(Config{URL: "https://app.example.test", Key: NewSecret("k"), Secret: NewSecret("s"), CAFile: file})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
