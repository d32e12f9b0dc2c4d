package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// TestOrdersCommands: a gateway mirrors a drop folder in a dry run; the commands show
// what it makes of the lines, and tell it what to do.
func TestOrdersCommands(t *testing.T) {
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gateway.yaml")
	text := fmt.Sprintf(`
timezone: Europe/Istanbul
data: store
connections: {pack: {modbus: {address: "tcp://127.0.0.1:1"}}}
machines:
  M-1: {ideal_cycle: 2s, count: {tag: 40001, type: uint32, is: good}}
orders:
  mode: live
  sources:
    plan: {file: {folder: in, settle: 1s}, every: 5s, exclude: [OLD-*]}
metrics: {listen: "%s"}
board: {listen: none}
`, address)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	csv := "order;line;product;quantity;due;state\n7003;1;P-200;many;2031-05-02;open\n7001;1;P-200;12,5;2031-05-02;open\n7001;2;OLD-1;3;2031-05-02;open\n7002;1;P-100;1;2031-05-03;\x1b[31mred\n"
	if err := os.WriteFile(filepath.Join(dir, "in", "plan.csv"), []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(want int, args ...string) string {
		t.Helper()
		var out, talk bytes.Buffer
		if code := run(append([]string{"orders"}, append(args, "-c", path)...), &out, &talk); code != want {
			t.Fatalf("orders %v: exit code %d: %s%s", args, code, out.String(), talk.String())
		}
		return out.String() + talk.String()
	}
	if said := command(1, "sync", "plan"); !strings.Contains(said, "does it run on this computer") {
		t.Error(said)
	}
	if said := command(1, "list"); !strings.Contains(said, "has not run with this configuration yet") {
		t.Error(said)
	}
	cfg, problems := config.Load(path, config.Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- daemon(ctx, cfg, slog.New(slog.DiscardHandler), false) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	waitFor(t, func() bool {
		var out, talk bytes.Buffer
		return run([]string{"orders", "list", "-c", path}, &out, &talk) == 0 && strings.Contains(out.String(), "FI-7001-1")
	})
	list := command(0, "list", "plan")
	for _, want := range []string{"shadow mode: would be created as FI-7001-1: 12.5 P-200, due 2031-05-02 17:00", "excluded by the configuration", "7002", "is in no list"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if strings.Contains(list, "\x1b") {
		t.Errorf("the terminal is disturbed:\n%q", list)
	}
	if only := command(0, "list", "--status", "skipped"); strings.Contains(only, "P-200") || !strings.Contains(only, "OLD-1") {
		t.Error(only)
	}
	for _, word := range []string{"FI-7001-1", "7001:1", "7001"} {
		show := command(0, "show", "plan", word)
		for _, want := range []string{"order 7001, line 1", "12.5 P-200, due 2031-05-02 17:00", "no order", "would be created"} {
			if !strings.Contains(show, want) {
				t.Errorf("no %q in\n%s", want, show)
			}
		}
	}
	if show := command(0, "show", "plan"); !strings.Contains(show, "plan: file, live, production-order") || !strings.Contains(show, "plan.csv:2:") || !strings.Contains(show, "many") {
		t.Error(show)
	}
	if js := command(0, "list", "--json"); !strings.Contains(js, `"quantity": "12.5"`) {
		t.Error(js)
	}
	if js := command(0, "show", "plan", "7001", "--json"); strings.Count(js, `"name"`) != 2 {
		t.Error(js)
	}
	if said := command(0, "sync", "plan"); !strings.Contains(said, "plan is read now") {
		t.Error(said)
	}
	for _, wrong := range []struct {
		code int
		args []string
		want string
	}{
		{1, []string{"resolve", "plan", "FI-7001-1", "apply"}, "nothing is to be decided about FI-7001-1"},
		{1, []string{"resolve", "plan", "FI-9", "apply"}, `plan has no order or write-back "FI-9"`},
		{1, []string{"resolve", "plan", "7001", "apply"}, "has 2 lines; say which one: FI-7001-1, 7001:2"},
		{1, []string{"resolve", "plan", "release"}, "plan is not held"},
		{1, []string{"resolve", "sales", "release"}, "there are: plan"},
		{2, []string{"resolve", "plan"}, "resolve takes a source"},
		{1, []string{"show", "plan", "nothing"}, `plan has no order "nothing"`},
		{2, []string{"list", "--status", "gone"}, "there is no status"},
	} {
		if said := command(wrong.code, wrong.args...); !strings.Contains(said, wrong.want) {
			t.Errorf("orders %v: %s", wrong.args, said)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in", "next.csv"), []byte("Auftrag;Artikel;Menge;Termin\nA1;P-100;1;2031-05-03\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := command(0, "discover", "plan"); !strings.Contains(found, "Artikel") || !strings.Contains(found, "quantity") {
		t.Error(found)
	}
	if show := command(0, "show", "plan"); !strings.Contains(show, "\nnext read ") || strings.Contains(show, "\nproblem ") {
		t.Error(show)
	}
	if err := os.Rename(filepath.Join(dir, "in"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(command(0, "show", "plan"), "\nproblem      since 20") })
	cancel()
	stopped := <-done
	done <- stopped
	if show := command(0, "show", "plan"); !strings.Contains(show, "\nnow          not known: no gateway answers at "+address) {
		t.Error(show)
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never is")
		}
	}
}
