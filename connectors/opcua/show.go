package opcua

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Certificate is what a person needs to know about a certificate.
type Certificate struct {
	// Thumbprint is the SHA-1 of the certificate in capital hex digits, by
	// which OPC UA tools name it.
	Thumbprint string
	Subject    string
	// ApplicationURI is empty if the certificate names none.
	ApplicationURI      string
	NotBefore, NotAfter time.Time
	// DER is the certificate as it travels.
	DER []byte
}

// String says which certificate it is, in one line.
func (c Certificate) String() string {
	return fmt.Sprintf("thumbprint %s, %s, valid %s to %s", c.Thumbprint, c.Subject, day(c.NotBefore), day(c.NotAfter))
}

// PEM is the certificate as text.
func (c Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})
}

// day is a date as it is shown to people; its time of day never matters.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// ParseCertificate reads a certificate in DER or PEM form. Of a chain it is the
// first.
func ParseCertificate(raw []byte) (Certificate, error) {
	chain, err := parseChain(raw)
	if err != nil {
		return Certificate{}, err
	}
	return certificateOf(chain[0]), nil
}

// parseChain reads one certificate or more, in DER or PEM form.
func parseChain(raw []byte) ([]*x509.Certificate, error) {
	der := raw
	if block, rest := pem.Decode(raw); block != nil {
		der = nil
		for ; block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				der = append(der, block.Bytes...)
			}
		}
	}
	chain, err := x509.ParseCertificates(der)
	if err != nil || len(chain) == 0 {
		return nil, errors.New("this is no certificate in DER or PEM form")
	}
	return chain, nil
}

func certificateOf(x *x509.Certificate) Certificate {
	c := Certificate{
		Thumbprint: fmt.Sprintf("%X", sha1.Sum(x.Raw)), Subject: x.Subject.String(),
		// The rest of a chain may lie behind it in memory.
		NotBefore: x.NotBefore, NotAfter: x.NotAfter, DER: append([]byte(nil), x.Raw...),
	}
	if len(x.URIs) > 0 {
		c.ApplicationURI = x.URIs[0].String()
	}
	return c
}

// OwnCertificate is the gateway's certificate in a folder. It is made if there
// is none; it may have expired.
func OwnCertificate(dir string) (Certificate, error) {
	id, err := loadIdentity(dir, time.Now())
	if err == nil {
		return ParseCertificate(id.der)
	}
	if raw, rerr := os.ReadFile(filepath.Join(dir, identityFile)); rerr == nil {
		if c, perr := ParseCertificate(raw); perr == nil && time.Now().After(c.NotAfter) {
			return c, nil
		}
	}
	return Certificate{}, err
}

// RenewCertificate makes another certificate and key for the gateway. The ones
// before are kept beside them with the ending .old. Every server must then be
// told to trust the certificate it returns; connections use it from their next
// attempt on.
func RenewCertificate(dir string) (Certificate, error) {
	file := filepath.Join(dir, identityFile)
	raw, err := os.ReadFile(file)
	if err == nil {
		err = writeFile(file+".old", raw, 0o600, true)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Certificate{}, fmt.Errorf("the gateway's certificate can not be kept aside: %w", err)
	}
	if err := createIdentity(dir, time.Now(), true); err != nil {
		return Certificate{}, fmt.Errorf("the gateway's certificate can not be made in %s: %w", dir, err)
	}
	return OwnCertificate(dir)
}
