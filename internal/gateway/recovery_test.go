package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

func TestRecoveryIsOverWhenEveryMachineIsInStep(t *testing.T) {
	started := time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)
	h := health.NewTracker(func() time.Time { return started }, nil)
	r := newRecovery(&store.Recovery{Machines: []store.RecoveredMachine{
		{Code: "A", State: store.FromBackup}, {Code: "B", State: store.FromFile, Record: store.FromFile},
		{Code: "C", State: store.FromBackup}, {Code: "GONE", State: store.FromBackup},
	}}, func(code string) bool { return code != "GONE" }, h)
	held := h.List()
	if len(held) != 1 || held[0].Code != health.StoreDamaged || !strings.HasSuffix(held[0].Detail, "Prodsmart: A, C.") {
		t.Fatalf("%+v", held)
	}
	status := func(at map[string]time.Time) uplink.Status {
		var s uplink.Status
		for code, told := range at {
			s.Machines = append(s.Machines, uplink.MachineStatus{Machine: code, Record: uplink.Record{Told: uplink.Told{At: told}}})
		}
		return s
	}
	if r.over(status(map[string]time.Time{"A": started.Add(time.Second), "C": started.Add(-time.Hour)}), started) {
		t.Fatal("over, although nothing was told of C")
	}
	if !r.over(status(map[string]time.Time{"C": started.Add(time.Minute)}), started) {
		t.Fatal("not over")
	}
	if newRecovery(nil, nil, h) != nil {
		t.Fatal("a recovery without damage")
	}
}
