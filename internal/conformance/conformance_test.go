package conformance

import (
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

func TestModbusPymodbus(t *testing.T) {
	s, _ := pymodbus(t)
	for _, r := range connectortest.Recover(t, s, connectortest.Cases()) {
		t.Logf("%+v", r)
	}
}

func TestModbusLibmodbus(t *testing.T) {
	s, _ := libmodbus(t)
	for _, r := range connectortest.Recover(t, s, connectortest.Cases()) {
		t.Logf("%+v", r)
	}
}
