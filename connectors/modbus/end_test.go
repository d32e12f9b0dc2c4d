package modbus

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestUselessConnectionEndsRun: what can not be put right on this connection
// ends Run soon, with an error that says where and what to do.
func TestUselessConnectionEndsRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(c net.Conn, n int, r wireRequest) error
		want   []string
	}{
		{"mute", func(net.Conn, int, wireRequest) error { return nil },
			[]string{"nothing answers (3 requests in a row, the last: no answer within the timeout)", "check that the device is on"}},
		{"mute later", func(c net.Conn, n int, r wireRequest) error {
			if n > 3 {
				return nil
			}
			return write(c, r.right())
		}, []string{"nothing answers (3 requests in a row"}},
		{"always the same transaction", func(c net.Conn, n int, r wireRequest) error {
			r.id = 0
			return write(c, r.right())
		}, []string{"nothing answers", "3 answers came too late or with a wrong transaction number"}},
		{"always another unit", func(c net.Conn, n int, r wireRequest) error {
			r.unit = 255
			return write(c, r.right())
		}, []string{"nothing answers", "answer of another unit"}},
		{"another protocol", func(c net.Conn, n int, r wireRequest) error {
			return write(c, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, []string{"does not speak Modbus TCP: protocol number 21584 where 0 belongs"}},
		{"huge length", func(c net.Conn, n int, r wireRequest) error {
			f := r.right()
			f[4], f[5] = 0xff, 0xff
			return write(c, f)
		}, []string{"does not speak Modbus TCP: a frame of 65535 bytes, allowed are 2 to 254"}},
		{"no length", func(c net.Conn, n int, r wireRequest) error {
			f := r.right()
			f[4], f[5] = 0, 0
			return write(c, f)
		}, []string{"does not speak Modbus TCP: a frame of 0 bytes"}},
		{"closes instead of answering", func(c net.Conn, n int, r wireRequest) error { return io.EOF },
			[]string{"waiting for an answer", "the device closed the connection: many allow only one to four at a time"}},
		{"closes in the middle of an answer", func(c net.Conn, n int, r wireRequest) error {
			return errors.Join(write(c, r.right()[:9]), io.EOF)
		}, []string{"the device closed the connection"}},
		{"closes between requests", func(c net.Conn, n int, r wireRequest) error {
			err := write(c, r.right())
			if n == 2 {
				err = io.EOF
			}
			return err
		}, []string{"the device closed the connection"}},
		{"floods", func(c net.Conn, n int, r wireRequest) error {
			r.id += 7
			for {
				if err := write(c, r.right()); err != nil {
					return err
				}
			}
		}, []string{"nothing answers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := serveHostile(t, c.answer)
			con := mustNew(t, fastConfig(addr), tag("holding:10", ""))
			began := time.Now()
			err := watch(t, con, func(connectors.Batch) bool { return false })
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			for _, want := range append(c.want, "modbus "+addr+": ") {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := "tcp://" + l.Addr().String()
	_ = l.Close()
	err = mustNew(t, fastConfig(addr), tag("40001", "")).Run(context.Background(), func(b connectors.Batch) { t.Errorf("emitted %v", b) })
	if err == nil || !strings.Contains(err.Error(), "modbus "+addr) || !strings.Contains(err.Error(), "nothing listens on this port") {
		t.Error(err)
	}
}

func TestCancelEndsRunAtOnce(t *testing.T) {
	for name, answer := range map[string]func(c net.Conn, n int, r wireRequest) error{
		"mute":    func(net.Conn, int, wireRequest) error { return nil },
		"healthy": func(c net.Conn, _ int, r wireRequest) error { return write(c, r.right()) },
	} {
		t.Run(name, func(t *testing.T) {
			reached := make(chan struct{}, 1)
			cfg := fastConfig(serveHostile(t, func(c net.Conn, n int, r wireRequest) error {
				select {
				case reached <- struct{}{}:
				default:
				}
				return answer(c, n, r)
			}))
			cfg.Timeout, cfg.Every = time.Minute, time.Minute
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan error, 1)
			con := mustNew(t, cfg, tag("40001", ""))
			go func() { ended <- con.Run(ctx, func(connectors.Batch) {}) }()
			<-reached
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(2 * time.Second):
				t.Fatal("Run goes on")
			}
		})
	}
}

func TestWithoutTagsRunWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := mustNew(t, Config{Address: "tcp://127.0.0.1:1"}).Run(ctx, nil); err != nil {
		t.Error(err)
	}
}
