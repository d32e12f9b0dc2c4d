package gateway

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// TestRenamedMachineIsToldOn gives a machine whose downtime is open in Prodsmart
// another code. It must not be told from zero, and its downtime can only be
// ended if somebody knows that it is open.
func TestRenamedMachineIsToldOn(t *testing.T) {
	dir := t.TempDir()
	const old, renamed = "  M1:\n", "  M9:\n    was: M1\n"
	live := strings.Replace(twoMachines, "{mode: dry-run,", `{mode: live, url: "http://127.0.0.1:1", insecure: true, key: "${env:TEST_KEY}", secret: "${env:TEST_KEY}",`, 1)
	t.Setenv("TEST_KEY", "k")
	c := configured(t, dir, strings.Replace(live, "stop_after: 10s", "stop_after: 100ms", 1))
	g := runGateway(t, c)
	g.hear(1000, 50, true)
	g.hear(1007, 50, true)
	g.hear(1007, 50, false)
	eventually(t, "no downtime", func() bool {
		for _, m := range g.Status().Uplink.Machines {
			if m.Machine == "M1" && m.Report.Stop.Episode == 1 {
				return true
			}
		}
		return false
	})
	g.stop(t)

	told := uplink.Record{Told: uplink.Told{
		Counted: true, Count: 7, At: time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC),
		Stop: prodsmart.Stop{Episode: 1, Type: "HALT", Since: time.Date(2026, 1, 5, 5, 0, 0, 0, time.UTC)},
	}}
	rewrite(t, StorePath(c), "M1", told)

	c = configured(t, dir, strings.Replace(live, old, renamed, 1))
	for range 2 { // the second start finds what the first one took over
		g = runGateway(t, c)
		eventually(t, "what was told of M1 does not hold for M9", func() bool {
			for _, m := range g.Status().Uplink.Machines {
				told := m.Record.Told
				if m.Machine == "M9" && told.Counted && told.Count == 7 && told.Stop.Episode == 1 && m.Report.Count == 7 && m.Report.Stop.Episode == 1 {
					return true
				}
			}
			return false
		})
		g.stop(t)
	}

	// What M9 was told since is not replaced by what M1 was told.
	told.Told.Count, told.Told.Stop = 6, prodsmart.Stop{}
	rewrite(t, StorePath(c), "M9", told)
	g = runGateway(t, c)
	g.stop(t)
	if got := recordOf(t, StorePath(c), "M9"); got.Told.Count != 6 || got.Told.Stop.Episode != 0 {
		t.Errorf("%+v", got.Told)
	}
	if got := recordOf(t, StorePath(c), "M1"); got.Told.Count != 7 {
		t.Errorf("the old code's record was changed: %+v", got.Told)
	}
}

// rewrite replaces the record of a machine in a store that nobody uses.
func rewrite(t *testing.T, path, machine string, r uplink.Record) {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, revision, err := s.Record(t.Context(), machine)
	if err == nil {
		err = s.Commit(t.Context(), store.Write{Records: []store.MachineRecord{{Code: machine, Record: r, Revision: revision}}})
	}
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := recordOf(t, path, machine); !reflect.DeepEqual(got.Told, r.Told) {
		t.Fatalf("%+v", got)
	}
}

func recordOf(t *testing.T, path, machine string) uplink.Record {
	t.Helper()
	r, err := store.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	record, _, err := r.Record(t.Context(), machine)
	if err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return record
}

// TestRenamedMachineKeepsItsOwnRecord: the new code has no state, but was told
// something.
func TestRenamedMachineKeepsItsOwnRecord(t *testing.T) {
	dir := t.TempDir()
	c := configured(t, dir, twoMachines)
	g := runGateway(t, c)
	g.hear(1000, 50, true)
	g.hear(1007, 50, true)
	g.stop(t)
	for code, count := range map[string]int64{"M1": 7, "M9": 9} {
		rewrite(t, StorePath(c), code, uplink.Record{Told: uplink.Told{Counted: true, Count: count}})
	}
	c = configured(t, dir, strings.Replace(twoMachines, "  M1:\n", "  M9:\n    was: M1\n", 1))
	g = runGateway(t, c)
	eventually(t, "the totals do not come along", func() bool { return g.toldOf("M9") == 7 })
	g.stop(t)
	if got := recordOf(t, StorePath(c), "M9"); got.Told.Count != 9 {
		t.Errorf("%+v", got.Told)
	}
}
