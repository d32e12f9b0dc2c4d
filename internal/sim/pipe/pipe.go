// Package pipe is a network of one server whose connections are pairs of net.Pipe:
// HTTP is spoken over it in virtual time. It is for tests; it loses nothing and has
// no faults of its own.
package pipe

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// Network is the listener of the one server and the dialer of its clients.
type Network struct {
	conns  chan net.Conn
	closed chan struct{}
}

// New makes a network.
func New() *Network { return &Network{make(chan net.Conn), make(chan struct{})} }

// Accept is net.Listener's.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's. It is called once.
func (n *Network) Close() error { close(n.closed); return nil }

// Addr is net.Listener's.
func (n *Network) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Dial connects to the server, whatever address is given.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case n.conns <- far:
		return near, nil
	case <-n.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Serve lets a handler answer until the function is called.
func (n *Network) Serve(h http.Handler) (stop func()) {
	server := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(n) }()
	return func() { _ = server.Close(); <-ended }
}
