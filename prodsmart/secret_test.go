package prodsmart

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestSecretIsNeverShown(t *testing.T) {
	const text = "hush-hush-123"
	s := NewSecret(text)
	type open struct{ S Secret }
	type shut struct{ s Secret }
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%10s"} {
		for name, v := range map[string]any{
			"itself": s, "pointer": &s, "open": open{s}, "open pointer": &open{s}, "shut": shut{s},
			"shut pointer": &shut{s}, "slice": []Secret{s}, "map": map[string]Secret{"a": s}, "config": Config{Secret: s, Key: s},
		} {
			shown[verb+" "+name] = fmt.Sprintf(verb, v)
		}
	}
	marshal := func(name string, b []byte, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shown[name] = string(b)
	}
	b, err := json.Marshal(open{s})
	marshal("json", b, err)
	b, err = yaml.Marshal(open{s})
	marshal("yaml", b, err)
	b, err = xml.Marshal(open{s})
	marshal("xml", b, err)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s, "open", open{s}, "pointer", &shut{s})
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", s, "open", open{s}, "pointer", &shut{s})
	shown["slog"] = logged.String()
	for how, got := range shown {
		if strings.Contains(got, text) || strings.Contains(got, fmt.Sprintf("%x", text)) {
			t.Errorf("%s shows it: %s", how, got)
		}
	}
	for _, how := range []string{"%v itself", "%s itself", "%x itself", "json", "yaml", "xml", "slog", "%v open", "%#v slice"} {
		if !strings.Contains(shown[how], mask) {
			t.Errorf("%s does not say that something is hidden: %s", how, shown[how])
		}
	}
	if got := fmt.Sprintf("%v|%q|%#v", s, s, s); got != `[hidden]|"[hidden]"|prodsmart.Secret("[hidden]")` {
		t.Error(got)
	}
	if s.Reveal() != text || s.IsZero() || !s.Equal(NewSecret(text)) || s.Equal(Secret{}) {
		t.Error("the text is lost")
	}
	if !NewSecret("").IsZero() || NewSecret("").String() != "" || (Secret{}).Reveal() != "" {
		t.Error("an empty secret is not empty")
	}
}

func TestClientIsNeverShown(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	c.hide(NewSecret("a-token-of-today"))
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		got := fmt.Sprintf(verb, c)
		for _, secret := range []string{testSecret, testKey, "a-token-of-today"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s of a client shows %s", verb, secret)
			}
		}
	}
}
