package reconcile

import (
	"cmp"
	"slices"
	"time"
)

const (
	// longestShift is the largest difference of the clocks that is looked for:
	// times without a zone may be off by all of one.
	longestShift = 15 * time.Hour
	// spreads in a margin: single moments may be off the common difference of the
	// clocks by one of them.
	spreads = 6
	// mostMoments bounds the work of a machine.
	mostMoments = 400
	// enoughDifferences end the search: more machines say nothing else.
	enoughDifferences = 500_000
	// enoughMoments have to agree before a difference of the clocks is believed,
	// enoughPairs before another name of a downtime type is.
	enoughMoments = 3
	enoughPairs   = 3
	// mostCandidates bounds the pairs of a machine that have only a type and some
	// time in common.
	mostCandidates = 200_000
)

// Terms is what both sides differ in for all machines alike, and that is no
// difference of any single one.
type Terms struct {
	// Offset is how far listed times are ahead of this computer's clock. It is
	// only meaningful if Measured; otherwise it is 0.
	Offset   time.Duration `json:"offset,omitempty"`
	Measured bool          `json:"measured,omitempty"`
	// Names are the downtime types under which those that were told are listed,
	// where they are never listed under their own.
	Names map[string]string `json:"names,omitempty"`
}

// Agree finds the terms of all machines that were read together. What these do
// not show stays as it was before.
func Agree(before Terms, inputs []Input) Terms {
	t := Terms{Offset: before.Offset, Measured: before.Measured, Names: map[string]string{}}
	if offset, ok := shift(inputs); ok {
		t.Offset, t.Measured = offset, true
	}
	listed := map[string]map[string]int{}
	own := map[string]bool{}
	for i := range inputs {
		in := inputs[i].shifted(t.Offset)
		for _, d := range in.Downtimes {
			own[d.Type] = true
		}
		pairs, _, _ := match(in.stops(), in.Downtimes, in.margin(), Terms{})
		for _, p := range pairs {
			if listed[p.told.kind] == nil {
				listed[p.told.kind] = map[string]int{}
			}
			listed[p.told.kind][p.listed.Type]++
		}
	}
	for kind, names := range before.Names {
		if !own[kind] {
			t.Names[kind] = names
		}
	}
	for kind, names := range listed {
		for name, n := range names {
			if len(names) == 1 && n >= enoughPairs && !own[kind] {
				t.Names[kind] = name
			}
		}
	}
	return t
}

// name is the type under which a downtime is listed.
func (t Terms) name(kind string) string {
	if name := t.Names[kind]; name != "" {
		return name
	}
	return kind
}

// shift is the difference of the clocks on which most of the moments agree that
// both sides know: the least one of several. False if too few agree.
func shift(inputs []Input) (time.Duration, bool) {
	var all []time.Duration
	moments := 0
	for i := range inputs {
		list, n := differences(&inputs[i])
		if all, moments = append(all, list...), moments+n; len(all) > enoughDifferences {
			break
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	spread := inputs[0].spread()
	best, votes := time.Duration(0), 0
	last := 0
	for first := range all {
		for last < len(all) && all[last]-all[first] <= 2*spread {
			last++
		}
		middle := all[(first+last-1)/2]
		if n := last - first; n > votes || n == votes && middle.Abs() < best.Abs() {
			best, votes = middle, n
		}
	}
	return best, votes >= enoughMoments && 2*votes > moments
}

// differences are those of each moment that was told from each listed one of its
// sort, and the number of told moments that have any.
func differences(in *Input) (out []time.Duration, moments int) {
	var told, listed [2][]time.Time
	for _, s := range in.stops() {
		if s.known && s.sure && s.begins == 1 {
			told[0] = append(told[0], s.begin.first.Add(s.begin.last.Sub(s.begin.first)/2))
		}
		if s.sureEnd {
			told[1] = append(told[1], s.end.first.Add(s.end.last.Sub(s.end.first)/2))
		}
	}
	for _, d := range in.Downtimes {
		listed[0] = append(listed[0], d.Start)
		if !d.End.IsZero() {
			listed[1] = append(listed[1], d.End)
		}
	}
	for sort := range told {
		for _, t := range told[sort][max(0, len(told[sort])-mostMoments):] {
			n := len(out)
			for _, l := range listed[sort][max(0, len(listed[sort])-mostMoments):] {
				if d := l.Sub(t); d.Abs() <= longestShift {
					out = append(out, d)
				}
			}
			if len(out) > n {
				moments++
			}
		}
	}
	return out, moments
}

// pair is a downtime that was told with the one that is listed for it.
type pair struct {
	told   *stop
	listed *Downtime
}

// rankEnd is the last rank of a candidate whose begin or end is just as it was
// told.
const rankEnd = 2

// candidate is a pair that may be one, the better the lower its rank and
// distance.
type candidate struct {
	told, listed int
	rank         int
	distance     time.Duration
}

// match finds for each downtime that was told the listed one: by its begin
// first, then by its end, then by the time that both share. It gives those that
// are left of both sides too.
func match(told []stop, listed []Downtime, margin time.Duration, terms Terms) (pairs []pair, missing []*stop, foreign []*Downtime) {
	var all []candidate
	for i := range told {
		for j := range listed {
			if c, ok := weigh(&told[i], &listed[j], margin, terms); ok && (c.rank <= rankEnd || len(all) < mostCandidates) {
				c.told, c.listed = i, j
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.distance, b.distance))
	})
	usedTold, usedListed := make([]bool, len(told)), make([]bool, len(listed))
	for _, c := range all {
		if !usedTold[c.told] && !usedListed[c.listed] {
			usedTold[c.told], usedListed[c.listed] = true, true
			pairs = append(pairs, pair{&told[c.told], &listed[c.listed]})
		}
	}
	for i := range told {
		if !usedTold[i] {
			missing = append(missing, &told[i])
		}
	}
	for j := range listed {
		if !usedListed[j] {
			foreign = append(foreign, &listed[j])
		}
	}
	return pairs, missing, foreign
}

// weigh says how well a listed downtime fits one that was told.
func weigh(s *stop, d *Downtime, margin time.Duration, terms Terms) (candidate, bool) {
	same := terms.name(s.kind) == d.Type
	began := s.known && s.begin.near(d.Start, margin)
	ended := s.ended && !d.End.IsZero() && s.end.near(d.End, margin)
	shared := !(s.known && !d.End.IsZero() && d.End.Before(s.begin.first)) && !(s.ended && d.Start.After(s.end.last))
	switch {
	case began && same:
		return candidate{rank: 0, distance: s.begin.distance(d.Start)}, true
	case began && d.Worker == "":
		return candidate{rank: 1, distance: s.begin.distance(d.Start)}, true
	case ended && same:
		return candidate{rank: rankEnd, distance: s.end.distance(d.End)}, true
	case same && shared && s.known:
		return candidate{rank: 3, distance: s.begin.distance(d.Start)}, true
	case ended && shared && d.Worker == "":
		return candidate{rank: 4, distance: s.end.distance(d.End)}, true
	case same && shared && (!s.ended || d.End.IsZero()):
		return candidate{rank: 5}, true
	}
	return candidate{}, false
}
