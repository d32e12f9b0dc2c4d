package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostileFiles holds that small files can not cost much time.
func TestHostileFiles(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	wide := "machines:\n  M: {params: 1}\ntemplates:\n  t: &t\n    params: {a: int}\n    state: {inputs: {"
	for i := range 3000 {
		wide += fmt.Sprintf("i%d: ns=1;s=%d, ", i, i)
	}
	wide += "}}\n"
	for name, text := range map[string]string{
		"alias bomb":  bomb,
		"deep list":   "machines: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"deep map":    "machines: " + strings.Repeat("{a: ", 9000) + strings.Repeat("}", 9000),
		"deeper":      strings.Repeat("[", 100_000),
		"deep braces": "templates: {t: {params: {a: int}, name: \"{" + strings.Repeat("(", 150) + "a}\"}}",
		"many inputs": wide,
		"many keys":   strings.Repeat("a: 1\n", 20_000),
		"many unknowns": "machines:\n" + func() string {
			var b strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&b, "  M%d: {usee: x, conection: y}\n", i)
			}
			return b.String()
		}(),
		"long text":       "site: \"" + strings.Repeat("x", 1<<20) + "\"\nmachinez: {}\n" + strings.Repeat("y", 1<<20) + ": 1\n",
		"long expression": "machines: {M: {state: {inputs: {a: x}, running_when: \"" + strings.Repeat("a or ", 800) + "a\"}}}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			config, problems := Load("x.yaml", Options{SkipSecrets: true, ReadFile: func(string) ([]byte, error) { return []byte(text), nil }})
			if config != nil || len(problems) == 0 {
				t.Error("it was accepted")
			}
			for _, p := range problems {
				if len(p.String()) > 2000 {
					t.Errorf("a problem of %d bytes", len(p.String()))
				}
			}
			// A healthy run takes well under a second; the bound is for a busy
			// machine and finds what grows without limit.
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
