package opcua

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// offer makes an endpoint with tokens for users, one for each policy.
func offer(policy string, mode ua.MessageSecurityMode, users ...string) *ua.EndpointDescription {
	ep := &ua.EndpointDescription{
		EndpointURL: "opc.tcp://plc.invalid:4840", SecurityPolicyURI: policy, SecurityMode: mode,
		UserIdentityTokens: []*ua.UserTokenPolicy{{PolicyID: "anybody", TokenType: ua.UserTokenTypeAnonymous}},
		Server:             &ua.ApplicationDescription{ApplicationName: ua.NewLocalizedText("plc")},
	}
	for _, u := range users {
		ep.UserIdentityTokens = append(ep.UserIdentityTokens, &ua.UserTokenPolicy{PolicyID: "user" + shortPolicy(u), TokenType: ua.UserTokenTypeUserName, SecurityPolicyURI: u})
	}
	return ep
}

func TestChoose(t *testing.T) {
	const (
		none, open     = ua.SecurityPolicyURINone, ua.MessageSecurityModeNone
		sha, encrypted = ua.SecurityPolicyURIBasic256Sha256, ua.MessageSecurityModeSignAndEncrypt
		rsa15          = ua.SecurityPolicyURIBasic128Rsa15
	)
	user := func(security string) Config { return Config{Security: security, User: "gateway", Password: "x"} }
	anybody := func(security string) Config { return Config{Security: security} }
	for _, tc := range []struct {
		name    string
		cfg     Config
		offered []*ua.EndpointDescription
		policy  string // that encrypts the password
		refusal string
	}{
		{"anonymous", anybody("None"), []*ua.EndpointDescription{offer(none, open)}, none, ""},
		{"anonymous, secure", anybody("Basic256Sha256"), []*ua.EndpointDescription{offer(none, open), offer(sha, encrypted)}, none, ""},
		{"password by the channel's policy", user("Basic256Sha256"), []*ua.EndpointDescription{offer(sha, encrypted, "")}, sha, ""},
		{"password in the encrypted channel", user("Basic256Sha256"), []*ua.EndpointDescription{offer(sha, encrypted, none)}, none, ""},
		{"encrypted password preferred", user("Basic256Sha256"), []*ua.EndpointDescription{offer(sha, encrypted, none, sha)}, sha, ""},
		{"encrypted password, open channel", user("None"), []*ua.EndpointDescription{offer(none, open, none, sha)}, sha, ""},
		{"plain password, open channel", user("None"), []*ua.EndpointDescription{offer(none, open, none)}, "", "which is not done; set security to Basic256Sha256"},
		{"inherited plain password, open channel", user("None"), []*ua.EndpointDescription{offer(none, open, "")}, "", "which is not done"},
		{"broken encryption, open channel", user("None"), []*ua.EndpointDescription{offer(none, open, rsa15)}, "", "which is not done"},
		{"no users", user("None"), []*ua.EndpointDescription{offer(none, open)}, "", "does not take a user and password"},
		{"only signed", anybody("Basic256Sha256"), []*ua.EndpointDescription{offer(none, open), offer(sha, ua.MessageSecurityModeSign)}, "", "it offers: None, Basic256Sha256 Sign."},
		{"nothing", anybody("None"), nil, "", "it offers: nothing"},
		{"missing pieces", anybody("None"), []*ua.EndpointDescription{nil, {SecurityPolicyURI: none, SecurityMode: open, UserIdentityTokens: []*ua.UserTokenPolicy{nil}}}, "", "does not allow anonymous"},
	} {
		l, err := choose(tc.cfg, tc.offered)
		if tc.refusal != "" {
			want(t, err, tc.refusal)
			continue
		}
		if err != nil || l.policy != tc.policy {
			t.Errorf("%s: policy %q, %v; want %q", tc.name, l.policy, err, tc.policy)
		}
	}
	https := offer(none, open)
	https.EndpointURL, https.TransportProfileURI = "opc.https://plc", "http://opcfoundation.org/UA-Profile/Transport/https-uabinary"
	_, err := choose(anybody("None"), []*ua.EndpointDescription{https})
	want(t, err, "None (not over opc.tcp)")
}

// TestPasswordOverOpenChannel reads what a server gets to see of a password.
func TestPasswordOverOpenChannel(t *testing.T) {
	id, err := loadIdentity(t.TempDir(), time.Now()) // stands for the server's
	if err != nil {
		t.Fatal(err)
	}
	ep := offer(ua.SecurityPolicyURINone, ua.MessageSecurityModeNone, ua.SecurityPolicyURIBasic256Sha256)
	ep.ServerCertificate = id.der
	p := startPLC(t)
	p.is("Counter", uint32(1))
	p.with(func() { p.endpoints, p.certificate = []*ua.EndpointDescription{ep}, id.der })
	cfg := dialling(p.addr)
	cfg.User, cfg.Password = "gateway", "geheim"
	r := run(t, cfg, tagsOf("Counter"))
	r.WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() {
		token, ok := p.token.(*ua.UserNameIdentityToken)
		if !ok || token.UserName != "gateway" || token.PolicyID != "userBasic256Sha256" || bytes.Contains(token.Password, []byte("geheim")) {
			t.Fatalf("the token is %+v", p.token)
		}
		secret, err := rsa.DecryptOAEP(sha1.New(), rand.Reader, id.key, token.Password, nil)
		if err != nil || len(secret) < 4 || int(binary.LittleEndian.Uint32(secret)) != len(secret)-4 {
			t.Fatalf("the secret is %q, %v", secret, err)
		}
		if string(secret[4:]) != "geheim"+string(p.nonce) {
			t.Errorf("the secret is %q", secret)
		}
		if p.opened.EndpointURL != "opc.tcp://"+p.addr {
			t.Errorf("the session is for %s", p.opened.EndpointURL)
		}
	})

	// Another certificate in the session than in the endpoint.
	p.with(func() { p.certificate = []byte("another") })
	want(t, run(t, cfg, tagsOf("Counter")).end(t), "two different certificates")
	// No certificate at all: nothing to encrypt with.
	p.with(func() { p.certificate, ep.ServerCertificate = nil, nil })
	want(t, run(t, cfg, tagsOf("Counter")).end(t), "can not be encrypted", "shows no certificate")
	p.with(func() {
		if token, ok := p.token.(*ua.UserNameIdentityToken); ok && bytes.Contains(token.Password, []byte("geheim")) {
			t.Error("the password was sent")
		}
	})
}

func TestSecurityNotOffered(t *testing.T) {
	p := startPLC(t)
	cfg := dialling(p.addr)
	cfg.Security, cfg.CertificateDir = SecurityBasic256Sha256, t.TempDir()
	want(t, run(t, cfg, nil).end(t), "does not offer security Basic256Sha256 SignAndEncrypt; it offers: None.", p.addr)
	// A server that promises what it does not keep.
	id, err := loadIdentity(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ep := offer(ua.SecurityPolicyURIBasic256Sha256, ua.MessageSecurityModeSignAndEncrypt)
	p.with(func() { p.endpoints = []*ua.EndpointDescription{ep} })
	want(t, run(t, cfg, nil).end(t), "shows no certificate")
	p.with(func() { p.endpoints[0].ServerCertificate = id.der })
	want(t, run(t, cfg, nil).end(t), "the connection was closed by the server or lost", "the server does not trust this gateway")
}

func TestUnreachable(t *testing.T) {
	p := newPLC(t)
	want(t, run(t, dialling(p.addr), nil).end(t), "nothing listens at "+p.addr)
	want(t, run(t, dialling("host.invalid:4840"), nil).end(t), `host name "host.invalid" can not be resolved`)
}
