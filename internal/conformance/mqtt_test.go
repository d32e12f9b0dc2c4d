//go:build unix

package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt"
)

const (
	keepAlive  = 2 * time.Second
	mqttAnswer = 2 * time.Second
)

// broker is Mosquitto with two listeners: one for the connector, as the case
// needs it, and one for machines.
type broker struct {
	t                       testing.TB
	dir, addr, machinesPort string
	name                    string // of the case
	keeps, secure           bool
	authority, stranger     *authority

	cmd    *exec.Cmd
	exited chan struct{}
	hogs   hogs
	ahead  time.Duration // of the machine's clock
}

func serveMosquitto(t testing.TB, c connectortest.Case) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), addr: "127.0.0.1:" + free(t), machinesPort: free(t), name: c.Name}
	b.keeps = c.Name != connectortest.Stopped && c.Name != connectortest.SessionsForgotten
	b.secure = c.Name == connectortest.CertificateReplaced || c.Name == connectortest.CertificateEnded
	if b.secure {
		b.authority, b.stranger = newAuthority(t), newAuthority(t)
		b.authority.write(t, filepath.Join(b.dir, "ca.pem"))
		b.authority.issue(t, b.dir, time.Now().Add(time.Hour))
	}
	if err := b.password("right"); err != nil {
		t.Fatal(err)
	}
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.hogs.leave()
		_ = b.end(syscall.SIGKILL)
	})
	return b
}

// lines is the broker's configuration.
func (b *broker) lines() string {
	_, port, _ := net.SplitHostPort(b.addr)
	lines := []string{"per_listener_settings true", "listener " + b.machinesPort + " 127.0.0.1", "allow_anonymous true",
		"listener " + port + " 127.0.0.1", "allow_anonymous false", "password_file " + filepath.Join(b.dir, "passwords")}
	if b.secure {
		lines = append(lines, "certfile "+filepath.Join(b.dir, "cert.pem"), "keyfile "+filepath.Join(b.dir, "key.pem"))
	}
	if b.name == connectortest.SessionsTaken {
		lines = append(lines, "max_connections 1")
	}
	if b.keeps {
		lines = append([]string{"persistence true", "persistence_location " + b.dir + "/"}, lines...)
	}
	if os.Geteuid() == 0 {
		lines = append([]string{"user root"}, lines...) // or it can not write its files
	}
	return strings.Join(lines, "\n") + "\n"
}

func (b *broker) start() error {
	file := filepath.Join(b.dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(b.lines()), 0o600); err != nil {
		return err
	}
	b.cmd = exec.Command(connectortest.Program(b.t, "mosquitto"), "-c", file)
	if err := b.cmd.Start(); err != nil {
		return err
	}
	cmd, exited := b.cmd, make(chan struct{})
	b.exited = exited
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	for deadline := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+b.machinesPort)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("mosquitto does not listen: %w", err)
		}
	}
}

func (b *broker) end(how os.Signal) error {
	_ = b.cmd.Process.Signal(how)
	select {
	case <-b.exited:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("mosquitto does not end")
	}
}

// ending is end as a step of a fault.
func (b *broker) ending(how os.Signal) func() error { return func() error { return b.end(how) } }

// restart ends the broker in good order and brings it back.
func (b *broker) restart() error {
	if err := b.end(syscall.SIGTERM); err != nil {
		return err
	}
	return b.start()
}

// password sets that of the only user.
func (b *broker) password(word string) error {
	if out, err := exec.Command(connectortest.Program(b.t, "mosquitto_passwd"), "-b", "-c", filepath.Join(b.dir, "passwords"), "gateway", word).CombinedOutput(); err != nil {
		return fmt.Errorf("mosquitto_passwd: %w: %s", err, out)
	}
	return nil
}

func (b *broker) Addr() string { return b.addr }

func (b *broker) Connect(t testing.TB, addr string) connectors.Connector {
	t.Helper()
	cfg := mqtt.Config{Broker: "tcp://" + addr, ClientID: "gateway", User: "gateway", Password: "right", KeepAlive: keepAlive, Timeout: mqttAnswer}
	if b.secure {
		cfg.Broker, cfg.CA = "ssl://"+addr, filepath.Join(b.dir, "ca.pem")
	}
	count := connectors.Tag{Address: "plant/press/count", Bit: connectors.NoBit}
	pulse := connectors.Tag{Address: "plant/press/pulse", Bit: connectors.NoBit, EachMessage: b.name != connectortest.ClockJumped}
	if b.name == connectortest.ClockJumped {
		count.Path, cfg.TimePath = "count", "at"
	}
	c, err := mqtt.New(cfg, []connectors.Tag{
		count,
		pulse,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// timed is a broker without messages that each count: after a session that was
// kept, the connector judges no clock for half a minute.
type timed struct {
	connectortest.Source
	connectortest.Clocked
}

// publish sends a message as a machine does.
func (b *broker) publish(topic, payload string, more ...string) error {
	args := append([]string{"-h", "127.0.0.1", "-p", b.machinesPort, "-q", "1", "-t", topic, "-m", payload}, more...)
	if out, err := exec.Command(connectortest.Program(b.t, "mosquitto_pub"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mosquitto_pub: %w: %s", err, out)
	}
	return nil
}

func (b *broker) Set(v uint64) error {
	payload := fmt.Sprint(v)
	if b.name == connectortest.ClockJumped {
		payload = fmt.Sprintf(`{"count": %d, "at": %q}`, v, time.Now().Add(b.ahead).Format(time.RFC3339Nano))
	}
	return b.publish("plant/press/count", payload, "-r")
}

// Clock implements connectortest.Clocked: messages carry the machine's time.
func (b *broker) Clock(ahead time.Duration) error {
	b.ahead = ahead
	return nil
}

func (b *broker) Pulse(n uint64) error { return b.publish("plant/press/pulse", fmt.Sprint(n)) }

func (b *broker) Fault(name string) (connectortest.Fault, bool) {
	switch name {
	case connectortest.Stopped:
		return connectortest.Fault{Begin: b.ending(syscall.SIGKILL), End: b.start}, true
	case connectortest.SessionsKept, connectortest.SessionsForgotten:
		return connectortest.Fault{Begin: b.ending(syscall.SIGTERM), End: b.start}, true
	case connectortest.Frozen:
		return connectortest.Fault{
			Begin: func() error { return b.cmd.Process.Signal(syscall.SIGSTOP) },
			End:   func() error { return b.cmd.Process.Signal(syscall.SIGCONT) },
		}, true
	case connectortest.SessionsTaken:
		return connectortest.Fault{
			Begin: func() error { b.hogs.come(b.addr); return nil },
			End:   func() error { b.hogs.leave(); return nil },
		}, true
	case connectortest.PasswordChanged:
		return connectortest.Fault{Begin: b.changing("another"), End: b.changing("right")}, true
	case connectortest.CertificateReplaced:
		return connectortest.Fault{Begin: b.certified(b.stranger, time.Hour), End: b.certified(b.authority, time.Hour)}, true
	case connectortest.CertificateEnded:
		return connectortest.Fault{Begin: b.certified(b.authority, -time.Hour), End: b.certified(b.authority, time.Hour)}, true
	}
	return connectortest.Fault{}, false
}

// changing makes another password count.
func (b *broker) changing(word string) func() error {
	return func() error {
		if err := b.password(word); err != nil {
			return err
		}
		return b.restart()
	}
}

// certified gives the broker another certificate, valid for so long.
func (b *broker) certified(by *authority, valid time.Duration) func() error {
	return func() error {
		by.issue(b.t, b.dir, time.Now().Add(valid))
		return b.restart()
	}
}

// hogs is another client that wants a broker's only connection and gets it as
// soon as it is free.
type hogs struct {
	wait sync.WaitGroup
	stop chan struct{}
}

// come begins to ask for the connection.
func (h *hogs) come(addr string) {
	stop := make(chan struct{})
	h.stop = stop
	h.wait.Go(func() {
		for {
			if conn, err := net.Dial("tcp", addr); err == nil {
				_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				// The broker closes at once what is too much, and waits for the
				// first message of others.
				if _, err := conn.Read(make([]byte, 1)); os.IsTimeout(err) {
					<-stop
				}
				_ = conn.Close()
			}
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// leave gives the connection back. It may be called twice.
func (h *hogs) leave() {
	if h.stop != nil {
		close(h.stop)
		h.stop = nil
	}
	h.wait.Wait()
}

func mosquitto(t *testing.T) (connectortest.Subject, string) {
	version := ""
	for _, name := range []string{"mosquitto", "mosquitto_pub", "mosquitto_passwd"} {
		path := connectortest.Program(t, name)
		if name == "mosquitto" {
			out, _ := exec.Command(path, "-h").CombinedOutput() // ends with 1 after its help
			version, _, _ = strings.Cut(strings.TrimPrefix(string(out), "mosquitto version "), "\n")
		}
	}
	return withCable(t, connectortest.Subject{
		Protocol: "MQTT", Peer: "Mosquitto", Lanes: 4, Queues: true, SkewLasts: true,
		Silent: 3*keepAlive + mqttAnswer, Late: 3 * mqttAnswer / 2, Slow: mqttAnswer / 3,
		Foreign: foreignSubscription,
		Cannot: map[string]string{
			connectortest.Downloaded: "a broker has no address space",
			connectortest.Vanished:   "nothing can be missing at a broker",
			connectortest.Moved:      "nothing can be missing at a broker",
		},
		Serve: func(t testing.TB, c connectortest.Case) connectortest.Source {
			b := serveMosquitto(t, c)
			if c.Name == connectortest.ClockJumped {
				return timed{b, b}
			}
			return b
		},
	}), version
}

// foreignSubscription gives the answer to a subscription another number.
func foreignSubscription(chunk []byte) {
	for i := 0; i+4 <= len(chunk); {
		if chunk[i]&0xf0 == 0x90 {
			chunk[i+2] ^= 0x55
		}
		i += 2 + int(chunk[i+1])
	}
}
