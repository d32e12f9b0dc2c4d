package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// secureServer starts node-opcua, and gives the port at which it serves.
func secureServer(t *testing.T) int {
	t.Helper()
	modules := connectortest.NodeModules(t, "../..", "node-opcua")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "node", "../../connectors/opcua/testdata/peer/server.js",
		fmt.Sprintf(`{"port": %d, "folder": %q, "namespaces": ["urn:plant"], "nodes": ["Good"]}`, port, folder))
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "HOME="+folder)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for s := bufio.NewScanner(out); s.Scan(); {
		if s.Text() == "ready" {
			return port
		}
	}
	t.Fatal("node-opcua did not serve")
	return 0
}

// TestCertificateTrust accepts a real server's certificate: nothing without a
// yes, and from then on the pin is what is shown.
func TestCertificateTrust(t *testing.T) {
	port := secureServer(t)
	call := trusting(t, port, "first")
	asked := call(1, "certificate", "trust", "bend")
	thumb := regexp.MustCompile(`thumbprint [0-9A-F]{40}`).FindString(asked)
	if thumb == "" || !strings.Contains(asked, "nothing was changed") {
		t.Fatal(asked)
	}
	if got := call(0, "certificate", "bend"); !strings.Contains(got, "no certificate of this server is kept") {
		t.Fatal(got)
	}
	call(0, "certificate", "trust", "bend", "--yes")
	if got := call(0, "certificate", "bend"); !strings.Contains(got, thumb) {
		t.Fatalf("%s is not shown:\n%s", thumb, got)
	}
	if got := call(0, "certificate", "trust", "bend"); !strings.Contains(got, "accepts it already") {
		t.Fatal(got)
	}
}

// TestCertificateTrustList accepts a server's certificate into the list, where
// the connection looks for it.
func TestCertificateTrustList(t *testing.T) {
	call := trusting(t, secureServer(t), "list")
	if got := call(1, "probe", "bend", "i=2258"); !strings.Contains(got, "not trusted") {
		t.Fatal(got)
	}
	refused := call(0, "certificate")
	thumb := regexp.MustCompile(`refused; [^\n]*\n[^\n]*\n  (thumbprint [0-9A-F]{40})`).FindStringSubmatch(refused)
	if thumb == nil {
		t.Fatalf("the refused certificate is not shown:\n%s", refused)
	}
	call(0, "certificate", "trust", "bend", "--yes")
	if got := call(1, "probe", "bend", "i=2258"); !strings.Contains(got, "the server does not trust this gateway") {
		t.Fatalf("the gateway must have accepted the server, which has not accepted it yet:\n%s", got)
	}
	got := call(0, "certificate", "bend")
	if _, listed, ok := strings.Cut(got, "in the list of trusted ones"); !ok || !strings.Contains(listed, thumb[1]) || strings.Contains(got, "refused;") {
		t.Fatal(got)
	}
	if got := call(0, "certificate", "trust", "bend"); !strings.Contains(got, "accepts it already") {
		t.Fatal(got)
	}
}

// trusting gives a way to call the program with one OPC UA connection, and with
// neither secrets nor machines.
func trusting(t *testing.T, port int, trust string) func(want int, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := fmt.Sprintf("data: ./data\nconnections: {bend: {opcua: {endpoint: \"opc.tcp://127.0.0.1:%d\", security: Basic256Sha256, ignore_host: true, trust: %s}}}\n", port, trust)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(want int, args ...string) string {
		t.Helper()
		var out, talk strings.Builder
		if got := run(append(args, "-c", file), &out, &talk); got != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, got, out.String(), talk.String())
		}
		return out.String() + talk.String()
	}
}
