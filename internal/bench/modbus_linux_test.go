package bench

import (
	"context"
	"fmt"
	"io"
	"log"
	"sync/atomic"
	"time"

	goburrow "github.com/goburrow/modbus"
	"github.com/simonvetter/modbus"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	connector "github.com/prodsmart-gateway/prodsmart-gateway/connectors/modbus"
)

// The registers: ten units with a hundred machines each, and holes between all
// values, so that no two of them touch.
const (
	modbusUnits    = 10
	modbusMachines = machines / modbusUnits
	modbusStride   = 6
)

// register is the place of a signal: counters have 32 bits, the rest 16.
func register(machine, signal int) (unit, offset int, kind string) {
	kind = "uint16"
	if signal < stateSignal {
		kind = "uint32"
	}
	return 1 + machine/modbusMachines, (machine%modbusMachines*signals + signal) * modbusStride, kind
}

func modbusTag(machine, signal int) string {
	unit, offset, kind := register(machine, signal)
	return fmt.Sprintf("tag: %q, type: %s", fmt.Sprintf("%d/holding:0x%x", unit, offset), kind)
}

// modbusPlan is what the gateway asks, for the bare client to ask the same.
func modbusPlan(address string) ([]connector.Request, error) {
	var tags []connectors.Tag
	for i := range machines * signals {
		unit, offset, kind := register(i/signals, i%signals)
		tags = append(tags, connectors.Tag{Address: fmt.Sprintf("%d/holding:0x%x", unit, offset), Type: kind, Bit: connectors.NoBit})
	}
	return connector.Plan(connector.Config{Address: "tcp://" + address}, tags)
}

// registers is a device whose registers follow from the time.
type registers struct{ start time.Time }

// serveModbus offers the plant with a library that the gateway does not use.
func serveModbus(ctx context.Context, _ string, _ *atomic.Uint64, say func(string)) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s, err := modbus.NewServer(&modbus.ServerConfiguration{
		URL: "tcp://" + address, Timeout: time.Minute, MaxClients: 8, Logger: log.New(io.Discard, "", 0),
	}, registers{time.Now()})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	say(address)
	<-ctx.Done()
	return s.Stop()
}

// HandleHoldingRegisters answers with the values of this second.
func (d registers) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	out := make([]uint16, r.Quantity)
	for i := range out {
		at := int(r.Addr) + i
		place, word := at/modbusStride, at%modbusStride
		machine := (int(r.UnitId)-1)*modbusMachines + place/signals
		value := valueAt(place%signals, clock(d.start, machine))
		switch wide := place%signals < stateSignal; {
		case wide && word == 0:
			out[i] = uint16(value >> 16)
		case wide && word == 1, !wide && word == 0:
			out[i] = uint16(value)
		}
	}
	return out, nil
}

// HandleCoils is not served.
func (registers) HandleCoils(*modbus.CoilsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

// HandleDiscreteInputs is not served.
func (registers) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

// HandleInputRegisters is not served.
func (registers) HandleInputRegisters(*modbus.InputRegistersRequest) ([]uint16, error) {
	return nil, modbus.ErrIllegalFunction
}

// bareModbus reads the gateway's plan once a second with goburrow's own
// transport, and throws the registers away.
func bareModbus(ctx context.Context, address string, total *atomic.Uint64, say func(string)) error {
	plan, err := modbusPlan(address)
	if err != nil {
		return err
	}
	handler := goburrow.NewTCPClientHandler(address)
	handler.Timeout, handler.IdleTimeout = 2*time.Second, 0
	if err := handler.Connect(); err != nil {
		return err
	}
	defer handler.Close()
	client := goburrow.NewClient(handler)
	say("ready")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for _, r := range plan {
			handler.SlaveId = r.Unit
			if _, err := client.ReadHoldingRegisters(uint16(r.Offset), uint16(r.Count)); err != nil {
				return err
			}
			total.Add(uint64(r.Tags))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
