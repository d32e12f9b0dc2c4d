package mqtt

import (
	"bufio"
	"net"
	"sync/atomic"
	"time"
)

// maxPacket is the largest packet that is read at all. The library reserves
// what a packet's header announces, up to 256 MiB.
const maxPacket = 16 << 20

// The packet types that the guard knows.
const (
	typeConnect   = 1
	typeConnack   = 2
	typePublish   = 3
	typeSubscribe = 8
	typeSuback    = 9
	typePingreq   = 12
	typePingresp  = 13
)

// guard is the network connection that the library gets. It reads ahead, so
// that a packet is not three system calls; bounds every write; measures; and
// ends the connection before a packet that the library would not survive.
type guard struct {
	net.Conn
	in      *bufio.Reader
	timeout time.Duration
	meter   *meter
	frame   frame
	// asked is the number of filters in the subscription under way. The
	// library trusts the broker not to answer for more.
	asked atomic.Int64
}

func newGuard(conn net.Conn, timeout time.Duration, m *meter) *guard {
	return &guard{Conn: conn, in: bufio.NewReaderSize(conn, 32<<10), timeout: timeout, meter: m}
}

// Read is called by one goroutine at a time.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	if trouble := g.frame.feed(p[:n], g.header); trouble != nil {
		return 0, trouble
	}
	return n, err
}

// header judges the packet that begins.
func (g *guard) header(kind byte, length int) error {
	switch kind {
	case typeConnack, typePingresp:
		g.meter.answered()
	case typeSuback:
		g.meter.answered()
		if int64(length)-2 > g.asked.Load() {
			return errMalformed
		}
	}
	if length > maxPacket {
		return errTooLarge
	}
	return nil
}

// Write is called with one whole packet, possibly by two goroutines at a time.
func (g *guard) Write(p []byte) (int, error) {
	if len(p) > 0 {
		switch p[0] >> 4 {
		case typeConnect, typeSubscribe, typePingreq:
			g.meter.asked()
		case typePublish:
			g.meter.sent()
		}
	}
	if err := g.SetWriteDeadline(time.Now().Add(g.timeout)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// frame follows the packets in a stream of bytes.
type frame struct {
	inLength bool
	kind     byte
	length   int
	shift    uint
	body     int // bytes of the packet still to come
}

// feed calls header for every packet whose header ends in p. A length of more
// than four bytes is left to the library, which refuses it.
func (f *frame) feed(p []byte, header func(kind byte, length int) error) error {
	for len(p) > 0 {
		if f.body > 0 {
			n := min(f.body, len(p))
			f.body -= n
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		if !f.inLength {
			*f = frame{inLength: true, kind: b >> 4}
			continue
		}
		f.length |= int(b&0x7f) << f.shift
		f.shift += 7
		if b&0x80 != 0 && f.shift < 28 {
			continue
		}
		f.inLength, f.body = false, f.length
		if err := header(f.kind, f.length); err != nil {
			return err
		}
	}
	return nil
}
