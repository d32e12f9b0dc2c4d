package prodsmart

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Client speaks to one Prodsmart with one user's credentials. It may be used
// from several goroutines at a time; it starts none that outlive a call, apart
// from those of kept connections, which Close ends.
type Client struct {
	base string
	host string
	// site is what a person would open in a browser.
	site string
	// proxyLogin says that there are a user and a password for a proxy.
	proxyLogin  bool
	paths       map[Endpoint]string
	auth        Auth
	key, secret Secret
	agent       string
	zone        *time.Location
	timeout     time.Duration
	bodyTimeout time.Duration
	onRequest   func(Request)
	transport   *http.Transport
	http        *http.Client
	tokens      tokens
	cleaner     atomic.Pointer[cleaner]
	hidden      []Secret
	now         func() time.Time
}

// New makes a client. It touches no network; the error lists everything that is
// wrong with the configuration.
func New(cfg Config) (*Client, error) {
	cfg, base, err := cfg.settled()
	if err != nil {
		return nil, fmt.Errorf("prodsmart: %w", err)
	}
	paths, err := mergePaths(cfg.Paths)
	if err != nil {
		return nil, fmt.Errorf("prodsmart: %w", err)
	}
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, fmt.Errorf("prodsmart: %w", err)
	}
	c := &Client{
		base:        strings.TrimRight(base.String(), "/"),
		host:        base.Host,
		site:        base.Scheme + "://" + base.Host,
		proxyLogin:  cfg.ProxyUser != "",
		paths:       paths,
		auth:        cfg.Auth,
		key:         cfg.Key,
		secret:      cfg.Secret,
		agent:       cfg.UserAgent,
		zone:        cfg.Zone,
		timeout:     cfg.Timeout,
		bodyTimeout: min(bodyTimeout, cfg.Timeout),
		onRequest:   cfg.OnRequest,
		transport:   transport,
		hidden:      credentialForms(cfg),
		now:         time.Now,
	}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.tokens.turn = make(chan struct{}, 1)
	c.hide()
	return c, nil
}

// Close ends the kept connections. The token is left to expire, because others
// may share it.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Send makes the one request of a post and says what its answer means. It does
// not wait for better times and does not try again, save once with a fresh
// token after a 401 or 403 in token mode. When ctx ends it returns at once:
// Unsent if the request had not left, Ambiguous if it had.
func (c *Client) Send(ctx context.Context, p Post) Answer {
	began := time.Now()
	answer := c.send(ctx, p)
	answer.Took = time.Since(began)
	return answer
}

func (c *Client) send(ctx context.Context, p Post) Answer {
	endpoint, known := p.Service.endpoint()
	if !known || p.Machine == "" {
		return Answer{Verdict: Refused, Text: "the post names no machine or no service; it was not sent"}
	}
	r, failed := c.perform(ctx, call{
		endpoint: endpoint,
		method:   http.MethodPost,
		path:     strings.ReplaceAll(c.paths[endpoint], machineMark, segment(p.Machine)),
		body:     p.Body,
		auth:     c.auth,
	})
	if failed != nil {
		answer := failed.Answer
		answer.Text = c.clean("no access token: " + answer.Text)
		return answer
	}
	answer := c.judge(r)
	if p.Service == CounterService && answer.Verdict == Accepted {
		answer.Counter = counterIn(r.body)
	}
	return answer
}
