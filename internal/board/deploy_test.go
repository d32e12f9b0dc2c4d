package board

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
)

// TestAlertsSpeakOfMetricsThatExist holds the shipped rules to the metrics.
func TestAlertsSpeakOfMetricsThatExist(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For string
				Annotations      map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(data, &rules); err != nil {
		t.Fatal(err)
	}
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	_, metrics := get(t, h, "/metrics")
	name := regexp.MustCompile(`prodsmart_gateway_[a-z_]+`)
	severity := regexp.MustCompile(`severity="([a-z]+)"`)
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			found := name.FindString(r.Expr)
			if found == "" || !strings.Contains(metrics, "# TYPE "+found+" ") {
				t.Errorf("%s: %q is no metric of the gateway", r.Alert, found)
			}
			if r.Annotations["summary"] == "" || r.For == "" {
				t.Errorf("%s has no summary or no time", r.Alert)
			}
			if s := severity.FindStringSubmatch(r.Expr); s != nil && !severityExists(s[1]) {
				t.Errorf("%s: severity %q does not exist", r.Alert, s[1])
			}
		}
	}
	if n == 0 {
		t.Fatal("no rules found")
	}
}

// TestOperationPage holds the page to the conditions and metrics that exist.
func TestOperationPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "operation.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(data), "\r\n", "\n")
	var rows []string
	for _, d := range health.Definitions() {
		row := "| `" + d.Name + "` | " + d.Severity.String() + " |"
		if !strings.Contains(page, "\n"+row+" ") {
			t.Errorf("no row %s", row)
		}
		rows = append(rows, row)
	}
	if n := len(regexp.MustCompile(`(?m)^\| `+"`[a-z_]+`"+` \| (alarm|warning|notice) \|`).FindAllString(page, -1)); n != len(rows) {
		t.Errorf("%d rows about %d conditions", n, len(rows))
	}
	h, err := Handler(newPretend(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	_, metrics := get(t, h, "/metrics")
	_, table, _ := strings.Cut(page, "| Metric |")
	table, _, _ = strings.Cut(table, "\n\n")
	names := regexp.MustCompile("`((?:prodsmart_gateway)?_[a-z_]+)`").FindAllStringSubmatch(table, -1)
	for _, m := range names {
		name := "prodsmart_gateway" + strings.TrimPrefix(m[1], "prodsmart_gateway")
		if !strings.Contains(metrics, "# TYPE "+name+" ") {
			t.Errorf("%s is no metric of the gateway", name)
		}
	}
	if len(names) < 10 {
		t.Errorf("%d metrics found on the page", len(names))
	}
}

func severityExists(name string) bool {
	for _, d := range health.Definitions() {
		if d.Severity.String() == name {
			return true
		}
	}
	return false
}
