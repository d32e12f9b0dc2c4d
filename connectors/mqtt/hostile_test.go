package mqtt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// scripted answers each packet of a kind with given bytes, to every client.
// No bytes for a packet that comes mean that the connection is closed.
func scripted(t *testing.T, answers map[byte]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serveScript(conn, answers)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func serveScript(conn net.Conn, answers map[byte]string) {
	defer func() { _ = conn.Close() }()
	for {
		_ = conn.SetDeadline(time.Now().Add(patience))
		var head [2]byte // all requests of these tests are short
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(head[1])); err != nil {
			return
		}
		answer, ok := answers[head[0]>>4]
		if !ok {
			return
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

const accepted = "\x20\x02\x00\x00"

func TestBrokersThatMisbehave(t *testing.T) {
	for _, c := range []struct {
		name, want string
		answers    map[byte]string
	}{
		{"wrong version", "does not speak MQTT 3.1.1", map[byte]string{typeConnect: "\x20\x02\x00\x01"}},
		{"client id", "does not accept the client id \"gateway\"", map[byte]string{typeConnect: "\x20\x02\x00\x02"}},
		{"unavailable", "not ready for clients", map[byte]string{typeConnect: "\x20\x02\x00\x03"}},
		{"password", "does not accept user and password", map[byte]string{typeConnect: "\x20\x02\x00\x04"}},
		{"not authorised", "does not let this client in", map[byte]string{typeConnect: "\x20\x02\x00\x05"}},
		{"unknown refusal", "", map[byte]string{typeConnect: "\x20\x02\x00\x77"}},
		{"closes at once", "is this its TLS port?", nil},
		{"another first packet", "", map[byte]string{typeConnect: "\xd0\x00"}},
		{"another protocol", "", map[byte]string{typeConnect: "HTTP/1.1 400 Bad Request\r\n\r\n"}},
		{"reserved packet", "", map[byte]string{typeConnect: accepted, typeSubscribe: "\xf0\x00"}},
		{"length without end", "", map[byte]string{typeConnect: accepted, typeSubscribe: "\x30\xff\xff\xff\xff\xff\xff"}},
		{"huge packet", "larger than 16 MiB", map[byte]string{typeConnect: accepted, typeSubscribe: "\x30\xff\xff\xff\x7f"}},
		{"huge greeting", "larger than 16 MiB", map[byte]string{typeConnect: "\x20\xff\xff\xff\x7f"}},
		{"too many results", "more results than were asked for", map[byte]string{typeConnect: accepted, typeSubscribe: "\x90\x04\x00\x01\x01\x01"}},
		{"no results", "", map[byte]string{typeConnect: accepted, typeSubscribe: "\x90\x02\x00\x01"}},
		{"short message", "", map[byte]string{typeConnect: accepted, typeSubscribe: "\x30\x01\x00"}},
		{"closes on subscribe", "during the subscription", map[byte]string{typeConnect: accepted}},
		{"silent on subscribe", "did not answer the subscription within 300ms", map[byte]string{typeConnect: accepted, typeSubscribe: ""}},
		{"silent on ping", "did not answer the keep-alive within 300ms", map[byte]string{typeConnect: accepted, typeSubscribe: "\x90\x03\x00\x01\x01", typePingreq: ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := scripted(t, c.answers)
			con := connector(t, Config{Broker: "tcp://" + addr, ClientID: "gateway", KeepAlive: time.Second,
				Timeout: 300 * time.Millisecond}, tag("a", ""))
			r := start(t, con, nil)
			if c.name == "no results" { // a refusal of a kind, not the end
				r.waitTexts(t, 0, "bad: the broker refused the subscription")
				return
			}
			err := r.wait(t, patience)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), addr) {
				t.Errorf("Run says %v, want ...%s... and %s", err, c.want, addr)
			}
		})
	}
}

// FuzzFrame: however a stream is cut into reads, the guard sees the headers
// that the library sees, and never a packet that it was to refuse.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(accepted+"\x90\x03\x00\x01\x01\x30\x05\x00\x01a12"), uint8(3))
	f.Add([]byte("\x30\xff\xff\xff\x7f"), uint8(1))
	f.Add([]byte("\x30\x80\x80\x80\x80\x01"), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		type head struct {
			kind   byte
			length int
		}
		var seen []head
		var frame frame
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(size%16)+1)
			if err := frame.feed(rest[:n], func(kind byte, length int) error {
				seen = append(seen, head{kind, length})
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		reader := bytes.NewReader(stream)
		for _, h := range seen {
			if h.length > maxPacket {
				return // the guard would have ended it here
			}
			before := reader.Len()
			if kind := stream[len(stream)-before] >> 4; kind != h.kind {
				t.Fatalf("the guard saw a packet of kind %d, it is %d", h.kind, kind)
			}
			if _, err := packets.ReadPacket(reader); err != nil {
				return // the library ends the connection here
			}
			if header := before - reader.Len() - h.length; header < 2 || header > 5 {
				t.Fatalf("the guard saw %d bytes to come, the library took %d in all", h.length, before-reader.Len())
			}
		}
	})
}

// authority is a CA of this test alone.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Plant CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{cert: cert, key: key, dir: t.TempDir()}
	a.write(t, "ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes name.pem and name.key for a host, valid until then.
func (a *authority) issue(t *testing.T, name, host string, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, DNSNames: []string{host},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+".pem", "CERTIFICATE", der)
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+".key", "EC PRIVATE KEY", keyDER)
}

// serveTLS accepts, finishes the handshake and closes.
func (a *authority) serveTLS(t *testing.T, name string, auth tls.ClientAuthType) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.file(name+".pem"), a.file(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: auth, ClientCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serveScript(conn, map[byte]string{typeConnect: "\x20\x02\x00\x05"})
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func TestTLSTroubleInWords(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	ours.issue(t, "broker", "broker.plant", time.Now().Add(time.Hour))
	ours.issue(t, "expired", "broker.plant", time.Now().Add(-time.Minute))
	open := ours.serveTLS(t, "broker", tls.NoClientCert)
	closed := ours.serveTLS(t, "broker", tls.RequireAndVerifyClientCert)
	expired := ours.serveTLS(t, "expired", tls.NoClientCert)
	plain := scripted(t, map[byte]string{})
	good := Config{CA: ours.file("ca.pem"), ServerName: "broker.plant"}
	for _, c := range []struct {
		name, addr, want string
		change           func(*Config)
	}{
		{"all right", open, "does not let this client in", func(*Config) {}},
		{"unknown authority", open, "unknown authority", func(c *Config) { c.CA = other.file("ca.pem") }},
		{"system authorities", open, "unknown authority", func(c *Config) { c.CA = "" }},
		{"wrong host name", open, "another host name", func(c *Config) { c.ServerName = "" }},
		{"expired", expired, "expired", func(*Config) {}},
		{"certificate wanted", closed, "client certificate", func(*Config) {}},
		{"certificate given", closed, "does not let this client in", func(c *Config) {
			c.Certificate, c.Key = ours.file("broker.pem"), ours.file("broker.key")
		}},
		{"no TLS there", plain, "TLS", func(*Config) {}},
		{"TLS there", open, "TLS port", func(c *Config) { *c = Config{Broker: "tcp://" + open} }},
	} {
		cfg := good
		cfg.Broker = "ssl://" + c.addr
		c.change(&cfg)
		err := connector(t, cfg, tag("a", "")).Run(t.Context(), func(connectors.Batch) {})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.addr) {
			t.Errorf("%s: Run says %v, want ...%s...", c.name, err, c.want)
		}
	}
}
