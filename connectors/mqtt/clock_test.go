package mqtt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestOneWrongClockAmongMany: a device whose clock is behind is named, though
// the messages of another are younger.
func TestOneWrongClockAmongMany(t *testing.T) {
	var c clocks
	now := time.Now()
	c.stamped("saw/data", now.Add(-time.Second), now)
	c.stamped("mill/data", now.Add(-time.Hour), now)
	list := c.conditions("")
	if len(list) != 1 || list[0].Subject != "mill/data" || list[0].Trouble != connectors.ClockWrong || !strings.Contains(list[0].Detail, "1h0m0s behind") {
		t.Errorf("conditions are %+v", list)
	}
	if skew, at := c.worst(); skew != -time.Hour || !at.Equal(now) {
		t.Errorf("the worst is %v at %v", skew, at)
	}
	c.stamped("mill/data", now.Add(time.Second), now.Add(time.Second)) // the other came late
	if list := c.conditions(""); len(list) != 0 {
		t.Errorf("conditions are %+v", list)
	}
}

func TestClocksAreBounded(t *testing.T) {
	var c clocks
	now := time.Now()
	for i := range maxClocks + 5 {
		c.stamped(fmt.Sprint(i), now.Add(time.Hour), now)
	}
	list := c.conditions("")
	if len(c.sources) != maxClocks || len(list) != maxWrong+1 || !strings.Contains(list[maxWrong].Detail, "980 more") {
		t.Errorf("%d sources, %d conditions", len(c.sources), len(list))
	}
}

func TestClockOfAnEdgeNode(t *testing.T) {
	for topic, want := range map[string]string{"spBv1.0/hall/DDATA/edge/press": "hall/edge", "spBv1.0/hall/NDATA/edge": "hall/edge"} {
		if got := sourceOf(PayloadSparkplug, topic); got != want {
			t.Errorf("%s is of %s, want %s", topic, got, want)
		}
	}
	if got := sourceOf(PayloadText, "a/b/c/d"); got != "a/b/c/d" {
		t.Errorf("a topic is of %s", got)
	}
}
