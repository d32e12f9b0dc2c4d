package mirror_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/mes"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/sim/pipe"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/mirror"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// box is an inbox that outlives the mirror, and hands messages on.
type box struct {
	mu    sync.Mutex
	items []mirror.Item
	next  int64
	wake  func()
}

func (b *box) Put(_ context.Context, i mirror.Item) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	i.ID = b.next
	b.items = append(b.items, i)
	return nil
}

func (b *box) Items(_ context.Context, most int) ([]mirror.Item, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.items[:min(most, len(b.items))]), nil
}

func (b *box) Done(_ context.Context, ids ...int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = slices.DeleteFunc(b.items, func(i mirror.Item) bool { return slices.Contains(ids, i.ID) })
	return nil
}

// door keeps messages of the webhook.
type door struct{ box *box }

func (d door) Put(ctx context.Context, m webhook.Delivery) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	d.box.mu.Lock()
	wake := d.box.wake
	d.box.mu.Unlock()
	err = d.box.Put(ctx, mirror.Item{At: m.Received, Webhook: true, Body: body})
	wake()
	return err
}

// world is a Prodsmart with a plant and planners, a webhook's door and what follows it.
type world struct {
	*testing.T
	rng    *rand.Rand
	server *mes.Server
	client *prodsmart.Client
	box    *box
	mirror *mirror.Mirror
	orders []int
	count  int
}

// TestFollowingThePretendProdsmart: over HTTP, with channels and webhooks that lose,
// repeat, reorder and delay, forged messages, broken answers, and ends of the program,
// the copy is as Prodsmart in the end, with every way to sign.
func TestFollowingThePretendProdsmart(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { follow(t, seed) })
		})
	}
}

func follow(t *testing.T, seed uint64) {
	w := &world{T: t, rng: rand.New(rand.NewPCG(seed, 9)), box: &box{wake: func() {}}}
	inside, hooks := pipe.New(), pipe.New()
	courier := &http.Transport{DialContext: hooks.Dial}
	defer courier.CloseIdleConnections()
	mode := mes.Questions()["signature_mode"][seed%5]
	options := mes.Options{Limit: -1, OrderOptions: mes.OrderOptions{SignatureMode: mes.SignatureMode(mode)}}
	if seed%2 == 1 {
		options.OrderDeletion = mes.OrderDeletion(mes.Questions()["order_deletion"][1])
	}
	var err error
	w.server, err = mes.New(mes.Config{Key: "key", Secret: "secret", Profile: mes.Profile{Options: options}, Seed: seed, Webhooks: &http.Client{Transport: courier, Timeout: 10 * time.Second},
		Channels: []mes.ChannelSetup{{Name: "c-o", Type: "PRODUCTION_ORDER"}, {Name: "c-p", Type: "PRODUCTION"}, {Name: "c-d", Type: "DOWNTIME"}},
		Machines: []mes.MachineSetup{{Code: "M1", Types: []mes.TypeSetup{{Name: "HALT"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Serve(w.server)()
	receiver, err := webhook.New(webhook.Config{Path: "/hooks/x", Secrets: []prodsmart.Secret{prodsmart.NewSecret("secret")}}, door{w.box})
	if err != nil {
		t.Fatal(err)
	}
	defer hooks.Serve(receiver)()
	if _, err := w.server.Subscribe("http://here/hooks/x", nil); err != nil {
		t.Fatal(err)
	}
	w.client, err = prodsmart.New(prodsmart.Config{URL: "http://prodsmart", Insecure: true, Key: prodsmart.NewSecret("key"), Secret: prodsmart.NewSecret("secret"), Timeout: 5 * time.Second,
		Dial: inside.Dial, Proxy: prodsmart.ProxyDirect})
	if err != nil {
		t.Fatal(err)
	}
	defer w.client.Close()
	defer func() {
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	}()
	for life := range 3 {
		stop := w.live()
		w.storm(life)
		if life == 2 {
			w.server.ClearFaults()
			time.Sleep(40 * time.Minute)
			w.compare(receiver, mode)
		}
		stop()
	}
}

// live starts a mirror.
func (w *world) live() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	w.mirror = mirror.New(mirror.Settings{Channels: map[mirror.Kind]string{mirror.Orders: "c-o", mirror.Productions: "c-p", mirror.Downtimes: "c-d"}},
		mirror.FromClient(w.client), w.client, w.box, func(ctx context.Context, _ bool, do func(context.Context) prodsmart.Answer) error {
			time.Sleep(600 * time.Millisecond)
			if err := ctx.Err(); err != nil {
				return err
			}
			do(ctx)
			return nil
		})
	w.box.mu.Lock()
	w.box.wake = w.mirror.Wake
	w.box.mu.Unlock()
	ended := make(chan struct{})
	go func() { defer close(ended); w.mirror.Run(ctx) }()
	return func() { cancel(); <-ended }
}

// storm lets people work while everything fails now and then.
func (w *world) storm(life int) {
	w.server.ClearFaults()
	bad := []float64{0.05, 0.3, 0.15}[life]
	for _, f := range []mes.Fault{
		{Kind: mes.FaultDropAfter}, {Kind: mes.FaultDropBefore}, {Kind: mes.FaultStatus, Status: 503}, {Kind: mes.FaultMalformed, Service: "changes"},
		{Kind: mes.FaultHookLost}, {Kind: mes.FaultHookRepeated}, {Kind: mes.FaultHookReordered}, {Kind: mes.FaultHookDelayed, Delay: 20 * time.Second},
	} {
		f.Chance = bad
		if _, err := w.server.AddFault(f); err != nil {
			w.Fatal(err)
		}
	}
	for range 150 {
		if err := w.work(); err != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Duration(w.rng.IntN(30_000)) * time.Millisecond)
	}
}

// work is one thing that people and machines do.
func (w *world) work() error {
	pick := func() int { return w.orders[w.rng.IntN(len(w.orders))] }
	w.count++
	n := w.rng.IntN(10)
	if n < 3 || len(w.orders) < 3 {
		id, err := w.server.PlanOrder(json.RawMessage(fmt.Sprintf(`{"code":"WO-%d","start-date":"2000-02-01T06:00:00Z","due-date":"2000-02-03T06:00:00Z","products":[{"product":"P","quantity-ordered":1000}],"active":true}`, w.count)))
		w.orders = append(w.orders, id)
		return err
	}
	switch n {
	case 3, 4:
		return w.server.EditOrder(pick(), json.RawMessage(fmt.Sprintf(`{"notes":"changed %d"}`, w.count)))
	case 5:
		_, err := w.server.StartOrder(pick(), "M1", mes.Work{Operation: "OP", Product: "P"})
		w.server.ForeignCall("counter", "M1", fmt.Sprintf(`{"count":%d}`, 10*w.count))
		return err
	case 6:
		w.server.ForeignCall("counter", "M1", fmt.Sprintf(`{"count":%d}`, 10*w.count))
		_, err := w.server.FinishProductions("M1")
		return err
	case 7:
		return w.server.WorkerStops("M1", "HALT", 1)
	case 8:
		_, err := w.server.WorkerStarts("M1", 1)
		return err
	}
	i := w.rng.IntN(len(w.orders))
	id := w.orders[i]
	w.orders = slices.Delete(w.orders, i, i+1)
	if w.rng.IntN(2) == 0 {
		return w.server.CloseOrder(id)
	}
	return w.server.DeleteOrder(id)
}

// compare looks whether the copy is as Prodsmart.
func (w *world) compare(receiver *webhook.Receiver, mode string) {
	w.Helper()
	want := map[int64]prodsmart.ProductionOrder{}
	for o, err := range w.client.ProductionOrders().All(w.Context(), prodsmart.ProductionOrderQuery{Workers: true}) {
		if err != nil {
			w.Fatal(err)
		}
		want[o.ID] = o
	}
	open := func(o prodsmart.ProductionOrder) bool {
		return o.RunningStatus == "notstarted" || o.RunningStatus == "started"
	}
	for _, got := range w.mirror.Orders() {
		o, there := want[got.ID]
		if open(got) && (!there || o.RunningStatus != got.RunningStatus || o.Notes != got.Notes || o.Products[0].Produced != got.Products[0].Produced) {
			w.Errorf("order %d is %+v, and in the copy %+v", got.ID, o, got)
		}
		delete(want, got.ID)
	}
	for _, o := range want {
		if open(o) {
			w.Errorf("order %d is missing in the copy", o.ID)
		}
	}
	m, _ := w.server.Machine("M1")
	stops := map[int64]bool{}
	for _, d := range m.Downtimes {
		stops[int64(d.ID)] = d.Open()
	}
	for _, d := range w.mirror.Downtimes() {
		if is, there := stops[d.ID]; !there || is != d.Open {
			w.Errorf("downtime %d is open %t (%t), and in the copy %t", d.ID, is, there, d.Open)
		}
		delete(stops, d.ID)
	}
	for id, is := range stops {
		if is {
			w.Errorf("downtime %d is missing in the copy", id)
		}
	}
	s := w.mirror.Status()
	if s.Problem != "" || s.Hints != 0 || s.Batches == 0 || s.Messages == 0 {
		w.Errorf("%+v", s)
	}
	if r := receiver.Status(); r.Accepted == 0 || r.Unsigned != 0 || !strings.HasPrefix(string(r.Matched), "sha") {
		w.Errorf("%s: %+v", mode, r)
	}
}
