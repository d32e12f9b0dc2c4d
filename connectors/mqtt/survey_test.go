package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func TestSurveyOfMosquitto(t *testing.T) {
	m := newMosquitto(t, anonymous)
	running := start(t, connector(t, m.config(), tag("hall/press/status/switch:0", "apower")), nil)
	running.WaitUp(t, patience)
	m.send(t, "hall/press/status/switch:0", `{"id":0,"output":true,"apower":8.9,"aenergy":{"total":1129.99,"by.minute":[0,1]}}`, "-r")
	m.send(t, "hall/press/status/plain", "12", "-r")
	cfg := m.config()
	cfg.Timeout = time.Second
	v, err := NewSurvey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	collect := func(r connectors.Reading) error {
		lines = append(lines, fmt.Sprintf("%d %s|%s|%s", r.Depth, r.Tag.Address, r.Tag.Path, r.Sample.Value.Text()))
		if _, err := newReader(r.Tag); err != nil {
			t.Errorf("the tag of %+v can not be used: %v", r, err)
		}
		return nil
	}
	if err := v.Browse(t.Context(), connectors.Walk{Root: "hall/#", For: 500 * time.Millisecond, Values: true}, collect); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 hall/press/status/switch:0|apower|8.9", `2 hall/press/status/switch:0|aenergy["by.minute"]|`,
		`3 hall/press/status/switch:0|aenergy["by.minute"][1]|1`, "0 hall/press/status/plain||12"} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("Browse does not show %q but %q", want, lines)
		}
	}
	if err := v.Browse(t.Context(), connectors.Walk{Limit: 1, For: time.Second}, collect); !errors.Is(err, connectors.ErrMore) {
		t.Errorf("Browse with a limit says %v", err)
	}
	probed, err := v.Probe(t.Context(), []connectors.Tag{tag("hall/press/status/switch:0", "apower"), tag("hall/none", "")})
	if err != nil || probed[0][0].Sample.Value.Text() != "8.9" || len(probed[0]) < 6 || probed[1][0].Sample.Reason != "no message within 1s" {
		t.Errorf("Probe gives %+v, %v", probed, err)
	}
	around, err := v.Around(t.Context(), tag("hall/press/status/plain", ""))
	if err != nil || len(around) < 8 || around[0].Tag.Address != "hall/press/status/plain" {
		t.Errorf("Around gives %+v, %v", around, err)
	}
	facts, err := v.Examine(t.Context(), []connectors.Tag{tag("hall/#", "")})
	if text := fmt.Sprint(facts); err != nil || !strings.Contains(text, "mosquitto version") || !strings.Contains(text, "{subscription hall/# QoS 1 granted}") {
		t.Errorf("Examine says %v, %v", facts, err)
	}
	m.send(t, "hall/press/status/switch:0", `{"apower":9}`)
	running.WaitValue(t, patience, 0, connectors.Int(9)) // it was not thrown out
}
