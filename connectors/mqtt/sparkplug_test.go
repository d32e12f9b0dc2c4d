package mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/connectortest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug/sparkplugtest"
)

// press is what the Edge Node of these tests has.
func press(t testing.TB, addr string) *sparkplugtest.Edge {
	t.Helper()
	return sparkplugtest.NewEdge(t, sparkplugtest.New(t), addr,
		sparkplugtest.Metric{Name: "total", Type: "UInt32", Value: 5000},
		sparkplugtest.Metric{Name: "reject", Type: "UInt32", Value: 40},
		sparkplugtest.Metric{Name: "running", Type: "Boolean", Value: true})
}

var pressTags = []connectors.Tag{tag("Plant/Edge1/Press5", "total"), tag("Plant/Edge1/Press5", "reject"), tag("Plant/Edge1/Press5", "running")}

func edgeConfig(addr string, rebirth bool) Config {
	return Config{Broker: "tcp://" + addr, ClientID: "gateway", Payload: PayloadSparkplug, Rebirth: rebirth}
}

// last is the newest sample of a tag.
func (r *running) last(tag int) string {
	texts := r.texts(tag)
	if len(texts) == 0 {
		return "nothing"
	}
	return texts[len(texts)-1]
}

func (r *running) waitLast(t testing.TB, tag int, want string) {
	t.Helper()
	r.Wait(t, 15*time.Second, fmt.Sprintf("%q as the last sample of tag %d", want, tag), func() bool { return r.last(tag) == want })
}

// TestEdgeNodeGoesAndComesBack is the scenario of an Edge Node that dies, brings
// what it has stored, and whose old death comes late; then it loses a message.
func TestEdgeNodeGoesAndComesBack(t *testing.T) {
	m := newMosquitto(t, anonymous)
	c := connector(t, edgeConfig(m.addr, false), pressTags...)
	r := start(t, c, nil)
	r.WaitUp(t, patience)
	edge := press(t, m.addr)
	r.waitLast(t, 0, "5000 good")
	edge.Set(map[string]any{"total": 5003})
	edge.Set(map[string]any{"total": 5006, "reject": 41})
	r.waitLast(t, 1, "41 good")
	edge.Cut()
	r.Wait(t, patience, "the death of the node", func() bool {
		return strings.Contains(strings.Join(r.texts(2), "|"), "true good|bad: Edge Node offline")
	})
	r.waitLast(t, 0, "5006 good") // its births bring the present values
	edge.Send(sparkplugtest.Metric{Alias: 11, Type: "UInt32", Value: 5001, Historical: true},
		sparkplugtest.Metric{Alias: 11, Type: "UInt32", Value: 5005, Historical: true})
	edge.Set(map[string]any{"total": 5038})
	r.waitLast(t, 0, "5038 good")
	edge.Death(0)
	edge.Set(map[string]any{"total": 5046})
	r.waitLast(t, 0, "5046 good")
	r.waitTexts(t, 0, "bad: waiting for the birth certificate", "5000 good", "5003 good", "5006 good",
		"bad: Edge Node offline", "bad: waiting for the birth certificate", "5006 good", "5038 good", "5046 good")
	if list := c.Conditions(); len(list) != 0 {
		t.Errorf("a healthy node has the conditions %+v", list)
	}
	edge.Lose(map[string]any{"total": 5047})
	edge.Set(map[string]any{"total": 5048})
	r.waitLast(t, 0, "bad: messages are missing")
	if list := c.Conditions(); len(list) != 1 || list[0].Trouble != connectors.SourceIncomplete || !strings.Contains(list[0].Detail, "rebirth: true") {
		t.Errorf("after a gap the conditions are %+v", list)
	}
	if edge.Asked() != 0 {
		t.Error("a rebirth was asked for without leave")
	}
	edge.Birth() // by hand
	r.waitLast(t, 0, "5048 good")
}

// TestEdgeNodeIsAskedForBirth: the gateway comes late, and a message is lost.
func TestEdgeNodeIsAskedForBirth(t *testing.T) {
	m := newMosquitto(t, anonymous)
	edge := press(t, m.addr)
	c := connector(t, edgeConfig(m.addr, true), pressTags...)
	r := start(t, c, nil)
	r.waitLast(t, 0, "5000 good")
	if edge.Asked() != 1 || edge.Births() != 2 {
		t.Errorf("asked %d times, born %d times", edge.Asked(), edge.Births())
	}
	asked := time.Now()
	edge.Lose(map[string]any{"total": 5001})
	edge.Set(map[string]any{"total": 5002})
	r.waitLast(t, 0, "bad: messages are missing")
	r.waitLast(t, 0, "5002 good")
	if took := time.Since(asked); edge.Asked() != 2 || took < 4*time.Second {
		t.Errorf("asked %d times, the second time after %v", edge.Asked(), took)
	}
}

func TestSurveyOfEdgeNodes(t *testing.T) {
	m := newMosquitto(t, anonymous)
	press(t, m.addr)
	cfg := edgeConfig(m.addr, false)
	cfg.Timeout = time.Second
	look := func(cfg Config, walk connectors.Walk) (string, error) {
		v, err := NewSurvey(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		walk.For, walk.Values = time.Second, true
		err = v.Browse(t.Context(), walk, func(r connectors.Reading) error {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %s %s %s", r.Depth, r.Name, r.Type, r.Sample.Value.Text(), r.Note)))
			if r.Tag.Address != "" {
				if err := cfg.CheckTag(r.Tag); err != nil {
					t.Errorf("the tag of %+v can not be used: %v", r, err)
				}
			}
			return nil
		})
		return strings.Join(lines, "\n"), err
	}
	if said, err := look(cfg, connectors.Walk{Root: "Plant/Edge1"}); err != nil || said != "" {
		t.Errorf("of a silent node Browse says %q, %v", said, err)
	}
	v, err := NewSurvey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Around(t.Context(), tag("Plant/Edge1/Press5", "")); err == nil || !strings.Contains(err.Error(), "nothing was heard") {
		t.Errorf("of a silent node Around says %v", err)
	}
	cfg.Rebirth = true
	said, err := look(cfg, connectors.Walk{Root: "Plant/Edge1"})
	for _, want := range []string{"0 Plant/Edge1 Edge Node", "1 bdSeq UInt64 0", "0 Plant/Edge1/Press5 device", "1 total UInt32 5000 alias 11", "1 running Boolean true alias 13"} {
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("Browse lacks %q and says\n%s, %v", want, said, err)
		}
	}
	if said, err := look(cfg, connectors.Walk{Root: "Plant/Edge1", Limit: 2}); !errors.Is(err, connectors.ErrMore) || strings.Count(said, "\n") != 1 {
		t.Errorf("Browse of two says\n%s, %v", said, err)
	}
	if v, err = NewSurvey(cfg); err != nil {
		t.Fatal(err)
	}
	around, err := v.Around(t.Context(), tag("Plant/Edge1/Press5", ""))
	if err != nil || len(around) != 3 || around[1].Tag != pressTags[1] || around[1].Sample.Value != connectors.Uint(40) {
		t.Errorf("Around gives %+v, %v", around, err)
	}
	probed, err := v.Probe(t.Context(), []connectors.Tag{pressTags[0], tag("Plant/Edge1/Press5", "totl"), tag("Plant", "total")})
	if err != nil || probed[0][0].Sample.Value != connectors.Uint(5000) || probed[1][0].Sample.Reason != "not in the birth certificate" ||
		!strings.Contains(probed[2][0].Sample.Reason, "names no Edge Node") {
		t.Errorf("Probe gives %+v, %v", probed, err)
	}
	facts, err := v.Examine(t.Context(), pressTags)
	if text := fmt.Sprint(facts); err != nil || !strings.Contains(text, "{subscription spBv1.0/Plant/+/Edge1/+ QoS 1 granted}") {
		t.Errorf("Examine says %v, %v", facts, err)
	}
}

// TestConformanceOfSparkplug is the suite with an Edge Node that a rebirth may be
// asked of.
func TestConformanceOfSparkplug(t *testing.T) {
	tags := []connectors.Tag{
		connectortest.Counter: tag("Plant/Edge1/Press5", "count"),
		connectortest.Flag:    tag("Plant/Edge1/Press5", "running"),
		connectortest.Missing: tag("Plant/Edge1/Press5", "missing"),
	}
	connectortest.Run(t, connectortest.Harness{
		Tags: tags,
		Serve: func(t testing.TB) connectortest.Peer {
			s := newServer(t)
			return &edgePeer{s, sparkplugtest.NewEdge(t, sparkplugtest.New(t), s.addr,
				sparkplugtest.Metric{Name: "count", Type: "UInt32", Value: 0}, sparkplugtest.Metric{Name: "running", Type: "Boolean", Value: false})}
		},
		Connect: func(t testing.TB, addr string) connectors.Connector {
			cfg := edgeConfig(addr, true)
			cfg.RebirthEvery = time.Second
			return connector(t, cfg, tags...)
		},
	})
}

// edgePeer is an Edge Node and its broker.
type edgePeer struct {
	*server
	edge *sparkplugtest.Edge
}

// Start waits until the Edge Node is there: the broker does not end a client that
// comes while it is ending.
func (p *edgePeer) Start(t testing.TB) {
	t.Helper()
	before := p.edge.Births()
	p.server.Start(t)
	for deadline := time.Now().Add(patience); p.edge.Births() == before; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the Edge Node does not connect")
		}
	}
}

func (p *edgePeer) Set(_ testing.TB, tag int, v connectors.Value) {
	switch tag {
	case connectortest.Counter:
		p.edge.Set(map[string]any{"count": json.Number(v.Text())})
	case connectortest.Flag:
		p.edge.Set(map[string]any{"running": v.AsBool()})
	}
}
