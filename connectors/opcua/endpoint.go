package opcua

import (
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
)

// login is how a session will be opened: the server's endpoint, and its policy
// for the user.
type login struct {
	endpoint *ua.EndpointDescription
	token    *ua.UserTokenPolicy
	// policy encrypts the password; None if the channel does, or if there is
	// no password.
	policy string
}

// policyURI and mode are what a configured Security means.
func (c Config) policyURI() (string, ua.MessageSecurityMode) {
	mode := ua.MessageSecurityModeSignAndEncrypt
	if c.Mode == ModeSign {
		mode = ua.MessageSecurityModeSign
	}
	switch c.Security {
	case SecurityBasic256Sha256:
		return ua.SecurityPolicyURIBasic256Sha256, mode
	case SecurityAes128:
		return ua.SecurityPolicyURIAes128Sha256RsaOaep, mode
	case SecurityAes256:
		return ua.SecurityPolicyURIAes256Sha256RsaPss, mode
	}
	return ua.SecurityPolicyURINone, ua.MessageSecurityModeNone
}

// fitting are the endpoints that have a configuration's security. There is at
// least one, or an error.
func fitting(cfg Config, offered []*ua.EndpointDescription) ([]*ua.EndpointDescription, error) {
	policy, mode := cfg.policyURI()
	var fit []*ua.EndpointDescription
	for _, ep := range offered {
		if ep != nil && ep.SecurityPolicyURI == policy && ep.SecurityMode == mode && overTCP(ep) {
			fit = append(fit, ep)
		}
	}
	if fit != nil {
		return fit, nil
	}
	wanted := cfg.Security
	if mode != ua.MessageSecurityModeNone {
		wanted += " " + modeName(mode)
	}
	return nil, fmt.Errorf("the server does not offer security %s; it offers: %s. Allow it on the server, or change security and mode here", wanted, offers(offered))
}

// choose finds the endpoint for a configuration among what a server offers.
func choose(cfg Config, offered []*ua.EndpointDescription) (login, error) {
	fit, err := fitting(cfg, offered)
	if err != nil {
		return login{}, err
	}
	var refused error
	for _, ep := range fit {
		l, err := chooseToken(cfg, ep)
		if err == nil {
			return l, nil
		}
		if refused == nil {
			refused = err
		}
	}
	return login{}, refused
}

// modeName is a mode as tools of OPC UA write it.
func modeName(mode ua.MessageSecurityMode) string {
	return strings.TrimPrefix(mode.String(), "MessageSecurityMode")
}

// overTCP leaves out endpoints of other transports (HTTPS, WebSocket).
func overTCP(ep *ua.EndpointDescription) bool {
	return (ep.TransportProfileURI == "" || strings.HasSuffix(ep.TransportProfileURI, "/uatcp-uasc-uabinary")) &&
		(ep.EndpointURL == "" || strings.HasPrefix(ep.EndpointURL, "opc.tcp:"))
}

// offers lists endpoints for people.
func offers(eps []*ua.EndpointDescription) string {
	var names []string
	for _, ep := range eps {
		if ep == nil {
			continue
		}
		name := shortPolicy(ep.SecurityPolicyURI)
		if ep.SecurityMode != ua.MessageSecurityModeNone {
			name += " " + modeName(ep.SecurityMode)
		}
		if !overTCP(ep) {
			name += " (not over opc.tcp)"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// chooseToken finds the way to log in at one endpoint. A password travels
// encrypted, by the channel or by itself, or not at all.
func chooseToken(cfg Config, ep *ua.EndpointDescription) (login, error) {
	switch {
	case cfg.UserCertificate != "":
		return chooseCertificate(ep)
	case cfg.User != "":
		return choosePassword(ep)
	}
	for _, t := range ep.UserIdentityTokens {
		if t != nil && t.TokenType == ua.UserTokenTypeAnonymous {
			return login{endpoint: ep, token: t, policy: ua.SecurityPolicyURINone}, nil
		}
	}
	return login{}, fmt.Errorf("the server does not allow anonymous sessions; it takes: %s. Give one of these", tokens(ep))
}

// policyOf is the policy of a way to log in: its own, or that of the channel.
func policyOf(t *ua.UserTokenPolicy, ep *ua.EndpointDescription) string {
	if t.SecurityPolicyURI != "" {
		return t.SecurityPolicyURI
	}
	return ep.SecurityPolicyURI
}

// tokens lists the ways to log in for people.
func tokens(ep *ua.EndpointDescription) string {
	var names []string
	for _, t := range ep.UserIdentityTokens {
		if t == nil {
			continue
		}
		name := "a way that is not supported"
		switch t.TokenType {
		case ua.UserTokenTypeAnonymous:
			name = "nobody in particular (anonymous)"
		case ua.UserTokenTypeUserName:
			name = "user and password"
		case ua.UserTokenTypeCertificate:
			name = "a user's certificate"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func chooseCertificate(ep *ua.EndpointDescription) (login, error) {
	found := false
	for _, t := range ep.UserIdentityTokens {
		if t == nil || t.TokenType != ua.UserTokenTypeCertificate {
			continue
		}
		found = true
		if policy := policyOf(t, ep); encryptsPasswords(policy) {
			return login{endpoint: ep, token: t, policy: policy}, nil
		}
	}
	if found {
		return login{}, errors.New("the server takes a user's certificate at this endpoint only with a signature that is not supported; set security to Basic256Sha256")
	}
	return login{}, fmt.Errorf("the server does not take a user's certificate at this endpoint; it takes: %s", tokens(ep))
}

func choosePassword(ep *ua.EndpointDescription) (login, error) {
	private := ep.SecurityMode == ua.MessageSecurityModeSignAndEncrypt
	found, plain := false, login{}
	for _, t := range ep.UserIdentityTokens {
		if t == nil || t.TokenType != ua.UserTokenTypeUserName {
			continue
		}
		found = true
		policy := policyOf(t, ep)
		switch {
		case encryptsPasswords(policy):
			return login{endpoint: ep, token: t, policy: policy}, nil
		case private && policy == ua.SecurityPolicyURINone:
			plain = login{endpoint: ep, token: t, policy: policy}
		}
	}
	switch {
	case plain.token != nil:
		return plain, nil
	case found && !private:
		return login{}, errors.New("the server wants the password unencrypted over an unencrypted connection, which is not done; set security to Basic256Sha256, or let the server ask for encrypted passwords")
	case found:
		return login{}, errors.New("the server wants the password encrypted in a way that is not supported")
	}
	return login{}, fmt.Errorf("the server does not take a user and password at this endpoint; it takes: %s. Leave them out, or allow it on the server", tokens(ep))
}

// encryptsPasswords names the policies whose encryption is still considered
// safe.
func encryptsPasswords(policy string) bool {
	switch policy {
	case ua.SecurityPolicyURIBasic256Sha256, ua.SecurityPolicyURIAes128Sha256RsaOaep, ua.SecurityPolicyURIAes256Sha256RsaPss:
		return true
	}
	return false
}

// usesCertificate says whether the server's certificate protects anything: the
// channel, or a secret of the user's.
func (l login) usesCertificate() bool {
	return l.endpoint.SecurityMode != ua.MessageSecurityModeNone || l.policy != ua.SecurityPolicyURINone
}

// identityToken is who we say we are, and the proof of it where the token needs
// one. certificate and nonce are the server's.
func (l login) identityToken(cfg Config, certificate, nonce []byte) (any, *ua.SignatureData, error) {
	switch {
	case cfg.UserCertificate != "":
		user, err := loadUser(cfg.UserCertificate, cfg.UserKey, time.Now())
		if err != nil {
			return nil, nil, err
		}
		key, err := rsaKey(certificate)
		if err != nil {
			return nil, nil, fmt.Errorf("the user can not be proven to the server: %w", err)
		}
		proof, err := user.sign(l.policy, key, certificate, nonce)
		return user.token(l.token.PolicyID), proof, err
	case cfg.User != "":
		token, err := l.passwordToken(cfg, certificate, nonce)
		return token, &ua.SignatureData{}, err
	}
	return &ua.AnonymousIdentityToken{PolicyID: l.token.PolicyID}, &ua.SignatureData{}, nil
}

func (l login) passwordToken(cfg Config, certificate, nonce []byte) (*ua.UserNameIdentityToken, error) {
	token := &ua.UserNameIdentityToken{PolicyID: l.token.PolicyID, UserName: cfg.User, Password: []byte(cfg.Password)}
	if l.policy == ua.SecurityPolicyURINone {
		if l.endpoint.SecurityMode != ua.MessageSecurityModeSignAndEncrypt {
			return nil, errors.New("a password is not sent without encryption")
		}
		return token, nil
	}
	if len(nonce) < 16 {
		return nil, errors.New("the server gave no random number to encrypt the password with; its password encryption is not safe")
	}
	key, err := rsaKey(certificate)
	if err != nil {
		return nil, fmt.Errorf("the password can not be encrypted for the server: %w", err)
	}
	algorithm, err := uapolicy.Asymmetric(l.policy, nil, key)
	if err != nil {
		return nil, fmt.Errorf("the password can not be encrypted for the server: %w", err)
	}
	secret := binary.LittleEndian.AppendUint32(nil, uint32(len(cfg.Password)+len(nonce)))
	secret = append(append(secret, cfg.Password...), nonce...)
	if token.Password, err = algorithm.Encrypt(secret); err != nil {
		return nil, fmt.Errorf("the password can not be encrypted for the server: %w", err)
	}
	token.EncryptionAlgorithm = algorithm.EncryptionURI()
	return token, nil
}

// leafOf is the server's own certificate of a chain. What is no certificate is
// returned as it is; nothing will accept it.
func leafOf(chain []byte) []byte {
	cert, err := uapolicy.ParseCertificate(chain)
	if err != nil {
		return chain
	}
	// The library appends to what it signs; the rest of the chain lies behind.
	return slices.Clip(cert.Raw)
}

// rsaKey is the public key of a server's certificate.
func rsaKey(certificate []byte) (*rsa.PublicKey, error) {
	if len(certificate) == 0 {
		return nil, errors.New("the server shows no certificate")
	}
	cert, err := uapolicy.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("the server's certificate can not be read: %w", err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the server's certificate has a key of type %T; only RSA is supported", cert.PublicKey)
	}
	return key, nil
}
