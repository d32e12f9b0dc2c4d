package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this program play the gateway: what it does is named by an
// environment variable.
func TestMain(m *testing.M) {
	switch os.Getenv("PLANTSIM_TEST_GATEWAY") {
	case "":
		os.Exit(m.Run())
	case "fails":
		fmt.Println("no such configuration")
		os.Exit(3)
	case "idle":
		fmt.Println(os.Args[1:], os.Getenv("PRODSMART_KEY"), os.Getenv("PRODSMART_SECRET"))
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
	}
}

// command runs a command line and returns its output.
func command(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	root := runCommand()
	if args[0] == "demo" {
		root = demoCommand()
	}
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetArgs(args[1:])
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

// free puts all servers on ports that are free.
func free(args ...string) []string {
	for _, f := range []string{"opcua", "modbus", "mqtt", "prodsmart", "smartup", "control"} {
		args = append(args, "--"+f, "127.0.0.1:0")
	}
	return args
}

func TestRun(t *testing.T) {
	out, err := command(t, t.Context(), free("run", "--for", "1500ms", "--every", "1s", "--blind")...)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(out, "parts made") != 2 || !strings.Contains(out, "opc.tcp://127.0.0.1:") || !strings.Contains(out, "BEND-2") {
		t.Error(out)
	}
	for _, bad := range [][]string{{"--profile", "nice"}, {"--every", "0s"}, {"--count-is", "x"}, {"--stop-after", "1s"}, {"--prodsmart", "127.0.0.1:notaport"}} {
		if _, err := command(t, t.Context(), append(free("run", "--for", "1ms"), bad...)...); err == nil {
			t.Errorf("accepted %v", bad)
		}
	}
}

func TestDemo(t *testing.T) {
	config := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(config, []byte("site: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return command(t, ctx, free(append([]string{"demo", "--config", config}, args...)...)...)
	}
	logOf := func(err error) string {
		t.Helper()
		_, path, ok := strings.Cut(err.Error(), "; see ")
		text, readErr := os.ReadFile(path)
		if !ok || readErr != nil {
			t.Fatalf("%v: %v", err, readErr)
		}
		return string(text)
	}

	if _, err := run("--gateway", "no-such-program"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("no gateway: %v", err)
	}
	if _, err := command(t, t.Context(), "demo", "--config", "no-such-file"); err == nil || !strings.Contains(err.Error(), "no-such-file") {
		t.Errorf("no configuration: %v", err)
	}
	t.Setenv("PLANTSIM_TEST_GATEWAY", "fails")
	_, err := run("--gateway", os.Args[0])
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(logOf(err), "no such configuration") {
		t.Errorf("gateway fails: %v", err)
	}
	t.Setenv("PLANTSIM_TEST_GATEWAY", "idle")
	out, err := run("--gateway", os.Args[0], "--for", "500ms", "--key", "k1", "--secret", "s1")
	if err == nil || !strings.Contains(err.Error(), "made nothing") || !strings.Contains(out, "finally") {
		t.Errorf("gateway reads nothing: %v\n%s", err, out)
	}
	if got := logOf(err); !strings.Contains(got, "run -c ") || !strings.Contains(got, "k1 s1") {
		t.Error(got)
	}
}
