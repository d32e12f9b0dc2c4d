package opcua

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// writeFiles writes files below a folder that need not be there.
func writeFiles(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		if err := errors.Join(makeFolder(name), os.WriteFile(name, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// userFiles writes a user's certificate and key, in DER and PEM form.
func userFiles(t *testing.T) (certificate, key string, user *issued) {
	t.Helper()
	user = issue(t, nil, func(c *x509.Certificate) { c.Subject.CommonName = "gateway user" })
	private, err := x509.MarshalPKCS8PrivateKey(user.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "user.der"), filepath.Join(dir, "user.key")
	writeFiles(t, map[string][]byte{
		certificate: user.Raw,
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	})
	return certificate, key, user
}

// TestPeerPolicies connects by each policy and mode, as each kind of user.
func TestPeerPolicies(t *testing.T) {
	t.Parallel()
	folder, mine := t.TempDir(), t.TempDir()
	id, err := loadIdentity(mine, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, user := userFiles(t)
	writeFiles(t, map[string][]byte{
		filepath.Join(folder, "pki", "trusted", "certs", "gateway.der"): id.der,
		filepath.Join(folder, "users", "trusted", "certs", "user.der"):  user.Raw,
	})
	p := startPeer(t, peerOptions{Nodes: []string{"Good"}, Folder: folder})
	tags := peerTags("Good")
	for _, security := range []string{SecurityBasic256Sha256, SecurityAes128, SecurityAes256} {
		for _, mode := range []string{ModeSign, ModeSignAndEncrypt} {
			t.Run(security+" "+mode, func(t *testing.T) {
				cfg := p.config()
				cfg.Security, cfg.Mode, cfg.CertificateDir = security, mode, mine
				if err := once(t, cfg, tags); err != nil {
					t.Errorf("anonymous: %v", err)
				}
				cfg.User, cfg.Password = "gateway", "right"
				if err := once(t, cfg, tags); err != nil {
					t.Errorf("with a password: %v", err)
				}
				cfg.User, cfg.Password, cfg.UserCertificate, cfg.UserKey = "", "", certificate, key
				if err := once(t, cfg, tags); err != nil {
					t.Errorf("with a certificate: %v", err)
				}
			})
		}
	}
	pin, err := Pinned(mine, p.config().Endpoint)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("user's certificate over an open channel", func(t *testing.T) {
		cfg := p.config()
		cfg.CertificateDir, cfg.UserCertificate, cfg.UserKey = mine, certificate, key
		if err := once(t, cfg, tags); err != nil {
			t.Error(err)
		}
	})
	t.Run("user that the server does not know", func(t *testing.T) {
		cfg := p.config()
		cfg.Security, cfg.CertificateDir = SecurityAes256, mine
		cfg.UserCertificate, cfg.UserKey, _ = userFiles(t)
		c, err := New(cfg, tags)
		if err != nil {
			t.Fatal(err)
		}
		want(t, c.Run(t.Context(), func(connectors.Batch) {}), "refuses this user")
		if condition(c, connectors.LoginRefused) == "" {
			t.Errorf("conditions %+v", c.Conditions())
		}
	})
	t.Run("listed", func(t *testing.T) {
		cfg := p.config()
		cfg.Security, cfg.CertificateDir, cfg.Trust, cfg.IgnoreHost = SecurityAes128, t.TempDir(), TrustList, true
		want(t, once(t, cfg, tags), "nor an authority", pin.Thumbprint)
		raw := mustRead(t, rejectedFile(cfg.CertificateDir, pin))
		writeFiles(t, map[string][]byte{filepath.Join(cfg.CertificateDir, trustedFolder, "peer.der"): raw})
		// The server does not know this folder's certificate, but that is
		// found out only when the server's own is trusted.
		want(t, once(t, cfg, tags), "does not trust this gateway")
	})
}

// TestPeerChanges is the life of a server that gets another certificate, and of
// a password that is corrected.
func TestPeerChanges(t *testing.T) {
	t.Parallel()
	mine := t.TempDir()
	id, err := loadIdentity(mine, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trusting := func() string {
		folder := t.TempDir()
		writeFiles(t, map[string][]byte{filepath.Join(folder, "pki", "trusted", "certs", "gateway.der"): id.der})
		return folder
	}
	p := startPeer(t, peerOptions{Nodes: []string{"Good"}, Folder: trusting(), UsersOnly: true, MaxSessions: 1})
	tags := peerTags("Good")
	cfg := p.config()
	cfg.Security, cfg.CertificateDir, cfg.User, cfg.Password = SecurityBasic256Sha256, mine, "gateway", "wrong"
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	attempt := func() error {
		s, err := c.openSession(t.Context())
		if err == nil {
			s.ch.close()
		}
		return err
	}
	want(t, attempt(), "BadUserAccessDenied")
	if condition(c, connectors.LoginRefused) == "" {
		t.Errorf("after a wrong password: %+v", c.Conditions())
	}
	c.cfg.Password = "right"
	if err := attempt(); err != nil || c.Conditions() != nil {
		t.Errorf("after the right password: %v, %+v", err, c.Conditions())
	}

	// The only session is taken by another client.
	other, err := c.openSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, attempt(), "BadTooManySessions")
	if condition(c, connectors.SessionsExhausted) == "" {
		t.Errorf("without a session left: %+v", c.Conditions())
	}
	other.ch.close()
	if err := attempt(); err != nil || c.Conditions() != nil {
		t.Errorf("after the other has gone: %v, %+v", err, c.Conditions())
	}

	// Another folder, another certificate at the same address.
	p.kill()
	p.options.Folder = trusting()
	p.start(t)
	want(t, attempt(), "another one than before", "certificate trust")
	der, err := Offered(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := Accept(mine, cfg.Endpoint, der); err != nil {
		t.Fatal(err)
	}
	if err := attempt(); err != nil || c.Conditions() != nil {
		t.Errorf("after it was accepted: %v, %+v", err, c.Conditions())
	}
}

func TestUserFiles(t *testing.T) {
	certificate, key, user := userFiles(t)
	now := time.Now()
	u, err := loadUser(certificate, key, now)
	if err != nil || !u.key.Equal(user.key) {
		t.Fatal(err)
	}
	_, otherKey, _ := userFiles(t)
	protected := filepath.Join(t.TempDir(), "protected.key")
	old := filepath.Join(t.TempDir(), "old.key")
	writeFiles(t, map[string][]byte{
		protected: pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}),
		old:       pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(user.key)}),
	})
	if u, err := loadUser(certificate, old, now); err != nil || !u.key.Equal(user.key) {
		t.Errorf("a key of the older form: %v", err)
	}
	for _, tc := range []struct {
		certificate, key, refusal string
		at                        time.Time
	}{
		{certificate, otherKey, "do not belong together", now},
		{certificate, protected, "protected by a password", now},
		{certificate, certificate, "no private key", now},
		{key, key, "no certificate", now},
		{filepath.Join(t.TempDir(), "none"), key, "can not be read", now},
		{certificate, filepath.Join(t.TempDir(), "none"), "can not be read", now},
		{certificate, key, "expired on", now.AddDate(3, 0, 0)},
		{certificate, key, "is the clock of this machine right?", now.AddDate(-3, 0, 0)},
	} {
		_, err := loadUser(tc.certificate, tc.key, tc.at)
		want(t, err, tc.refusal)
	}
}
