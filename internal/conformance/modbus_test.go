//go:build unix

package conformance

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
)

const (
	poll        = 500 * time.Millisecond
	pollTimeout = time.Second
)

// modbusTCP is a Modbus TCP server under the suite.
type modbusTCP struct {
	*process
	addr string
	// scheme is how the connector speaks to it.
	scheme string
	// empty makes the next start serve no register at all.
	empty bool
	// hog is the connection of another client.
	hog     net.Conn
	hogging sync.WaitGroup
}

// serveModbus starts a program with a port, and "empty", as arguments.
func serveModbus(t testing.TB, name string, args ...string) *modbusTCP {
	t.Helper()
	port := free(t)
	m := &modbusTCP{addr: "127.0.0.1:" + port, scheme: "tcp://"}
	m.process = run(t, func() *exec.Cmd {
		all := append(append([]string{}, args...), port)
		if m.empty {
			all = append(all, "empty")
		}
		return exec.Command(name, all...)
	})
	t.Cleanup(func() { _ = m.leave() })
	return m
}

func (m *modbusTCP) Addr() string { return m.addr }

func (m *modbusTCP) Set(v uint64) error { return m.say("set %d", v) }

func (m *modbusTCP) Connect(t testing.TB, addr string) connectors.Connector {
	t.Helper()
	return m.reads(t, m.scheme+addr)
}

// reads makes a connector for an address.
func (m *modbusTCP) reads(t testing.TB, address string) connectors.Connector {
	t.Helper()
	c, err := modbus.New(modbus.Config{Address: address, Every: poll, Timeout: pollTimeout}, []connectors.Tag{
		{Address: "holding:10", Type: "uint32", Bit: connectors.NoBit},
		{Address: "holding:200", Type: "uint16", Bit: connectors.NoBit},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (m *modbusTCP) Fault(name string) (connectortest.Fault, bool) {
	switch name {
	case connectortest.Stopped:
		return connectortest.Fault{Begin: m.stop, End: m.start}, true
	case connectortest.Frozen:
		return m.frozen(), true
	case connectortest.Downloaded:
		return connectortest.Fault{Begin: m.download, End: m.saying("back")}, true
	case connectortest.Moved:
		return connectortest.Fault{Begin: m.saying("moved"), End: m.saying("back")}, true
	case connectortest.Vanished:
		return connectortest.Fault{Begin: m.saying("gone"), End: m.saying("back")}, true
	case connectortest.SessionsTaken:
		return connectortest.Fault{Begin: m.occupy, End: m.leave}, true
	}
	return connectortest.Fault{}, false
}

// download restarts the device without any register.
func (m *modbusTCP) download() error {
	m.empty = true
	if err := m.stop(); err != nil {
		return err
	}
	return m.start()
}

// occupy is another client that waits for its turn, which comes when the
// connection of the suite is cut. It asks often enough not to be given up.
func (m *modbusTCP) occupy() error {
	conn, err := net.Dial("tcp", m.addr)
	if err != nil {
		return err
	}
	m.hog = conn
	m.hogging.Go(func() {
		buffer := make([]byte, 64)
		for {
			if _, err := conn.Write([]byte{0, 1, 0, 0, 0, 6, 1, 3, 0, 200, 0, 1}); err != nil {
				return
			}
			if _, err := conn.Read(buffer); err != nil {
				return
			}
			<-time.After(50 * time.Millisecond)
		}
	})
	return nil
}

// leave gives the connection back. It may be called twice.
func (m *modbusTCP) leave() error {
	if m.hog != nil {
		_ = m.hog.Close()
	}
	m.hogging.Wait()
	return nil
}

// modbusSubject is what both makes have in common.
func modbusSubject(t *testing.T, peer string, cannot map[string]string, serve func(testing.TB) *modbusTCP) connectortest.Subject {
	all := map[string]string{
		connectortest.CertificateReplaced: "Modbus TCP has no certificates",
		connectortest.CertificateEnded:    "Modbus TCP has no certificates",
		connectortest.PasswordChanged:     "Modbus has no passwords",
		connectortest.SessionsKept:        "no broker",
		connectortest.SessionsForgotten:   "no broker",
		connectortest.ClockJumped:         "Modbus carries no time",
	}
	for name, why := range cannot {
		all[name] = why
	}
	return withCable(t, connectortest.Subject{
		Protocol: "Modbus TCP", Peer: peer, Lanes: 4, Cannot: all,
		// Three unanswered polls, each a timeout long, and one more timeout.
		Silent: 4 * pollTimeout, Late: 3 * pollTimeout / 2, Slow: pollTimeout / 3,
		// Another transaction number than the one of the request.
		Foreign: func(b []byte) {
			if len(b) > 2 {
				b[0] ^= 0x55
			}
		},
		Serve: func(t testing.TB, _ connectortest.Case) connectortest.Source { return serve(t) },
	})
}

func pymodbus(t *testing.T) (connectortest.Subject, string) {
	const python = "/usr/bin/python3"
	out, err := exec.Command(python, "-c", "import pymodbus.server; print(pymodbus.__version__)").CombinedOutput()
	if err != nil {
		connectortest.Lacking(t, "python3-pymodbus", fmt.Errorf("%w: %s", err, out))
	}
	cannot := map[string]string{connectortest.SessionsTaken: "pymodbus takes any number of connections"}
	s := modbusSubject(t, "pymodbus", cannot, func(t testing.TB) *modbusTCP {
		return serveModbus(t, python, filepath.Join("testdata", "modbus.py"))
	})
	return s, strings.TrimSpace(string(out))
}

func libmodbus(t *testing.T) (connectortest.Subject, string) {
	out, err := exec.Command("pkg-config", "--modversion", "libmodbus").CombinedOutput()
	if err != nil {
		connectortest.Lacking(t, "libmodbus-dev", fmt.Errorf("%w: %s", err, out))
	}
	version := strings.TrimSpace(string(out))
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libmodbus").CombinedOutput()
	if err != nil {
		t.Fatalf("pkg-config: %v: %s", err, flags)
	}
	program := filepath.Join(t.TempDir(), "modbus")
	args := append([]string{"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program, filepath.Join("testdata", "modbus.c")}, strings.Fields(string(flags))...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		if _, missing := exec.LookPath("gcc"); missing != nil {
			connectortest.Lacking(t, "gcc", missing)
		}
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	s := modbusSubject(t, "libmodbus, one client at a time", nil, func(t testing.TB) *modbusTCP { return serveModbus(t, program) })
	return s, version
}

// pymodbusRTU speaks serial frames over TCP, as a converter that is no Modbus
// gateway passes them on.
func pymodbusRTU(t *testing.T) (connectortest.Subject, string) {
	s, version := pymodbus(t)
	s.Protocol, s.Peer = "Modbus RTU over TCP", "pymodbus, RTU frames"
	s.Foreign = func(b []byte) {
		if len(b) > 2 {
			b[0] ^= 0x55 // another unit, and so a wrong checksum
		}
	}
	s.Serve = func(t testing.TB, _ connectortest.Case) connectortest.Source {
		m := serveModbus(t, "/usr/bin/python3", filepath.Join("testdata", "modbus.py"), "rtu")
		m.scheme = "rtuovertcp://"
		return m
	}
	return s, version
}
