package uplink

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// need is what one machine has to tell in a finite case.
type need uint8

const (
	pieces      need = iota // a counter post
	stop                    // a stop, all pieces told
	stopPieces              // a stop, which a counter post has to precede
	startPieces             // a start, which a counter post follows
)

// posts are the posts of a need in the order that the rules ask for: true is a
// stop or start.
func (n need) posts() []bool {
	return [...][]bool{{false}, {true}, {false, true}, {true, false}}[n]
}

// outcome says when things were told, in hundredths of a slot.
type outcome struct {
	// edgeMost and edgeSum are of the time from a stop or start to its post,
	// ageMost of that from a piece to the post that tells it.
	edgeMost, edgeSum, ageMost int
}

func (o outcome) better(p outcome) bool {
	if o.edgeMost != p.edgeMost {
		return o.edgeMost < p.edgeMost
	}
	return o.ageMost < p.ageMost
}

func (o *outcome) post(edge bool, slot, arrival int) {
	wait := 100*slot - arrival
	if edge {
		o.edgeMost, o.edgeSum = max(o.edgeMost, wait), o.edgeSum+wait
	} else {
		o.ageMost = max(o.ageMost, wait)
	}
}

// finite tries all orders in which the posts can leave. It gives the best of them
// and the least edgeSum of any.
func finite(all []need, arrivals []int) (best outcome, leastSum int) {
	best.edgeMost, best.ageMost, leastSum = math.MaxInt, math.MaxInt, math.MaxInt
	posts := 0
	for _, n := range all {
		posts += len(n.posts())
	}
	done := make([]int, len(all))
	var try func(slot int, o outcome)
	try = func(slot int, o outcome) {
		if slot > posts {
			leastSum = min(leastSum, o.edgeSum)
			if o.better(best) {
				best = o
			}
			return
		}
		for i, n := range all {
			if done[i] < len(n.posts()) {
				next := o
				next.post(n.posts()[done[i]], slot, arrivals[i])
				done[i]++
				try(slot+1, next)
				done[i]--
			}
		}
	}
	try(1, outcome{})
	return best, leastSum
}

// deskFinite is what a Desk makes of the same.
func deskFinite(t *testing.T, all []need, arrivals []int) outcome {
	t.Helper()
	const slot = 600 * time.Millisecond
	desk := NewDesk(midnight, Settings{Budget: 100, ReportEvery: time.Millisecond})
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return arrivals[a] - arrivals[b] })
	posts := 0
	for _, i := range order {
		now := midnight.Add(time.Duration(arrivals[i]) * slot / 100)
		rep := prodsmart.Report{Known: true, Count: 5}
		told := Told{Counted: true, Count: 5}
		if all[i] != stop {
			rep.Count = 6
		}
		switch all[i] {
		case stop, stopPieces:
			rep.Stop = prodsmart.Stop{Episode: 1, Type: "X", Since: now}
		case startPieces:
			told.Stop = prodsmart.Stop{Episode: 1, Type: "X"}
		}
		name := fmt.Sprint("M", i)
		desk.Add(now, name, Record{Told: told})
		desk.Report(now, name, rep)
		posts += len(all[i].posts())
	}
	var o outcome
	for k := 1; k <= posts; k++ {
		now := midnight.Add(time.Duration(k) * slot)
		w, _, ok := desk.Next(now)
		if !ok {
			t.Fatalf("%v: nothing leaves in slot %d of %d", all, k, posts)
		}
		var i int
		if _, err := fmt.Sscanf(w.Machine, "M%d", &i); err != nil {
			t.Fatal(err)
		}
		o.post(w.Post.Service == prodsmart.StartStopService, k, arrivals[i])
		desk.Done(now, w, prodsmart.Answer{Verdict: prodsmart.Accepted})
	}
	return o
}

// finiteCases are up to four machines of which any may have stopped or started, in
// any order of arrival before the first slot.
func finiteCases(try func(all []need, arrivals []int)) {
	for n := 1; n <= 4; n++ {
		for _, order := range orders(n) {
			arrivals := make([]int, n)
			for i, o := range order {
				arrivals[i] = 10 * (o + 1)
			}
			for c := range 1 << (2 * n) {
				all := make([]need, n)
				for i := range all {
					all[i] = need(c >> (2 * i) & 3)
				}
				try(all, arrivals)
			}
		}
	}
}

// TestFiniteCasesWithTransitions compares the Desk with every order of service.
// docs/scheduling.md says why the sum of edge latencies may be sqrt(2) times the
// least, and how far the ages were from theirs.
func TestFiniteCasesWithTransitions(t *testing.T) {
	cases, optimal, sums := 0, 0, 0
	worstSum, worstAge := 1.0, 0
	finiteCases(func(all []need, arrivals []int) {
		best, leastSum := finite(all, arrivals)
		got := deskFinite(t, all, arrivals)
		cases++
		if got.edgeMost > best.edgeMost+100*interposed(all) {
			t.Errorf("%v arriving %v: largest edge latency %d, optimum %d", all, arrivals, got.edgeMost, best.edgeMost)
		}
		if got.edgeMost == best.edgeMost {
			optimal++
			worstAge = max(worstAge, got.ageMost-best.ageMost)
		}
		if leastSum > 0 {
			worstSum = max(worstSum, float64(got.edgeSum)/float64(leastSum))
		}
		if got.edgeSum == leastSum {
			sums++
		}
	})
	t.Logf("%d cases: largest edge latency optimal in %d, sum in %d; worst ratio of sums %.3f; largest age at most %.2f slots above the optimum",
		cases, optimal, sums, worstSum, float64(worstAge)/100)
	if worstSum > math.Sqrt2 || worstAge > 300 {
		t.Errorf("worst ratio of sums %.3f, age %d: docs/scheduling.md states less", worstSum, worstAge)
	}
}

// interposed is the number of regular posts that leave among the posts of edges:
// one after each four, if any wait.
func interposed(all []need) int {
	posts := 0
	for _, n := range all {
		switch n {
		case stop, startPieces:
			posts++
		case stopPieces:
			posts += 2
		}
	}
	if posts == 0 || !slices.Contains(all, pieces) {
		return 0
	}
	return (posts - 1) / 4
}
