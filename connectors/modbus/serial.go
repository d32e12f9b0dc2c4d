package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
)

// slice is the longest a Read of a serial port waits before it looks whether
// the port was closed.
const slice = 100 * time.Millisecond

// serialLine is a serial port of this computer. Close may be called from
// another goroutine than the one that reads and writes; the port is given back
// by release, which the owner of the reading goroutine calls.
type serialLine struct {
	port serial.Port
	// giveBack ends the claim on the port.
	giveBack func()
	deadline time.Time
	closed   atomic.Bool
}

// openSerial opens and sets up a serial port. Opening does not wait for the
// device, so it is not interrupted when ctx ends; it is not begun then.
func openSerial(ctx context.Context, t target) (*serialLine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	mode := &serial.Mode{BaudRate: t.baud, DataBits: t.data, StopBits: serial.OneStopBit}
	if t.stop == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	switch t.parity {
	case 'E':
		mode.Parity = serial.EvenParity
	case 'O':
		mode.Parity = serial.OddParity
	}
	giveBack, err := claim(t.port)
	if err != nil {
		return nil, fmt.Errorf("opening the port: %w%s", err, serialAdvice(t.port, err))
	}
	port, err := serial.Open(t.port, mode)
	if err != nil {
		giveBack()
		return nil, fmt.Errorf("opening the port: %w%s", err, serialAdvice(t.port, err))
	}
	l := &serialLine{port: port, giveBack: giveBack}
	if err := l.empty(); err != nil {
		return nil, errors.Join(fmt.Errorf("emptying the port: %w", err), l.release())
	}
	return l, nil
}

// empty throws away what the port holds, and finds out whether it can be waited
// for: the driver can not watch a file whose number is 1024 or more, and the
// first read shows it.
func (l *serialLine) empty() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the port can not be watched (%v): the gateway has more than 1000 files open; spread its connections over two gateways", p)
		}
	}()
	if err := errors.Join(l.port.ResetInputBuffer(), l.port.ResetOutputBuffer(), l.port.SetReadTimeout(listening)); err != nil {
		return err
	}
	var waste [1]byte
	if _, err := l.port.Read(waste[:]); err != nil {
		return &portGone{err}
	}
	return nil
}

// SetDeadline implements line.
func (l *serialLine) SetDeadline(at time.Time) error {
	l.deadline = at
	return nil
}

// Read implements line.
func (l *serialLine) Read(b []byte) (int, error) {
	for {
		if l.closed.Load() {
			return 0, net.ErrClosed
		}
		left := time.Until(l.deadline)
		if err := l.port.SetReadTimeout(min(max(left, time.Millisecond), slice)); err != nil {
			return 0, &portGone{err}
		}
		n, err := l.port.Read(b)
		switch {
		case n > 0:
			return n, nil
		case err != nil:
			return 0, &portGone{err}
		case left <= slice:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write implements line. A request is far smaller than the buffer of any port,
// which is emptied first, so that writing never waits for a device.
func (l *serialLine) Write(b []byte) (int, error) {
	if l.closed.Load() {
		return 0, net.ErrClosed
	}
	if err := l.port.ResetOutputBuffer(); err != nil {
		return 0, &portGone{err}
	}
	n, err := l.port.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, &portGone{err}
	}
	return n, nil
}

// Close implements line: it ends a Read within a tenth of a second.
func (l *serialLine) Close() error {
	l.closed.Store(true)
	return nil
}

// release gives the port back, when nothing reads it any more.
func (l *serialLine) release() error {
	defer l.giveBack()
	return l.port.Close()
}

// portGone says that a port that had been open failed.
type portGone struct{ err error }

func (e *portGone) Error() string {
	return fmt.Sprintf("the port is gone (%v): the USB adapter was unplugged, or its driver failed%s", e.err, otherNumber())
}
func (e *portGone) Unwrap() error { return e.err }

// serialAdvice is what a person can do about a port that does not open.
func serialAdvice(port string, err error) string {
	var code *serial.PortError
	known := errors.As(err, &code)
	switch {
	case known && code.Code() == serial.PortNotFound, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return "; there is no such port: check that the adapter is plugged in" + present(port) + otherNumber()
	case errors.Is(err, syscall.EIO):
		return "; the adapter is there and does not work: unplug it and plug it in again"
	case known && code.Code() == serial.PermissionDenied, errors.Is(err, fs.ErrPermission):
		return "; the user of the gateway may not use it: add him to the group that owns the port (dialout on most systems)"
	case known && code.Code() == serial.PortBusy, errors.Is(err, syscall.EBUSY):
		return "; another program uses it: end that one, a serial line has one master"
	case known && code.Code() == serial.InvalidSpeed:
		return "; the port can not do this baud rate"
	case known && code.Code() == serial.InvalidSerialPort, errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EISDIR):
		return "; this is no serial port, or it can not be set as the address says"
	}
	return ""
}

// otherNumber says what becomes of the name of an adapter that is plugged in
// again.
func otherNumber() string {
	if runtime.GOOS == "windows" {
		return "; a USB adapter may come back under another number in another socket: the Device Manager can give it a fixed one"
	}
	return "; a USB adapter may come back under another number, so name it by its path in /dev/serial/by-id where there is one"
}

// present names up to four ports that are there instead.
func present(port string) string {
	found := portsBeside(port)
	if len(found) == 0 {
		return ""
	}
	return "; there is " + strings.Join(found[:min(4, len(found))], ", ")
}

// portsBeside are the ports that Windows knows, and elsewhere the USB adapters:
// what else is there could only be found by opening it.
func portsBeside(port string) []string {
	if runtime.GOOS == "windows" {
		found, err := serial.GetPortsList()
		if err != nil {
			return nil
		}
		return found
	}
	for _, pattern := range []string{"/dev/serial/by-id/*", filepath.Join(filepath.Dir(port), "ttyUSB*")} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found
		}
	}
	return nil
}
