package opcua

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uasc"
)

// encoded is an answer as it travels, with its type.
func encoded(t testing.TB, typeID uint16, answer ua.Response) []byte {
	t.Helper()
	if answer.Header() == nil {
		answer.SetHeader(header(&ua.ReadRequest{RequestHeader: &ua.RequestHeader{}}))
	}
	kind, err := ua.Encode(ua.NewFourByteExpandedNodeID(0, typeID))
	if err != nil {
		t.Fatal(err)
	}
	content, err := ua.Encode(answer)
	if err != nil {
		t.Fatal(err)
	}
	return append(kind, content...)
}

// readAnswer is the answer to a read of some values.
func readAnswer(t testing.TB, values ...any) []byte {
	t.Helper()
	res := &ua.ReadResponse{}
	for _, v := range values {
		res.Results = append(res.Results, goodValue(v))
	}
	return encoded(t, id.ReadResponse_Encoding_DefaultBinary, res)
}

// messageChunk is one chunk of an open channel without security.
func messageChunk(kind byte, number, request uint32, content []byte) []byte {
	b := append([]byte("MSG"), kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(chunkHeader+symmetric+len(content)))
	for _, n := range []uint32{1, 1, number, request} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return append(b, content...)
}

// openingChunk opens a channel without security.
func openingChunk(t testing.TB, answer ua.Response, kind uint16) []byte {
	t.Helper()
	security, err := (&uasc.AsymmetricSecurityHeader{SecurityPolicyURI: ua.SecurityPolicyURINone}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	content := append([]byte{1, 0, 0, 0}, security...)
	content = append(content, 1, 0, 0, 0, 1, 0, 0, 0)
	content = append(content, encoded(t, kind, answer)...)
	b := binary.LittleEndian.AppendUint32([]byte("OPNF"), uint32(chunkHeader+len(content)))
	return append(b, content...)
}

func newInspector() *inspector {
	return &inspector{policy: ua.SecurityPolicyURINone, parts: map[uint32]part{}}
}

// passed is what the library makes of chunks that the inspector handed on: the
// contents of whole messages, one after the other.
func passed(t *testing.T, stream []byte) []byte {
	t.Helper()
	var content []byte
	var last uint32
	for len(stream) > 0 {
		size := binary.LittleEndian.Uint32(stream[4:])
		if size > bufferSize {
			t.Fatalf("a chunk of %d bytes is handed on", size)
		}
		if number := binary.LittleEndian.Uint32(stream[16:]); number == last {
			t.Fatalf("two chunks in a row have the number %d", number)
		} else {
			last = number
		}
		content = append(content, stream[chunkHeader+symmetric:size]...)
		stream = stream[size:]
	}
	return content
}

// TestInspector puts messages together, and hands them on whole.
func TestInspector(t *testing.T) {
	good := readAnswer(t, []uint32{0x11223344}, strings.Repeat("x", 3*bufferSize))
	small := readAnswer(t, []uint32{0x11223344})
	bad := bytes.Replace(small, []byte{0x87, 1, 0, 0, 0}, []byte{0x87, 0xfe, 0xff, 0xff, 0xff}, 1)
	if bytes.Equal(small, bad) {
		t.Fatal("nothing was forged")
	}
	third, half := len(good)/3, len(bad)/2
	one, two, three := good[:third], good[third:2*third], good[2*third:]
	for _, tc := range []struct {
		name   string
		chunks [][]byte
		want   []byte // what reaches the library; nil if the connection ends
	}{
		{"whole", [][]byte{messageChunk('F', 1, 1, small)}, small},
		{"three chunks", [][]byte{messageChunk('C', 1, 1, one), messageChunk('C', 2, 1, two), messageChunk('F', 3, 1, three)}, good},
		{"between others", [][]byte{messageChunk('C', 1, 1, small[:9]), messageChunk('F', 3, 1, small[9:])}, small},
		{"undecodable", [][]byte{messageChunk('F', 1, 1, []byte("nonsense"))}, []byte("nonsense")},
		{"forged", [][]byte{messageChunk('F', 1, 1, bad)}, nil},
		{"forged in two", [][]byte{messageChunk('C', 1, 1, bad[:half]), messageChunk('F', 2, 1, bad[half:])}, nil},
		{"last of another kind", [][]byte{messageChunk('X', 1, 1, small)}, nil},
		{"number repeated", [][]byte{messageChunk('C', 1, 1, one), messageChunk('C', 1, 1, two), messageChunk('F', 2, 1, three)}, nil},
		{"short", [][]byte{messageChunk('F', 1, 1, nil)[:20]}, nil},
		{"unknown", [][]byte{append([]byte("XYZ"), messageChunk('F', 1, 1, small)[3:]...)}, nil},
		{"a request", [][]byte{messageChunk('F', 1, 1, []byte{1, 0, 0xbe, 1})}, nil},
	} {
		in, stream := newInspector(), []byte(nil)
		var err error
		for _, c := range tc.chunks {
			var out []byte
			if out, err = in.look(c); err != nil {
				break
			}
			stream = append(stream, out...)
		}
		if (err == nil) != (tc.want != nil) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.want != nil && (!bytes.Equal(passed(t, stream), tc.want) || len(in.parts) != 0 || in.held != 0) {
			t.Errorf("%s: %d bytes are handed on, and %d bytes of %d messages are kept", tc.name, len(stream), in.held, len(in.parts))
		}
	}
}

// TestBeginnings: answers that are never finished take no memory without bound,
// neither by their size nor by their number, and aborted ones are forgotten.
func TestBeginnings(t *testing.T) {
	for _, size := range []int{0, 1, 60_000} {
		in, n := newInspector(), uint32(0)
		for ; n < 1<<20; n++ {
			if _, err := in.look(messageChunk('C', n, n%32, make([]byte, size))); err != nil {
				break
			}
			if out, err := in.look(messageChunk('C', n, n+1000, nil)); len(out) > 0 || err != nil {
				break
			}
		}
		if n == 1<<20 || in.held > maxMessage || len(in.parts) > maxUnfinished {
			t.Errorf("beginnings of %d bytes: %d bytes of %d answers are kept after %d chunks", size, in.held, len(in.parts), n)
		}
	}
	in := newInspector()
	for n := range uint32(10 * maxUnfinished) {
		for _, kind := range []byte("CA") {
			if _, err := in.look(messageChunk(kind, 2*n, n, []byte("12345678"))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestChannelWithoutLife: the library would renew the keys of such a channel
// without a pause.
func TestChannelWithoutLife(t *testing.T) {
	for life, ok := range map[uint32]bool{0: false, 999: false, 4999: false, 5000: true, 3_600_000: true} {
		_, err := newInspector().look(openingChunk(t, &ua.OpenSecureChannelResponse{
			SecurityToken: &ua.ChannelSecurityToken{ChannelID: 1, TokenID: 1, RevisedLifetime: life},
		}, id.OpenSecureChannelResponse_Encoding_DefaultBinary))
		if (err == nil) != ok {
			t.Errorf("%d ms: %v", life, err)
		}
	}
	if _, err := newInspector().look(openingChunk(t, &ua.ServiceFault{}, id.ServiceFault_Encoding_DefaultBinary)); err != nil {
		t.Errorf("a refusal: %v", err)
	}
	if _, err := newInspector().look(openingChunk(t, &ua.ReadResponse{}, id.ReadResponse_Encoding_DefaultBinary)); !errors.Is(err, errHostile) {
		t.Errorf("another answer: %v", err)
	}
}

// TestFarewell: a server that says why it hangs up is quoted.
func TestFarewell(t *testing.T) {
	goodbye := binary.LittleEndian.AppendUint32(nil, uint32(ua.StatusBadTCPServerTooBusy))
	goodbye = append(binary.LittleEndian.AppendUint32(goodbye, 8), "too full"...)
	chunk := append(binary.LittleEndian.AppendUint32([]byte("ERRF"), uint32(chunkHeader+len(goodbye))), goodbye...)
	_, err := newInspector().look(chunk)
	want(t, err, "BadTcpServerTooBusy", "close other clients", `"too full"`)
	_, err = newInspector().look(chunk[:12])
	want(t, err, "closed by the server")
}

// TestPair: if this machine can not talk to itself, that is said within seconds,
// and waiting ends with the context.
func TestPair(t *testing.T) {
	a, b, err := pair(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	// Nothing arrives at l: what is dialled is another.
	l, other := listener(t), listener(t)
	ctx, cancel := context.WithTimeout(t.Context(), pairWithin/20)
	defer cancel()
	begin := time.Now()
	if _, _, err = meet(ctx, l, other.Addr().String()); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > pairWithin {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	want(t, explainPair(err), "127.0.0.1", "firewall")
}

// TestGoodbyeArrives: what the library writes last reaches a server that is
// talking meanwhile, and so does the end, in order.
func TestGoodbyeArrives(t *testing.T) {
	l := listener(t)
	dialled, server, err := meet(t.Context(), l, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	var group sync.WaitGroup
	theirs, in, err := inspect(t.Context(), dialled, ua.SecurityPolicyURIBasic256Sha256, nil, &group)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Write([]byte("goodbye")); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(server); string(got) != "goodbye" || err != nil {
		t.Errorf("the server reads %q, %v", got, err)
	}
	for n := range uint32(1000) {
		if _, err := server.Write(messageChunk('F', n, n, make([]byte, 1000))); err != nil {
			t.Fatalf("chunk %d: %v", n, err)
		}
	}
	_ = server.Close()
	group.Wait()
	if err := in.reason(); err != nil {
		t.Error(err)
	}
}

// TestSlowLine: the parts of a large answer are no silence, however long they
// take; whole messages do not count, because a dead subscription on a live
// server is silent.
func TestSlowLine(t *testing.T) {
	l := listener(t)
	dialled, server, err := meet(t.Context(), l, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	theirs, in, err := inspect(t.Context(), dialled, ua.SecurityPolicyURINone, nil, &group)
	if err != nil {
		t.Fatal(err)
	}
	answer := readAnswer(t, uint32(1))
	send := func(chunk []byte) {
		t.Helper()
		if _, err := server.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	send(messageChunk('F', 1, 1, answer))
	if _, err := io.ReadFull(theirs, make([]byte, chunkHeader+symmetric+len(answer))); err != nil {
		t.Fatal(err)
	}
	if in.arriving(time.Hour) {
		t.Error("a whole message is taken for a part of one")
	}
	send(messageChunk('C', 2, 2, answer[:5]))
	for end := time.Now().Add(within); !in.arriving(time.Hour); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("a part of a message is taken for silence")
		}
	}
	if in.arriving(0) {
		t.Error("what came before is taken for what comes now")
	}
	_, _ = server.Close(), theirs.Close()
	group.Wait()
}

func listener(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
