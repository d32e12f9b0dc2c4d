package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
)

func TestPage(t *testing.T) {
	page := Page{Machine: "a computer", Time: time.Unix(0, 0), Peers: []string{"MQTT: peer 2"}, Endurance: []string{"held"}, Results: []connectortest.Result{
		{Protocol: "MQTT", Peer: "peer", Case: "one", Tried: true, Detect: 1500 * time.Millisecond, Fresh: 20 * time.Millisecond, Lost: 1, Sent: 4,
			Remark: "rtu:///tmp/x1/001/127.0.0.1:4711?baud=9600: a|b\nread tcp 127.0.0.1:5->198.18.3.2:6"},
		{Protocol: "MQTT", Peer: "peer", Case: "two", Remark: "no meaning"},
		{Protocol: "OPC UA", Peer: "other", Case: "one", Tried: true, Problem: "a value was good"},
	}}
	var b strings.Builder
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Measured 1970-01-01 00:00 UTC on a computer.",
		"- MQTT: peer 2\n",
		"1 cases met, 1 not met, 1 n/a.",
		"\n## MQTT, peer\n",
		"| one | 1.50 s | 0.02 s | 1 of 4 messages | met | rtu://ADDRESS?baud=9600: a/b read tcp ADDRESS->ADDRESS |\n",
		"| two | - | - | - | n/a | no meaning |\n",
		"\n## OPC UA, other\n",
		"| one | not noticed, values kept coming | - | nothing | **not met** | a value was good. |\n",
		"\n## Endurance\n\n- held\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, b.String())
		}
	}
}
