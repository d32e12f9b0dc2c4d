package modbus

import "time"

// Config is one Modbus TCP device or serial gateway: one TCP connection, one
// request at a time. The zero value of a duration or number means the default,
// which Defaults fills in.
type Config struct {
	// Address is tcp://host:port; the port defaults to 502.
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
}
