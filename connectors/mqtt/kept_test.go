package mqtt

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

// sendAll publishes one message for each line, over one connection.
func (m *mosquitto) sendAll(t *testing.T, topic string, lines []string, more ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	pub := exec.Command(connectortest.Program(t, "mosquitto_pub"), append([]string{"-h", host, "-p", port, "-q", "1", "-t", topic, "-l"}, more...)...)
	pub.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := pub.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

// flapping is what a machine says of its state in an outage. It runs at the end.
func flapping(form string) []string {
	var lines []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf(form, []string{"stop", "run"}[i%2]))
	}
	return lines
}

// TestMosquittoKeptSessionBringsNoOldStates: after an outage every pulse comes,
// and the states that a machine had meanwhile do not, only the one it has.
func TestMosquittoKeptSessionBringsNoOldStates(t *testing.T) {
	t.Parallel()
	m := newMosquitto(t, anonymous, "max_queued_messages 0")
	cfg := m.config()
	cfg.Availability = []Availability{{Topic: "{device}/online"}}
	both := pulse("mill/part") // a message that counts and tells the state too
	both.Path = "n"
	c := connector(t, cfg, pulse("saw/pulse"), tag("saw/state", ""), tag("drill/state", ""), both, tag("mill/part", "state"))
	m.send(t, "saw/online", "online", "-r")
	first := start(t, c, nil)
	first.WaitUp(t, patience)
	m.send(t, "saw/state", "stop", "-r")
	m.send(t, "drill/state", "stop")
	first.waitTexts(t, 1, "stop good")
	first.waitTexts(t, 2, "stop good")
	if err := first.stop(t); err != nil {
		t.Fatal(err)
	}
	var pulses, counted []string
	for i := range 50 {
		pulses = append(pulses, fmt.Sprint(i))
		counted = append(counted, fmt.Sprintf("%d good", i))
	}
	m.sendAll(t, "saw/pulse", pulses)
	m.sendAll(t, "saw/state", flapping("%s"), "-r")
	m.sendAll(t, "drill/state", flapping("%s"))
	m.sendAll(t, "mill/part", flapping(`{"n": 1, "state": "%s"}`))
	m.send(t, "saw/online", "offline", "-r") // as its last will says, at QoS 1
	m.send(t, "saw/online", "online", "-r", "-q", "0")
	second := start(t, c, nil)
	second.waitTexts(t, 0, counted...)
	second.waitTexts(t, 1, "run good retained")
	second.waitTexts(t, 3, slices.Repeat([]string{"1 good"}, 50)...)
	second.waitTexts(t, 4, "run good")
	if got := second.texts(2); len(got) > 0 {
		t.Errorf("nobody knows the drill's state, but it is told as %q", got)
	}
	if list := c.Conditions(); len(list) > 0 {
		t.Errorf("conditions are %+v", list)
	}
	m.send(t, "drill/state", "run")
	second.waitTexts(t, 2, "run good")
}

// TestMosquittoOlderSubscription: what a broker has queued of states, because
// another program or configuration asked for it, is told as one: the last.
func TestMosquittoOlderSubscription(t *testing.T) {
	t.Parallel()
	m := newMosquitto(t, anonymous, "max_queued_messages 0")
	host, port, _ := net.SplitHostPort(m.addr)
	if out, err := exec.Command(connectortest.Program(t, "mosquitto_sub"), "-h", host, "-p", port, "-i", "gateway", "-c", "-q", "1",
		"-t", "saw/state", "-t", "saw/pulse", "-E").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_sub: %v: %s", err, out)
	}
	m.sendAll(t, "saw/state", flapping("%s"))
	r := start(t, connector(t, m.config(), pulse("saw/pulse"), tag("saw/state", "")), nil)
	r.waitTexts(t, 1, "run good")
	m.send(t, "saw/state", "stop")
	r.waitTexts(t, 1, "run good", "stop good")
}

// TestStatesAreHeldWhilePulsesWait: a broker's window that is full of pulses
// whose commit is awaited is no silence.
func TestStatesAreHeldWhilePulsesWait(t *testing.T) {
	t.Parallel()
	m := newMosquitto(t, anonymous, "max_queued_messages 0")
	both := pulse("mill/part")
	both.Path = "n"
	c := connector(t, m.config(), both, tag("mill/part", "state"))
	first := start(t, c, nil)
	first.WaitUp(t, patience)
	if err := first.stop(t); err != nil {
		t.Fatal(err)
	}
	m.sendAll(t, "mill/part", flapping(`{"n": 1, "state": "%s"}`))
	var commits committing
	second := start(t, c, commits.emit)
	second.Wait(t, patience, "the broker's window to fill", func() bool { return len(second.texts(0)) == 20 })
	<-time.After(2 * settleQuiet) // longer than a silence that means the end
	if got := second.texts(1); len(got) > 0 {
		t.Errorf("while the broker still has 30 messages the state is told as %q", got)
	}
	for deadline := time.Now().Add(patience); len(second.texts(0)) < 50; <-time.After(2 * time.Millisecond) {
		for _, committed := range commits.take() {
			committed()
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d pulses came", len(second.texts(0)))
		}
	}
	for _, committed := range commits.take() {
		committed()
	}
	second.waitTexts(t, 1, "run good")
}

func TestOnlyWhatCountsIsKeptByTheBroker(t *testing.T) {
	list := group([]connectors.Tag{tag("a", ""), pulse("b")}, []string{"c"}, 1)
	if list[0].qos != 0 || list[1].qos != 0 || list[2].qos != 1 {
		t.Errorf("beside a pulse the filters are %+v", list)
	}
	if list = group([]connectors.Tag{tag("a", "")}, []string{"c"}, 1); list[0].qos != 1 || list[1].qos != 1 {
		t.Errorf("without a pulse the filters are %+v", list)
	}
}
