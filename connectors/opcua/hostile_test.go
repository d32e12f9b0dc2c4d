package opcua

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// forge stands before a server and replaces bytes of its answers. It ends with
// the test.
func forge(t *testing.T, server string, change func([]byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []net.Conn
	)
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
	}
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			keep(client)
			behind, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			keep(behind)
			running.Go(func() {
				_, _ = io.Copy(behind, client)
				_ = behind.Close()
			})
			running.Go(func() {
				defer func() { _ = client.Close() }()
				header := make([]byte, 8)
				for {
					if _, err := io.ReadFull(behind, header); err != nil {
						return
					}
					chunk := make([]byte, binary.LittleEndian.Uint32(header[4:]))
					copy(chunk, header)
					if _, err := io.ReadFull(behind, chunk[8:]); err != nil {
						return
					}
					if _, err := client.Write(change(chunk)); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// TestHostileArray meets a server whose array has a length below -1, which the
// library does not survive.
func TestHostileArray(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", []uint32{0x11223344, 0x55667788})
	array := []byte{0x87, 2, 0, 0, 0, 0x44, 0x33, 0x22, 0x11}
	forged := []byte{0x87, 0xfe, 0xff, 0xff, 0xff, 0x44, 0x33, 0x22, 0x11}
	addr := forge(t, p.addr, func(chunk []byte) []byte { return bytes.Replace(chunk, array, forged, 1) })
	want(t, run(t, dialling(addr), tagsOf("Counter")).end(t), "not valid OPC UA", addr)
	// The gateway is still there, and the honest server is read.
	run(t, dialling(p.addr), tagsOf("Counter")).WaitUp(t, within)
}

// TestAnotherPolicy meets a server that opens the channel with another policy
// than it was asked for.
func TestAnotherPolicy(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	none, other := []byte("SecurityPolicy#None"), []byte("SecurityPolicy#Some")
	addr := forge(t, p.addr, func(chunk []byte) []byte { return bytes.Replace(chunk, none, other, 1) })
	want(t, run(t, dialling(addr), tagsOf("Counter")).end(t), "another security policy or certificate than it advertises")
}

// TestInspector puts messages together as the library does.
func TestInspector(t *testing.T) {
	chunk := func(kind byte, number, request uint32, content []byte) []byte {
		b := append([]byte("MSG"), kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(24+len(content)))
		for _, n := range []uint32{1, 1, number, request} {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		return append(b, content...)
	}
	response, err := ua.Encode(ua.NewFourByteExpandedNodeID(0, ua.ServiceTypeID(&ua.ReadResponse{})))
	if err != nil {
		t.Fatal(err)
	}
	rest, err := ua.Encode(&ua.ReadResponse{
		ResponseHeader: header(&ua.ReadRequest{RequestHeader: &ua.RequestHeader{}}),
		Results:        []*ua.DataValue{goodValue([]uint32{0x11223344})},
	})
	if err != nil {
		t.Fatal(err)
	}
	good := append(response, rest...)
	bad := bytes.Replace(good, []byte{0x87, 1, 0, 0, 0}, []byte{0x87, 0xfe, 0xff, 0xff, 0xff}, 1)
	if bytes.Equal(good, bad) {
		t.Fatal("nothing was forged")
	}
	half := len(good) / 2
	for _, tc := range []struct {
		name   string
		chunks [][]byte
		ok     bool
	}{
		{"whole", [][]byte{chunk('F', 1, 1, good)}, true},
		{"two chunks", [][]byte{chunk('C', 1, 1, good[:half]), chunk('F', 2, 1, good[half:])}, true},
		{"between others", [][]byte{chunk('C', 1, 1, good[:half]), chunk('F', 2, 2, good), chunk('F', 3, 1, good[half:])}, true},
		{"aborted", [][]byte{chunk('C', 1, 1, bad[:half]), chunk('A', 2, 1, nil), chunk('F', 3, 1, good)}, true},
		{"undecodable", [][]byte{chunk('F', 1, 1, []byte("nonsense"))}, true},
		{"forged", [][]byte{chunk('F', 1, 1, bad)}, false},
		{"forged in two", [][]byte{chunk('C', 1, 1, bad[:half]), chunk('F', 2, 1, bad[half:])}, false},
		{"last of another kind", [][]byte{chunk('X', 1, 1, bad)}, false},
		{"number repeated", [][]byte{chunk('C', 1, 1, good[:half]), chunk('C', 1, 1, good), chunk('F', 2, 1, good[half:])}, false},
		{"number 0", [][]byte{chunk('C', 0, 1, good), chunk('F', 1, 1, good)}, false},
		{"short", [][]byte{chunk('F', 1, 1, nil)[:20]}, false},
	} {
		in := inspector{policy: ua.SecurityPolicyURINone, parts: map[uint32]part{}}
		var err error
		for _, c := range tc.chunks {
			if err == nil {
				err = in.look(c)
			}
		}
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.ok && (len(in.parts) != 0 || in.held != 0) {
			t.Errorf("%s: %d bytes of %d messages are kept", tc.name, in.held, len(in.parts))
		}
	}
	var in inspector
	in.policy, in.parts = ua.SecurityPolicyURINone, map[uint32]part{}
	big := make([]byte, 60_000)
	for n := uint32(1); ; n++ {
		if err := in.look(chunk('C', n, n, big)); err != nil {
			break
		}
		if int(n)*len(big) > maxPlain+len(big) {
			t.Fatal("beginnings of messages are kept without bound")
		}
	}
}

// TestDeepNesting: a message that holds nothing but the beginnings of nested
// diagnostics, as large as one may be, does not end the process.
func TestDeepNesting(t *testing.T) {
	message := nested(t, maxPlain)
	if err := harmless(message); err != nil {
		t.Errorf("what the library refuses by itself is reported as %v", err)
	}
}

// nested is the answer to a read whose header's diagnostics nest to its end.
func nested(t *testing.T, size int) []byte {
	t.Helper()
	message, err := ua.Encode(ua.NewFourByteExpandedNodeID(0, id.ReadResponse_Encoding_DefaultBinary))
	if err != nil {
		t.Fatal(err)
	}
	message = append(message, make([]byte, 8+4+4)...) // time, handle, result
	return append(message, bytes.Repeat([]byte{0x40}, size-len(message))...)
}
