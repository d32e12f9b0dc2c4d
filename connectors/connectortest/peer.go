package connectortest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PeersRequired says whether the environment wants every test against a program
// that is not ours to run: PEERS=required.
func PeersRequired() bool { return os.Getenv("PEERS") == "required" }

// Lacking skips a test because a peer, or something of it, is not installed, or
// fails it where peers are required. It does not return.
func Lacking(t testing.TB, what string, err error) {
	t.Helper()
	if PeersRequired() {
		t.Fatalf("%s is required by PEERS=required and not there: %v; .ci/peers installs it", what, err)
	}
	t.Skipf("%s is not there: %v; .ci/peers installs it", what, err)
}

// Program gives the path of a program that is not ours, also where only root's PATH
// leads, as Debian's brokers are. Without it the test ends by Lacking.
func Program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Lacking(t, name, exec.ErrNotFound)
	return ""
}

// NodeModules gives the folder in which node finds a module, with its whole
// path. root is the folder of go.mod as the test sees it. Without node or the
// module the test ends by Lacking.
func NodeModules(t testing.TB, root, module string) string {
	t.Helper()
	Program(t, "node")
	modules, err := filepath.Abs(filepath.Join(root, ".peers", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, module)); err != nil {
		Lacking(t, module, err)
	}
	return modules
}
