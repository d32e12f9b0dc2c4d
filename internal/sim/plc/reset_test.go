package plc

import (
	"net"
	"testing"
	"time"
)

// TestOPCUASurvivesResetGreetings cuts connections whose greeting has not been
// answered: the library's server would never listen again after a reset.
func TestOPCUASurvivesResetGreetings(t *testing.T) {
	o, err := NewOPCUA("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 3 {
		c, err := net.Dial("tcp", o.Gate.Addr())
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(5 * time.Second); o.Gate.Clients() == 0; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the gate did not let the client in")
			}
		}
		o.Gate.Cut()
		c.Close()
	}
	c, err := net.Dial("tcp", o.Gate.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	url := "opc.tcp://" + o.Gate.Addr()
	hello := append([]byte("HELF"), byte(32+len(url)), 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(url)), 0, 0, 0)
	if _, err := c.Write(append(hello, url...)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var answer [4]byte
	if _, err := c.Read(answer[:]); err != nil || string(answer[:]) != "ACKF" {
		t.Errorf("greeting answered with %q, %v", answer, err)
	}
}
