package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Layout of a Modbus TCP frame: transaction (2), protocol (2), length of what
// follows (2), unit (1), function (1), data.
const (
	headerSize   = 6
	shortestBody = 2
	longestBody  = 254
	exceptionBit = 0x80
)

// errSilent says that no answer came in time. The connection is still good: an
// answer that comes later is recognised by its transaction number.
var errSilent = errors.New(reasonSilent)

// errWrongUnit says that the answer came from another unit than the one asked.
var errWrongUnit = errors.New(reasonWrongUnit)

// linkError says that the connection is of no more use.
type linkError struct{ err error }

func (e *linkError) Error() string { return e.err.Error() }
func (e *linkError) Unwrap() error { return e.err }

// transport carries one request at a time to the device and brings its answer.
// It satisfies goburrow's Transporter. Send returns a *linkError if the
// connection can not be used again, and any other error if it can; the answer is
// valid until the next Send.
type transport interface {
	Send(request []byte) (answer []byte, err error)
	// Dropped is the number of frames that answered no open request.
	Dropped() uint64
}

// tcpTransport is Modbus TCP on an established connection, which it does not
// close.
//
// goburrow's own transport is not used: it takes the next frame for the answer,
// so that after one late answer every read fails until it is closed, and it
// knows neither a limit on garbage nor a closed connection.
type tcpTransport struct {
	conn    net.Conn
	timeout time.Duration
	// buffer[from:to] has come and is not consumed. A frame that is incomplete
	// when the time is over stays, so that the stream never loses its step.
	buffer   [4 * (headerSize + longestBody)]byte
	from, to int
	dropped  uint64
}

// Dropped implements transport.
func (t *tcpTransport) Dropped() uint64 { return t.dropped }

// Send implements transport.
func (t *tcpTransport) Send(request []byte) ([]byte, error) {
	if err := t.conn.SetDeadline(time.Now().Add(t.timeout)); err != nil {
		return nil, &linkError{err}
	}
	if _, err := t.conn.Write(request); err != nil {
		return nil, &linkError{fmt.Errorf("sending a request: %w", err)}
	}
	for {
		frame, err := t.frame()
		if err != nil {
			return nil, err
		}
		if binary.BigEndian.Uint16(frame) != binary.BigEndian.Uint16(request) {
			t.dropped++
			continue
		}
		return frame, matches(request, frame)
	}
}

// matches finds out whether a frame with the right transaction number is the
// answer to the request in all else.
func matches(request, frame []byte) error {
	asked, got := request[headerSize+1], frame[headerSize+1]
	switch {
	case frame[headerSize] != request[headerSize]:
		return errWrongUnit
	case got != asked && got != asked|exceptionBit:
		return fmt.Errorf("asked for function %d, the answer is for function %d", asked, got)
	case len(frame) < headerSize+shortestBody+1:
		return errors.New("the answer is empty")
	}
	return nil
}

// frame is the next frame of the connection, complete and with a plausible
// header.
func (t *tcpTransport) frame() ([]byte, error) {
	for {
		have := t.buffer[t.from:t.to]
		if len(have) >= headerSize {
			if protocol := binary.BigEndian.Uint16(have[2:]); protocol != 0 {
				return nil, &linkError{fmt.Errorf("the peer does not speak Modbus TCP: protocol number %d where 0 belongs", protocol)}
			}
			body := int(binary.BigEndian.Uint16(have[4:]))
			if body < shortestBody || body > longestBody {
				return nil, &linkError{fmt.Errorf("the peer does not speak Modbus TCP: a frame of %d bytes, allowed are %d to %d", body, shortestBody, longestBody)}
			}
			if size := headerSize + body; len(have) >= size {
				t.from += size
				return have[:size:size], nil
			}
		}
		if err := t.fill(); err != nil {
			return nil, err
		}
	}
}

// fill waits for more bytes.
func (t *tcpTransport) fill() error {
	if t.from > 0 {
		t.to = copy(t.buffer[:], t.buffer[t.from:t.to])
		t.from = 0
	}
	n, err := t.conn.Read(t.buffer[t.to:])
	t.to += n
	switch {
	case n > 0 || err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	default:
		return &linkError{fmt.Errorf("waiting for an answer: %w", err)}
	}
}
