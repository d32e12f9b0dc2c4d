package prodsmart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Auth is how the machine services are authenticated. Everything else takes a
// token.
type Auth string

// The ways to authenticate.
const (
	// AuthBasic sends key and secret with each request: no token to lose, and
	// nothing secret in an address.
	AuthBasic Auth = "basic"
	// AuthToken fetches a token with key and secret and sends it in the
	// address, as all other services demand.
	AuthToken Auth = "token"
)

// ProxyDirect as Config.Proxy uses no proxy, whatever the environment says.
const ProxyDirect = "direct"

// The defaults of Config.
const (
	DefaultPrefix    = "/api"
	DefaultTimeout   = 20 * time.Second
	DefaultUserAgent = "prodsmart-gateway"
)

// Config is what a Client needs to know. Only URL, Key and Secret must be
// given.
type Config struct {
	// URL is the address of Prodsmart, for instance https://app.prodsmart.com,
	// without the prefix.
	URL string
	// Prefix is put before each path; "/" is none. Default: DefaultPrefix.
	Prefix string
	// Paths replaces the documented paths below the prefix, with {machine} in
	// the place of the machine code.
	Paths map[Endpoint]string
	// Key and Secret are the API credentials of one user.
	Key, Secret Secret
	// Auth is for the machine services. Default: AuthBasic.
	Auth Auth
	// Insecure allows a plain http address. It is for a pretend Prodsmart: key
	// and secret can then be read on the way. It does not loosen TLS.
	Insecure bool
	// Timeout bounds one request from the search for the name to the head of
	// the answer. Default: DefaultTimeout.
	Timeout time.Duration
	// CAFile names a PEM file of authorities that are trusted besides those of
	// the system, for a proxy that looks into TLS.
	CAFile string
	// Proxy is the address of an HTTP or SOCKS proxy, without credentials.
	// Empty takes it from HTTPS_PROXY and NO_PROXY, ProxyDirect takes none.
	Proxy string
	// ProxyUser and ProxyPassword log in at Proxy.
	ProxyUser     string
	ProxyPassword Secret
	// Zone is the company's time zone as set in Prodsmart, for the times that
	// Prodsmart writes without one. Default: UTC, which is the zone of all times
	// that the gateway itself sends; the interface does not say it, and lists are
	// documented with a zone in each time.
	Zone *time.Location
	// UserAgent introduces the gateway. Default: DefaultUserAgent.
	UserAgent string
	// Dial, if not nil, opens connections in place of package net's dialer, to
	// Prodsmart or its proxy; network and address are as for net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// OnRequest, if not nil, is told of each request that left or may have
	// left, once its outcome is known, by the goroutine that made it. It must
	// not block and may be called from several goroutines at a time.
	OnRequest func(Request)
}

// Request is one HTTP request, for whoever counts them against a budget.
type Request struct {
	Endpoint Endpoint
	// Extra marks requests that the caller of the client did not ask for: those
	// for a token, and the second try after a 401.
	Extra bool
	// Status is the HTTP status of the answer, 0 if none came.
	Status int
	Took   time.Duration
}

// settled gives the configuration with its defaults, and the address that all
// paths are appended to.
func (cfg Config) settled() (Config, *url.URL, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if cfg.Auth == "" {
		cfg.Auth = AuthBasic
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = DefaultUserAgent
	}
	base, err := baseURL(cfg.URL, cfg.Prefix, cfg.Insecure)
	return cfg, base, errors.Join(err, cfg.check())
}

// check finds what is wrong besides the address.
func (cfg Config) check() error {
	var problems []error
	if cfg.Auth != AuthBasic && cfg.Auth != AuthToken {
		problems = append(problems, fmt.Errorf("auth: %q is neither %s nor %s", string(cfg.Auth), AuthBasic, AuthToken))
	}
	if cfg.Timeout < 0 {
		problems = append(problems, fmt.Errorf("timeout: %s is negative", cfg.Timeout))
	}
	if strings.ContainsFunc(cfg.UserAgent, isControl) {
		problems = append(problems, errors.New("user agent: it holds a control character"))
	}
	return errors.Join(append(problems,
		checkCredential("key", cfg.Key), checkCredential("secret", cfg.Secret),
		errIf(strings.Contains(cfg.Key.Reveal(), ":"), "key: it holds a colon, which an API key can not; is the secret in it too?"),
	)...)
}

// checkCredential finds the traps of a credential without showing it.
func checkCredential(name string, s Secret) error {
	text := s.Reveal()
	switch {
	case text == "":
		return fmt.Errorf("%s: it is missing; an administrator finds it in Prodsmart where the user is edited", name)
	case strings.ContainsFunc(text, isControl):
		return fmt.Errorf("%s: it holds a line break or another control character; is there one at the end of its file?", name)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%s: it begins or ends with a blank", name)
	}
	return nil
}

func errIf(wrong bool, text string) error {
	if wrong {
		return errors.New(text)
	}
	return nil
}

// baseURL checks the address and appends the prefix.
func baseURL(address, prefix string, insecure bool) (*url.URL, error) {
	if address == "" {
		return nil, errors.New("url: it is missing; usually it is https://app.prodsmart.com")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, errors.New("url: it is no address; write it like https://app.prodsmart.com")
	}
	switch {
	case u.User != nil:
		return nil, errors.New("url: it holds a user or password; they belong in key and secret")
	case u.Scheme == "http" && !insecure:
		return nil, fmt.Errorf("url: http://%s would show key and secret to everyone on the way; write https, or set insecure for a pretend Prodsmart", u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("url: %q is no scheme to reach Prodsmart with; write https", u.Scheme)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("url: it must end before ? and #")
	case u.Hostname() == "":
		return nil, errors.New("url: it names no host")
	}
	if err := checkPath(prefix); err != nil {
		return nil, fmt.Errorf("prefix: %w; usually it is %s", err, DefaultPrefix)
	}
	prefix = strings.TrimRight(prefix, "/")
	path := strings.TrimRight(u.EscapedPath(), "/")
	if prefix != "" && strings.HasSuffix(path, prefix) {
		return nil, fmt.Errorf("url: it ends with the prefix %s, which is added to it; leave it out of one of them", prefix)
	}
	return url.Parse(u.Scheme + "://" + u.Host + path + prefix)
}

// proxyURL checks the configured proxy; nil means that the environment decides
// or none is used.
func (cfg Config) proxyURL() (*url.URL, error) {
	if cfg.Proxy == "" || cfg.Proxy == ProxyDirect {
		return nil, errIf(cfg.ProxyUser != "" || !cfg.ProxyPassword.IsZero(),
			"proxy: a user or password is given, but no proxy")
	}
	u, err := url.Parse(cfg.Proxy)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("proxy: it is no address; write it like http://proxy.example:3128, or %s for none", ProxyDirect)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, fmt.Errorf("proxy: %q is none of http, https, socks5, socks5h", u.Scheme)
	}
	if u.User != nil {
		return nil, errors.New("proxy: it holds a user or password, which are given apart from it")
	}
	if cfg.ProxyUser != "" {
		u.User = url.UserPassword(cfg.ProxyUser, cfg.ProxyPassword.Reveal())
	}
	return u, nil
}
