package gateway

import (
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// TestAlarmOutlivesTheClock holds that a deadline which a jump of the clock does
// not move is still kept after all machines were looked at.
func TestAlarmOutlivesTheClock(t *testing.T) {
	machine, err := mapping.New(mapping.Spec{
		Code: "M", Online: mapping.NoSignal, Signals: []mapping.Signal{{Connection: "c"}},
		Count: &mapping.CountSpec{CounterSpec: mapping.CounterSpec{Signal: 0, Latch: mapping.NoSignal, ScaleSignal: mapping.NoSignal, Scale: mapping.Whole(1), MaxRate: mapping.Whole(1), NominalRate: mapping.Whole(1)}},
		State: mapping.StateSpec{Signal: mapping.NoSignal, IdleAfter: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	at := started.Add(time.Second)
	g := &Gateway{alarm: newAlarm(), started: started}
	u := &unit{machine: machine, alarm: g.alarm, since: started}
	g.units = append(g.units, u)
	var out mapping.Outcome
	sample := connectors.Sample{Quality: connectors.Good, Value: connectors.Int(7)}
	machine.Step(&mapping.Batch{Time: at, Connection: "c", Link: connectors.LinkUp, Readings: []mapping.Reading{{Sample: &sample}}}, &out)
	machine.Step(&mapping.Batch{Time: at}, &out)
	u.settle(at, false, started)
	due := u.due.Load()
	if due == 0 || g.alarm.next.Load() != due {
		t.Fatalf("the machine is due at %d, the alarm at %d", due, g.alarm.next.Load())
	}
	g.stepDue(at.Add(time.Second), true)
	if u.due.Load() != due || g.alarm.next.Load() != due {
		t.Errorf("after the jump the machine is due at %d, the alarm at %d, want %d", u.due.Load(), g.alarm.next.Load(), due)
	}
}
