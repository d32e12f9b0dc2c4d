package mqtt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestCheckConfig(t *testing.T) {
	two := byte(2)
	for want, cfg := range map[string]Config{
		"no address is given":              {},
		"does not say how to connect":      {Broker: "10.0.0.1:1883"},
		"http:// is not supported":         {Broker: "http://10.0.0.1"},
		"WebSocket is not supported":       {Broker: "ws://10.0.0.1"},
		"the host is missing":              {Broker: "tcp://:1883"},
		"port 0 does not exist":            {Broker: "tcp://a:0"},
		"port 65536 does not exist":        {Broker: "tcp://a:65536"},
		"nothing may follow the port":      {Broker: "tcp://a:1883/topic"},
		"user and password do not belong":  {Broker: "tcp://me:hunter2@a:1883"},
		"the address can not be read":      {Broker: "tcp://me:hunter2@a b:%zz"},
		"write ssl://a:1883":               {Broker: "tcp://a:1883", CA: "ca.pem"},
		"certificate and key belong":       {Broker: "ssl://a", Certificate: "c.pem"},
		"password is given without a user": {Broker: "tcp://a", Password: "hunter2"},
		"qos 2 is not supported":           {Broker: "tcp://a", QoS: &two},
		"keep-alive 10ms is out of range":  {Broker: "tcp://a", KeepAlive: 10 * time.Millisecond},
		"timeout 2m0s is out of range":     {Broker: "tcp://a", Timeout: 2 * time.Minute},
	} {
		err := cfg.Check()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ...%s...", cfg.Broker, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
	both := Config{Broker: "tcp://a:0", QoS: &two}.Check()
	if both == nil || !strings.Contains(both.Error(), "port 0") || !strings.Contains(both.Error(), "qos 2") {
		t.Errorf("not all problems are reported at once: %v", both)
	}
}

func TestBrokerAddresses(t *testing.T) {
	for text, want := range map[string]endpoint{
		"tcp://10.0.0.1":          {"10.0.0.1", "1883", false},
		"mqtt://broker.plant:99/": {"broker.plant", "99", false},
		"ssl://broker":            {"broker", "8883", true},
		"mqtts://[fe80::1]:8884":  {"fe80::1", "8884", true},
		"tls://broker:8885":       {"broker", "8885", true},
	} {
		if got, err := parseBroker(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestNew(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := tag("a", "")
	for want, c := range map[string]struct {
		cfg Config
		tag connectors.Tag
	}{
		"no address is given":          {Config{}, good},
		"the topic is empty":           {Config{Broker: "tcp://a"}, tag("", "")},
		"needs a client id":            {Config{Broker: "tcp://a"}, pulse("a")},
		"ca: the file can not be read": {Config{Broker: "ssl://a", CA: junk + ".none"}, good},
		"holds no certificate":         {Config{Broker: "ssl://a", CA: junk}, good},
		"can not be used: tls":         {Config{Broker: "ssl://a", Certificate: junk, Key: junk}, good},
	} {
		if _, err := New(c.cfg, []connectors.Tag{c.tag}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ...%s...", err, want)
		}
	}
	one := connector(t, Config{Broker: "tcp://a"}, good)
	other := connector(t, Config{Broker: "tcp://a"}, good)
	if one.cfg.ClientID == other.cfg.ClientID || len(one.cfg.ClientID) > 23 {
		t.Errorf("client ids %q and %q must differ and fit into 23 characters", one.cfg.ClientID, other.cfg.ClientID)
	}
}

func TestFiltersAskForWhatCounts(t *testing.T) {
	zero := byte(0)
	c := connector(t, Config{Broker: "tcp://a", ClientID: "g", QoS: &zero}, tag("b", "x"), pulse("a"), tag("b", "y"), tag("a", "n"))
	if len(c.decoder.filters()) != 2 || c.decoder.filters()[0].topic != "a" || c.decoder.filters()[0].qos != 1 || c.decoder.filters()[1].qos != 0 || !c.persistent {
		t.Errorf("filters are %+v", c.decoder.filters())
	}
	if got := c.decoder.filters()[0].judge(map[string]byte{"a": 0}); !strings.Contains(got, "QoS 0 only") {
		t.Errorf("a pulse at QoS 0 is judged %q", got)
	}
	for granted, want := range map[byte]string{0: "", 1: "", 0x80: "refused", 0x87: "refused"} {
		if got := c.decoder.filters()[1].judge(map[string]byte{"b": granted}); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("granted %#x is judged %q", granted, got)
		}
	}
}
