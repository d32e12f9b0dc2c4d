package prodsmart

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// What can not be provoked on one machine is explained from the errors that
// the standard library makes of it.
func TestExplain(t *testing.T) {
	c := newClient(t, "https://app.example.test")
	dial := func(e syscall.Errno) error {
		addr := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 3128}
		return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: os.NewSyscallError("connect", e)}
	}
	for _, row := range []struct {
		name string
		r    reply
		want string
	}{
		{"unknown name", reply{err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "app.example.test", IsNotFound: true}}},
			"the name app.example.test is not known to the DNS"},
		{"silent DNS", reply{err: &net.DNSError{Name: "app.example.test", IsTimeout: true}}, "the name app.example.test could not be looked up"},
		{"no network", reply{err: dial(syscall.ENETUNREACH)}, "there is no route to app.example.test"},
		{"no host", reply{err: dial(syscall.EHOSTUNREACH)}, "there is no route to app.example.test"},
		{"refused on Windows", reply{err: dial(wsaRefused)}, "app.example.test refused the connection"},
		{"no network on Windows", reply{err: dial(wsaNetUnreachable)}, "there is no route to app.example.test"},
		{"proxy refused", reply{err: &net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}}, "the proxy 10.0.0.1:3128 refused the connection"},
		{"proxy silent", reply{err: &net.OpError{Op: "proxyconnect", Err: context.DeadlineExceeded}}, "no connection to app.example.test through the proxy in time"},
		{"reset on Windows", reply{err: os.NewSyscallError("wsarecv", wsaConnReset), left: true}, "app.example.test closed the connection before it answered"},
		{"alert", reply{err: &net.OpError{Op: "remote error", Err: tls.AlertError(40)}}, "app.example.test ended the TLS handshake"},
		{"weak certificate", reply{err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}, "the certificate of app.example.test is not acceptable"},
		{"nameless authority", reply{err: x509.UnknownAuthorityError{}}, "the certificate of app.example.test was issued by an authority without a name"},
		{"nameless host", reply{err: x509.HostnameError{Certificate: &x509.Certificate{}}}, "what answers at app.example.test has a certificate for"},
		{"anything else", reply{err: errors.New("odd")}, "no answer from app.example.test: odd"},
	} {
		if got := c.explain(row.r); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
		row.r.err = &url.Error{Op: "Post", URL: "https://app.example.test/?access_token=x", Err: fmt.Errorf("wrapped: %w", row.r.err)}
		if got := c.explain(row.r); strings.Contains(got, "access_token") {
			t.Errorf("%s: shows the address: %s", row.name, got)
		}
	}
}
