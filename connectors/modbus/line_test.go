package modbus

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// rtuFrame adds the CRC.
func rtuFrame(body ...byte) []byte {
	return binary.LittleEndian.AppendUint16(append([]byte(nil), body...), crcOf(body))
}

// asciiFrame adds colon, LRC and the end of the line.
func asciiFrame(body ...byte) []byte {
	var sum byte
	for _, b := range body {
		sum -= b
	}
	return []byte(":" + strings.ToUpper(hex.EncodeToString(append(append([]byte(nil), body...), sum))) + "\r\n")
}

// serialSlave answers requests at the other end of a pipe. It sees time as the
// test does.
type serialSlave struct {
	conn  net.Conn
	frame func(body ...byte) []byte
}

// right is the answer of a slave whose registers hold their offsets.
func (s *serialSlave) right(unit byte, start, count int) []byte {
	body := []byte{unit, 3, byte(2 * count)}
	for i := range count {
		body = binary.BigEndian.AppendUint16(body, uint16(start+i))
	}
	return s.frame(body...)
}

// serve hands every request over until the pipe is closed.
func (s *serialSlave) serve(size int, answer func(n int, unit byte, start, count int)) {
	for n := 0; ; n++ {
		b := make([]byte, size)
		if _, err := io.ReadFull(s.conn, b); err != nil {
			return
		}
		if size != rtuRequest {
			b, _ = asciiBytes(b)
		}
		answer(n, b[0], int(binary.BigEndian.Uint16(b[2:])), int(binary.BigEndian.Uint16(b[4:])))
	}
}

// onPipe runs a test of a line in virtual time, once with each framing.
func onPipe(t *testing.T, body func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, request int)) {
	for name, f := range map[string]framing{"rtu": framingRTU, "ascii": framingASCII} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				l := &lineTransport{line: here, codec: rtuCodec{}, timeout: time.Second, silence: 4 * time.Millisecond}
				s, request := &serialSlave{conn: there, frame: rtuFrame}, rtuRequest
				if f == framingASCII {
					l.codec, s.frame, request = asciiCodec{}, asciiFrame, 17
				}
				body(t, newCaller(f, l), l, s, request)
				_, _ = here.Close(), there.Close()
				synctest.Wait()
			})
		})
	}
}

// readTwo reads two holding registers; values are what they should hold.
func readTwo(c *caller, unit uint8, start uint16) (bool, error) {
	data, err := c.fetch(unit, Holding, start, 2)
	if err != nil {
		return false, err
	}
	return len(data) == 4 && binary.BigEndian.Uint16(data) == start && binary.BigEndian.Uint16(data[2:]) == start+1, nil
}

// TestLateAnswersPassForNoOther: each fourth answer comes too late, by 5, 30 or
// 200 ms, which is before the next request, or by nearly a timeout.
func TestLateAnswersPassForNoOther(t *testing.T) {
	for _, late := range []time.Duration{5 * time.Millisecond, 30 * time.Millisecond, 200 * time.Millisecond, 990 * time.Millisecond} {
		onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, size int) {
			go s.serve(size, func(n int, unit byte, start, count int) {
				if n%4 == 1 {
					time.Sleep(l.timeout + late)
				}
				_, _ = s.conn.Write(s.right(unit, start, count))
			})
			good, silences := 0, 0
			for n := range 40 {
				ok, err := readTwo(c, 1, uint16(100*n))
				switch {
				case errors.Is(err, errSilent):
					silences++
				case err != nil || !ok:
					t.Fatalf("late by %v, request %d: %v, right is %v", late, n, err, ok)
				default:
					good++
				}
			}
			if good != 30 || silences != 10 {
				t.Errorf("late by %v: %d good, %d silent", late, good, silences)
			}
		})
	}
}

// TestNoiseOnTheLine: what surrounds or spoils an answer neither becomes a value
// nor lasts longer than the request.
func TestNoiseOnTheLine(t *testing.T) {
	right := func(s *serialSlave, start int) []byte { return s.right(1, start, 2) }
	for name, c := range map[string]struct {
		send func(s *serialSlave, start int) [][]byte
		want error
	}{
		"switching noise before":  {func(s *serialSlave, at int) [][]byte { return [][]byte{{0, 0xff}, right(s, at)} }, nil},
		"switching noise after":   {func(s *serialSlave, at int) [][]byte { return [][]byte{right(s, at), {0}} }, nil},
		"byte by byte":            {func(s *serialSlave, at int) [][]byte { return each(right(s, at)) }, nil},
		"a frame of another size": {func(s *serialSlave, at int) [][]byte { return [][]byte{s.right(1, 7, 5), right(s, at)} }, nil},
		"another unit's first":    {func(s *serialSlave, at int) [][]byte { return [][]byte{s.right(2, at, 2), right(s, at)} }, nil},
		"only another unit's":     {func(s *serialSlave, at int) [][]byte { return [][]byte{s.right(2, at, 2)} }, errWrongUnit},
		"two answers":             {func(s *serialSlave, at int) [][]byte { return [][]byte{s.right(1, at+1, 2), right(s, at)} }, errGarbled},
		"a bit is wrong": {func(s *serialSlave, at int) [][]byte {
			f := right(s, at)
			f[len(f)-4] ^= 1
			return [][]byte{f}
		}, errGarbled},
		"half an answer": {func(s *serialSlave, at int) [][]byte { return [][]byte{right(s, at)[:7]} }, errGarbled},
		"rubbish":        {func(*serialSlave, int) [][]byte { return [][]byte{[]byte(strings.Repeat("\x55\xaa:", 300))} }, errGarbled},
	} {
		t.Run(name, func(t *testing.T) {
			onPipe(t, func(t *testing.T, call *caller, l *lineTransport, s *serialSlave, size int) {
				go s.serve(size, func(n int, unit byte, start, count int) {
					if n%2 == 1 {
						_, _ = s.conn.Write(s.right(unit, start, count))
						return
					}
					for _, b := range c.send(s, start) {
						_, _ = s.conn.Write(b)
					}
				})
				for n := range 20 {
					want := c.want
					if n%2 == 1 {
						want = nil
					}
					if ok, err := readTwo(call, 1, uint16(50*n)); !errors.Is(err, want) || err == nil && !ok {
						t.Fatalf("request %d: %v, right is %v; want %v", n, err, ok, want)
					}
				}
			})
		})
	}
}

func each(frame []byte) [][]byte {
	var all [][]byte
	for i := range frame {
		all = append(all, frame[i:i+1])
	}
	return all
}

// TestStaleBytesAtOpen: a whole and right looking answer lies in the line.
func TestStaleBytesAtOpen(t *testing.T) {
	onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, size int) {
		l.dirty = true
		go func() {
			_, _ = s.conn.Write(s.right(1, 9000, 2))
			s.serve(size, func(_ int, unit byte, start, count int) { _, _ = s.conn.Write(s.right(unit, start, count)) })
		}()
		if ok, err := readTwo(c, 1, 10); err != nil || !ok {
			t.Errorf("%v, right is %v", err, ok)
		}
	})
}

// TestExceptionInTwoPieces, and what the line is worth afterwards.
func TestExceptionInTwoPieces(t *testing.T) {
	onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, size int) {
		go s.serve(size, func(n int, unit byte, start, count int) {
			if n > 0 {
				_, _ = s.conn.Write(s.right(unit, start, count))
				return
			}
			f := s.frame(unit, 0x83, 2)
			_, _ = s.conn.Write(f[:4])
			time.Sleep(30 * time.Millisecond)
			_, _ = s.conn.Write(f[4:])
		})
		began := time.Now()
		if _, err := readTwo(c, 1, 10); err == nil || !strings.Contains(err.Error(), "illegal data address") {
			t.Error(err)
		}
		if ok, err := readTwo(c, 1, 20); err != nil || !ok {
			t.Errorf("%v, right is %v", err, ok)
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestEchoOfTheAdapter: an adapter that hears itself brings every request back.
func TestEchoOfTheAdapter(t *testing.T) {
	onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, size int) {
		go s.serve(size, func(n int, unit byte, start, count int) {
			pdu := []byte{unit, 3}
			pdu = binary.BigEndian.AppendUint16(pdu, uint16(start))
			_, _ = s.conn.Write(s.frame(binary.BigEndian.AppendUint16(pdu, uint16(count))...))
			if n < 2 {
				_, _ = s.conn.Write(s.right(unit, start, count))
			}
		})
		for n, want := range []error{nil, nil, errSilent} {
			if ok, err := readTwo(c, 1, uint16(40*n)); !errors.Is(err, want) || err == nil && !ok {
				t.Errorf("request %d: %v, right is %v", n, err, ok)
			}
		}
	})
}

// TestLineThatIsNeverSilent ends the connection with the next step.
func TestLineThatIsNeverSilent(t *testing.T) {
	onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, _ int) {
		l.dirty = true
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, err := s.conn.Write([]byte("babble")); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		_, err := readTwo(c, 1, 10)
		var link *linkError
		if !errors.As(err, &link) || !strings.Contains(err.Error(), "check that there is no other master on it, baud rate and parity") {
			t.Error(err)
		}
		_ = s.conn.Close()
		<-ended
	})
}

// TestRoundTripIsTheDevices: the silence that is waited for before a request is
// not the device's time.
func TestRoundTripIsTheDevices(t *testing.T) {
	p := serveRTUPLC(t)
	cfg := fastConfig("rtuovertcp://" + p.addr)
	con := mustNew(t, cfg, tag("holding:0", ""))
	err := watch(t, con, func(b connectors.Batch) bool {
		if trip := con.Stats().RoundTrip; trip <= 0 || trip >= cfg.Timeout {
			t.Errorf("round trip %v", trip)
		}
		return len(b.Samples) > 0
	})
	if err != nil {
		t.Error(err)
	}
	err = mustSurvey(t, cfg).with(t.Context(), func(a *asker) error {
		_, err := a.ask(t.Context(), 1, Holding, 0, 1)
		if a.trip <= 0 || a.trip >= cfg.Timeout {
			t.Errorf("round trip %v", a.trip)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLineTakesNoMoreTimeThanItNeeds: requests of an honest slave are one
// silence and one moment of listening apart.
func TestLineTakesNoMoreTimeThanItNeeds(t *testing.T) {
	onPipe(t, func(t *testing.T, c *caller, l *lineTransport, s *serialSlave, size int) {
		go s.serve(size, func(_ int, unit byte, start, count int) { _, _ = s.conn.Write(s.right(unit, start, count)) })
		began := time.Now()
		for n := range 100 {
			if ok, err := readTwo(c, 1, uint16(n)); err != nil || !ok {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 100*(l.silence+2*listening) {
			t.Errorf("100 requests took %v", took)
		}
	})
}
