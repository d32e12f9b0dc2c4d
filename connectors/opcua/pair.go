package opcua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// pairWithin is how long the two ends of a connection on loopback may take to
// find each other.
const pairWithin = 2 * time.Second

// pair makes the two ends of a connection on loopback. The caller closes both.
func pair(ctx context.Context) (*net.TCPConn, *net.TCPConn, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, explainPair(err)
	}
	defer func() { _ = l.Close() }()
	a, b, err := meet(ctx, l, l.Addr().String())
	if err != nil && ctx.Err() == nil {
		err = explainPair(err)
	}
	return a, b, err
}

func explainPair(err error) error {
	return fmt.Errorf("a connection of this machine with itself (127.0.0.1) is needed and can not be made within %s; allow it in the firewall or security software of this machine: %w", pairWithin, err)
}

// meet dials an address and accepts that connection at a listener.
func meet(ctx context.Context, l *net.TCPListener, address string) (*net.TCPConn, *net.TCPConn, error) {
	limited, cancel := context.WithTimeout(ctx, pairWithin)
	defer cancel()
	dialled, err := new(net.Dialer).DialContext(limited, "tcp4", address)
	if err != nil {
		return nil, nil, err
	}
	a, ok := dialled.(*net.TCPConn)
	if !ok {
		return nil, nil, errors.Join(fmt.Errorf("dialling gave a %T, not a TCP connection", dialled), dialled.Close())
	}
	// An accept knows deadlines but no cancellation.
	stop := context.AfterFunc(limited, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		b, err := l.AcceptTCP()
		if err != nil {
			return nil, nil, errors.Join(err, limited.Err(), a.Close())
		}
		if b.RemoteAddr().String() == a.LocalAddr().String() {
			return a, b, nil
		}
		_ = b.Close() // somebody else on this machine was quicker
	}
}
