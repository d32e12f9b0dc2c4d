package uplink

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// cycleExists says whether there is an endless schedule in which the age of each
// machine, in slots, is at most most[i] whenever it is told. Its states are the
// ages just after a slot; states from which no slot leads to a state that is left
// are taken away until none is.
func cycleExists(most []int) bool {
	states := 1
	for _, m := range most {
		if m == 0 {
			return false
		}
		states *= m // after a slot an age is 0 to m-1, or nobody can help it
	}
	dead := make([]bool, states)
	ages := make([]int, len(most))
	for changed := true; changed; {
		changed = false
		for s := range states {
			if !dead[s] && !goesOnFrom(s, most, ages, dead) {
				dead[s], changed = true, true
			}
		}
	}
	return !dead[0] // younger is never worse, and nothing is younger than all at 0
}

// goesOnFrom says whether some machine can be told next so that a state that is
// left follows. ages is scratch.
func goesOnFrom(state int, most, ages []int, dead []bool) bool {
	late, which := 0, 0
	for i, m := range most {
		ages[i] = state%m + 1
		state /= m
		if ages[i] == m {
			late, which = late+1, i
		}
	}
	if late > 1 {
		return false
	}
	for i := range ages {
		if late == 1 && i != which {
			continue
		}
		next, unit := 0, 1
		for j, m := range most {
			if j != i {
				next += ages[j] * unit
			}
			unit *= m
		}
		if !dead[next] {
			return true
		}
	}
	return false
}

// optimum is the least largest weight*age, in slots, of any endless schedule.
func optimum(weights []int) int {
	most := make([]int, len(weights))
	for k := 1; ; k++ {
		for i, w := range weights {
			most[i] = k / w
		}
		if cycleExists(most) {
			return k
		}
	}
}

func TestOptimumKnowsPinwheels(t *testing.T) {
	for _, c := range []struct {
		most []int
		want bool
	}{
		{[]int{2, 4, 4}, true}, {[]int{2, 3, 100}, false}, {[]int{3, 4, 5, 8}, true},
		{[]int{2, 4, 5}, true}, {[]int{3, 3, 4}, true}, {[]int{3, 3, 4, 50}, false}, {[]int{1}, true}, {[]int{1, 50}, false}, {[]int{4, 4, 4, 4, 50}, false},
	} {
		if got := cycleExists(c.most); got != c.want {
			t.Errorf("%v: %t", c.most, got)
		}
	}
	if got := optimum([]int{1, 1, 1}); got != 3 {
		t.Errorf("three equal machines: %d", got)
	}
	if got := optimum([]int{1, 9}); got != 18 {
		t.Errorf("weights 1 and 9: %d", got)
	}
}

// deskWorst lets a Desk tell machines with the given weights that change all the
// time and began phases[i] slots apart from the first, and gives the largest
// weight*age, in slots, once the beginning is over.
func deskWorst(t *testing.T, weights, phases []int, slots int) int {
	t.Helper()
	const slot = 600 * time.Millisecond
	s := Settings{Budget: 100, ReportEvery: 120 * time.Millisecond, Machines: map[string]Machine{}}
	names := make([]string, len(weights))
	for i, w := range weights {
		names[i] = fmt.Sprint("M", i)
		s.Machines[names[i]] = Machine{Freshness: float64(w)}
	}
	desk := NewDesk(midnight, s)
	for _, name := range names {
		desk.Add(midnight, name, Record{Told: Told{Counted: true}})
	}
	told := make([]int, len(weights)) // the slot
	settled := slots / 2
	worst := 0
	var count int64
	for k := range slots {
		count++
		before := midnight.Add(time.Duration(k)*slot + slot/2)
		for i, name := range names {
			if phases[i] == k {
				desk.Report(before, name, prodsmart.Report{Known: true, Count: count})
			}
		}
		now := midnight.Add(time.Duration(k+1) * slot)
		w, _, ok := desk.Next(now)
		if !ok {
			if k > slices.Max(phases) {
				t.Fatalf("weights %v, phases %v: slot %d is not used", weights, phases, k)
			}
			continue
		}
		i := slices.Index(names, w.Machine)
		desk.Report(now, w.Machine, prodsmart.Report{Known: true, Count: count + 1})
		desk.Done(now, w, prodsmart.Answer{Verdict: prodsmart.Accepted})
		if k >= settled {
			worst = max(worst, weights[i]*(k-told[i]))
		}
		told[i] = k
	}
	for i := range told { // who was never told again
		worst = max(worst, weights[i]*(slots-told[i]))
	}
	return worst
}

// deadlineWorst is deskWorst for the rule that is proven to stay below twice the
// sum of weights: of the machines whose weight*age has reached the sum, the one
// that would be first at twice the sum; if there is none, the largest.
func deadlineWorst(weights []int, slots int) int {
	sum, worst := 0, 0
	for _, w := range weights {
		sum += w
	}
	ages := make([]int, len(weights))
	for k := range slots {
		best, tallest, due := -1, 0, 0.0
		for i, w := range weights {
			ages[i]++
			if k >= slots/2 {
				worst = max(worst, w*ages[i])
			}
			if w*ages[i] > weights[tallest]*ages[tallest] {
				tallest = i
			}
			if left := float64(2*sum-w*ages[i]) / float64(w); w*ages[i] >= sum && (best < 0 || left < due) {
				best, due = i, left
			}
		}
		if best < 0 {
			best = tallest
		}
		ages[best] = 0
	}
	return worst
}

// multisets are all ascending lists of n numbers from least to most.
func multisets(n, least, most int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for first := least; first <= most; first++ {
		for _, rest := range multisets(n-1, first, most) {
			all = append(all, append([]int{first}, rest...))
		}
	}
	return all
}

// phasesOf are ways in which n machines may begin: all of n slots for each if
// there are few, all orders if there are more.
func phasesOf(n int) [][]int {
	if n > 3 {
		return orders(n)
	}
	all := [][]int{nil}
	for range n {
		var longer [][]int
		for _, p := range all {
			for k := range n {
				longer = append(longer, append(slices.Clone(p), k))
			}
		}
		all = longer
	}
	return all
}

// orders are the permutations of 0 to n-1.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return all
}

// TestEqualWeightsAreOptimal: from whatever phases, no schedule has a smaller
// largest age.
func TestEqualWeightsAreOptimal(t *testing.T) {
	for n := 1; n <= 5; n++ {
		weights := slices.Repeat([]int{1}, n)
		best := optimum(weights)
		if best != n {
			t.Errorf("%d machines: the optimum is %d, the proof says %d", n, best, n)
		}
		for _, phases := range phasesOf(n) {
			if worst := deskWorst(t, weights, phases, 80); worst != best {
				t.Errorf("%d machines, phases %v: largest age %d slots, optimum %d", n, phases, worst, best)
			}
		}
	}
}

// TestWeightsStayNearTheOptimum compares the rule "largest age to target first"
// with the optimum of every choice of small weights. docs/scheduling.md names the
// worst ratio found; the proven bound is less than 4 times the sum of weights.
func TestWeightsStayNearTheOptimum(t *testing.T) {
	worst, at, optimal, cases := 0.0, "", 0, 0
	density, deadlineRatio, deadlineOptimal := 0.0, 0.0, 0
	for n, most := range map[int]int{2: 12, 3: 8, 4: 5, 5: 4} {
		for _, weights := range multisets(n, 1, most) {
			sum := 0
			for _, w := range weights {
				sum += w
			}
			best := optimum(weights)
			if best < sum || best < 2*weights[n-1] {
				t.Errorf("weights %v: optimum %d is below what can be", weights, best)
			}
			got := 0
			for _, phases := range phasesOf(n) {
				got = max(got, deskWorst(t, weights, phases, 160))
			}
			cases++
			if got < best {
				t.Errorf("weights %v: %d is better than the optimum %d", weights, got, best)
			}
			if got == best {
				optimal++
			}
			deadline := deadlineWorst(weights, 160)
			if deadline == best {
				deadlineOptimal++
			}
			deadlineRatio = max(deadlineRatio, float64(deadline)/float64(best))
			if got >= 4*sum {
				t.Errorf("weights %v: %d, although less than %d is proven", weights, got, 4*sum)
			}
			density = max(density, float64(got)/float64(sum))
			if r := float64(got) / float64(best); r > worst {
				worst, at = r, fmt.Sprintf("weights %v: %d instead of %d", weights, got, best)
			}
		}
	}
	t.Logf("%d cases, %d of them optimal; worst ratio to the optimum %.3f (%s), to the sum of weights %.3f", cases, optimal, worst, at, density)
	t.Logf("the rule of deadlines: %d optimal, worst ratio %.3f", deadlineOptimal, deadlineRatio)
	if worst > 1.334 || density > 1.85 || cases-optimal > 32 {
		t.Errorf("worst ratio %.3f (%s), %.3f of the sum of weights, %d not optimal: docs/scheduling.md states less", worst, at, density, cases-optimal)
	}
}
