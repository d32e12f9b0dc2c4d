package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hidden is part of every secret of the tests.
const hidden = "hidden-"

func TestSecretsCanNotBePrinted(t *testing.T) {
	value := hidden + "value"
	secret := Secret{ref: "${secret:x}", value: &value}
	config := mustLoad(t, "testdata/good/product.yaml")
	if got := config.Connections[0].OPCUA().Password; got != hidden+"bend" {
		t.Fatalf("the connector gets the password %q", got)
	}
	type outer struct{ inner Secret } // an unexported field is printed without its methods
	for name, subject := range map[string]any{"secret": secret, "pointer": &secret, "outer": outer{secret}, "list": []Secret{secret},
		"map": map[string]Secret{"a": secret}, "config": config, "config by value": *config, "connection": config.Connections[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, subject); strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%s printed with %s shows the secret", name, verb)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "subject", subject)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "subject", subject)
		asJSON, err := json.Marshal(subject)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(log.String(), hidden) || bytes.Contains(asJSON, []byte(hidden)) {
			t.Errorf("%s shows the secret in a log or as JSON", name)
		}
	}
	if asYAML, err := secret.MarshalYAML(); err != nil || asYAML != "${secret:x}" {
		t.Errorf("as YAML: %v, %v", asYAML, err)
	}
	if text := fmt.Sprint(secret); text != "${secret:x}" {
		t.Errorf("a secret prints as %q, not as its reference", text)
	}
	var expanded bytes.Buffer
	if err := config.Expanded(&expanded); err != nil || strings.Contains(expanded.String(), hidden) {
		t.Errorf("expanded shows the secret (%v)", err)
	}
}

func TestSecretsAreLookedUp(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/gateway.yaml", `data: ../var/data
prodsmart: {key: "${secret:key}", secret: "${secret:beside-data}", proxy: "http://p:1", proxy_user: "${env:U}", proxy_password: "${file:pw}"}
connections: {pack: {modbus: {address: "tcp://h:502"}}}
machines: {M: {ideal_cycle: 1s, count: {tag: 40001, is: good}}}
`)
	write("etc/secrets/key", "the key\r\n")
	write("var/secrets/beside-data", "the secret\n")
	write("etc/pw", "pass word")
	env := func(string) (string, bool) { return "user", true }
	config, problems := Load(filepath.Join(folder, "etc/gateway.yaml"), Options{Env: env})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p := config.Prodsmart
	for _, c := range []struct{ got, want string }{{p.Key.Reveal(), "the key"}, {p.Secret.Reveal(), "the secret"},
		{p.ProxyUser.Reveal(), "user"}, {p.ProxyPassword.Reveal(), "pass word"}} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	write("etc/secrets/key", "two\nlines\n")
	if _, problems = Load(filepath.Join(folder, "etc/gateway.yaml"), Options{Env: env}); len(problems) != 1 ||
		!strings.Contains(problems[0].Text, "one line") || strings.Contains(problems.Error(), "two") {
		t.Errorf("a secret of two lines: %v", problems)
	}
	none := func(string) (string, bool) { return "", false }
	config, problems = Load(filepath.Join(folder, "etc/gateway.yaml"), Options{Env: none, SecretDir: "nowhere", SkipSecrets: true})
	if len(problems) > 0 || config.Prodsmart.Key.Reveal() != "" || !config.Prodsmart.Key.IsSet() {
		t.Errorf("with SkipSecrets: %v", problems)
	}
}

// TestSecretsOfOneSource: a source of orders can be looked at before any other
// credentials are there.
func TestSecretsOfOneSource(t *testing.T) {
	text := `prodsmart: {key: "${env:KEY}", secret: "${env:SECRET}"}
connections: {pack: {modbus: {address: "tcp://h:502"}}}
machines: {M: {connection: pack, ideal_cycle: 1s, count: {tag: 40001, is: good}}}
orders:
  sources:
    one: {csmart: {domain: d, email: "${env:ONE}", password: "${env:ONE}"}}
    two: {csmart: {domain: d, email: a@b, password: "${env:TWO}"}, prefix: T-}
`
	o := Options{SkipSecrets: true, SecretsOf: "one", ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
		Env: func(name string) (string, bool) { return "hush", name == "ONE" }}
	config, problems := Load("x.yaml", o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if s := config.Orders.Sources; s[0].CSMART().Password != "hush" || s[0].CSMART().Email != "hush" || s[1].CSMART().Password != "" {
		t.Errorf("%q, %q", s[0].CSMART().Email, s[1].CSMART().Password)
	}
	o.SecretsOf = "two"
	if _, problems := Load("x.yaml", o); len(problems) != 1 || !strings.Contains(problems[0].Text, "TWO is not set") {
		t.Error(problems)
	}
}
