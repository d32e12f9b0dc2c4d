package board

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
	h, err := Handler(newPretend())
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

func severityExists(name string) bool {
	for _, d := range health.Definitions() {
		if d.Severity.String() == name {
			return true
		}
	}
	return false
}
