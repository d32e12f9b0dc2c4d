package uplink

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

func TestExpect(t *testing.T) {
	alike := func(n int, every time.Duration) []Demand {
		list := make([]Demand, n)
		for i := range list {
			list[i].Every = every
		}
		return list
	}
	for _, c := range []struct {
		name     string
		budget   int
		machines []Demand
		errands  []Errand
		ages     []time.Duration
		asked    float64
		fitting  time.Duration
		fit      int
	}{
		{"it fits", 100, alike(3, 30*time.Second), nil, []time.Duration{30 * time.Second, 30 * time.Second, 30 * time.Second}, 6, 1800 * time.Millisecond, 50},
		{"twice too much", 60, alike(2, time.Second), nil, []time.Duration{2 * time.Second, 2 * time.Second}, 120, 2 * time.Second, 1},
		{"weights", 60, []Demand{{time.Second, 3}, {time.Second, 1}}, nil, []time.Duration{4 * time.Second / 3, 4 * time.Second}, 120, 2 * time.Second, 1},
		{"a weight gives no more than was asked for", 60, []Demand{{2 * time.Second, 100}, {time.Second, 0}}, nil, []time.Duration{2 * time.Second, 2 * time.Second}, 90, 2 * time.Second, 2},
		{"errands have their share", 70, alike(1, time.Second), []Errand{OrderErrand}, []time.Duration{time.Second}, 70, time.Second, 1},
		{"no machine", 70, nil, []Errand{ReadErrand}, nil, 1, 0, 0},
	} {
		e := Expect(c.budget, c.machines, c.errands...)
		if math.Abs(e.Asked-c.asked) > 1e-9 || e.Fitting != c.fitting || e.Machines != c.fit || len(e.Ages) != len(c.ages) {
			t.Errorf("%s: %+v", c.name, e)
			continue
		}
		for i, age := range c.ages {
			if d := e.Ages[i] - age; d.Abs() > time.Millisecond {
				t.Errorf("%s: the age of machine %d is %v instead of %v", c.name, i, e.Ages[i], age)
			}
		}
	}
}

// TestExpectIsWhatHappens compares the expectation with a desk.
func TestExpectIsWhatHappens(t *testing.T) {
	s := Settings{Budget: 60, Machines: map[string]Machine{}}
	var demands []Demand
	for i := range 50 {
		d := Demand{Every: time.Duration(10+10*(i%3)) * time.Second, Freshness: []float64{1, 2, 0.5, 4}[i%4]}
		demands = append(demands, d)
		s.Machines[fmt.Sprint("M", i)] = Machine{ReportEvery: d.Every, Freshness: d.Freshness}
	}
	expected := Expect(60, demands)
	d := NewDesk(midnight, s)
	posts := make([]int, len(demands))
	index := map[string]int{}
	for i := range demands {
		index[fmt.Sprint("M", i)] = i
	}
	var n int64
	for now := midnight; now.Before(midnight.Add(5 * time.Hour)); now = now.Add(time.Second) {
		n++
		for i := range demands {
			d.Report(now, fmt.Sprint("M", i), prodsmart.Report{Known: true, Count: n})
		}
		if w, _, ok := d.Next(now); ok {
			d.Done(now, w, verdict(yes))
			posts[index[w.Machine]]++
		}
	}
	for i, age := range expected.Ages {
		every := 5 * time.Hour / time.Duration(posts[i])
		if ratio := float64(every) / float64(age); ratio < 0.85 || ratio > 1.15 {
			t.Errorf("machine %d (%+v) was told every %v, expected were %v", i, demands[i], every, age)
		}
	}
}
