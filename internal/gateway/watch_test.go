package gateway

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// conditions of a code, by subject.
func (b *bench) conditions(code health.Code) map[string]string {
	out := map[string]string{}
	for _, c := range b.health.List() {
		if c.Code == code {
			out[c.Subject] = c.Detail
		}
	}
	return out
}

// alarms that a machine left in the journal.
func (b *bench) alarms(machine string) uint64 {
	_, events := b.notify.counted()
	return events[eventKey{machine, mapping.Alarm}]
}

// TestJump makes a counter go on 20,001 pieces further.
func TestJump(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		stay := func(n int64, d time.Duration) {
			for range int(d / time.Second) {
				b.read(1, connectors.Int(n))
				b.pass(time.Second)
			}
		}
		stay(0, 5*time.Second)
		stay(20_001, time.Minute)
		if got := b.log.with("20001"); len(got) != 1 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], "subject=M2") || !strings.Contains(got[0], "next=") {
			t.Errorf("said %q", got)
		}
		if got := b.conditions(health.CounterJump); len(got) != 1 || !strings.Contains(got["M2"], "jumped by 20001") {
			t.Errorf("conditions %v", got)
		}
		if b.alarms("M2") != 1 || b.alarms("M1") != 0 {
			t.Errorf("%d and %d alarms", b.alarms("M2"), b.alarms("M1"))
		}
		stay(20_001, 50*time.Minute)
		stay(60_002, time.Minute)
		if got := b.conditions(health.CounterJump); !strings.Contains(got["M2"], "jumped by 40001") {
			t.Errorf("the second jump is not shown: %v", got)
		}
		stay(60_002, 50*time.Minute)
		if got := b.conditions(health.CounterJump); len(got) != 1 {
			t.Error("over within an hour of the second jump")
		}
		stay(60_002, 10*time.Minute)
		if got := b.conditions(health.CounterJump); len(got) != 0 {
			t.Errorf("an hour later %v", got)
		}
		if got := b.log.with("over: "); len(got) != 1 {
			t.Errorf("its end: %q", got)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestExpressionThatFails gives a condition a text where it wants a number.
func TestExpressionThatFails(t *testing.T) {
	c := configured(t, t.TempDir(), strings.Replace(twoMachines, `state: {tag: "discrete:0", running: true,`,
		`state: {inputs: {power: "holding:5"}, running_when: 'power > 2',`, 1))
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		feed := mapping.Feeds([]*mapping.Spec{&c.Machines[0].Spec, &c.Machines[1].Spec})[0]
		power := func(v connectors.Value) {
			for i, tag := range feed.Tags {
				if tag.Address == "holding:5" {
					b.ingest(feed, connectors.Batch{Time: time.Now(), Samples: []connectors.Sample{{Tag: i, Value: v, Quality: connectors.Good}}})
				}
			}
			b.pass(2 * time.Second)
		}
		power(connectors.Int(5))
		power(connectors.String("high"))
		if got := b.conditions(health.ExpressionFailing); len(got) != 1 || got["M1"] == "" {
			t.Errorf("conditions %v", b.health.List())
		}
		if b.alarms("M1") != 1 || len(b.log.with("can not be computed, the state stays")) != 1 {
			t.Errorf("%d alarms, said %q", b.alarms("M1"), b.log.with("\n"))
		}
		power(connectors.Int(1))
		if got := b.conditions(health.ExpressionFailing); len(got) != 0 {
			t.Errorf("after a number %v", got)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestBadTagOfALinkThatFlaps stays bad until a good value says otherwise.
func TestBadTagOfALinkThatFlaps(t *testing.T) {
	c := configured(t, t.TempDir(), twoMachines)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, c)
		feed := mapping.Feeds([]*mapping.Spec{&c.Machines[0].Spec, &c.Machines[1].Spec})[0]
		give := func(link connectors.Link, q connectors.Quality) {
			batch := connectors.Batch{Time: time.Now(), Link: link}
			for i := range feed.Tags {
				batch.Samples = append(batch.Samples, connectors.Sample{Tag: i, Value: connectors.Int(0), Quality: q})
			}
			if link == connectors.LinkDown {
				batch.Samples = nil
			}
			b.ingest(feed, batch)
		}
		for range 11 {
			give(connectors.LinkUp, connectors.Bad)
			b.pass(3 * time.Second)
			give(connectors.LinkDown, connectors.Bad)
			b.pass(2 * time.Second)
			if got := b.conditions(health.TagBad); len(got) != 2 || !strings.Contains(got["M1"], "discrete:0") || !strings.Contains(got["M2"], "holding:1") {
				t.Fatalf("with the link down %v", got)
			}
		}
		if got := b.log.with("tag_bad"); len(got) != 2 {
			t.Errorf("of two machines %q", got)
		}
		give(connectors.LinkUp, connectors.Good)
		b.pass(time.Second)
		if got := b.conditions(health.TagBad); len(got) != 0 {
			t.Errorf("with good values %v", got)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestClockJump is seen for an hour.
func TestClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		n.clock(-time.Hour)
		if list := n.health.List(); len(list) != 1 || list[0].Code != health.ClockJump || !strings.Contains(list[0].Detail, "-1h") || len(log.with("clock_jump")) != 1 {
			t.Errorf("%v, %q", list, log.with("\n"))
		}
		pass(passingFor)
		if list := n.health.List(); len(list) != 0 {
			t.Error(list)
		}
	})
}

func TestUpkeep(t *testing.T) {
	now := time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)
	var w upkeep
	if text := w.text(now, &store.Health{}, 0); text != "" {
		t.Error(text)
	}
	text := w.text(now, &store.Health{BackupProblem: errors.New("no rights"), TidyProblem: errors.New("busy")}, 7)
	for _, part := range []string{"no rights", "there is none yet", "busy", "7 journal entries"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	if text := w.text(now, &store.Health{BackupProblem: errors.New("no rights"), BackupAt: now}, 7); !strings.Contains(text, "2026-01-05 06:00:00") {
		t.Error(text)
	}
	if text := w.text(now.Add(passingFor-time.Second), &store.Health{}, 7); !strings.Contains(text, "given up") {
		t.Errorf("what was given up is forgotten early: %q", text)
	}
	if text := w.text(now.Add(passingFor), &store.Health{}, 7); text != "" {
		t.Error(text)
	}
}
