package main

import (
	"errors"
	"math"
	"net"
	"sync/atomic"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/plc"
)

// devices starts one device of each protocol, and gives the variables by which
// scripts find them.
func devices(t *testing.T) map[string]string {
	t.Helper()
	var requests atomic.Uint32
	modbus, err := plc.NewModbus("127.0.0.1:0", map[uint8]plc.Unit{1: {Read: func(_ plc.Reading, into *plc.Image) {
		for a := uint16(0); a < 200; a++ {
			into.Holding[a] = 0
		}
		plc.PutUint32(into.Holding, 100, "CDAB", 1234567)
		plc.PutUint32(into.Holding, 110, "ABCD", math.Float32bits(229.0125))
		into.Holding[120] = 4711
	}}, 2: {Read: func(_ plc.Reading, into *plc.Image) {
		for a := uint16(0); a < 200; a++ {
			into.Holding[a] = 7
		}
		// A counter that stands for some readings and then goes on, beside one
		// that holds the same at first and never moves.
		parts := uint32(81240)
		if requests.Add(1) > 4 {
			parts = 81243
		}
		plc.PutUint32(into.Holding, 130, "CDAB", parts)
		plc.PutUint32(into.Holding, 132, "ABCD", 81240)
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(modbus.Close)
	opcua, err := plc.NewOPCUA("127.0.0.1:0", []plc.Variable{
		{ID: "Good", Read: func() any { return uint32(40713) }},
		{ID: "Temp", Read: func() any { return float32(81.25) }},
		{ID: "Running", Read: func() any { return true }},
		{ID: "Silent", Read: func() any { return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opcua.Close)
	broker, err := plc.NewBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	if err := broker.Publish("plant/saw1/state", []byte(`{"n": 815, "power": 12.5, "boot": 3}`), true, 1); err != nil {
		t.Fatal(err)
	}
	tenant, err := mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: mes.Options{RepeatedStop: mes.RepeatedStopNew, WasteIn: mes.WasteIncluded, Limit: -1}},
		Machines: []mes.MachineSetup{{Code: "TEST-1", Waste: []string{"SCRAP"}, Parameters: []mes.ParameterSetup{{Name: "temperature", Code: "T1"}},
			Types: []mes.TypeSetup{{Name: "HALT"}, {Name: "SETUP"}}, InProduction: true},
			{Code: "TEST-2", Types: []mes.TypeSetup{{Name: "HALT"}}, InProduction: true}}})
	if err != nil {
		t.Fatal(err)
	}
	address, err := tenant.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tenant.Close(); err != nil {
			t.Error(err)
		}
	})
	// Somebody entered an address for webhooks, and made a channel.
	hook, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tenant.Subscribe("http://"+hook.Addr().String()+"/hook", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(hook.Close(), tenant.AddChannel(mes.ChannelSetup{Name: "c-7", Type: "PRODUCTION_ORDER"})); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"HOOK": hook.Addr().String(), "TENANT": "http://" + address, "MODBUS": "tcp://" + modbus.Gate.Addr(), "OPCUA": opcua.Endpoint(), "MQTT": "mqtt://" + broker.Gate.Addr(), "BROKER": "tcp://" + broker.Gate.Addr()}
}
