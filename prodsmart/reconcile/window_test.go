package reconcile

import (
	"math/rand/v2"
	"testing"
	"time"
)

// since is a day as it is seen by a comparison that looks back to some moment in
// it: with the records that ended later or are open, and so many posts of before.
func (in Input) since(from time.Time, offset time.Duration, before int) Input {
	in.From, in.PostsFrom = from, from
	var downtimes []Downtime
	for _, d := range in.Downtimes {
		if d.End.IsZero() || !d.End.Before(from.Add(offset)) {
			downtimes = append(downtimes, d)
		}
	}
	var productions []Production
	for _, p := range in.Productions {
		if p.End.IsZero() || !p.End.Before(from.Add(offset)) {
			productions = append(productions, p)
		}
	}
	for _, p := range productions {
		if start := p.Start.Add(-offset - 2*time.Minute); start.Before(in.PostsFrom) {
			in.PostsFrom = start
		}
	}
	first := 0
	for first < len(in.Posts) && in.Posts[first].Time.Before(in.PostsFrom) {
		first++
	}
	in.Posts = in.Posts[max(0, first-before):]
	in.Downtimes, in.Productions = downtimes, productions
	if len(in.Posts) > 0 && in.Posts[0].Time.After(in.PostsFrom) {
		in.PostsFrom = in.Posts[0].Time
		if in.From.Before(in.PostsFrom) {
			in.From = in.PostsFrom
		}
	}
	return in
}

// TestWindows looks at random days that are in step from any moment on: nothing
// differs, whatever crosses the edge.
func TestWindows(t *testing.T) {
	compared := 0
	for seed := range uint64(histories) {
		p := newPlant(seed, float64(seed%3)*0.1)
		day := p.run(12)
		terms := Agree(Terms{}, []Input{day})
		if !terms.Measured {
			continue
		}
		r := rand.New(rand.NewPCG(seed, 3))
		for range 4 {
			from := morning.Add(time.Duration(r.IntN(11*3600)) * time.Second)
			for _, before := range []int{0, 1, 50} {
				in := day.since(from, p.offset, before)
				if found := Compare(Agree(terms, []Input{in}), in); len(found) > 0 {
					t.Fatalf("day %d from %s with %d posts: %+v", seed, from, before, found)
				}
				compared++
			}
		}
	}
	if compared < histories*9 {
		t.Errorf("only %d comparisons", compared)
	}
}
