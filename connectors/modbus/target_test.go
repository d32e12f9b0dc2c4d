package modbus

import (
	"strings"
	"testing"
	"time"
)

func TestTarget(t *testing.T) {
	for address, want := range map[string]target{
		"tcp://plc":                 {host: "plc:502"},
		"tcp://10.0.4.30:1502":      {host: "10.0.4.30:1502"},
		"tcp://[fe80::1]":           {host: "[fe80::1]:502"},
		"tcp://[::1]:5":             {host: "[::1]:5"},
		"rtuovertcp://moxa:4001":    {framing: framingRTU, host: "moxa:4001"},
		"asciiovertcp://moxa:4001":  {framing: framingASCII, host: "moxa:4001"},
		"rtu:///dev/ttyUSB0":        {framing: framingRTU, port: "/dev/ttyUSB0", baud: 19200, data: 8, stop: 1, parity: 'E'},
		"rtu://COM12?parity=n":      {framing: framingRTU, port: "COM12", baud: 19200, data: 8, stop: 2, parity: 'N'},
		`rtu://\\.\COM12?baud=9600`: {framing: framingRTU, port: "COM12", baud: 9600, data: 8, stop: 1, parity: 'E'},
		"rtu:////./com12":           {framing: framingRTU, port: "COM12", baud: 19200, data: 8, stop: 1, parity: 'E'},
		"rtu://com3":                {framing: framingRTU, port: "COM3", baud: 19200, data: 8, stop: 1, parity: 'E'},
		"ascii:///dev/serial/by-id/x?baud=9600&parity=O&data=7&stop=2": {framing: framingASCII, port: "/dev/serial/by-id/x", baud: 9600, data: 7, stop: 2, parity: 'O'},
	} {
		if got, err := (Config{Address: address}).target(); got != want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", address, got, err, want)
		}
	}
	for address, want := range map[string]string{
		"rtu://dev/ttyUSB0":              "is no serial port; write the whole path (rtu:///dev/ttyUSB0, with three slashes) or rtu://COM3",
		"rtu://":                         "is no serial port",
		"rtu://COMX":                     "is no serial port",
		`rtu://\\.\dev`:                  "is no serial port",
		"rtu:////./dev":                  "is no serial port",
		"rtu:///dev/ttyS0?baudrate=9600": `unknown setting "baudrate"; allowed are baud, parity, stop and data; did you mean baud?`,
		"rtu:///dev/ttyS0?baud=96":       "baud=96 is not possible; allowed is 300 to 4000000",
		"rtu:///dev/ttyS0?parity=mark":   "parity=mark is not possible; allowed are N (none), E (even) and O (odd)",
		"rtu:///dev/ttyS0?stop=3":        "stop=3 is not possible; allowed are 1 and 2",
		"rtu:///dev/ttyS0?data=7":        "data=7 is not possible with RTU, whose characters have 8 bits",
		"ascii:///dev/ttyS0?data=6":      "data=6 is not possible; allowed are 7 and 8",
		"rtu:///dev/ttyS0?%zz":           "are no settings",
	} {
		if err := (Config{Address: address}).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", address, err, want)
		}
	}
}

// TestSilenceBetweenFrames holds the times against the standard's table: 11 bits
// a character, 3.5 characters, and 1.75 ms above 19200 baud.
func TestSilenceBetweenFrames(t *testing.T) {
	for address, want := range map[string]time.Duration{
		"rtu:///dev/x?baud=300":             128333 * time.Microsecond,
		"rtu:///dev/x?baud=9600":            4010 * time.Microsecond,
		"rtu:///dev/x?baud=9600&parity=N":   4010 * time.Microsecond,
		"rtu:///dev/x?parity=N&stop=1":      1822 * time.Microsecond,
		"rtu:///dev/x?baud=115200":          1750 * time.Microsecond,
		"rtuovertcp://moxa:4001":            2 * time.Millisecond,
		"ascii:///dev/x?baud=9600&parity=E": time.Millisecond,
	} {
		target, err := Config{Address: address}.target()
		if got := target.silence(); err != nil || got.Truncate(time.Microsecond) != want {
			t.Errorf("%s: %v, %v; want %v", address, got, err, want)
		}
	}
}

// TestCRC holds the CRC against the standard's example.
func TestCRC(t *testing.T) {
	if got := crcOf([]byte{0x02, 0x07}); got != 0x1241 {
		t.Errorf("%#x", got)
	}
}
