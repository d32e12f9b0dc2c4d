package gateway

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// followed is a live gateway that follows a pretend Prodsmart by a webhook, two
// channels and its lists, and another integration that makes orders there.
type followed struct {
	*running
	server *mes.Server
	other  *prodsmart.Client
}

func followWith(t *testing.T, options mes.Options) *followed {
	t.Helper()
	options.Limit = -1
	server, err := mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: options},
		Channels: []mes.ChannelSetup{{Name: "c-1", Type: "PRODUCTION_ORDER"}, {Name: "c-2", Type: "DOWNTIME"}},
		Machines: []mes.MachineSetup{{Code: "M1", Types: []mes.TypeSetup{{Name: "HALT"}}}, {Code: "M2", Types: []mes.TypeSetup{{Name: "HALT"}}}}})
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
	live := fmt.Sprintf(`prodsmart: {mode: live, url: "http://%s", insecure: true, key: "${env:PRODSMART_KEY}", secret: "${env:PRODSMART_SECRET}", budget: 120, report_every: 1s,
  follow: {channels: {production_orders: c-1, downtimes: c-2}, webhook: {listen: "127.0.0.1:0", path: /hooks/x}}}`, address)
	c := configured(t, t.TempDir(), strings.Replace(twoMachines, "prodsmart: {mode: dry-run, report_every: 1s}", live, 1))
	c.Prodsmart.Budget = c.Prodsmart.Budget.Mul(c.Prodsmart.Budget) // the budget is not what is looked at here
	c.Prodsmart.Follow.Every, c.Prodsmart.Follow.Poll, c.Prodsmart.ReconcileEvery = 3*time.Second, 500*time.Millisecond, 0
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(g.Webhook())
	t.Cleanup(door.Close)
	if _, err := server.Subscribe(door.URL+"/hooks/x", nil); err != nil {
		t.Fatal(err)
	}
	other, err := prodsmart.New(prodsmart.Config{URL: "http://" + address, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	f := &followed{running: runNew(t, g), server: server, other: other}
	t.Cleanup(func() { f.stop(t) })
	return f
}

// same waits until the copy is as Prodsmart.
func (f *followed) same(t *testing.T) {
	t.Helper()
	var why string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if why = f.differs(t); why == "" {
			return
		}
	}
	t.Fatalf("%s; %+v", why, f.Status().Follow)
}

func (f *followed) differs(t *testing.T) string {
	t.Helper()
	want := map[int64]prodsmart.ProductionOrder{}
	for o, err := range f.other.ProductionOrders().All(t.Context(), prodsmart.ProductionOrderQuery{Workers: true}) {
		if err != nil {
			t.Fatal(err)
		}
		want[o.ID] = o
	}
	for _, got := range f.follow.mirror.Orders() {
		o, there := want[got.ID]
		if !there && got.RunningStatus != "closed" {
			return fmt.Sprintf("order %d is deleted, and in the copy", got.ID)
		}
		if there && (o.RunningStatus != got.RunningStatus || o.Code != got.Code || o.Notes != got.Notes || o.Products[0].Produced != got.Products[0].Produced) {
			return fmt.Sprintf("order %d is %+v, and in the copy %+v", got.ID, o, got)
		}
		delete(want, got.ID)
	}
	for _, o := range want {
		if o.RunningStatus == "notstarted" || o.RunningStatus == "started" {
			return fmt.Sprintf("order %d is missing in the copy", o.ID)
		}
	}
	open := 0
	for _, d := range f.follow.mirror.Downtimes() {
		if d.Open {
			open++
		}
	}
	m, _ := f.server.Machine("M2")
	for _, d := range m.Downtimes {
		if d.Open() {
			open--
		}
	}
	if open != 0 {
		return fmt.Sprintf("%d more downtimes are open in the copy", open)
	}
	return ""
}

// work makes, changes and deletes orders, and lets a machine count for one.
func (f *followed) work(t *testing.T, round int) {
	t.Helper()
	r := f.other.ProductionOrders()
	var ids []int64
	for i := range 30 {
		o, err := r.Create(t.Context(), prodsmart.ProductionOrder{Code: fmt.Sprintf("WO-%d-%d", round, i), Start: time.Now(), Due: time.Now().Add(24 * time.Hour), Active: prodsmart.Yes,
			Products: []prodsmart.OrderProduct{{Product: "P", Ordered: prodsmart.NewDecimal(100)}}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	for i, id := range ids[:6] {
		if _, err := r.Edit(t.Context(), id, func(o *prodsmart.ProductionOrder) error {
			o.Notes = fmt.Sprint("changed ", i)
			if i == 5 {
				o.Ended = prodsmart.Yes
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Delete(t.Context(), ids[7]); err != nil {
		t.Fatal(err)
	}
	if _, err := f.server.FinishProductions("M2"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.server.StartProduction("M2", mes.Work{Order: fmt.Sprintf("WO-%d-10", round), Operation: "OP10", Product: "P"}); err != nil {
		t.Fatal(err)
	}
	if status, text := f.server.ForeignCall("counter", "M2", fmt.Sprintf(`{"count":%d}`, 10*(round+1))); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if err := f.server.WorkerStops("M2", "HALT", 1); err != nil {
		t.Fatal(err)
	}
}

// TestFollowing: orders, counters and downtimes show in the copy, by messages, channels
// and lists, with every signature, also after everything that came by itself was lost.
func TestFollowing(t *testing.T) {
	f := followWith(t, mes.Options{})
	f.work(t, 0)
	f.same(t)
	var s FollowStatus
	eventually(t, "something does not come by itself, or the list is not read to its end", func() bool {
		s = f.Status().Follow
		return s.Door.Accepted > 0 && s.Mirror.Messages > 0 && s.Mirror.Batches > 0 && !s.Mirror.Kinds[mirror.Orders].TrueAt.IsZero()
	})
	if s.Door.Matched != webhook.SHA1Hex || s.Door.Unsigned != 0 {
		t.Errorf("%+v", s)
	}
	// Everything goes wrong for a while.
	for _, fault := range []mes.Fault{{Kind: mes.FaultDropAfter, Chance: 0.2}, {Kind: mes.FaultStatus, Status: 503, Chance: 0.2}, {Kind: mes.FaultMalformed, Chance: 0.1}} {
		fault.Service = "changes"
		if _, err := f.server.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	f.work(t, 1)
	if _, err := f.server.WorkerStarts("M2", 1); err != nil {
		t.Fatal(err)
	}
	f.server.ClearFaults()
	f.same(t)
}
