package prodsmart

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync/atomic"
)

// flight watches how far one request gets, so that it is known afterwards
// whether it may have been applied.
type flight struct {
	// shared says that the request was given an HTTP/2 connection, which other
	// requests use at the same time and which outlives a request that fails.
	shared atomic.Bool
	// wrote says that the head of the request was handed to a connection.
	wrote atomic.Bool
	// left says that at least one byte of the request may have left.
	left atomic.Bool
	// repeated says that the transport wanted to make the request once more.
	repeated atomic.Bool
	// sought is the name that is being looked up; nil for none.
	sought atomic.Pointer[string]
}

// trace makes the transport report to the flight. stop must end the request.
//
// Over HTTP/1.1 the head is handed over before its first byte leaves, a request
// that fails costs its connection, so that nothing leaves later, and the
// transport asks for another connection only if nothing was written to the one
// before.
//
// Over HTTP/2 a request that was given up may still be about to be written by
// another goroutine, so it may have left from when it has a connection. And the
// transport makes a request again that the server turned away with GOAWAY,
// REFUSED_STREAM or PROTOCOL_ERROR; the last of these says nothing about
// whether it was carried out, and none of them is counted by anybody. So what
// was written once is stopped instead.
func (f *flight) trace(ctx context.Context, stop context.CancelFunc) context.Context {
	again := func() bool {
		if !f.shared.Load() || !f.wrote.Load() {
			return false
		}
		f.repeated.Store(true)
		stop()
		return true
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			if !again() {
				f.wrote.Store(false)
				f.left.Store(false)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			if again() {
				return
			}
			secure, ok := info.Conn.(*tls.Conn)
			shared := ok && secure.ConnectionState().NegotiatedProtocol == "h2"
			f.shared.Store(shared)
			f.left.Store(shared)
		},
		DNSStart:         func(info httptrace.DNSStartInfo) { f.sought.Store(&info.Host) },
		DNSDone:          func(httptrace.DNSDoneInfo) { f.sought.Store(nil) },
		WroteHeaderField: func(string, []string) { f.wrote.Store(true) },
		WroteHeaders:     func() { f.left.Store(true) },
	})
}
