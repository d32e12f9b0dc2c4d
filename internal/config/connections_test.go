package config

import (
	"reflect"
	"testing"
)

// TestEverySettingHasAKey holds that all settings of the connectors can be
// reached from the YAML: with every key given, none is left at zero.
func TestEverySettingHasAKey(t *testing.T) {
	text := `data: d
connections:
  a: {opcua: {endpoint: "opc.tcp://h:4840", security: Basic256Sha256, user: u, password: "${env:P}", certificate_dir: c, publishing: 2s, queue: 3, timeout: 4s}}
  b: {modbus: {address: "tcp://h:502", unit: 2, every: 3s, timeout: 4s, max_read: 5, max_read_bits: 6, gap: 7, one_based: true}}
  c: {mqtt: {broker: "ssl://h:8883", client_id: i, user: u, password: "${env:P}", ca: ca.pem, certificate: c.pem, key: k.pem, server_name: s, qos: 1, keep_alive: 6s, timeout: 7s}}
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
	for _, settings := range []any{config.Connections[0].OPCUA(), config.Connections[1].Modbus(), config.Connections[2].MQTT()} {
		v := reflect.ValueOf(settings)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s can not be set", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	// The wrong kind gives nothing, and no nil is followed.
	if !reflect.ValueOf(config.Connections[0].MQTT()).IsZero() || !reflect.ValueOf(config.Connections[0].Modbus()).IsZero() ||
		!reflect.ValueOf(config.Connections[1].OPCUA()).IsZero() {
		t.Error("a connection has settings of another kind")
	}
}
