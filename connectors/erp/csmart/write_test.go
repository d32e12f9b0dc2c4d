package csmart

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
)

// task is a write about the order of the bench.
func (b *bench) task(stage erp.Stage, produced, text string) erp.Write {
	return erp.Write{
		Kind: erp.Task, Stage: stage, ID: "PSG-1-1", Order: b.order, Line: "1247", Number: "ZS/45/2026", Code: "CS-ZS-45-2026-1", Product: "STOL-120",
		Ordered: decimal.RequireFromString("20"), Produced: decimal.RequireFromString(produced), Text: text, At: time.Date(2026, 11, 30, 22, 55, 0, 0, time.UTC),
	}
}

// prepared is Prepare that must work.
func (b *bench) prepared(w erp.Write) erp.Write {
	b.Helper()
	w, err := b.s.Prepare(b.Context(), w)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// deliver is what the caller of a source does: it sends, and looks where the end is
// not known. It gives the task's key.
func (b *bench) deliver(w erp.Write) string {
	b.Helper()
	for range 20 {
		next, err := b.s.Prepare(b.Context(), w)
		if err != nil {
			continue
		}
		r, err := b.s.Write(b.Context(), next)
		for range 20 {
			if !erp.Is(err, erp.Unclear) {
				break
			}
			var done bool
			var lookErr error
			if r, done, lookErr = b.s.Look(b.Context(), next); lookErr != nil {
				continue
			}
			if done {
				return r.Key
			}
			err = &erp.Error{Fault: erp.Unavailable}
		}
		if err == nil {
			return r.Key
		}
	}
	b.Fatal("it is never delivered")
	return ""
}

func TestTask(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := b.task(erp.Completed, "20", "CS-ZS-45-2026-1: 20 of 20 STOL-120 produced")
		r, err := b.s.Write(t.Context(), b.prepared(w))
		if err != nil || len(b.sim.Tasks()) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		want := csmart.Task{ID: r.Key, Name: "ZS/45/2026 produced 20/20 STOL-120", Type: "zadanie", Status: "nowe", TaxNo: "5250000000", Description: w.Text,
			Description2: "[PS-CS-ZS-45-2026-1-" + b.order + "-1247-produced]", Start: "2026-11-30 23:55", End: "2026-12-01 00:10"}
		if got := b.sim.Tasks()[0]; got != want {
			t.Errorf("%+v\nnot\n%+v", got, want)
		}
	})
}

func TestTaskIsChangedInPlace(t *testing.T) {
	within(t, csmart.Options{}, func(c *Config) { c.Tasks.Type, c.Tasks.Status = "produkcja", "otwarte" }, func(t *testing.T, b *bench) {
		first := b.deliver(b.task(erp.Late, "12", "late"))
		w := b.task(erp.Completed, "20", "done")
		w.Earlier = first
		if key := b.deliver(w); key != first || len(b.sim.Tasks()) != 1 || b.sim.Tasks()[0].Description != "done" || b.sim.Tasks()[0].Type != "produkcja" || b.sim.Tasks()[0].Status != "otwarte" {
			t.Errorf("%s, %+v", key, b.sim.Tasks())
		}
		// The store was lost: the marker finds it.
		w.Earlier, w.Text = "", "done again"
		if key := b.deliver(w); key != first || len(b.sim.Tasks()) != 1 {
			t.Errorf("%s, %+v", key, b.sim.Tasks())
		}
		// The office threw it away.
		b.sim.DeleteTask(first)
		w.Earlier = first
		if key := b.deliver(w); key == first || len(b.sim.Tasks()) != 1 {
			t.Errorf("%s, %+v", key, b.sim.Tasks())
		}
	})
}

func TestTasksOfOneProductionOrderAreTold(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		one, two := b.task(erp.Completed, "20", "one"), b.task(erp.Completed, "20", "two")
		two.Line = "1248"
		if b.deliver(one) == b.deliver(two) {
			t.Errorf("%+v", b.sim.Tasks())
		}
	})
}

func TestUnknownCustomer(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.Edit(b.order, func(o *csmart.Order) { o.TaxNo = "1111111111" })
		b.deliver(b.task(erp.Completed, "20", "done"))
		if tasks := b.sim.Tasks(); len(tasks) != 1 || tasks[0].TaxNo != "" {
			t.Errorf("%+v", tasks)
		}
	})
	within(t, csmart.Options{}, func(c *Config) { c.Tasks.NoCustomer = true }, func(t *testing.T, b *bench) {
		b.deliver(b.task(erp.Completed, "20", "done"))
		if tasks := b.sim.Tasks(); len(tasks) != 1 || tasks[0].TaxNo != "" || b.sim.Count(orders, "", time.Now()) > 0 {
			t.Errorf("%+v", tasks)
		}
	})
}

func TestNoTaskTwice(t *testing.T) {
	kinds := []csmart.FaultKind{csmart.Failed, csmart.Status500, csmart.TooMany, csmart.Expired, csmart.DropBefore, csmart.DropAfter, csmart.Commit500, csmart.CommitFail, csmart.Page, csmart.Warning, csmart.Empty, csmart.HalfAnswer}
	for _, kind := range kinds {
		for after := range 4 { // in each of the calls
			for times := 1; times <= 2; times++ {
				t.Run(fmt.Sprint(kind, after, times), func(t *testing.T) {
					within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
						b.read()
						b.sim.AddFault(csmart.Fault{Kind: kind, Module: tasks, After: after, Times: times})
						first := b.deliver(b.task(erp.Late, "12", "late"))
						w := b.task(erp.Completed, "20", "done")
						w.Earlier, w.Before = first, erp.Late
						key := b.deliver(w)
						w.Earlier, w.Before, w.Text = key, erp.Completed, "done again"
						b.deliver(w)
						if got := b.sim.Tasks(); len(got) != 2 || got[0].ID != first || got[1].ID != key || got[1].Description != "done again" {
							t.Errorf("%s, %+v", key, got)
						}
					})
				})
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.read()
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: tasks, After: 1})
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: tasks, After: 2})
		if _, err := b.s.Write(t.Context(), b.prepared(b.task(erp.Completed, "20", "done"))); !erp.Is(err, erp.Refused) || !strings.Contains(err.Error(), "leave a task about CS-ZS-45-2026-1: CSMART says: Wystąpił błąd") {
			t.Error(err)
		}
	})
}

func TestWritesThatAreNotOn(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := b.task(erp.Completed, "20", "done")
		w.Kind = erp.Produced
		if _, err := b.s.Prepare(t.Context(), w); !erp.Is(err, erp.Refused) {
			t.Error(err)
		}
		if _, err := b.s.Write(t.Context(), w); !erp.Is(err, erp.Refused) {
			t.Error(err)
		}
		if _, done, err := b.s.Look(t.Context(), w); done || err != nil {
			t.Error(done, err)
		}
		if len(b.sim.Calls()) > 0 {
			t.Errorf("%+v", b.sim.Calls())
		}
	})
}

// A delay has a task of its own, which is closed when the order goes on in time or is
// made; one that the office closed or threw away is left alone.
func TestDelayIsResolved(t *testing.T) {
	for name, c := range map[string]struct {
		office func(b *bench, id string)
		want   string // the status of the task about the delay
	}{
		"closed by us": {func(*bench, string) {}, "zamknięte"}, "closed by hand": {func(b *bench, id string) { b.sim.SetTask(id, "zamknięte", "by hand") }, "zamknięte"},
		"thrown away": {func(b *bench, id string) { b.sim.DeleteTask(id) }, ""},
	} {
		within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
			late := b.deliver(b.task(erp.Late, "12", "late"))
			c.office(b, late)
			w := b.task(erp.Completed, "20", "done")
			w.Earlier, w.Before = late, erp.Late
			key := b.deliver(w)
			status, names := "", 0
			for _, task := range b.sim.Tasks() {
				if task.ID == late {
					status = task.Status
					if want := map[bool]string{true: "by hand", false: "ZS/45/2026 late 12/20 STOL-120"}[name == "closed by hand"]; task.Name != want {
						t.Errorf("%s: %+v", name, task)
					}
				} else if task.ID == key && task.Status == "nowe" && task.Description == "done" {
					names++
				}
			}
			if status != c.want || names != 1 || key == late {
				t.Errorf("%s: %+v", name, b.sim.Tasks())
			}
			// What follows is about the same subject, and changes its task.
			w.Earlier, w.Before, w.Text = key, erp.Completed, "done again"
			if again := b.deliver(w); again != key {
				t.Errorf("%s: %+v", name, b.sim.Tasks())
			}
		})
	}
}

// A machine that stands has a task that is closed when it runs again.
func TestMachineThatStands(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := erp.Write{Kind: erp.Task, Stage: erp.Stopped, ID: "PSD7-1", Line: "stop-7", Code: "M1", Text: "M1 stands since 10:15: JAM", At: time.Date(2026, 11, 30, 10, 45, 0, 0, time.UTC)}
		key := b.deliver(w)
		if got := b.sim.Tasks(); len(got) != 1 || got[0].Name != "M1 stands since 10:15: JAM" || got[0].Status != "nowe" || got[0].TaxNo != "" || got[0].Description2 != "[PS-M1-stop-7-stopped]" {
			t.Errorf("%+v", got)
		}
		w.Stage, w.ID, w.Text, w.Earlier, w.Before = erp.Runs, "PSD7-2", "M1 stood from 10:15 to 11:00: JAM", key, erp.Stopped
		if again := b.deliver(w); again != key {
			t.Error(again)
		}
		if got := b.sim.Tasks(); len(got) != 1 || got[0].Name != w.Text || got[0].Status != "zamknięte" {
			t.Errorf("%+v", got)
		}
	})
}
