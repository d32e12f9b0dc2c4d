package opcua

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestParseAddress(t *testing.T) {
	namespaces := []string{"http://opcfoundation.org/UA/", "urn:a", "urn:line;1"}
	for _, tc := range []struct{ text, canonical, node string }{
		{"i=2258", "i=2258", "i=2258"},
		{"i=85", "i=85", "i=85"},
		{"ns=0;i=85", "i=85", "i=85"},
		{"ns=2;i=70000", "ns=2;i=70000", "ns=2;i=70000"},
		{"ns=300;i=1", "ns=300;i=1", "ns=300;i=1"},
		{"s=Name", "s=Name", "s=Name"},
		{`ns=3;s="DB_Line"."Good"`, `ns=3;s="DB_Line"."Good"`, `ns=3;s="DB_Line"."Good"`},
		{"ns=4;s=|var|CODESYS Control Win V3.Application.GVL.n", "ns=4;s=|var|CODESYS Control Win V3.Application.GVL.n", "ns=4;s=|var|CODESYS Control Win V3.Application.GVL.n"},
		{"ns=2;s=a;b=c", "ns=2;s=a;b=c", "ns=2;s=a;b=c"},
		{"nsu=urn:a;s=Größe ", "nsu=urn:a;s=Größe ", "ns=1;s=Größe "},
		{"nsu=urn:line%3b1;i=5", "nsu=urn:line%3B1;i=5", "ns=2;i=5"},
		{"nsu=urn:a%25b;i=5", "nsu=urn:a%25b;i=5", ""},
		{"nsu=http://x/%20y;i=5", "nsu=http://x/%2520y;i=5", ""},
		{"g=72962B91-FA75-4AE6-8D28-B404DC7DAF63", "g=72962b91-fa75-4ae6-8d28-b404dc7daf63", "g=72962B91-FA75-4AE6-8D28-B404DC7DAF63"},
		{"ns=1;b=AQID", "ns=1;b=AQID", "ns=1;b=AQID"},
	} {
		a, err := parseAddress(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if got := a.String(); got != tc.canonical {
			t.Errorf("%s: canonical %s, want %s", tc.text, got, tc.canonical)
		}
		id, ok := a.resolve(namespaces)
		if ok != (tc.node != "") || ok && id.String() != tc.node {
			t.Errorf("%s: resolved to %v %v, want %q", tc.text, id, ok, tc.node)
		}
	}
}

func TestParseAddressHints(t *testing.T) {
	for text, hint := range map[string]string{
		"":                                       "is empty",
		"DB_Line.Good":                           "for a name write s=DB_Line.Good",
		"40001":                                  "for a name write s=40001",
		"NS=2;s=a":                               "lower case",
		"ns=2;S=a":                               `"S" must be lower case`,
		" i=85":                                  "space at its start or end",
		"ns=2":                                   "no ; after the namespace",
		"ns=2;":                                  "nothing follows the namespace",
		"ns=urn:a;s=b":                           "namespace URI is written nsu=",
		"ns=65536;i=1":                           "0 to 65535",
		"ns=-1;i=1":                              "0 to 65535",
		"nsu=urn:a":                              "no ; after the namespace URI",
		"nsu=;s=a":                               "URI is empty",
		"nsu=a%;s=a":                             "written %25",
		"nsu=a%zz;s=a":                           "written %25",
		"i=4294967296":                           "0 to 4294967295",
		"i=Counter":                              "a name is written s=",
		"ns=2;s=":                                "is empty",
		"g=72962B91":                             "needs a GUID",
		"g=72962B91-FA75-4AE6-8D28-B404DC7DAFXX": "needs a GUID",
		"b=***":                                  "needs base64",
		"svr=1;i=5":                              "svr= is not supported",
		"ns=2;s=" + strings.Repeat("x", 5000):    "longer than 4096",
	} {
		_, err := parseAddress(text)
		want(t, err, hint)
	}
}

func TestCheckTag(t *testing.T) {
	good := connectors.Tag{Address: "ns=2;s=a", Bit: connectors.NoBit}
	if err := (Config{}).CheckTag(good); err != nil {
		t.Fatal(err)
	}
	for hint, change := range map[string]func(*connectors.Tag){
		`byte order "CDAB" is for Modbus`:        func(t *connectors.Tag) { t.Order = "CDAB" },
		"length 4 is for Modbus":                 func(t *connectors.Tag) { t.Length = 4 },
		`path "a[b" can not be read`:             func(t *connectors.Tag) { t.Path = "a[b" },
		`type "bcd16" is not an OPC UA type`:     func(t *connectors.Tag) { t.Type = "bcd16" },
		"bit 64 is out of range":                 func(t *connectors.Tag) { t.Bit = 64 },
		"bit -2 is out of range":                 func(t *connectors.Tag) { t.Bit = -2 },
		"bit 16 is not in a value of type int16": func(t *connectors.Tag) { t.Type, t.Bit = "int16", 16 },
		"bit 0 is not in a value of type float":  func(t *connectors.Tag) { t.Type, t.Bit = "float", 0 },
		"is negative":                            func(t *connectors.Tag) { t.Every = -time.Second },
		"for a name write s=Good":                func(t *connectors.Tag) { t.Address = "Good" },
	} {
		tag := good
		change(&tag)
		want(t, Config{}.CheckTag(tag), hint)
		if _, err := New(Config{Endpoint: "opc.tcp://a"}, []connectors.Tag{good, tag}); err == nil || !strings.Contains(err.Error(), "tag 1: ") {
			t.Errorf("New says %v of the second tag", err)
		}
	}
}

// TestPollSeesNoMessages: a tag whose every message counts can not be polled,
// and that is said before a machine is asked.
func TestPollSeesNoMessages(t *testing.T) {
	tag := connectors.Tag{Address: "ns=2;s=Pulse", Bit: connectors.NoBit, EachMessage: true}
	for read, ok := range map[string]bool{ReadPoll: false, ReadAuto: true, ReadSubscribe: true} {
		_, err := New(Config{Endpoint: "opc.tcp://a", Read: read}, []connectors.Tag{tag})
		if ok != (err == nil) {
			t.Errorf("read: %s: %v", read, err)
		}
		if !ok {
			want(t, err, "tag 0: ", "ns=2;s=Pulse", "set read to subscribe or auto")
		}
	}
}

func TestPlanSharesItems(t *testing.T) {
	tag := connectors.Tag{Address: "ns=2;s=Word", Bit: connectors.NoBit}
	bit := tag
	bit.Bit = 3
	slow := tag
	slow.Every = time.Minute
	explicit := tag
	explicit.Every = time.Second
	plan, err := planItems(Config{}.Defaults(), []connectors.Tag{tag, bit, slow, explicit})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) != 2 || len(plan[0].tags) != 3 || len(plan[1].tags) != 1 || plan[1].every != time.Minute {
		t.Errorf("the plan is %+v", plan)
	}
}

func TestConfigCheck(t *testing.T) {
	for hint, cfg := range map[string]Config{
		"endpoint is empty":              {},
		"not of opc.tcp":                 {Endpoint: "http://a"},
		"is written in brackets":         {Endpoint: "opc.tcp://::1"},
		"names no host":                  {Endpoint: "opc.tcp://:4840"},
		"no valid port":                  {Endpoint: "opc.tcp://a:70000"},
		"give them as user and password": {Endpoint: "opc.tcp://u:secret@a"},
		"endpoint is not a URL":          {Endpoint: "opc.tcp://u:secret@a:x:y"},
		"allowed: None, Basic256Sha256":  {Endpoint: "opc.tcp://a", Security: "Basic256"},
		"needs a folder":                 {Endpoint: "opc.tcp://a", Security: SecurityBasic256Sha256},
		"without a user":                 {Endpoint: "opc.tcp://a", Password: "secret"},
		"publishing interval 1ms":        {Endpoint: "opc.tcp://a", Publishing: time.Millisecond},
		"queue 10001":                    {Endpoint: "opc.tcp://a", Queue: 10001},
		"timeout 1h0m0s":                 {Endpoint: "opc.tcp://a", Timeout: time.Hour},
	} {
		err := cfg.Check()
		want(t, err, hint)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a secret is in %q", err)
		}
		if text := cfg.String(); strings.Contains(text, "Password") || cfg.Password != "" && strings.Contains(text, cfg.Password) {
			t.Errorf("a secret is in %q", text)
		}
	}
	for endpoint, host := range map[string]string{
		"opc.tcp://a":             "a:4840",
		"opc.tcp://10.0.0.1:4841": "10.0.0.1:4841",
		"opc.tcp://[::1]":         "[::1]:4840",
		"opc.tcp://a:1/UA/Server": "a:1",
	} {
		e, err := parseEndpoint(endpoint)
		if err != nil || e.host != host {
			t.Errorf("%s: %v, %v", endpoint, e.host, err)
		}
	}
	e, err := parseEndpoint("opc.tcp://gate:4840")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.rewrite("opc.tcp://plc.local:9999/UA/Server"); got != "opc.tcp://gate:4840/UA/Server" {
		t.Errorf("rewritten to %s", got)
	}
	if got := e.rewrite("::nonsense"); got != "opc.tcp://gate:4840" {
		t.Errorf("rewritten to %s", got)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"i=1", "ns=2;s=a;b", `nsu=urn:x%3B%25;s="A"."B"`, "g=72962B91-FA75-4AE6-8D28-B404DC7DAF63", "b=AQID", "ns=2;S=x", "nsu=%", "svr=1;i=1", "ns=65535;i=4294967295"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		again, err := parseAddress(a.String())
		if err != nil || again != a {
			t.Fatalf("%q is %+v; its canonical form %q is %+v, %v", text, a, a.String(), again, err)
		}
		if _, ok := a.resolve([]string{a.uri}); !ok {
			t.Fatalf("%q does not resolve", text)
		}
	})
}

func FuzzParseEndpoint(f *testing.F) {
	for _, seed := range []string{"opc.tcp://a", "opc.tcp://a:1/p?q#f", "opc.tcp://[::1]:4840", "opc.tcp://u:p@h", "x"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, advertised string) {
		e, err := parseEndpoint(text)
		if err != nil {
			return
		}
		if _, err := parseEndpoint(e.rewrite(advertised)); err != nil {
			t.Fatalf("%q rewritten for %q is %q: %v", text, advertised, e.rewrite(advertised), err)
		}
	})
}
