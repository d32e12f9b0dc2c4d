package sql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	mssql "github.com/microsoft/go-mssqldb"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// certificate makes one for db.plant that vouches for itself, for a server.
func certificate(t *testing.T, dir, user string) (cert, key string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"db.plant"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: raw}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		own(t, path, user)
	}
	return cert, key
}

// encrypted reads over TLS, and refuses servers that are not the one.
func (s *server) encrypted(t *testing.T, c Config) {
	for _, e := range []struct{ mode, ca, name, refused string }{
		{Verify, s.ca, "db.plant", ""}, {Unverified, "", "", ""}, {Verify, "", "db.plant", "authority"}, {Verify, s.ca, "other.plant", "other.plant"}, {Verify, "/nowhere.pem", "", "nowhere.pem"},
	} {
		c.TLS, c.CA, c.ServerName = e.mode, e.ca, e.name
		r, err := source(t, c).ReadOrders(t.Context(), erp.Ask{})
		switch {
		case e.refused == "" && (err != nil || !r.Complete):
			t.Errorf("%+v: %v", e, err)
		case e.refused != "" && (!erp.Is(err, erp.Misconfigured) || !strings.Contains(err.Error(), e.refused)):
			t.Errorf("%+v: %v", e, err)
		}
	}
}

// TestVerdicts: what drivers say that no test here can make a server say.
func TestVerdicts(t *testing.T) {
	c := Config{Dialect: SQLServer, User: "gw", Password: "hidden-word", Database: "erp"}.defaults()
	for number, want := range map[int32]struct {
		fault erp.Fault
		next  string
	}{
		18456: {erp.Denied, "password"}, 4060: {erp.Misconfigured, `"erp"`}, 208: {erp.Misconfigured, "GRANT SELECT ON [dbo].[v] TO [gw]"}, 229: {erp.Denied, "GRANT SELECT ON [dbo].[v] TO [gw]"},
		207: {erp.Misconfigured, "column"}, 1222: {erp.Unavailable, "timeout"}, 8114: {erp.Garbled, "row"}, 1205: {erp.Unavailable, ""},
	} {
		err := c.trouble("read", "dbo.v", fmt.Errorf("login error: %w", mssql.Error{Number: number, Message: "it was hidden-word"}))
		if err.Fault != want.fault || !strings.Contains(err.Next, want.next) || strings.Contains(err.Error(), "hidden-word") {
			t.Errorf("%d: %v %v", number, err.Fault, err)
		}
	}
	if err := c.trouble("read", "v", mysql.ErrNoTLS); err.Fault != erp.Misconfigured || !strings.Contains(err.Next, "tls") {
		t.Error(err)
	}
	if err := c.trouble("read", "v", errors.New("broken pipe")); err.Fault != erp.Unavailable {
		t.Error(err)
	}
}
