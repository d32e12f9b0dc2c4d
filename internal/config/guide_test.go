package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConnectionsPage loads every sample of the page. A sample without machines
// gets one that is as good as any.
func TestConnectionsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "connections.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	samples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(samples) < 3 {
		t.Fatalf("%d samples", len(samples))
	}
	for _, sample := range samples {
		yaml := sample[1]
		if !strings.Contains(yaml, "\nmachines:") {
			yaml += "  other: {modbus: {address: \"tcp://10.0.4.99\"}}\nmachines:\n  M: {connection: other, ideal_cycle: 1s, count: {tag: 40001, is: good}}\n"
		}
		o := testOptions()
		o.Env = func(string) (string, bool) { return "x", true }
		read := o.ReadFile
		o.ReadFile = func(path string) ([]byte, error) {
			if path == "page.yaml" {
				return []byte(yaml), nil
			}
			return read(path)
		}
		if _, problems := Load("page.yaml", o); len(problems) > 0 {
			t.Errorf("%s\n%s", problems.Error(), yaml)
		}
	}
}
