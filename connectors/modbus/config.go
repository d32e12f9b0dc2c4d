package modbus

import (
	"fmt"
	"time"
)

// Config is one Modbus device, serial gateway or serial line: one connection,
// one request at a time. The zero value of a duration or number means the
// default, which Defaults fills in.
type Config struct {
	// Address is tcp://host:port (the port defaults to 502);
	// rtuovertcp://host:port or asciiovertcp://host:port for serial frames
	// through a converter that is no Modbus gateway; rtu:///dev/ttyUSB0,
	// rtu://COM3, ascii://... for a serial port, followed by
	// ?baud=9600&parity=E&stop=1&data=8 where the line's settings differ from
	// 19200 baud, even parity, one stop bit (two without parity), 8 data bits
	// (7 in ASCII).
	Address string
	// Unit is used by tags that do not name one. Default 1, 0 to 255.
	Unit *uint8
	// Every is the polling period of tags that do not name one. Default 1 s.
	Every time.Duration
	// Timeout bounds connecting and every request. It must be longer than the
	// timeout a serial gateway itself has towards its devices. Default 2 s.
	Timeout time.Duration
	// MaxRead is the largest number of registers in one request. Default 125,
	// 1 to 125.
	MaxRead int
	// MaxReadBits is the same for coils and discrete inputs. Default 2000.
	MaxReadBits int
	// Gap is the largest number of unused registers that are read along to
	// save a request; bits use sixteen times as many. Default 16. -1 forbids
	// reading anything that no tag asks for.
	Gap int
	// OneBased shifts addresses in words ("holding:1" is the first register)
	// for manuals that count from one. Numbers like 40001 always do.
	OneBased bool
	// Holes are data that must never be read along, because the device refuses
	// or misbehaves: "holding:100-119", "3/input:7". An address in a hole that a
	// tag asks for is read by itself.
	Holes []string
	// ConnectPause is the wait between connecting and the first request, for
	// devices that are not ready at once. 0 to 10 s.
	ConnectPause time.Duration
	// Pause is the wait between an answer and the next request. 0 to 10 s. On a
	// serial line the silence that frames need is kept in any case.
	Pause time.Duration
	// Release gives the connection back after every round, for devices that
	// serve one client at a time and are wanted by others too.
	Release bool
}

// The limits of the protocol for one request.
const (
	maxRegisters = 125
	maxBits      = 2000
)

const (
	defaultPort = "502"
	shortest    = 10 * time.Millisecond
	longest     = time.Hour
	// longestPause is the most that a device is given time.
	longestPause = 10 * time.Second
	// noGap is the Gap that forbids reading along.
	noGap = -1
	// bitsPerGap is how many unused bits count as much as one unused register.
	bitsPerGap = 16
)

// Defaults is the configuration with every missing number filled in. It does
// not check anything; Check does.
func (c Config) Defaults() Config {
	if c.Unit == nil {
		unit := uint8(1)
		c.Unit = &unit
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.MaxRead == 0 {
		c.MaxRead = maxRegisters
	}
	if c.MaxReadBits == 0 {
		c.MaxReadBits = maxBits
	}
	if c.Gap == 0 {
		c.Gap = 16
	}
	return c
}

// Check finds the first thing that can not work, without touching the network.
func (c Config) Check() error {
	if _, err := c.target(); err != nil {
		return err
	}
	c = c.Defaults()
	switch {
	case c.Every < shortest || c.Every > longest:
		return fmt.Errorf("every: %v is not possible; allowed is %v to %v", c.Every, shortest, longest)
	case c.Timeout < shortest || c.Timeout > time.Minute:
		return fmt.Errorf("timeout: %v is not possible; allowed is %v to %v", c.Timeout, shortest, time.Minute)
	case c.MaxRead < 1 || c.MaxRead > maxRegisters:
		return fmt.Errorf("max_read: %d is not possible; the protocol allows 1 to %d registers", c.MaxRead, maxRegisters)
	case c.MaxReadBits < 1 || c.MaxReadBits > maxBits:
		return fmt.Errorf("max_read_bits: %d is not possible; the protocol allows 1 to %d bits", c.MaxReadBits, maxBits)
	case c.Gap < noGap || c.Gap > maxRegisters:
		return fmt.Errorf("gap: %d is not possible; allowed is 1 to %d registers, or -1 for none", c.Gap, maxRegisters)
	case c.ConnectPause < 0 || c.ConnectPause > longestPause:
		return fmt.Errorf("connect_pause: %v is not possible; allowed is 0 to %v", c.ConnectPause, longestPause)
	case c.Pause < 0 || c.Pause > longestPause:
		return fmt.Errorf("pause: %v is not possible; allowed is 0 to %v", c.Pause, longestPause)
	}
	_, err := c.holes()
	return err
}

// gap is the largest hole that is read along in an area.
func (c Config) gap(area Area) int {
	if c.Gap == noGap {
		return 0
	}
	if area.bits() {
		return c.Gap * bitsPerGap
	}
	return c.Gap
}

// most is the largest number of data in one request.
func (c Config) most(area Area) int {
	if area.bits() {
		return c.MaxReadBits
	}
	return c.MaxRead
}
