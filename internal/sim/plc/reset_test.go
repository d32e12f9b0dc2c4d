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
	// A whole connection: the library's server must not be closed while it still
	// takes in one that was only greeted.
	ctx := within(t, 5*time.Second)
	if err := uaClient(t, ctx, o.Endpoint()).Close(ctx); err != nil {
		t.Error(err)
	}
}
