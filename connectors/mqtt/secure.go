package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// tlsConfig reads the certificate files. It is called at every connect, so that
// renewed files need no restart. It is nil for a connection without TLS.
func (c Config) tlsConfig(at endpoint) (*tls.Config, error) {
	if !at.secure {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: at.host}
	if c.ServerName != "" {
		t.ServerName = c.ServerName
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: the file can not be read: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", c.CA)
		}
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s can not be used: %w", c.Certificate, c.Key, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// tlsTrouble puts a failed handshake into words; empty if err is none.
func tlsTrouble(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		host     x509.HostnameError
		invalid  x509.CertificateInvalidError
		noTLS    tls.RecordHeaderError
		alert    *net.OpError
		verified *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return "the broker's certificate is from an unknown authority; give the file of the plant's CA as ca"
	case errors.As(err, &host):
		return "the broker's certificate is for another host name; connect by the name in it, or give that name as server name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the broker's certificate is expired or not valid yet; check the clocks of both sides, then renew it"
	case errors.As(err, &verified):
		return "the broker's certificate can not be trusted"
	case errors.As(err, &noTLS):
		return "the broker does not speak TLS on this port; use its TLS port, or tcp://"
	case errors.As(err, &alert) && alert.Op == "remote error":
		return "the broker refused the TLS connection; it may want a client certificate of its own CA (certificate and key)"
	}
	return ""
}

// tlsKind is the kind of trouble behind a failed handshake.
func tlsKind(err error) (connectors.Trouble, bool) {
	var (
		invalid  x509.CertificateInvalidError
		verified *tls.CertificateVerificationError
		alert    *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return connectors.CertificateExpiring, true
	case errors.As(err, &verified):
		return connectors.CertificateUntrusted, true
	case errors.As(err, &alert) && alert.Op == "remote error" && strings.Contains(alert.Err.Error(), "certificate"):
		return connectors.CertificateRefused, true
	}
	return 0, false
}
