package connectortest

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// TestJudge shows the judge what lying connectors would say. The peer held 1,
// then 2 from the second 10, then 3 from the second 20.
func TestJudge(t *testing.T) {
	start := time.Now()
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	value := func(s int, v uint64) connectors.Batch {
		return connectors.Batch{Time: at(s), Samples: []connectors.Sample{{Value: connectors.Uint(v), Quality: connectors.Good}}}
	}
	again := value(22, 1)
	again.Samples[0].Redelivered = true
	alive := func(s int) connectors.Batch { return connectors.Batch{Time: at(s), Alive: true} }
	gone := connectors.Batch{Time: at(5), Samples: []connectors.Sample{{Reason: "gone"}}}
	down := connectors.Batch{Time: at(13), Link: connectors.LinkDown}
	early := connectors.Batch{Time: at(5), Link: connectors.LinkDown}
	for name, c := range map[string]struct {
		batches []connectors.Batch
		queues  bool
		want    string
	}{
		"truth":                    {batches: []connectors.Batch{value(1, 1), alive(5), value(11, 2), value(21, 3)}},
		"on its way":               {batches: []connectors.Batch{value(9, 1), value(11, 1), value(12, 2)}},
		"stale":                    {batches: []connectors.Batch{value(1, 1), value(11, 2), value(12, 1)}, want: "the value 1 was reported 2s after it had been replaced"},
		"stale after a reconnect":  {batches: []connectors.Batch{value(12, 2), down, value(14, 1)}, want: "the value 1 was reported 4s after"},
		"kept over a reconnect":    {batches: []connectors.Batch{value(1, 1), down, value(14, 1)}, want: "the value 1 was reported 4s after"},
		"unchanged":                {batches: []connectors.Batch{value(1, 1), early, value(9, 1)}},
		"invented":                 {batches: []connectors.Batch{value(1, 1), value(2, 7)}, want: "the value 7 was never the peer's"},
		"vouched for":              {batches: []connectors.Batch{value(1, 1), alive(15)}, want: "the value 1 was vouched for 5s after"},
		"not vouched for":          {batches: []connectors.Batch{value(1, 1), down, alive(15)}},
		"gone":                     {batches: []connectors.Batch{value(1, 1), gone, alive(15)}},
		"queue in order":           {batches: []connectors.Batch{value(21, 1), value(22, 2), value(23, 3)}, queues: true},
		"queue out of order":       {batches: []connectors.Batch{value(21, 2), value(22, 1)}, queues: true, want: "the value 1 was reported after a newer one"},
		"sent before, and says so": {batches: []connectors.Batch{value(21, 2), again}, queues: true},
	} {
		r := NewRecorder(2)
		r.batches = c.batches
		p := &play{
			supervisor: &supervisor{Recorder: r}, subject: Subject{Silent: 2 * time.Second, Queues: c.queues},
			held: []held{{1, at(0)}, {2, at(10)}, {3, at(20)}},
		}
		err := p.judge()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: the judge says %v, want %q", name, err, c.want)
		}
	}
}

// TestQuiet: what may not be said between detection and the end of a fault.
func TestQuiet(t *testing.T) {
	now := time.Now()
	found := connectors.Batch{Time: now, Link: connectors.LinkDown}
	later := now.Add(time.Second)
	for want, b := range map[string]connectors.Batch{
		"vouched for":   {Time: later, Alive: true},
		"was good":      {Time: later, Samples: []connectors.Sample{{Value: connectors.Uint(1), Quality: connectors.Good}}},
		"said to be up": {Time: later, Link: connectors.LinkUp},
	} {
		r := NewRecorder(2)
		r.batches = []connectors.Batch{found, b}
		p := &play{supervisor: &supervisor{Recorder: r}}
		if err := p.quiet(now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", b, err, want)
		}
	}
}
