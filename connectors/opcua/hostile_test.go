package opcua

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
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

// TestHostileAnswers: a server that answers a read with one of the attacks costs
// the attempt, and neither the process nor its memory; what was wrong is said.
func TestHostileAnswers(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	read := readAnswer(t)[:4]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, message := range attacks(t) {
		addr := forge(t, p.addr, func(chunk []byte) []byte {
			content := chunk[min(len(chunk), chunkHeader+symmetric):]
			if !bytes.HasPrefix(content, read) {
				return chunk
			}
			return new(inspector).divide(chunk[chunkHeader:chunkHeader+8], binary.LittleEndian.Uint32(chunk[20:]), message)
		})
		t.Run(name, func(t *testing.T) {
			want(t, run(t, dialling(addr), tagsOf("Counter")).end(t), "not valid OPC UA", addr)
		})
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 256<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
}

// TestHangsUpWithReason: what a server says before it hangs up is in the error,
// and does not keep the next attempt from asking for less.
func TestHangsUpWithReason(t *testing.T) {
	p := startPLC(t)
	p.is("Counter", uint32(1))
	goodbye := binary.LittleEndian.AppendUint32(nil, uint32(ua.StatusBadTCPMessageTooLarge))
	goodbye = append(binary.LittleEndian.AppendUint32(goodbye, 5), "large"...)
	created := encoded(t, id.CreateMonitoredItemsResponse_Encoding_DefaultBinary, &ua.CreateMonitoredItemsResponse{})[:4]
	addr := forge(t, p.addr, func(chunk []byte) []byte {
		if !bytes.HasPrefix(chunk[min(len(chunk), chunkHeader+symmetric):], created) {
			return chunk
		}
		return append(binary.LittleEndian.AppendUint32([]byte("ERRF"), uint32(chunkHeader+len(goodbye))), goodbye...)
	})
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint("n", i))
	}
	r := run(t, dialling(addr), tagsOf(names...))
	want(t, r.end(t), "BadTcpMessageTooLarge", `"large"`, addr)
	if fits := r.c.fits.Load(); fits != 50 {
		t.Errorf("the next attempt asks for %d items at a time", fits)
	}
}

// TestLargeAnswer: an answer may be as large without security as with it.
func TestLargeAnswer(t *testing.T) {
	p := startPLC(t)
	text := make([]string, 30)
	for i := range text {
		text[i] = strings.Repeat("x", 100_000)
	}
	text[29] = "last"
	p.is("Large", text)
	tags := tagsOf("Large")
	tags[0].Path = "[29]"
	run(t, dialling(p.addr), tags).WaitValue(t, within, 0, connectors.String("last"))
}

// TestSlowAnswer: an answer that takes longer than the timeout on a slow line, and
// than a subscription may be silent, ends no session, and the requests that wait
// behind it do not either.
func TestSlowAnswer(t *testing.T) {
	for _, read := range []string{ReadSubscribe, ReadPoll} {
		t.Run(read, func(t *testing.T) {
			t.Parallel()
			p := startPLC(t)
			const size, takes = 3_000_000, 2 * silenceAtLeast
			p.is("Large", []string{strings.Repeat("x", size), "last"})
			addr := forge(t, p.addr, func(chunk []byte) []byte {
				<-time.After(time.Duration(len(chunk)) * takes / size)
				return chunk
			})
			tags := tagsOf("Large")
			tags[0].Path = "[1]"
			cfg := dialling(addr)
			cfg.Read, cfg.Timeout = read, time.Second
			start := time.Now()
			r := runQuick(t, cfg, tags)
			r.WaitValue(t, within, 0, connectors.String("last"))
			if took := time.Since(start); took < takes {
				t.Errorf("the answer came after %s: the line was not slow", took)
			}
			if st := r.c.Stats(); st.Timeouts != 0 {
				t.Errorf("%d requests had no answer", st.Timeouts)
			}
		})
	}
}
