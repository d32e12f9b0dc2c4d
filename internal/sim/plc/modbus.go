package plc

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/simonvetter/modbus"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/gate"
)

// Image is what a unit holds at one instant. Addresses count from 0; one that
// is not in the map does not exist.
type Image struct {
	Holding, Input   map[uint16]uint16
	Coils, Discretes map[uint16]bool
}

// Reading is one request for a unit's data.
type Reading struct {
	// Area is holding, input, coil or discrete.
	Area string
	// First and Count are the addresses asked for.
	First, Count uint16
}

// Unit is one device behind the gateway.
type Unit struct {
	// Read fills the image for one request: all of an answer is true together.
	Read func(r Reading, into *Image)
	// Silent units never answer and let the request run into its timeout.
	Silent bool
	// Absent units let the gateway answer exception 11 after Patience.
	Absent bool
	// Patience is how long the gateway waits for an absent unit.
	Patience time.Duration
}

// Modbus is a Modbus TCP gateway. It answers reads; writes are refused.
type Modbus struct {
	// Gate is what clients connect through.
	Gate *gate.Gate

	srv     *modbus.ModbusServer
	units   map[uint8]Unit
	closing chan struct{}

	mu    sync.Mutex
	reads map[uint8]uint64
}

// NewModbus starts a gateway on addr; port 0 chooses one.
func NewModbus(addr string, units map[uint8]Unit) (*Modbus, error) {
	m := &Modbus{units: maps.Clone(units), closing: make(chan struct{}), reads: map[uint8]uint64{}}
	port, err := onFreePort(func(port int) error {
		var err error
		m.srv, err = modbus.NewServer(&modbus.ServerConfiguration{
			URL:        "tcp://127.0.0.1:" + strconv.Itoa(port),
			Timeout:    time.Minute,
			MaxClients: 20,
			Logger:     log.New(io.Discard, "", 0),
		}, m)
		if err != nil {
			return err
		}
		return m.srv.Start()
	})
	if err != nil {
		return nil, fmt.Errorf("modbus gateway: %w", err)
	}
	m.Gate, err = gate.Open(addr, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), gate.Options{
		Frame: modbusFrame,
		Keep:  func(frame []byte) bool { return !m.units[frame[6]].Silent },
	})
	if err != nil {
		_ = m.srv.Stop()
		return nil, fmt.Errorf("modbus gateway: %w", err)
	}
	return m, nil
}

// Reads is how many requests a unit answered.
func (m *Modbus) Reads(unit uint8) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads[unit]
}

// Close ends the gateway.
func (m *Modbus) Close() {
	close(m.closing)
	m.Gate.Close()
	_ = m.srv.Stop() // the listener is closed either way
}

// modbusFrame reads one request: transaction, protocol, length, unit, the rest.
func modbusFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(7)
	if err != nil {
		return nil, err
	}
	length := int(head[4])<<8 | int(head[5])
	if length < 2 || length > 254 {
		return nil, fmt.Errorf("a Modbus frame of length %d", length)
	}
	frame := make([]byte, 6+length)
	_, err = io.ReadFull(r, frame)
	return frame, err
}

// read makes the image for one request, or says why there is none.
func (m *Modbus) read(unit uint8, r Reading) (*Image, error) {
	u, ok := m.units[unit]
	if !ok {
		return nil, modbus.ErrGWPathUnavailable
	}
	if u.Absent {
		t := time.NewTimer(u.Patience)
		defer t.Stop()
		select {
		case <-t.C:
		case <-m.closing:
		}
		return nil, modbus.ErrGWTargetFailedToRespond
	}
	image := &Image{map[uint16]uint16{}, map[uint16]uint16{}, map[uint16]bool{}, map[uint16]bool{}}
	u.Read(r, image)
	m.mu.Lock()
	m.reads[unit]++
	m.mu.Unlock()
	return image, nil
}

func pick[V any](from map[uint16]V, first, count uint16) ([]V, error) {
	out := make([]V, 0, count)
	for a := uint32(first); a < uint32(first)+uint32(count); a++ {
		v, ok := from[uint16(a)]
		if !ok {
			return nil, modbus.ErrIllegalDataAddress
		}
		out = append(out, v)
	}
	return out, nil
}

// HandleCoils answers function code 1; the library calls it.
func (m *Modbus) HandleCoils(r *modbus.CoilsRequest) ([]bool, error) {
	if r.IsWrite {
		return nil, modbus.ErrIllegalFunction
	}
	image, err := m.read(r.UnitId, Reading{"coil", r.Addr, r.Quantity})
	if err != nil {
		return nil, err
	}
	return pick(image.Coils, r.Addr, r.Quantity)
}

// HandleDiscreteInputs answers function code 2; the library calls it.
func (m *Modbus) HandleDiscreteInputs(r *modbus.DiscreteInputsRequest) ([]bool, error) {
	image, err := m.read(r.UnitId, Reading{"discrete", r.Addr, r.Quantity})
	if err != nil {
		return nil, err
	}
	return pick(image.Discretes, r.Addr, r.Quantity)
}

// HandleHoldingRegisters answers function code 3; the library calls it.
func (m *Modbus) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		return nil, modbus.ErrIllegalFunction
	}
	image, err := m.read(r.UnitId, Reading{"holding", r.Addr, r.Quantity})
	if err != nil {
		return nil, err
	}
	return pick(image.Holding, r.Addr, r.Quantity)
}

// HandleInputRegisters answers function code 4; the library calls it.
func (m *Modbus) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	image, err := m.read(r.UnitId, Reading{"input", r.Addr, r.Quantity})
	if err != nil {
		return nil, err
	}
	return pick(image.Input, r.Addr, r.Quantity)
}

// PutUint32 writes a value into two registers. Order ABCD puts the upper half
// first, CDAB the lower half.
func PutUint32(into map[uint16]uint16, at uint16, order string, v uint32) {
	words := []uint16{uint16(v >> 16), uint16(v)}
	if order == "CDAB" {
		slices.Reverse(words)
	}
	into[at], into[at+1] = words[0], words[1]
}

// PutFloat32 does the same with a single-precision number.
func PutFloat32(into map[uint16]uint16, at uint16, order string, v float32) {
	PutUint32(into, at, order, math.Float32bits(v))
}
