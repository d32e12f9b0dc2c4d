package orders_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
)

// disk keeps books as the store does.
type disk struct {
	mu     sync.Mutex
	rows   map[string]rules.Row
	events []rules.Event
	meter  string
	fail   bool
}

func (d *disk) Rows(context.Context, string) ([]rules.Row, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []rules.Row
	for _, r := range d.rows {
		out = append(out, r)
	}
	return out, nil
}

func (d *disk) Keep(_ context.Context, _ string, rows []rules.Row, events []rules.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail {
		return errors.New("the disk is full")
	}
	for _, r := range rows {
		if r.Data == nil {
			delete(d.rows, r.Kind+"\x00"+r.Key)
		} else {
			d.rows[r.Kind+"\x00"+r.Key] = r
		}
	}
	d.events = append(d.events, events...)
	return nil
}

// set lets the disk be full, or not.
func (d *disk) set(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = full
}

func (d *disk) Meter(context.Context, string) (string, error) { return d.meter, nil }
func (d *disk) KeepMeter(_ context.Context, _, kept string) error {
	d.meter = kept
	return nil
}

// rig is an office, a gateway's order mirror and a Prodsmart in virtual time, which
// begins at midnight of the first of January 2000, UTC.
type rig struct {
	*testing.T
	office *office
	server *mes.Server
	client *prodsmart.Client
	disk   *disk
	mirror *orders.Mirror
	copy   *mirror.Mirror
	config orders.Config
	stop   func()
}

type nowhere struct{}

func (nowhere) Put(context.Context, mirror.Item) error            { return nil }
func (nowhere) Items(context.Context, int) ([]mirror.Item, error) { return nil, nil }
func (nowhere) Done(context.Context, ...int64) error              { return nil }
func dec(text string) decimal.Decimal                             { return decimal.RequireFromString(text) }

// newRig makes a rig with products P-100, P-200 and P-300 in Prodsmart. configure may
// be nil.
func newRig(t *testing.T, configure func(*orders.Config)) *rig {
	t.Helper()
	r := &rig{T: t, office: newOffice(), disk: &disk{rows: map[string]rules.Row{}}}
	s := rules.Defaults("su1")
	s.Prefix, s.Template, s.LeadTime = "SU-", "{prefix}{id}-{line}", 48*time.Hour
	r.config = orders.Config{
		Name: "su1", Settings: s, Every: 5 * time.Minute,
		Open: func(string, func(string) error) (erp.Source, error) { return r.office, nil },
	}
	if configure != nil {
		configure(&r.config)
	}
	var err error
	r.server, err = mes.New(mes.Config{Key: "key", Secret: "secret", Seed: 1, Machines: []mes.MachineSetup{{Code: "M1"}}})
	if err != nil {
		t.Fatal(err)
	}
	network := pipe.New()
	t.Cleanup(network.Serve(r.server))
	t.Cleanup(func() { _ = r.server.Close() })
	r.client, err = prodsmart.New(prodsmart.Config{URL: "http://prodsmart", Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"),
		Timeout: 5 * time.Second, Dial: network.Dial, Proxy: prodsmart.ProxyDirect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	for _, code := range []string{"P-100", "P-200", "P-300"} {
		r.product(code)
	}
	t.Cleanup(func() { r.down() })
	return r
}

// product adds a product with an operation to Prodsmart.
func (r *rig) product(code string) {
	r.Helper()
	_, err := r.client.Products().Create(r.Context(), prodsmart.Product{Code: code, Name: code, Operations: []prodsmart.ProductOperation{{Code: "OP", Name: "OP"}}})
	if err != nil {
		r.Fatal(err)
	}
}

// up starts the gateway's part; down ends it.
func (r *rig) up() {
	ctx, cancel := context.WithCancel(r.Context())
	gate := func(ctx context.Context, _ bool, do func(context.Context) prodsmart.Answer) error {
		select {
		case <-time.After(600 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		do(ctx)
		return nil
	}
	one := make(chan struct{}, 1)
	shared := func(ctx context.Context, urgent bool, do func(context.Context) prodsmart.Answer) error {
		select {
		case one <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-one }()
		return gate(ctx, urgent, do)
	}
	r.copy = mirror.New(mirror.Settings{}, mirror.FromClient(r.client), r.client, nowhere{}, shared)
	r.mirror = orders.New(orders.Deps{Client: r.client, Gate: shared, View: r.copy, Keeper: r.disk}, []orders.Config{r.config})
	var all sync.WaitGroup
	all.Go(func() { r.copy.Run(ctx) })
	all.Go(func() { r.mirror.Run(ctx) })
	r.stop = func() { cancel(); all.Wait() }
}

func (r *rig) down() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

// wait lets a gateway run for a while.
func (r *rig) wait(d time.Duration) {
	if r.stop == nil {
		r.up()
	}
	time.Sleep(d)
}

// orders are Prodsmart's, one line each: code, quantity, running status, and more.
func (r *rig) orders() string {
	var out []string
	for _, o := range r.server.Orders() {
		line := fmt.Sprintf("%s %gx%s %s made %g", o.Code, o.Lines[0].Ordered, o.Lines[0].Product, o.RunningStatus, o.Made[0])
		if !o.Active {
			line += " invisible"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// one is the only order with a code.
func (r *rig) one(code string) mes.OrderState {
	r.Helper()
	var found []mes.OrderState
	for _, o := range r.server.Orders() {
		if o.Code == code {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		r.Fatalf("%d orders have the code %s:\n%s", len(found), code, r.orders())
	}
	return found[0]
}

// want compares Prodsmart's orders.
func (r *rig) want(lines ...string) {
	r.Helper()
	slices.Sort(lines)
	if got := r.orders(); got != strings.Join(lines, "\n") {
		r.Fatalf("Prodsmart has\n%s\nwanted\n%s\njournal:\n%s", got, strings.Join(lines, "\n"), r.journal())
	}
}

// made lets so many pieces be made of an order.
func (r *rig) made(code string, pieces float64) {
	r.Helper()
	r.work(r.one(code), "M1", pieces)
}

// work begins an order on a machine, if it is not begun, and makes pieces.
func (r *rig) work(o mes.OrderState, machine string, pieces float64) {
	r.Helper()
	if o.RunningStatus == "notstarted" {
		if _, err := r.server.StartOrder(o.ID, machine, mes.Work{Operation: "OP", Product: o.Lines[0].Product}); err != nil {
			r.Fatal(err)
		}
	}
	state, _ := r.server.Machine(machine)
	if status, text := r.server.ForeignCall("counter", machine, fmt.Sprintf(`{"count":%g}`, state.Counter+pieces)); status/100 != 2 {
		r.Fatal(status, text)
	}
}

// entry is the book's entry of a code.
func (r *rig) entry(code string) rules.Entry {
	r.Helper()
	book, err := r.mirror.Book(r.Context(), "su1")
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range book.Entries {
		if e.Code == code || strings.HasSuffix(e.Key, "\x1f"+code) {
			return e
		}
	}
	r.Fatalf("the book has no %s: %+v", code, book.Entries)
	return rules.Entry{}
}

// journal are the decisions, one line each.
func (r *rig) journal() string {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	var b strings.Builder
	for _, e := range r.disk.events {
		mark := " "
		if e.Alert {
			mark = "!"
		}
		name := e.Code
		if name == "" {
			name = strings.ReplaceAll(e.Entry, "\x1f", ":")
		}
		fmt.Fprintf(&b, "%s%s %s: %s\n", mark, e.At.UTC().Format("02 15:04"), name, e.What)
	}
	return b.String()
}

// golden compares the journal with the file of the test's name.
func (r *rig) golden() {
	r.Helper()
	name := filepath.Join("testdata", strings.ReplaceAll(r.Name(), "/", "-")+".txt")
	got := r.journal()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			r.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		r.Fatal(err)
	}
	if got != string(want) {
		r.Errorf("the journal is\n%s\nwanted\n%s", got, want)
	}
}

// sale is an order of one line of P-100, due on the tenth.
func sale(id, quantity string) erp.Order {
	return erp.Order{
		ID: id, State: erp.Open, Word: "B#N", Ordered: erp.DayOf(2000, 1, 1), Due: erp.DayOf(2000, 1, 10), Customer: erp.Customer{Code: "C1", Name: "Bahor Savdo"},
		Lines: []erp.Line{{ID: "l1", Product: "P-100", Quantity: dec(quantity), Factor: dec("1"), Manufactured: erp.Yes}},
	}
}

// raw is any JSON.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// fault lets calls of Prodsmart fail.
func (r *rig) fault(f mes.Fault) {
	r.Helper()
	_, err := r.server.AddFault(f)
	r.must(err)
}

// writes is how many calls changed, or meant to change, something in Prodsmart.
func (r *rig) writes() int {
	n := 0
	for _, c := range r.server.Calls(0) {
		if c.Method != "GET" && c.Service != "authorization" {
			n++
		}
	}
	return n
}

// sales are Prodsmart's client orders.
func (r *rig) sales() []prodsmart.TradeOrder {
	r.Helper()
	var out []prodsmart.TradeOrder
	for o, err := range r.client.SalesOrders().All(r.Context(), prodsmart.SalesOrderQuery{}) {
		r.must(err)
		out = append(out, o)
	}
	return out
}

// stock compares the stock of a product in Prodsmart.
func (r *rig) stock(product, want string) {
	r.Helper()
	s, err := r.client.Stock(r.Context(), product, "")
	r.must(err)
	if s.Amount.String() != want {
		r.Errorf("the stock of %s is %s, wanted %s", product, s.Amount, want)
	}
}

// withWrites switches a kind of write-back on.
func withWrites(kind erp.Kind, rule rules.WriteRule) func(*orders.Config) {
	return func(c *orders.Config) { c.Settings.Writes = map[erp.Kind]rules.WriteRule{kind: rule} }
}

// finished makes an order and closes it.
func (r *rig) finished(id string, pieces float64) {
	r.Helper()
	r.office.put(sale(id, dec(fmt.Sprint(pieces)).String()))
	r.wait(time.Hour)
	r.made("SU-"+id+"-1", pieces)
	r.must(r.server.CloseOrder(r.one("SU-" + id + "-1").ID))
}
