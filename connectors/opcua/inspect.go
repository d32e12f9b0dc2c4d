package opcua

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

// What is in front of the content of a chunk whose content is not encrypted.
const (
	chunkHeader = 8  // type, kind and size
	symmetric   = 16 // channel, token, number of the chunk, number of the request
)

// errHostile is what a message that the library could not survive is.
var errHostile = errors.New("the server sent a message that is not valid OPC UA")

// inspector stands between the socket and the library where messages are not
// encrypted, which is where anybody can send them. The library decodes in a
// goroutine of its own, and some invalid messages make it panic there, which
// would end the whole gateway. So each message is decoded here before, where a
// panic can be caught, and the connection ends instead. The library insists on
// a TCP socket, so it gets one end of a pair on loopback.
//
// Where there is security, an inspector lets the server open the channel with
// the policy and certificate that were asked for, and nothing else: the library
// would take any. Messages are not looked into, because who sends them has shown
// to hold the key of a certificate that is trusted.
type inspector struct {
	server *net.TCPConn // the socket to the server
	mine   *net.TCPConn // our end of the pair
	policy string
	leaf   []byte // the server's certificate; empty without security
	parts  map[uint32]part
	held   int // bytes in parts

	mu  sync.Mutex
	why error
}

// part is the beginning of a message of several chunks.
type part struct {
	content []byte
	number  uint32 // of the last chunk
}

// inspect puts an inspector behind a socket and returns the end of the pair
// that the library gets. Both goroutines run in group; they end when either
// socket is closed.
func inspect(server *net.TCPConn, policy string, certificate []byte, group *sync.WaitGroup) (*net.TCPConn, *inspector, error) {
	theirs, mine, err := pair()
	if err != nil {
		return nil, nil, fmt.Errorf("a connection on loopback is needed and can not be made: %w", err)
	}
	in := &inspector{server: server, mine: mine, policy: policy, parts: make(map[uint32]part)}
	if policy != ua.SecurityPolicyURINone {
		in.leaf = leafOf(certificate)
	}
	group.Go(func() {
		_, _ = io.Copy(server, mine) // its end is seen by the other direction
		in.close()
	})
	group.Go(func() {
		in.fail(in.pass())
		in.close()
	})
	return theirs, in, nil
}

// pair makes the two ends of a connection on loopback.
func pair() (*net.TCPConn, *net.TCPConn, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	a, err := net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
	if err != nil {
		return nil, nil, err
	}
	for {
		b, err := l.AcceptTCP()
		if err != nil {
			return nil, nil, errors.Join(err, a.Close())
		}
		if b.RemoteAddr().String() == a.LocalAddr().String() {
			return a, b, nil
		}
		_ = b.Close() // somebody else on this machine was quicker
	}
}

func (in *inspector) close() {
	_ = in.server.Close()
	_ = in.mine.Close()
}

// fail keeps the first reason for which the inspector ended the connection.
func (in *inspector) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var op *net.OpError
	if in.why == nil && !errors.As(err, &op) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		in.why = err
	}
}

// reason is why the inspector ended the connection; nil if it did not.
func (in *inspector) reason() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.why
}

// pass hands on one chunk of the server's after the other, the last chunk of a
// message only when the message is known to be harmless.
func (in *inspector) pass() error {
	buffer := make([]byte, bufferSize)
	for {
		if _, err := io.ReadFull(in.server, buffer[:chunkHeader]); err != nil {
			return err
		}
		size := binary.LittleEndian.Uint32(buffer[4:])
		if size < chunkHeader || size > bufferSize {
			return fmt.Errorf("%w: a chunk of %d bytes", errHostile, size)
		}
		chunk := buffer[:size]
		if _, err := io.ReadFull(in.server, chunk[chunkHeader:]); err != nil {
			return err
		}
		if err := in.look(chunk); err != nil {
			return err
		}
		if _, err := bytes.NewReader(chunk).WriteTo(in.mine); err != nil {
			return err
		}
	}
}

// look decides about one chunk.
func (in *inspector) look(chunk []byte) error {
	plain := in.policy == ua.SecurityPolicyURINone
	switch string(chunk[:3]) {
	case "MSG":
		if !plain {
			return nil
		}
		if len(chunk) < chunkHeader+symmetric {
			return fmt.Errorf("%w: a chunk of %d bytes", errHostile, len(chunk))
		}
		return in.collect(chunk[3], chunk[chunkHeader+8:])
	case "OPN":
		var opening uasc.AsymmetricSecurityHeader
		if len(chunk) < chunkHeader+4 {
			return fmt.Errorf("%w: a chunk of %d bytes", errHostile, len(chunk))
		}
		n, err := opening.Decode(chunk[chunkHeader+4:])
		if err != nil {
			return fmt.Errorf("%w: %w", errHostile, err)
		}
		if opening.SecurityPolicyURI != in.policy || !plain && !bytes.Equal(leafOf(opening.SenderCertificate), in.leaf) {
			return errors.New("the server answered with another security policy or certificate than it advertises; the connection may be tampered with")
		}
		if plain {
			return in.collect(chunk[3], chunk[chunkHeader+4+n:])
		}
	}
	return nil
}

// collect puts the chunks of a message together and decodes it at its last one.
// rest is a chunk from its own number on.
func (in *inspector) collect(kind byte, rest []byte) error {
	if len(rest) < 8 {
		return fmt.Errorf("%w: a chunk without numbers", errHostile)
	}
	number, request := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
	content := rest[8:]
	before, more := in.parts[request]
	in.held -= len(before.content)
	delete(in.parts, request)
	switch {
	case kind == 'A':
		return nil
	case (more || kind == 'C') && number == before.number:
		// The library leaves such a chunk out.
		return fmt.Errorf("%w: two chunks with the number %d", errHostile, number)
	case len(before.content)+len(content)+in.held > maxPlain:
		return fmt.Errorf("%w, or one of more than %d bytes, which is taken only where there is security", errHostile, maxPlain)
	case kind == 'C':
		before = part{append(before.content, content...), number}
		in.parts[request] = before
		in.held += len(before.content)
		return nil
	}
	return harmless(append(before.content, content...))
}

// harmless decodes a message as the library will.
func harmless(message []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errHostile, p)
		}
	}()
	// What can not be decoded without harm is the library's to refuse.
	_, _, _ = ua.DecodeService(message)
	return nil
}
