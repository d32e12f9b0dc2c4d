// Package plc holds the devices of the pretend plant: an OPC UA server, a
// Modbus TCP gateway with several units behind it, and an MQTT broker. They
// speak the real protocols and show whatever the functions they are given
// return; what a value means, and why it changes, is not their business. Each
// stands behind a gate that can cut, freeze and shut it.
package plc

import (
	"errors"
	"net"
	"strconv"
)

// freePort asks the system for a port of loopback that nobody uses. Another
// program may take it before it is used, so callers try again.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// onFreePort calls start with free ports until it succeeds, a few times.
func onFreePort(start func(port int) error) (int, error) {
	var last error
	for range 5 {
		port, err := freePort()
		if err != nil {
			return 0, err
		}
		if last = start(port); last == nil {
			return port, nil
		}
	}
	return 0, errors.Join(errors.New("no port of loopback could be used"), last)
}
