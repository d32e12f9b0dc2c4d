package opcua

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// The folders below Config.CertificateDir.
const (
	// pinnedFolder holds the certificate that each endpoint first showed, or
	// that a person has accepted for it.
	pinnedFolder = "pinned"
	// trustedFolder holds what TrustList trusts: certificates of servers, and
	// of authorities.
	trustedFolder = "trusted"
	// rejectedFolder gets what was refused, so that a person can look at it.
	rejectedFolder = "rejected"
)

const (
	// rejectedMost bounds the refused certificates that are kept: what a
	// network shows must not fill a disk.
	rejectedMost = 50
	// expiresSoon is how long before its end a certificate is a condition.
	expiresSoon = 60 * 24 * time.Hour
)

// errUntrusted is what every refusal of a server's certificate wraps.
var errUntrusted = errors.New("the server's certificate is not trusted")

// verdict is what is known about the certificate that a server shows, while it
// is judged.
type verdict struct {
	chain []*x509.Certificate // the server's own as the first
	leaf  Certificate
	url   string // the application URI that the endpoint claims
	now   time.Time
}

// judge decides whether a server's certificate is accepted, as Config.Trust
// says, and keeps what the next attempt has to know. An error wraps errUntrusted
// unless the disk is the trouble. Without a folder there is nothing to compare
// with; Check allows that only where a certificate protects no channel.
func (c *Connector) judge(ep *ua.EndpointDescription, now time.Time) error {
	if c.cfg.CertificateDir == "" {
		return nil
	}
	chain, err := x509.ParseCertificates(ep.ServerCertificate)
	if err != nil || len(chain) == 0 {
		return fmt.Errorf("the server's certificate can not be read: %w", errors.Join(err, errUntrusted))
	}
	v := verdict{chain: chain, leaf: certificateOf(chain[0]), now: now}
	if ep.Server != nil {
		v.url = ep.Server.ApplicationURI
	}
	c.noteExpiry("server", v.leaf, now)
	switch c.cfg.Trust {
	case TrustAny:
		return nil
	case TrustList:
		err = c.inList(v)
	default:
		err = c.asPinned(v)
	}
	if errors.Is(err, errUntrusted) {
		reject(c.cfg.CertificateDir, v.leaf)
		c.notes.set(connectors.CertificateUntrusted, "", err.Error())
	}
	return err
}

// asPinned accepts the first certificate of an endpoint, and from then on no
// other. Dates do not matter here: the pin says which server it is, and a
// machine does not stop reporting because a certificate was forgotten.
func (c *Connector) asPinned(v verdict) error {
	file := pinFile(c.cfg.CertificateDir, c.endpoint)
	pinned, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeFolder(file); err == nil {
			err = writeFile(file, v.leaf.DER, 0o644, false)
		}
		if err != nil {
			return fmt.Errorf("the server's certificate can not be kept: %w; the folder must be writable by the gateway", err)
		}
		// Another connection to the same server may have been first.
		pinned, err = os.ReadFile(file)
	}
	if err != nil {
		return fmt.Errorf("the server's certificate that was kept can not be read: %w; the file must be readable by the gateway", err)
	}
	if bytes.Equal(pinned, v.leaf.DER) {
		return nil
	}
	before := "unreadable: " + file
	if cert, err := ParseCertificate(pinned); err == nil {
		before = cert.String()
	}
	return fmt.Errorf("%w: it is another one than before. Before: %s. Shown: %s. If the server was replaced or got another certificate, accept it with `prodsmart-gateway certificate trust CONNECTION`; if nobody did that, somebody else may answer at %s",
		errUntrusted, before, v.leaf, c.endpoint.host)
}

// inList accepts what lies in the folder of trusted certificates, and what
// an authority that lies there has issued, if all else fits as well.
func (c *Connector) inList(v verdict) error {
	folder := filepath.Join(c.cfg.CertificateDir, trustedFolder)
	trusted, err := readCertificates(folder)
	if err != nil {
		return err
	}
	if err := listed(v, trusted); err != nil {
		return fmt.Errorf("%w: %w. Shown: %s. Compare the thumbprint with the one on the server; if it is the same, put the certificate, or that of the authority that issued it, into %s: the refused one lies in %s",
			errUntrusted, err, v.leaf, folder, filepath.Join(c.cfg.CertificateDir, rejectedFolder))
	}
	if err := v.dates(); err != nil {
		return fmt.Errorf("%w: %w. Shown: %s", errUntrusted, err, v.leaf)
	}
	if v.url != "" && v.leaf.ApplicationURI != v.url {
		return fmt.Errorf("%w: it is for the application %q, but the server calls itself %q. Shown: %s. Let the server make a certificate for its own name",
			errUntrusted, v.leaf.ApplicationURI, v.url, v.leaf)
	}
	host, _, _ := net.SplitHostPort(c.endpoint.host)
	if !c.cfg.IgnoreHost && v.chain[0].VerifyHostname(host) != nil {
		return fmt.Errorf("%w: it is not for the host %s but for %s. Shown: %s. Use one of these names in the endpoint, or set ignore_host",
			errUntrusted, host, hostsOf(v.chain[0]), v.leaf)
	}
	return nil
}

// listed says whether a certificate is one of those in a list, or was issued,
// over any number of steps, by one of them that is an authority.
func listed(v verdict, trusted []*x509.Certificate) error {
	roots, steps := x509.NewCertPool(), x509.NewCertPool()
	for _, t := range trusted {
		if t.Equal(v.chain[0]) {
			return nil
		}
		if t.IsCA {
			roots.AddCert(t)
		}
	}
	for _, c := range v.chain[1:] {
		steps.AddCert(c)
	}
	at := v.now
	if from, end := v.chain[0].NotBefore, v.chain[0].NotAfter; at.After(end) { // the dates have a text of their own
		at = end
	} else if at.Before(from) {
		at = from
	}
	_, err := v.chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: steps, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return errors.New("neither it nor an authority that issued it is in the list")
	}
	return nil
}

// dates says whether a certificate is valid now.
func (v verdict) dates() error {
	switch {
	case v.now.After(v.leaf.NotAfter):
		return fmt.Errorf("it expired on %s, and the clock here says %s; make another one on the server, or correct the clock of this machine", day(v.leaf.NotAfter), day(v.now))
	case v.now.Before(v.leaf.NotBefore):
		return fmt.Errorf("it is valid only from %s, and the clock here says %s; correct the clock of this machine, or that of the server and let it make another certificate", day(v.leaf.NotBefore), day(v.now))
	}
	return nil
}

// noteExpiry keeps the condition of a certificate's end up to date.
func (c *Connector) noteExpiry(whose string, cert Certificate, now time.Time) {
	switch {
	case now.After(cert.NotAfter):
		c.notes.set(connectors.CertificateExpiring, whose, fmt.Sprintf("the %s's certificate has expired: %s", whose, cert))
	case now.Before(cert.NotBefore):
		c.notes.set(connectors.CertificateExpiring, whose, fmt.Sprintf("the %s's certificate is not valid yet, or the clock of this machine is wrong: %s", whose, cert))
	case now.Add(expiresSoon).After(cert.NotAfter):
		c.notes.set(connectors.CertificateExpiring, whose, fmt.Sprintf("the %s's certificate ends in %d days: %s", whose, int(cert.NotAfter.Sub(now).Hours()/24), cert))
	default:
		c.notes.clear(connectors.CertificateExpiring, whose)
	}
}

// Pinned is the certificate that is accepted for an endpoint in a folder, as
// Config has both. The error is fs.ErrNotExist if there is none yet.
func Pinned(dir, endpoint string) (Certificate, error) {
	ep, err := parseEndpoint(endpoint)
	if err != nil {
		return Certificate{}, err
	}
	raw, err := os.ReadFile(pinFile(dir, ep))
	if err != nil {
		return Certificate{}, err
	}
	return ParseCertificate(raw)
}

// Accept makes a certificate the one that is accepted for an endpoint, in the
// place of the one before. A connection that runs takes it at its next attempt.
// der may be a chain; its first certificate counts.
func Accept(dir, endpoint string, der []byte) error {
	ep, err := parseEndpoint(endpoint)
	if err != nil {
		return err
	}
	cert, err := ParseCertificate(der)
	if err != nil {
		return err
	}
	file := pinFile(dir, ep)
	if err := makeFolder(file); err != nil {
		return err
	}
	if err := writeFile(file, cert.DER, 0o644, true); err != nil {
		return err
	}
	err = os.Remove(rejectedFile(dir, cert))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// pinFile is where the certificate of an endpoint is kept. Servers of one host
// and port are one server, whatever their paths.
func pinFile(dir string, ep endpoint) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		case r == '[' || r == ']':
			return -1
		}
		return '_'
	}, strings.ToLower(ep.host))
	return filepath.Join(dir, pinnedFolder, name+".der")
}

func rejectedFile(dir string, cert Certificate) string {
	return filepath.Join(dir, rejectedFolder, cert.Thumbprint+".der")
}

// reject keeps a refused certificate for a person to look at. That it can not
// be kept is no trouble beside the refusal.
func reject(dir string, cert Certificate) {
	file := rejectedFile(dir, cert)
	if makeFolder(file) != nil {
		return
	}
	if there, err := os.ReadDir(filepath.Dir(file)); err == nil && len(there) < rejectedMost {
		_ = writeFile(file, cert.DER, 0o644, false)
	}
}

// makeFolder makes the folder of a file.
func makeFolder(file string) error { return os.MkdirAll(filepath.Dir(file), 0o700) }

// readCertificates reads all certificates of a folder. A file that is none is
// left out; a folder that is not there is empty.
func readCertificates(folder string) ([]*x509.Certificate, error) {
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the trusted certificates can not be read: %w", err)
	}
	var all []*x509.Certificate
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("the trusted certificates can not be read: %w", err)
		}
		if certs, err := parseChain(raw); err == nil {
			all = append(all, certs...)
		}
	}
	return all, nil
}

// hostsOf lists the hosts that a certificate is for.
func hostsOf(cert *x509.Certificate) string {
	hosts := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	if len(hosts) == 0 {
		return "none at all"
	}
	return strings.Join(hosts, ", ")
}
