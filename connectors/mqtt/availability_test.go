package mqtt

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// tell gives a decoder one message and shows the samples.
func tell(d decoder, topic, payload string, retained bool) string {
	var list []string
	for _, s := range d.message(incoming{topic: topic, payload: []byte(payload), retained: retained, at: time.Now()}).samples {
		list = append(list, show(s))
	}
	return strings.Join(list, "|")
}

func decoding(t *testing.T, cfg Config, tags ...connectors.Tag) decoder {
	t.Helper()
	cfg.Broker = "tcp://127.0.0.1"
	cfg.ClientID = "gateway"
	return connector(t, cfg, tags...).decoder
}

func TestAvailability(t *testing.T) {
	cfg := Config{Availability: []Availability{{Topic: "tele/{device}/LWT"}, {Topic: "site/state", Path: "up", Offline: "false"}}}
	d := decoding(t, cfg, tag("tele/saw/SENSOR", "n"), tag("tele/press/SENSOR", "n"), pulse("tele/saw/pulse"))
	d.begin(time.Now())
	for _, step := range []struct {
		topic, payload string
		retained       bool
		want           string
	}{
		{"tele/saw/LWT", "Offline", true, "bad: device offline retained|bad: device offline retained"},
		{"tele/saw/SENSOR", `{"n":1}`, true, "bad: device offline retained"},
		{"tele/press/SENSOR", `{"n":2}`, true, "2 good retained"},
		{"tele/saw/LWT", "OFFLINE", false, ""},
		{"tele/saw/pulse", "3", false, "3 good"}, // counted whatever the availability says
		{"tele/saw/LWT", "Online", false, ""},    // nothing is invented
		{"tele/saw/SENSOR", `{"n":4}`, false, "4 good"},
		{"site/state", `{"up":false}`, false, "bad: device offline|bad: device offline|bad: device offline"},
		{"tele/saw/LWT", "offline", false, ""}, // is away already
		{"site/state", `{"up":true}`, false, ""},
		{"tele/saw/SENSOR", `{"n":5}`, false, "bad: device offline"},
		{"tele/press/SENSOR", `{"n":6}`, false, "6 good"},
	} {
		if got := tell(d, step.topic, step.payload, step.retained); got != step.want {
			t.Errorf("%s %s gives %q, want %q", step.topic, step.payload, got, step.want)
		}
	}
	list := d.conditions()
	if len(list) != 1 || list[0].Trouble != connectors.SourceOffline || list[0].Subject != "saw" {
		t.Errorf("conditions are %+v", list)
	}
	if d.begin(time.Now()); len(d.conditions()) != 0 {
		t.Error("a new connection knows what the one before said")
	}
}

func TestAvailabilityThatCanNotWork(t *testing.T) {
	for topic, want := range map[string]string{
		"":                    "the topic is empty",
		"tele/+/LWT":          "not a wildcard",
		"tele/x{device}/LWT":  "alone in its level",
		"{device}/{device}/a": "alone in its level",
		"saw/state":           "its messages", // is a part of the counting tag
	} {
		_, err := New(Config{Broker: "tcp://a", ClientID: "g", Availability: []Availability{{Topic: topic}}},
			[]connectors.Tag{pulse("saw/#")})
		if want == "its messages" {
			want = "may deliver each message twice"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("topic %q: got %v, want ...%s...", topic, err, want)
		}
	}
}

// TestMosquittoLastWill: the will of a device that is killed makes its tags
// Bad, also for a gateway that comes later and gets retained messages only.
func TestMosquittoLastWill(t *testing.T) {
	m := newMosquitto(t, anonymous)
	cfg := m.config()
	cfg.Availability = []Availability{{Topic: "{device}/zz-status"}}
	m.send(t, "press/count", "7", "-r")
	m.send(t, "press/zz-status", "online", "-r")
	host, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	device := exec.Command(connectortest.Program(t, "mosquitto_sub"), "-h", host, "-p", port, "-i", "press", "-t", "nothing",
		"--will-topic", "press/zz-status", "--will-payload", "offline", "--will-retain")
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Wait() }()
	m.waitLog(t, "as press ", 1)
	c := connector(t, cfg, tag("press/count", ""))
	first := start(t, c, nil)
	first.waitTexts(t, 0, "7 good retained")
	if err := device.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.waitTexts(t, 0, "7 good retained", "bad: device offline")
	if list := c.Conditions(); len(list) != 1 || list[0].Subject != "press" {
		t.Errorf("conditions are %+v", list)
	}
	if err := first.stop(t); err != nil {
		t.Fatal(err)
	}
	second := start(t, c, nil)
	second.waitTexts(t, 0, "bad: device offline retained", "bad: device offline retained")
	m.send(t, "press/zz-status", "online", "-r")
	m.send(t, "press/count", "8", "-r")
	second.waitTexts(t, 0, "bad: device offline retained", "bad: device offline retained", "8 good")
	if list := c.Conditions(); len(list) != 0 {
		t.Errorf("conditions are %+v", list)
	}
}
