package modbus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// FuzzTCP holds that no bytes of a device make a reading over Modbus TCP panic,
// lose its step, or give registers that no frame with the number, unit and
// function of the request holds.
func FuzzTCP(f *testing.F) {
	honest := wireRequest{id: 1, unit: 1, fn: 3, start: 10, count: 2}.right()
	stale := wireRequest{id: 0, unit: 1, fn: 3, start: 20, count: 2}.right()
	f.Add(honest, []byte{}, 3)
	f.Add(stale, wireRequest{id: 2, unit: 1, fn: 3, start: 12, count: 2}.right(), 5)
	f.Add(frameOf(1, 1, 0x83, 2), honest, 1)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), []byte{}, 26)
	f.Add([]byte{0, 1, 0, 0, 0xff, 0xff, 1, 3}, honest, 2)
	f.Fuzz(func(t *testing.T, first, second []byte, step int) {
		p := &pipeOf{parts: [][]byte{first, second}, step: step}
		readParts(t, p, newCaller(framingTCP, &tcpTransport{conn: p, timeout: time.Second}), func(n int, data []byte) bool {
			frame := frameOf(uint16(n), append([]byte{1, 3, byte(len(data))}, data...)...)
			// What came with the first request may be what the second waits for.
			return bytes.Contains(append(append([]byte(nil), first...), second[:len(second)*(n-1)]...), frame)
		})
	})
}

// FuzzRTU holds the same of a serial line: what is believed is one frame with
// the right checksum, and came after the request.
func FuzzRTU(f *testing.F) {
	fuzzLine(f, framingRTU, target{framing: framingRTU, port: "x", baud: 19200, data: 8, stop: 1, parity: 'E'})
}

// FuzzASCII is the same in ASCII.
func FuzzASCII(f *testing.F) {
	fuzzLine(f, framingASCII, target{framing: framingASCII, port: "x", baud: 9600, data: 7, stop: 1, parity: 'E'})
}

// FuzzRTUOverTCP is the same through a converter, where the line's speed is not
// known.
func FuzzRTUOverTCP(f *testing.F) {
	fuzzLine(f, framingRTU, target{framing: framingRTU, host: "x:502"})
}

func fuzzLine(f *testing.F, framing framing, to target) {
	frame := rtuFrame
	if framing == framingASCII {
		frame = asciiFrame
	}
	s := &serialSlave{frame: frame}
	f.Add(s.right(1, 10, 2), s.right(1, 12, 2), 3)
	f.Add(append(s.right(1, 10, 3), s.right(1, 10, 2)...), []byte{}, 5)
	f.Add(frame(1, 0x83, 2), frame(2, 3, 4, 0, 0, 0, 1), 1)
	f.Add(append([]byte("::\r\n:01"), s.right(1, 10, 2)...), s.right(1, 10, 2), 2)
	f.Fuzz(func(t *testing.T, first, second []byte, step int) {
		parts := [][]byte{first, second}
		p := &pipeOf{parts: parts, step: step}
		l := &lineTransport{line: p, codec: rtuCodec{}, timeout: time.Second, silence: to.silence(), character: to.character()}
		if framing == framingASCII {
			l.codec = asciiCodec{}
		}
		readParts(t, p, newCaller(framing, l), func(n int, data []byte) bool {
			raw := append([]byte{1, 3, byte(len(data))}, data...)
			if framing == framingASCII {
				return bytes.Contains(bytes.ToUpper(parts[n-1]), bytes.ToUpper([]byte(hex.EncodeToString(raw))))
			}
			return bytes.Contains(parts[n-1], rtuFrame(raw...))
		})
	})
}

// readParts sends two requests over a pipe, which answers each with a part, and
// holds of what comes that it was sent and is whole. came looks for it in what
// was sent by the n-th request, counting from 1.
func readParts(t *testing.T, p *pipeOf, c *caller, came func(n int, data []byte) bool) {
	for n, part := range p.parts {
		if len(part) > 2048 || p.step < 1 {
			return
		}
		data, err := c.fetch(1, Holding, uint16(10+2*n), 2)
		var link *linkError
		if errors.As(err, &link) {
			return
		}
		a, alive := judge(data, err, Holding, 2)
		if good := a.verdict == answered; good == (a.reason != "") || good && !alive {
			t.Fatalf("%+v, alive %v", a, alive)
		}
		if a.verdict == answered && (len(a.data) != 4 || !came(n+1, a.data)) {
			t.Fatalf("% x of request %d came from nowhere: % x", a.data, n+1, p.parts)
		}
	}
}

// pipeOf is a connection that gives a part in steps after each write; behind it
// the deadline is always over.
type pipeOf struct {
	net.Conn
	parts [][]byte
	sent  int
	data  []byte
	step  int
}

func (p *pipeOf) SetDeadline(time.Time) error { return nil }
func (p *pipeOf) Write(b []byte) (int, error) {
	p.data = append(p.data, p.parts[p.sent]...)
	p.sent++
	return len(b), nil
}

func (p *pipeOf) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, p.data[:min(p.step, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

// TestPartsAreAnswers: what the fuzz targets feed is read as answers, so that
// they do not hold of nothing.
func TestPartsAreAnswers(t *testing.T) {
	s := &serialSlave{frame: rtuFrame}
	p := &pipeOf{parts: [][]byte{s.right(1, 10, 2), s.right(1, 12, 2)}, step: 3}
	read := 0
	readParts(t, p, newCaller(framingRTU, &lineTransport{line: p, codec: rtuCodec{}, timeout: time.Second}), func(n int, data []byte) bool {
		read++
		return n == read && binary.BigEndian.Uint16(data) == uint16(8+2*n)
	})
	if read != 2 {
		t.Errorf("%d of 2 answers were read", read)
	}
}
