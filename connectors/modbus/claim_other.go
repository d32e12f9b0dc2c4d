//go:build !windows

package modbus

import (
	"errors"
	"syscall"
)

// claim takes a serial port for this process until it is given back. The
// kernel's own exclusive mode does not bind administrators, and two masters that
// read from one port take each other's answers. It is no error if the port can
// not be opened: whoever opens it then says why.
func claim(port string) (giveBack func(), err error) {
	fd, err := syscall.Open(port, syscall.O_RDONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return func() {}, nil
	}
	giveBack = func() { _ = syscall.Close(fd) }
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		giveBack()
		return nil, syscall.EBUSY
	}
	return giveBack, nil
}
