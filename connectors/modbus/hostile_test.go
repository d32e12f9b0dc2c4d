package modbus

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// wireRequest is what a hostile server received.
type wireRequest struct {
	id           uint16
	unit, fn     byte
	start, count int
}

// frameOf makes a frame of a body, which begins with the unit.
func frameOf(id uint16, body ...byte) []byte {
	frame := binary.BigEndian.AppendUint16(nil, id)
	frame = append(frame, 0, 0)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(body)))
	return append(frame, body...)
}

// right is the answer of an honest device, whose registers hold their offsets.
func (r wireRequest) right() []byte {
	body := []byte{r.unit, r.fn, byte(2 * r.count)}
	for i := range r.count {
		body = binary.BigEndian.AppendUint16(body, uint16(r.start+i))
	}
	return frameOf(r.id, body...)
}

// serveHostile answers the n-th request of a connection, counting from 0, with
// what answer writes; an error closes the connection. It fails the test for any
// request that is not a read.
func serveHostile(t testing.TB, answer func(c net.Conn, n int, r wireRequest) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				for n := 0; ; n++ {
					var b [12]byte
					if _, err := io.ReadFull(c, b[:]); err != nil {
						return
					}
					r := wireRequest{binary.BigEndian.Uint16(b[:]), b[6], b[7], int(binary.BigEndian.Uint16(b[8:])), int(binary.BigEndian.Uint16(b[10:]))}
					if r.fn < 1 || r.fn > 4 {
						t.Errorf("function code %d on the wire", r.fn)
					}
					if answer(c, n, r) != nil {
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
		all.Wait()
	})
	return "tcp://" + l.Addr().String()
}

func write(c net.Conn, frames ...[]byte) error {
	for _, f := range frames {
		if _, err := c.Write(f); err != nil {
			return err
		}
	}
	return nil
}

// fastConfig polls and gives up quickly.
func fastConfig(address string) Config {
	return Config{Address: address, Every: 20 * time.Millisecond, Timeout: 250 * time.Millisecond}
}

// watch runs a connector until enough is true of a batch or Run returned, and
// gives Run's error. It fails the test after ten seconds.
func watch(t *testing.T, c *Connector, enough func(connectors.Batch) bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	done := false
	err := c.Run(ctx, func(b connectors.Batch) {
		if !done && enough(b) {
			done = true
			cancel()
		}
	})
	if !done && ctx.Err() != nil {
		t.Fatal("nothing happened for ten seconds")
	}
	return err
}

func mustNew(t testing.TB, cfg Config, tags ...connectors.Tag) *Connector {
	t.Helper()
	c, err := New(cfg, tags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAnswersThatAreNotOurs: whatever a device sends beside or instead of the
// right answer, a Good value is always the datum's own, and the connection goes
// on.
func TestAnswersThatAreNotOurs(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(c net.Conn, n int, r wireRequest) error
		// reason is what the tag of a spoilt answer says; empty if it is Good.
		reason string
	}{
		{"split into bytes", func(c net.Conn, _ int, r wireRequest) error {
			for _, b := range r.right() {
				if err := write(c, []byte{b}); err != nil {
					return err
				}
			}
			return nil
		}, ""},
		{"another transaction first", func(c net.Conn, _ int, r wireRequest) error {
			stale := r
			stale.id, stale.start = r.id-1, 9000
			return write(c, append(stale.right(), r.right()...))
		}, ""},
		{"a hundred old answers first", func(c net.Conn, _ int, r wireRequest) error {
			for i := range uint16(100) {
				stale := r
				stale.id, stale.start = r.id+1000+i, 9000
				if err := write(c, stale.right()); err != nil {
					return err
				}
			}
			return write(c, r.right())
		}, ""},
		{"the answer twice", func(c net.Conn, _ int, r wireRequest) error { return write(c, r.right(), r.right()) }, ""},
		{"answer and exception", func(c net.Conn, _ int, r wireRequest) error {
			return write(c, r.right(), frameOf(r.id, r.unit, r.fn|exceptionBit, 2))
		}, ""},
		{"one register too few", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				r.count--
			}
			return write(c, r.right())
		}, reasonMismatch},
		{"one register too many", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				r.count++
			}
			return write(c, r.right())
		}, reasonMismatch},
		{"byte count that is not true", func(c net.Conn, n int, r wireRequest) error {
			f := r.right()
			if n%3 == 1 {
				f[8] = 200
			}
			return write(c, f)
		}, reasonMismatch},
		{"no data", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				return write(c, frameOf(r.id, r.unit, r.fn))
			}
			return write(c, r.right())
		}, reasonMismatch},
		{"another function", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				r.fn++
			}
			return write(c, r.right())
		}, reasonMismatch},
		{"the answer of another unit", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				r.unit++
			}
			return write(c, r.right())
		}, reasonWrongUnit},
		{"exception", func(c net.Conn, n int, r wireRequest) error {
			if n%3 == 1 {
				return write(c, frameOf(r.id, r.unit, r.fn|exceptionBit, 4))
			}
			return write(c, r.right())
		}, "exception 4: server device failure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			con := mustNew(t, fastConfig(serveHostile(t, c.answer)), tag("holding:1000", "uint32"))
			good, bad := 0, 0
			err := watch(t, con, func(b connectors.Batch) bool {
				for _, s := range b.Samples {
					switch {
					case s.Quality != connectors.Good && s.Reason == c.reason:
						bad++
					case s.Quality != connectors.Good:
						t.Errorf("reason %q", s.Reason)
					case s.Value != connectors.Uint(1000<<16|1001):
						t.Errorf("value %s", s.Value.Text())
					default:
						good++
					}
				}
				return good >= 4 && (c.reason == "" || bad >= 1)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLateAnswerIsDropped: every fourth answer comes after the timeout, when
// the next request is under way, which is answered before or after it.
func TestLateAnswerIsDropped(t *testing.T) {
	var mu sync.Mutex
	var late []byte
	addr := serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
		mu.Lock()
		defer mu.Unlock()
		if n%4 == 2 {
			late = r.right()
			return nil
		}
		before := late
		late = nil
		if n%8 == 3 {
			return write(c, r.right(), before)
		}
		return write(c, before, r.right())
	})
	con := mustNew(t, fastConfig(addr), tag("holding:10", ""), tag("holding:2000", ""), tag("holding:3000", ""))
	good := 0
	err := watch(t, con, func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			if s.Quality != connectors.Good {
				continue
			}
			if want := []uint64{10, 2000, 3000}[s.Tag]; s.Value != connectors.Uint(want) {
				t.Errorf("holding:%d has the value %s", want, s.Value.Text())
			}
			good++
		}
		return good >= 18
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFrameInTwoHalvesAroundTheTimeout: the stream keeps its step.
func TestFrameInTwoHalvesAroundTheTimeout(t *testing.T) {
	var mu sync.Mutex
	var rest []byte
	addr := serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
		mu.Lock()
		defer mu.Unlock()
		if n == 2 {
			f := r.right()
			rest = f[5:]
			return write(c, f[:5])
		}
		first := rest
		rest = nil
		return write(c, first, r.right())
	})
	con := mustNew(t, fastConfig(addr), tag("holding:10", ""))
	n, bad := 0, 0
	err := watch(t, con, func(b connectors.Batch) bool {
		for _, s := range b.Samples {
			n++
			if s.Quality == connectors.Bad {
				bad++
			}
		}
		return n >= 8 && bad > 0
	})
	if err != nil {
		t.Error(err)
	}
}
