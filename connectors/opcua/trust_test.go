package opcua

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// issued is a certificate that a test has made, with its key.
type issued struct {
	*x509.Certificate
	key *rsa.PrivateKey
}

// issue makes a certificate for a server on loopback; by may be nil for one
// that vouches for itself.
func issue(t *testing.T, by *issued, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "press 4"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		URIs: []*url.URL{{Scheme: "urn", Opaque: "press4"}}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.Subject.CommonName = true, x509.KeyUsageCertSign, "plant"
	c.NotBefore = time.Now().AddDate(-10, 0, 0)
}

// condition is the detail of a condition; empty if it does not hold.
func condition(c *Connector, kind connectors.Trouble) string {
	for _, n := range c.Conditions() {
		if n.Trouble == kind {
			return n.Subject + ":" + n.Detail
		}
	}
	return ""
}

// TestPinned meets a server that changes its certificate over a real
// connection; the certificate protects the password.
func TestPinned(t *testing.T) {
	first, second := issue(t, nil, nil), issue(t, nil, nil)
	p := startPLC(t)
	p.is("Counter", uint32(1))
	show := func(der []byte) {
		ep := offer(ua.SecurityPolicyURINone, ua.MessageSecurityModeNone, ua.SecurityPolicyURIBasic256Sha256)
		ep.ServerCertificate = der
		p.with(func() { p.endpoints, p.certificate = []*ua.EndpointDescription{ep}, der })
	}
	show(first.Raw)
	cfg := dialling(p.addr)
	cfg.User, cfg.Password, cfg.CertificateDir = "gateway", "geheim", t.TempDir()
	if _, err := Pinned(cfg.CertificateDir, cfg.Endpoint); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first attempt: %v", err)
	}
	r := run(t, cfg, tagsOf("Counter"))
	r.WaitUp(t, within)
	r.stop()
	r.done.Wait()
	if pin, err := Pinned(cfg.CertificateDir, cfg.Endpoint); err != nil || !slices.Equal(pin.DER, first.Raw) {
		t.Fatalf("%v is pinned, %v", pin, err)
	}

	show(second.Raw)
	p.with(func() { p.token = nil })
	r = run(t, cfg, tagsOf("Counter"))
	err := r.end(t)
	want(t, err, certificateOf(first.Certificate).Thumbprint, certificateOf(second.Certificate).Thumbprint, "press 4", "certificate trust")
	if !errors.Is(err, errUntrusted) || condition(r.c, connectors.CertificateUntrusted) == "" {
		t.Errorf("conditions %+v after %v", r.c.Conditions(), err)
	}
	p.with(func() {
		if p.token != nil {
			t.Error("a user was told to a server that is not trusted")
		}
	})
	refused := rejectedFile(cfg.CertificateDir, certificateOf(second.Certificate))
	if raw, err := os.ReadFile(refused); err != nil || !slices.Equal(raw, second.Raw) {
		t.Errorf("the refused certificate is not kept: %v", err)
	}

	// A person accepts it; the next attempt of the same connector goes on.
	// The server sends its chain, and of that only the leaf counts.
	offered, err := Offered(t.Context(), cfg)
	if err != nil || !slices.Equal(offered, second.Raw) {
		t.Fatalf("offered are %d bytes, %v", len(offered), err)
	}
	if err := Accept(cfg.CertificateDir, cfg.Endpoint, offered); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(refused); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the accepted certificate is still among the refused: %v", err)
	}
	show(append(slices.Clone(second.Raw), first.Raw...))
	s, err := r.c.openSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.ch.close()
	if got := r.c.Conditions(); got != nil {
		t.Errorf("after it was accepted: %+v", got)
	}
}

func TestTrustList(t *testing.T) {
	plant := issue(t, nil, authority)
	step := issue(t, plant, authority)
	stranger := issue(t, nil, nil)
	good := issue(t, step, nil)
	host := issue(t, plant, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"plc.invalid"} })
	nobody := issue(t, plant, func(c *x509.Certificate) { c.IPAddresses = nil })
	old := issue(t, plant, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().AddDate(-2, 0, 0), time.Now().AddDate(-1, 0, 0)
	})
	early := issue(t, nil, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().AddDate(1, 0, 0), time.Now().AddDate(2, 0, 0)
	})
	soon := issue(t, plant, func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(0, 0, 30) })
	ends := issue(t, plant, func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, 0, 30) })
	chain := func(certs ...*issued) (out []byte) {
		for _, c := range certs {
			out = append(out, c.Raw...)
		}
		return out
	}
	for _, tc := range []struct {
		name       string
		shown      []byte
		uri        string
		ignoreHost bool
		refusal    string
		expiring   bool
	}{
		{"chain of three", chain(good, step, plant), "urn:press4", false, "", false},
		{"chain without its root", chain(good, step), "urn:press4", false, "", false},
		{"a step is missing", chain(good), "urn:press4", false, "nor an authority", false},
		{"listed itself", chain(early), "urn:press4", false, "valid only from", true},
		{"stranger", chain(stranger), "urn:press4", false, "nor an authority", false},
		{"stranger with the root behind it", chain(stranger, plant), "urn:press4", false, "nor an authority", false},
		{"another application", chain(good, step), "urn:press5", false, `for the application "urn:press4", but the server calls itself "urn:press5"`, false},
		{"another host", chain(host), "urn:press4", false, "not for the host 127.0.0.1 but for plc.invalid", false},
		{"no host", chain(nobody), "urn:press4", false, "but for none at all", false},
		{"another host, ignored", chain(host), "urn:press4", true, "", false},
		{"expired", chain(old), "urn:press4", false, "the clock here says", true},
		{"issued, not valid yet", chain(soon), "urn:press4", false, "valid only from", true},
		{"ends soon", chain(ends), "urn:press4", false, "", true},
		{"garbage", []byte("garbage"), "urn:press4", false, "can not be read", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := dialling("127.0.0.1:4840")
			cfg.Security, cfg.Trust, cfg.IgnoreHost, cfg.CertificateDir = SecurityAes256, TrustList, tc.ignoreHost, t.TempDir()
			for name, content := range map[string][]byte{"plant.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plant.Raw}), "early.der": early.Raw, "readme.txt": []byte("none")} {
				file := filepath.Join(cfg.CertificateDir, trustedFolder, name)
				if err := errors.Join(makeFolder(file), os.WriteFile(file, content, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := New(cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = c.judge(&ua.EndpointDescription{ServerCertificate: tc.shown, Server: &ua.ApplicationDescription{ApplicationURI: tc.uri}}, time.Now())
			if tc.refusal == "" && err != nil {
				t.Error(err)
			}
			if tc.refusal != "" {
				want(t, err, tc.refusal)
				if !errors.Is(err, errUntrusted) {
					t.Errorf("%v is not known as a refusal", err)
				}
			}
			if held := condition(c, connectors.CertificateExpiring); (held != "") != tc.expiring {
				t.Errorf("the condition of its end is %q", held)
			}
		})
	}
}

// TestPinNeedsAFolder: where a certificate can not be kept, it is not trusted,
// and no other connection's endpoint text makes a second pin.
func TestPinNeedsAFolder(t *testing.T) {
	first := issue(t, nil, nil)
	ep := &ua.EndpointDescription{ServerCertificate: first.Raw}
	connector := func(endpoint, dir string) *Connector {
		c, err := New(Config{Endpoint: endpoint, Security: SecurityBasic256Sha256, CertificateDir: dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	dir := t.TempDir()
	// A folder that leads nowhere can not be written to, not even by root.
	if err := os.Symlink(filepath.Join(dir, "gone", "away"), filepath.Join(dir, pinnedFolder)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		want(t, connector("opc.tcp://plc", dir).judge(ep, time.Now()), "can not be kept", "must be writable")
	}
	dir = t.TempDir()
	if err := connector("opc.tcp://PLC.Plant", dir).judge(ep, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{"opc.tcp://plc.plant", "opc.tcp://plc.PLANT:4840/path"} {
		if pin, err := Pinned(dir, same); err != nil || !slices.Equal(pin.DER, first.Raw) {
			t.Errorf("%s has the pin %v, %v", same, pin, err)
		}
		want(t, connector(same, dir).judge(&ua.EndpointDescription{ServerCertificate: issue(t, nil, nil).Raw}, time.Now()), "another one than before")
	}
}

// TestRejectedAreBounded: a network that shows one certificate after the other
// does not fill the disk.
func TestRejectedAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range rejectedMost + 5 {
		reject(dir, Certificate{Thumbprint: big.NewInt(int64(i)).String(), DER: []byte{1}})
	}
	if files, err := os.ReadDir(filepath.Join(dir, rejectedFolder)); err != nil || len(files) != rejectedMost {
		t.Errorf("%d files are kept, %v", len(files), err)
	}
}

func TestRenewCertificate(t *testing.T) {
	dir := t.TempDir()
	before, err := OwnCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := RenewCertificate(dir)
	if err != nil || after.Thumbprint == before.Thumbprint || after.ApplicationURI != before.ApplicationURI {
		t.Fatalf("%s became %s, %v", before, after, err)
	}
	again, err := OwnCertificate(dir)
	if err != nil || again.Thumbprint != after.Thumbprint {
		t.Errorf("the next call gives %s, %v", again, err)
	}
	if exported, err := os.ReadFile(filepath.Join(dir, exportFile)); err != nil || !slices.Equal(exported, after.DER) {
		t.Errorf("the export is not the certificate: %v", err)
	}
	if old, err := ParseCertificate(mustRead(t, filepath.Join(dir, identityFile+".old"))); err != nil || old.Thumbprint != before.Thumbprint {
		t.Errorf("kept aside is %s, %v", old, err)
	}
	if same, err := ParseCertificate(after.PEM()); err != nil || same.Thumbprint != after.Thumbprint {
		t.Errorf("as text it is %s, %v", same, err)
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
