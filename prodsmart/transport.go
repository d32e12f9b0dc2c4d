package prodsmart

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	// dialTimeout and handshakeTimeout leave room for a second address within
	// the time of a request.
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	// idleTimeout is shorter than the minute after which servers and firewalls
	// commonly drop a silent connection, so that few requests meet a dead one.
	idleTimeout = 45 * time.Second
	// maxHeader bounds the head of an answer.
	maxHeader = 64 << 10
	// idleConnections is kept for requests to different machines at a time.
	idleConnections = 4
)

// newTransport makes the connections' owner. HTTP/2 is spoken where the server
// offers it in the TLS handshake, HTTP/1.1 elsewhere; flight knows what each of
// them promises about a request that fails. Over HTTP/1.1 a POST is sent a
// second time by the transport only if a kept connection turned out to be
// closed before its first byte; the requests carry no Idempotency-Key, which
// would loosen that.
func newTransport(cfg Config) (*http.Transport, error) {
	proxy, err := cfg.proxyURL()
	if err != nil {
		return nil, err
	}
	roots, err := authorities(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	choose := environmentProxy
	if proxy != nil {
		choose = http.ProxyURL(proxy)
	}
	if cfg.Proxy == ProxyDirect {
		choose = nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	dial := cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	return &http.Transport{
		Proxy:                  choose,
		OnProxyConnectResponse: checkTunnel,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    idleConnections,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              protocols,
		HTTP2:                  signsOfLife(cfg.Timeout),
	}, nil
}

// signsOfLife makes HTTP/2 ask for one on a connection on which nothing arrives,
// and close it if none comes, sooner than a request gives up: unlike one of
// HTTP/1.1 it would not be closed with the request that failed, and the next
// would meet the dead connection again.
func signsOfLife(timeout time.Duration) *http.HTTP2Config {
	return &http.HTTP2Config{SendPingTimeout: timeout / 2, PingTimeout: timeout / 4, WriteByteTimeout: timeout / 4}
}

// authorities adds those of a PEM file to the system's; nil is the system's
// alone.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s holds no certificate in PEM form; a binary .cer or .der file must be converted first", file)
	}
	return pool, nil
}
