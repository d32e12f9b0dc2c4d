package prodsmart

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// explain says in one sentence why no answer came and what to look at. The
// texts of the standard library are kept only where nothing better is known;
// the address, which may hold a token, is never shown.
func (c *Client) explain(r reply) string {
	err := r.err
	if err == nil {
		return fmt.Sprintf("no answer from %s", c.host)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if r.repeated {
		return fmt.Sprintf("%s turned the request away without an answer (HTTP/2: GOAWAY, REFUSED_STREAM or PROTOCOL_ERROR); it is not made again by itself", c.host)
	}
	if r.abandoned && r.left {
		return fmt.Sprintf("given up by the gateway while %s had not answered", c.host)
	}
	if r.abandoned {
		return fmt.Sprintf("given up by the gateway before the request to %s left", c.host)
	}
	for _, say := range []func(error) string{c.explainName, c.explainTLS, c.explainProxy} {
		if text := say(err); text != "" {
			return text
		}
	}
	if text := c.explainTime(err, r); text != "" {
		return text
	}
	if text := c.explainConnection(err, r); text != "" {
		return text
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == socksConnect && op.Source != nil && op.Err != nil {
		return fmt.Sprintf("the proxy %s refused the connection: %s; check prodsmart.proxy, proxy_user and proxy_password",
			op.Source, strings.TrimPrefix(op.Err.Error(), "unknown error "))
	}
	return fmt.Sprintf("no answer from %s: %v", c.host, err)
}

func (c *Client) explainTime(err error, r reply) string {
	var timed net.Error
	switch {
	case !errors.As(err, &timed) || !timed.Timeout():
		return ""
	case r.left:
		return fmt.Sprintf("%s did not answer within %s", c.host, c.timeout)
	case r.sought != "":
		return unanswered(r.sought)
	case isProxyError(err):
		return fmt.Sprintf("no connection to %s through the proxy in time; check the proxy's address and whether it is up", c.host)
	}
	return fmt.Sprintf("no connection to %s in time; check the network, the firewall and whether a proxy is needed", c.host)
}

func (c *Client) explainName(err error) string {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return ""
	}
	if dns.IsNotFound {
		return fmt.Sprintf("the name %s is not known to the DNS; check its spelling, the DNS server of this computer, and whether a proxy is needed", dns.Name)
	}
	return unanswered(dns.Name)
}

func unanswered(name string) string {
	return fmt.Sprintf("the name %s could not be looked up, the DNS does not answer; check the network and the DNS server of this computer", name)
}

func (c *Client) explainTLS(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		alert    tls.AlertError
		record   tls.RecordHeaderError
	)
	peer := c.host
	if isProxyError(err) {
		peer = "the proxy"
	}
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate of %s was issued by %s, which this computer does not trust; if a proxy looks into TLS, give its authority as prodsmart.ca", peer, issuerOf(err, unknown.Cert))
	case errors.As(err, &invalid):
		return c.explainCertificate(peer, invalid)
	case errors.As(err, &hostname):
		return fmt.Sprintf("what answers at %s has a certificate for %s; check the address and the proxy, and whether the network wants a login in a browser first", peer, namesOf(hostname.Certificate))
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return fmt.Sprintf("what answers at %s does not speak TLS; check the address, its port and the proxy", peer)
	case errors.As(err, &alert):
		return fmt.Sprintf("%s ended the TLS handshake: %v; check the proxy and the firewall", peer, alert)
	}
	return ""
}

// explainCertificate tells an old certificate from a wrong clock as well as
// can be told.
func (c *Client) explainCertificate(peer string, invalid x509.CertificateInvalidError) string {
	cert, now := invalid.Cert, c.now().UTC()
	if invalid.Reason != x509.Expired || cert == nil {
		return fmt.Sprintf("the certificate of %s is not acceptable: %v", peer, invalid)
	}
	clock := fmt.Sprintf("the clock of this computer says %s", now.Format("2006-01-02 15:04 UTC"))
	if now.Before(cert.NotBefore) {
		return fmt.Sprintf("the certificate of %s is valid only from %s, but %s; set the clock right", peer, cert.NotBefore.UTC().Format(time.DateOnly), clock)
	}
	return fmt.Sprintf("the certificate of %s expired on %s; %s, so either set the clock right or have the certificate renewed", peer, cert.NotAfter.UTC().Format(time.DateOnly), clock)
}

// issuerOf names the authority at the end of the chain that was shown.
func issuerOf(err error, cert *x509.Certificate) string {
	var shown *tls.CertificateVerificationError
	if errors.As(err, &shown) && len(shown.UnverifiedCertificates) > 0 {
		cert = shown.UnverifiedCertificates[len(shown.UnverifiedCertificates)-1]
	}
	if cert == nil {
		return "an authority without a name"
	}
	if name := cert.Issuer.CommonName; name != "" {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%q", cert.Issuer.String())
}

func namesOf(cert *x509.Certificate) string {
	if cert == nil {
		return "another name"
	}
	names := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("%q, in an outdated form", cert.Subject.CommonName)
	}
	if len(names) > 3 {
		names = append(names[:3:3], "others")
	}
	return strings.Join(names, ", ")
}

func (c *Client) explainProxy(err error) string {
	var tunnel *tunnelRefused
	switch {
	case errors.As(err, &tunnel):
		return tunnel.Error()
	case errors.Is(err, errBadProxyVariable):
		return errBadProxyVariable.Error()
	}
	return ""
}

// socksConnect is the operation of an error that a SOCKS proxy answered with.
const socksConnect = "socks connect"

// isProxyError says that it was the proxy that could not be reached.
func isProxyError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || op.Op == socksConnect)
}

func (c *Client) explainConnection(err error, r reply) string {
	peer := c.host
	var op *net.OpError
	if isProxyError(err) {
		peer = "the proxy"
		if errors.As(errors.Unwrap(err), &op) && op.Addr != nil {
			peer += " " + op.Addr.String()
		}
	}
	switch {
	case isErrno(err, syscall.ECONNREFUSED, wsaRefused):
		return fmt.Sprintf("%s refused the connection; check the address and port, and whether it is up", peer)
	case isErrno(err, syscall.ENETUNREACH, wsaNetUnreachable), isErrno(err, syscall.EHOSTUNREACH, wsaHostUnreachable):
		return fmt.Sprintf("there is no route to %s; check the network of this computer", peer)
	case strings.Contains(err.Error(), "malformed"):
		return fmt.Sprintf("what answers at %s does not speak HTTP (%v); check the address, its port and the proxy", c.host, err)
	case strings.Contains(err.Error(), "stream error"), strings.Contains(err.Error(), "GOAWAY"):
		return fmt.Sprintf("%s broke the request off (%v)", c.host, err)
	case !isClosed(err):
		return ""
	case r.left:
		return fmt.Sprintf("%s closed the connection before it answered", c.host)
	}
	return fmt.Sprintf("%s closed the connection before the request left; check the proxy and the firewall", peer)
}

// Windows' own numbers, which differ from those that package syscall gives the
// same meaning there.
const (
	wsaNetUnreachable  syscall.Errno = 10051
	wsaConnAborted     syscall.Errno = 10053
	wsaConnReset       syscall.Errno = 10054
	wsaRefused         syscall.Errno = 10061
	wsaHostUnreachable syscall.Errno = 10065
)

func isErrno(err error, any ...syscall.Errno) bool {
	for _, e := range any {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// isClosed says that the connection ended. Some errors of package net/http have
// only their text.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		isErrno(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, wsaConnReset, wsaConnAborted) ||
		strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "client connection lost")
}
