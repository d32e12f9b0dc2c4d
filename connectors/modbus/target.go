package modbus

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// framing is how a request and its answer are packed.
type framing uint8

const (
	framingTCP framing = iota
	framingRTU
	framingASCII
)

// target is a parsed Config.Address: host:port of a network, or a serial port
// and its settings.
type target struct {
	framing framing
	// host is host:port; empty for a serial port.
	host string
	// port is the name of the serial port as the operating system knows it.
	port       string
	baud       int
	data, stop int
	// parity is N, E or O.
	parity byte
}

const wantAddress = "write tcp://host:port, for instance tcp://10.0.4.30:502, rtuovertcp://host:port, asciiovertcp://host:port, rtu:///dev/ttyUSB0?baud=19200&parity=E, rtu://COM3 or ascii://..."

// The limits of a serial line. Below 300 baud a request takes seconds.
const (
	slowestBaud = 300
	fastestBaud = 4000000
	defaultBaud = 19200
)

// target parses the address.
func (c Config) target() (target, error) {
	scheme, rest, ok := strings.Cut(c.Address, "://")
	if !ok {
		return target{}, fmt.Errorf("address: %q does not say how to connect; %s", c.Address, wantAddress)
	}
	switch scheme {
	case "tcp":
		return networkTarget(framingTCP, c.Address, rest)
	case "rtuovertcp":
		return networkTarget(framingRTU, c.Address, rest)
	case "asciiovertcp":
		return networkTarget(framingASCII, c.Address, rest)
	case "rtu":
		return serialTarget(framingRTU, rest)
	case "ascii":
		return serialTarget(framingASCII, rest)
	}
	return target{}, fmt.Errorf("address: %q is not supported; %s", scheme+"://", wantAddress)
}

func networkTarget(f framing, address, rest string) (target, error) {
	if strings.Contains(rest, "@") {
		return target{}, fmt.Errorf("address: Modbus knows no user and no password; %s", wantAddress)
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Host != rest {
		return target{}, fmt.Errorf("address: %q is not a host and a port; %s", address, wantAddress)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return target{}, fmt.Errorf("address: port %q is not a number from 1 to 65535; %s", port, wantAddress)
	}
	return target{framing: f, host: net.JoinHostPort(u.Hostname(), port)}, nil
}

func serialTarget(f framing, rest string) (target, error) {
	written, query, _ := strings.Cut(rest, "?")
	name, ok := portName(written)
	if !ok {
		return target{}, fmt.Errorf("address: %q is no serial port; write the whole path (rtu:///dev/ttyUSB0, with three slashes) or rtu://COM3", written)
	}
	t := target{framing: f, port: name, baud: defaultBaud, data: 8, parity: 'E'}
	if f == framingASCII {
		t.data = 7
	}
	settings, err := url.ParseQuery(query)
	if err != nil {
		return target{}, fmt.Errorf("address: %q are no settings; write ?baud=9600&parity=E&stop=1&data=8", query)
	}
	for key, values := range settings {
		if err := t.set(key, values[len(values)-1]); err != nil {
			return target{}, fmt.Errorf("address: %w", err)
		}
	}
	if t.stop == 0 {
		t.stop = 1
		if t.parity == 'N' {
			t.stop = 2
		}
	}
	if f == framingRTU && t.data != 8 {
		return target{}, fmt.Errorf("address: data=%d is not possible with RTU, whose characters have 8 bits; remove it, or use ascii://", t.data)
	}
	return t, nil
}

// portName is the name of a serial port as the system knows it: the whole path
// of a file, or COM and a number, which Windows also writes as \\.\COM12. false if
// it is neither.
func portName(written string) (string, bool) {
	short := written
	for _, device := range []string{`\\.\`, `//./`} {
		short = strings.TrimPrefix(short, device)
	}
	short = strings.ToUpper(short)
	if number, ok := strings.CutPrefix(short, "COM"); ok {
		if _, err := strconv.ParseUint(number, 10, 16); err == nil {
			return short, true
		}
	}
	return written, len(written) > 1 && written[0] == '/' && !strings.HasPrefix(written, "//")
}

// set takes one setting of a serial line.
func (t *target) set(key, value string) error {
	n, _ := strconv.Atoi(value)
	switch key {
	case "baud":
		if n < slowestBaud || n > fastestBaud {
			return fmt.Errorf("baud=%s is not possible; allowed is %d to %d, usual are 9600, 19200, 38400 and 115200", value, slowestBaud, fastestBaud)
		}
		t.baud = n
	case "stop":
		if n != 1 && n != 2 {
			return fmt.Errorf("stop=%s is not possible; allowed are 1 and 2", value)
		}
		t.stop = n
	case "data":
		if n != 7 && n != 8 {
			return fmt.Errorf("data=%s is not possible; allowed are 7 and 8", value)
		}
		t.data = n
	case "parity":
		switch strings.ToUpper(value) {
		case "N", "E", "O":
			t.parity = strings.ToUpper(value)[0]
		default:
			return fmt.Errorf("parity=%s is not possible; allowed are N (none), E (even) and O (odd)", value)
		}
	default:
		return fmt.Errorf("unknown setting %q; allowed are baud, parity, stop and data%s", key,
			nearest(key, []string{"baud", "parity", "stop", "data"}, map[string]string{"baudrate": "baud", "speed": "baud", "bits": "data", "databits": "data", "stopbits": "stop"}))
	}
	return nil
}

// serial says that the target is a serial port of this computer.
func (t target) serial() bool { return t.port != "" }

// character is the time that one character takes on a serial line; 0 where the
// line's speed is not known.
func (t target) character() time.Duration {
	if !t.serial() {
		return 0
	}
	bits := 1 + t.data + t.stop
	if t.parity != 'N' {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(t.baud)
}

// silence is what separates two frames: 3.5 characters of RTU, or 1.75 ms where
// the line is faster than 19200 baud. Where the gateway does not see the line
// itself, the converter keeps that silence, and listening for a moment only
// finds bytes that nobody asked for.
func (t target) silence() time.Duration {
	const network, fast, short = 2 * time.Millisecond, 1750 * time.Microsecond, time.Millisecond
	switch {
	case !t.serial():
		return network
	case t.framing == framingASCII:
		return short
	case t.baud > 19200:
		return fast
	}
	return t.character() * 7 / 2
}
