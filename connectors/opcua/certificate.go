package opcua

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// identityFile holds the gateway's certificate and its private key
	// together, so that they can not be separated.
	identityFile = "opcua-gateway.pem"
	// exportFile is the certificate alone, in the form that servers import.
	exportFile = "opcua-gateway.der"
	keyBits    = 2048
	validYears = 20
)

// identity is the gateway's application certificate.
type identity struct {
	der    []byte
	key    *rsa.PrivateKey
	uri    string // the application URI that the certificate speaks for
	export string // the file to import into a server
	shown  Certificate
}

// thumbprint is how OPC UA tools name a certificate.
func (id *identity) thumbprint() string { return id.shown.Thumbprint }

// loadIdentity reads the certificate of a folder, and makes one if the folder
// has none. One that is there and can not be used is an error: a new one would
// have to be trusted by every server again.
func loadIdentity(dir string, now time.Time) (*identity, error) {
	file := filepath.Join(dir, identityFile)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createIdentity(dir, now, false); err != nil {
			return nil, fmt.Errorf("the gateway's certificate can not be made in %s: %w; the folder must be writable by the gateway", dir, err)
		}
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("the gateway's certificate can not be read: %w; the file must be readable by the gateway", err)
	}
	id, err := parseIdentity(raw, now)
	if err != nil {
		return nil, fmt.Errorf("the gateway's certificate %s: %w; restore the file from a backup, or delete it to have a new one made, which every server must then be told to trust", file, err)
	}
	id.export = filepath.Join(dir, exportFile)
	if old, err := os.ReadFile(id.export); err != nil || string(old) != string(id.der) {
		if err := writeFile(id.export, id.der, 0o644, true); err != nil {
			return nil, fmt.Errorf("the gateway's certificate can not be copied for import into servers: %w", err)
		}
	}
	return id, nil
}

// parseIdentity reads and checks the content of an identity file.
func parseIdentity(raw []byte, now time.Time) (*identity, error) {
	var id identity
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE" && id.der == nil:
			id.der = block.Bytes
		case block.Type == "PRIVATE KEY" && id.key == nil:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the private key can not be read")
			}
			var ok bool
			if id.key, ok = key.(*rsa.PrivateKey); !ok {
				return nil, errors.New("the private key is not an RSA key")
			}
		}
	}
	if id.der == nil || id.key == nil {
		return nil, errors.New("it does not hold a certificate and a private key in PEM form")
	}
	cert, err := x509.ParseCertificate(id.der)
	if err != nil {
		return nil, fmt.Errorf("it can not be read: %w", err)
	}
	switch {
	case !id.key.PublicKey.Equal(cert.PublicKey):
		return nil, errors.New("certificate and private key do not belong together")
	case id.key.Size()*8 < keyBits:
		return nil, fmt.Errorf("its key has %d bits; OPC UA needs %d to 4096", id.key.Size()*8, keyBits)
	case len(cert.URIs) == 0:
		return nil, errors.New("it names no application URI")
	case now.After(cert.NotAfter):
		return nil, fmt.Errorf("it expired on %s; make another one with `prodsmart-gateway certificate renew`", cert.NotAfter.Format(time.DateOnly))
	case now.Before(cert.NotBefore):
		return nil, fmt.Errorf("it is valid only from %s; is the clock of this machine right?", cert.NotBefore.Format(time.DateOnly))
	}
	id.shown = certificateOf(cert)
	id.der, id.uri = id.shown.DER, id.shown.ApplicationURI
	return &id, nil
}

// createIdentity makes the identity file. Unless replace is set, one that is
// there, perhaps made by somebody else at the same time, stays.
func createIdentity(dir string, now time.Time, replace bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	host := hostName()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "prodsmart-gateway@" + host, Organization: []string{"prodsmart-gateway"}},
		// The clock of a PLC may be late.
		NotBefore:             now.AddDate(0, 0, -2),
		NotAfter:              now.AddDate(validYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		SignatureAlgorithm:    x509.SHA256WithRSA,
		URIs:                  []*url.URL{{Scheme: "urn", Opaque: strings.TrimPrefix(applicationURI(host), "urn:")}},
		DNSNames:              []string{host},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return writeFile(filepath.Join(dir, identityFile), both, 0o600, replace)
}

// writeFile makes a file appear whole or not at all. Unless replace is set, a
// file that is there already stays, and that is no error.
func writeFile(name string, data []byte, mode fs.FileMode, replace bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".opcua-*")
	if err != nil {
		return err
	}
	defer func() {
		if rerr := os.Remove(f.Name()); err == nil && rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = rerr
		}
	}()
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if !replace {
		// A link, unlike a rename, does not take the place of what is there.
		err := os.Link(f.Name(), name)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		// Some file systems have no links.
	}
	return os.Rename(f.Name(), name)
}

// applicationURI names this installation to servers.
func applicationURI(host string) string {
	return "urn:" + host + ":prodsmart-gateway"
}

// hostName is this machine's name in letters that a URI and a certificate take.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		name = ""
	}
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '-'
	}, name)
	if name = strings.Trim(name, "-."); name == "" {
		return "localhost"
	}
	return name
}
