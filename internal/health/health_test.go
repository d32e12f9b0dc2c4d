package health

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The names are in logs, metrics and alert rules of users, so they may not
// change by accident.
func TestDefinitions(t *testing.T) {
	want := []string{
		"store_damaged", "disk_full", "store_failing", "unauthorized", "prodsmart_unreachable", "post_refused",
		"link_down", "link_stale", "certificate_untrusted", "certificate_refused", "login_refused", "sessions_exhausted",
		"client_id_taken", "unit_silent", "source_offline", "counter_saturated", "report_below_told", "backlog_held", "expression_failing", "orders_held", "counter_jump", "other_writer", "prodsmart_differs", "tag_bad",
		"contradiction", "waste_exceeds", "certificate_expiring", "source_incomplete", "too_slow", "clock_wrong", "limited", "budget_short", "follow_late", "orders_failing", "orders_spent", "store_upkeep", "clock_jump", "orders_ask", "config_warning",
	}
	var got []string
	titles := map[string]bool{}
	for i, d := range Definitions() {
		got = append(got, d.Name)
		if d.Code != Code(i) || d.Code.String() != d.Name || !regexp.MustCompile(`^[a-z_]+$`).MatchString(d.Name) {
			t.Errorf("%d: %+v", i, d)
		}
		if d.Title == "" || strings.HasSuffix(d.Title, ".") || titles[d.Title] {
			t.Errorf("%s: title %q", d.Name, d.Title)
		}
		titles[d.Title] = true
		if !strings.HasSuffix(d.Next, ".") || len(d.Next) < 40 {
			t.Errorf("%s: next step %q", d.Name, d.Next)
		}
		text, err := json.Marshal(d.Code)
		if err != nil {
			t.Error(err)
		}
		var back Code
		if err := json.Unmarshal(text, &back); err != nil || back != d.Code || string(text) != `"`+d.Name+`"` {
			t.Errorf("%s: %s, %v", d.Name, text, err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("names\n%q, want\n%q", got, want)
	}
	for a := range codes - 1 {
		if Code(a).Definition().Severity < Code(a+1).Definition().Severity {
			t.Errorf("%s is listed before the graver %s", Code(a), Code(a+1))
		}
	}
	if d := Code(codes).Definition(); d.Name != "unknown" || d.Severity != Alarm {
		t.Errorf("%+v", d)
	}
	var c Code
	if err := c.UnmarshalText([]byte("link_dwn")); err == nil || err.Error() != `there is no health condition "link_dwn"` {
		t.Error(err)
	}
	if fmt.Sprint(Notice, Warning, Alarm) != "notice warning alarm" {
		t.Error("severities are misnamed")
	}
}

func TestTracker(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var told []string
	var tracker *Tracker
	tracker = NewTracker(func() time.Time { return now }, func(c Change) {
		verb := "began"
		if c.Ended {
			verb = "ended"
		}
		told = append(told, fmt.Sprintf("%s %s %s %s %q of %d", c.At.Format("05"), verb, c.Condition.Code, c.Condition.Subject, c.Condition.Detail, len(tracker.List())))
	})
	step := func(change bool, want bool) {
		t.Helper()
		if change != want {
			t.Errorf("changed: %v, want %v", change, want)
		}
		now = now.Add(time.Second)
	}
	step(tracker.Set(ConfigWarning, "", "3 warnings"), true)
	step(tracker.Set(LinkDown, "pack", "refused"), true)
	step(tracker.Set(LinkDown, "bend", "no route"), true)
	step(tracker.Set(LinkDown, "pack", "no answer"), false)
	step(tracker.Set(TagBad, "PRESS-01 count", "illegal address"), true)
	step(tracker.Set(StoreFailing, "", ""), true)
	step(tracker.Clear(PostRefused, "pack"), false)

	want := []string{"store_failing ", "link_down bend", "link_down pack", "tag_bad PRESS-01 count", "config_warning "}
	var got []string
	list := tracker.List()
	for _, c := range list {
		got = append(got, c.Code.String()+" "+c.Subject)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if c := list[2]; c.Detail != "no answer" || c.Since.Second() != 1 || c.Title != LinkDown.Definition().Title || c.Next == "" || c.Severity != Alarm {
		t.Errorf("%+v", c)
	}
	b, err := json.Marshal(list[1])
	if err != nil || !strings.HasPrefix(string(b), `{"code":"link_down","title":"The connection is down","detail":"no route","next":"Check`) ||
		!strings.HasSuffix(string(b), `"severity":"alarm","subject":"bend","since":"2026-11-22T10:00:02Z"}`) {
		t.Errorf("%s, %v", b, err)
	}

	step(tracker.Clear(LinkDown, "pack"), true)
	step(tracker.Clear(LinkDown, "pack"), false)
	step(tracker.Set(LinkDown, "pack", "again"), true)
	tracker.Set(CounterSaturated, "pack", "")
	tracker.Forget("pack")
	tracker.Forget("nobody")
	wantTold := []string{
		`00 began config_warning  "3 warnings" of 1`,
		`01 began link_down pack "refused" of 2`,
		`02 began link_down bend "no route" of 3`,
		`04 began tag_bad PRESS-01 count "illegal address" of 4`,
		`05 began store_failing  "" of 5`,
		`07 ended link_down pack "no answer" of 4`,
		`09 began link_down pack "again" of 5`,
		`10 began counter_saturated pack "" of 6`,
		`10 ended link_down pack "again" of 4`,
		`10 ended counter_saturated pack "" of 4`,
	}
	if !slices.Equal(told, wantTold) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(wantTold, "\n"))
	}
}

// Whatever happens at a time, each condition begins and ends in turns, and what
// was told last is what is listed.
func TestTogether(t *testing.T) {
	held := map[string]bool{} // guarded by the tracker's promise of one callback at a time
	tracker := NewTracker(time.Now, func(c Change) {
		k := c.Condition.Code.String() + c.Condition.Subject
		if held[k] == !c.Ended {
			t.Errorf("%s began or ended twice", k)
		}
		held[k] = !c.Ended
	})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 500 {
				code, subject := Code((worker+i)%3), fmt.Sprint(i%2)
				switch (worker + i/3) % 4 {
				case 0, 1:
					tracker.Set(code, subject, fmt.Sprint(i))
				case 2:
					tracker.Clear(code, subject)
				default:
					tracker.Forget(subject)
				}
				_ = tracker.List()
			}
		})
	}
	all.Wait()
	count := 0
	for _, on := range held {
		if on {
			count++
		}
	}
	if list := tracker.List(); len(list) != count {
		t.Errorf("%d listed, %d told", len(list), count)
	}
}

func TestNoCallback(t *testing.T) {
	tracker := NewTracker(time.Now, nil)
	tracker.Set(DiskFull, "", "")
	if len(tracker.List()) != 1 || !tracker.Clear(DiskFull, "") {
		t.Error("lost")
	}
}

func BenchmarkSetAgain(b *testing.B) {
	tracker := NewTracker(time.Now, nil)
	tracker.Set(LinkDown, "pack", "refused")
	b.ReportAllocs()
	for b.Loop() {
		tracker.Set(LinkDown, "pack", "refused")
		tracker.Clear(LinkDown, "other")
	}
}
