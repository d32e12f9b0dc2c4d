package opcua

import (
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	if c.Security == SecurityBasic256Sha256 {
		return ua.SecurityPolicyURIBasic256Sha256, ua.MessageSecurityModeSignAndEncrypt
	}
	return ua.SecurityPolicyURINone, ua.MessageSecurityModeNone
}

// choose finds the endpoint for a configuration among what a server offers.
func choose(cfg Config, offered []*ua.EndpointDescription) (login, error) {
	policy, mode := cfg.policyURI()
	var refused error
	for _, ep := range offered {
		if ep == nil || ep.SecurityPolicyURI != policy || ep.SecurityMode != mode || !overTCP(ep) {
			continue
		}
		l, err := chooseToken(cfg, ep)
		if err == nil {
			return l, nil
		}
		if refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return login{}, refused
	}
	wanted := cfg.Security
	if mode == ua.MessageSecurityModeSignAndEncrypt {
		wanted += " SignAndEncrypt"
	}
	return login{}, fmt.Errorf("the server does not offer security %s; it offers: %s. Allow it on the server, or change security here", wanted, offers(offered))
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
			name += " " + strings.TrimPrefix(ep.SecurityMode.String(), "MessageSecurityMode")
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
	if cfg.User == "" {
		if i := slices.IndexFunc(ep.UserIdentityTokens, func(t *ua.UserTokenPolicy) bool { return t != nil && t.TokenType == ua.UserTokenTypeAnonymous }); i >= 0 {
			return login{endpoint: ep, token: ep.UserIdentityTokens[i], policy: ua.SecurityPolicyURINone}, nil
		}
		return login{}, errors.New("the server does not allow anonymous sessions; give user and password")
	}
	private := ep.SecurityMode == ua.MessageSecurityModeSignAndEncrypt
	found, plain := false, login{}
	for _, t := range ep.UserIdentityTokens {
		if t == nil || t.TokenType != ua.UserTokenTypeUserName {
			continue
		}
		found = true
		policy := t.SecurityPolicyURI
		if policy == "" {
			policy = ep.SecurityPolicyURI
		}
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
	return login{}, errors.New("the server does not take a user and password at this endpoint; leave them out, or allow it on the server")
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

// identityToken is who we say we are. certificate and nonce are the server's.
func (l login) identityToken(cfg Config, certificate, nonce []byte) (any, error) {
	if cfg.User == "" {
		return &ua.AnonymousIdentityToken{PolicyID: l.token.PolicyID}, nil
	}
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
