package opcua

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

const (
	// sessionTimeout is how long a server keeps a session that we lost. Short,
	// because small servers allow few; shortSession is for the smallest.
	sessionTimeout = 30 * time.Second
	shortSession   = 10 * time.Second
	// channelLifetime is the life of a channel's keys, which the library renews.
	channelLifetime = time.Hour
)

// session is one activated session and its subscription. It belongs to the
// goroutine of Run.
type session struct {
	c       *Connector
	ch      *channel
	how     login
	profile profile
	timeout time.Duration // the server's word for the session timeout

	namespaces []string
	perCall    int // monitored items that one request may create
	splits     int // how often refused requests may still be halved
	per        perRequest
	types      dictionary
	paths      map[address]pathEnd // of the items last created

	polls    bool // there is no subscription
	sub      uint32
	interval time.Duration // the server's word for the publishing interval
	keep     time.Duration // longest time between two answers of a live server

	canaries []canary
	items    []monitored         // the plan's, and the heartbeat as the last
	samples  []connectors.Sample // memory that batches are built in
	last     time.Time           // of the last batch
}

// openSession connects as far as an activated session, and keeps the conditions
// of the connection up to date. The caller closes its channel.
func (c *Connector) openSession(ctx context.Context) (*session, error) {
	s, err := c.open(ctx)
	if ctx.Err() == nil {
		c.noteOpening(err)
	}
	return s, err
}

func (c *Connector) open(ctx context.Context) (*session, error) {
	policy, mode := c.cfg.policyURI()
	id := &identity{uri: applicationURI(hostName())}
	if mode != ua.MessageSecurityModeNone {
		var err error
		if id, err = loadIdentity(c.cfg.CertificateDir, time.Now()); err != nil {
			return nil, err
		}
		c.noteExpiry("gateway", id.shown, time.Now())
	}
	ch, err := c.dial(ctx, c.channelConfig())
	if err != nil {
		return nil, err
	}
	how, err := c.discover(ctx, ch)
	if err != nil {
		ch.closeAfter(err)
		return nil, err
	}
	if mode == ua.MessageSecurityModeNone {
		return c.logIn(ctx, ch, how, id)
	}
	ch.close()
	cfg := c.channelConfig()
	cfg.SecurityPolicyURI, cfg.SecurityMode = policy, mode
	cfg.Certificate, cfg.LocalKey = id.der, id.key
	cfg.RemoteCertificate = leafOf(how.endpoint.ServerCertificate)
	cfg.Thumbprint = uapolicy.Thumbprint(cfg.RemoteCertificate)
	if ch, err = c.dial(ctx, cfg); err != nil {
		return nil, explainTrust(err, id)
	}
	s, err := c.logIn(ctx, ch, how, id)
	if err != nil {
		return nil, explainTrust(err, id)
	}
	return s, nil
}

// channelConfig is the configuration of a channel without security.
func (c *Connector) channelConfig() *uasc.Config {
	return &uasc.Config{
		SecurityPolicyURI: ua.SecurityPolicyURINone,
		SecurityMode:      ua.MessageSecurityModeNone,
		Lifetime:          uint32(channelLifetime / time.Millisecond),
		RequestTimeout:    c.cfg.Timeout,
	}
}

// discover asks the server how it can be talked to, and whether it is the right
// one, as far as its certificate matters.
func (c *Connector) discover(ctx context.Context, ch *channel) (login, error) {
	offered, err := c.endpoints(ctx, ch)
	if err != nil {
		return login{}, err
	}
	how, err := choose(c.cfg, offered)
	if err != nil || !how.usesCertificate() {
		return how, err
	}
	if len(how.endpoint.ServerCertificate) == 0 && how.endpoint.SecurityMode == ua.MessageSecurityModeNone {
		return how, nil // it has to show it in its session
	}
	if _, err := rsaKey(how.endpoint.ServerCertificate); err != nil {
		return login{}, err
	}
	return how, c.judge(how.endpoint, time.Now())
}

func (c *Connector) endpoints(ctx context.Context, ch *channel) ([]*ua.EndpointDescription, error) {
	res, err := call[*ua.GetEndpointsResponse](ctx, ch, &ua.GetEndpointsRequest{EndpointURL: c.endpoint.url.String()}, c.cfg.Timeout)
	if err != nil {
		return nil, err
	}
	return res.Endpoints, nil
}

// Offered is the certificate that a server shows for the security of a
// configuration, in DER form, whether it is trusted or not. It connects once,
// and leaves nothing open. A person decides about it with Accept.
func Offered(ctx context.Context, cfg Config) ([]byte, error) {
	c, err := New(cfg, nil)
	if err != nil {
		return nil, err
	}
	der, err := c.offered(ctx)
	if err != nil {
		return nil, fmt.Errorf("opcua %s: %w", cfg.Endpoint, err)
	}
	return der, nil
}

func (c *Connector) offered(ctx context.Context) ([]byte, error) {
	ch, err := c.dial(ctx, c.channelConfig())
	if err != nil {
		return nil, err
	}
	eps, err := c.endpoints(ctx, ch)
	ch.closeAfter(err)
	if err != nil {
		return nil, err
	}
	fit, err := fitting(c.cfg, eps)
	if err != nil {
		return nil, err
	}
	if _, err := rsaKey(fit[0].ServerCertificate); err != nil {
		return nil, err
	}
	return leafOf(fit[0].ServerCertificate), nil
}

// logIn creates and activates a session. It closes the channel if it fails.
func (c *Connector) logIn(ctx context.Context, ch *channel, how login, id *identity) (*session, error) {
	s := &session{c: c, ch: ch, how: how}
	err := s.create(ctx, id)
	if err == nil {
		err = s.learnProfile(ctx)
	}
	if err != nil {
		ch.closeAfter(err)
		return nil, err
	}
	return s, nil
}

// create opens the session for the URL at which it was configured. A server that
// wants to be called only as it calls itself is called so the second time.
func (s *session) create(ctx context.Context, id *identity) error {
	own := s.how.endpoint.EndpointURL
	url := s.c.endpoint.rewrite(own)
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	created, err := s.ask(ctx, id, url, nonce)
	if isStatus(err, ua.StatusBadTCPEndpointURLInvalid, ua.StatusBadServerURIInvalid) && own != url {
		created, err = s.ask(ctx, id, own, nonce)
	}
	if err != nil {
		return err
	}
	// From here on the session is the server's to remember and ours to close.
	s.ch.token = created.AuthenticationToken
	s.timeout = milliseconds(created.RevisedSessionTimeout, time.Second, time.Hour)
	certificate, err := s.proven(created, nonce)
	if err != nil {
		return err
	}
	if s.how.usesCertificate() && len(s.how.endpoint.ServerCertificate) == 0 && len(certificate) > 0 {
		late := *s.how.endpoint
		late.ServerCertificate = certificate
		s.how.endpoint = &late
		if err := s.c.judge(&late, time.Now()); err != nil {
			return err
		}
	}
	token, proof, err := s.how.identityToken(s.c.cfg, certificate, created.ServerNonce)
	if err != nil {
		return err
	}
	signature, algorithm, err := s.ch.sc.NewSessionSignature(certificate, created.ServerNonce)
	if err != nil {
		return fmt.Errorf("signing the session: %w", err)
	}
	_, err = call[*ua.ActivateSessionResponse](ctx, s.ch, &ua.ActivateSessionRequest{
		ClientSignature:    &ua.SignatureData{Algorithm: algorithm, Signature: signature},
		UserIdentityToken:  ua.NewExtensionObject(token),
		UserTokenSignature: proof,
	}, s.c.cfg.Timeout)
	return err
}

// ask asks the server for a session at one of its URLs.
func (s *session) ask(ctx context.Context, id *identity, url string, nonce []byte) (*ua.CreateSessionResponse, error) {
	return call[*ua.CreateSessionResponse](ctx, s.ch, &ua.CreateSessionRequest{
		ClientDescription: &ua.ApplicationDescription{
			ApplicationURI:  id.uri,
			ProductURI:      "urn:prodsmart-gateway",
			ApplicationName: ua.NewLocalizedText("prodsmart-gateway"),
			ApplicationType: ua.ApplicationTypeClient,
		},
		EndpointURL:             url,
		SessionName:             "prodsmart-gateway@" + hostName(),
		ClientNonce:             nonce,
		ClientCertificate:       id.der,
		RequestedSessionTimeout: float64(profileFor(s.c.cfg.Profile).session / time.Millisecond),
	}, s.c.cfg.Timeout)
}

// proven checks that the session is of the server that the endpoint promised,
// and returns that server's certificate without the rest of its chain.
func (s *session) proven(created *ua.CreateSessionResponse, nonce []byte) ([]byte, error) {
	how := s.how
	promised, shown := leafOf(how.endpoint.ServerCertificate), leafOf(created.ServerCertificate)
	if len(shown) == 0 && how.endpoint.SecurityMode == ua.MessageSecurityModeNone {
		shown = promised
	}
	if how.endpoint.SecurityMode == ua.MessageSecurityModeNone {
		if len(promised) > 0 && !bytes.Equal(promised, shown) {
			return nil, errors.New("the server shows two different certificates; the connection may be tampered with")
		}
		return shown, nil
	}
	if !bytes.Equal(promised, shown) {
		return nil, errors.New("the server shows another certificate in its session than in its endpoint; the connection may be tampered with")
	}
	if _, err := rsaKey(shown); err != nil {
		return nil, err
	}
	if created.ServerSignature == nil {
		return nil, errors.New("the server did not sign its session")
	}
	if err := s.ch.sc.VerifySessionSignature(shown, nonce, created.ServerSignature.Signature); err != nil {
		return nil, errors.New("the server's signature does not fit its certificate; the connection may be tampered with")
	}
	return shown, nil
}

// milliseconds reads a duration of the protocol, within bounds.
func milliseconds(ms float64, low, high time.Duration) time.Duration {
	if !(ms > float64(low/time.Millisecond)) { // also NaN
		return low
	}
	if ms > float64(high/time.Millisecond) {
		return high
	}
	return time.Duration(ms * float64(time.Millisecond))
}
