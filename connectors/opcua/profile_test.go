package opcua

import (
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestProfiles(t *testing.T) {
	for _, tc := range []struct {
		configured string
		said       []string
		found      string
	}{
		{profileAuto, []string{"https://www.siemens.com/s7-1500", "Siemens AG", "SIMATIC.S7-1500.OPC-UA.Application"}, "s7-1500"},
		{profileAuto, []string{"https://www.siemens.com/s7-1200", "Siemens AG", "SIMATIC.S7-1200"}, "s7-1200"},
		{profileAuto, []string{"", "Kepware", "KEPServerEX"}, "kepware"},
		{profileAuto, []string{"", "3S-Smart Software Solutions GmbH", "CODESYS"}, "codesys"},
		{profileAuto, []string{"urn:BeckhoffAutomation:TF6100", "Beckhoff Automation", ""}, "beckhoff"},
		{profileAuto, []string{"urn:NodeOPCUA-Server", "NodeOPCUA", "NodeOPCUA-Server"}, "generic"},
		{profileAuto, nil, "generic"},
		{"generic", []string{"", "Kepware", "KEPServerEX"}, "generic"},
		{"s7-1200", nil, "s7-1200"},
	} {
		p := profileFor(tc.configured, tc.said...)
		if p.name != tc.found {
			t.Errorf("%s %q is %s, want %s", tc.configured, tc.said, p.name, tc.found)
		}
		if p.items < 1 || p.read < 1 || p.browse < 1 || p.paths < 1 {
			t.Errorf("%s allows nothing: %+v", p.name, p.limits)
		}
	}
}

// TestProfileLimitsRequests: what the profile allows holds where the server
// sets no limit of its own.
func TestProfileLimitsRequests(t *testing.T) {
	p := startPLC(t)
	var names []string
	for i := range 300 {
		names = append(names, string(rune('a'+i%26))+string(rune('A'+i/26)))
		p.is(names[i], uint32(i))
	}
	cfg := dialling(p.addr)
	cfg.Profile = "s7-1200"
	run(t, cfg, tagsOf(names...)).WaitUp(t, within)
	p.seen(t, "all items", func() bool { return len(p.asked) == len(names)+1 })
	p.with(func() {
		for _, n := range p.calls {
			if n > 200 {
				t.Errorf("%d items in one request", n)
			}
		}
	})
}

// TestServersOwnURL meets a server that opens sessions only under the name it
// gives itself.
func TestServersOwnURL(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	ep := offer(ua.SecurityPolicyURINone, ua.MessageSecurityModeNone)
	p.with(func() {
		p.endpoints = []*ua.EndpointDescription{ep}
		p.onlyFor = ep.EndpointURL
	})
	run(t, dialling(p.addr), tagsOf("Counter")).WaitValue(t, within, 0, connectors.Uint(1))
	p.with(func() {
		if p.opened.EndpointURL != ep.EndpointURL {
			t.Errorf("the session is for %s", p.opened.EndpointURL)
		}
	})
}

func TestCheckOfChoices(t *testing.T) {
	good := Config{Endpoint: "opc.tcp://plc", Security: SecurityAes128, Mode: ModeSign, Trust: TrustList, Profile: "kepware", CertificateDir: "pki"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	bad := Config{
		Endpoint: "opc.tcp://plc", Security: "Basic256", Mode: "plain", Trust: "all", Profile: "s7", Read: "often",
		User: "u", UserCertificate: "c",
	}
	want(t, bad.Check(),
		`security "Basic256" is not supported; allowed: None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss`,
		`mode "plain"`, `trust "all"`, `profile "s7"`, "auto, s7-1200", `read "often"`,
		"belong together", "leave one out", "needs a folder")
}

// TestSessionTimeout: a small controller is asked to forget lost sessions soon,
// if the configuration says that it is one.
func TestSessionTimeout(t *testing.T) {
	for profile, asked := range map[string]time.Duration{"": 30 * time.Second, "s7-1200": 10 * time.Second, "kepware": 30 * time.Second} {
		p := startPLC(t)
		p.is("Counter", uint32(1))
		cfg := dialling(p.addr)
		cfg.Profile = profile
		run(t, cfg, tagsOf("Counter")).WaitUp(t, within)
		p.with(func() {
			if got := p.opened.RequestedSessionTimeout; got != float64(asked/time.Millisecond) {
				t.Errorf("profile %q asks for %v ms, want %s", profile, got, asked)
			}
		})
	}
}
