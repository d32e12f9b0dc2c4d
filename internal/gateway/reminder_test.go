package gateway

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// sayer is a notifier whose watch is at work.
func sayer() (*notifier, *logged, func(time.Duration)) {
	log := &logged{}
	n := newNotifier(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	n.keeper = newKeeper(&fakeVault{}, nil)
	return n, log, func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); {
			time.Sleep(watchEvery)
			n.pass(time.Now())
		}
	}
}

// TestConditionThatHolds is said at once, then every ten minutes with what is
// known by then, and at its end.
func TestConditionThatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		n.health.Set(health.TagBad, "M1", "No a.")
		if got := log.with("A tag can not be read"); len(got) != 1 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], "next=") {
			t.Errorf("at the beginning %q", got)
		}
		n.health.Set(health.TagBad, "M1", "No a, b.")
		pass(time.Hour + time.Second)
		got := log.with("still: A tag can not be read")
		if len(got) != 6 || !strings.Contains(got[0], `detail="No a, b."`) || !strings.Contains(got[0], "subject=M1") {
			t.Errorf("in an hour %q", got)
		}
		n.health.Clear(health.TagBad, "M1")
		if got := log.with("over: A tag can not be read"); len(got) != 1 || !strings.Contains(got[0], "after=1h0m1s") {
			t.Errorf("at the end %q", got)
		}
		lines := len(log.with("\n"))
		pass(time.Hour)
		if n := len(log.with("\n")); n != lines {
			t.Errorf("%d lines after the end", n-lines)
		}
		if len(n.reminders.entries) != 0 {
			t.Error("what is over is kept")
		}
	})
}

// TestConditionThatComesAndGoes does so for a quarter of an hour, and then holds.
func TestConditionThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		for range 6 {
			n.health.Set(health.TagBad, "M1", "No a.")
			pass(8 * time.Second)
			n.health.Clear(health.TagBad, "M1")
			pass(2 * time.Second)
		}
		if got := log.with("tag_bad"); len(got) != 2 {
			t.Errorf("in the first minute %q", got)
		}
		for range 10 * 6 {
			n.health.Set(health.TagBad, "M1", "No a.")
			pass(8 * time.Second)
			n.health.Clear(health.TagBad, "M1")
			pass(2 * time.Second)
		}
		if got := log.with("tag_bad"); len(got) > 5 {
			t.Errorf("in eleven minutes %q", got)
		}
		if got := log.with("times="); len(got) == 0 {
			t.Error("nobody says how often it was")
		}
		before := len(log.with("tag_bad"))
		n.health.Set(health.TagBad, "M1", "No a.")
		pass(flapQuiet + time.Second)
		if got := log.with("tag_bad"); len(got) != before+1 {
			t.Errorf("after it held %q", got[before:])
		}
		n.health.Clear(health.TagBad, "M1")
		pass(flapQuiet + time.Second)
		if got := log.with("over: "); len(got) < 2 {
			t.Errorf("its end was not mentioned: %q", got)
		}
	})
}

// TestLongFlaps hold for longer than it takes to be mentioned.
func TestLongFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		for range 45 { // an hour
			n.health.Set(health.TagBad, "M1", "No a.")
			pass(70 * time.Second)
			n.health.Clear(health.TagBad, "M1")
			pass(10 * time.Second)
		}
		if got := log.with("tag_bad"); len(got) < 5 || len(got) > 10 {
			t.Errorf("%d lines in an hour: %s", len(got), strings.Join(got, "\n"))
		}
	})
}

// TestNoticesAreNotRemindedOf says a warning of the configuration once.
func TestNoticesAreNotRemindedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		n.health.Set(health.ConfigWarning, "prodsmart.budget", "Too little.")
		n.health.Set(health.LinkDown, "gw", "Refused.")
		pass(2 * time.Hour)
		if got := log.with("\n"); len(got) != 0 && len(log.with("config_warning")) != 1 || len(log.with("link_down")) != 0 {
			t.Errorf("%q", got)
		}
	})
}

// TestEqualAlarms are said once, and then every ten minutes with their number;
// those of another machine, rule or subject are others.
func TestEqualAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, pass := sayer()
		alarm := func(machine, rule, subject string) {
			n.decided([]mapping.Event{{Time: time.Now(), Machine: machine, Rule: rule, Subject: subject, Level: mapping.Alarm, Text: "Odd."}})
		}
		for range 30 {
			alarm("M1", "R12", "count")
			pass(time.Second)
		}
		alarm("M1", "R12", "waste SCRAP")
		alarm("M1", "P3", "count")
		alarm("M2", "R12", "count")
		if got := log.with("Odd."); len(got) != 4 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], "rule=R12") {
			t.Errorf("%q", got)
		}
		pass(remindEvery)
		if got := log.with("Odd."); len(got) != 5 || !strings.Contains(got[4], "times=29") || !strings.Contains(got[4], "machine=M1") {
			t.Errorf("%q", got)
		}
		pass(2 * remindEvery)
		if len(n.repeats.entries) != 0 || len(log.with("Odd.")) != 5 {
			t.Errorf("%d kept, %q", len(n.repeats.entries), log.with("Odd."))
		}
	})
}

// TestLevels: what needs nobody is not in the log, unless it is verbose.
func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log, _ := sayer()
		for level := mapping.Info; level <= mapping.Alarm; level++ {
			n.decided([]mapping.Event{{Machine: "M1", Rule: "R9", Level: level, Text: level.String()}})
		}
		if got := log.with("msg="); len(got) != 2 || !strings.Contains(got[0], "level=DEBUG msg=notice") || !strings.Contains(got[1], "level=WARN msg=alarm") {
			t.Errorf("%q", got)
		}
		_, events := n.counted()
		for level := mapping.Info; level <= mapping.Alarm; level++ {
			if events[eventKey{"M1", level}] != 1 {
				t.Errorf("counted %v", events)
			}
		}
		if len(n.keeper.events) != 3 {
			t.Errorf("journal %v", n.keeper.events)
		}
	})
}
