package csmart

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/csmart"
)

// TestRefusedChangeMakesNoSecondTask: a task that is still there is not made anew
// because its change was refused.
func TestRefusedChangeMakesNoSecondTask(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := b.task(erp.Late, "12", "late")
		w.Earlier = b.deliver(w)
		w.Stage, w.Text = erp.Completed, "done"
		w = b.prepared(w)
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: tasks})
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: tasks, After: 1})
		if r, err := b.s.Write(t.Context(), w); !erp.Is(err, erp.Refused) || len(b.sim.Tasks()) != 1 {
			t.Errorf("%+v, %v, %+v", r, err, b.sim.Tasks())
		}
	})
}

// TestListsOfTasksThatAreRefused: the system says no to the look, not to the task.
func TestListsOfTasksThatAreRefused(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.read()
		w := b.prepared(b.task(erp.Completed, "20", "done"))
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: tasks, Times: 2})
		if _, err := b.s.Prepare(t.Context(), w); !erp.Is(err, erp.Unavailable) || !strings.Contains(err.Error(), "may see tasks") {
			t.Error(err)
		}
		if _, _, err := b.s.Look(t.Context(), w); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
	})
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		b.sim.AddFault(csmart.Fault{Kind: csmart.Failed, Module: orders})
		if _, err := b.s.Prepare(t.Context(), b.task(erp.Completed, "20", "done")); !erp.Is(err, erp.Unavailable) {
			t.Error(err)
		}
	})
}

// lookIn is Look for a task that was sent, in a list.
func lookIn(t *testing.T, list string) (erp.Receipt, bool, error) {
	t.Helper()
	s, _ := scriptedSource(t, func(module string, n int) (int, string) {
		if module == "EventsList" && n > 1 {
			return 200, `{"error":"","data":` + list + `}`
		}
		return 0, ""
	})
	w, err := s.Prepare(t.Context(), erp.Write{Kind: erp.Task, Code: "CS-1", Order: "1245", Line: "9001"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Look(t.Context(), w)
}

// TestLooksThatMayOverlookATask: what can not be told from a task that is not there
// does not let it be sent again.
func TestLooksThatMayOverlookATask(t *testing.T) {
	const mark = "[PS-CS-1-1245-9001-produced]"
	others := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"id":"%d","name":"x"}`, i+1))
		}
		return strings.Join(list, ",")
	}
	for name, list := range map[string]string{"a task without an id": `[{"name":"x","description2":"` + mark + `"}]`, "a round number of tasks": "[" + others(100) + "]"} {
		if r, done, err := lookIn(t, list); done || err == nil || erp.Is(err, erp.Refused) {
			t.Errorf("%s: %+v, %v, %v", name, r, done, err)
		}
	}
	for name, list := range map[string]string{
		"a long text":             `[{"id":"7","name":"x","description":"` + strings.Repeat("x", 70_000) + `","description2":"` + mark + `"}]`,
		"a round number of tasks": "[" + others(99) + `,{"id":"7","description1":"a ` + mark + `"}]`,
	} {
		if r, done, err := lookIn(t, list); !done || err != nil || r.Key != "7" {
			t.Errorf("%s: %+v, %v, %v", name, r, done, err)
		}
	}
	if r, done, err := lookIn(t, "["+others(99)+"]"); done || err != nil {
		t.Errorf("%+v, %v, %v", r, done, err)
	}
}

// TestListOfTasksThatIsEmptiedAtOnce: it is believed when it is so twice.
func TestListOfTasksThatIsEmptiedAtOnce(t *testing.T) {
	within(t, csmart.Options{}, nil, func(t *testing.T, b *bench) {
		w := b.prepared(b.task(erp.Completed, "20", "done"))
		if _, err := b.s.Write(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if _, done, err := b.s.Look(t.Context(), w); !done || err != nil {
			t.Fatal(done, err)
		}
		b.sim.AddFault(csmart.Fault{Kind: csmart.NoData, Module: tasks, Times: 2})
		if _, done, err := b.s.Look(t.Context(), w); done || !erp.Is(err, erp.Garbled) || !strings.Contains(err.Error(), "had 1") {
			t.Error(done, err)
		}
		if _, done, err := b.s.Look(t.Context(), w); done || err != nil {
			t.Error(done, err)
		}
	})
}

// TestMarkers: a marker comes back as it was sent, and no two are the same.
func TestMarkers(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range []erp.Write{
		{Code: "CS-ZS-45-2026-1", Order: "1245", Line: "9001"}, {Code: "CS-1", Order: "7", Line: `Szyld 2" & <dąb>`}, {Code: "CS-1", Order: "7", Line: `Szyld 2" & <dąb>~2`},
		{Code: "CS-1", Order: strings.Repeat("7", 64), Line: strings.Repeat("8", 64)}, {Code: "CS-1", Order: strings.Repeat("7", 64), Line: strings.Repeat("8", 63) + "9"}, {Code: "[x]"}, {Code: "(x)"},
	} {
		m := marker(w, w.Stage)
		if seen[m] || len(m) > 100 || !strings.HasPrefix(m, "[PS-") || strings.Trim(m[1:len(m)-1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/~#-") != "" {
			t.Errorf("%q of %+v", m, w)
		}
		seen[m] = true
	}
	if m := marker(erp.Write{Code: "CS-ZS-45-2026-1", Order: "1245", Line: "9001"}, erp.Completed); m != "[PS-CS-ZS-45-2026-1-1245-9001-produced]" {
		t.Error(m)
	}
}
