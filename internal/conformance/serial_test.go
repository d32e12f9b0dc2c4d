//go:build unix

package conformance

import (
	"context"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// serialLine is a peer behind a serial port, which socat makes and leads through
// the proxy. When the proxy cuts, the port vanishes as an unplugged adapter
// does, and comes back when the peer can be reached.
type serialLine struct {
	*modbusTCP
}

func (s serialLine) Connect(t testing.TB, addr string) connectors.Connector {
	t.Helper()
	// The name of the port carries the address, as errors must.
	link := filepath.Join(t.TempDir(), addr)
	ctx, cancel := context.WithCancel(context.Background())
	var keeper sync.WaitGroup
	keeper.Go(func() {
		for ctx.Err() == nil {
			cmd := exec.CommandContext(ctx, "socat", "pty,raw,echo=0,link="+filepath.Base(link), "tcp:"+addr)
			cmd.Dir = filepath.Dir(link)
			_ = cmd.Run() // ends with the connection, or with the test
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		keeper.Wait()
	})
	return s.reads(t, "rtu://"+link+"?baud=115200")
}

func serial(t *testing.T) (connectortest.Subject, string) {
	connectortest.Program(t, "socat")
	s, version := pymodbusRTU(t)
	s.Protocol, s.Peer = "Modbus RTU", "pymodbus behind a port of socat"
	s = withoutCable(s, "a serial line has no network")
	s.Cannot[connectortest.NATDrop] = "a serial line has no connections to forget"
	s.Cannot[connectortest.SessionsTaken] = "a serial line has no sessions"
	over := s.Serve
	s.Serve = func(t testing.TB, c connectortest.Case) connectortest.Source {
		return serialLine{over(t, c).(*modbusTCP)}
	}
	return s, version
}
