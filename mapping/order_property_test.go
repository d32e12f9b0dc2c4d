package mapping

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// orderPlant is a machine that counts over connection c and names its order over
// connection d, each polled once a second, with all that goes wrong.
type orderPlant struct {
	*rig
	rng    *rand.Rand
	raw    int64
	base   int64            // raw when it was first read
	order  string           // that truly runs
	shown  string           // by the tag
	began  map[string]int64 // true count when each order began
	orders int
	calm   time.Time // the tag is left alone until then
	up     map[string]bool
	bad    bool
}

// live lets a tenth of a second pass.
func (p *orderPlant) live(step int) {
	p.now = p.now.Add(100 * time.Millisecond)
	if p.rng.IntN(3) == 0 {
		p.raw++ // at most 10 and on average 3.3 in a second
	}
	if p.now.After(p.calm) {
		if p.shown != p.order { // and it stays for a poll at least
			p.shown, p.calm = p.order, p.now.Add(1100*time.Millisecond)
		}
	}
	if p.now.After(p.calm) {
		switch p.rng.IntN(100) {
		case 0, 1: // another order
			p.orders++
			p.order = fmt.Sprint("J-", p.orders)
			p.shown, p.began[p.order] = p.order, p.raw
			p.calm = p.now.Add(time.Duration(p.rng.IntN(15_000)) * time.Millisecond)
		case 2: // something else for a moment
			p.shown = fmt.Sprint("?", step)
			p.calm = p.now.Add(time.Duration(p.rng.IntN(900)) * time.Millisecond)
		}
	}
	for _, c := range []string{"c", "d"} {
		if p.rng.IntN(150) == 0 {
			p.up[c] = !p.up[c]
			link := connectors.LinkDown
			if p.up[c] {
				link = connectors.LinkUp
			}
			p.relink(c, link)
		}
	}
	if p.rng.IntN(100) == 0 {
		p.bad = !p.bad
	}
	if p.rng.IntN(400) == 0 {
		p.restart(time.Duration(p.rng.IntN(20_000))*time.Millisecond, orderSpec(busy))
		p.relink("d", connectors.LinkUp)
		p.up["c"], p.up["d"] = true, true
	}
	if step%10 == 0 && p.up["c"] {
		if p.base == 0 {
			p.base = p.raw
		}
		p.from("c", 0, connectors.Int(p.raw))
	}
	if step%10 == 3 && p.up["d"] {
		if p.bad {
			p.from("d", 1, connectors.Sample{Quality: connectors.Bad, Value: connectors.String("broken")})
		} else {
			p.from("d", 1, p.shown)
		}
	}
	p.pass(p.now)
}

func busy(s *Spec) {
	onAnother(s)
	s.Count.MaxRate, s.Count.Burst = Whole(20), Whole(20)
}

// TestOrdersGetNoPieceOfTheOneBefore holds the rule of doubt over random lives:
// no piece that was made before an order began is ever taken to be of it; what
// is taken for the order before is no more than what was made in a poll, unless
// something was down; flickers are no orders; and the last one is known in the end.
func TestOrdersGetNoPieceOfTheOneBefore(t *testing.T) {
	for seed := range uint64(200) {
		p := &orderPlant{rng: rand.New(rand.NewPCG(seed, 1)), raw: 100, order: "J-0", shown: "J-0", began: map[string]int64{"J-0": 100}, up: map[string]bool{"c": true, "d": true}}
		p.rig = newRig(t, orderSpec(busy))
		p.relink("d", connectors.LinkUp)
		var last int64
		for step := range 1200 {
			p.live(step)
			r, open := p.m.Report(), p.m.order.state.Open
			began, is := p.began[r.Order]
			switch {
			case r.Order == "" && p.m.order.state.Source == "":
			case !is && !r.OrderSince.IsZero():
				t.Fatalf("seed %d, %v: %q was never an order", seed, p.now, r.Order)
			case r.OrderCount < last || r.OrderCount > r.Count:
				t.Fatalf("seed %d, %v: order %q begins at %d of %d, the one before at %d", seed, p.now, r.Order, r.OrderCount, r.Count, last)
			case !open && !r.OrderSince.IsZero() && r.OrderCount < began-p.base:
				t.Fatalf("seed %d, %v: order %q begins at %d, but truly at %d\n%s", seed, p.now, r.Order, r.OrderCount, began-p.base, p.log())
			}
			last = r.OrderCount
		}
		for _, c := range []string{"c", "d"} {
			p.relink(c, connectors.LinkUp)
		}
		for range 4 {
			p.now = p.now.Add(time.Second)
			p.from("c", 0, connectors.Int(p.raw))
			p.from("d", 1, p.order)
		}
		if r := p.m.Report(); r.Order != p.order || p.m.order.state.Open {
			t.Fatalf("seed %d: in the end the order is %q instead of %q\n%s", seed, r.Order, p.order, p.log())
		}
	}
}

// TestOrderOfAnUndisturbedMachine holds how exact it is: within a poll.
func TestOrderOfAnUndisturbedMachine(t *testing.T) {
	r := newRig(t, orderSpec(busy))
	r.relink("d", connectors.LinkUp)
	raw, began, order := int64(100), int64(0), ""
	for step := range 20_000 {
		r.now = r.now.Add(100 * time.Millisecond)
		if step%3 == 0 {
			raw++
		}
		if step%97 == 0 {
			order, began = fmt.Sprint("J-", step), raw-100
		}
		if step%10 == 0 {
			r.from("c", 0, connectors.Int(raw))
		}
		if step%10 == 3 {
			r.from("d", 1, order)
		}
		r.pass(r.now)
		if got := r.m.Report(); got.Order == order && !got.OrderSince.IsZero() && (got.OrderCount < began || got.OrderCount > began+7) {
			t.Fatalf("%v: order %s begins at %d instead of %d", r.now, order, got.OrderCount, began)
		}
	}
	if got := r.m.Report().Order; got != order && len(r.events) < 100 {
		t.Fatal("too few orders were seen")
	}
}
