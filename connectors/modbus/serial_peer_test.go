package modbus

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// ptyPair is a serial line: two connected ports, made by socat. unplug takes
// the line away.
func ptyPair(t *testing.T) (master, slave string, unplug func()) {
	t.Helper()
	dir := t.TempDir()
	master, slave = filepath.Join(dir, "master"), filepath.Join(dir, "slave")
	return master, slave, socat(t, master, "pty,raw,echo=0,link="+slave)
}

// socat connects a port of its own, named link, with something else.
func socat(t *testing.T, link, other string) (stop func()) {
	t.Helper()
	cmd := exec.Command(connectortest.Program(t, "socat"), "pty,raw,echo=0,link="+link, other)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = os.Remove(link)
	}
	t.Cleanup(stop)
	until(t, "the ports of socat", func() bool {
		select {
		case <-ended:
			t.Fatalf("socat: %s", complaints.String())
		default:
		}
		_, err := os.Stat(link)
		_, err2 := os.Stat(strings.TrimPrefix(other, "pty,raw,echo=0,link="))
		return err == nil && (err2 == nil || !strings.HasPrefix(other, "pty"))
	})
	return stop
}

// until waits for a condition, ten seconds at most.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited ten seconds for %s", what)
		}
	}
}

func TestPeerPymodbusSerial(t *testing.T) {
	needPymodbus(t)
	for _, framing := range []string{"rtu", "ascii"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			master, slave, _ := ptyPair(t)
			startPeer(t, python, filepath.Join("testdata", "peer", "line.py"), framing, slave)
			readPeer(t, framing+"://"+master+"?parity=N", peerTag{connectors.Tag{Address: "7/30001", Bit: connectors.NoBit}, connectors.Uint(5411)})
		})
		t.Run(framing+" over TCP", func(t *testing.T) {
			t.Parallel()
			addr := startPeer(t, python, filepath.Join("testdata", "peer", "line.py"), framing, "tcp")
			readPeer(t, strings.Replace(addr, "tcp://", framing+"overtcp://", 1), peerTag{connectors.Tag{Address: "7/30001", Bit: connectors.NoBit}, connectors.Uint(5411)})
		})
	}
}

func TestPeerLibmodbusSerial(t *testing.T) {
	master, slave, _ := ptyPair(t)
	startPeer(t, buildLibmodbus(t), slave)
	readPeer(t, "rtu://"+master)
}

// TestPortThatVanishes: the adapter is pulled out and comes back.
func TestPortThatVanishes(t *testing.T) {
	dir := t.TempDir()
	port := filepath.Join(dir, "port")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go serveRTU(l)
	stop := socat(t, port, "tcp:"+l.Addr().String())
	con := mustNew(t, fastConfig("rtu://"+port), tag("holding:10", ""))
	polls := 0
	err = watch(t, con, func(b connectors.Batch) bool {
		if polls += len(b.Samples); polls == 3 {
			stop()
		}
		return false
	})
	for _, want := range []string{"modbus rtu://" + port, "the port is gone", "/dev/serial/by-id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	err = watch(t, con, func(connectors.Batch) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "there is no such port: check that the adapter is plugged in") {
		t.Error(err)
	}
	socat(t, port, "tcp:"+l.Addr().String())
	if err := watch(t, con, func(b connectors.Batch) bool { return len(b.Samples) > 0 && b.Samples[0].Quality == connectors.Good }); err != nil {
		t.Error(err)
	}
}

// serveRTU answers RTU requests with registers that hold their offsets.
func serveRTU(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s := &serialSlave{conn: c, frame: rtuFrame}
		s.serve(rtuRequest, func(_ int, unit byte, start, count int) { _, _ = c.Write(s.right(unit, start, count)) })
		_ = c.Close()
	}
}

func TestNoSerialPort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for port, want := range map[string]string{
		file:                "this is no serial port",
		"/dev/no-such-port": "there is no such port",
	} {
		con := mustNew(t, fastConfig("rtu://"+port), tag("40001", ""))
		if err := watch(t, con, func(connectors.Batch) bool { return false }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", port, err)
		}
	}
}
