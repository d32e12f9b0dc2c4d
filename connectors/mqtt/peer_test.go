package mqtt

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// mosquitto is a broker in a process of its own.
type mosquitto struct {
	addr, dir string
	lines     []string
	cmd       *exec.Cmd
	exited    chan struct{}
}

// newMosquitto starts the broker with additional lines of configuration; DIR in
// them is its folder.
func newMosquitto(t *testing.T, lines ...string) *mosquitto {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{addr: listener.Addr().String(), dir: t.TempDir(), lines: lines}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	t.Cleanup(func() { m.end(t, syscall.SIGKILL) })
	return m
}

func (m *mosquitto) start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\n" + strings.ReplaceAll(strings.Join(m.lines, "\n"), "DIR", m.dir) + "\n"
	if os.Geteuid() == 0 {
		text = "user root\n" + text // or it can not write its files
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(m.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	m.cmd = exec.Command(connectortest.Program(t, "mosquitto"), "-c", file)
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, exited := m.cmd, make(chan struct{})
	m.exited = exited
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", m.addr); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("mosquitto does not listen: %s", said)
		}
	}
}

// waitLog waits until the broker has logged a text n times.
func (m *mosquitto) waitLog(t *testing.T, text string, n int) {
	t.Helper()
	waitFor(t, text, func() bool {
		said, err := os.ReadFile(filepath.Join(m.dir, "log"))
		return err == nil && strings.Count(string(said), text) >= n
	})
}

// end stops the broker and waits for it.
func (m *mosquitto) end(t *testing.T, how os.Signal) {
	t.Helper()
	_ = m.cmd.Process.Signal(how)
	select {
	case <-m.exited:
	case <-time.After(patience):
		t.Error("mosquitto does not end")
	}
}

// send publishes with mosquitto's own client.
func (m *mosquitto) send(t *testing.T, topic, payload string, more ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-h", host, "-p", port, "-q", "1", "-t", topic, "-m", payload}, more...)
	if out, err := exec.Command(connectortest.Program(t, "mosquitto_pub"), args...).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

func (m *mosquitto) config() Config {
	return Config{Broker: "tcp://" + m.addr, ClientID: "gateway"}
}

const anonymous = "allow_anonymous true"

func TestMosquittoRetainedWildcardsAndJSON(t *testing.T) {
	m := newMosquitto(t, anonymous)
	m.send(t, "hall/a/press1/data", `{"good": "7", "axes": [{"on": false}, {"on": true}]}`, "-r")
	r := start(t, connector(t, m.config(), tag("hall/+/press1/#", "good"), tag("hall/a/press1/data", "axes[1].on"), tag("hall/b/none", "")), nil)
	r.WaitValue(t, patience, 1, connectors.Bool(true))
	if sample, _ := r.Latest(1); !sample.Retained {
		t.Error("a retained message is not marked")
	}
	m.send(t, "hall/a/press1/data", `{"good": 8}`)
	m.send(t, "hall/c/press1/sub/data", `{"good": 9.5}`)
	r.Wait(t, patience, "the last message", func() bool {
		return strings.HasSuffix(strings.Join(r.texts(0), "|"), "8 good|9.5 good")
	})
}

func TestMosquittoTLSAndPassword(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "broker", "broker.plant", time.Now().Add(time.Hour))
	ca.issue(t, "gateway", "gateway.plant", time.Now().Add(time.Hour))
	passwords := ca.file("passwords")
	if out, err := exec.Command(connectortest.Program(t, "mosquitto_passwd"), "-b", "-c", passwords, "gateway", "right").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	m := newMosquitto(t, "allow_anonymous false", "password_file "+passwords, "require_certificate true",
		"cafile "+ca.file("ca.pem"), "certfile "+ca.file("broker.pem"), "keyfile "+ca.file("broker.key"))
	cfg := Config{
		Broker: "ssl://" + m.addr, ClientID: "gateway", User: "gateway", Password: "right",
		CA: ca.file("ca.pem"), Certificate: ca.file("gateway.pem"), Key: ca.file("gateway.key"), ServerName: "broker.plant",
	}
	con := connector(t, cfg, tag("press/count", ""))
	r := start(t, con, nil)
	r.WaitUp(t, patience)
	m.send(t, "press/count", "7", "--cafile", ca.file("ca.pem"), "--insecure", "-u", "gateway", "-P", "right",
		"--cert", ca.file("gateway.pem"), "--key", ca.file("gateway.key"))
	r.waitTexts(t, 0, "7 good")
	other := newAuthority(t)
	for _, c := range []struct {
		want   string
		kind   connectors.Trouble
		change func(*Config)
	}{
		{"check user and password", connectors.LoginRefused, func(c *Config) { c.Password = "wrong" }},
		{"client certificate", connectors.CertificateRefused, func(c *Config) { c.Certificate, c.Key = "", "" }},
		{"another host name", connectors.CertificateUntrusted, func(c *Config) { c.ServerName = "" }},
		{"unknown authority", connectors.CertificateUntrusted, func(c *Config) { c.CA = "" }},
		{"unknown authority", connectors.CertificateUntrusted, func(c *Config) { c.CA = other.file("ca.pem") }},
	} {
		bad := cfg
		c.change(&bad)
		con := connector(t, bad, tag("a", ""))
		err := con.Run(t.Context(), func(connectors.Batch) {})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Run says %v, want ...%s...", err, c.want)
		}
		if list := con.Conditions(); len(list) == 0 || list[0].Trouble != c.kind {
			t.Errorf("after %v the conditions are %+v", err, list)
		}
	}
	// The certificates of this test end within the hour.
	if list := con.Conditions(); len(list) != 1 || list[0].Trouble != connectors.CertificateExpiring ||
		!strings.Contains(list[0].Detail, "the broker's") || !strings.Contains(list[0].Detail, "the gateway's") {
		t.Errorf("conditions are %+v", list)
	}
}

// TestMosquittoForgetsLeftovers: an older configuration's wildcard brings one
// message of each topic at most, then nothing any more.
func TestMosquittoForgetsLeftovers(t *testing.T) {
	m := newMosquitto(t, anonymous, "log_type all")
	old := start(t, connector(t, m.config(), pulse("saw/pulse"), pulse("old/+/pulse"), tag("older/#", "")), nil)
	old.WaitUp(t, patience)
	if err := old.stop(t); err != nil {
		t.Fatal(err)
	}
	m.waitLog(t, "Received DISCONNECT from gateway", 1)
	c := connector(t, m.config(), pulse("saw/pulse"))
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	m.send(t, "old/1/pulse", "1")
	m.send(t, "older/a/b", "1")
	m.waitLog(t, "Sending UNSUBACK to gateway", 2)
	m.send(t, "old/2/pulse", "2")
	m.send(t, "older/c", "2")
	m.send(t, "saw/pulse", "3")
	r.waitTexts(t, 0, "3 good")
	if c.Ignored() != 2 {
		t.Errorf("%d messages were ignored, want 2", c.Ignored())
	}
}

func TestMosquittoRefusesATopic(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "acl")
	if err := os.WriteFile(rules, []byte("topic readwrite press/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMosquitto(t, anonymous, "acl_file "+rules)
	m.send(t, "press/count", "1", "-r")
	r := start(t, connector(t, m.config(), tag("press/count", ""), tag("office/payroll", "")), nil)
	r.waitTexts(t, 0, "1 good retained")
	// Version 2.0 grants any subscription and then delivers nothing.
	if got := r.texts(1); len(got) > 1 || len(got) == 1 && got[0] != "bad: the broker refused the subscription" {
		t.Errorf("the topic that is not allowed gives %q", got)
	}
}

func TestMosquittoKillBeforeAck(t *testing.T) {
	m := newMosquitto(t, anonymous, "log_type all")
	c := connector(t, m.config(), pulse("saw/pulse"), tag("saw/state", ""))
	var commits committing
	first := start(t, c, commits.emit)
	first.WaitUp(t, patience)
	for i := range 3 {
		m.send(t, "saw/pulse", fmt.Sprint(i))
	}
	first.waitTexts(t, 0, "0 good", "1 good", "2 good")
	commits.take()[0]()
	if err := first.stop(t); err != nil { // sends what is committed
		t.Fatal(err)
	}
	m.send(t, "saw/pulse", "3")
	m.send(t, "saw/state", "on", "-r")
	second := start(t, c, nil) // commits everything
	second.waitTexts(t, 0, "1 good redelivered", "2 good redelivered", "3 good")
	second.waitTexts(t, 1, "on good retained")
	if err := second.stop(t); err != nil {
		t.Fatal(err)
	}
	// A connection that comes sooner makes the broker forget what it has not
	// read of the old one.
	m.waitLog(t, "Received DISCONNECT from gateway", 2)
	third := start(t, c, nil)
	third.WaitUp(t, patience)
	m.send(t, "saw/pulse", "4")
	third.waitTexts(t, 0, "4 good")
	if a, b := keyOf(first, "1"), keyOf(second, "1"); a == 0 || a != b {
		t.Errorf("the key of a redelivered message is %d, it was %d", b, a)
	}
}

func keyOf(r *running, text string) uint64 {
	for _, b := range r.Batches() {
		for _, s := range b.Samples {
			if s.Value.Text() == text {
				return s.Key
			}
		}
	}
	return 0
}

func TestMosquittoRestartWithPersistence(t *testing.T) {
	m := newMosquitto(t, anonymous, "persistence true", "persistence_location DIR/")
	c := connector(t, m.config(), pulse("saw/pulse"))
	var commits committing
	first := start(t, c, commits.emit)
	first.WaitUp(t, patience)
	m.send(t, "saw/pulse", "1")
	first.waitTexts(t, 0, "1 good")
	m.end(t, syscall.SIGTERM)
	if err := first.wait(t, patience); err == nil || !strings.Contains(err.Error(), "closed the connection") {
		t.Errorf("Run says %v", err)
	}
	m.start(t)
	m.send(t, "saw/pulse", "2") // nobody is connected
	second := start(t, c, nil)
	second.waitTexts(t, 0, "1 good redelivered", "2 good")
}

func TestMosquittoRestartWithoutPersistence(t *testing.T) {
	m := newMosquitto(t, anonymous)
	c := connector(t, m.config(), pulse("saw/pulse"), tag("saw/count", ""))
	first := start(t, c, nil)
	first.WaitUp(t, patience)
	m.end(t, syscall.SIGKILL)
	if err := first.wait(t, patience); err == nil {
		t.Error("Run says nothing")
	}
	m.start(t) // it knows no session and no subscription any more
	second := start(t, c, nil)
	second.WaitUp(t, patience)
	m.send(t, "saw/pulse", "1")
	m.send(t, "saw/count", "2")
	second.waitTexts(t, 0, "1 good")
	second.waitTexts(t, 1, "2 good")
}

func TestMosquittoTwoClientsWithOneID(t *testing.T) {
	m := newMosquitto(t, anonymous)
	one, two := connector(t, m.config(), tag("a", "")), connector(t, m.config(), tag("a", ""))
	var err error
	for range 3 {
		first := start(t, one, nil)
		first.WaitUp(t, patience)
		second := start(t, two, nil)
		second.WaitUp(t, patience)
		err = first.wait(t, patience)
		if err := second.stop(t); err != nil {
			t.Fatal(err)
		}
	}
	if err == nil || !strings.Contains(err.Error(), `another client may use the client id "gateway"`) {
		t.Errorf("after being thrown out three times Run says %v", err)
	}
	if list := one.Conditions(); len(list) != 1 || list[0].Trouble != connectors.ClientIDTaken {
		t.Errorf("after being thrown out three times the conditions are %+v", list)
	}
}

// TestMosquittoBurstIntoASlowStore: the broker's window is 20 messages, and the
// store commits late and all at once.
func TestMosquittoBurstIntoASlowStore(t *testing.T) {
	m := newMosquitto(t, anonymous, "max_queued_messages 0")
	c := connector(t, m.config(), pulse("saw/pulse"))
	var commits committing
	r := start(t, c, commits.emit)
	r.WaitUp(t, patience)
	host, port, _ := net.SplitHostPort(m.addr)
	pub := exec.Command(connectortest.Program(t, "mosquitto_pub"), "-h", host, "-p", port, "-q", "1", "-t", "saw/pulse", "-l")
	var lines, want strings.Builder
	for i := range 1000 {
		fmt.Fprintln(&lines, i)
		fmt.Fprintf(&want, "|%d good", i)
	}
	pub.Stdin = strings.NewReader(lines.String())
	if out, err := pub.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
	r.Wait(t, patience, "the broker's window to fill", func() bool { return r.Samples() == 20 })
	for deadline := time.Now().Add(patience); r.Samples() < 1000; <-time.After(2 * time.Millisecond) {
		for _, committed := range commits.take() {
			committed()
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d of 1000 pulses came", r.Samples())
		}
	}
	if got := "|" + strings.Join(r.texts(0), "|"); got != want.String() {
		t.Error("the pulses came out of order or more than once")
	}
}
