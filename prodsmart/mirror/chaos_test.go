package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart/webhook"
)

// plant is a Prodsmart in memory whose planners and workers change everything, and
// whose line to us fails in every way.
type plant struct {
	mu  sync.Mutex
	rng *rand.Rand
	// bad is the part of the requests and messages that something happens to.
	bad    float64
	nextID int64

	orders      map[int64]prodsmart.ProductionOrder
	productions map[int64]prodsmart.Production
	downtimes   map[int64]prodsmart.Downtime
	// stacks are the change channels: the numbers of what changed, oldest first.
	stacks map[Kind][]int64
	gone   map[int64]bool
	inbox  *shelf
	late   []Item
	calls  int
}

func newPlant(seed uint64) *plant {
	return &plant{rng: rand.New(rand.NewPCG(seed, 1)), orders: map[int64]prodsmart.ProductionOrder{}, productions: map[int64]prodsmart.Production{},
		downtimes: map[int64]prodsmart.Downtime{}, stacks: map[Kind][]int64{}, gone: map[int64]bool{}, inbox: &shelf{}}
}

// shelf is an inbox that survives the mirror.
type shelf struct {
	mu    sync.Mutex
	items []Item
	next  int64
	err   error
}

func (s *shelf) Put(_ context.Context, i Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.next++
	i.ID = s.next
	s.items = append(s.items, i)
	return nil
}

func (s *shelf) Items(_ context.Context, most int) ([]Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.items[:min(most, len(s.items))]), s.err
}

func (s *shelf) Done(_ context.Context, ids ...int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = slices.DeleteFunc(s.items, func(i Item) bool { return slices.Contains(ids, i.ID) })
	return s.err
}

var errLine = &prodsmart.Error{Answer: prodsmart.Answer{Verdict: prodsmart.Ambiguous, Text: "the line broke"}}

// line says what happens to a request: nothing, a failure before or after it had its
// effect, or a pause.
func (p *plant) line(ctx context.Context, effect func() error) error {
	p.mu.Lock()
	p.calls++
	chance, slow := p.rng.Float64(), time.Duration(p.rng.IntN(400))*time.Millisecond
	bad := p.bad
	p.mu.Unlock()
	time.Sleep(slow)
	if ctx.Err() != nil {
		return errLine
	}
	switch {
	case chance < bad*0.3:
		return errLine
	case chance < bad*0.4:
		return &prodsmart.Error{Answer: prodsmart.Answer{Verdict: prodsmart.Limited, Status: 429, RetryAfter: time.Second}}
	case chance < bad*0.5:
		return &prodsmart.Error{Answer: prodsmart.Answer{Verdict: prodsmart.Unauthorized, Status: 401}}
	}
	p.mu.Lock()
	err := effect()
	p.mu.Unlock()
	time.Sleep(slow)
	if chance > 1-bad*0.3 {
		return errLine
	}
	return err
}

func paged[T any](all []T, page int) []T {
	page = max(page, 1)
	first := min(len(all), (page-1)*prodsmart.PageSize)
	return slices.Clone(all[first:min(len(all), first+prodsmart.PageSize)])
}

func byID[T any](m map[int64]T, fits func(T) bool) []T {
	var list []T
	for _, id := range slices.Sorted(func(yield func(int64) bool) {
		for id := range m {
			if !yield(id) {
				return
			}
		}
	}) {
		if fits(m[id]) {
			list = append(list, m[id])
		}
	}
	return list
}

func (p *plant) ListOrders(ctx context.Context, status string, page int) (list []prodsmart.ProductionOrder, err error) {
	err = p.line(ctx, func() error {
		list = paged(byID(p.orders, func(o prodsmart.ProductionOrder) bool { return o.RunningStatus == status }), page)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (p *plant) GetOrder(ctx context.Context, id int64) (o prodsmart.ProductionOrder, err error) {
	err = p.line(ctx, func() error {
		var there bool
		if o, there = p.orders[id]; !there {
			return &prodsmart.Error{Answer: prodsmart.Answer{Verdict: prodsmart.Refused, Status: 404}}
		}
		return nil
	})
	return o, err
}

func (p *plant) ListProductions(ctx context.Context, q prodsmart.ProductionQuery) (list []prodsmart.Production, err error) {
	err = p.line(ctx, func() error {
		list = paged(byID(p.productions, q.Fits), q.Page)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (p *plant) ListDowntimes(ctx context.Context, q prodsmart.DowntimeQuery) (list []prodsmart.Downtime, err error) {
	err = p.line(ctx, func() error {
		list = paged(byID(p.downtimes, q.Fits), q.Page)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (p *plant) TakeChanges(ctx context.Context, channel string, workers bool) (items []json.RawMessage, err error) {
	kind := map[string]Kind{"o": Orders, "p": Productions, "d": Downtimes}[channel]
	err = p.line(ctx, func() error {
		stack := p.stacks[kind]
		n := min(len(stack), prodsmart.PageSize)
		for _, id := range stack[:n] {
			items = append(items, p.shape(kind, id))
		}
		p.stacks[kind] = slices.Clone(stack[n:])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// shape is an entity as channels and webhooks show it.
func (p *plant) shape(kind Kind, id int64) json.RawMessage {
	v := map[string]any{"id": id}
	switch kind {
	case Orders:
		o, there := p.orders[id]
		v["running-status"], v["status"], v["code"], v["notes"] = o.RunningStatus, o.Status, o.Code, o.Notes
		v["products"] = []any{map[string]any{"product": "P", "quantity-ordered": 10, "quantity-produced": json.Number(quantity(o))}}
		if !there {
			v["running-status"] = "deleted"
		}
	case Productions:
		r, there := p.productions[id]
		v["quantity"], v["checked-out"], v["start-time"] = json.Number(r.Quantity.String()), !r.Open, r.Start
		if !r.Open {
			v["end-time"] = r.End
		}
		if !there {
			v["quantity"], v["status"] = 0, "deleted"
		}
	case Downtimes:
		d, there := p.downtimes[id]
		v["downtime-type"], v["checked-out"], v["start-time"] = d.Type, !d.Open, d.Start
		if !d.Open {
			v["end-time"] = d.End
		}
		if !there {
			v["event-type"] = "downTime_deleted"
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

func quantity(o prodsmart.ProductionOrder) string {
	if len(o.Products) == 0 || o.Products[0].Produced.IsZero() {
		return "0"
	}
	return o.Products[0].Produced.String()
}

// changed feeds the channel and the webhooks.
func (p *plant) changed(kind Kind, id int64) {
	p.stacks[kind] = append(slices.DeleteFunc(p.stacks[kind], func(n int64) bool { return n == id }), id)
	topic := map[Kind]string{Orders: "productionOrder/update", Downtimes: "downTime/update", Productions: "production/update"}[kind]
	raw, err := json.Marshal(webhook.Delivery{Topic: topic, Body: p.shape(kind, id), Received: time.Now()})
	if err != nil {
		panic(err)
	}
	i := Item{At: time.Now(), Webhook: true, Body: raw}
	switch chance := p.rng.Float64(); {
	case chance < p.bad*0.4: // lost
	case chance < p.bad*0.6:
		p.late = append(p.late, i) // reordered, and repeated later
	case chance < p.bad*0.7:
		_ = p.inbox.Put(context.Background(), Item{At: time.Now(), Webhook: true, Body: []byte(`{"topic":"productionOrder/update","body":"` + "e30=" + `"}`)})
		_ = p.inbox.Put(context.Background(), Item{At: time.Now(), Webhook: true, Body: []byte("garbage")})
	default:
		_ = p.inbox.Put(context.Background(), i)
	}
	if len(p.late) > 3 {
		for _, i := range p.late {
			_ = p.inbox.Put(context.Background(), i)
		}
		p.late = nil
	}
}

// live changes something.
func (p *plant) live() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nextID++
	pick := func(ids []int64) int64 { return ids[p.rng.IntN(len(ids))] }
	orders, records, downtimes := keys(p.orders), keys(p.productions), keys(p.downtimes)
	switch n := p.rng.IntN(12); {
	case n < 3 || len(orders) == 0:
		p.orders[p.nextID] = prodsmart.ProductionOrder{ID: p.nextID, Code: "WO-" + strconv.FormatInt(p.nextID, 10), RunningStatus: "notstarted", Location: prodsmart.Reference{Code: "S"},
			Products: []prodsmart.OrderProduct{{Product: "P", Ordered: prodsmart.NewDecimal(10), Produced: prodsmart.NewDecimal(0)}}}
		p.changed(Orders, p.nextID)
	case n < 6:
		id := pick(orders)
		o := p.orders[id]
		o.RunningStatus = []string{"started", "started", "notstarted", "closed"}[p.rng.IntN(4)]
		o.Products = []prodsmart.OrderProduct{{Product: "P", Ordered: prodsmart.NewDecimal(10), Produced: prodsmart.NewDecimal(p.nextID)}}
		o.Notes = fmt.Sprint(p.nextID)
		p.orders[id] = o
		p.changed(Orders, id)
	case n == 6:
		id := pick(orders)
		delete(p.orders, id)
		p.changed(Orders, id)
	case n < 9 || len(records) == 0 || len(downtimes) == 0:
		p.productions[p.nextID] = prodsmart.Production{ID: p.nextID, Quantity: prodsmart.NewDecimal(p.nextID), Open: true, Start: now()}
		p.changed(Productions, p.nextID)
		p.nextID++
		p.downtimes[p.nextID] = prodsmart.Downtime{ID: p.nextID, Type: "X", Open: true, Start: now()}
		p.changed(Downtimes, p.nextID)
	case n == 9:
		id := pick(records)
		r := p.productions[id]
		r.Open, r.End, r.Quantity = false, now(), prodsmart.NewDecimal(p.nextID)
		p.productions[id] = r
		p.changed(Productions, id)
		id = pick(downtimes)
		d := p.downtimes[id]
		d.Open, d.End = false, now()
		p.downtimes[id] = d
		p.changed(Downtimes, id)
	case n == 10:
		id := pick(downtimes)
		delete(p.downtimes, id)
		p.changed(Downtimes, id)
		id = pick(records)
		delete(p.productions, id)
		p.changed(Productions, id)
	}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func keys[T any](m map[int64]T) []int64 {
	var list []int64
	for id := range m {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// reader reads entities with the real client.
func reader(t testing.TB) Reader {
	c, err := prodsmart.New(prodsmart.Config{URL: "http://127.0.0.1:1", Insecure: true, Key: prodsmart.NewSecret("k"), Secret: prodsmart.NewSecret("s")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// slots is a budget of two requests a second.
func slots(ctx context.Context, _ bool, do func(context.Context) prodsmart.Answer) error {
	time.Sleep(500 * time.Millisecond)
	if err := ctx.Err(); err != nil {
		return err
	}
	do(ctx)
	return nil
}

// TestChaos: after bad hours, with the mirror killed in between, it is as Prodsmart.
func TestChaos(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 5
	}
	first := uint64(1)
	if text := os.Getenv("SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, seeds = n, 1
	}
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, seed) })
		})
	}
}

func chaos(t *testing.T, seed uint64) {
	p, rng := newPlant(seed), rand.New(rand.NewPCG(seed, 2))
	channels := map[Kind]string{Orders: "o", Productions: "p", Downtimes: "d"}
	for k := range channels {
		if rng.IntN(3) == 0 {
			delete(channels, k) // three channels at most, and perhaps none
		}
	}
	read := reader(t)
	var m *Mirror
	for life := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		m = New(Settings{Channels: channels}, p, read, p.inbox, slots)
		ended := make(chan struct{})
		go func() { defer close(ended); m.Run(ctx) }()
		p.mu.Lock()
		p.bad = []float64{0.1, 0.5, 0.9, 0.2}[life]
		p.mu.Unlock()
		for range 300 {
			p.live()
			m.Wake()
			if life == 2 && rng.IntN(20) == 0 {
				m.Suspect()
			}
			time.Sleep(time.Duration(rng.IntN(20000)) * time.Millisecond)
		}
		if life == 3 {
			p.mu.Lock()
			p.bad = 0
			p.mu.Unlock()
			time.Sleep(45 * time.Minute)
			compare(t, p, m)
			quiet(t, p, m)
		}
		cancel()
		<-ended
	}
}

// quiet: with nothing to do the mirror costs what its settings say.
func quiet(t *testing.T, p *plant, m *Mirror) {
	p.mu.Lock()
	before := p.calls
	lists := 2 + 2 + 2 + (len(p.orders)+len(p.productions)+2*len(p.downtimes))/prodsmart.PageSize + 6
	p.mu.Unlock()
	time.Sleep(time.Hour)
	p.mu.Lock()
	defer p.mu.Unlock()
	if most := 3*121 + 7*lists; p.calls-before > most {
		t.Errorf("%d requests in a quiet hour, at most %d are needed; %+v", p.calls-before, most, m.Status())
	}
}

// compare looks whether the mirror is as Prodsmart, and says so.
func compare(t *testing.T, p *plant, m *Mirror) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	have := map[int64]prodsmart.ProductionOrder{}
	for _, o := range m.Orders() {
		have[o.ID] = o
	}
	for id, want := range p.orders {
		got, there := have[id]
		if open(want) && (!there || got.RunningStatus != want.RunningStatus || quantity(got) != quantity(want) || got.Notes != want.Notes || got.Location != want.Location) {
			t.Errorf("order %d is %+v in the mirror (%t), and %+v", id, got, there, want)
		}
		if !open(want) && there && open(got) {
			t.Errorf("order %d is %s, and %s in the mirror", id, want.RunningStatus, got.RunningStatus)
		}
	}
	for id, got := range have {
		if _, there := p.orders[id]; !there && open(got) {
			t.Errorf("order %d is deleted, and in the mirror", id)
		}
	}
	since := time.Now().Add(-7 * time.Hour)
	sameRecords(t, "production", p.productions, m.Productions(), func(r prodsmart.Production) int64 { return r.ID },
		func(r prodsmart.Production) bool { return r.Open || r.End.After(since) },
		func(a, b prodsmart.Production) bool {
			return a.Open == b.Open && a.Quantity == b.Quantity && a.End.Equal(b.End)
		})
	sameRecords(t, "downtime", p.downtimes, m.Downtimes(), func(d prodsmart.Downtime) int64 { return d.ID },
		func(d prodsmart.Downtime) bool { return d.Open || d.End.After(since) },
		func(a, b prodsmart.Downtime) bool { return a.Open == b.Open && a.End.Equal(b.End) })
	s := m.Status()
	for k, ks := range s.Kinds {
		if age := time.Since(ks.TrueAt); age > 15*time.Minute {
			t.Errorf("%s are known to be right %s ago", Kind(k), age)
		}
	}
	if s.Problem != "" || s.Hints != 0 {
		t.Errorf("the status is %+v", s)
	}
}

func sameRecords[T any](t *testing.T, what string, want map[int64]T, list []T, id func(T) int64, matters func(T) bool, same func(a, b T) bool) {
	t.Helper()
	have := map[int64]T{}
	for _, r := range list {
		have[id(r)] = r
	}
	for n, w := range want {
		got, there := have[n]
		if matters(w) && (!there || !same(got, w)) {
			t.Errorf("%s %d is %+v in the mirror (%t), and %+v", what, n, got, there, w)
		}
	}
	for n, got := range have {
		if w, there := want[n]; !there && matters(got) || there && matters(got) && !matters(w) {
			t.Errorf("%s %d is %+v in the mirror, and %+v (%t)", what, n, got, w, there)
		}
	}
}
