package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestEverySettingHasAKey holds that all settings of the connectors can be
// reached from the YAML: with every key given, none is left at zero.
func TestEverySettingHasAKey(t *testing.T) {
	text := `data: d
connections:
  a: {opcua: {endpoint: "opc.tcp://h:4840", security: Aes256_Sha256_RsaPss, mode: sign, user: u, password: "${env:P}", certificate_dir: c, trust: list, ignore_host: true, profile: kepware, read: poll, publishing: 2s, sampling: 500ms, queue: 3, timeout: 4s}}
  b: {modbus: {address: "tcp://h:502", unit: 2, every: 3s, timeout: 4s, max_read: 5, max_read_bits: 6, gap: 7, one_based: true, holes: "holding:100-119", connect_pause: 1s, pause: 20ms, release: true}}
  c: {mqtt: {broker: "ssl://h:8883", client_id: i, user: u, password: "${env:P}", ca: ca.pem, certificate: c.pem, key: k.pem, server_name: s, qos: 1, keep_alive: 6s, timeout: 7s, payload: text, decimal: comma, time_path: ts, availability: [{topic: "tele/{device}/LWT", path: a, offline: away}]}}
  d: {opcua: {endpoint: "opc.tcp://i:4840", security: Basic256Sha256, user_certificate: u.pem, user_key: u.key}}
  e: {mqtt: {broker: "tcp://i:1883", payload: sparkplug, rebirth: true, rebirth_every: 30s}}
machines:
  M: {connection: b, ideal_cycle: 1s, count: {tag: 40001, is: good}}
`
	config, problems := Load("x.yaml", Options{
		Env:      func(string) (string, bool) { return "secret", true },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := config.Connections
	// What excludes something else is set in a second connection.
	for _, group := range [][]any{{c[0].OPCUA(), c[3].OPCUA()}, {c[1].Modbus()}, {c[2].MQTT(), c[4].MQTT()}} {
		first := reflect.ValueOf(group[0])
		for i := range first.NumField() {
			set := false
			for _, settings := range group {
				set = set || !reflect.ValueOf(settings).Field(i).IsZero()
			}
			if !set {
				t.Errorf("%s.%s can not be set", first.Type(), first.Type().Field(i).Name)
			}
		}
	}
	if a := c[2].MQTT().Availability; len(a) != 1 || reflect.ValueOf(a[0]).FieldByName("Path").IsZero() || a[0].Offline != "away" || a[0].Topic != "tele/{device}/LWT" {
		t.Errorf("availability %+v", a)
	}
	// The wrong kind gives nothing, and no nil is followed.
	if !reflect.ValueOf(config.Connections[0].MQTT()).IsZero() || !reflect.ValueOf(config.Connections[0].Modbus()).IsZero() ||
		!reflect.ValueOf(config.Connections[1].OPCUA()).IsZero() {
		t.Error("a connection has settings of another kind")
	}
}

// TestSparkplugWithoutRebirth: who does not choose is told what it means.
func TestSparkplugWithoutRebirth(t *testing.T) {
	for more, want := range map[string]bool{"": true, ", rebirth: true": false, ", rebirth: false": false} {
		text := `connections:
  e: {mqtt: {broker: "tcp://h:1883", payload: sparkplug` + more + `}}
machines:
  M: {connection: e, ideal_cycle: 1s, count: {tag: P/E1/L1, path: total, is: good}, state: {idle_after: 30s}}
`
		config, problems := Load("x.yaml", Options{ReadFile: func(string) ([]byte, error) { return []byte(text), nil }})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		said := ""
		for _, w := range config.Warnings {
			said += w.Text + "\n"
		}
		if strings.Contains(said, "without rebirth: true") != want {
			t.Errorf("with %q the warnings are %s", more, said)
		}
	}
}
