//go:build unix

package conformance

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/opcua"
)

const (
	publishing  = time.Second
	opcuaAnswer = 2 * time.Second
)

// plc is a node-opcua server under the suite.
type plc struct {
	*process
	options plcOptions
	name    string // of the case
	pki     string // of the connector
	hogging sync.WaitGroup
	release context.CancelFunc
}

// plcOptions are the argument of testdata/opcua.js.
type plcOptions struct {
	Port        int      `json:"port"`
	Folder      string   `json:"folder"`
	Namespaces  []string `json:"namespaces"`
	UsersOnly   bool     `json:"usersOnly"`
	MaxSessions int      `json:"maxSessions"`
	Certificate string   `json:"certificate,omitempty"`
	Key         string   `json:"key,omitempty"`
}

// plcSessions leaves room for the session under test, for one that the server
// still holds after its connection was cut, and for one more.
const plcSessions = 3

func servePLC(t testing.TB, modules string, c connectortest.Case) *plc {
	t.Helper()
	s := &plc{name: c.Name, pki: t.TempDir(), options: plcOptions{
		Folder: t.TempDir(), Namespaces: []string{"urn:a", "urn:plant"}, MaxSessions: 2000,
		UsersOnly: c.Name == connectortest.PasswordChanged,
	}}
	if c.Name == connectortest.CertificateReplaced || c.Name == connectortest.CertificateEnded {
		s.options.Certificate, s.options.Key = selfSigned(t, t.TempDir(), time.Now().Add(time.Hour))
	}
	if c.Name == connectortest.SessionsTaken {
		s.options.MaxSessions = plcSessions
	}
	if _, err := fmt.Sscan(free(t), &s.options.Port); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	s.process = run(t, func() *exec.Cmd {
		arg, _ := json.Marshal(s.options) // numbers and texts
		cmd := exec.Command("node", filepath.Join("testdata", "opcua.js"), string(arg))
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "HOME="+home)
		return cmd
	})
	t.Cleanup(func() { _ = s.leave() })
	return s
}

func (s *plc) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.options.Port) }

func (s *plc) Set(v uint64) error { return s.say("set %d", v) }

// Clock implements connectortest.Clocked.
func (s *plc) Clock(ahead time.Duration) error { return s.say("clock %d", int(ahead/time.Second)) }

// Sessions implements connectortest.Sessioner.
func (s *plc) Sessions() (int, error) {
	said, err := s.ask("sessions")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(said)
}

func (s *plc) Connect(t testing.TB, addr string) connectors.Connector {
	t.Helper()
	cfg := opcua.Config{Endpoint: "opc.tcp://" + addr, Publishing: publishing, Timeout: opcuaAnswer, CertificateDir: s.pki}
	switch s.name {
	case connectortest.PasswordChanged:
		cfg.User, cfg.Password = "gateway", "right"
	case connectortest.CertificateReplaced, connectortest.CertificateEnded:
		cfg.Security, cfg.IgnoreHost = opcua.SecurityBasic256Sha256, true
	}
	c, err := opcua.New(cfg, []connectors.Tag{
		{Address: "nsu=urn:plant;s=Count", Bit: connectors.NoBit},
		{Address: "i=2259", Bit: connectors.NoBit}, // the server's state
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *plc) Fault(name string) (connectortest.Fault, bool) {
	switch name {
	case connectortest.Stopped:
		return connectortest.Fault{Begin: s.stop, End: s.start}, true
	case connectortest.Frozen:
		return s.frozen(), true
	case connectortest.Downloaded:
		return connectortest.Fault{Begin: s.stop, End: func() error {
			s.options.Namespaces = []string{"urn:b", "urn:plant", "urn:a", "urn:c"}
			return s.start()
		}}, true
	case connectortest.Moved:
		return connectortest.Fault{Begin: s.saying("moved"), End: s.saying("back")}, true
	case connectortest.Vanished:
		return connectortest.Fault{Begin: s.saying("gone"), End: s.saying("back")}, true
	case connectortest.SessionsTaken:
		return connectortest.Fault{Begin: s.occupy, End: s.leave}, true
	case connectortest.PasswordChanged:
		return connectortest.Fault{Begin: s.saying("password another"), End: s.saying("password right")}, true
	case connectortest.CertificateReplaced, connectortest.CertificateEnded:
		valid := time.Hour
		if name == connectortest.CertificateEnded {
			valid = -time.Hour
		}
		other, key := selfSigned(s.t, s.t.TempDir(), time.Now().Add(valid))
		return connectortest.Fault{
			Begin: s.certified(other, key),
			End:   s.certified(s.options.Certificate, s.options.Key),
		}, true
	}
	return connectortest.Fault{}, false
}

// certified restarts the server with another certificate.
func (s *plc) certified(cert, key string) func() error {
	return func() error {
		if err := s.stop(); err != nil {
			return err
		}
		s.options.Certificate, s.options.Key = cert, key
		return s.start()
	}
}

// occupy opens the sessions that are left.
func (s *plc) occupy() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.release = cancel
	up := make(chan struct{}, plcSessions)
	for range plcSessions - 1 {
		c := s.Connect(s.t, s.Addr())
		s.hogging.Go(func() {
			_ = c.Run(ctx, func(b connectors.Batch) {
				if b.Link == connectors.LinkUp {
					up <- struct{}{}
				}
			})
		})
	}
	for range plcSessions - 1 {
		select {
		case <-up:
		case <-ctx.Done():
			return fmt.Errorf("other clients get no session: %w", ctx.Err())
		}
	}
	return nil
}

// leave closes the sessions of others. It may be called twice.
func (s *plc) leave() error {
	if s.release != nil {
		s.release()
	}
	s.hogging.Wait()
	return nil
}

func nodeOPCUA(t *testing.T) (connectortest.Subject, string) {
	modules := connectortest.NodeModules(t, "../..", "node-opcua")
	text, err := os.ReadFile(filepath.Join(modules, "node-opcua", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ Version string }
	if err := json.Unmarshal(text, &about); err != nil {
		t.Fatal(err)
	}
	return withCable(t, connectortest.Subject{
		Protocol: "OPC UA", Peer: "node-opcua", Lanes: 4,
		Silent: 3 * publishing, Late: 3 * opcuaAnswer / 2, Slow: opcuaAnswer / 4,
		Foreign: foreignRequest,
		Cannot: map[string]string{
			connectortest.SessionsKept:      "no broker",
			connectortest.SessionsForgotten: "no broker",
		},
		Serve: func(t testing.TB, c connectortest.Case) connectortest.Source { return servePLC(t, modules, c) },
	}), strings.TrimSpace(about.Version)
}

// foreignRequest gives the answers in a chunk the number of another request.
func foreignRequest(chunk []byte) {
	for len(chunk) >= 24 {
		size := int(binary.LittleEndian.Uint32(chunk[4:]))
		if string(chunk[:3]) == "MSG" {
			chunk[23] ^= 0x55
		}
		if size < 8 || size > len(chunk) {
			return
		}
		chunk = chunk[size:]
	}
}
