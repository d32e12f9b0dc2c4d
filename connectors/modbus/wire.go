package modbus

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/goburrow/modbus"
)

// caller sends read requests over a transport, in its framing.
type caller struct {
	transport transport
	client    modbus.Client
	// slave is where the packager takes the unit from.
	slave *byte
	// numbered says that answers carry the number of their request, so that
	// one that comes late is recognised.
	numbered bool
}

func newCaller(f framing, t transport) *caller {
	c := &caller{transport: t}
	switch f {
	case framingRTU:
		p := modbus.NewRTUClientHandler("")
		c.client, c.slave = modbus.NewClient2(p, t), &p.SlaveId
	case framingASCII:
		p := modbus.NewASCIIClientHandler("")
		c.client, c.slave = modbus.NewClient2(p, t), &p.SlaveId
	default:
		p := modbus.NewTCPClientHandler("")
		c.client, c.slave, c.numbered = modbus.NewClient2(p, t), &p.SlaveId, true
	}
	return c
}

// unsettled says that an answer to a request that failed may still come, and
// that nothing would tell it from another one.
func (c *caller) unsettled() bool {
	line, ok := c.transport.(*lineTransport)
	return ok && line.dirty
}

// took is what of the time of the last request, from its beginning to its end,
// was the device's: waiting for a line to be silent comes before it is sent.
func (c *caller) took(began, ended time.Time) time.Duration {
	if line, ok := c.transport.(*lineTransport); ok && line.sent.After(began) {
		began = line.sent
	}
	return ended.Sub(began)
}

// fetch calls the read function of an area.
func (c *caller) fetch(unit uint8, area Area, start, count uint16) ([]byte, error) {
	*c.slave = unit
	switch area {
	case Coil:
		return c.client.ReadCoils(start, count)
	case Discrete:
		return c.client.ReadDiscreteInputs(start, count)
	case Input:
		return c.client.ReadInputRegisters(start, count)
	}
	return c.client.ReadHoldingRegisters(start, count)
}

// wire is an open connection.
type wire struct {
	*caller
	// close ends the connection and waits until all of it has ended.
	close func()
}

// open connects, and waits the pause that the device needs then. The end of ctx
// closes the connection; the caller closes it in any case. fresh says that the
// line may hold answers that nobody waits for.
func (c Config) open(ctx context.Context, t target, fresh bool) (*wire, error) {
	w, err := c.connect(ctx, t, fresh)
	if err != nil {
		return nil, err
	}
	if err := rest(ctx, c.ConnectPause); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (c Config) connect(ctx context.Context, t target, fresh bool) (*wire, error) {
	if t.serial() {
		l, err := openSerial(ctx, t)
		if err != nil {
			return nil, err
		}
		w := c.onLine(ctx, l, t, fresh)
		unhook := w.close
		w.close = func() {
			unhook()
			_ = l.release()
		}
		return w, nil
	}
	dialer := net.Dialer{
		Timeout:         c.Timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	conn, err := dialer.DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetNoDelay(true); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if t.framing == framingTCP {
		return &wire{newCaller(t.framing, &tcpTransport{conn: conn, timeout: c.Timeout}), closing(ctx, conn)}, nil
	}
	return c.onLine(ctx, conn, t, fresh), nil
}

// onLine makes a wire of a line without transaction numbers.
func (c Config) onLine(ctx context.Context, l line, t target, fresh bool) *wire {
	transport := &lineTransport{line: l, codec: rtuCodec{}, timeout: c.Timeout, silence: t.silence(), character: t.character(), dirty: fresh}
	if t.framing == framingASCII {
		transport.codec = asciiCodec{}
	}
	return &wire{newCaller(t.framing, transport), closing(ctx, l)}
}

// closing closes a connection when ctx ends, which is what ends a read that is
// under way, or when what it returns is called.
func closing(ctx context.Context, conn interface{ Close() error }) func() {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = conn.Close()
	})
	return func() {
		if stop() {
			_ = conn.Close()
			return
		}
		<-closed
	}
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
