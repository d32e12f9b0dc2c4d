package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var writeReference = flag.Bool("write-reference", false, "write docs/configuration.md anew")

// TestReferenceIsUpToDate holds docs/configuration.md to the tables.
func TestReferenceIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "configuration.md")
	var got bytes.Buffer
	if err := WriteReference(&got); err != nil {
		t.Fatal(err)
	}
	if *writeReference {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s does not say what the tables say; run go generate ./internal/config", path)
	}
	for _, key := range []string{"max_rate", "stop_after", "wraps_at", "broker", "endpoint", "running_when", "reset_evidence"} {
		if !strings.Contains(got.String(), "| `"+key+"` |") {
			t.Errorf("the page has no %s", key)
		}
	}
}
