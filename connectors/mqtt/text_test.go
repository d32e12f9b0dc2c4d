package mqtt

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestDecimalComma(t *testing.T) {
	for _, c := range []struct{ typ, path, payload, want string }{
		{"", "", "12,5", "12.5 good"},
		{"", "", "1.234,5", "1234.5 good"},
		{"", "", "-234.567,25", "-234567.25 good"},
		{"", "", "1,234", "1.234 good"},
		{"", "", "1.234", "1234 good"},
		{"", "", "12.5", "12.5 good"}, // a text, as no number is written so
		{"float", "", "12.5", "bad: not a number"},
		{"float", "", "1.234,5", "1234.5 good"},
		{"float", "", "1234.567,5", "bad: not a number"},
		{"int", "", "1,2,3", "bad: not a number"},
		{"string", "", "1.234,5", "1.234,5 good"},
		{"float", "a", `{"a": 12.5}`, "12.5 good"},
		{"float", "a", `{"a": "12,5"}`, "12.5 good"},
		{"", "", "9.007.199.254.740.993", "9007199254740993 good"},
	} {
		one := tag("t", c.path)
		one.Type = c.typ
		if got := tell(decoding(t, Config{Decimal: DecimalComma}, one), "t", c.payload, false); got != c.want {
			t.Errorf("type %q: %s gives %s, want %s", c.typ, c.payload, got, c.want)
		}
	}
}

func TestStamps(t *testing.T) {
	want := time.Date(2026, 11, 22, 23, 30, 1, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1795390201":                want,
		"1795390201000":             want,
		"1795390201000000":          want,
		"1795390201.25":             want.Add(250 * time.Millisecond),
		"2026-11-22T23:30:01Z":      want,
		"2026-11-23T01:30:01+02:00": want,
		"2026-11-23T01:30:01+0200":  want,
		"2026-11-22T23:30:01.5Z":    want.Add(500 * time.Millisecond),
		"2026-11-22T23:30:01":       time.Date(2026, 11, 22, 23, 30, 1, 0, time.Local),
		"2026-11-22 23:30:01":       time.Date(2026, 11, 22, 23, 30, 1, 0, time.Local),
		"":                          {}, "0": {}, "12": {}, "1970-01-01T00:00:05": {}, "soon": {}, "1e300": {}, "9223372036854775808": {},
	} {
		if got := parseStamp(text); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// TestDevices are payloads as the devices of the makers send them.
func TestDevices(t *testing.T) {
	for _, c := range []struct{ topic, path, payload, want string }{
		{"shellies/shellyplug-1/relay/0/power", "", "8.92", "8.92 good"}, // Shelly, first generation
		{"shellies/shelly1-1/relay/0", "", "on", "on good"},
		{"shellies/shelly1-1/input_event/0", "event_cnt", `{"event":"S","event_cnt":3}`, "3 good"},
		{"shellyplus1pm-1/status/switch:0", "aenergy.total", // second generation
			`{"id":0,"source":"MQTT","output":true,"apower":8.9,"voltage":237.5,"aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":23.5,"tF":74.4}}`, "6.532 good"},
		{"shellyplus1pm-1/events/rpc", `params["switch:0"].apower`, `{"src":"shellyplus1pm-1","method":"NotifyStatus","params":{"ts":1631186545.04,"switch:0":{"id":0,"apower":9}}}`, "9 good"},
		{"shellyplus1pm-1/events/rpc", "params.switch:0.apower", `{"params":{"switch:0":{"apower":9}}}`, "9 good"},
		{"tele/saw/SENSOR", "COUNTER.C1", `{"Time":"2026-11-22T23:30:01","COUNTER":{"C1":417}}`, "417 good"}, // Tasmota
		{"stat/saw/POWER", "", "ON", "ON good"},
		{"press/sensor/pulses/state", "", "1234", "1234 good"}, // ESPHome
		{"press/binary_sensor/running/state", "", "ON", "ON good"},
		{"press/sensor/load/state", "", "nan", "nan good"},
	} {
		if got := tell(decoding(t, Config{}, tag(c.topic, c.path)), c.topic, c.payload, false); got != c.want {
			t.Errorf("%s %s gives %s, want %s", c.topic, c.path, got, c.want)
		}
	}
}

func TestSourceTimeAndClock(t *testing.T) {
	s := newServer(t)
	c := connector(t, Config{Broker: "tcp://" + s.addr, TimePath: "ts"}, tag("a", "n"))
	ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	s.retain(t, "a", `{"n":1,"ts":"2020-01-01T00:00:00Z"}`)
	r := start(t, c, nil)
	r.waitTexts(t, 0, "1 good retained")
	if !c.Stats().SkewAt.IsZero() {
		t.Error("a stored message was taken for the device's clock")
	}
	s.send(t, "a", `{"n":2,"ts":"`+ahead.Format(time.RFC3339)+`"}`, false, 1)
	r.waitTexts(t, 0, "1 good retained", "2 good")
	if sample, _ := r.Latest(0); !sample.SourceTime.Equal(ahead) {
		t.Errorf("the source time is %v, want %v", sample.SourceTime, ahead)
	}
	stats, list := c.Stats(), c.Conditions()
	if off := stats.Skew - time.Hour; off.Abs() > time.Minute || stats.Data != 2 {
		t.Errorf("stats are %+v", stats)
	}
	if len(list) != 1 || list[0].Trouble != connectors.ClockWrong {
		t.Errorf("conditions are %+v", list)
	}
}

// FuzzText: no stamp or decimal comma crashes or makes a value of nothing.
func FuzzText(f *testing.F) {
	for _, text := range []string{"1.234,5", ",", ".", "-,1", "1795390201.5", "2026-11-22T23:30:01.5+0200", "+1.000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if plain, ok := pointed(text); ok && !isNumber(plain) {
			t.Errorf("%q became %q", text, plain)
		}
		if at := parseStamp(text); !at.IsZero() && (at.Unix() < earliestSecond || at.Unix() > latestSecond) {
			t.Errorf("%q became %v", text, at)
		}
	})
}

func TestKindsOfTrouble(t *testing.T) {
	s := newServer(t)
	s.password = "right"
	c := connector(t, Config{Broker: "tcp://" + s.addr, User: "gateway", Password: "wrong"}, tag("a", ""))
	_ = c.Run(t.Context(), func(connectors.Batch) {})
	if list := c.Conditions(); len(list) != 1 || list[0].Trouble != connectors.LoginRefused {
		t.Errorf("after a wrong password: %+v", list)
	}
	full := connector(t, Config{Broker: "tcp://" + scripted(t, map[byte]string{typeConnect: "\x20\x02\x00\x03"}), ClientID: "gateway"}, tag("a", ""))
	_ = full.Run(t.Context(), func(connectors.Batch) {})
	if list := full.Conditions(); len(list) != 1 || list[0].Trouble != connectors.SessionsExhausted {
		t.Errorf("at a full broker: %+v", list)
	}
	if kind, ok := classify(x509.CertificateInvalidError{Reason: x509.Expired}); !ok || kind != connectors.CertificateExpiring {
		t.Errorf("an expired certificate is %v, %t", kind, ok)
	}
}
