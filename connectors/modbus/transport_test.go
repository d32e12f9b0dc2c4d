package modbus

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// FuzzFrames holds that no bytes of a device make the transport panic, take a
// frame of another transaction for the answer, or lose its step.
func FuzzFrames(f *testing.F) {
	request := frameOf(7, 1, 3, 0, 10, 0, 2)
	honest := wireRequest{id: 7, unit: 1, fn: 3, start: 10, count: 2}.right()
	stale := wireRequest{id: 6, unit: 1, fn: 3, start: 20, count: 2}.right()
	f.Add(honest, 3)
	f.Add(append(stale, honest...), 5)
	f.Add(frameOf(7, 1, 0x83, 2), 1)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), 26)
	f.Add([]byte{0, 7, 0, 0, 0xff, 0xff, 1, 3}, 2)
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		if len(data) > 4096 || step < 1 {
			return
		}
		tr := &tcpTransport{conn: &pipeOf{data: data, step: step}, timeout: time.Second}
		answer, err := tr.Send(request)
		var link *linkError
		switch {
		case err != nil && !errors.As(err, &link) && answer == nil:
			t.Errorf("error %v without the end of the connection and without an answer", err)
		case err == nil && (binary.BigEndian.Uint16(answer) != 7 || answer[6] != 1 || answer[7]&^exceptionBit != 3 || len(answer) < 9):
			t.Errorf("% x is no answer", answer)
		}
	})
}

// pipeOf is a connection that gives data in steps and then ends.
type pipeOf struct {
	net.Conn
	data []byte
	step int
	// end is the error behind the data, io.EOF if nil. hold keeps the data
	// back until something was written.
	end  error
	hold bool
}

func (p *pipeOf) SetDeadline(time.Time) error { return nil }
func (p *pipeOf) Write(b []byte) (int, error) {
	p.hold = false
	return len(b), nil
}
func (p *pipeOf) Read(b []byte) (int, error) {
	if len(p.data) == 0 || p.hold {
		if p.end != nil {
			return 0, p.end
		}
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(p.step, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}
