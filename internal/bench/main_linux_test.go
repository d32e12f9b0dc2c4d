//go:build linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// roleVariable makes the test binary play a server or a bare client in a process
// of its own, so that its CPU and memory are its own too.
const roleVariable = "BENCH_ROLE"

// role is a part that a child process plays. It announces itself with say once
// it is ready and ends when ctx does. address is empty for servers.
type role func(ctx context.Context, address string, total *atomic.Uint64, say func(string)) error

func roles() map[string]role {
	return map[string]role{
		"opcua server": serveOPCUA, "opcua client": bareOPCUA,
		"modbus server": serveModbus, "modbus client": bareModbus,
		"mqtt server": serveMQTT, "mqtt client": bareMQTT,
	}
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		if err := play(roles()[name], os.Getenv("BENCH_ADDRESS")); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Setenv(programVariable, filepath.Join(dir, "prodsmart-gateway")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// play runs a role until standard input ends. Each line that comes in is
// answered with the number of values seen so far.
func play(r role, address string) error {
	if r == nil {
		return fmt.Errorf("there is no such role")
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var total atomic.Uint64
	answers := make(chan string, 16)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for line := range answers {
			fmt.Println(line)
		}
	}()
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			answers <- fmt.Sprint(total.Load())
		}
		stop()
	}()
	err := r(ctx, address, &total, func(line string) { answers <- line })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// programVariable names where program puts the gateway's binary.
const programVariable = "BENCH_PROGRAM"

// program builds the gateway as make build does, once, and gives its path.
func program(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv(programVariable)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../../cmd/prodsmart-gateway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("building the gateway: %v\n%s", err, out)
	}
	return path
}
