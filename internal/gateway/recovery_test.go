package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

var recovered = &store.Recovery{Machines: []store.RecoveredMachine{
	{Code: "A", State: store.FromBackup}, {Code: "B", State: store.FromFile, Record: store.FromFile},
	{Code: "WAS-C", State: store.FromBackup}, {Code: "D", State: store.FromBackup}, {Code: "GONE", State: store.FromBackup},
	{Code: "SILENT", State: store.FromBackup},
}}

// plant has two machines that count, one of them under a new code, and one that
// does not.
func plant() []config.Machine {
	count := &mapping.CountSpec{}
	machines := []config.Machine{{Report: true}, {Report: true}, {Report: true, Was: "WAS-C"}, {Report: true}, {}}
	for i, code := range []string{"A", "B", "C", "D", "SILENT"} {
		machines[i].Spec.Code = code
		if code != "D" {
			machines[i].Spec.Count = count
		}
	}
	return machines
}

func TestRecoveryIsOverWhenEveryMachineIsInStep(t *testing.T) {
	started := time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)
	h := health.NewTracker(func() time.Time { return started }, nil)
	r := newRecovery(recovered, plant(), h)
	held := h.List()
	if len(held) != 1 || held[0].Code != health.StoreDamaged || !strings.HasSuffix(held[0].Detail, "Prodsmart: A, C, D.") {
		t.Fatalf("%+v", held)
	}
	before, after := started.Add(-time.Hour), started.Add(time.Second)
	for _, step := range []struct {
		machine string
		known   bool
		count   int64
		told    uplink.Told
		over    bool
	}{
		{"D", false, 0, uplink.Told{At: before}, false},                          // nothing was accepted since
		{"D", false, 0, uplink.Told{At: after}, false},                           // D counts nothing; A and C are behind
		{"A", true, 40, uplink.Told{Counted: true, Count: 70, At: after}, false}, // a stop was accepted
		{"A", true, 70, uplink.Told{Counted: true, Count: 70, At: before}, false},
		{"A", true, 70, uplink.Told{At: after}, false},
		{"A", false, 70, uplink.Told{Counted: true, Count: 70, At: after}, false},
		{"C", true, 8, uplink.Told{Counted: true, Count: 8, At: after}, false}, // A is still behind
		{"A", true, 70, uplink.Told{Counted: true, Count: 70, At: after}, true},
	} {
		status := uplink.Status{Machines: []uplink.MachineStatus{{
			Machine: step.machine, Report: prodsmart.Report{Known: step.known, Count: step.count}, Record: uplink.Record{Told: step.told},
		}}}
		if over := r.over(status, started); over != step.over {
			t.Fatalf("%+v: over is %v", step, over)
		}
	}
	if newRecovery(nil, nil, h) != nil {
		t.Fatal("a recovery without damage")
	}
}
