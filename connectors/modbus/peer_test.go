package modbus

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// startPeer runs a server that prints its port and ends when its standard input
// does or when it is killed, which it is after the test.
func startPeer(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", name, err, complaints.String())
	}
	return "tcp://127.0.0.1:" + strings.TrimSpace(line)
}

const python = "/usr/bin/python3"

// needPymodbus skips a test where Python has no pymodbus.
func needPymodbus(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import pymodbus.server, serial_asyncio").CombinedOutput(); err != nil {
		connectortest.Lacking(t, "python3-pymodbus or python3-serial-asyncio", fmt.Errorf("%w: %s", err, out))
	}
}

func TestPeerPymodbus(t *testing.T) {
	needPymodbus(t)
	addr := startPeer(t, python, filepath.Join("testdata", "peer", "server.py"))
	readPeer(t, addr, peerTag{connectors.Tag{Address: "7/30001", Bit: connectors.NoBit}, connectors.Uint(5411)})
}

func TestPeerLibmodbus(t *testing.T) {
	readPeer(t, startPeer(t, buildLibmodbus(t)))
}

// buildLibmodbus compiles the server of testdata/peer.
func buildLibmodbus(t *testing.T) string {
	t.Helper()
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libmodbus").CombinedOutput()
	if err != nil {
		connectortest.Lacking(t, "libmodbus-dev", fmt.Errorf("%w: %s", err, flags))
	}
	program := filepath.Join(t.TempDir(), "server")
	args := append([]string{"-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program, filepath.Join("testdata", "peer", "server.c")}, strings.Fields(string(flags))...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		if _, missing := exec.LookPath("gcc"); missing != nil {
			connectortest.Lacking(t, "gcc", missing)
		}
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

// peerTag is a tag and what both peers hold there.
type peerTag struct {
	tag  connectors.Tag
	want connectors.Value
}

// peerTags lists the contents of the servers of testdata/peer.
func peerTags() []peerTag {
	var all []peerTag
	next := 0
	add := func(kind, order string, registers int, want connectors.Value) {
		tag := connectors.Tag{Address: fmt.Sprintf("holding:%d", next), Type: kind, Order: order, Bit: connectors.NoBit}
		if kind == "string" {
			tag.Length = registers
		}
		all = append(all, peerTag{tag, want})
		next += registers
	}
	orders := []string{"ABCD", "CDAB", "BADC", "DCBA"}
	add("uint16", "", 1, connectors.Uint(0xcafe))
	add("int16", "", 1, connectors.Int(-2))
	for _, o := range orders {
		add("uint32", o, 2, connectors.Uint(305419896))
	}
	for _, o := range orders {
		add("uint64", o, 4, connectors.Uint(1311768467463790320))
	}
	for _, o := range orders {
		add("float32", o, 2, connectors.Float32(12320.5))
	}
	add("float64", "ABCD", 4, connectors.Float64(-2.5))
	add("float64", "DCBA", 4, connectors.Float64(-2.5))
	add("bcd16", "", 1, connectors.Uint(9876))
	add("bcd32", "", 2, connectors.Uint(12345678))
	add("string", "", 4, connectors.String("JOB-42"))
	add("int32", "", 2, connectors.Int(-100000))
	add("int64", "CDAB", 4, connectors.Int(-5000000000))
	no := connectors.NoBit
	return append(all,
		peerTag{connectors.Tag{Address: "40001", Bit: 0}, connectors.Bool(false)},
		peerTag{connectors.Tag{Address: "400001", Bit: 15}, connectors.Bool(true)},
		peerTag{connectors.Tag{Address: "30001", Bit: no}, connectors.Uint(4711)},
		peerTag{connectors.Tag{Address: "input:299", Bit: no}, connectors.Uint(5010)},
		peerTag{connectors.Tag{Address: "00001", Bit: no}, connectors.Bool(true)},
		peerTag{connectors.Tag{Address: "coil:2999", Bit: no}, connectors.Bool(false)},
		peerTag{connectors.Tag{Address: "coil:2997", Bit: no}, connectors.Bool(true)},
		peerTag{connectors.Tag{Address: "10006", Bit: no}, connectors.Bool(true)},
		peerTag{connectors.Tag{Address: "discrete:1", Bit: no}, connectors.Bool(false)},
		peerTag{connectors.Tag{Address: "discrete:0x7d0", Bit: no}, connectors.Bool(true)},
		// Beyond the end, and merged with what is before it.
		peerTag{connectors.Tag{Address: "holding:299", Bit: no}, connectors.Uint(0)},
		peerTag{connectors.Tag{Address: "holding:300", Bit: no}, connectors.Value{}},
		peerTag{connectors.Tag{Address: "holding:302", Bit: no}, connectors.Value{}},
		peerTag{connectors.Tag{Address: "input:310", Bit: no}, connectors.Value{}},
	)
}

// readPeer reads everything a few times.
func readPeer(t *testing.T, addr string, more ...peerTag) {
	t.Helper()
	tags := append(peerTags(), more...)
	var list []connectors.Tag
	for _, p := range tags {
		list = append(list, p.tag)
	}
	cfg := fastConfig(addr)
	cfg.Timeout = 2 * time.Second
	complete := 0
	err := watch(t, mustNew(t, cfg, list...), func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			p := tags[s.Tag]
			reason, quality := "", connectors.Good
			if p.want.Kind() == connectors.KindNone {
				reason, quality = exceptionReason(exceptionAddress), connectors.Bad
			}
			if s.Value != p.want || s.Quality != quality || s.Reason != reason {
				t.Errorf("%s %s %s: %v %q %s; want %q %s", p.tag.Address, p.tag.Type, p.tag.Order, s.Quality, s.Value.Text(), s.Reason, p.want.Text(), reason)
			}
		}
		if len(b.Samples) == len(tags) {
			complete++
		}
		return complete == 3 || t.Failed()
	})
	if err != nil {
		t.Error(err)
	}
}
