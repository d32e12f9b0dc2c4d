package orders_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	rules "github.com/prodsmart-gateway/prodsmart-gateway/mapping/orders"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
)

// system is one business system of the chaos: its office works, it fails, and in the
// end it says what it wants.
type system interface {
	// config is the source as a plant would configure it.
	config() orders.Config
	// act is one thing that the office does.
	act(r *rand.Rand)
	// trouble begins some; mend ends all.
	trouble(r *rand.Rand)
	mend()
	// wants are the documents by their key as it is in markers.
	wants() map[string]document
	// overspent says what was called too often; empty if nothing was.
	overspent() string
}

// checker is a system without orders, which compares otherwise.
type checker interface {
	check(w *world, orders map[string][]mes.OrderState)
}

// keyer is a system whose markers have other keys than wants.
type keyer interface{ key(document string) string }

// origin is the source and the document of an order, by its marker.
func (w *world) origin(o mes.OrderState) (name, document string) {
	name, document, _ = source(o.Description)
	for _, s := range w.systems {
		if k, ok := s.(keyer); ok && s.config().Name == name {
			document = k.key(document)
		}
	}
	return name, document
}

// document is an order as the office has it.
type document struct {
	state erp.State
	lines []line
	// ever is how many lines it has had since it was made.
	ever int
}

// line is what is wanted of a product.
type line struct {
	product, quantity string
}

// world is a plant with several systems, a Prodsmart, planners, workers and operators
// in virtual time.
type world struct {
	*testing.T
	r       *rand.Rand
	server  *mes.Server
	client  *prodsmart.Client
	disks   disks
	systems []system
	mirror  *orders.Mirror
	stop    func()

	machines []string
	running  map[string]int // the order that is made on a machine
	// touched are the orders that a planner changed, with what the planner wrote.
	touched map[int]planned
	// thrown are the sources, documents and products of orders that a planner deleted,
	// kept the codes of those of which an
	// operator said that they stay as they are.
	thrown, kept map[string]bool
	// began are the orders that were started.
	began map[int]string
	count map[string]int
}

// planned is what a planner wrote.
type planned struct {
	field string
	value string
	// wanted is what the source wanted of the line then: as long as it does not change,
	// the planner's value has to stay.
	wanted string
}

// disks are books by source.
type disks map[string]*disk

func (d disks) Rows(ctx context.Context, source string) ([]rules.Row, error) {
	return d[source].Rows(ctx, source)
}

func (d disks) Keep(ctx context.Context, source string, rows []rules.Row, events []rules.Event) error {
	return d[source].Keep(ctx, source, rows, events)
}

func (d disks) Meter(ctx context.Context, source string) (string, error) {
	return d[source].Meter(ctx, source)
}

func (d disks) KeepMeter(ctx context.Context, source, kept string) error {
	return d[source].KeepMeter(ctx, source, kept)
}

// goods are what the plant makes.
func goods() []string {
	var out []string
	for n := range 20 {
		out = append(out, fmt.Sprintf("P-%d", 100+n))
	}
	return out
}

func newWorld(t *testing.T, seed uint64, systems []system) *world {
	t.Helper()
	w := &world{
		T: t, r: rand.New(rand.NewPCG(seed, 11)), disks: disks{}, systems: systems, running: map[string]int{}, touched: map[int]planned{},
		thrown: map[string]bool{}, kept: map[string]bool{}, began: map[int]string{}, count: map[string]int{},
	}
	var setups []mes.MachineSetup
	for n := range 12 {
		w.machines = append(w.machines, fmt.Sprintf("M%d", n+1))
		setups = append(setups, mes.MachineSetup{Code: w.machines[n]})
	}
	var err error
	w.server, err = mes.New(mes.Config{Key: "key", Secret: "secret", Seed: seed, Machines: setups, KeepCalls: 1000})
	if err != nil {
		t.Fatal(err)
	}
	network := pipe.New()
	t.Cleanup(network.Serve(w.server))
	t.Cleanup(func() { _ = w.server.Close() })
	w.client, err = prodsmart.New(prodsmart.Config{URL: "http://prodsmart", Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"),
		Timeout: 5 * time.Second, Dial: network.Dial, Proxy: prodsmart.ProxyDirect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	for _, code := range goods() {
		w.server.AddProduct(code, code, "OP")
	}
	for _, s := range systems {
		w.disks[s.config().Name] = &disk{rows: map[string]rules.Row{}}
	}
	t.Cleanup(func() { w.down() })
	return w
}

// up starts the gateway's part; down ends it as a crash does: nobody is asked.
func (w *world) up() {
	ctx, cancel := context.WithCancel(w.Context())
	one := make(chan struct{}, 1)
	gate := func(ctx context.Context, _ bool, do func(context.Context) prodsmart.Answer) error {
		select {
		case one <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-one }()
		select {
		case <-time.After(600 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		do(ctx)
		return nil
	}
	view := mirror.New(mirror.Settings{Every: 30 * time.Minute}, mirror.FromClient(w.client), w.client, nowhere{}, gate)
	var list []orders.Config
	for _, s := range w.systems {
		list = append(list, s.config())
	}
	w.mirror = orders.New(orders.Deps{Client: w.client, Gate: gate, View: view, Keeper: w.disks, PerMinute: 30, StocksPerMinute: 20}, list)
	var all sync.WaitGroup
	all.Go(func() { view.Run(ctx) })
	all.Go(func() { w.mirror.Run(ctx) })
	w.stop = func() { cancel(); all.Wait() }
}

func (w *world) down() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.r.IntN(n) == 0 }

// step lets half an hour go by: the offices work, workers make, planners plan,
// things break.
func (w *world) step(acts int) {
	for _, s := range w.systems {
		for range acts {
			s.act(w.r)
		}
		if w.chance(150) {
			s.trouble(w.r)
			w.count["outages"]++
		}
		if w.chance(12) {
			s.mend()
		}
	}
	w.produce()
	if w.chance(4) {
		w.plan()
	}
	if w.chance(10) {
		w.operate()
	}
	if w.chance(40) {
		w.upset()
	}
	if w.chance(100) {
		w.count["restarts"]++
		w.down()
	}
	if w.chance(500) {
		w.loseStore()
	}
	if w.stop == nil {
		w.up()
	}
	time.Sleep(time.Duration(20+w.r.IntN(20)) * time.Minute)
}

// loseStore forgets all books.
func (w *world) loseStore() {
	w.count["stores lost"]++
	w.down()
	for _, d := range w.disks {
		clear(d.rows)
	}
}

// upset lets Prodsmart fail for a while.
func (w *world) upset() {
	w.count["upsets of Prodsmart"]++
	kinds := []mes.FaultKind{mes.FaultStatus, mes.FaultDropBefore, mes.FaultDropAfter, mes.FaultNeverAfter, mes.FaultTruncated, mes.FaultPage, mes.FaultLimit, mes.FaultTwice, mes.FaultPageAfter}
	_, err := w.server.AddFault(mes.Fault{Kind: kinds[w.r.IntN(len(kinds))], Chance: 0.4, For: time.Duration(5+w.r.IntN(60)) * time.Minute})
	if err != nil {
		w.Fatal(err)
	}
}

// produce lets each machine make a part of an order.
func (w *world) produce() {
	all := map[int]mes.OrderState{}
	var idle []int
	for _, o := range w.server.Orders() {
		all[o.ID] = o
		if o.RunningStatus == "notstarted" && o.Active {
			idle = append(idle, o.ID)
		}
	}
	for _, m := range w.machines {
		order, ok := all[w.running[m]]
		if !ok || order.RunningStatus == "closed" {
			if len(idle) == 0 {
				continue
			}
			order = all[idle[w.r.IntN(len(idle))]]
			if _, err := w.server.StartOrder(order.ID, m, mes.Work{Operation: "OP", Product: order.Lines[0].Product}); err != nil {
				continue // another machine has it
			}
			idle = slices.DeleteFunc(idle, func(id int) bool { return id == order.ID })
			w.running[m] = order.ID
		}
		w.make(m, order)
	}
}

func (w *world) make(m string, order mes.OrderState) {
	state, _ := w.server.Machine(m)
	left := order.Lines[0].Ordered - order.Made[0]
	pieces := float64(1 + w.r.IntN(int(max(order.Lines[0].Ordered, 1))))
	if left > 0 {
		w.server.ForeignCall("counter", m, fmt.Sprintf(`{"count":%g}`, state.Counter+min(pieces, max(left, 1))))
		w.began[order.ID] = order.Code
	}
	if left-pieces > 0 {
		return
	}
	if _, err := w.server.FinishOrder(order.ID); err == nil {
		_ = w.server.CloseOrder(order.ID) // somebody may have deleted it meanwhile
	}
	delete(w.running, m)
	w.count["made"]++
}

// plan is what a planner does to an order that is not started.
func (w *world) plan() {
	var open []mes.OrderState
	for _, o := range w.server.Orders() {
		if o.RunningStatus == "notstarted" && o.Active && !w.busy(o.ID) {
			open = append(open, o)
		}
	}
	if len(open) == 0 {
		return
	}
	o := open[w.r.IntN(len(open))]
	w.count["planner's edits"]++
	switch w.r.IntN(10) {
	case 0:
		name, document := w.origin(o)
		w.thrown[name+" "+document+" "+o.Lines[0].Product] = true
		_ = w.server.DeleteOrder(o.ID)
	case 1, 2, 3:
		w.edit(o, "quantity", fmt.Sprintf(`{"products": [{"product": %q, "quantity-ordered": %g}]}`, o.Lines[0].Product, o.Lines[0].Ordered+7), fmt.Sprint(o.Lines[0].Ordered+7))
	default:
		due := o.Due.Add(36 * time.Hour).UTC().Format(time.RFC3339)
		w.edit(o, "due", fmt.Sprintf(`{"due-date": %q}`, due), due)
	}
}

func (w *world) busy(id int) bool {
	for _, running := range w.running {
		if running == id {
			return true
		}
	}
	return false
}

func (w *world) edit(o mes.OrderState, field, body, value string) {
	if err := w.server.EditOrder(o.ID, json.RawMessage(body)); err != nil {
		w.Fatal(err)
	}
	w.touched[o.ID] = planned{field, value, w.wanted(o.Code)}
}

// wanted is what the source wants of an order, as the book has it.
func (w *world) wanted(code string) string {
	for _, d := range w.disks {
		for _, e := range w.entries(d) {
			if e.Code == code {
				return fmt.Sprint(e.Raw.Quantity, e.Raw.Due, e.Want.Quantity, e.Want.Due)
			}
		}
	}
	return ""
}

func (w *world) entries(d *disk) []rules.Entry {
	rows, err := d.Rows(w.Context(), "")
	if err != nil {
		w.Fatal(err)
	}
	b, err := rules.Open(rules.Defaults("x"), rows, nil)
	if err != nil {
		w.Fatal(err)
	}
	return b.Entries()
}

// operate is what an operator does who looks at the list now and then.
func (w *world) operate() {
	if w.stop == nil {
		return
	}
	for _, status := range w.mirror.Status() {
		ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
		if status.Hold != nil {
			w.count["holds released"]++
			_ = w.mirror.Resolve(ctx, status.Name, "", "release") // it may be over by now
		}
		for _, e := range w.entries(w.disks[status.Name]) {
			if e.Ask == nil || e.Ask.Answer != "" {
				continue
			}
			option := e.Ask.Options[w.r.IntN(len(e.Ask.Options))]
			if w.mirror.Resolve(ctx, status.Name, e.Code, option) != nil {
				continue // the question is over by now
			}
			w.kept[e.Code] = option == "keep"
			if option == "apply" {
				delete(w.touched, int(e.ID)) // an operator decided against the planner
			}
			w.count["answers"]++
		}
		cancel()
	}
}

// source is the source, document and line of a marker.
func source(description string) (name, document, line string) {
	_, marker, ok := strings.Cut(description, "[src:")
	parts := strings.Split(strings.TrimSuffix(strings.TrimSpace(marker), "]"), ":")
	if !ok || len(parts) < 3 {
		return "", "", ""
	}
	return parts[0], strings.Join(parts[1:len(parts)-1], ":"), parts[len(parts)-1]
}
