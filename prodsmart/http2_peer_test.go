package prodsmart

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
)

// The frames of HTTP/2 that the tests speak, and their codes.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	codeNone, codeProtocol, codeInternal, codeRefused, codeCalm = 0, 1, 2, 7, 11

	flagEnd, flagAck, flagWhole = 1, 1, 4
)

// peer2 is the server's end of an HTTP/2 connection, used by one goroutine.
type peer2 struct {
	conn net.Conn
	r    *bufio.Reader
}

func (p *peer2) say(kind, flags byte, stream uint32, payload []byte) {
	frame := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	frame = append(binary.BigEndian.AppendUint32(frame, stream), payload...)
	_, _ = p.conn.Write(frame)
}

func (p *peer2) numbers(kind byte, stream uint32, numbers ...uint32) {
	var payload []byte
	for _, n := range numbers {
		payload = binary.BigEndian.AppendUint32(payload, n)
	}
	p.say(kind, 0, stream, payload)
}

// accept answers a stream with status 200 and the body 500.
func (p *peer2) accept(stream uint32) {
	p.say(frameHeaders, flagWhole, stream, []byte{0x88})
	p.say(frameData, flagEnd, stream, []byte("500"))
}

// take reads to the end of a whole request and gives its stream; false at the
// end of the connection.
func (p *peer2) take() (uint32, bool) {
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(p.r, head); err != nil {
			return 0, false
		}
		body := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(p.r, body); err != nil {
			return 0, false
		}
		kind, flags := head[3], head[4]
		switch {
		case (kind == frameData || kind == frameHeaders) && flags&flagEnd != 0:
			return binary.BigEndian.Uint32(head[5:]), true
		case (kind == frameSettings || kind == framePing) && flags&flagAck == 0:
			if kind == frameSettings {
				body = nil
			}
			p.say(kind, flagAck, 0, body)
		}
	}
}

// serve2 speaks HTTP/2 over TLS on each connection with a function.
func (a authority) serve2(t *testing.T, serve func(*peer2)) string {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{a.certify(t, nil)}, NextProtos: []string{"h2"}}
	address := rawServer(t, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		p := &peer2{conn, bufio.NewReader(conn)}
		preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		if _, err := io.ReadFull(p.r, preface); err != nil {
			return
		}
		p.say(frameSettings, 0, 0, nil)
		serve(p)
	})
	return strings.Replace(address, "http", "https", 1)
}
