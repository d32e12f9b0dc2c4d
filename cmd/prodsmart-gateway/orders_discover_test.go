package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiscoverOfGarbage: orders discover prints what garbage there is in lines that fit
// a terminal; of systems whose records are the same everywhere it asks nothing.
func TestDiscoverOfGarbage(t *testing.T) {
	wide := strings.Repeat("w", 60_000)
	asked := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/rest" {
			asked++
		}
		_, _ = fmt.Fprintf(w, `[{"id":"\u001b[31m%s","%s":{},"qty":-5,"qty":[],"name":"%s"}]`, wide, wide, "\xff")
	}))
	defer web.Close()
	dir := t.TempDir()
	for _, name := range []string{"SMARTUP", "REPZO"} {
		t.Setenv(name, "hush-hush")
	}
	path := filepath.Join(dir, "gateway.yaml")
	for name, text := range map[string]string{
		path: fmt.Sprintf(`
connections: {pack: {modbus: {address: "tcp://127.0.0.1:1"}}}
machines:
  M-1: {ideal_cycle: 2s, count: {tag: 40001, type: uint32, is: good}}
orders:
  sources:
    sales: {smartup: {url: "%[1]s", user: u, password: "${env:SMARTUP}", filial_id: 1}}
    reps: {repzo: {url: "%[1]s", key: "${env:REPZO}"}}
    plan: {file: {folder: in}}
    shop: {rest: {url: "%[1]s/rest"}}
`, web.URL),
		filepath.Join(dir, "in", "plan.csv"): "order;" + wide + ";quantity\n1;\x1b[31m" + wide + ";-5\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for source, want := range map[string]string{"sales": "the records of smartup are the same everywhere", "reps": "the records of repzo are the same everywhere", "plan": "quantity", "shop": "qty"} {
		var out, talk bytes.Buffer
		code := run([]string{"orders", "discover", source, "-c", path}, &out, &talk)
		said := out.String() + talk.String()
		if !strings.Contains(said, want) || code != map[bool]int{true: 1}[strings.Contains(want, "the same")] {
			t.Errorf("%s: %d, %.1000s", source, code, said)
		}
		for line := range strings.Lines(said) {
			if len(line) > 500 || strings.Contains(line, "\x1b") {
				t.Errorf("%s: a line of %d bytes: %.300q", source, len(line), line)
			}
		}
	}
	if asked > 0 {
		t.Errorf("%d calls of systems about which there is nothing to find out", asked)
	}
}
