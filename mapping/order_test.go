package mapping

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// orderSpec is a machine with a counter (signal 0) and an order (signal 1) on
// one connection.
func orderSpec(change func(*Spec)) Spec {
	s := countSpec(resets, "order")
	s.Order = &OrderSpec{Signal: 1}
	if change != nil {
		change(&s)
	}
	return s
}

// onAnother reads the order over a connection of its own.
func onAnother(s *Spec) { s.Signals[1].Connection = "d" }

// orderRig is a machine that has made 3 pieces of J-1 at 06:00:12, which began at
// 06:00:06 with a total of 1.
func orderRig(t testing.TB) *rig {
	t.Helper()
	r := newRig(t, orderSpec(nil))
	r.after(sec, 0, 100, 1, "J-0")
	r.after(5*sec, 0, 101, 1, "J-1")
	r.after(5*sec, 0, 102)
	r.after(sec, 0, 103)
	return r
}

func (r *rig) wantOrder(text string, count int64, since time.Time) {
	r.t.Helper()
	if got := r.m.Report(); got.Order != text || got.OrderCount != count || !got.OrderSince.Equal(since) {
		r.t.Fatalf("order %q at a count of %d since %v, want %q at %d since %v; events:\n%s",
			got.Order, got.OrderCount, got.OrderSince, text, count, since, r.log())
	}
}

func (r *rig) wantEvents(rule string, want int) {
	r.t.Helper()
	n := 0
	for _, e := range r.events {
		if e.Rule == rule {
			n++
		}
	}
	if n != want {
		r.t.Fatalf("%d events %s, want %d:\n%s", n, rule, want, r.log())
	}
}

func (r *rig) relink(connection string, link connectors.Link) {
	r.t.Helper()
	r.step(Batch{Time: r.now, Connection: connection, Link: link})
}

func (r *rig) from(connection string, signal int, v any) {
	r.t.Helper()
	s, is := v.(connectors.Sample)
	if !is {
		s = good(v)
	}
	r.step(Batch{Time: r.now, Connection: connection, Readings: []Reading{{Signal: signal, Sample: &s}}})
}

func TestOrderOfTheFirstContactIsNoChange(t *testing.T) {
	r := newRig(t, orderSpec(nil))
	r.wantOrder("", 0, time.Time{})
	r.after(sec, 0, 100, 1, " J-0\x00")
	r.after(3*sec, 0, 101)
	r.wantOrder("J-0", 0, time.Time{})
	r.wantEvent("order", `there is "J-0"`)
	r.wantEvents("order", 1)
}

func TestOrderBeginsWithTheSampleThatShowsIt(t *testing.T) {
	r := orderRig(t)
	r.wantOrder("J-1", 1, epoch.Add(6*sec))
	r.wantCount(3)
	r.wantEvent("order", `from "J-0" to "J-1" 2s ago, at a total of 1`)
	// It is believed by the clock alone, and reported then.
	r.after(sec, 0, 104, 1, "J-2")
	began := r.now
	r.urgent = false
	if r.pass(r.now.Add(1900 * time.Millisecond)); r.m.Report().Order != "J-1" || r.urgent {
		t.Fatal("an order is believed too early")
	}
	if r.pass(r.now.Add(2 * sec)); !r.urgent {
		t.Fatal("a change of the order need not be saved")
	}
	r.wantOrder("J-2", 4, began)
}

func TestOrderThatFlickersIsNoChange(t *testing.T) {
	r := orderRig(t)
	for range 5 {
		r.after(time.Second, 1, "")
		r.after(time.Second, 1, "J-1")
		r.after(time.Second, 1, "J-")
		r.after(time.Second, 1, "J-1")
	}
	r.after(10*sec, 0, 104)
	r.wantOrder("J-1", 1, epoch.Add(6*sec))
	r.wantEvents("order", 2)
	// One that is written in pieces begins with the last of them.
	r.after(sec, 1, "")
	r.after(sec, 0, 105, 1, "J-")
	r.after(sec, 0, 106, 1, "J-2")
	began := r.now
	r.after(5*sec, 0, 107)
	r.wantOrder("J-2", 6, began)
	r.wantEvents("order", 3)
}

func TestOrderEndsWithAnEmptyTextOrZeros(t *testing.T) {
	for _, none := range []any{"", "  ", "\x00\x00", 0, 0.0, math.Copysign(0, -1), float32(0), "0", "000000000000"} {
		r := orderRig(t)
		r.after(sec, 1, none)
		began := r.now
		r.after(5*sec, 0, 104)
		r.wantOrder("", 3, began)
		r.wantEvent("order", `from "J-1" to no order`)
	}
}

func TestOrderTexts(t *testing.T) {
	long := strings.Repeat("ü", maxOrderText)
	for want, v := range map[string]any{
		"12345678": float32(12345678), "123456789012": 123456789012.0, "-7": -7, "true": true, "J 1": "J\x001\n", "a\ufffd": "a\xff",
		long: long + "12", "10": "10", "0010": "0010", "-0.5": -0.5,
	} {
		text, ok := orderText(good(v).Value)
		if !ok || text != want {
			t.Errorf("%v is %q, want %q", v, text, want)
		}
	}
}

func TestOrderIsKeptWhileNothingUsableComes(t *testing.T) {
	for name, bad := range map[string]connectors.Sample{
		"bad":        {Quality: connectors.Bad, Reason: "BadNoCommunication", Value: connectors.String("J-9")},
		"uncertain":  {Quality: connectors.Uncertain, Value: connectors.String("J-9")},
		"not finite": good(math.NaN()),
	} {
		t.Run(name, func(t *testing.T) {
			r := orderRig(t)
			r.after(sec, 1, bad)
			r.after(time.Minute, 1, bad)
			r.after(time.Minute, 1, "J-1")
			r.wantOrder("J-1", 1, epoch.Add(6*sec))
			// Nor is an order believed that nothing vouches for any more.
			r.after(sec, 1, "J-2")
			began := r.now
			r.after(sec, 1, bad)
			r.after(time.Minute, 0, 104)
			r.wantOrder("J-1", 1, epoch.Add(6*sec))
			r.after(sec, 1, "J-2")
			r.wantOrder("J-2", 3, began)
		})
	}
}

func TestOrderThatChangedWhileTheLinkWasDown(t *testing.T) {
	for name, comes := range map[string]func(r *rig){
		"order and count together": func(r *rig) { r.after(0, 0, 140, 1, "J-2") },
		"the count first":          func(r *rig) { r.after(0, 0, 140); r.after(0, 1, "J-2") },
		"the order first":          func(r *rig) { r.after(0, 1, "J-2"); r.after(sec, 0, 140) },
		"the count much later":     func(r *rig) { r.after(0, 1, "J-2"); r.after(6*sec, 0, 140) },
	} {
		t.Run(name, func(t *testing.T) {
			r := orderRig(t)
			r.relink("c", connectors.LinkDown)
			r.now = r.now.Add(10 * time.Minute)
			r.relink("c", connectors.LinkUp)
			back := r.now
			comes(r)
			r.after(4*sec, 0, 141)
			r.after(4*sec, 0, 142)
			r.wantCount(42)
			r.wantOrder("J-2", 40, back)
			r.wantEvents("order", 3)
		})
	}
}

// TestOrderThatBeganJustBeforeALoss is dated by the reconnection: one look at it
// was no proof.
func TestOrderThatBeganJustBeforeALoss(t *testing.T) {
	r := orderRig(t)
	r.after(sec, 1, "J-2")
	r.relink("c", connectors.LinkDown)
	r.now = r.now.Add(time.Minute)
	r.wantOrder("J-1", 1, epoch.Add(6*sec))
	r.relink("c", connectors.LinkUp)
	back := r.now
	r.after(0, 0, 110, 1, "J-2")
	r.after(3*sec, 0, 111)
	r.wantOrder("J-2", 10, back)
}

func TestOrderOfTwoLinks(t *testing.T) {
	begin := func(t *testing.T) *rig {
		r := newRig(t, orderSpec(onAnother))
		r.relink("d", connectors.LinkUp)
		r.after(sec, 0, 100)
		r.from("d", 1, "J-1")
		r.after(5*sec, 0, 102)
		return r
	}
	t.Run("the order's was down", func(t *testing.T) {
		r := begin(t)
		r.relink("d", connectors.LinkDown)
		r.after(10*sec, 0, 110)
		r.relink("d", connectors.LinkUp)
		r.from("d", 1, "J-2")
		back := r.now
		r.after(5*sec, 0, 112)
		r.wantOrder("J-2", 10, back)
	})
	t.Run("the counter's was down", func(t *testing.T) {
		r := begin(t)
		r.relink("c", connectors.LinkDown)
		r.now = r.now.Add(time.Minute)
		r.from("d", 1, "J-2")
		began := r.now
		r.now = r.now.Add(time.Minute)
		r.from("d", 1, "J-2")
		r.wantOrder("J-2", 2, began)
		r.wantEvent("order", "what the counter catches up on is taken to be of the one before")
		r.relink("c", connectors.LinkUp)
		r.after(sec, 0, 150)
		r.wantOrder("J-2", 50, began)
		r.after(sec, 0, 151)
		r.wantOrder("J-2", 50, began)
		r.wantCount(51)
	})
}

func TestOrderSurvivesARestart(t *testing.T) {
	t.Run("unchanged", func(t *testing.T) {
		r := orderRig(t)
		r.restart(time.Minute, orderSpec(nil))
		r.wantOrder("J-1", 1, epoch.Add(6*sec))
		r.after(sec, 0, 110, 1, "J-1")
		r.after(5*sec, 0, 111)
		r.wantOrder("J-1", 1, epoch.Add(6*sec))
		r.wantCount(11)
	})
	t.Run("changed meanwhile", func(t *testing.T) {
		r := orderRig(t)
		r.restart(time.Minute, orderSpec(nil))
		r.after(sec, 1, "J-2")
		back := r.now
		r.after(sec, 0, 110)
		r.after(5*sec, 0, 111)
		r.wantOrder("J-2", 10, back)
	})
	t.Run("while the counter has yet to catch up", func(t *testing.T) {
		r := newRig(t, orderSpec(onAnother))
		r.relink("d", connectors.LinkUp)
		r.after(sec, 0, 100)
		r.from("d", 1, "J-1")
		r.after(5*sec, 0, 102)
		r.relink("c", connectors.LinkDown)
		r.from("d", 1, "J-2")
		began := r.now
		r.now = r.now.Add(5 * sec)
		r.from("d", 1, "J-2")
		r.restart(time.Minute, orderSpec(onAnother))
		r.wantOrder("J-2", 2, began)
		r.after(sec, 0, 120)
		r.wantOrder("J-2", 20, began)
	})
	t.Run("named by another tag", func(t *testing.T) {
		r := orderRig(t)
		r.restart(time.Minute, orderSpec(func(s *Spec) { s.Signals[1].Tag.Address = "lot" }))
		r.after(sec, 0, 110, 1, "1")
		r.after(5*sec, 0, 111)
		r.wantOrder("1", 10, time.Time{})
		r.wantEvent("order", `at the first contact there is "1"`)
	})
	t.Run("from a snapshot without orders", func(t *testing.T) {
		r := newRig(t, countSpec(resets))
		r.after(sec, 0, 100)
		r.after(sec, 0, 105)
		if data, err := r.m.Snapshot(); err != nil || strings.Contains(string(data), `"order"`) || !json.Valid(data) {
			t.Fatalf("%s %v", data, err)
		}
		r.restart(sec, orderSpec(nil))
		r.after(sec, 0, 106, 1, "J-1")
		r.after(5*sec, 0, 107)
		r.wantOrder("J-1", 6, time.Time{})
	})
}

// TestOrderIsEvidenceToo reads one tag as both: the reset is proved by the
// change, at once, and what came since is in doubt and of the order before.
func TestOrderIsEvidenceToo(t *testing.T) {
	r := newRig(t, orderSpec(func(s *Spec) { s.ResetEvidence = []int{1} }))
	r.after(sec, 0, 100, 1, "J-1")
	r.after(5*sec, 0, 105)
	r.after(sec, 0, 1, 1, "J-2")
	began := r.now
	r.wantCount(6)
	r.wantEvent("R5", "proved by the device")
	r.after(sec, 0, 2)
	r.after(sec, 0, 3)
	r.wantCount(8)
	r.wantOrder("J-2", 6, began)
	// A flicker of the name is evidence, which costs nothing, and no change.
	r.after(sec, 0, 4, 1, "")
	r.after(sec, 0, 5, 1, "J-2")
	r.after(5*sec, 0, 6)
	r.wantCount(11)
	r.wantOrder("J-2", 6, began)
}

// TestOrderBeginsAfterAnUnprovedReset waits for the reset's confirmation, so that
// what it adds is of the order before, as all that is in doubt.
func TestOrderBeginsAfterAnUnprovedReset(t *testing.T) {
	r := orderRig(t)
	r.after(sec, 0, 1, 1, "J-2")
	began := r.now
	r.after(sec, 0, 1)
	r.after(sec, 0, 1)
	r.after(sec, 0, 2)
	r.wantCount(5)
	r.wantOrder("J-2", 5, began)
	r.after(sec, 0, 3)
	r.wantOrder("J-2", 5, began)
}

// TestOrderDuringADowntime counts what is made while the count is held back.
func TestOrderDuringADowntime(t *testing.T) {
	spec := bitSpec(func(s *Spec) {
		s.Signals = append(s.Signals, Signal{Connection: "c", Tag: connectors.Tag{Address: "order"}})
		s.Order = &OrderSpec{Signal: 3}
	})
	r := newRig(t, spec)
	r.after(sec, 0, 100, 1, true, 2, 0, 3, "J-1")
	r.after(sec, 0, 101)
	r.after(sec, 1, false)
	r.after(2*time.Minute, 0, 101)
	r.after(sec, 0, 103, 3, "J-2")
	began := r.now
	r.after(5*sec, 0, 103)
	r.wantCount(1) // held
	r.wantOrder("J-2", 3, began)
}

func TestOrderOfAMachineWithoutACounter(t *testing.T) {
	s := plainSpec("order")
	s.Order = &OrderSpec{Signal: 0}
	r := newRig(t, s)
	r.after(sec, 0, "J-1")
	r.after(5*sec, 0, "J-2")
	began := r.now
	r.after(5*sec, 0, "J-2")
	r.wantOrder("J-2", 0, began)
}

// TestOrderTagThatNeverRests is a wrong tag, a piece counter for instance: the
// journal says so and is not flooded.
func TestOrderTagThatNeverRests(t *testing.T) {
	r := orderRig(t)
	for i := range 150 {
		r.after(3*sec, 1, fmt.Sprint("J-", i+10))
	}
	r.wantEvent("order", "check whether the tag names the order")
	r.wantEvents("order", 1+maxOrders)
	if got := r.m.Report().Order; got != "J-158" { // the last one is yet to be believed
		t.Fatal(got)
	}
}

func TestUnchangedOrdersAllocateNothing(t *testing.T) {
	for _, v := range []any{"J-1", 4711, 12345678.0} {
		r := newRig(t, orderSpec(nil))
		r.after(sec, 0, 100, 1, v)
		r.after(5*sec, 0, 100, 1, v)
		samples := [2]connectors.Sample{good(100), good(v)}
		batch := Batch{Connection: "c", Readings: []Reading{{Signal: 0, Sample: &samples[0]}, {Signal: 1, Sample: &samples[1]}}}
		if n := testing.AllocsPerRun(100, func() {
			r.now = r.now.Add(sec)
			batch.Time = r.now
			r.m.Step(&batch, &r.out)
		}); n != 0 {
			t.Fatalf("%v: %v allocations for unchanged samples", v, n)
		}
	}
}
