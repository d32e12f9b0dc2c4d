package modbus

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// rtuPLC is a converter with a slave behind it: RTU frames over TCP. It holds
// what a plc holds.
type rtuPLC struct {
	plc
	listener net.Listener
	all      sync.WaitGroup
	open     map[net.Conn]bool
}

func serveRTUPLC(t testing.TB) *rtuPLC {
	t.Helper()
	p := &rtuPLC{plc: plc{addr: "127.0.0.1:0"}, open: map[net.Conn]bool{}}
	p.Start(t)
	p.addr = p.listener.Addr().String()
	t.Cleanup(func() { p.Stop(t) })
	return p
}

func (p *rtuPLC) Start(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.listener = l
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.open[c] = true
			p.mu.Unlock()
			p.all.Go(func() { p.serve(c) })
		}
	})
}

func (p *rtuPLC) Stop(testing.TB) {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}

func (p *rtuPLC) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		p.mu.Lock()
		delete(p.open, c)
		p.mu.Unlock()
	}()
	for {
		var b [rtuRequest]byte
		if _, err := io.ReadFull(c, b[:]); err != nil || !crcFits(b[:]) {
			return
		}
		if _, err := c.Write(rtuFrame(p.answer(b[1], int(binary.BigEndian.Uint16(b[2:])), int(binary.BigEndian.Uint16(b[4:])))...)); err != nil {
			return
		}
	}
}

func (p *rtuPLC) answer(function byte, start, count int) []byte {
	if start+count > len(p.registers) {
		return []byte{1, function | exceptionBit, exceptionAddress}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	body := []byte{1, function, byte(2 * count)}
	if function <= 2 {
		body = append([]byte{1, function, byte((count + 7) / 8)}, make([]byte, (count+7)/8)...)
		for i := range count {
			if p.bits[start+i] {
				body[3+i/8] |= 1 << (i % 8)
			}
		}
		return body
	}
	for i := range count {
		body = binary.BigEndian.AppendUint16(body, p.registers[start+i])
	}
	return body
}

// lineHarness is the suite's harness for serial frames; address makes the
// connector's address of host:port.
func lineHarness(address func(t testing.TB, addr string) string) connectortest.Harness {
	counter := tag("40011", "uint32")
	counter.Order = "CDAB"
	tags := []connectors.Tag{counter, tag("discrete:3", ""), tag("holding:2000", "")}
	return connectortest.Harness{
		Tags:  tags,
		Serve: func(t testing.TB) connectortest.Peer { return serveRTUPLC(t) },
		Connect: func(t testing.TB, addr string) connectors.Connector {
			return mustNew(t, Config{Address: address(t, addr), Every: 100 * time.Millisecond, Timeout: 150 * time.Millisecond}, tags...)
		},
		ReportsMissing: true,
	}
}

func TestConformanceRTUOverTCP(t *testing.T) {
	connectortest.Run(t, lineHarness(func(_ testing.TB, addr string) string { return "rtuovertcp://" + addr }))
}

// TestConformanceSerial: the port is there while socat holds a connection to
// the slave, as the port of a USB adapter is while it is plugged in. It takes
// most of a minute, so it runs only where all peers are required.
func TestConformanceSerial(t *testing.T) {
	if !connectortest.PeersRequired() {
		t.Skip("runs with PEERS=required only")
	}
	connectortest.Program(t, "socat")
	dir := t.TempDir()
	var mu sync.Mutex
	bridged := map[string]string{}
	connectortest.Run(t, lineHarness(func(t testing.TB, addr string) string {
		mu.Lock()
		defer mu.Unlock()
		if bridged[addr] == "" {
			bridged[addr] = filepath.Join(dir, addr)
			bridge(t, bridged[addr], addr)
		}
		return "rtu://" + bridged[addr]
	}))
}

// bridge makes a serial port that leads to an address, and makes it anew
// whenever the connection or the port was closed, until the test ends.
func bridge(t testing.TB, port, addr string) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		pause := time.NewTicker(20 * time.Millisecond)
		defer pause.Stop()
		for {
			cmd := exec.Command("socat", "pty,raw,echo=0,link="+strings.ReplaceAll(port, ":", `\:`), "tcp:"+addr)
			if err := cmd.Start(); err != nil {
				t.Error(err)
				return
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				_ = cmd.Wait()
			}()
			select {
			case <-done:
				_ = cmd.Process.Kill()
				<-over
				return
			case <-over:
			}
			select {
			case <-done:
				return
			case <-pause.C:
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-ended
	})
	// Where the peer is off the port does not come; that is for the suite.
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); <-ticker.C {
		if _, err := os.Stat(port); err == nil {
			return
		}
	}
}

// TestLineWithWrongSettings: what comes is never an answer, as with a wrong baud
// rate or parity.
func TestLineWithWrongSettings(t *testing.T) {
	addr := strings.TrimPrefix(serveBytes(t, func(c net.Conn, request []byte) error {
		for i := range request {
			request[i] = request[i]<<1 | 1
		}
		_, err := c.Write(request[:7])
		return err
	}), "tcp://")
	con := mustNew(t, fastConfig("rtuovertcp://"+addr), tag("holding:1", ""))
	err := watch(t, con, func(connectors.Batch) bool { return false })
	for _, want := range []string{"modbus rtuovertcp://" + addr, "the last: garbled answer", "check baud rate, parity and stop bits"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	if s := con.Stats(); s.Timeouts != 0 || s.Data != 0 || s.Requests != 3 {
		t.Errorf("%+v", s)
	}
}

// serveBytes answers every eight bytes with what answer writes. accepted, if
// any, gets each connection first.
func serveBytes(t *testing.T, answer func(c net.Conn, request []byte) error, accepted ...func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				for _, first := range accepted {
					first(c)
				}
				for {
					var b [rtuRequest]byte
					if _, err := io.ReadFull(c, b[:]); err != nil || answer(c, b[:]) != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return "tcp://" + l.Addr().String()
}

// TestSurveyOfALine: the same questions work where frames carry no numbers.
func TestSurveyOfALine(t *testing.T) {
	p := serveRTUPLC(t)
	p.registers[500] = 4711
	p.bits[3] = true
	s := mustSurvey(t, fastConfig("rtuovertcp://"+p.addr))
	probed, err := s.Probe(t.Context(), []connectors.Tag{tag("holding:500", ""), tag("discrete:3", ""), tag("holding:2000", "")})
	if err != nil {
		t.Fatal(err)
	}
	if probed[0][0].Sample.Value != connectors.Uint(4711) || probed[1][0].Sample.Value != connectors.Bool(true) || probed[2][0].Sample.Reason != exceptionReason(exceptionAddress) {
		t.Errorf("%+v", probed)
	}
	var seen []string
	err = s.Browse(t.Context(), connectors.Walk{Root: "holding:450-1100"}, func(r connectors.Reading) error {
		seen = append(seen, r.Tag.Address+" "+r.Name)
		return nil
	})
	if got := strings.Join(seen, ", "); err != nil || got != "holding:450 holding:450-999, holding:500 " {
		t.Errorf("%s, %v", got, err)
	}
	facts, err := s.Examine(t.Context(), []connectors.Tag{tag("holding:0", "")})
	if err != nil || len(facts) < 6 || facts[0].Value != "RTU over TCP" {
		t.Errorf("%+v, %v", facts, err)
	}
}
