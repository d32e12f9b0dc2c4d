package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// TestBudget lets machines count for a quarter of an hour.
func TestBudget(t *testing.T) {
	for _, c := range []struct {
		machines, budget int
		short            bool
	}{{20, 10, true}, {3, 4, true}, {20, 50, false}, {20, 100, false}, {1, 100, false}} {
		t.Run(fmt.Sprintf("%d machines, %d a minute", c.machines, c.budget), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { measureBudget(t, c.machines, c.budget, c.short) })
		})
	}
}

func measureBudget(t *testing.T, machines, budget int, short bool) {
	settings := uplink.Settings{Budget: budget, ReportEvery: 30 * time.Second, Machines: map[string]uplink.Machine{}}
	for i := range machines {
		settings.Machines[fmt.Sprint("M", i)] = uplink.Machine{}
	}
	u := uplink.New(settings, newKeeper(&fakeVault{}, nil), nil, uplink.Hooks{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	w := newBudgetWatch(settings)
	began, text := time.Now(), ""
	for n := int64(0); time.Since(began) < 15*time.Minute; n++ {
		for code := range settings.Machines {
			u.Report(code, prodsmart.Report{Known: true, Count: n})
		}
		time.Sleep(time.Second)
		if !w.due(time.Now()) {
			continue
		}
		status := u.Status()
		text = w.look(&status)
		if text != "" && time.Since(began) < shortFor {
			t.Errorf("short after %v", time.Since(began))
		}
		if text != "" && !short {
			t.Fatal(text)
		}
	}
	if short && !strings.Contains(text, fmt.Sprintf("the budget is %d at 100 %% pace", budget)) {
		t.Errorf("said %q", text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestBudgetIsNotBlamedForOthers looks at machines that wait for something else,
// and at the end of a shortage.
func TestBudgetIsNotBlamedForOthers(t *testing.T) {
	began := time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)
	settings := uplink.Settings{ReportEvery: 30 * time.Second, Machines: map[string]uplink.Machine{"M": {}, "SLOW": {ReportEvery: 10 * time.Minute}}}
	late := func(s *uplink.Status) {
		s.Machines = []uplink.MachineStatus{{Machine: "M", Age: time.Hour, Next: s.At}}
	}
	for name, change := range map[string]func(*uplink.Status){
		"in trouble": func(s *uplink.Status) { late(s); s.Trouble = uplink.Unreachable },
		"paused":     func(s *uplink.Status) { late(s); s.PausedUntil = s.At.Add(time.Second) },
		"parked":     func(s *uplink.Status) { late(s); s.Machines[0].Parked = "no such machine" },
		"later":      func(s *uplink.Status) { late(s); s.Machines[0].Next = s.At.Add(time.Second) },
		"slow":       func(s *uplink.Status) { late(s); s.Machines[0].Machine, s.Machines[0].Age = "SLOW", 11*time.Minute },
		"no plan":    func(s *uplink.Status) { late(s); s.Machines[0].Next = time.Time{} },
	} {
		w := newBudgetWatch(settings)
		for at := time.Duration(0); at < 2*time.Hour; at += budgetEvery {
			s := uplink.Status{At: began.Add(at)}
			change(&s)
			if text := w.look(&s); text != "" {
				t.Errorf("%s: %s", name, text)
				break
			}
		}
	}
	w := newBudgetWatch(settings)
	if w.window != 20*time.Minute {
		t.Errorf("window %v", w.window)
	}
	at := began
	for ; at.Sub(began) <= w.window; at = at.Add(budgetEvery) {
		s := uplink.Status{At: at}
		late(&s)
		if text := w.look(&s); (text != "") != (at.Sub(began) >= w.window) {
			t.Fatalf("after %v: %q", at.Sub(began), text)
		}
	}
	for i := range 100 {
		s := uplink.Status{At: at.Add(time.Duration(i) * budgetEvery)}
		if text := w.look(&s); (text != "") != (time.Duration(i+1)*budgetEvery < shortQuiet) {
			t.Fatalf("%d looks after the last late one: %q", i, text)
		}
	}
	s := uplink.Status{At: at.Add(time.Hour)}
	late(&s)
	if text := w.look(&s); text != "" {
		t.Errorf("a new shortage at once: %q", text)
	}
}
