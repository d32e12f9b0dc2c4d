package opcua

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultPort is the registered port of OPC UA over TCP.
const defaultPort = "4840"

// Defaults returns the configuration with every zero duration and number, and
// every empty choice, replaced by its default.
func (c Config) Defaults() Config {
	if c.Security == "" {
		c.Security = SecurityNone
	}
	if c.Mode == "" {
		c.Mode = ModeSignAndEncrypt
	}
	if c.Trust == "" {
		c.Trust = TrustFirst
	}
	if c.Profile == "" {
		c.Profile = profileAuto
	}
	if c.Read == "" {
		c.Read = ReadAuto
	}
	if c.Publishing == 0 {
		c.Publishing = time.Second
	}
	if c.Sampling == 0 {
		c.Sampling = c.Publishing
	}
	if c.Queue == 0 {
		c.Queue = 10
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	return c
}

// Check says everything that is wrong with the configuration, without touching
// network or disk.
func (c Config) Check() error {
	c = c.Defaults()
	var problems []error
	if _, err := parseEndpoint(c.Endpoint); err != nil {
		problems = append(problems, err)
	}
	problems = append(problems, c.checkSecurity()...)
	problems = append(problems,
		oneOf("profile", c.Profile, profileNames()...),
		oneOf("read", c.Read, ReadAuto, ReadSubscribe, ReadPoll))
	if c.Sampling < 0 || c.Sampling > time.Hour {
		problems = append(problems, fmt.Errorf("sampling interval %s is out of range; allowed: up to 1h", c.Sampling))
	}
	if c.Publishing < 50*time.Millisecond || c.Publishing > time.Minute {
		problems = append(problems, fmt.Errorf("publishing interval %s is out of range; allowed: 50ms to 1m", c.Publishing))
	}
	if c.Queue > maxQueue {
		problems = append(problems, fmt.Errorf("queue %d is too long; allowed: 1 to %d", c.Queue, maxQueue))
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute {
		problems = append(problems, fmt.Errorf("timeout %s is out of range; allowed: 100ms to 1m", c.Timeout))
	}
	return errors.Join(problems...)
}

// checkSecurity checks who talks to whom, and how. Entries may be nil.
func (c Config) checkSecurity() []error {
	problems := []error{
		oneOf("security", c.Security, SecurityNone, SecurityBasic256Sha256, SecurityAes128, SecurityAes256),
		oneOf("mode", c.Mode, ModeSignAndEncrypt, ModeSign),
		oneOf("trust", c.Trust, TrustFirst, TrustList, TrustAny),
	}
	add := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, errors.New(text))
		}
	}
	add(c.Security != SecurityNone && c.CertificateDir == "", "security "+c.Security+" needs a folder for the gateway's certificate")
	add(c.User == "" && c.Password != "", "password is given without a user")
	add((c.UserCertificate == "") != (c.UserKey == ""), "a user's certificate and key belong together; give both or none")
	add(c.User != "" && c.UserCertificate != "", "a user logs in with a password or with a certificate; leave one out")
	return problems
}

// oneOf says whether a choice is one of those there are; nil if it is.
func oneOf(what, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s %q is not supported; allowed: %s", what, value, strings.Join(allowed, ", "))
}

// String shows the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("opcua %s security=%s user=%s", c.Endpoint, c.Security, c.User)
}

// GoString is String, so that %#v does not show the password either.
func (c Config) GoString() string { return c.String() }

// endpoint is a configured endpoint, taken apart.
type endpoint struct {
	host string // host:port to dial
	url  *url.URL
}

// parseEndpoint reads opc.tcp://host[:port][/path].
func parseEndpoint(text string) (endpoint, error) {
	const form = "write opc.tcp://host:port"
	if text == "" {
		return endpoint{}, errors.New("endpoint is empty; " + form)
	}
	u, err := url.Parse(text)
	if err != nil {
		// The parser's own error repeats the text, which may hold a password.
		return endpoint{}, errors.New("endpoint is not a URL; " + form)
	}
	if u.User != nil {
		return endpoint{}, errors.New("endpoint holds a user or password; give them as user and password")
	}
	if u.Scheme != "opc.tcp" {
		return endpoint{}, fmt.Errorf("endpoint %q is not of opc.tcp; %s", text, form)
	}
	if u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("endpoint %q names no host; %s", text, form)
	}
	if host := u.Hostname(); strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return endpoint{}, fmt.Errorf("endpoint %q names no valid host; an IPv6 address is written in brackets", text)
		}
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return endpoint{}, fmt.Errorf("endpoint %q has no valid port; allowed: 1 to 65535", text)
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return endpoint{host: u.Host, url: u}, nil
}

// rewrite is what a server's own endpoint URL becomes: the server's path at the
// configured host and port, because servers advertise names and ports that only
// they can reach.
func (e endpoint) rewrite(advertised string) string {
	out := *e.url
	if u, err := url.Parse(advertised); err == nil && u.Scheme == "opc.tcp" && u.Path != "" {
		out.Path, out.RawPath = u.Path, u.RawPath
	}
	return out.String()
}
