package opcua

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
)

// userIdentity is a user who logs in with a certificate.
type userIdentity struct {
	der []byte
	key *rsa.PrivateKey
}

// loadUser reads the user's certificate and key. Both may be in PEM or DER form,
// and in one file.
func loadUser(certificate, key string, now time.Time) (*userIdentity, error) {
	raw, err := os.ReadFile(certificate)
	if err != nil {
		return nil, fmt.Errorf("the user's certificate can not be read: %w", err)
	}
	chain, err := parseChain(raw)
	if err != nil {
		return nil, fmt.Errorf("the user's certificate %s: %w", certificate, err)
	}
	if raw, err = os.ReadFile(key); err != nil {
		return nil, fmt.Errorf("the user's key can not be read: %w", err)
	}
	private, err := parseKey(raw)
	if err != nil {
		return nil, fmt.Errorf("the user's key %s: %w", key, err)
	}
	cert := chain[0]
	switch {
	case !private.PublicKey.Equal(cert.PublicKey):
		return nil, fmt.Errorf("the user's certificate %s and key %s do not belong together", certificate, key)
	case now.After(cert.NotAfter):
		return nil, fmt.Errorf("the user's certificate %s expired on %s; have another one made", certificate, day(cert.NotAfter))
	case now.Before(cert.NotBefore):
		return nil, fmt.Errorf("the user's certificate %s is valid only from %s; is the clock of this machine right?", certificate, day(cert.NotBefore))
	}
	return &userIdentity{der: certificateOf(cert).DER, key: private}, nil
}

// parseKey reads an RSA key without a password.
func parseKey(raw []byte) (*rsa.PrivateKey, error) {
	der := raw
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("it is protected by a password, which is not supported; store it without one, readable by the gateway alone")
		}
		if block.Type == "PRIVATE KEY" || block.Type == "RSA PRIVATE KEY" {
			der = block.Bytes
			break
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("this is no private key in PEM or DER form")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is of type %T; only RSA is supported", parsed)
	}
	return key, nil
}

// token is the user's certificate, and sign proves that the user has its key.
func (u *userIdentity) token(policyID string) *ua.X509IdentityToken {
	return &ua.X509IdentityToken{PolicyID: policyID, CertificateData: u.der}
}

// sign signs the server's certificate and nonce by a policy.
func (u *userIdentity) sign(policy string, server *rsa.PublicKey, certificate, nonce []byte) (*ua.SignatureData, error) {
	algorithm, err := uapolicy.Asymmetric(policy, u.key, server)
	if err != nil {
		return nil, fmt.Errorf("the user's key does not fit %s: %w", shortPolicy(policy), err)
	}
	signature, err := algorithm.Signature(bytes.Join([][]byte{certificate, nonce}, nil))
	if err != nil {
		return nil, fmt.Errorf("signing with the user's key: %w", err)
	}
	return &ua.SignatureData{Algorithm: algorithm.SignatureURI(), Signature: signature}, nil
}
