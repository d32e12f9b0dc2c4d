package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/health"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/smartup"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/store"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// office is a live gateway between a pretend Prodsmart and three business systems: a
// pretend Smartup, a drop folder, and a service that is broken.
type office struct {
	*running
	server *mes.Server
	sales  *smartup.Server
	drop   string
	dir    string
	mode   string
	// prodsmart, erp and broken are addresses.
	prodsmart, erp, broken string
}

func newOffice(t *testing.T, mode string) *office {
	t.Helper()
	o := &office{dir: t.TempDir(), mode: mode}
	o.drop = filepath.Join(o.dir, "in")
	if err := os.Mkdir(o.drop, 0o750); err != nil {
		t.Fatal(err)
	}
	var err error
	o.server, err = mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: mes.Options{Limit: -1}}, Machines: []mes.MachineSetup{{Code: "M1"}, {Code: "M2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if o.prodsmart, err = o.server.Serve("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.server.Close() })
	o.sales = smartup.New(smartup.Config{User: "gateway@plant", Password: "hush-hush", ProjectCode: "trade", FilialID: "12"})
	web := httptest.NewServer(o.sales)
	t.Cleanup(web.Close)
	o.erp = web.URL
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"orders": [{"order_id": 1, "quantity": "many"}, {"order_id": [2]}, "x`+strings.Repeat("y", 2_000_000))
	}))
	t.Cleanup(broken.Close)
	o.broken = broken.URL
	t.Setenv("PRODSMART_KEY", "key")
	t.Setenv("PRODSMART_SECRET", "secret")
	t.Setenv("SMARTUP", "hush-hush")
	client, err := prodsmart.New(prodsmart.Config{URL: "http://" + o.prodsmart, Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, code := range []string{"P-100", "P-200"} {
		if _, err := client.Products().Create(t.Context(), prodsmart.Product{Code: code, Name: code, Operations: []prodsmart.ProductOperation{{Code: "OP", Name: "OP"}}}); err != nil {
			t.Fatal(err)
		}
	}
	o.up(t)
	t.Cleanup(func() { o.stop(t) })
	return o
}

// up starts a gateway; the caller has stopped the one before.
func (o *office) up(t *testing.T) {
	t.Helper()
	live := fmt.Sprintf(`prodsmart: {mode: live, url: "http://%s", insecure: true, key: "${env:PRODSMART_KEY}", secret: "${env:PRODSMART_SECRET}", budget: 120, report_every: 1s}
orders:
  mode: %s
  sources:
    sales: {smartup: {url: "%s", user: gateway@plant, password: "${env:SMARTUP}", filial_id: 12}, write: {note: {on: on_step, step: 10}}}
    drop: {file: {folder: in, settle: 1s}}
    web: {rest: {url: "%s", list: orders}}`, o.prodsmart, o.mode, o.erp, o.broken)
	c := configured(t, o.dir, strings.Replace(twoMachines, "prodsmart: {mode: dry-run, report_every: 1s}", live, 1))
	c.Prodsmart.Budget = c.Prodsmart.Budget.Mul(c.Prodsmart.Budget) // the budget is not what is looked at here
	c.Prodsmart.Follow.Every, c.Prodsmart.ReconcileEvery = time.Second, 0
	for i := range c.Orders.Sources {
		c.Orders.Sources[i].Every = 500 * time.Millisecond
	}
	g, err := New(c, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	o.running = runNew(t, g)
}

// line is the newest state of an order of a source, by its code.
func (o *office) line(t *testing.T, source, code string) rules.Entry {
	t.Helper()
	b, err := o.OrderBook(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if found := b.Find(code); len(found) == 1 {
		return found[0]
	}
	return rules.Entry{}
}

func (o *office) holds(code health.Code, subject string) bool {
	for _, c := range o.Status().Conditions {
		if c.Code == code && c.Subject == subject {
			return true
		}
	}
	return false
}

// TestOrdersFlow: orders of a business system and of a file become production orders,
// the machine's counter moves them, how far they are goes back; a service that gives
// garbage holds up nobody; a restart makes nothing twice.
func TestOrdersFlow(t *testing.T) {
	o := newOffice(t, "live")
	due := time.Now().AddDate(0, 0, 5)
	id := o.sales.Create(smartup.Order{Status: "B#N", DeliveryDate: due, PersonCode: "c7", PersonName: "Bahor Savdo", FilialCode: "f1",
		Lines: []smartup.Line{{UnitID: "9001", ProductCode: "P-100", Quantity: "480", Kind: "P"}}})
	csv := "order;line;product;quantity;due\n7001;1;P-200;12,5;" + due.Format(time.DateOnly) + "\n7001;2;P-404;1;" + due.Format(time.DateOnly) + "\n7001;3;P-200;many;\n"
	if err := os.WriteFile(filepath.Join(o.drop, "plan.csv"), []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	code := "SU-" + id + "-1"
	eventually(t, "the orders are not made", func() bool {
		return o.line(t, "sales", code).Status == rules.Mirrored && o.line(t, "drop", "FI-7001-1").Status == rules.Mirrored
	})
	if e := o.line(t, "drop", "7001:2"); e.Status != rules.Waiting || !strings.Contains(e.Reason, "P-404") {
		t.Errorf("%+v", e)
	}
	orders := o.server.Orders()
	if len(orders) != 2 {
		t.Fatalf("%+v", orders)
	}
	made := orders[0]
	if made.Code != code {
		made = orders[1]
	}
	if _, err := o.server.StartOrder(made.ID, "M1", mes.Work{Operation: "OP", Product: "P-100"}); err != nil {
		t.Fatal(err)
	}
	o.hear(100, 0, true)
	o.hear(130, 0, true)
	eventually(t, "no note came", func() bool { return strings.Contains(o.sales.Orders()[0].Note, "PS 30/480") })
	o.stop(t)
	o.up(t)
	eventually(t, "the sources are not read again", func() bool {
		return !o.Status().Orders[0].LastRead.IsZero() && !o.Status().Orders[1].LastRead.IsZero() && o.line(t, "sales", code).Seen.Produced.String() == "30"
	})
	if orders := o.server.Orders(); len(orders) != 2 {
		t.Errorf("%d orders after a restart", len(orders))
	}
	eventually(t, "nobody is told of the broken service", func() bool {
		s := o.Status().Orders[2]
		return s.Problem != "" && s.LastRead.IsZero()
	})
	eventually(t, "nobody is asked about the unknown product", func() bool { return o.holds(health.OrdersAsk, "drop") })
	list, err := o.store.Journal(t.Context(), store.Query{Machine: OrderJournal("sales")})
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	if first := list[0]; first.Subject != code || !strings.Contains(first.Text, "created in Prodsmart") {
		t.Errorf("%+v", first)
	}
}

// TestOrdersInShadow: what would be done is noted, and nothing is done.
func TestOrdersInShadow(t *testing.T) {
	o := newOffice(t, "shadow")
	id := o.sales.Create(smartup.Order{Status: "B#N", DeliveryDate: time.Now().AddDate(0, 0, 5), FilialCode: "f1", Lines: []smartup.Line{{UnitID: "9001", ProductCode: "P-100", Quantity: "480", Kind: "P"}}})
	code := "SU-" + id + "-1"
	eventually(t, "nothing is noted", func() bool { return strings.Contains(o.line(t, "sales", code).Reason, "would be created as "+code) })
	if n := len(o.server.Orders()); n != 0 {
		t.Errorf("%d orders were made", n)
	}
	if err := o.SyncOrders(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), "there are: sales, drop, web") {
		t.Error(err)
	}
	if err := o.ResolveOrders(t.Context(), "sales", code, "apply"); err == nil || !strings.Contains(err.Error(), "nothing is to be decided about "+code) {
		t.Error(err)
	}
	if err := o.SyncOrders(t.Context(), "sales"); err != nil {
		t.Error(err)
	}
}
