package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/reconcile"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/uplink"
)

// reader is a comparer that reads from a pretend Prodsmart at any pace.
func reader(t *testing.T, server *mes.Server) *comparer {
	t.Helper()
	address, err := server.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := prodsmart.New(prodsmart.Config{
		URL: "http://" + address, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	up := uplink.New(uplink.Settings{Mode: uplink.Live, Unpaced: true}, newKeeper(&fakeVault{}, nil), client, uplink.Hooks{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- up.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		client.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &comparer{log: slog.New(slog.DiscardHandler), lists: client, uplink: up, machines: []string{"M1", "M2"}, margin: time.Minute, known: map[string]reconcile.Difference{}}
}

// busyCompany has more downtimes and productions than a page holds, of machines
// of which two are ours.
func busyCompany(t *testing.T, o mes.Options, others int) *mes.Server {
	t.Helper()
	server, err := mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: o}, Machines: []mes.MachineSetup{
		{Code: "M1"}, {Code: "M2"}, {Code: "M3"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	stand := func(machine string, n int) {
		for range n {
			if err := server.WorkerStops(machine, "Lunch", 3); err != nil {
				t.Fatal(err)
			}
			if _, err := server.WorkerStarts(machine, 3); err != nil {
				t.Fatal(err)
			}
			if _, err := server.StartProduction(machine, mes.Work{Order: "WO-1"}); err != nil {
				t.Fatal(err)
			}
			if _, err := server.FinishProductions(machine); err != nil {
				t.Fatal(err)
			}
		}
	}
	stand("M1", 30)
	stand("M3", others)
	stand("M2", 27)
	if err := server.WorkerStops("M2", "Lunch", 3); err != nil {
		t.Fatal(err)
	}
	if _, err := server.StartProduction("M1", mes.Work{Order: "WO-2"}); err != nil {
		t.Fatal(err)
	}
	return server
}

// TestReadsAll reads the lists of tenants that differ in all that is not
// documented: each record of ours comes once.
func TestReadsAll(t *testing.T) {
	for name, o := range map[string]mes.Options{
		"documented":        {},
		"filters ignored":   {KnownFilter: mes.KnownFilterIgnore, PageBeyond: mes.PageBeyondRepeat},
		"newest first":      {ListOrder: mes.ListNewestFirst, OpenEnd: mes.OpenEndAbsent, ListTimes: mes.ListTimesSeconds},
		"far future":        {OpenEnd: mes.OpenEndFarFuture, TimeSpent: mes.TimeSpentClock, ListNumbers: mes.ListNumbersString},
		"no foreign filter": {UnknownFilter: mes.UnknownFilterReject},
	} {
		t.Run(name, func(t *testing.T) {
			c := reader(t, busyCompany(t, o, 40))
			r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
			if err := c.read(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
			open := c.open(&r)
			if len(r.downtimes) != 58 || len(r.productions) != 58 || r.partDowntimes || r.partProductions {
				t.Errorf("%d downtimes, %d productions, part %v %v, %d requests", len(r.downtimes), len(r.productions), r.partDowntimes, r.partProductions, r.requests)
			}
			if len(open) != 1 || open[0].Machine != "M1" || open[0].Order != "WO-2" {
				t.Errorf("open are %+v", open)
			}
			standing := 0
			for _, d := range r.downtimes {
				if d.Open {
					standing++
				}
			}
			if standing != 1 {
				t.Errorf("%d downtimes are open", standing)
			}
		})
	}
}

// TestReadsNoCompanyWhole: a list that is longer than the bound is read in part,
// and said so.
func TestReadsNoCompanyWhole(t *testing.T) {
	c := reader(t, busyCompany(t, mes.Options{Limit: 10_000}, mostPages*prodsmart.PageSize))
	r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
	if err := c.read(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if !r.partDowntimes || !r.partProductions || r.requests > 4*mostPages || r.requests < 3*mostPages {
		t.Errorf("part %v %v, %d requests", r.partDowntimes, r.partProductions, r.requests)
	}
}

// flood gives pages without end, each larger than the one before.
type flood struct{ written }

func (flood) Downtimes(_ context.Context, q prodsmart.DowntimeQuery) (list []prodsmart.Downtime, err error) {
	for i := range 100 * q.Page {
		list = append(list, prodsmart.Downtime{ID: int64(10_000*q.Page + i), Machines: []prodsmart.Reference{{Code: "M1"}}})
	}
	return list, nil
}

// TestReadsNoFlood: what is kept of a list that gives ever more is bounded.
func TestReadsNoFlood(t *testing.T) {
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.lists = flood{}
	r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
	if err := c.read(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.downtimes) != mostRecords || !r.partDowntimes || r.partProductions || r.requests > mostPages {
		t.Errorf("%d downtimes, part %v %v, %d requests", len(r.downtimes), r.partDowntimes, r.partProductions, r.requests)
	}
}

// written gives one page of each list.
type written struct {
	downtimes   []prodsmart.Downtime
	productions []prodsmart.Production
}

func (w written) Downtimes(context.Context, prodsmart.DowntimeQuery) ([]prodsmart.Downtime, error) {
	return w.downtimes, nil
}

func (w written) Productions(context.Context, prodsmart.ProductionQuery) ([]prodsmart.Production, error) {
	return w.productions, nil
}

// TestRecordsWithoutMachine: what may be of one of our machines makes what is
// known of them a part.
func TestRecordsWithoutMachine(t *testing.T) {
	m1 := prodsmart.Reference{Code: "M1"}
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	for _, w := range []written{
		{downtimes: []prodsmart.Downtime{{ID: 1, Machines: []prodsmart.Reference{m1}}, {ID: 2}}, productions: []prodsmart.Production{{ID: 3, Machine: m1}}},
		{downtimes: []prodsmart.Downtime{{ID: 1, Machines: []prodsmart.Reference{m1}}}, productions: []prodsmart.Production{{ID: 3, Machine: m1}, {ID: 4}}},
		{downtimes: []prodsmart.Downtime{{ID: 1, Machines: []prodsmart.Reference{m1}}, {ID: 2, Machines: []prodsmart.Reference{{Name: "Saw"}}}}, productions: []prodsmart.Production{{ID: 3, Machine: m1}}},
	} {
		c.lists = w
		r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
		if err := c.read(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		if r.partDowntimes != (len(w.downtimes) > 1) || r.partProductions != (len(w.productions) > 1) || len(r.downtimes) != 1 || len(r.productions) != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// TestRecordsWithoutNumber: what several questions are answered with is there
// once, and productions that can not be told apart are not all that is known.
func TestRecordsWithoutNumber(t *testing.T) {
	m1 := prodsmart.Reference{Code: "M1"}
	at := time.Now().Add(-time.Minute)
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.lists = written{
		downtimes:   []prodsmart.Downtime{{Start: at, Open: true, Machines: []prodsmart.Reference{m1}}, {Start: at.Add(1), Open: true, Machines: []prodsmart.Reference{m1}}},
		productions: []prodsmart.Production{{Start: at, Open: true, Machine: m1}},
	}
	r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
	if err := c.read(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.downtimes) != 2 || len(r.productions) != 1 || r.partDowntimes || !r.partProductions {
		t.Errorf("%+v", r)
	}
}

// TestOpenProductionThatIsPassedOver: one that was open and is in neither list was
// passed over between two pages, or deleted; what is known is a part until the
// next reading.
func TestOpenProductionThatIsPassedOver(t *testing.T) {
	m1 := prodsmart.Reference{Code: "M1"}
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.lists = written{productions: []prodsmart.Production{{ID: 3, Open: true, Machine: m1}}}
	for _, id := range []int64{3, 4} {
		c.status.Open = []OpenProduction{{Machine: "M1", ID: id}}
		r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
		if err := c.read(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		if r.partProductions != (id == 4) {
			t.Errorf("%d was open, and then %+v", id, r)
		}
	}
}

// TestWhatCanNotBeRead: records of ours that can not be read whole are mentioned in
// the log, once while they are the same.
func TestWhatCanNotBeRead(t *testing.T) {
	var log bytes.Buffer
	m1 := prodsmart.Reference{Code: "M1"}
	c := reader(t, busyCompany(t, mes.Options{}, 0))
	c.log = slog.New(slog.NewTextHandler(&log, nil))
	c.lists = written{downtimes: []prodsmart.Downtime{
		{ID: 1, Machines: []prodsmart.Reference{m1}, Unread: []string{"start-time: x is no time"}},
		{ID: 2, Machines: []prodsmart.Reference{m1}, Unread: []string{"end-time: y is no time"}},
		{ID: 3, Machines: []prodsmart.Reference{{Code: "X"}}, Unread: []string{"not ours"}},
	}}
	for range 2 {
		r := reading{to: time.Now(), from: time.Now().Add(-time.Hour)}
		if err := c.read(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `records=2 first="start-time: x is no time"`) {
		t.Errorf("the log says %q", got)
	}
}

// TestDifferencesAreToldOnce goes through the life of differences.
func TestDifferencesAreToldOnce(t *testing.T) {
	now := time.Now()
	c := &comparer{machines: []string{"M1", "M2"}, margin: time.Minute, known: map[string]reconcile.Difference{}}
	c.notify = newNotifier(slog.New(slog.DiscardHandler))
	c.notify.keeper = newKeeper(&fakeVault{}, nil)
	entries := func() (out []string) {
		for _, e := range c.notify.keeper.events {
			out = append(out, e.Machine+" "+e.Level.String()+" "+strings.SplitN(e.Text, ":", 2)[0])
		}
		c.notify.keeper.events = nil
		return out
	}
	conditions := func() (out []string) {
		for _, condition := range c.notify.health.List() {
			if condition.Code == health.ProdsmartDiffers {
				out = append(out, condition.Subject+" "+condition.Detail)
			}
		}
		return out
	}
	expect := func(step string, r reading, found []reconcile.Difference, journal, hold []string) {
		t.Helper()
		r.to = now
		c.tell(&r, found)
		if got := entries(); !slices.Equal(got, journal) {
			t.Errorf("%s: the journal has %q", step, got)
		}
		if got := conditions(); !slices.Equal(got, hold) {
			t.Errorf("%s: held are %q", step, got)
		}
	}
	one := reconcile.Difference{Kind: reconcile.StillOpen, Machine: "M1", ID: 1, At: now.Add(-2 * time.Hour), Cause: reconcile.LostAnswer, Confidence: reconcile.Likely, Text: "One."}
	two := reconcile.Difference{Kind: reconcile.MorePieces, Machine: "M1", ID: 2, At: now.Add(-time.Hour), Cause: reconcile.ByHand, Confidence: reconcile.Likely, Text: "Two."}
	usual := reconcile.Difference{Kind: reconcile.TypeChanged, Machine: "M2", ID: 3, At: now.Add(-time.Hour), Cause: reconcile.ByHand, Confidence: reconcile.Likely, Usual: true, Text: "Usual."}
	whole := reading{from: now.Add(-3 * time.Hour)}
	expect("found", whole, []reconcile.Difference{one, usual}, []string{"M1 notice One. (lost_answer, likely)", "M2 info Usual. (by_hand, likely)"}, []string{"M1 One."})
	expect("still there", whole, []reconcile.Difference{one, two, usual}, []string{"M1 notice Two. (by_hand, likely)"}, []string{"M1 2 differences. The oldest: One."})
	if from := c.from(now); !from.Equal(now.Add(-firstSight)) {
		t.Errorf("the first look goes back to %v", now.Sub(from))
	}
	if c.last = now; !c.from(now).Equal(one.At.Add(-2 * c.margin)) {
		t.Errorf("it looks back to %v", now.Sub(c.from(now)))
	}
	part := whole
	part.partDowntimes = true
	expect("not seen in a part", part, []reconcile.Difference{two, usual}, nil, []string{"M1 2 differences. The oldest: One."})
	expect("gone", whole, []reconcile.Difference{two}, []string{"M1 notice Both agree again", "M2 info Both agree again"}, []string{"M1 Two."})
	expect("too old", reading{from: now}, nil, []string{"M1 notice It is no longer looked at, because it is a day old"}, nil)
	c.known["old"] = reconcile.Difference{At: now.Add(-48 * time.Hour)}
	if from := c.from(now); !from.Equal(now.Add(-sight)) {
		t.Errorf("it looks back to %v", now.Sub(from))
	}
}
