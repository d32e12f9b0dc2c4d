package gateway

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
)

// compared is a live gateway that compares at a run with a pretend Prodsmart.
type compared struct {
	*running
	server *mes.Server
	config *config.Config
}

func compareWith(t *testing.T, options mes.Options) *compared {
	t.Helper()
	const quick = 1200
	options.Limit = quick
	server, err := mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: options}, Machines: []mes.MachineSetup{
		{Code: "M1", Types: []mes.TypeSetup{{Name: "HALT"}, {Name: "Lunch"}}, InProduction: true, Work: mes.Work{Order: "WO-1", Operation: "OP10"}},
		{Code: "M2", InProduction: true},
		{Code: "not ours", Types: []mes.TypeSetup{{Name: "HALT"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	address, err := server.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("PRODSMART_KEY", "key")
	t.Setenv("PRODSMART_SECRET", "secret")
	live := fmt.Sprintf(`prodsmart: {mode: live, url: "http://%s", insecure: true, key: "${env:PRODSMART_KEY}", secret: "${env:PRODSMART_SECRET}", budget: 120, report_every: 1s, reconcile: {every: 1m}}`, address)
	text := strings.NewReplacer("site: test", "site: test\ntimezone: Pacific/Kiritimati", "prodsmart: {mode: dry-run, report_every: 1s}", live, "stop_after: 10s, run_after: 1s", "stop_after: 500ms, run_after: 0s").Replace(twoMachines)
	c := configured(t, t.TempDir(), text)
	c.Prodsmart.Budget = mapping.Whole(quick) // what the budget costs is tested elsewhere
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	g.compare.first, g.compare.every, g.compare.margin = 100*time.Millisecond, 100*time.Millisecond, 500*time.Millisecond
	return &compared{running: runNew(t, g), server: server, config: c}
}

// differences waits for a comparison that began after now and gives what it
// found.
func (g *compared) differences(t *testing.T) []reconcile.Difference {
	t.Helper()
	asked := time.Now().Add(2 * g.compare.margin)
	var s ReconcileStatus
	for deadline := time.Now().Add(20 * time.Second); !s.Began.After(asked); <-time.After(10 * time.Millisecond) {
		if s = g.Status().Reconcile; time.Now().After(deadline) {
			t.Fatalf("nothing is compared: %+v", s)
		}
	}
	return s.Differences
}

// downtime gives the newest downtime of M1.
func (g *compared) downtime() mes.Downtime {
	m, _ := g.server.Machine("M1")
	if len(m.Downtimes) == 0 {
		return mes.Downtime{}
	}
	return m.Downtimes[len(m.Downtimes)-1]
}

// work lets M1 count and stand once, until Prodsmart has all of it.
func (g *compared) work(t *testing.T, from int64) {
	t.Helper()
	g.hear(from, 0, true)
	g.hear(from+5, 0, true)
	g.hear(from+5, 0, false)
	eventually(t, "the stop is not told", func() bool { d := g.downtime(); return d.ID != 0 && d.Open() })
	g.hear(from+7, 0, true)
	eventually(t, "the start is not told", func() bool { return !g.downtime().Open() })
}

// TestComparison works with a pretend Prodsmart in which people change records:
// nothing differs before, each change is found, told once, and told to be over.
func TestComparison(t *testing.T) {
	g := compareWith(t, mes.Options{ListTimes: mes.ListTimesDocumented, OpenEnd: mes.OpenEndFarFuture, ListNumbers: mes.ListNumbersString})
	g.work(t, 1000)
	if found := g.differences(t); len(found) > 0 {
		t.Fatalf("nobody changed anything: %+v", found)
	}
	s := g.Status().Reconcile
	if !s.On || s.Machines != 2 || s.Part || s.Requests < 4 || len(s.Open) != 2 || s.Open[0].Machine != "M1" || s.Open[0].Order != "WO-1" {
		t.Errorf("the status is %+v", s)
	}

	// The production of before the first post can not be compared, this one can.
	if _, err := g.server.FinishProductions("M1"); err != nil {
		t.Fatal(err)
	}
	number, err := g.server.StartProduction("M1", mes.Work{Order: "WO-2"})
	if err != nil {
		t.Fatal(err)
	}
	before := g.downtime()
	g.work(t, 1020)
	d := g.downtime()
	if d.ID == before.ID {
		t.Fatal("there is no second downtime")
	}
	earlier := d.Start.Add(-time.Minute)
	if err := g.server.EditDowntime(d.ID, mes.DowntimeEdit{Start: &earlier}); err != nil {
		t.Fatal(err)
	}
	found := g.differences(t)
	if len(found) != 1 || found[0].Kind != reconcile.StartChanged || found[0].ID != int64(d.ID) {
		t.Fatalf("a begin was changed: %+v", found)
	}
	if c := g.condition(); c.Subject != "M1" || c.Detail != found[0].Text {
		t.Errorf("the condition is %+v", c)
	}
	if err := g.server.EditDowntime(d.ID, mes.DowntimeEdit{Start: &d.Start}); err != nil {
		t.Fatal(err)
	}
	if found := g.differences(t); len(found) > 0 || g.condition().Subject != "" {
		t.Errorf("it was changed back: %+v", found)
	}

	if err := g.server.DeleteDowntime(d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := g.server.FinishProductions("M1"); err != nil {
		t.Fatal(err)
	}
	more := 500.0
	if err := g.server.EditProduction(number, mes.ProductionEdit{Quantity: &more}); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range g.differences(t) {
		kinds = append(kinds, string(d.Kind))
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{"downtime_missing", "more_pieces"}) {
		t.Errorf("a downtime was deleted and a quantity changed: %v", kinds)
	}
	g.stop(t)
	g.journalled(t)
}

// condition is the one of the comparison; the zero one if it does not hold.
func (g *compared) condition() health.Condition {
	for _, c := range g.Status().Conditions {
		if c.Code == health.ProdsmartDiffers {
			return c
		}
	}
	return health.Condition{}
}

// journalled looks at what the comparison left in the journal.
func (g *compared) journalled(t *testing.T) {
	t.Helper()
	r, err := store.OpenReader(StorePath(g.config))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	events, err := r.Journal(t.Context(), store.Query{Kind: "prodsmart_differs"})
	if err != nil {
		t.Fatal(err)
	}
	number := map[string]int{}
	for _, e := range events {
		number[e.Subject]++
		if strings.HasPrefix(e.Text, "Both agree again") {
			number["again"]++
		}
	}
	if number["start_changed"] != 2 || number["again"] != 1 || number["downtime_missing"] != 1 {
		t.Errorf("the journal says %v: %+v", number, events)
	}
}

// TestTimesOfTheSite: the times in texts of the uplink are of the site's zone,
// here fourteen hours ahead of UTC.
func TestTimesOfTheSite(t *testing.T) {
	g := compareWith(t, mes.Options{})
	if _, err := g.server.AddFault(mes.Fault{Service: "counter", Kind: mes.FaultStatus, Status: 400}); err != nil {
		t.Fatal(err)
	}
	g.hear(1000, 0, true)
	g.hear(1005, 0, true)
	detail := ""
	eventually(t, "the refusal is not told", func() bool {
		for _, c := range g.Status().Conditions {
			if c.Code == health.PostRefused {
				detail = c.Detail
			}
		}
		return detail != ""
	})
	_, rest, _ := strings.Cut(detail, "tried again at ")
	again, err := time.ParseInLocation(time.DateTime, rest[:min(len(rest), len(time.DateTime))], g.config.Location)
	if pause := time.Until(again); err != nil || pause < 0 || pause > time.Hour {
		t.Errorf("%q: %v from now, %v", detail, pause, err)
	}
	g.stop(t)
}

// TestListsFail: lists that are refused are asked for more and more rarely, and
// say so; posts go on.
func TestListsFail(t *testing.T) {
	g := compareWith(t, mes.Options{})
	if _, err := g.server.AddFault(mes.Fault{Service: "productions", Kind: mes.FaultStatus, Status: 403}); err != nil {
		t.Fatal(err)
	}
	g.hear(1000, 0, true)
	eventually(t, "the refusal is not told", func() bool {
		s := g.Status().Reconcile
		return strings.Contains(s.Problem, "productions") && strings.Contains(s.Problem, "403")
	})
	if s := g.Status().Reconcile; !s.Last.IsZero() || len(s.Differences) > 0 {
		t.Errorf("half a reading was compared: %+v", s)
	}
	g.work(t, 1010)
	g.stop(t)
}
