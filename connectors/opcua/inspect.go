package opcua

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

// What is in front of the content of a chunk whose content is not encrypted.
const (
	chunkHeader = 8  // type, kind and size
	symmetric   = 16 // channel, token, number of the chunk, number of the request
	sequence    = 8  // the last two of them
)

const (
	// maxUnfinished bounds answers of which only the beginning has come.
	maxUnfinished = 64
	// shortestLife is the shortest life of a channel's keys that is taken.
	shortestLife = 5 * time.Second
)

// errHostile is what a message that the library could not survive is.
var errHostile = errors.New("the server sent a message that is not valid OPC UA")

// inspector stands between the socket and the library where messages are not
// encrypted, which is where anybody can send them. The library decodes in a
// goroutine of its own, and some invalid messages make it panic there, or take
// all memory, which would end the whole gateway. So messages are put together
// and followed here before, and the connection ends instead. The library insists
// on a TCP socket, so it gets one end of a pair on loopback.
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
	held   int    // bytes in parts
	number uint32 // of the last chunk handed on of a message in several

	// more is when the last part came of a message that goes on, or such a
	// message was handed on, in ns since 1970.
	more atomic.Int64

	mu  sync.Mutex
	why error
}

// part is the beginning of a message of several chunks.
type part struct {
	content []byte
	number  uint32 // of the last chunk
}

// inspect puts an inspector behind a socket and returns the end of the pair
// that the library gets. Both goroutines run in group; they end when the server
// closes its socket, or with close. If the library closes its own, the server is
// told, and has until then to close its own.
func inspect(ctx context.Context, server *net.TCPConn, policy string, certificate []byte, group *sync.WaitGroup) (*net.TCPConn, *inspector, error) {
	theirs, mine, err := pair(ctx)
	if err != nil {
		return nil, nil, err
	}
	in := &inspector{server: server, mine: mine, policy: policy, parts: make(map[uint32]part)}
	if policy != ua.SecurityPolicyURINone {
		in.leaf = leafOf(certificate)
	}
	group.Go(func() {
		// A server whose answer meets a closed socket may never read what is on
		// its way to it: the goodbye.
		if _, err := io.Copy(server, mine); err != nil || server.CloseWrite() != nil {
			in.close()
		}
	})
	group.Go(func() {
		in.fail(in.pass())
		in.close()
	})
	return theirs, in, nil
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

// arriving says whether a part of a message that goes on came within a time: a
// large answer on a slow line is no silence.
func (in *inspector) arriving(within time.Duration) bool {
	return time.Since(time.Unix(0, in.more.Load())) < within
}

// reason is why the inspector ended the connection; nil if it did not.
func (in *inspector) reason() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.why
}

// pass hands on one message of the server's after the other, whole and only when
// it is known to be harmless.
func (in *inspector) pass() error {
	buffer := make([]byte, bufferSize)
	for {
		if _, err := io.ReadFull(in.server, buffer[:chunkHeader]); err != nil {
			return err
		}
		size := binary.LittleEndian.Uint32(buffer[4:])
		if size < chunkHeader || size > bufferSize {
			return hostile("a chunk of %d bytes", size)
		}
		chunk := buffer[:size]
		if err := in.fill(chunk[chunkHeader:], chunk[3] == 'C'); err != nil {
			return err
		}
		whole, err := in.look(chunk)
		if err != nil {
			return err
		}
		if _, err := bytes.NewReader(whole).WriteTo(in.mine); err != nil {
			// The library has gone; the server may still be told so.
			_, err = io.Copy(io.Discard, in.server)
			return err
		}
		if len(whole) > len(chunk) {
			in.more.Store(time.Now().UnixNano())
		}
	}
}

// fill reads the rest of a chunk. What comes in pieces is noted, as are all
// pieces if another chunk follows.
func (in *inspector) fill(rest []byte, follows bool) error {
	for len(rest) > 0 {
		n, err := in.server.Read(rest)
		if rest = rest[n:]; n > 0 && (follows || len(rest) > 0) {
			in.more.Store(time.Now().UnixNano())
		}
		if err != nil && len(rest) > 0 {
			return err
		}
	}
	return nil
}

// look decides about one chunk, and returns what the library gets instead:
// nothing, as long as the message is not complete.
func (in *inspector) look(chunk []byte) ([]byte, error) {
	plain := in.policy == ua.SecurityPolicyURINone
	switch kind := string(chunk[:3]); kind {
	case "MSG":
		if !plain {
			return chunk, nil
		}
		return in.collect(chunk)
	case "OPN":
		if err := in.opening(chunk); err != nil {
			return nil, err
		}
		return chunk, nil
	case "CLO":
		return chunk, nil
	case "ERR":
		return nil, readFarewell(chunk[chunkHeader:])
	default:
		return nil, hostile("a chunk of the kind %q", kind)
	}
}

// farewell is a server's word for why it ends the connection.
type farewell struct {
	code   ua.StatusCode
	reason string
}

func (f *farewell) Error() string {
	text := errLost.Error() + ": the server said " + statusName(f.code)
	if hint := hintFor(f.code); hint != "" {
		text += ": " + hint
	}
	if f.reason != "" {
		text += fmt.Sprintf(" (%.200q)", f.reason)
	}
	return text
}

// Unwrap says that the connection is gone, and with which status. It is not the
// answer to a request.
func (f *farewell) Unwrap() []error { return []error{errLost, f.code} }

// readFarewell reads the content of an error message.
func readFarewell(content []byte) error {
	var e uacp.Error
	if _, err := e.Decode(content); err != nil || e.ErrorCode == 0 {
		return errLost
	}
	return &farewell{code: ua.StatusCode(e.ErrorCode), reason: e.Reason}
}

// opening looks at the chunk that opens a channel, or renews its keys.
func (in *inspector) opening(chunk []byte) error {
	var header uasc.AsymmetricSecurityHeader
	if len(chunk) < chunkHeader+4 {
		return hostile("a chunk of %d bytes", len(chunk))
	}
	n, err := header.Decode(chunk[chunkHeader+4:])
	if err != nil {
		return fmt.Errorf("%w: %w", errHostile, err)
	}
	plain := in.policy == ua.SecurityPolicyURINone
	if header.SecurityPolicyURI != in.policy || !plain && !bytes.Equal(leafOf(header.SenderCertificate), in.leaf) {
		return errors.New("the server answered with another security policy or certificate than it advertises; the connection may be tampered with")
	}
	if !plain {
		return nil
	}
	content := chunk[chunkHeader+4+n:]
	if chunk[3] != 'F' || len(content) < sequence {
		return hostile("the opening of a secure channel in pieces")
	}
	if err := harmless(content[sequence:], true); err != nil {
		return err
	}
	_, answer, err := ua.DecodeService(content[sequence:])
	opened, ok := answer.(*ua.OpenSecureChannelResponse)
	if err != nil || !ok {
		return nil // the library refuses it
	}
	// The library would renew the keys without a pause.
	if life := time.Duration(opened.SecurityToken.RevisedLifetime) * time.Millisecond; life < shortestLife {
		return fmt.Errorf("the server opens a secure channel for no more than %s, which is too short to be used; raise the lifetime of its security tokens", life)
	}
	return nil
}

// collect puts the chunks of a message together, and looks at it with its last
// one. The library would hold a whole buffer for each of them.
func (in *inspector) collect(chunk []byte) ([]byte, error) {
	if len(chunk) < chunkHeader+symmetric {
		return nil, hostile("a chunk of %d bytes", len(chunk))
	}
	rest := chunk[chunkHeader+symmetric-sequence:]
	number, request := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
	content := rest[sequence:]
	before, more := in.parts[request]
	in.held -= len(before.content)
	delete(in.parts, request)
	size := len(before.content) + len(content)
	switch {
	case chunk[3] == 'A':
		return chunk, nil
	case more && number == before.number:
		return nil, hostile("two chunks with the number %d", number)
	case size+in.held > maxMessage:
		return nil, hostile("more than %d MB in one answer; ask for fewer tags at once", maxMessage>>20)
	case chunk[3] == 'F':
		whole := append(before.content, content...)
		if err := harmless(whole, false); err != nil || !more {
			return chunk, err
		}
		return in.divide(chunk[chunkHeader:chunkHeader+8], request, whole), nil
	case chunk[3] != 'C':
		return nil, hostile("a chunk of the kind %q", chunk[:4])
	case len(in.parts) >= maxUnfinished:
		return nil, hostile("the beginnings of more than %d answers", maxUnfinished)
	}
	before = part{append(before.content, content...), number}
	in.parts[request] = before
	in.held += len(before.content)
	return nil, nil
}

// divide makes chunks of a whole message, as large as the library takes them.
// channel is the part of the header that names channel and token.
func (in *inspector) divide(channel []byte, request uint32, message []byte) []byte {
	const most = bufferSize - chunkHeader - symmetric
	out := make([]byte, 0, len(message)+(len(message)/most+1)*(chunkHeader+symmetric))
	for kind := byte('C'); kind != 'F'; {
		content := message[:min(most, len(message))]
		if message = message[len(content):]; len(message) == 0 {
			kind = 'F'
		}
		// The library leaves out a number that it has just seen, and 0.
		if in.number++; in.number == 0 {
			in.number++
		}
		out = append(out, 'M', 'S', 'G', kind)
		out = binary.LittleEndian.AppendUint32(out, uint32(chunkHeader+symmetric+len(content)))
		out = append(out, channel...)
		out = binary.LittleEndian.AppendUint32(out, in.number)
		out = binary.LittleEndian.AppendUint32(out, request)
		out = append(out, content...)
	}
	return out
}
