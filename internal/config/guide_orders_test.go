package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOrdersPage loads every sample of the page: pieces of a source are put where they
// belong.
func TestOrdersPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "orders.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	samples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(samples) < 5 {
		t.Fatalf("%d samples", len(samples))
	}
	const smartup = "    sales:\n      smartup: {user: a@b, password: \"${secret:smartup}\"}\n"
	for _, sample := range samples {
		yaml := sample[1]
		switch {
		case strings.HasPrefix(yaml, "      write:"):
			yaml = "orders:\n  sources:\n" + smartup + yaml
		case strings.HasPrefix(yaml, "    "):
			yaml = "orders:\n  sources:\n" + yaml
		}
		yaml += "connections: {pack: {modbus: {address: \"tcp://10.0.4.99\"}}}\nmachines:\n  M: {connection: pack, ideal_cycle: 1s, count: {tag: 40001, is: good}}\n"
		o := testOptions()
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
