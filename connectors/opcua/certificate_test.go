package opcua

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIdentityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	now := time.Now()
	var (
		wait sync.WaitGroup
		ids  [4]*identity
	)
	for i := range ids {
		wait.Go(func() {
			id, err := loadIdentity(dir, now)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, id := range ids {
		if !bytes.Equal(id.der, ids[0].der) {
			t.Error("connections that start together have different certificates")
		}
	}
	cert, err := x509.ParseCertificate(ids[0].der)
	if err != nil {
		t.Fatal(err)
	}
	if cert.NotAfter.Before(now.AddDate(10, 0, 0)) || cert.NotBefore.After(now.Add(-time.Hour)) {
		t.Errorf("valid from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	if len(cert.URIs) != 1 || cert.URIs[0].String() != ids[0].uri || !strings.HasPrefix(ids[0].uri, "urn:") || !strings.HasSuffix(ids[0].uri, ":prodsmart-gateway") {
		t.Errorf("application URI %q, in the certificate %v", ids[0].uri, cert.URIs)
	}
	if ids[0].key.Size() != 256 {
		t.Errorf("the key has %d bytes", ids[0].key.Size())
	}
	info, err := os.Stat(filepath.Join(dir, identityFile))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
	export, err := os.ReadFile(ids[0].export)
	if err != nil || !bytes.Equal(export, ids[0].der) {
		t.Errorf("the export is not the certificate: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if err := os.Remove(ids[0].export); err != nil {
		t.Fatal(err)
	}
	if again, err := loadIdentity(dir, now); err != nil || !bytes.Equal(again.der, ids[0].der) {
		t.Errorf("the next start has another certificate, or %v", err)
	}
}

func TestIdentityIsNotReplaced(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	now := time.Now()
	for _, d := range []string{dir, other} {
		if _, err := loadIdentity(d, now); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, identityFile)
	mine, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join(other, identityFile))
	if err != nil {
		t.Fatal(err)
	}
	certificate, _ := pem.Decode(mine)
	_, key := pem.Decode(theirs)
	for name, content := range map[string][]byte{
		"do not belong together": append(pem.EncodeToMemory(certificate), key...),
		"in PEM form":            mine[:len(mine)/2],
		"certificate and a priv": {},
		"private key can not be": append(pem.EncodeToMemory(certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})...),
		"it can not be read":     append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), key...),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadIdentity(dir, now)
		want(t, err, name, file, "restore the file from a backup, or delete it")
		if left, err := os.ReadFile(file); err != nil || !bytes.Equal(left, content) {
			t.Errorf("%s: the file was touched: %v", name, err)
		}
	}
	if err := os.WriteFile(file, mine, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = loadIdentity(dir, now.AddDate(30, 0, 0))
	want(t, err, "it expired on")
	_, err = loadIdentity(dir, now.AddDate(-1, 0, 0))
	want(t, err, "is the clock of this machine right?")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = loadIdentity(dir, now)
	want(t, err, "can not be read")
	_, err = loadIdentity(filepath.Join(file, "\x00"), now)
	want(t, err, "certificate")
}

func FuzzParseIdentity(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte(""))
	now := time.Now()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if id, err := parseIdentity(raw, now); err == nil && (id.key == nil || id.uri == "") {
			t.Fatalf("%q is accepted as %+v", raw, id)
		}
	})
}
